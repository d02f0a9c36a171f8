//! Statements of the data migrations of runs and backfills.

use instance_core::scheduling::BulkActionStatus;

use super::check;
use crate::sql::reindex_runs;

#[test]
fn partitions_of_runs() {
    check(
        "reindex_runs_select_runs_without_partition",
        &reindex_runs::select_runs_without_partition(7, 507),
    );
    check("reindex_runs_update_partition", &reindex_runs::update_partition(8, "2020-01-02", "a'b"));
}

#[test]
fn labels_of_runs() {
    check(
        "reindex_runs_select_runs_without_label",
        &reindex_runs::select_runs_without_label(7, 507),
    );
    check("reindex_runs_insert_label", &reindex_runs::insert_label(8, "shop@lo'cal"));
}

#[test]
fn backfills_of_runs() {
    check(
        "reindex_runs_select_tags_of_backfills",
        &reindex_runs::select_tags_of_backfills(7, 1_007),
    );
    check("reindex_runs_update_backfill_ids", &reindex_runs::update_backfill_ids(&[8, 9]));
}

#[test]
fn kinds_of_backfills() {
    check(
        "reindex_runs_select_backfills_without_type",
        &reindex_runs::select_backfills_without_type(7, 107),
    );
    check(
        "reindex_runs_update_type",
        &reindex_runs::update_type(8, "PARTITION_BACKFILL", Some("selector")),
    );
    check(
        "reindex_runs_update_type_of_assets",
        &reindex_runs::update_type(8, "MULTI_RUN_ASSET_ACTION", None),
    );
}

#[test]
fn jobs_and_tags_of_backfills() {
    check(
        "reindex_runs_select_backfills_before",
        &reindex_runs::select_backfills_before(i64::MAX, 100),
    );
    let mut locked = reindex_runs::select_backfills_before(8, 100);
    locked.lock_exclusive();
    super::check_postgres("reindex_runs_select_backfills_to_change", &locked);
    check(
        "reindex_runs_insert_tag_of_backfill",
        &reindex_runs::insert_tag_of_backfill(8, "team", "däta"),
    );
    check("reindex_runs_update_job_name", &reindex_runs::update_job_name(8, "letters"));
}

#[test]
fn ends_of_backfills() {
    check(
        "reindex_runs_select_backfills_without_end",
        &reindex_runs::select_backfills_without_end(7, 107),
    );
    check("reindex_runs_select_backfill", &reindex_runs::select_backfill(8));
    check(
        "reindex_runs_select_last_ends",
        &reindex_runs::select_last_ends(["one", "other"].into_iter()),
    );
    check(
        "reindex_runs_replace_body",
        &reindex_runs::replace_body(8, "{}", BulkActionStatus::Failed, r#"{"end": 1.5}"#),
    );
}
