//! TLS: each mode, root certificates, and roles that are known by their certificate.

use super::server::{Server, certificate, private};
use super::{storages_of, works};

/// Whether a URL's parameters lead to a connection with TLS, to one without, or to none.
#[tokio::test]
async fn each_mode_protects_as_libpq_has_it() {
    let server = Server::with_tls();
    server.database("ciphered", "hunter2");
    server.database("plain", "hunter2");
    let root = certificate("ca.pem").display().to_string();
    let other = certificate("other.pem").display().to_string();
    let connects = async |user: &str, host: &str, query: &str| {
        let place = format!("{host}:{}/{user}", server.port());
        let storages = storages_of(&format!("postgresql://{user}:hunter2@{place}?{query}"));
        let connects = storages.run_storage().get_run_storage_id().await;
        storages.dispose().await;
        connects.map(drop).map_err(|error| format!("{error:?}"))
    };
    // The role `ciphered` may connect with TLS alone. The certificate is that of `localhost`.
    for (host, query, expected) in [
        ("127.0.0.1", "sslmode=disable".to_owned(), false),
        ("127.0.0.1", "sslmode=allow".to_owned(), true),
        ("127.0.0.1", "sslmode=prefer".to_owned(), true),
        ("127.0.0.1", "sslmode=require".to_owned(), true),
        ("127.0.0.1", format!("sslmode=require&sslrootcert={other}"), false),
        ("127.0.0.1", format!("sslmode=verify-ca&sslrootcert={root}"), true),
        ("127.0.0.1", format!("sslmode=verify-ca&sslrootcert={other}"), false),
        ("127.0.0.1", format!("sslmode=verify-full&sslrootcert={root}"), false),
        ("localhost", format!("sslmode=verify-full&sslrootcert={root}"), true),
        ("localhost", format!("sslmode=verify-full&sslrootcert={other}"), false),
        ("localhost", "sslmode=verify-full".to_owned(), false),
    ] {
        let found = connects("ciphered", host, &query).await;
        assert_eq!(found.is_ok(), expected, "{host} {query}: {found:?}");
        assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
    }
    for query in ["sslmode=disable", "sslmode=allow", "sslmode=prefer"] {
        connects("plain", "127.0.0.1", query).await.expect(query);
    }
}

#[tokio::test]
async fn a_role_is_known_by_its_certificate() {
    let server = Server::with_tls();
    server.database("certified", "unused");
    let keys = tempfile::tempdir().expect("a directory");
    let (root, client) = (certificate("ca.pem"), certificate("client.pem"));
    let key = private("client.key", keys.path());
    let (root, client, key) = (root.display(), client.display(), key.display());
    let place = format!("postgresql://certified@localhost:{}/certified", server.port());
    let query = format!("sslmode=verify-full&sslrootcert={root}&sslcert={client}&sslkey={key}");
    works(&storages_of(&format!("{place}?{query}"))).await.expect("known");
    let unknown = format!("{place}?sslmode=verify-full&sslrootcert={root}");
    let error = works(&storages_of(&unknown)).await.expect_err("unknown");
    assert!(format!("{error:?}").contains("certificate"), "{error:?}");
}
