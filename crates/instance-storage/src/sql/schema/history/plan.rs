//! What leads a database to the newest revision: the changes whose guard is open, in their order.

use super::fresh::{created_table, fresh_statements, indexed_table, tables_at};
use super::{CHAIN, Catalog, Change, OF_UNSTAMPED, Revision, position};
use crate::sql::Dialect;
use crate::sql::schema::{HEAD, Schema};

/// How a database comes to the newest revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// By all revisions behind that of this place.
    Chain(usize),
    /// A SQLite database has tables and no revision, as those that Dagster 1.3 to 1.8 left.
    Unstamped(Schema),
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// The revision that it belongs to; `None` for a table of the newest release that is missing.
    pub(crate) revision: Option<&'static str>,
    /// The first release with this revision.
    pub(crate) release: &'static str,
    /// Its statements, in their order, without semicolons.
    pub(crate) statements: Vec<String>,
}

/// The changes, each with its statements. A database may be left at any of them: those before have closed guards then.
pub(crate) fn plan(dialect: Dialect, way: Way, catalog: &Catalog) -> Vec<Step> {
    let mut catalog = catalog.clone();
    let mut steps = Vec::new();
    let (from, takes): (usize, fn(&Change) -> bool) = match way {
        Way::Chain(at) => (at, |_| true),
        Way::Unstamped(schema) => {
            let start = start_of_unstamped(schema, &catalog);
            steps.extend(missing_tables(schema, &mut catalog));
            match schema {
                Schema::Runs | Schema::Schedules => (start, |_| true),
                // Dagster takes it for one of the newest revision and so never adds what its own tables lack. It gets
                // no tables of other stores, either.
                Schema::EventIndex => (0, |change| !matches!(change, Change::Table(_))),
                // As Dagster leaves it. Nothing reads what an old shard lacks beyond tables.
                Schema::EventShard => return steps,
            }
        }
    };
    for revision in CHAIN.get(from + 1..).unwrap_or_default() {
        for change in revision.changes.iter().filter(|change| takes(change)) {
            if change.is_due(&catalog) {
                let mut statements: Vec<_> = left_over(change, &catalog).into_iter().collect();
                statements.extend(change.statements(dialect));
                change.apply(&mut catalog, dialect);
                steps.push(step(revision, statements));
            }
        }
    }
    steps
}

/// Drops the copy of a table that an upgrade of Dagster's was making when it was interrupted. The table itself is still
/// there, else nothing would be due.
fn left_over(change: &Change, catalog: &Catalog) -> Option<String> {
    let Change::RowId { table, .. } = change else { return None };
    let copy = format!("_alembic_tmp_{table}");
    catalog.has_table(&copy).then(|| format!("DROP TABLE {copy}"))
}

const fn step(revision: &'static Revision, statements: Vec<String>) -> Step {
    Step { revision: Some(revision.id), release: revision.release, statements }
}

/// Where the chain begins for a store without a revision. Dagster always begins at [`OF_UNSTAMPED`]; what has not all
/// tables of that revision needs more.
fn start_of_unstamped(schema: Schema, catalog: &Catalog) -> usize {
    let is_there =
        tables_at(schema, OF_UNSTAMPED).into_iter().all(|table| catalog.has_table(table));
    if is_there { position(OF_UNSTAMPED).unwrap_or(0) } else { 0 }
}

/// Makes the tables that a store of the newest release has and this one lacks, as Dagster does when it opens one.
fn missing_tables(schema: Schema, catalog: &mut Catalog) -> Vec<Step> {
    let release = CHAIN.last().map_or("", |revision| revision.release);
    let mut steps = Vec::new();
    for table in tables_at(schema, HEAD) {
        if catalog.has_table(table) {
            continue;
        }
        let statements = statements_for_missing_table(schema, table);
        catalog.add_table(table);
        // What the chain would add to it is there from the first.
        for change in CHAIN.iter().flat_map(|revision| revision.changes) {
            match change {
                Change::Column { table: of, name, .. } if *of == table => {
                    catalog.add_column(of, name);
                }
                Change::Index { table: of, name, .. } if *of == table => catalog.add_index(name),
                Change::RowId { table: of, .. } if *of == table => {
                    catalog.add_column(of, "id");
                    catalog.add_primary_key(of);
                }
                _ => {}
            }
        }
        steps.push(Step { revision: None, release, statements });
    }
    steps
}

/// The statements of the newest release for one table and its indexes.
fn statements_for_missing_table(schema: Schema, table: &str) -> Vec<String> {
    let all = fresh_statements(schema, Dialect::Sqlite, CHAIN.len() - 1);
    let of_table = all.into_iter().filter(|statement| {
        created_table(statement) == Some(table) || indexed_table(statement) == Some(table)
    });
    of_table.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog(tables: &[(&str, &[&str])], indexes: &[&str]) -> Catalog {
        let mut catalog = Catalog::default();
        for (table, columns) in tables {
            catalog.add_table(table);
            for column in *columns {
                catalog.add_column(table, column);
            }
        }
        for index in indexes {
            catalog.add_index(index);
        }
        catalog
    }

    fn text(steps: &[Step]) -> Vec<String> {
        let of = |step: &Step| {
            let revision = step.revision.unwrap_or("missing");
            step.statements
                .iter()
                .map(|it| format!("{revision} {}", it.lines().next().unwrap()))
                .collect::<Vec<_>>()
        };
        steps.iter().flat_map(of).collect()
    }

    #[test]
    fn only_what_is_missing_is_done() {
        let half = catalog(
            &[("runs", &["id", "backfill_id"]), ("run_tags", &["id"]), ("backfill_tags", &["id"])],
            &["idx_run_tags", "idx_run_tags_run_id"],
        );
        let at = position("284a732df317").unwrap();
        assert_eq!(
            text(&plan(Dialect::Sqlite, Way::Chain(at), &half)),
            [
                "1aca709bba64 CREATE INDEX idx_runs_by_backfill_id ON runs (backfill_id, id)",
                "6b7fb194ff9c DROP INDEX idx_run_tags",
            ]
        );
        let newest = CHAIN.len() - 1;
        assert!(plan(Dialect::Sqlite, Way::Chain(newest), &half).is_empty());
    }

    #[test]
    fn an_index_without_a_revision_gets_what_its_own_tables_lack() {
        let tables: Vec<_> = tables_at(Schema::EventIndex, "46b412388816");
        let mut index = catalog(&[], &[]);
        for table in &tables {
            index.add_table(table);
        }
        index.add_column("asset_keys", "cached_status_data");
        let way = Way::Unstamped(Schema::EventIndex);
        let steps = text(&plan(Dialect::Sqlite, way, &index));
        assert!(steps.contains(
            &"7e2f3204cf8e ALTER TABLE concurrency_limits ADD COLUMN using_default_limit BOOLEAN DEFAULT 0 NOT NULL".to_owned()
        ));
        assert!(!steps.iter().any(|step| step.contains("CREATE TABLE")), "{steps:?}");
    }

    #[test]
    fn what_an_interrupted_upgrade_of_dagster_left_is_dropped() {
        let tables =
            [("kvs", &["key", "value"][..]), ("_alembic_tmp_kvs", &["key", "value", "id"])];
        let half = catalog(&tables, &[]);
        let at = position("e62c379ac8f4").unwrap();
        let steps = text(&plan(Dialect::Sqlite, Way::Chain(at), &half));
        assert_eq!(steps[0], "d9092588866f DROP TABLE _alembic_tmp_kvs");
        assert!(steps[1].contains("CREATE TABLE _alembic_tmp_kvs"), "{steps:?}");
    }

    #[test]
    fn a_shard_without_a_revision_gets_tables_alone() {
        let shard = catalog(&[("event_logs", &["id"])], &[]);
        let steps = text(&plan(Dialect::Sqlite, Way::Unstamped(Schema::EventShard), &shard));
        assert!(steps.iter().all(|step| step.starts_with("missing CREATE ")), "{steps:?}");
        assert!(!steps.iter().any(|step| step.contains("event_logs")), "{steps:?}");
    }

    #[test]
    fn runs_without_a_revision_and_without_old_tables_begin_at_the_base() {
        let all: Vec<_> = tables_at(Schema::Runs, OF_UNSTAMPED);
        let mut runs = catalog(&[], &[]);
        for table in &all {
            runs.add_table(table);
        }
        assert_eq!(start_of_unstamped(Schema::Runs, &runs), position(OF_UNSTAMPED).unwrap());
        assert_eq!(start_of_unstamped(Schema::Runs, &catalog(&[("runs", &[])], &[])), 0);
    }
}
