//! Reads the statements of the history, so that what they make is known without a database.
//!
//! They are SQLAlchemy's and alembic's, which write one column a line. Any other SQL is none of its business.

use super::shape::{Column, Default, ForeignKey, Index, IndexState, Kind, Shape, Table};

impl Shape {
    /// What is there after a statement.
    pub(crate) fn apply(&mut self, statement: &str) {
        if let Some(rest) = statement.strip_prefix("CREATE TABLE ") {
            let name = first_word(rest);
            // Stores that share a database have some tables in common.
            if !self.tables.contains_key(name) {
                self.tables.insert(name.to_owned(), table(statement));
            }
        } else if statement.starts_with("CREATE INDEX ")
            || statement.starts_with("CREATE UNIQUE INDEX ")
        {
            self.add_index(statement);
        } else if let Some(rest) = statement.strip_prefix("ALTER TABLE ") {
            self.alter(rest);
        } else if let Some(name) = statement.strip_prefix("DROP INDEX ") {
            for table in self.tables.values_mut() {
                table.indexes.retain(|index| index.name != name);
            }
        } else if let Some(name) = statement.strip_prefix("DROP TABLE ") {
            self.tables.remove(name);
        }
    }

    fn add_index(&mut self, statement: &str) {
        let Some((head, key)) = statement.split_once(" ON ") else { return };
        let name = head.rsplit(' ').next().unwrap_or_default().to_owned();
        let Some(table) = self.tables.get_mut(first_word(key)) else { return };
        let (columns, predicate) = match key.split_once(" WHERE ") {
            Some((columns, predicate)) => (columns, Some(predicate.to_owned())),
            None => (key, None),
        };
        if table.index(&name).is_some() {
            return;
        }
        table.indexes.push(Index {
            name,
            columns: in_brackets(columns),
            is_unique: head.starts_with("CREATE UNIQUE"),
            predicate,
            is_of_constraint: false,
            state: IndexState::Valid,
            text: one_line(statement),
        });
    }

    fn alter(&mut self, rest: &str) {
        let (name, change) = rest.split_once(' ').unwrap_or((rest, ""));
        if let Some(to) = change.strip_prefix("RENAME TO ") {
            if let Some(mut table) = self.tables.remove(name) {
                let created = |name: &str| ["CREATE TABLE ", name, " ("].concat();
                table.text = table.text.replacen(&created(name), &created(to), 1);
                self.tables.insert(to.to_owned(), table);
            }
            return;
        }
        let Some(table) = self.tables.get_mut(name) else { return };
        if let Some(definition) = change.strip_prefix("ADD COLUMN ") {
            table.columns.push(column(definition));
            table.text = with_column(&table.text, definition);
        } else if let Some((_, key)) = change.split_once(" PRIMARY KEY ") {
            table.primary_key = in_brackets(key);
            let key = format!("PRIMARY KEY {key}");
            table.text = with_line(&table.text, &key);
        }
    }
}

/// The text of a table with one more column, behind the others.
fn with_column(text: &str, definition: &str) -> String {
    let is_constraint = |line: &&str| constraint(line.trim()).is_some() || line.trim() == ")";
    let mut lines: Vec<String> = Vec::new();
    let mut added = false;
    for line in text.lines() {
        if !added && is_constraint(&line) {
            if let Some(last) =
                lines.last_mut().filter(|last| !last.trim_end().ends_with([',', '(']))
            {
                last.push(',');
            }
            let comma = if line.trim() == ")" { "" } else { "," };
            lines.push(format!("\t{definition}{comma}"));
            added = true;
        }
        lines.push(line.to_owned());
    }
    lines.join("\n")
}

/// The text of a table with one more constraint at its end.
fn with_line(text: &str, constraint: &str) -> String {
    let body = text.trim_end().trim_end_matches(')').trim_end();
    format!("{body},\n\t{constraint}\n)")
}

fn table(statement: &str) -> Table {
    let mut table = Table { text: statement.to_owned(), ..Table::default() };
    for line in statement.lines().skip(1) {
        let line = line.trim().trim_end_matches(',');
        match constraint(line) {
            _ if line == ")" || line.is_empty() => {}
            Some((_, key)) if key.starts_with("PRIMARY KEY") => {
                table.primary_key = in_brackets(key);
            }
            Some((_, key)) if key.starts_with("UNIQUE") => table.indexes.push(Index {
                name: String::new(),
                columns: in_brackets(key),
                is_unique: true,
                predicate: None,
                is_of_constraint: true,
                state: IndexState::Valid,
                text: String::new(),
            }),
            Some((name, key)) => table.foreign_keys.extend(foreign_key(name, key)),
            None => table.columns.push(column(line)),
        }
    }
    table
}

/// The name and the rest of a constraint; `None` for a column.
fn constraint(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = match line.strip_prefix("CONSTRAINT ") {
        Some(rest) => rest.split_once(' ')?,
        None => ("", line),
    };
    let is_one =
        ["PRIMARY KEY", "UNIQUE", "FOREIGN KEY"].iter().any(|begin| rest.starts_with(begin));
    is_one.then_some((name, rest))
}

fn foreign_key(name: &str, key: &str) -> Option<ForeignKey> {
    let (of, to) = key.split_once(" REFERENCES ")?;
    Some(ForeignKey {
        name: name.to_owned(),
        column: in_brackets(of).pop()?,
        to_table: first_word(to).to_owned(),
        to_column: in_brackets(to).into_iter().next()?,
        cascades: to.ends_with("ON DELETE CASCADE"),
        is_valid: true,
    })
}

fn column(definition: &str) -> Column {
    let definition = definition.trim();
    let (name, rest) = definition.split_once(' ').unwrap_or((definition, ""));
    let is_required = rest.ends_with("NOT NULL");
    let rest = rest.trim_end_matches("NOT NULL").trim();
    let (kind, default) = match rest.split_once("DEFAULT ") {
        Some((kind, default)) => (kind, Default::of(default)),
        None if rest.ends_with("SERIAL") => (rest, Default::Next),
        None => (rest, Default::None),
    };
    Column {
        name: unquoted(name).to_owned(),
        kind: Kind::of(kind),
        is_required,
        default,
        text: definition.to_owned(),
    }
}

/// The names in the first pair of brackets.
fn in_brackets(text: &str) -> Vec<String> {
    let inside = text.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    let names = inside.map_or("", |(inside, _)| inside).split(',');
    names.map(|name| unquoted(name.trim()).to_owned()).collect()
}

fn unquoted(name: &str) -> &str {
    name.trim_matches('"')
}

fn first_word(text: &str) -> &str {
    unquoted(text.split([' ', '(']).next().unwrap_or_default())
}

/// A statement without its line breaks.
pub(crate) fn one_line(statement: &str) -> String {
    statement.split_whitespace().collect::<Vec<_>>().join(" ")
}
