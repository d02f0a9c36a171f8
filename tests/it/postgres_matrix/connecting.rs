//! Roles, passwords, databases and sockets of every kind, as Dagster's own driver connects to them.

use dagster_instance_tests::dagster;
use instance_core::settings::PostgresSettings;

use super::server::Server;
use super::{settings, storages, storages_of, works};

/// Every sign that a keyboard has, and some that it has not. (A comma cannot be in the name of a role, see below.)
fn odd() -> String {
    let printable: String = (' '..='~').collect();
    format!("{printable}é한\u{a0}")
}

/// The text as a URL has to have it.
fn encoded(text: &str) -> String {
    text.bytes().flat_map(|byte| format!("%{byte:02X}").into_bytes()).map(char::from).collect()
}

#[tokio::test]
async fn a_password_and_a_role_have_every_sign() {
    let server = Server::shared();
    let password = odd();
    // A name has 63 bytes at most.
    let signs = odd();
    let (half, other) = signs.split_at(50);
    for name in [half, other] {
        let name = name.replace(',', "");
        server.database(&name, &password);
        works(&storages(&settings(&server, &name, &name, &password))).await.expect(&name);
    }
    let error = works(&storages(&settings(&server, "postgres", "a,b", &password))).await;
    let error = format!("{:?}", error.expect_err("no role of the kind"));
    assert!(error.contains("a comma in its name"), "{error}");
    server.database("encoded", &password);
    let place = format!("127.0.0.1:{}/encoded", server.port());
    let url = format!("postgresql+psycopg2://encoded:{}@{place}", encoded(&password));
    works(&storages_of(&url)).await.expect("by a URL");

    // What needs no encoding for SQLAlchemy needs none for us.
    let raw = "pa/ss#w?o[r]d&$=+ ~`^{}|\\\"<>,;!*'()";
    server.database("raw", raw);
    let url = format!("postgresql://raw:{raw}@127.0.0.1:{}/raw", server.port());
    works(&storages_of(&url)).await.expect("by a URL with a raw password");
    let used = dagster(
        "postgres_schema.py",
        &[&format!("host=127.0.0.1 port={} dbname=raw user=admin", server.port())],
    );
    assert!(used["schema"]["relations"].as_array().is_some_and(|found| found.len() > 20));
}

/// A wrong password is an error at once, which names the role and shows no password.
#[tokio::test]
async fn a_wrong_password_is_an_error_that_does_not_show_it() {
    let server = Server::shared();
    server.database("wrong", "right-hunter2");
    let begun = std::time::Instant::now();
    for password in ["secret-hunter2", ""] {
        let storages = storages(&settings(&server, "wrong", "wrong", password));
        let error = works(&storages).await.expect_err("no access");
        let text = format!("{error} {error:?}");
        assert!(text.contains("password authentication failed for user \\\"wrong\\\""), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
        assert!(!error.is_temporary(), "{text}");
    }
    assert!(begun.elapsed() < super::SOON, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_socket_is_found_by_its_directory() {
    let server = Server::shared();
    server.database("socket", "pa/ss");
    let (directory, port) = (server.socket().display(), server.port());
    for url in [
        format!("postgresql+psycopg2://socket:pa%2Fss@/socket?host={directory}&port={port}"),
        format!(
            "postgresql://socket:pa%2Fss@ignored:1/socket?host={directory}&port={port}&sslmode=require"
        ),
    ] {
        works(&storages_of(&url)).await.expect(&url);
    }
    let params = vec![("host".to_owned(), directory.to_string().into())];
    let settings = PostgresSettings::new()
        .with_port(port)
        .with_username("socket".to_owned())
        .with_password(instance_core::settings::Secret::new("pa/ss"))
        .with_database("socket".to_owned())
        .with_params(params);
    works(&storages(&settings)).await.expect("an empty host name and a parameter");
}

/// Without a role, it is that of the operating system's user.
#[tokio::test]
async fn who_names_no_role_has_the_one_of_the_user() {
    let server = Server::shared();
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::effective());
    let user = user.expect("users").expect("a user").name;
    server.database(&user, "hunter2");
    let url = format!("postgresql://127.0.0.1:{}/{user}?password=hunter2", server.port());
    works(&storages_of(&url)).await.expect("the user's role");
}
