//! The configuration of a Postgres database.

use instance_core::settings::{PostgresAuthProvider, PostgresSettings, Secret, StoreSettings};

use crate::support::{load, loaded, refused};

fn postgres(config: &str) -> PostgresSettings {
    match loaded(&format!("storage: {{postgres: {config}}}\n")).storage.run_storage {
        StoreSettings::Postgres(postgres) => postgres,
        other => panic!("{other:?}"),
    }
}

#[test]
fn fields_stay_as_they_are() {
    let settings = postgres(
        "{postgres_db: {username: 'u@/:', password: {env: PASSWORD}, hostname: db.example, db_name: dagster, port: \
         {env: NUMBER}, params: {sslmode: require, connect_timeout: 10, flag: true}}, should_autocreate_tables: false}",
    );
    let password = settings.password.as_ref().map(Secret::expose);
    assert_eq!(password, Some("pa/ss@w:rd#?%+ é"));
    assert_eq!(settings.username.as_deref(), Some("u@/:"));
    assert_eq!((settings.host.as_deref(), settings.port), (Some("db.example"), Some(7)));
    assert_eq!(settings.database.as_deref(), Some("dagster"));
    assert_eq!(settings.param("sslmode"), Some("require"));
    assert_eq!(settings.param("connect_timeout"), Some("10"));
    assert_eq!(settings.param("flag"), Some("True"));
    assert!(!settings.should_autocreate_tables);
    assert!(!format!("{settings:?}").contains("pa/ss"));
}

#[test]
fn what_is_not_said_is_dagsters_default() {
    let settings =
        postgres("{postgres_db: {username: '', hostname: '', db_name: 'd?sslmode=disable'}}");
    assert_eq!(
        settings,
        PostgresSettings::new()
            .with_port(5432)
            .with_database("d".to_owned())
            .with_params(vec![("sslmode".to_owned(), "disable".into())])
    );
    let address = postgres("{postgres_db: {username: u, hostname: '[::1]', db_name: d}}");
    assert_eq!(address.host.as_deref(), Some("::1"));
}

#[test]
fn a_url_is_read_field_by_field() {
    let settings = postgres("{postgres_url: 'postgresql+psycopg2://u:p/w#1@h:5433/d'}");
    assert_eq!(settings, PostgresSettings::from_url("postgresql://u:p/w#1@h:5433/d").unwrap());
    // An empty URL is none.
    let settings = postgres(
        "{postgres_url: {env: EMPTY}, postgres_db: {username: u, hostname: h, db_name: d}}",
    );
    assert_eq!(settings.host.as_deref(), Some("h"));
}

#[test]
fn services_that_give_out_tokens_are_known() {
    let with = |provider: &str| {
        let db = "postgres_db: {username: u, hostname: h, db_name: d}";
        postgres(&format!("{{{db}, auth_provider: {provider}}}")).auth_provider
    };
    let scope = "https://ossrdbms-aad.database.windows.net/.default".to_owned();
    assert_eq!(with("{azure_wif: {}}"), Some(PostgresAuthProvider::AzureWif { scope }));
    let scope = "https://ossrdbms-aad.database.windows.net/.default".to_owned();
    assert_eq!(with("{azure_wif: null}"), Some(PostgresAuthProvider::AzureWif { scope }));
    assert_eq!(with("{gcp_wif: {}}"), Some(PostgresAuthProvider::GcpWif));
    let region = "eu-1".to_owned();
    assert_eq!(with("{aws_wif: {region: eu-1}}"), Some(PostgresAuthProvider::AwsWif { region }));
    let error = load(
        "storage: {postgres: {postgres_url: 'postgresql://h/d', auth_provider: {gcp_wif: {}}}}\n",
    );
    assert!(error.unwrap_err().contains("auth_provider"));
}

#[test]
fn mistakes_are_named_without_their_values() {
    let of = |config: &str| format!("storage: {{postgres: {config}}}\n");
    let db = |rest: &str| of(&format!("{{postgres_db: {{hostname: h, db_name: d, {rest}}}}}"));
    for (yaml, part) in [
        (of("{postgres_url: secret}"), "storage.postgres.postgres_url"),
        (of("{postgres_url: secret, postgres_db: {a: b}}"), "storage.postgres.postgres_db"),
        (of("{postgres_url: {env: MISSING}}"), "MISSING"),
        (of("{postgres_url: 'postgres://u:secret@h/d'}"), "storage.postgres.postgres_url"),
        (db("password: secret"), "postgres_db.username"),
        (db("username: u, port: 70000"), "70000"),
        (db("username: u, port: '5432'"), "postgres_db.port"),
        (db("username: u, port: {env: PASSWORD}"), "PASSWORD"),
        (db("username: u, scheme: secret"), "postgres_db.scheme"),
        (db("username: u, params: {sslmode: {env: secret}}"), "params.sslmode"),
        (db("username: u, prot: 1"), "postgres_db.prot"),
        (
            of("{postgres_url: 'postgresql://h/d', should_autocreate_tables: perhaps}"),
            "should_autocreate_tables",
        ),
    ] {
        refused(&[(&yaml, part)]);
    }
}
