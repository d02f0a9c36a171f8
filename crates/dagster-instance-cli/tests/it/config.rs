//! `config check`, `config show` and `config schema`.

use crate::home::Home;

/// What no output may hold.
const SECRET: &str = "hunter2";

fn configured(text: &str) -> Home {
    let home = Home::empty();
    std::fs::write(home.path().join("dagster.yaml"), text).expect("a file");
    home
}

/// What the command says of a file, in both forms.
fn check(name: &str, line: &str, text: &str) {
    let home = configured(text);
    let mut arguments: Vec<_> = line.split(' ').collect();
    insta::assert_snapshot!(name.to_owned(), home.run(&arguments));
    arguments.push("--json");
    insta::assert_snapshot!(format!("{name}_json"), home.run(&arguments));
}

#[test]
fn mistakes_of_each_kind() {
    let postgres = "storage:\n  postgres:\n    postgres_db:\n      username: me\n";
    for (name, text) in [
        (
            "unknown_key",
            format!("{postgres}      pasword: hunter2\n      hostname: db\n      db_name: d\n"),
        ),
        ("wrong_type", "run_retries:\n  enabled: true\n  max_retries: three\n".to_owned()),
        (
            "missing_variable",
            format!("{postgres}      password:\n        env: NO_SUCH_VARIABLE\n      hostname: db\n      db_name: d\n"),
        ),
        (
            "contradicting_sections",
            "run_queue:\n  max_concurrent_runs: 1\nrun_coordinator:\n  module: dagster.core.run_coordinator\n  \
             class: DefaultRunCoordinator\n"
                .to_owned(),
        ),
        ("syntax", "telemetry:\n  enabled: [true\nnux: {}\n".to_owned()),
        (
            "two_documents",
            "telemetry:\n  enabled: true\n---\ntelemetry:\n  enabled: false\n".to_owned(),
        ),
        (
            "wrong_class",
            "run_launcher:\n  module: dagster_k8s\n  class: K8sRunLaucher\n".to_owned(),
        ),
        (
            "wrong_url",
            "storage:\n  postgres:\n    postgres_url: mysql://me:hunter2@db/d\n".to_owned(),
        ),
        (
            "several",
            "telemtry:\n  enabled: true\nrun_launcher:\n  module: dagster_k8s\n  class: K8sRunLauncher\n\
             scheduler:\n  module: mine\n  class: Mine\n"
                .to_owned(),
        ),
    ] {
        check(name, "config check", &text);
    }
}

#[test]
fn what_is_no_mistake_for_dagster() {
    check("only_when_used", "config check", "run_queue:\n  max_concurrent_runs: -5\n");
    check("mysql", "config check", "storage:\n  mysql:\n    mysql_url: mysql://me:hunter2@db/d\n");
    check("no_mistakes", "config check", "run_retries:\n  enabled: true\n");
    insta::assert_snapshot!("no_file", Home::empty().run(&["config", "check"]));
}

#[test]
fn a_file_may_be_anywhere_and_has_to_be_there() {
    let home = configured("storage: {sqlite: {base_dir: {env: DAGSTER_HOME}}}\n");
    let file = home.path().join("dagster.yaml");
    let file = file.to_str().expect("text");
    // Its directory is the instance's.
    let ended = home.run_with(&["config", "check", file], &[]);
    assert_eq!(ended.code, Some(0), "{ended}");
    assert_eq!(ended.stdout, "[HOME]/dagster.yaml: no mistakes\n");
    let other = Home::empty();
    assert_eq!(other.run(&["config", "check", file]).code, Some(0));
    let ended = other.run(&["config", "check", "no/such/file.yaml"]);
    assert_eq!((ended.code, &*ended.stdout), (Some(1), ""), "{ended}");
    assert!(ended.stderr.contains("no/such/file.yaml"), "{ended}");
    // Whatever the arguments say of stores stands in the place of the file's.
    let broken = configured("storage: {nonsense: 1}\n");
    assert_eq!(broken.run(&["config", "check"]).code, Some(1));
    assert_eq!(broken.run(&["config", "check", "--storage", "/srv/d"]).code, Some(0));
}

const POSTGRES: &str = "\
storage:
  postgres:
    postgres_db:
      username: me
      password:
        env: DB_PASSWORD
      hostname:
        env: DB_HOST
      db_name: dagster
run_queue:
  max_concurrent_runs: 25
run_launcher:
  module: dagster_k8s
  class: K8sRunLauncher
  config:
    instance_config_map: dagster-instance
    job_namespace: jobs
    env_vars: [\"PASSWORD=hunter2\"]
";

#[test]
fn settings_of_a_deployment() {
    let home = configured(POSTGRES);
    let home_argument = home.path().to_str().expect("text");
    let variables = [
        ("DB_PASSWORD", SECRET),
        ("DB_HOST", "db.example"),
        ("DAGSTER_DAEMON_HEARTBEAT_TOLERANCE", "60"),
    ];
    let show = |arguments: &[&str]| {
        let all: Vec<_> = ["--home", home_argument].iter().chain(arguments).copied().collect();
        home.run_with(&all, &variables)
    };
    insta::assert_snapshot!("show", show(&["config", "show"]));
    insta::assert_snapshot!("show_json", show(&["config", "show", "--json"]));
    let ended = show(&["config", "show", "--storage", "/srv/dagster"]);
    assert!(ended.stdout.contains("SQLite in /srv/dagster/history, from --storage"), "{ended}");
}

#[test]
fn settings_without_a_file_are_defaults() {
    insta::assert_snapshot!("show_defaults", Home::empty().run(&["config", "show"]));
}

#[test]
fn settings_that_this_program_does_not_serve_are_shown() {
    for (text, part) in [
        ("storage: {mysql: {mysql_url: 'mysql://me:hunter2@db/d'}}\n", "mysql://me:***@db/d"),
        ("storage: {custom: {module: mine, class: Mine, config: {url: hunter2}}}\n", "mine.Mine"),
        ("instance_class: {module: mine, class: Mine}\n", "mine.Mine"),
    ] {
        let ended = configured(text).run(&["config", "show"]);
        assert_eq!(ended.code, Some(0), "{ended}");
        let unusable = ended.stdout.split("What cannot be used:").nth(1).unwrap_or_default();
        assert!(
            ended.stdout.contains(part) && unusable.contains("Mine") | unusable.contains("MySQL"),
            "{ended}"
        );
        assert!(!ended.to_string().contains(SECRET), "{ended}");
    }
}

#[test]
fn a_file_that_cannot_be_read_has_no_settings() {
    let ended = configured("storage: [\n").run(&["config", "show"]);
    assert_eq!((ended.code, &*ended.stdout), (Some(1), ""), "{ended}");
    assert!(ended.stderr.contains("[HOME]/dagster.yaml:1:10"), "{ended}");
}

#[test]
fn the_schema_is_json() {
    let ended = Home::empty().run(&["config", "schema"]);
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    let schema: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(schema["title"], "dagster.yaml");
}

/// Passwords in every place of one file, and one whose places are wrong. More places: `instance-config/tests/it/secrets.rs`.
#[test]
fn no_secret_is_shown() {
    let launcher = "run_launcher:\n  module: dagster_k8s\n  class: K8sRunLauncher\n  config:\n    \
                    instance_config_map: m\n    env_vars: ['PASSWORD=hunter2']\n    run_k8s_config:\n      \
                    container_config: {env: [{name: PASSWORD, value: hunter2}]}\n";
    let logs = "compute_logs:\n  module: mine\n  class: Mine\n  config: {token: hunter2}\n";
    let url =
        "storage: {postgres: {postgres_url: 'postgresql://u:hunter2@h/d?sslpassword=hunter2'}}\n";
    let of_variable = "storage: {postgres: {postgres_url: {env: URL}}}\n";
    let parts = "storage: {postgres: {postgres_db: {username: u, hostname: h, db_name: d, password: {env: SECRET}, \
                 params: {sslpassword: hunter2}}}}\n";
    let unknown = "storage: {postgres: {postgres_db: {username: u, hostname: h, db_name: d, pasword: hunter2}}}\n\
                   password: hunter2\n";
    for storage in [url, of_variable, parts, unknown] {
        let text = format!("{storage}{launcher}{logs}");
        let home = configured(&text);
        let path = home.path().to_str().expect("text");
        for command in [&["check"][..], &["check", "--json"], &["show"], &["show", "--json"]] {
            let arguments = [&["--home", path, "config"], command].concat();
            let variables =
                [("SECRET", SECRET), ("URL", "postgresql://u:hunter2@h/d?password=hunter2")];
            let ended = home.run_with(&arguments, &variables);
            assert!(ended.code.is_some_and(|code| code < 2), "{text}{ended}");
            assert!(!ended.to_string().contains(SECRET), "{text}{ended}");
        }
    }
}

const WORKSPACE: &str = "load_from:\n\
                         - python_file: {relative_path: code/defs.py, attribute: defs}\n\
                         - python_module: {module_name: jobs, location_name: nightly}\n\
                         - grpc_server: {port: 4711, ssl: true, additional_metadata: {token: hunter2}}\n";

/// What the commands say of the file of a workspace, in both forms.
fn workspace(name: &str, file: &str, text: &str) {
    let home = Home::empty();
    let path = home.path().join(file);
    std::fs::write(&path, text).expect("a file");
    let path = path.to_str().expect("text");
    // The code of a project is loaded in the current directory.
    let current = std::env::current_dir().expect("a directory");
    let current = current.to_str().expect("text");
    for command in ["check", "show"] {
        let mut arguments = vec!["config", command, "--workspace", path];
        for name in
            [format!("workspace_{name}_{command}"), format!("workspace_{name}_{command}_json")]
        {
            let told = home.run(&arguments).to_string().replace(current, "[CURRENT]");
            assert!(!told.contains(SECRET), "{told}");
            insta::assert_snapshot!(name, told);
            arguments.push("--json");
        }
    }
}

#[test]
fn workspaces_right_and_wrong() {
    workspace("right", "workspace.yaml", WORKSPACE);
    let broken = format!(
        "{WORKSPACE}- grpc_server: {{prot: 1, location_name: nightly}}\n- python_module: jobs\n- python_modules: a\n"
    );
    workspace("wrong", "w.yaml", &broken);
    workspace("project", "pyproject.toml", "[tool.dg.project]\nroot_module = \"mine\"\n");
}

#[test]
fn the_file_of_a_workspace_has_to_be_there() {
    let home = Home::empty();
    let ended = home.run(&["config", "check", "--workspace", "no/such/workspace.yaml"]);
    assert_eq!((ended.code, &*ended.stdout), (Some(1), ""), "{ended}");
    assert!(ended.stderr.contains("no/such/workspace.yaml"), "{ended}");
    // A file belongs to a workspace.
    let ended = home.run(&["config", "show", "dagster.yaml"]);
    assert_eq!(ended.code, Some(2), "{ended}");
    let schema = home.run(&["config", "schema", "--workspace"]).stdout;
    assert!(schema.contains("\"title\": \"workspace.yaml\""), "{schema}");
}
