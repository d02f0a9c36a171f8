//! Homes with odd names, which Dagster finds by patterns and by URLs.

use dagster_instance_tests::{Home, dagster, dagster_script};

use super::{Ended, ours, recorded};

#[test]
fn dagster_reads_what_we_write_in_homes_with_odd_names() {
    let parent = Home::new();
    for name in ["~", "a b", "[ab]", "*", "100%", "a#b", "a'b", "ünïcödé-数据", "a&b=c"] {
        let home = parent.path().join(name);
        std::fs::create_dir(&home).expect("a directory");
        let id = recorded(ours(&home, &[]));
        let listed = Ended::of(ours(&home, &["run", "list", "--json"])).succeeded();
        assert!(listed.stdout.contains(&id), "{name}: {}", listed.stdout);
        let events = Ended::of(ours(&home, &["run", "events", &id, "--json"])).succeeded();
        let read = dagster("read_run.py", &[&home.to_string_lossy(), &id]);
        assert_eq!(read["status"], "SUCCESS", "{name}");
        assert_eq!(read["events"], events.stdout.lines().count(), "{name}");
        let mut followed = ours(&home, &["run", "tail", &id]);
        followed.env("TZ", "UTC");
        Ended::of(followed).succeeded();
        Ended::of(ours(&home, &["migrate", "--check"])).succeeded();
    }
}

/// Dagster makes a URL of the path, and what follows a question mark is none of it: all three stores are one file beside the home.
#[test]
fn dagster_cuts_a_name_at_a_question_mark() {
    let parent = Home::new();
    let home = parent.path().join("a?b");
    std::fs::create_dir(&home).expect("a directory");
    let id = recorded(ours(&home, &[]));
    let mut script = dagster_script("read_run.py");
    script.arg(&home).arg(&id);
    let failed = Ended::of(script);
    assert!(
        failed.stderr.contains("'NoneType' object has no attribute 'status'"),
        "{}",
        failed.stderr
    );
    assert!(parent.path().join("a").is_file());
    let listed = Ended::of(ours(&home, &["run", "list", "--json"])).succeeded();
    assert!(listed.stdout.contains(&id), "{}", listed.stdout);
}

/// In `dagster.yaml`, a tilde is a name like any other, as for Dagster; in `DAGSTER_HOME`, it is the user's home.
#[test]
fn a_tilde_is_the_users_home_in_the_variable_alone() {
    let user = Home::new();
    let home = user.path().join("dh");
    std::fs::create_dir(&home).expect("a directory");
    let mut exec = std::process::Command::new(dagster_instance_tests::binary());
    exec.env("DAGSTER_HOME", "~/dh").env("HOME", user.path()).current_dir(user.path());
    let id = recorded(exec);
    assert!(home.join("history/runs.db").is_file());
    assert!(!user.path().join("~").exists());
    let read = dagster("read_run.py", &[&home.to_string_lossy(), &id]);
    assert_eq!(read["status"], "SUCCESS");

    std::fs::write(home.join("dagster.yaml"), "storage: {sqlite: {base_dir: '~/x'}}\n")
        .expect("a file");
    let mut exec = std::process::Command::new(dagster_instance_tests::binary());
    exec.env("DAGSTER_HOME", &home).env("HOME", user.path()).current_dir(user.path());
    recorded(exec);
    assert!(user.path().join("~/x/history/runs.db").is_file());
    assert!(!user.path().join("x").exists());
}
