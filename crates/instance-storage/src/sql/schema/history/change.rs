//! One change of the schema: when there is something to do, and the statements that do it.

use super::Catalog;
use crate::sql::Dialect;

/// One change. What it says of its guard is alembic's: the real scripts look first, too.
#[derive(Debug)]
pub(crate) enum Change {
    /// A table, unless there is one of the name.
    Table(&'static Table),
    /// A column, if there is the table, unless it has the column.
    Column { table: &'static str, name: &'static str, sqlite: &'static str, postgres: &'static str },
    /// An index, if there is the table, unless there is one of the name.
    Index { table: &'static str, name: &'static str, key: Key },
    /// An index that another one takes the place of, if both are there.
    DropIndex { name: &'static str, only_with: &'static str },
    /// The column `id` of a table that had none, if there is the table, unless it has the column. In SQLite it is the
    /// primary key from the first, and the table is made anew.
    RowId {
        table: &'static str,
        /// Its columns, as SQLAlchemy says them.
        columns: &'static str,
        /// The names of its columns.
        names: &'static [&'static str],
        /// The column that is unique.
        unique: Option<&'static str>,
        /// The indexes that go with the old table.
        then: &'static [Change],
    },
    /// The primary key on `id`, if there is the table with this column, unless it has one.
    PrimaryKey { table: &'static str },
}

/// A table that a revision adds.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
    /// Its indexes that are made only together with it.
    pub(crate) then: &'static [Change],
}

/// What an index is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    columns: &'static str,
    is_unique: bool,
    /// In Postgres, the condition of the rows that are in it.
    of: Option<&'static str>,
}

impl Key {
    pub(crate) const fn plain(columns: &'static str) -> Self {
        Self { columns, is_unique: false, of: None }
    }

    pub(crate) const fn unique(columns: &'static str) -> Self {
        Self { columns, is_unique: true, of: None }
    }

    pub(crate) const fn of(self, condition: &'static str) -> Self {
        Self { of: Some(condition), ..self }
    }

    fn create(self, table: &str, name: &str, dialect: Dialect) -> String {
        let kind = if self.is_unique { "UNIQUE INDEX" } else { "INDEX" };
        let columns = self.columns;
        match (dialect, self.of) {
            (Dialect::Postgres, Some(condition)) => {
                format!("CREATE {kind} {name} ON {table} ({columns}) WHERE {condition}")
            }
            _ => format!("CREATE {kind} {name} ON {table} ({columns})"),
        }
    }
}

impl Change {
    /// Whether there is something to do.
    pub(crate) fn is_due(&self, catalog: &Catalog) -> bool {
        match self {
            Self::Table(table) => !catalog.has_table(table.name),
            Self::Column { table, name, .. } => {
                catalog.has_table(table) && !catalog.has_column(table, name)
            }
            Self::Index { table, name, .. } => catalog.has_table(table) && !catalog.has_index(name),
            Self::DropIndex { name, only_with } => {
                catalog.has_index(name) && catalog.has_index(only_with)
            }
            Self::RowId { table, .. } => {
                catalog.has_table(table) && !catalog.has_column(table, "id")
            }
            Self::PrimaryKey { table } => {
                catalog.has_column(table, "id") && !catalog.has_primary_key(table)
            }
        }
    }

    /// The statements, in their order, without semicolons.
    pub(crate) fn statements(&self, dialect: Dialect) -> Vec<String> {
        match self {
            Self::Table(table) => {
                let text = match dialect {
                    Dialect::Sqlite => table.sqlite,
                    Dialect::Postgres => table.postgres,
                };
                let create = text.trim_end().trim_end_matches(';').to_owned();
                let then = table.then.iter().flat_map(|change| change.statements(dialect));
                std::iter::once(create).chain(then).collect()
            }
            Self::Column { table, name, sqlite, postgres } => {
                let column = match dialect {
                    Dialect::Sqlite => sqlite,
                    Dialect::Postgres => postgres,
                };
                vec![format!("ALTER TABLE {table} ADD COLUMN {name} {column}")]
            }
            Self::Index { table, name, key } => vec![key.create(table, name, dialect)],
            Self::DropIndex { name, .. } => vec![format!("DROP INDEX {name}")],
            Self::RowId { table, columns, names, unique, then } => match dialect {
                Dialect::Sqlite => anew(table, columns, names, *unique)
                    .into_iter()
                    .chain(then.iter().flat_map(|change| change.statements(dialect)))
                    .collect(),
                Dialect::Postgres => {
                    vec![format!("ALTER TABLE {table} ADD COLUMN id BIGSERIAL NOT NULL")]
                }
            },
            Self::PrimaryKey { table } => match dialect {
                // There the column has been the key from the first.
                Dialect::Sqlite => Vec::new(),
                Dialect::Postgres => {
                    vec![format!(
                        "ALTER TABLE {table} ADD CONSTRAINT {table}_pkey PRIMARY KEY (id)"
                    )]
                }
            },
        }
    }

    /// Notes in a catalog that it is done.
    pub(crate) fn apply(&self, catalog: &mut Catalog, dialect: Dialect) {
        match self {
            Self::Table(table) => {
                catalog.add_table(table.name);
                for change in table.then {
                    change.apply(catalog, dialect);
                }
            }
            Self::Column { table, name, .. } => catalog.add_column(table, name),
            Self::Index { name, .. } => catalog.add_index(name),
            Self::DropIndex { name, .. } => catalog.remove_index(name),
            Self::RowId { table, .. } => {
                catalog.add_column(table, "id");
                if dialect == Dialect::Sqlite {
                    catalog.add_primary_key(table);
                }
            }
            Self::PrimaryKey { table } => catalog.add_primary_key(table),
        }
    }
}

/// Makes a table of SQLite anew with the column `id`, as alembic does. The rows get the ids 1, 2, .. in their order.
fn anew(table: &str, columns: &str, names: &[&str], unique: Option<&str>) -> [String; 4] {
    let unique = unique.map_or_else(String::new, |column| format!(", \n\tUNIQUE ({column})"));
    let list = names.join(", ");
    let of_table: Vec<_> = names.iter().map(|name| format!("{table}.{name}")).collect();
    let of_table = of_table.join(", ");
    [
        format!(
            "CREATE TABLE _alembic_tmp_{table} (\n\t{columns}, \n\tid INTEGER NOT NULL, \n\tPRIMARY KEY (id){unique}\n)"
        ),
        format!(
            "INSERT INTO _alembic_tmp_{table} ({list}) SELECT {of_table} FROM {table} ORDER BY rowid"
        ),
        format!("DROP TABLE {table}"),
        format!("ALTER TABLE _alembic_tmp_{table} RENAME TO {table}"),
    ]
}
