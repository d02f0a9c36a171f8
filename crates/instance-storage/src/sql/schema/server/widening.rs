//! Statements that find ids of 32 bits in a Postgres, and give them 64.
//!
//! Not here: which ids those are, and in which order they get more (`history/server/widening.rs`).

use std::collections::BTreeSet;

use super::seen;
use crate::sql::session::text;

/// The greatest number of 32 bits.
const GREATEST: i64 = 2_147_483_647;

/// Those of these columns that have 32 bits, or whose sequence has: table, column, its type, the sequence as a statement has to
/// say it, its type, whether its numbers end early, whether the table may be read, whether the sequence may, the bytes of the
/// table with its indexes, and its rows.
pub(crate) fn narrow(columns: &[(&str, &str)]) -> String {
    let tables: BTreeSet<&str> = columns.iter().map(|(table, _)| *table).collect();
    let pair = |(table, column): &(&str, &str)| format!("({}, {})", text(table), text(column));
    let pairs: Vec<_> = columns.iter().map(pair).collect();
    format!(
        "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, NULL), coalesce(q.said, ''), coalesce(q.type, ''), \
         coalesce(q.most <= {GREATEST}, false)::text, has_table_privilege(c.oid, 'SELECT')::text, \
         coalesce(q.is_readable, false)::text, pg_total_relation_size(c.oid)::text, greatest(c.reltuples, 0)::bigint::text \
         FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped \
         LEFT JOIN LATERAL (SELECT s.oid::regclass::text AS said, format_type(e.seqtypid, NULL) AS type, e.seqmax AS most, \
         has_sequence_privilege(s.oid, 'SELECT') AS is_readable FROM pg_class s JOIN pg_sequence e ON e.seqrelid = s.oid \
         WHERE s.oid IN (SELECT d.objid FROM pg_depend d WHERE d.classid = 'pg_class'::regclass \
         AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid = a.attnum AND d.deptype IN ('a', 'i') \
         UNION SELECT d.refobjid FROM pg_depend d JOIN pg_attrdef f ON f.oid = d.objid WHERE d.classid = 'pg_attrdef'::regclass \
         AND d.refclassid = 'pg_class'::regclass AND f.adrelid = c.oid AND f.adnum = a.attnum) \
         ORDER BY s.oid LIMIT 1) q ON true \
         WHERE c.oid IN ({}) AND (c.relname, a.attname) IN ({}) \
         AND (a.atttypid IN ('int2'::regtype, 'int4'::regtype) OR q.most <= {GREATEST}) ORDER BY 1, a.attnum",
        seen(&tables),
        pairs.join(", ")
    )
}

/// The greatest number in columns, or that a sequence has given: the table and the number, one row each.
pub(crate) fn greatest(parts: &[String]) -> String {
    format!(
        "SELECT n.name, max(n.number)::text FROM ({}) n GROUP BY n.name",
        parts.join(" UNION ALL ")
    )
}

/// A part of [`greatest`].
pub(crate) fn greatest_of_column(table: &str, column: &str) -> String {
    format!("SELECT {} AS name, max({column})::bigint AS number FROM {table}", text(table))
}

/// A part of [`greatest`]: numbers whose rows are gone count, too.
pub(crate) fn greatest_of_sequence(table: &str, sequence: &str) -> String {
    let name = text(table);
    format!(
        "SELECT {name} AS name, CASE WHEN is_called THEN last_value END AS number FROM {sequence}"
    )
}

/// The foreign keys by which one table names rows of another: each as a statement has to say it.
pub(crate) fn foreign_keys(of: &str, to: &str) -> String {
    format!(
        "SELECT quote_ident(k.conname) FROM pg_constraint k WHERE k.contype = 'f' \
         AND k.conrelid = to_regclass('{of}') AND k.confrelid = to_regclass('{to}') ORDER BY 1"
    )
}

/// The views and rules that name one of these columns, whose type cannot be changed then: the view, the table, the column.
pub(crate) fn views(columns: &[(&str, &str)]) -> String {
    let tables: BTreeSet<&str> = columns.iter().map(|(table, _)| *table).collect();
    let pair = |(table, column): &(&str, &str)| format!("({}, {})", text(table), text(column));
    let pairs: Vec<_> = columns.iter().map(pair).collect();
    format!(
        "SELECT DISTINCT r.ev_class::regclass::text, c.relname::text, a.attname::text \
         FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class c ON c.oid = d.refobjid \
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid \
         WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass \
         AND c.oid IN ({}) AND (c.relname, a.attname) IN ({}) ORDER BY 1, 2, 3",
        seen(&tables),
        pairs.join(", ")
    )
}

/// Drops a foreign key.
pub(crate) fn drop_key(table: &str, key: &str) -> String {
    format!("ALTER TABLE {table} DROP CONSTRAINT {key}")
}

/// Gives columns 64 bits. The table and its indexes are written anew, once.
pub(crate) fn widen(table: &str, columns: &[String]) -> String {
    let change = |column: &String| format!("ALTER COLUMN {column} TYPE BIGINT");
    let changes: Vec<_> = columns.iter().map(change).collect();
    format!("ALTER TABLE {table} {}", changes.join(", "))
}

/// Gives a sequence 64 bits, and all their numbers.
pub(crate) fn widen_sequence(sequence: &str) -> String {
    format!("ALTER SEQUENCE {sequence} AS bigint NO MAXVALUE")
}
