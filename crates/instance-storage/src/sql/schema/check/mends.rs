//! The statements that make what a database lacks, or make what is different as it should be.
//!
//! On a server they hold up readers and writers as little as they can: indexes are built concurrently. SQLite adds few kinds
//! of columns to a table that is there; for all else, the table is made anew with its rows.

use instance_core::storage::SchemaMend;

use super::found::{Found, Trigger};
use super::parse::one_line;
use super::shape::{Column, Default, ForeignKey, Index, Kind, Table};
use crate::sql::Dialect;
use crate::sql::tables::alembic_version;

/// What is to be known of statements that belong together.
const TOGETHER: &str =
    "run them together, as `sqlite3 -bail` does, while nothing else writes to the file";
/// What is to be known where rows have lost what cannot be made again.
const LOST: &str = "the table has rows, and what they held in this column is lost: restore the database from a copy";
/// Where the statements are that make a table anew.
const ANEW: &str = "SQLite cannot add it to a table that is there; `dagster-instance doctor --schema` prints the statements that make the table anew";

/// The name of a table while it is made anew.
const NEW: &str = "_mended_";

/// A name as SQL has it.
pub(crate) fn quoted(name: &str) -> String {
    let is_plain = |sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == '_';
    let is_word =
        ["limit", "key", "type", "default", "order", "group", "user", "table"].contains(&name);
    if !is_word && !name.is_empty() && name.chars().all(is_plain) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
}

/// Makes a table with its indexes, in the schema where the others are.
pub(crate) fn create_table(table: &Table, found: Option<&Found>) -> SchemaMend {
    let text = one_line(&table.text);
    let home = found.and_then(|found| {
        let home = found.home()?;
        (found.current_schema.as_deref() != Some(home)).then_some(home)
    });
    let create = match (home, text.strip_prefix("CREATE TABLE ")) {
        (Some(home), Some(rest)) => format!("CREATE TABLE {}.{rest}", quoted(home)),
        _ => text,
    };
    let indexes = table.indexes.iter().filter(|index| !index.is_of_constraint);
    SchemaMend::by(std::iter::once(create).chain(indexes.map(|index| index.text.clone())))
}

/// Adds a column that is missing. Without `found`, how the table is made anew is not known.
pub(crate) fn add_column(
    dialect: Dialect,
    table: &str,
    form: &Table,
    column: &Column,
    found: Option<&Found>,
) -> SchemaMend {
    let needs_values = column.is_required && column.default == Default::None;
    if table == alembic_version::TABLE && found.is_some() {
        // What it held is said again by another finding.
        return SchemaMend::by([format!(
            "DROP TABLE {}{table}",
            found.map_or_else(String::new, |it| it.prefix_of(table))
        )])
        .and(create_table(form, found));
    }
    if needs_values && found.is_some_and(|found| !found.empty.iter().any(|empty| empty == table)) {
        return SchemaMend::advice(LOST);
    }
    let is_key = form.primary_key.contains(&column.name);
    let is_addable = dialect == Dialect::Postgres
        || (!is_key && !needs_values && column.default != Default::Now);
    if is_addable {
        return SchemaMend::by([format!("ALTER TABLE {table} ADD COLUMN {}", column.text)]);
    }
    match found {
        Some(found) => anew(table, form, found),
        None => SchemaMend::advice(ANEW),
    }
}

/// Gives a column its type, whether it refuses NULL, and its default.
pub(crate) fn change_column(
    dialect: Dialect,
    table: &str,
    form: &Table,
    column: &Column,
    found: &Found,
    of: &Column,
) -> SchemaMend {
    if dialect == Dialect::Sqlite {
        return anew(table, form, found);
    }
    // Some are words that mean a type where a value stands.
    let name = format!("\"{}\"", column.name);
    let alter = |change: String| format!("ALTER TABLE {table} ALTER COLUMN {name} {change}");
    let mut statements = Vec::new();
    let mut default = &of.default;
    if !column.kind.fits(&of.kind) {
        if *default != Default::None && *default != Default::Next {
            statements.push(alter("DROP DEFAULT".to_owned()));
            default = &Default::None;
        }
        let kind = column.kind.name();
        let value = match (&column.kind, &of.kind) {
            (Kind::Time, Kind::Other(zoned)) if zoned.contains("with time zone") => {
                format!("{name} AT TIME ZONE 'UTC'")
            }
            (Kind::Bytes, _) => format!("convert_to({name}::text, 'UTF8')"),
            (Kind::Text(_), _) => format!("{name}::text"),
            _ => format!("{name}::text::{kind}"),
        };
        statements.push(alter(format!("TYPE {kind} USING {value}")));
    }
    match (column.is_required, of.is_required) {
        (true, false) => statements.push(alter("SET NOT NULL".to_owned())),
        (false, true) => statements.push(alter("DROP NOT NULL".to_owned())),
        _ => {}
    }
    if matches!(column.default, Default::Now | Default::False) && column.default != *default {
        statements.push(alter(format!("SET DEFAULT {}", column.default)));
    }
    SchemaMend::by(statements)
}

/// Gives a column of a server numbers again: by the sequence that belongs to it, if there is one.
pub(crate) fn make_sequence(table: &str, column: &str, kind: &Kind, found: &Found) -> SchemaMend {
    let there = found.numbers.get(table).and_then(|numbers| numbers.sequence.as_ref());
    let (sequence, create) = if let Some(sequence) = there {
        (sequence.name.clone(), None)
    } else {
        let name = format!("{}{table}_{column}_numbers", found.prefix_of(table));
        let kind = kind.name();
        let create = format!("CREATE SEQUENCE {name} AS {kind} OWNED BY {table}.{column}");
        (name, Some(create))
    };
    SchemaMend::by(create.into_iter().chain([
        format!(
            "SELECT setval('{sequence}', (SELECT coalesce(max({column}), 0) + 1 FROM {table}), false)"
        ),
        format!("ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT nextval('{sequence}')"),
    ]))
}

/// Gives a table its primary key.
pub(crate) fn make_primary_key(
    dialect: Dialect,
    table: &str,
    form: &Table,
    found: &Found,
) -> SchemaMend {
    if dialect == Dialect::Sqlite {
        return anew(table, form, found);
    }
    let drop = found
        .primary_key_names
        .get(table)
        .map(|name| format!("ALTER TABLE {table} DROP CONSTRAINT {}", quoted(name)));
    let columns = list(&form.primary_key);
    SchemaMend::by(
        drop.into_iter().chain([format!("ALTER TABLE {table} ADD PRIMARY KEY ({columns})")]),
    )
}

/// Has rows told apart by columns.
pub(crate) fn make_unique(dialect: Dialect, table: &str, columns: &[String]) -> SchemaMend {
    let name = format!("{table}_{}_key", columns.join("_"));
    let names = list(columns);
    match dialect {
        Dialect::Sqlite => {
            SchemaMend::by([format!("CREATE UNIQUE INDEX {name} ON {table} ({names})")])
        }
        Dialect::Postgres => SchemaMend::by([
            format!("CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} ({names})"),
            format!("ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE USING INDEX {name}"),
        ]),
    }
}

/// The same where a build of it has failed.
pub(crate) fn make_unique_again(dialect: Dialect, table: &str, broken: &Index) -> SchemaMend {
    SchemaMend::by([drop(dialect, &broken.name)])
        .and(make_unique(dialect, table, &broken.columns))
        .with_advice("a build fails if rows are there twice; those go first")
}

/// Has a server look whether all rows name a row of the other table.
pub(crate) fn validate(table: &str, name: &str) -> SchemaMend {
    SchemaMend::by([format!("ALTER TABLE {table} VALIDATE CONSTRAINT {}", quoted(name))])
        .with_advice("it fails if rows name nothing; those go first")
}

/// Makes an index of a table that is there.
pub(crate) fn create_index(dialect: Dialect, index: &Index) -> SchemaMend {
    SchemaMend::by([create(dialect, index)])
}

fn create(dialect: Dialect, index: &Index) -> String {
    match dialect {
        Dialect::Sqlite => index.text.clone(),
        Dialect::Postgres => index.text.replacen("INDEX ", "INDEX CONCURRENTLY ", 1),
    }
}

/// Makes an index anew.
pub(crate) fn create_index_again(dialect: Dialect, index: &Index) -> SchemaMend {
    SchemaMend::by([drop(dialect, &index.name), create(dialect, index)])
}

/// Drops an index.
pub(crate) fn drop_index(dialect: Dialect, table: &str, index: &Index) -> SchemaMend {
    if index.is_of_constraint && dialect == Dialect::Postgres {
        let name = quoted(&index.name);
        return SchemaMend::by([format!("ALTER TABLE {table} DROP CONSTRAINT {name}")]);
    }
    SchemaMend::by([drop(dialect, &index.name)])
}

fn drop(dialect: Dialect, name: &str) -> String {
    match dialect {
        Dialect::Sqlite => format!("DROP INDEX {}", quoted(name)),
        Dialect::Postgres => format!("DROP INDEX CONCURRENTLY {}", quoted(name)),
    }
}

/// Builds the index of a constraint again.
pub(crate) fn build_again(index: &Index) -> SchemaMend {
    SchemaMend::by([format!("REINDEX INDEX CONCURRENTLY {}", quoted(&index.name))])
}

/// Gives a table of a server a key of another table. Rows that are there are looked at without a lock that writers meet.
pub(crate) fn make_foreign_key(table: &str, key: &ForeignKey, there: Option<&str>) -> SchemaMend {
    let name =
        if key.name.is_empty() { format!("{table}_{}_fkey", key.column) } else { key.name.clone() };
    let cascade = if key.cascades { " ON DELETE CASCADE" } else { "" };
    let (column, to_table, to_column) = (&key.column, &key.to_table, &key.to_column);
    let drop = there.map(|there| format!("ALTER TABLE {table} DROP CONSTRAINT {}", quoted(there)));
    SchemaMend::by(drop.into_iter().chain([
        format!(
            "ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({column}) REFERENCES {to_table} ({to_column}){cascade} NOT VALID"
        ),
        format!("ALTER TABLE {table} VALIDATE CONSTRAINT {name}"),
    ]))
}

/// Drops a trigger.
pub(crate) fn drop_trigger(dialect: Dialect, trigger: &Trigger) -> SchemaMend {
    let name = quoted(&trigger.name);
    let drop = match dialect {
        Dialect::Sqlite => format!("DROP TRIGGER {name}"),
        Dialect::Postgres => format!("DROP TRIGGER {name} ON {}", trigger.table),
    };
    SchemaMend::by([drop]).with_advice("if nobody needs it")
}

/// Makes a column of another program optional.
pub(crate) fn release_column(dialect: Dialect, table: &str, column: &str) -> SchemaMend {
    let column = quoted(column);
    match dialect {
        Dialect::Sqlite => SchemaMend::by([format!("ALTER TABLE {table} DROP COLUMN {column}")])
            .with_advice("if nobody needs it; SQLite cannot make it optional"),
        Dialect::Postgres => {
            SchemaMend::by([format!("ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL")])
        }
    }
}

/// Makes a table of SQLite anew. It keeps its rows, and what it has beyond Dagster's.
fn anew(name: &str, form: &Table, found: &Found) -> SchemaMend {
    let Some(there) = found.shape.tables.get(name) else {
        return SchemaMend::advice(ANEW);
    };
    let mut text = one_line(&form.text).replacen(
        &format!("CREATE TABLE {name} "),
        &format!("CREATE TABLE {NEW}{name} "),
        1,
    );
    // A column that the release of the text has and the revision has not, the table has anyway or does not need.
    let extra: Vec<&Column> =
        there.columns.iter().filter(|column| form.column(&column.name).is_none()).collect();
    for column in &extra {
        if let Some(at) = text.find(", PRIMARY KEY").or_else(|| text.rfind(" )")) {
            text.insert_str(at, &format!(", {}", column.text));
        }
    }
    let kept: Vec<String> = there
        .columns
        .iter()
        .filter(|column| form.column(&column.name).is_some() || extra.contains(column))
        .map(|column| quoted(&column.name))
        .collect();
    let kept = kept.join(", ");
    // Else whatever names rows of the table would go with it. Within a transaction this cannot be said.
    let mut statements =
        vec!["PRAGMA foreign_keys = OFF".to_owned(), "BEGIN IMMEDIATE".to_owned(), text];
    if !kept.is_empty() {
        statements.push(format!(
            "INSERT INTO {NEW}{name} ({kept}) SELECT {kept} FROM {name} ORDER BY rowid"
        ));
    }
    statements.push(format!("DROP TABLE {name}"));
    statements.push(format!("ALTER TABLE {NEW}{name} RENAME TO {name}"));
    let indexes = there.indexes.iter().filter(|index| !index.text.is_empty());
    statements.extend(indexes.map(|index| one_line(&index.text)));
    let triggers = found.triggers.iter().filter(|trigger| trigger.table == name);
    statements.extend(triggers.map(|trigger| trigger.text.clone()));
    statements.push("COMMIT".to_owned());
    let mend = SchemaMend::by(statements);
    if extra.is_empty() {
        return mend.with_advice(TOGETHER);
    }
    let names: Vec<&str> = extra.iter().map(|column| column.name.as_str()).collect();
    mend.with_advice(format!(
        "{TOGETHER}; of {}, which Dagster does not have, only the type, the default and NOT NULL stay",
        names.join(", ")
    ))
}
