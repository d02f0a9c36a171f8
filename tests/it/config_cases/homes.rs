//! Case 16: which directory is the home.

use dagster_instance_tests::Home;
use instance_config::find_home;

use super::support::{Variables, load_from, shown};

fn home_of(variables: &[(&str, &str)]) -> Result<std::path::PathBuf, String> {
    find_home(None, &Variables(variables)).map(|home| home.path).map_err(|error| shown(&error))
}

/// `~` is the directory of the user.
#[test]
fn the_directory_of_the_user_is_expanded() {
    let user = Home::new();
    let text = user.path().to_str().expect("a text");
    std::fs::create_dir(user.path().join("inner")).expect("a directory");
    for (given, expected) in [("~", user.path().to_owned()), ("~/inner", user.path().join("inner"))]
    {
        assert_eq!(home_of(&[("HOME", text), ("DAGSTER_HOME", given)]), Ok(expected), "{given}");
    }
}

/// Each process would take another directory for it.
#[test]
fn a_relative_home_is_refused() {
    for given in [".", "home", "~nobody-of-this-name/x", "$HOME"] {
        let error = home_of(&[("HOME", "/u"), ("DAGSTER_HOME", given)]).expect_err(given);
        assert!(error.contains("DAGSTER_HOME") && error.contains(given), "{error}");
    }
}

/// An empty variable names no home.
#[test]
fn an_empty_variable_names_no_home() {
    let without = home_of(&[("HOME", "/u")]);
    assert_eq!(home_of(&[("HOME", "/u"), ("DAGSTER_HOME", "")]), without);
}

/// A home that is not there is an error for the programs that read, and none is made.
#[test]
fn a_missing_home_is_not_created() {
    let absent = Home::new();
    std::fs::remove_dir(absent.path()).expect("an empty directory");
    let finished = absent.ours(&["run", "list"]);
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    assert!(finished.stderr.contains(&*absent.path().to_string_lossy()), "{}", finished.stderr);
    assert!(!absent.path().exists());
}

/// Dagster looks for the file by a pattern, does not find it, and takes defaults without a word. Its runs are then in
/// SQLite, whatever the file says, so ours are, too; but we say so.
#[test]
fn a_home_with_brackets_in_its_name_has_no_file() {
    let above = Home::new();
    let home = above.path().join("with [brackets]");
    std::fs::create_dir(&home).expect("a directory");
    std::fs::write(home.join("dagster.yaml"), "telemetry:\n  enabled: false\n").expect("a file");
    assert_eq!(load_from(&home, &[]).map(|settings| settings.telemetry_enabled), Ok(true));
    let finished = above.ours(&["info", "--home", &home.to_string_lossy()]);
    assert!(finished.stderr.contains("rename the directory"), "{}", finished.stderr);
}
