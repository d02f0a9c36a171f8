//! The revisions since Dagster 1.0, oldest first, and the names of those of before.
//!
//! The scripts of 049 and 050 change MySQL alone. What a revision changes was seen by running it; `tests` of
//! `db/sqlite/upgrade/` compare each revision with what the real alembic left.

use super::Revision;
use super::change::Change::{Column, DropIndex, Index, PrimaryKey, RowId, Table as NewTable};
use super::change::{Key, Table};

/// The text of a table that a revision adds, as alembic creates it in each dialect.
macro_rules! new_table {
    ($name:literal, $then:expr) => {
        NewTable(&Table {
            name: $name,
            sqlite: include_str!(concat!("sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("postgres/", $name, ".sql")),
            then: $then,
        })
    };
}

/// The chain.
pub(crate) static CHAIN: [Revision; 20] = [
    Revision { id: "5e139331e376", release: "1.0.0", changes: &[] },
    Revision {
        id: "a00dd8d936a1",
        release: "1.0.15",
        changes: &[
            Index {
                table: "event_logs",
                name: "idx_events_by_run_id",
                key: Key::plain("run_id, id"),
            },
            DropIndex { name: "idx_run_id", only_with: "idx_events_by_run_id" },
            Index {
                table: "event_logs",
                name: "idx_events_by_asset",
                key: Key::plain("asset_key, dagster_event_type, id").of("asset_key IS NOT NULL"),
            },
            DropIndex { name: "idx_asset_key", only_with: "idx_events_by_asset" },
            Index {
                table: "event_logs",
                name: "idx_events_by_asset_partition",
                key: Key::plain("asset_key, dagster_event_type, partition, id")
                    .of("asset_key IS NOT NULL AND partition IS NOT NULL"),
            },
            DropIndex { name: "idx_asset_partition", only_with: "idx_events_by_asset_partition" },
        ],
    },
    Revision {
        id: "958a9495162d",
        release: "1.0.17",
        changes: &[
            new_table!("asset_event_tags", &[]),
            Index {
                table: "asset_event_tags",
                name: "idx_asset_event_tags",
                key: Key::plain("asset_key, \"key\", value"),
            },
            Index {
                table: "asset_event_tags",
                name: "idx_asset_event_tags_event_id",
                key: Key::plain("event_id"),
            },
        ],
    },
    Revision {
        id: "6df03f4b1efb",
        release: "1.1.0",
        changes: &[Column {
            table: "asset_keys",
            name: "cached_status_data",
            sqlite: "TEXT",
            postgres: "TEXT",
        }],
    },
    Revision {
        id: "16689497301f",
        release: "1.1.18",
        changes: &[Index {
            table: "runs",
            name: "idx_runs_by_job",
            key: Key::plain("pipeline_name, id"),
        }],
    },
    Revision {
        id: "e62c379ac8f4",
        release: "1.1.18",
        changes: &[new_table!(
            "dynamic_partitions",
            &[Index {
                table: "dynamic_partitions",
                name: "idx_dynamic_partitions",
                key: Key::unique("partitions_def_name, partition"),
            }]
        )],
    },
    Revision {
        id: "d9092588866f",
        release: "1.2.0",
        changes: &[
            RowId {
                table: "kvs",
                columns: "\"key\" TEXT NOT NULL, \n\tvalue TEXT",
                names: &["\"key\"", "value"],
                unique: None,
                then: &[Index {
                    table: "kvs",
                    name: "idx_kvs_keys_unique",
                    key: Key::unique("\"key\""),
                }],
            },
            RowId {
                table: "instance_info",
                columns: "run_storage_id TEXT",
                names: &["run_storage_id"],
                unique: None,
                then: &[],
            },
            RowId {
                table: "daemon_heartbeats",
                columns: "daemon_type VARCHAR(255) NOT NULL, \n\tdaemon_id VARCHAR(255), \n\t\
                          timestamp TIMESTAMP NOT NULL, \n\tbody TEXT",
                names: &["daemon_type", "daemon_id", "timestamp", "body"],
                unique: Some("daemon_type"),
                then: &[],
            },
        ],
    },
    Revision {
        id: "701913684cb4",
        release: "1.3.4",
        changes: &[
            PrimaryKey { table: "kvs" },
            PrimaryKey { table: "instance_info" },
            PrimaryKey { table: "daemon_heartbeats" },
        ],
    },
    Revision {
        id: "d3a4c9e87af3",
        release: "1.3.5",
        changes: &[new_table!(
            "asset_daemon_asset_evaluations",
            &[
                Index {
                    table: "asset_daemon_asset_evaluations",
                    name: "ix_asset_daemon_asset_evaluations_evaluation_id",
                    key: Key::plain("evaluation_id"),
                },
                Index {
                    table: "asset_daemon_asset_evaluations",
                    name: "idx_asset_daemon_asset_evaluations_asset_key_evaluation_id",
                    key: Key::unique("asset_key, evaluation_id"),
                },
            ]
        )],
    },
    Revision {
        id: "5771160a95ad",
        release: "1.3.8",
        changes: &[
            new_table!("concurrency_slots", &[]),
            new_table!(
                "pending_steps",
                &[Index {
                    table: "pending_steps",
                    name: "idx_pending_steps",
                    key: Key::unique("concurrency_key, run_id, step_key"),
                }]
            ),
        ],
    },
    Revision {
        id: "ec80dd91891a",
        release: "1.4.11",
        changes: &[
            new_table!("asset_check_executions", &[]),
            Index {
                table: "asset_check_executions",
                name: "idx_asset_check_executions",
                key: Key::plain(
                    "asset_key, check_name, materialization_event_storage_id, partition",
                ),
            },
            Index {
                table: "asset_check_executions",
                name: "idx_asset_check_executions_unique",
                key: Key::unique("asset_key, check_name, run_id, partition"),
            },
        ],
    },
    Revision {
        id: "46b412388816",
        release: "1.6.0",
        changes: &[new_table!("concurrency_limits", &[])],
    },
    Revision {
        id: "284a732df317",
        release: "1.8.0",
        changes: &[Index {
            table: "run_tags",
            name: "idx_run_tags_run_idx",
            key: Key::plain("run_id, id"),
        }],
    },
    Revision {
        id: "63d7a8ec641a",
        release: "1.9.0",
        changes: &[Column {
            table: "runs",
            name: "backfill_id",
            sqlite: "VARCHAR(255)",
            postgres: "VARCHAR(255)",
        }],
    },
    Revision {
        id: "1aca709bba64",
        release: "1.9.0",
        changes: &[Index {
            table: "runs",
            name: "idx_runs_by_backfill_id",
            key: Key::plain("backfill_id, id"),
        }],
    },
    Revision {
        id: "16e3655b4d9b",
        release: "1.9.0",
        changes: &[
            Column { table: "bulk_actions", name: "job_name", sqlite: "TEXT", postgres: "TEXT" },
            new_table!(
                "backfill_tags",
                &[Index {
                    table: "backfill_tags",
                    name: "idx_backfill_tags_backfill_id",
                    key: Key::plain("backfill_id, id"),
                }]
            ),
        ],
    },
    Revision {
        id: "6b7fb194ff9c",
        release: "1.9.3",
        changes: &[
            Index {
                table: "run_tags",
                name: UNIQUE_TAGS,
                key: Key::unique("\"key\", value, run_id"),
            },
            DropIndex { name: "idx_run_tags", only_with: UNIQUE_TAGS },
        ],
    },
    Revision {
        id: "7e2f3204cf8e",
        release: "1.9.12",
        changes: &[Column {
            table: "concurrency_limits",
            name: "using_default_limit",
            sqlite: "BOOLEAN DEFAULT 0 NOT NULL",
            postgres: "BOOLEAN DEFAULT false NOT NULL",
        }],
    },
    Revision { id: "f495c27d5019", release: "1.12.9", changes: &[] },
    Revision { id: "29b539ebc72a", release: "1.12.9", changes: &[] },
];

/// The index that a run's tags need to be there once for.
pub(crate) const UNIQUE_TAGS: &str = "idx_run_tags_run_id";

/// The revisions of before Dagster 1.0, oldest first.
pub(crate) const BEFORE_BASE: [&str; 68] = [
    "567bc23fd1ac",
    "da7cd32b690d",
    "8f8dba68fd3b",
    "9fe9e746268c",
    "1ebdd7a9686f",
    "3b1e175a2be3",
    "c63a27054f08",
    "727ffe943a9f",
    "c39c047fa021",
    "5c18fd3c2957",
    "07f83cc13695",
    "c34498c29964",
    "c9159e740d7e",
    "224640159acf",
    "3e0770016702",
    "9483999bad92",
    "f3e43ff66603",
    "375e95bad550",
    "b32a4f3036d2",
    "b22f16781a7c",
    "140198fdfe65",
    "5ae53cd67d0c",
    "f5bac2c36fad",
    "a0234163e0e3",
    "942138e33bf9",
    "493871843165",
    "8ccbed5060b8",
    "4ea2b1f6f67b",
    "0da417ae1b81",
    "a914fb6ccdf9",
    "6d366a41b4be",
    "3e71cf573ba6",
    "521d4caca7ad",
    "ba4050312958",
    "3ca619834060",
    "b4e0c470acb3",
    "6e1f65d78b92",
    "3778078a3582",
    "72686963a802",
    "f0367d611631",
    "7cba9eeaaf1d",
    "3b529ad30626",
    "45fa602c43dc",
    "ddcc6d7244c6",
    "7f2b1a4ca7a5",
    "1a2d72f6b24e",
    "7b8304b4429d",
    "e784752027a6",
    "29a8e9d74220",
    "f4b6a4885876",
    "05844c702676",
    "f78059038d01",
    "42add02bf976",
    "f4eed4c26e2c",
    "17154c80d885",
    "9c5f00e80ef2",
    "b37316bf5584",
    "130b087bc274",
    "d538c9496c01",
    "8d66aa722f94",
    "54666da3db5c",
    "5b467f7af3f6",
    "16e3115a602a",
    "c892b3fe0a9f",
    "d32d1d6de793",
    "b601eb913efa",
    "721d858e1dda",
    "6860f830e40c",
];
