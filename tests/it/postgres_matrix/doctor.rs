//! `doctor --schema` through poolers, and by a role that may only read.

use instance_core::storage::CheckedDatabase;
use instance_storage::Storages;

use super::server::{Mode, Pooler, Server};
use super::{settings, storages, storages_of, works};

async fn checked(storages: &Storages) -> CheckedDatabase {
    let mut found = storages.run_storage().check_databases().await.expect("a check");
    storages.dispose().await;
    found.pop().expect("a database")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_is_checked_through_poolers_and_by_a_reader() {
    let server = Server::shared();
    server.database("checked", "hunter2");
    works(&storages(&settings(&server, "checked", "checked", "hunter2"))).await.expect("created");
    server.sql("checked", &["DROP INDEX idx_run_range"]);
    for mode in [Mode::Session, Mode::Transaction] {
        let pooler = Pooler::start(&server, mode, 1, "");
        let found = checked(&storages_of(&pooler.url("checked"))).await;
        assert_eq!(found.findings.len(), 1, "{mode:?}: {found:?}");
        assert_eq!(found.findings[0].object, "index idx_run_range on runs");
    }
    server.sql(
        "checked",
        &[
            "CREATE ROLE reader LOGIN PASSWORD 'hunter2'",
            "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader",
        ],
    );
    let reader = settings(&server, "checked", "reader", "hunter2");
    assert_eq!(checked(&storages(&reader)).await.findings.len(), 1);
    // What it may not read is said, and all else is compared.
    server.sql("checked", &["REVOKE SELECT ON alembic_version, runs FROM reader"]);
    let found = checked(&storages(&reader)).await;
    let objects: Vec<_> = found.findings.iter().map(|finding| finding.object.as_str()).collect();
    assert_eq!(objects, ["index idx_run_range on runs", "table alembic_version", "table runs"]);
}
