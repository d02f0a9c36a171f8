//! What a database has that not every revision since Dagster 1.0 has. Statements differ by it.
//!
//! What a database has is asked of its tables, never of its revision. An upgrade may be half done, and Dagster gives
//! new tables and the newest revision to a file that still lacks columns.

use instance_core::error::StorageError;

use crate::sql::Dialect;
use crate::sql::schema::history::mend::{self, Mend};
use crate::sql::schema::history::{self, CHAIN};
use crate::sql::schema::{Schema, Stamp};
use crate::sql::tables;

/// A table or a column that a revision after the first added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Feature {
    /// Tags of asset events, by which they are found.
    AssetEventTags,
    /// What is kept of the status of an asset's partitions.
    CachedStatus,
    /// Partitions that are added while Dagster runs.
    DynamicPartitions,
    /// Numbers of rows in tables that had none.
    RowIds,
    /// Evaluations of automation conditions.
    AssetEvaluations,
    /// Slots of pools, and the steps that wait for one.
    PoolSlots,
    /// Executions of asset checks.
    AssetChecks,
    /// Limits of pools.
    PoolLimits,
    /// The backfill of a run, as a column.
    RunBackfillIds,
    /// The job of a backfill, as a column.
    BackfillJobNames,
    /// Tags of backfills, by which they are found.
    BackfillTags,
    /// Whether a pool has the limit that all have.
    DefaultPoolLimits,
}

/// What is to be known of a feature.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Described {
    pub(crate) feature: Feature,
    /// In which store it is.
    pub(crate) schema: Schema,
    /// What it is, for people.
    pub(crate) what: &'static str,
    /// The first release of Dagster that has it.
    pub(crate) release: &'static str,
    /// All of these are there if it is there.
    pub(crate) objects: &'static [(&'static str, Option<&'static str>)],
}

/// All features, each at the place of its number.
pub(crate) const FEATURES: [Described; 12] = [
    Described {
        feature: Feature::AssetEventTags,
        schema: Schema::EventIndex,
        what: "table for tags of asset events",
        release: "1.0.17",
        objects: &[(tables::asset_event_tags::TABLE, None)],
    },
    Described {
        feature: Feature::CachedStatus,
        schema: Schema::EventIndex,
        what: "column for the cached status of assets",
        release: "1.1.0",
        objects: &[(tables::asset_keys::TABLE, Some(tables::asset_keys::CACHED_STATUS_DATA))],
    },
    Described {
        feature: Feature::DynamicPartitions,
        schema: Schema::EventIndex,
        what: "table for dynamic partitions",
        release: "1.1.18",
        objects: &[(tables::dynamic_partitions::TABLE, None)],
    },
    Described {
        feature: Feature::RowIds,
        schema: Schema::Runs,
        what: "numbers of the rows of daemons",
        release: "1.2.0",
        objects: &[(tables::daemon_heartbeats::TABLE, Some(tables::daemon_heartbeats::ID))],
    },
    Described {
        feature: Feature::AssetEvaluations,
        schema: Schema::Schedules,
        what: "table for evaluations of automation conditions",
        release: "1.3.5",
        objects: &[(tables::asset_evaluations::TABLE, None)],
    },
    Described {
        feature: Feature::PoolSlots,
        schema: Schema::EventIndex,
        what: "tables for slots of pools",
        release: "1.3.8",
        objects: &[(tables::concurrency_slots::TABLE, None), (tables::pending_steps::TABLE, None)],
    },
    Described {
        feature: Feature::AssetChecks,
        schema: Schema::EventIndex,
        what: "table for asset checks",
        release: "1.4.11",
        objects: &[(tables::asset_check_executions::TABLE, None)],
    },
    Described {
        feature: Feature::PoolLimits,
        schema: Schema::EventIndex,
        what: "table for limits of pools",
        release: "1.6.0",
        objects: &[(tables::concurrency_limits::TABLE, None)],
    },
    Described {
        feature: Feature::RunBackfillIds,
        schema: Schema::Runs,
        what: "column for the backfill of a run",
        release: "1.9.0",
        objects: &[(tables::runs::TABLE, Some(tables::runs::BACKFILL_ID))],
    },
    Described {
        feature: Feature::BackfillJobNames,
        schema: Schema::Runs,
        what: "column for the job of a backfill",
        release: "1.9.0",
        objects: &[(tables::bulk_actions::TABLE, Some(tables::bulk_actions::JOB_NAME))],
    },
    Described {
        feature: Feature::BackfillTags,
        schema: Schema::Runs,
        what: "table for tags of backfills",
        release: "1.9.0",
        objects: &[(tables::backfill_tags::TABLE, None)],
    },
    Described {
        feature: Feature::DefaultPoolLimits,
        schema: Schema::EventIndex,
        what: "column that says whether a pool has the default limit",
        release: "1.9.12",
        objects: &[(
            tables::concurrency_limits::TABLE,
            Some(tables::concurrency_limits::USING_DEFAULT_LIMIT),
        )],
    },
];

/// A data migration without which some rows are found in another way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Mark {
    RunPartitions,
    RunBackfillId,
    BackfillJobNameAndTags,
    AssetKeyIndexColumns,
    ScheduleJobsSelectorId,
    ScheduleTicksSelectorId,
}

impl Mark {
    /// Whether a statement differs by it. The others are told, and nothing is looked for because of them.
    const fn is_asked(self) -> bool {
        matches!(
            self,
            Self::RunPartitions
                | Self::RunBackfillId
                | Self::BackfillJobNameAndTags
                | Self::ScheduleJobsSelectorId
        )
    }
}

/// All marks, each at the place of its number: its store, and its name in `secondary_indexes`.
pub(crate) const MARKS: [(Mark, Schema, &str); 6] = [
    (Mark::RunPartitions, Schema::Runs, "run_partitions"),
    (Mark::RunBackfillId, Schema::Runs, "run_backfill_id"),
    (Mark::BackfillJobNameAndTags, Schema::Runs, "backfill_job_name_and_tags"),
    (Mark::AssetKeyIndexColumns, Schema::EventIndex, "asset_key_index_columns"),
    (Mark::ScheduleJobsSelectorId, Schema::Schedules, "schedule_jobs_selector_id"),
    (Mark::ScheduleTicksSelectorId, Schema::Schedules, "schedule_ticks_selector_id"),
];

/// How many bits features have. Those of marks come behind.
const FEATURE_BITS: usize = FEATURES.len();

/// What a database has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Capabilities(u32);

impl Capabilities {
    /// Nothing that came after Dagster 1.0, and no finished data migration.
    pub(crate) const NONE: Self = Self(0);
    /// All that the newest revision has.
    pub(crate) const HEAD: Self = Self((1 << (FEATURE_BITS + MARKS.len())) - 1);

    /// All that the newest revision has in these stores.
    pub(crate) fn whole(schemas: &[Schema]) -> Self {
        let mut whole = Self::NONE;
        for described in &FEATURES {
            if schemas.contains(&described.schema) {
                whole = whole.with(described.feature);
            }
        }
        for (mark, schema, _) in MARKS {
            if schemas.contains(&schema) && mark.is_asked() {
                whole = whole.with_mark(mark);
            }
        }
        if schemas.contains(&Schema::EventShard) {
            whole = whole.with(Feature::AssetEventTags);
        }
        whole
    }

    /// What these columns and finished data migrations amount to. A column comes with the name of its table.
    pub(crate) fn found(columns: &[(String, String)], migrations: &[String]) -> Self {
        let has_table = |table: &str| columns.iter().any(|(name, _)| name == table);
        let has_column = |table: &str, column: &str| {
            columns.iter().any(|(name, found)| name == table && found == column)
        };
        let mut found = Self::NONE;
        for described in &FEATURES {
            let is_there = described.objects.iter().all(|(table, column)| {
                column.map_or_else(|| has_table(table), |column| has_column(table, column))
            });
            if is_there {
                found = found.with(described.feature);
            }
        }
        for (mark, _, name) in MARKS {
            if migrations.iter().any(|finished| finished == name) {
                found = found.with_mark(mark);
            }
        }
        found
    }

    pub(crate) const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    pub(crate) const fn bits(self) -> u32 {
        self.0
    }

    const fn with(self, feature: Feature) -> Self {
        Self(self.0 | 1 << feature as u32)
    }

    const fn with_mark(self, mark: Mark) -> Self {
        Self(self.0 | 1 << (FEATURE_BITS + mark as usize))
    }

    #[cfg(test)]
    pub(crate) const fn without(self, feature: Feature) -> Self {
        Self(self.0 & !(1 << feature as u32))
    }

    #[cfg(test)]
    pub(crate) const fn without_mark(self, mark: Mark) -> Self {
        Self(self.0 & !(1 << (FEATURE_BITS + mark as usize)))
    }

    /// Whether it has a feature.
    pub(crate) const fn has(self, feature: Feature) -> bool {
        self.0 & 1 << feature as u32 != 0
    }

    /// Whether a data migration is finished.
    pub(crate) const fn is_built(self, mark: Mark) -> bool {
        self.0 & 1 << (FEATURE_BITS + mark as usize) != 0
    }

    /// Of these, the tables and columns, without the data migrations.
    pub(crate) const fn features(self) -> Self {
        Self(self.0 & ((1 << FEATURE_BITS) - 1))
    }

    /// The same with these tables and columns, and none else.
    pub(crate) const fn with_features_of(self, found: Self) -> Self {
        Self(self.0 & !((1 << FEATURE_BITS) - 1) | found.features().0)
    }

    /// Whether it has all of these.
    pub(crate) const fn contains(self, all: Self) -> bool {
        self.0 & all.0 == all.0
    }

    /// Refuses what a database cannot do without a feature. By its revision it may have to have it.
    pub(crate) fn require(
        self,
        feature: Feature,
        database: &str,
        stamp: impl FnOnce() -> Option<Stamp>,
        dialect: Dialect,
    ) -> Result<(), StorageError> {
        if self.has(feature) {
            return Ok(());
        }
        let described = &FEATURES[feature as usize];
        let database = database.to_owned();
        let added = CHAIN.iter().rposition(|revision| revision.release == described.release);
        let stamp = stamp();
        let is_at = stamp.as_ref().and_then(Stamp::of_what_is_beside).and_then(history::position);
        let mends = described.objects.iter().filter_map(|(table, column)| match column {
            Some(column) => mend::column(column, table, dialect),
            None => mend::table(table, dialect),
        });
        match mends.reduce(Mend::and) {
            Some(Mend { lacks, statement }) if is_at >= added => Err(StorageError::SchemaLacks {
                database,
                operation: "looking what the database has",
                lacks: lacks.into(),
                mend: statement.into(),
                source: "by its revision, it has to have it".into(),
            }),
            _ => Err(StorageError::NeedsMigration {
                database,
                needs: described.what,
                release: described.release,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Capabilities, Dialect, FEATURES, Feature, MARKS, Stamp, StorageError};
    use crate::sql::schema::{HEAD, Schema};

    #[test]
    fn each_feature_and_mark_stands_at_its_number() {
        for (place, described) in FEATURES.iter().enumerate() {
            assert_eq!(described.feature as usize, place);
            assert!(Capabilities::NONE.with(described.feature).has(described.feature));
        }
        for (place, (mark, _, _)) in MARKS.iter().enumerate() {
            assert_eq!(*mark as usize, place);
            assert!(Capabilities::NONE.with_mark(*mark).is_built(*mark));
        }
        let all = [Schema::Runs, Schema::EventIndex, Schema::Schedules];
        assert!(Capabilities::HEAD.contains(Capabilities::whole(&all)));
        assert_eq!(Capabilities::whole(&all).features(), Capabilities::HEAD.features());
    }

    #[test]
    fn what_is_missing_is_named_with_the_release_and_the_command() {
        let texts = FEATURES.map(|described| {
            let (place, base) = ("H/history/runs.db", Stamp::Of("5e139331e376".to_owned()));
            let none = Capabilities::NONE;
            for stamp in [None, Some(Stamp::None)] {
                let refused = none.require(described.feature, place, || stamp, Dialect::Sqlite);
                assert!(matches!(refused, Err(StorageError::NeedsMigration { .. })));
            }
            let newest = Stamp::Of(HEAD.to_owned());
            for dialect in [Dialect::Sqlite, Dialect::Postgres] {
                let refused =
                    none.require(described.feature, place, || Some(newest.clone()), dialect);
                assert!(matches!(refused, Err(StorageError::SchemaLacks { .. })), "{refused:?}");
            }
            let refused = none.require(described.feature, place, || Some(base), Dialect::Sqlite);
            refused.unwrap_err().to_string()
        });
        insta::assert_snapshot!(texts.join("\n"), @"
        H/history/runs.db has no table for tags of asset events, which Dagster 1.0.17 added: run `dagster-instance migrate`
        H/history/runs.db has no column for the cached status of assets, which Dagster 1.1.0 added: run `dagster-instance migrate`
        H/history/runs.db has no table for dynamic partitions, which Dagster 1.1.18 added: run `dagster-instance migrate`
        H/history/runs.db has no numbers of the rows of daemons, which Dagster 1.2.0 added: run `dagster-instance migrate`
        H/history/runs.db has no table for evaluations of automation conditions, which Dagster 1.3.5 added: run `dagster-instance migrate`
        H/history/runs.db has no tables for slots of pools, which Dagster 1.3.8 added: run `dagster-instance migrate`
        H/history/runs.db has no table for asset checks, which Dagster 1.4.11 added: run `dagster-instance migrate`
        H/history/runs.db has no table for limits of pools, which Dagster 1.6.0 added: run `dagster-instance migrate`
        H/history/runs.db has no column for the backfill of a run, which Dagster 1.9.0 added: run `dagster-instance migrate`
        H/history/runs.db has no column for the job of a backfill, which Dagster 1.9.0 added: run `dagster-instance migrate`
        H/history/runs.db has no table for tags of backfills, which Dagster 1.9.0 added: run `dagster-instance migrate`
        H/history/runs.db has no column that says whether a pool has the default limit, which Dagster 1.9.12 added: run `dagster-instance migrate`
        ");
        let head = Capabilities::HEAD;
        head.require(Feature::AssetChecks, "H", || None, Dialect::Sqlite).unwrap();
    }
}
