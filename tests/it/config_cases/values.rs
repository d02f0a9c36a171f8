//! Case 15: variables of the environment in the place of values, and values of the wrong type.

use super::support::{PASSWORD, accepted, postgres, refused};

fn of_postgres(more: &str) -> String {
    format!(
        "storage:\n  postgres:\n    postgres_db:\n      username: u\n      hostname: h\n      db_name: d\n{more}"
    )
}

/// A variable that is set, but empty, has a value. One that is not set is an error that names it.
#[test]
fn an_empty_variable_is_a_value() {
    let password = of_postgres("      password:\n        env: PG_PASSWORD\n");
    let settings = accepted(&password, &[("PG_PASSWORD", "")]);
    let found = postgres(&settings.storage).password.as_ref();
    assert_eq!(found.map(dagster_instance::settings::Secret::expose).unwrap_or_default(), "");
    let settings = accepted(&password, &[("PG_PASSWORD", PASSWORD)]);
    let found = postgres(&settings.storage).password.as_ref();
    assert_eq!(found.map(dagster_instance::settings::Secret::expose), Some(PASSWORD));
    assert!(!format!("{settings:?}").contains(PASSWORD));
    refused(&password, &[], &["8:", "PG_PASSWORD", "not set"]);
}

/// A port is a number, or a variable with the text of one, which may have a newline at its end.
#[test]
fn a_port_is_a_number_or_a_variable() {
    let port = of_postgres("      port:\n        env: PG_PORT\n");
    for text in ["5433", "5433\n", " 5433 ", "5_433", "+5433"] {
        let settings = accepted(&port, &[("PG_PORT", text)]);
        assert_eq!(postgres(&settings.storage).port, Some(5433), "{text:?}");
    }
    for text in ["", "0x1539", "5433.0", "many"] {
        refused(&port, &[("PG_PORT", text)], &["PG_PORT"]);
    }
    refused(&of_postgres("      port: '5433'\n"), &[], &["7:13", "port", "5433"]);
}

/// The name of a variable that YAML reads as something else than text.
#[test]
fn the_name_of_a_variable_is_text() {
    refused(
        &of_postgres("      password:\n        env: TRUE\n"),
        &[("TRUE", "x")],
        &["8:14", "env"],
    );
}

/// Variables stand only where Dagster has them stand.
#[test]
fn a_variable_stands_only_where_dagster_reads_one() {
    refused("run_retries:\n  enabled:\n    env: X\n", &[("X", "true")], &["run_retries.enabled"]);
    refused("telemetry:\n  enabled:\n    env: X\n", &[("X", "true")], &["telemetry.enabled"]);
    // Among the parameters of a connection it is none. Dagster hands Python's text of the mapping to the server.
    let params = of_postgres("      params:\n        application_name:\n          env: X\n");
    refused(&params, &[("X", "resolved")], &["params.application_name", "no variables"]);
}

/// `DAGSTER_HOME` is the home that was named, however it was named.
#[test]
fn the_home_stands_in_for_its_variable() {
    let yaml = "storage:\n  sqlite:\n    base_dir:\n      env: DAGSTER_HOME\n";
    let home = super::support::home(yaml);
    let settings = super::support::load_from(home.path(), &[("DAGSTER_HOME", "/elsewhere")]);
    let expected = dagster_instance::settings::StorageSettings::sqlite_below(home.path());
    assert_eq!(settings.map(|settings| settings.storage), Ok(expected));
}

/// What was accepted once, and is a mistake for Dagster.
#[test]
fn values_of_a_wrong_type_are_refused() {
    for (yaml, named) in [
        ("run_retries:\n  max_retries: '3'\n", "2:16"),
        ("run_retries:\n  max_retries:\n    env: X\n", "run_retries.max_retries"),
        ("run_retries:\n  max_retries:\n", "run_retries.max_retries"),
        ("run_retries:\n  max_retries: 3.0\n", "3.0"),
        ("run_monitoring:\n  enabled: 'yes'\n", "2:12"),
    ] {
        refused(yaml, &[("X", "3")], &[named]);
    }
    refused(&of_postgres("      port: '5432'\n"), &[], &["port"]);
    refused(&of_postgres("      params:\n"), &[], &["params"]);
}

/// Every parameter of a connection is followed, or refused by its name; no value is shown.
#[test]
fn no_parameter_of_a_connection_is_dropped() {
    for name in ["sslpassword", "unheard_of"] {
        let yaml = of_postgres(&format!("      params:\n        {name}: {PASSWORD}\n"));
        let settings = accepted(&yaml, &[]);
        assert_eq!(postgres(&settings.storage).param(name), Some(PASSWORD));
        assert!(!format!("{settings:?}").contains(PASSWORD));
    }
}
