//! An upgrade through a pooler, which gives each transaction another process of the server.

use dagster_instance_tests::Home;
use serde_json::json;

use super::HEAD;
use crate::old_databases::load_into;
use crate::postgres_matrix::server::{Mode, Pooler, Server};

#[test]
fn a_pooler_is_no_hindrance_unless_it_limits_statements() {
    let server = Server::shared();
    for (name, mode) in [("upgraded_t", Mode::Transaction), ("upgraded_s", Mode::Session)] {
        server.sql("postgres", &[&format!("CREATE DATABASE {name}")]);
        load_into(&server.url(name), "1.0");
        let pooler = Pooler::start(&server, mode, 5, "");
        let home = Home::new();
        let storage = pooler.url(name);
        let migrate = || home.ours(&["--storage", &storage, "migrate"]);
        // A build would be ended by it, and leave an invalid index.
        server.sql("postgres", &[&format!("ALTER DATABASE {name} SET statement_timeout = '1h'")]);
        let limited = Pooler::start(&server, mode, 5, "");
        let refused = home.ours(&["--storage", &limited.url(name), "migrate"]);
        if matches!(mode, Mode::Transaction) {
            assert_eq!(refused.code, Some(2), "{}", refused.stderr);
            assert!(refused.stderr.contains("statement_timeout"), "{}", refused.stderr);
            server.sql("postgres", &[&format!("ALTER DATABASE {name} RESET statement_timeout")]);
        } else {
            assert_eq!(refused.code, Some(0), "{}", refused.stderr);
        }
        migrate().succeeded();
        let revision = server.sql(name, &["SELECT version_num FROM alembic_version"]);
        assert_eq!(revision, json!([[HEAD]]));
    }
}
