//! The statements that read what a database has, and what their rows mean.
//!
//! A server is asked twice: for its catalog, and for what is in some tables. Each answer is one JSON text, so that it takes
//! one round trip and no statement of any kind has to be prepared.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::found::{Found, Gaps, Numbers, Obstacle, Place, Sequence, Trigger};
use super::parse::one_line;
use super::shape::{Column, Default, ForeignKey, Index, IndexState, Kind, Table};
use crate::sql::Dialect;
use crate::sql::schema::history::{CHAIN, fresh};
use crate::sql::schema::{Schema, Stamp};
use crate::sql::tables::{alembic_version, job_ticks, jobs, run_tags, runs, secondary_indexes};

/// Other tables that are named; of further ones, there is a count.
const NAMED: usize = 5;

/// The names of all tables that Dagster's stores have.
pub(crate) fn ours() -> BTreeSet<&'static str> {
    let newest = CHAIN.len() - 1;
    [Schema::Runs, Schema::EventIndex, Schema::Schedules]
        .into_iter()
        .flat_map(|schema| fresh::fresh_statements(schema, Dialect::Sqlite, newest))
        .filter_map(fresh::created_table)
        .collect()
}

/// What SQLite keeps of its objects: kind, name, table, statement.
pub(crate) const SQLITE_OBJECTS: &str =
    "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master ORDER BY type, name";

/// The columns of all tables of a SQLite file: table, column, type, whether it refuses NULL, default, place in the key.
pub(crate) const SQLITE_COLUMNS: &str = "SELECT m.name, c.name, c.type, c.\"notnull\", c.dflt_value, c.pk FROM sqlite_master m \
     JOIN pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY m.name, c.cid";

/// The columns of all indexes of a SQLite file: table, index, whether it is unique, whose it is, column.
pub(crate) const SQLITE_INDEXES: &str = "SELECT m.name, l.name, l.\"unique\", l.origin, coalesce(i.name, '') FROM sqlite_master m \
     JOIN pragma_index_list(m.name) l JOIN pragma_index_info(l.name) i WHERE m.type = 'table' ORDER BY m.name, l.name, i.seqno";

/// An object of a SQLite file: kind, name, table, statement.
pub(crate) type SqliteObject = (String, String, String, String);
/// A column of a SQLite file, as [`SQLITE_COLUMNS`] has it.
pub(crate) type SqliteColumn = (String, String, String, bool, Option<String>, i64);
/// A column of an index of a SQLite file, as [`SQLITE_INDEXES`] has it.
pub(crate) type SqliteIndexColumn = (String, String, bool, String, String);

/// What a SQLite file has, by its rows.
pub(crate) fn sqlite(
    objects: &[SqliteObject],
    columns: Vec<SqliteColumn>,
    indexes: Vec<SqliteIndexColumn>,
) -> Found {
    let ours = ours();
    let mut found = Found::default();
    let mut others = Vec::new();
    for (kind, name, table, text) in objects {
        if kind == "table" && ours.contains(name.as_str()) {
            let table = Table { text: text.clone(), ..Table::default() };
            found.shape.tables.insert(name.clone(), table);
        } else if kind == "table" && !name.starts_with("sqlite_") {
            others.push(name.clone());
        } else if kind == "trigger" {
            let (name, text) = (name.clone(), one_line(text));
            found.triggers.push(Trigger { table: table.clone(), name, text });
        }
    }
    let mut keys: BTreeMap<String, Vec<(i64, String)>> = BTreeMap::new();
    for (table, name, kind, is_required, default, place) in columns {
        let Some(of) = found.shape.tables.get_mut(&table) else { continue };
        if place > 0 {
            keys.entry(table).or_default().push((place, name.clone()));
        }
        let default_text = default.as_ref().map(|text| format!(" DEFAULT {text}"));
        let text = format!(
            "\"{name}\" {kind}{}{}",
            default_text.unwrap_or_default(),
            if is_required { " NOT NULL" } else { "" }
        );
        let default = default.map_or(Default::None, |text| Default::of(&text));
        of.columns.push(Column { name, kind: Kind::of(&kind), is_required, default, text });
    }
    for (table, mut key) in keys {
        key.sort();
        if let Some(of) = found.shape.tables.get_mut(&table) {
            of.primary_key = key.into_iter().map(|(_, name)| name).collect();
        }
    }
    let texts: BTreeMap<&str, &str> = objects
        .iter()
        .filter(|(kind, ..)| kind == "index")
        .map(|(_, name, _, text)| (name.as_str(), text.as_str()))
        .collect();
    for (table, name, is_unique, origin, column) in indexes {
        let Some(of) = found.shape.tables.get_mut(&table) else { continue };
        if origin == "pk" {
            continue;
        }
        if let Some(index) = of.indexes.iter_mut().find(|index| index.name == name) {
            index.columns.push(column);
            continue;
        }
        let text = texts.get(name.as_str()).copied().unwrap_or_default();
        let predicate = text.split_once(" WHERE ").map(|(_, predicate)| predicate.to_owned());
        of.indexes.push(Index {
            columns: vec![column],
            is_unique,
            predicate,
            is_of_constraint: origin == "u",
            state: IndexState::Valid,
            text: text.to_owned(),
            name,
        });
    }
    found.others = (others.len() as u64, others.into_iter().take(NAMED).collect());
    found
}

/// The catalog of a server, as one JSON text: what is seen of Dagster's tables, and what stands beside them.
pub(crate) fn postgres_catalog() -> String {
    let ours: Vec<_> = ours().into_iter().map(|name| format!("'{name}'")).collect();
    let ours = ours.join(", ");
    format!(
        "WITH path AS (SELECT name, place FROM unnest(current_schemas(false)) WITH ORDINALITY AS p (name, place)), \
         named AS (SELECT c.oid, c.relname, n.nspname, c.relkind, p.place, \
         row_number() OVER (PARTITION BY c.relname ORDER BY p.place) AS nth \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN path p ON p.name = n.nspname \
         WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname IN ({ours})), \
         seen AS (SELECT * FROM named WHERE nth = 1), \
         building AS (SELECT index_relid FROM pg_stat_progress_create_index WHERE datname = current_database()) \
         SELECT json_build_object('current_schema', current_schema(), \
         'tables', (SELECT coalesce(json_agg(json_build_object('name', s.relname, 'schema', s.nspname, \
         'is_table', s.relkind IN ('r', 'p'), 'is_readable', has_table_privilege(s.oid, 'SELECT'), \
         'hides', (SELECT coalesce(json_agg(h.nspname ORDER BY h.place), '[]'::json) FROM named h \
         WHERE h.relname = s.relname AND h.nth > 1))), '[]'::json) FROM seen s), \
         'unseen', (SELECT coalesce(json_agg(json_build_array(c.relname, n.nspname) ORDER BY n.nspname), '[]'::json) \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND c.relname IN ({ours}) \
         AND n.nspname NOT IN (SELECT name FROM path) AND n.nspname !~ '^pg_temp'), \
         'columns', (SELECT coalesce(json_agg(json_build_object('table', s.relname, 'name', a.attname, \
         'kind', format_type(a.atttypid, a.atttypmod), 'is_required', a.attnotnull, \
         'default', pg_get_expr(d.adbin, d.adrelid), 'is_identity', a.attidentity <> '') ORDER BY s.relname, a.attnum), \
         '[]'::json) FROM seen s JOIN pg_attribute a ON a.attrelid = s.oid AND a.attnum > 0 AND NOT a.attisdropped \
         LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum), \
         'indexes', (SELECT coalesce(json_agg(json_build_object('table', s.relname, 'name', x.relname, \
         'columns', (SELECT json_agg(pg_get_indexdef(i.indexrelid, k::int, true) ORDER BY k) \
         FROM generate_series(1, i.indnkeyatts) k), 'is_unique', i.indisunique, 'is_primary', i.indisprimary, \
         'is_valid', i.indisvalid AND i.indisready, 'is_immediate', i.indimmediate, \
         'is_building', EXISTS (SELECT 1 FROM building b WHERE b.index_relid = i.indexrelid OR b.index_relid IS NULL), \
         'predicate', pg_get_expr(i.indpred, i.indrelid), \
         'constraint', (SELECT k.conname FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x') \
         LIMIT 1)) ORDER BY s.relname, x.relname), '[]'::json) \
         FROM seen s JOIN pg_index i ON i.indrelid = s.oid JOIN pg_class x ON x.oid = i.indexrelid), \
         'foreign_keys', (SELECT coalesce(json_agg(json_build_object('table', s.relname, 'name', k.conname, \
         'column', a.attname, 'to_table', t.relname, 'to_column', b.attname, 'cascades', k.confdeltype = 'c', 'is_valid', k.convalidated)), '[]'::json) \
         FROM seen s JOIN pg_constraint k ON k.conrelid = s.oid AND k.contype = 'f' AND cardinality(k.conkey) = 1 \
         JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1] \
         JOIN pg_class t ON t.oid = k.confrelid \
         JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = k.confkey[1]), \
         'triggers', (SELECT coalesce(json_agg(json_build_object('table', s.relname, 'name', g.tgname) ORDER BY g.tgname), \
         '[]'::json) FROM seen s JOIN pg_trigger g ON g.tgrelid = s.oid AND NOT g.tgisinternal), \
         'obstacles', (SELECT coalesce(json_agg(json_build_object('table', o.relname, 'kind', o.kind, 'name', o.name, \
         'text', o.text) ORDER BY o.relname, o.kind, o.name), '[]'::json) FROM (\
         SELECT s.relname, 'constraint' AS kind, k.conname::text AS name, pg_get_constraintdef(k.oid, true) AS text \
         FROM seen s JOIN pg_constraint k ON k.conrelid = s.oid AND k.contype IN ('c', 'x') \
         UNION ALL SELECT s.relname, CASE WHEN row_security_active(s.oid) THEN 'policies' ELSE 'policies_of_others' END, '', '' \
         FROM seen s JOIN pg_class c ON c.oid = s.oid WHERE c.relrowsecurity \
         UNION ALL SELECT s.relname, 'key_trigger', g.tgname::text, coalesce(k.conname::text, '') \
         FROM seen s JOIN pg_trigger g ON g.tgrelid = s.oid AND g.tgisinternal AND g.tgenabled IN ('D', 'R') \
         LEFT JOIN pg_constraint k ON k.oid = g.tgconstraint) o), \
         'sequences', (SELECT coalesce(json_agg(json_build_object('table', s.relname, \
         'name', q.oid::regclass::text, 'most', e.seqmax, 'step', e.seqincrement, \
         'is_readable', has_sequence_privilege(q.oid, 'SELECT'))), '[]'::json) \
         FROM seen s JOIN pg_attribute a ON a.attrelid = s.oid AND a.attname = 'id' \
         JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = s.oid AND d.refobjsubid = a.attnum \
         AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') \
         JOIN pg_class q ON q.oid = d.objid AND q.relkind = 'S' JOIN pg_sequence e ON e.seqrelid = q.oid), \
         'others', (SELECT coalesce(json_agg(c.relname ORDER BY c.relname), '[]'::json) \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') \
         AND c.relname NOT IN ({ours}) AND n.nspname IN (SELECT nspname FROM seen)))::text"
    )
}

#[derive(Deserialize)]
struct Catalog {
    current_schema: Option<String>,
    tables: Vec<TableRow>,
    unseen: Vec<(String, String)>,
    columns: Vec<ColumnRow>,
    indexes: Vec<IndexRow>,
    foreign_keys: Vec<ForeignKeyRow>,
    triggers: Vec<TriggerRow>,
    obstacles: Vec<Obstacle>,
    sequences: Vec<SequenceRow>,
    others: Vec<String>,
}

#[derive(Deserialize)]
struct TableRow {
    name: String,
    schema: String,
    is_table: bool,
    is_readable: bool,
    hides: Vec<String>,
}

#[derive(Deserialize)]
struct ColumnRow {
    table: String,
    name: String,
    kind: String,
    is_required: bool,
    default: Option<String>,
    is_identity: bool,
}

#[derive(Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "a row as the server has it")]
struct IndexRow {
    table: String,
    name: String,
    columns: Vec<String>,
    is_unique: bool,
    is_primary: bool,
    is_valid: bool,
    is_immediate: bool,
    is_building: bool,
    predicate: Option<String>,
    constraint: Option<String>,
}

#[derive(Deserialize)]
struct ForeignKeyRow {
    table: String,
    name: String,
    column: String,
    to_table: String,
    to_column: String,
    cascades: bool,
    is_valid: bool,
}

#[derive(Deserialize)]
struct TriggerRow {
    table: String,
    name: String,
}

#[derive(Deserialize)]
struct SequenceRow {
    table: String,
    name: String,
    most: i64,
    step: i64,
    is_readable: bool,
}

/// What a server has, by the answer to [`postgres_catalog`].
pub(crate) fn postgres(text: &str) -> serde_json::Result<Found> {
    let catalog: Catalog = serde_json::from_str(text)?;
    let mut found = Found { current_schema: catalog.current_schema, ..Found::default() };
    for row in catalog.tables {
        found.shape.tables.insert(row.name.clone(), Table::default());
        if !row.is_readable {
            found.secret.push(row.name.clone());
        }
        let place = Place { schema: row.schema, hides: row.hides, is_table: row.is_table };
        found.places.insert(row.name, place);
    }
    for (table, schema) in catalog.unseen {
        found.unseen.entry(table).or_default().push(schema);
    }
    let home = found.home().map(str::to_owned);
    // Other programs that use alembic have a table of revisions, too.
    let version = alembic_version::TABLE;
    if found.places.get(version).is_some_and(|place| Some(&place.schema) != home.as_ref()) {
        found.places.remove(version);
        found.shape.tables.remove(version);
    }
    for row in catalog.columns {
        let Some(table) = found.shape.tables.get_mut(&row.table) else { continue };
        let default = match row.default {
            _ if row.is_identity => Default::Next,
            Some(text) => Default::of(&text),
            None => Default::None,
        };
        let text = format!("{} {}", row.name, row.kind);
        let kind = Kind::of(&row.kind);
        let is_required = row.is_required;
        table.columns.push(Column { name: row.name, kind, is_required, default, text });
    }
    for row in catalog.indexes {
        let Some(table) = found.shape.tables.get_mut(&row.table) else { continue };
        let columns: Vec<String> =
            row.columns.iter().map(|name| name.trim_matches('"').to_owned()).collect();
        let state = match (row.is_valid, row.is_building) {
            (true, _) if row.is_immediate => IndexState::Valid,
            (true, _) => IndexState::Deferrable,
            (false, true) => IndexState::Building,
            (false, false) => IndexState::Invalid,
        };
        if row.is_primary {
            table.primary_key = columns;
            let name = row.constraint.unwrap_or(row.name);
            found.primary_key_names.insert(row.table, name);
            continue;
        }
        table.indexes.push(Index {
            name: row.name,
            columns,
            is_unique: row.is_unique,
            predicate: row.predicate,
            is_of_constraint: row.constraint.is_some(),
            state,
            text: String::new(),
        });
    }
    for row in catalog.foreign_keys {
        if let Some(table) = found.shape.tables.get_mut(&row.table) {
            table.foreign_keys.push(ForeignKey {
                name: row.name,
                column: row.column,
                to_table: row.to_table,
                to_column: row.to_column,
                cascades: row.cascades,
                is_valid: row.is_valid,
            });
        }
    }
    for row in catalog.triggers {
        let text = String::new();
        found.triggers.push(Trigger { table: row.table, name: row.name, text });
    }
    found.obstacles = catalog.obstacles;
    for row in catalog.sequences {
        let SequenceRow { table, name, most, step, is_readable } = row;
        let sequence = Some(Sequence { name, most, step, is_readable, last: None });
        found.numbers.insert(table, Numbers { greatest: None, sequence });
    }
    found.others = (catalog.others.len() as u64, catalog.others.into_iter().take(NAMED).collect());
    Ok(found)
}

/// What is asked of the rows of a database, as one JSON text. Only what is there is asked for, and only what may be read.
pub(crate) fn rows(dialect: Dialect, found: &Found) -> String {
    let (object, list, empty) = match dialect {
        Dialect::Sqlite => ("json_object", "json_group_array", "json_array()"),
        Dialect::Postgres => ("json_build_object", "json_agg", "'[]'::json"),
    };
    let is_readable = |table: &str| {
        found.places.get(table).is_none_or(|place| place.is_table)
            && !found.secret.iter().any(|secret| secret == table)
    };
    let has = |table: &str, columns: &[&str]| {
        let there = found.shape.tables.get(table).filter(|_| is_readable(table));
        there.is_some_and(|there| columns.iter().all(|column| there.column(column).is_some()))
    };
    let (revision, marks) = (alembic_version::VERSION_NUM, secondary_indexes::NAME);
    let completed = secondary_indexes::MIGRATION_COMPLETED;
    let (marked, versions) = (secondary_indexes::TABLE, alembic_version::TABLE);
    let mut parts = Vec::new();
    if has(versions, &[revision]) {
        parts.push(format!(
            "'revisions', (SELECT coalesce({list}({revision}), {empty}) FROM {versions})"
        ));
    }
    if has(marked, &[marks, completed]) {
        parts.push(format!(
            "'marks', (SELECT coalesce({list}({marks}), {empty}) FROM {marked} WHERE {completed} IS NOT NULL AND {marks} IS NOT NULL)"
        ));
    }
    if has(runs::TABLE, &[runs::BACKFILL_ID, runs::RUN_ID])
        && has(run_tags::TABLE, &[run_tags::RUN_ID, run_tags::KEY])
    {
        parts.push(
            "'runs_without_backfill', (SELECT count(*) FROM runs WHERE backfill_id IS NULL AND run_id IN \
             (SELECT run_id FROM run_tags WHERE run_tags.key = 'dagster/backfill'))"
                .to_owned(),
        );
    }
    if has(job_ticks::TABLE, &[job_ticks::SELECTOR_ID, job_ticks::JOB_ORIGIN_ID])
        && has(jobs::TABLE, &[jobs::SELECTOR_ID, jobs::JOB_ORIGIN_ID])
    {
        parts.push(
            "'ticks_without_selector', (SELECT count(*) FROM job_ticks WHERE selector_id IS NULL AND job_origin_id IN \
             (SELECT job_origin_id FROM jobs WHERE selector_id IS NOT NULL))"
                .to_owned(),
        );
    }
    let tables = found.shape.tables.iter().filter(|(name, _)| is_readable(name));
    let empties: Vec<_> = tables
        .clone()
        .map(|(name, _)| format!("'{name}', NOT EXISTS (SELECT 1 FROM {name})"))
        .collect();
    parts.push(format!("'empty', {object}({})", empties.join(", ")));
    // Of the tables with a key on this column, the greatest is at the end of an index.
    let has_key = |table: &Table| table.primary_key == ["id"];
    let greatest: Vec<_> = tables
        .filter(|(_, table)| dialect == Dialect::Postgres && has_key(table))
        .filter(|(_, table)| {
            let kind = table.column("id").map(|column| &column.kind);
            matches!(kind, Some(Kind::Integer | Kind::BigInteger))
        })
        .map(|(name, _)| format!("'{name}', (SELECT max(id) FROM {name})"))
        .collect();
    parts.push(format!("'greatest', {object}({})", greatest.join(", ")));
    // A sequence is read as it is now, and not as it was when the statement began. So no row is ahead of it only because it was
    // written meanwhile.
    let sequences = found.numbers.iter().filter_map(|(name, numbers)| {
        let sequence = numbers.sequence.as_ref().filter(|sequence| sequence.is_readable)?;
        let from = &sequence.name;
        Some(format!(
            "'{name}', (SELECT {object}('number', last_value, 'is_given', is_called) FROM {from})"
        ))
    });
    let sequences: Vec<_> = sequences.collect();
    parts.push(format!("'last', {object}({})", sequences.join(", ")));
    let text = if dialect == Dialect::Postgres { "::text" } else { "" };
    format!("SELECT {object}({}){text}", parts.join(", "))
}

#[derive(Deserialize)]
struct RowsAnswer {
    #[serde(default)]
    revisions: Vec<Option<String>>,
    #[serde(default)]
    marks: Vec<String>,
    #[serde(default)]
    runs_without_backfill: u64,
    #[serde(default)]
    ticks_without_selector: u64,
    /// SQLite has numbers for truth.
    empty: BTreeMap<String, serde_json::Value>,
    greatest: BTreeMap<String, Option<i64>>,
    last: BTreeMap<String, LastRow>,
}

#[derive(Deserialize)]
struct LastRow {
    number: i64,
    is_given: bool,
}

/// Takes over the answer to [`rows`].
pub(crate) fn learn_rows(found: &mut Found, text: &str) -> serde_json::Result<()> {
    let answer: RowsAnswer = serde_json::from_str(text)?;
    let mut revisions: Vec<String> = answer.revisions.into_iter().flatten().collect();
    revisions.sort();
    found.stamp = Stamp::of(revisions);
    found.marks = answer.marks;
    found.gaps = Gaps {
        runs_without_backfill: answer.runs_without_backfill,
        ticks_without_selector: answer.ticks_without_selector,
    };
    let is_true =
        |value: &serde_json::Value| value.as_bool() == Some(true) || value.as_i64() == Some(1);
    found.empty = answer
        .empty
        .into_iter()
        .filter(|(_, value)| is_true(value))
        .map(|(name, _)| name)
        .collect();
    for (table, greatest) in answer.greatest {
        found.numbers.entry(table).or_default().greatest = greatest;
    }
    for (table, last) in answer.last {
        let numbers = found.numbers.get_mut(&table);
        if let Some(sequence) = numbers.and_then(|numbers| numbers.sequence.as_mut()) {
            sequence.last = Some((last.number, last.is_given));
        }
    }
    Ok(())
}
