//! Compares what was found in a database with what its revision has.
//!
//! The findings come in the order in which they are to be mended: a column before the index that is on it.

use std::collections::BTreeMap;

use instance_core::storage::{SchemaFinding, SchemaMend, SchemaProblem, SchemaSeverity};

use super::expected::Expected;
use super::found::Found;
use super::mends;
use super::obstacles;
use super::shape::{Column, Default, Index, IndexState, Kind, Table};
use crate::sql::Dialect;
use crate::sql::schema::Schema;
use crate::sql::schema::history::{CHAIN, Change};
use crate::sql::tables;

/// What the findings are about the tables of a database.
pub(super) fn compare(expected: &Expected, found: &Found) -> Vec<SchemaFinding> {
    let mut comparing = Comparing { expected, found, findings: Vec::new() };
    let ours = comparing.tables();
    for (name, forms, table) in &ours {
        comparing.columns(name, forms, table);
    }
    for (name, forms, table) in &ours {
        comparing.keys(name, forms, table);
    }
    for (name, forms, table) in &ours {
        comparing.indexes(name, forms, table);
    }
    if expected.dialect == Dialect::Postgres {
        for (name, forms, table) in &ours {
            comparing.foreign_keys(name, forms, table);
        }
    }
    for (name, ..) in &ours {
        for finding in obstacles::obstacles(name, found) {
            comparing.add(name, finding);
        }
    }
    for (name, forms, table) in &ours {
        comparing.beyond(name, forms, table);
    }
    comparing.others();
    comparing.hidden(&ours);
    comparing.findings
}

struct Comparing<'c> {
    expected: &'c Expected,
    found: &'c Found,
    findings: Vec<SchemaFinding>,
}

/// A table that is there, with what it may be.
type Ours<'c> = (&'c str, Vec<&'c Table>, &'c Table);

impl<'c> Comparing<'c> {
    fn dialect(&self) -> Dialect {
        self.expected.dialect
    }

    fn add(&mut self, table: &str, finding: SchemaFinding) {
        let mut finding = finding;
        // Nothing reads the other tables of a run's file.
        let is_shard = self.expected.schemas == [Schema::EventShard];
        if is_shard && table != tables::event_logs::TABLE {
            finding.severity = SchemaSeverity::Note;
        }
        self.findings.push(finding);
    }

    /// Finds the tables that are missing, and returns those that are there and are Dagster's.
    fn tables(&mut self) -> Vec<Ours<'c>> {
        let (expected, found) = (self.expected, self.found);
        let mut ours = Vec::new();
        let mut names = expected.tables();
        names.sort_by_key(|name| depth(expected, name));
        for name in names {
            let forms = expected.forms_of(name);
            let Some(form) = forms.last() else { continue };
            let Some(table) = found.shape.tables.get(name) else {
                if expected.requires(name) {
                    let missing = error(SchemaProblem::Missing, format!("table {name}"));
                    let finding = match found.unseen.get(name).filter(|it| !it.is_empty()) {
                        // An empty one in front of it would hide what is in it.
                        Some(schemas) => missing
                            .with_found(format!("one in the schema {}", schemas.join(" and ")))
                            .with_mend(SchemaMend::advice(
                                "if it is Dagster's, move it back (`ALTER TABLE .. SET SCHEMA ..`), or name its schema in \
                                 search_path",
                            )),
                        None => missing.with_mend(mends::create_table(form, Some(found))),
                    };
                    self.add(name, finding);
                }
                continue;
            };
            if let Some(foreign) = self.foreign_table(name, form, table) {
                self.add(name, foreign);
            } else {
                ours.push((name, forms, table));
            }
        }
        ours
    }

    /// A table of another program that has one of our names.
    fn foreign_table(&self, name: &str, form: &Table, table: &Table) -> Option<SchemaFinding> {
        let place = self.found.places.get(name);
        let lacking: Vec<&str> = form
            .columns
            .iter()
            .map(|column| column.name.as_str())
            .filter(|column| table.column(column).is_none())
            .collect();
        let is_other = !table.columns.is_empty() && lacking.len() * 2 > form.columns.len();
        let is_view = place.is_some_and(|place| !place.is_table);
        let home = self.found.home();
        let is_elsewhere = place.is_some_and(|place| {
            Some(place.schema.as_str()) != home
                && home.is_some_and(|home| place.hides.iter().any(|hidden| hidden == home))
        });
        if !is_other && !is_view && !is_elsewhere {
            return None;
        }
        let whose = place.map_or_else(String::new, |place| format!("{}.", place.schema));
        let finding = error(SchemaProblem::Foreign, format!("table {whose}{name}"));
        let said = if is_view {
            "it is no table".to_owned()
        } else if is_other {
            format!("it has no column {}", lacking.join(", "))
        } else {
            format!("the other tables of Dagster's are in the schema {}", home.unwrap_or_default())
        };
        let hidden = place.filter(|place| !place.hides.is_empty());
        let advice = match (self.dialect(), hidden) {
            (Dialect::Sqlite, _) => {
                "another program has made it: rename it, or give Dagster a directory of its own"
                    .to_owned()
            }
            (Dialect::Postgres, Some(place)) => {
                let schema = place.hides.iter().find(|it| Some(it.as_str()) == home);
                let schema = schema.or_else(|| place.hides.first()).map_or("", String::as_str);
                format!(
                    "it hides that of the schema {schema}: let search_path begin with {schema}, as by `options=-csearch_path={schema}`"
                )
            }
            (Dialect::Postgres, None) => {
                "another program has made it: rename it, or give Dagster a schema of its own by \
                                          `options=-csearch_path=ITS_NAME`"
                    .to_owned()
            }
        };
        Some(finding.with_found(said).with_mend(SchemaMend::advice(advice)))
    }

    fn columns(&mut self, name: &str, forms: &[&'c Table], table: &'c Table) {
        let Some(form) = forms.last() else { return };
        for column in &form.columns {
            let variants: Vec<&Column> =
                forms.iter().filter_map(|form| form.column(&column.name)).collect();
            let object = format!("column {name}.{}", column.name);
            match table.column(&column.name) {
                Some(there) => self.column(name, form, &variants, there),
                None if variants.len() == forms.len() => {
                    let mend =
                        mends::add_column(self.dialect(), name, form, column, Some(self.found));
                    let missing = error(SchemaProblem::Missing, object);
                    self.add(name, missing.with_expected(column.to_string()).with_mend(mend));
                }
                None => {}
            }
        }
    }

    fn column(&mut self, name: &str, form: &Table, variants: &[&Column], there: &Column) {
        let dialect = self.dialect();
        let is_key = form.primary_key.contains(&there.name);
        // To SQLite they are one, but for the number of a row.
        let is_number = |kind: &Kind| matches!(kind, Kind::Integer | Kind::BigInteger);
        let fits = |column: &&Column| match dialect {
            Dialect::Sqlite if is_number(&column.kind) && is_number(&there.kind) => {
                !is_key || there.kind == Kind::Integer
            }
            Dialect::Sqlite | Dialect::Postgres => column.kind.fits(&there.kind),
        };
        let is_null_as_expected = |column: &&Column| {
            column.is_required == there.is_required || (is_key && dialect == Dialect::Sqlite)
        };
        let has_default =
            |column: &&Column| column.default == Default::None || column.default == there.default;
        let Some(wanted) = variants.last() else { return };
        let object = format!("column {name}.{}", there.name);
        let is_right = variants.iter().any(fits) && variants.iter().any(is_null_as_expected);
        let lacks_default = !variants.iter().any(has_default);
        let lacks_numbers = lacks_default && wanted.default == Default::Next;
        if !is_right || (lacks_default && !lacks_numbers) {
            let mend = mends::change_column(dialect, name, form, wanted, self.found, there);
            let mut finding = error(SchemaProblem::Different, object);
            // Releases 1.9.12 and 1.9.13 made it so.
            if is_right && wanted.default == Default::False {
                finding.severity = SchemaSeverity::Note;
            }
            let finding = finding.with_expected(wanted.to_string()).with_found(there.to_string());
            self.add(name, finding.with_mend(mend));
        }
        if lacks_numbers {
            let mend = mends::make_sequence(name, &there.name, &there.kind, self.found);
            let object = format!("sequence of {name}.{}", there.name);
            self.add(name, error(SchemaProblem::Missing, object).with_mend(mend));
        }
    }

    fn keys(&mut self, name: &str, forms: &[&'c Table], table: &'c Table) {
        let dialect = self.dialect();
        let Some(form) = forms.last() else { return };
        let is_required = forms.iter().all(|form| !form.primary_key.is_empty());
        if is_required && table.primary_key != form.primary_key {
            let problem = if table.primary_key.is_empty() {
                SchemaProblem::Missing
            } else {
                SchemaProblem::Different
            };
            let mut finding = error(problem, format!("primary key of {name}"))
                .with_expected(format!("({})", form.primary_key.join(", ")));
            if !table.primary_key.is_empty() {
                finding = finding.with_found(format!("({})", table.primary_key.join(", ")));
            }
            // The column of the key may be missing itself; it is mended first.
            let mend = mends::make_primary_key(dialect, name, form, self.found);
            self.add(name, finding.with_mend(mend));
        }
        for unique in form.indexes.iter().filter(|index| index.is_of_constraint) {
            let has = |form: &&Table| form.is_unique(&unique.columns);
            if !forms.iter().all(has) || table.is_unique(&unique.columns) {
                continue;
            }
            let broken = table
                .indexes
                .iter()
                .find(|index| index.is_unique && index.columns == unique.columns);
            let object = format!("unique key of {name} ({})", unique.columns.join(", "));
            let finding = match broken {
                Some(index) if index.state == IndexState::Invalid => {
                    let mend = if index.is_of_constraint {
                        mends::build_again(index)
                    } else {
                        mends::make_unique_again(dialect, name, index)
                    };
                    error(SchemaProblem::Invalid, object)
                        .with_found(format!("the build of {} has failed", index.name))
                        .with_mend(mend)
                }
                Some(index) if index.state == IndexState::Building => {
                    note(SchemaProblem::Invalid, object).with_found("it is being built")
                }
                Some(index) if index.state == IndexState::Deferrable => {
                    let mend = mends::drop_index(dialect, name, index);
                    error(SchemaProblem::Different, object)
                        .with_found("it is DEFERRABLE, and then ON CONFLICT does not take it")
                        .with_mend(mend.and(mends::make_unique(dialect, name, &unique.columns)))
                }
                _ => error(SchemaProblem::Missing, object).with_mend(mends::make_unique(
                    dialect,
                    name,
                    &unique.columns,
                )),
            };
            self.add(name, finding);
        }
    }

    fn indexes(&mut self, name: &str, forms: &[&'c Table], table: &'c Table) {
        let dialect = self.dialect();
        let mut wanted: Vec<&Index> = Vec::new();
        for index in forms.iter().rev().flat_map(|form| &form.indexes) {
            if !index.is_of_constraint && !wanted.iter().any(|it| it.name == index.name) {
                wanted.push(index);
            }
        }
        let mut told: Vec<&str> = Vec::new();
        for index in wanted {
            let instead = Expected::instead_of(&index.name);
            let either = |table: &Table| {
                table.index(&index.name).is_some()
                    || instead.is_some_and(|other| table.index(other).is_some())
            };
            let object = format!("index {} on {name}", index.name);
            match table.index(&index.name) {
                None if told.contains(&index.name.as_str()) => {}
                None => {
                    let is_required = forms.iter().all(|form| either(form));
                    if !is_required || either(table) {
                        continue;
                    }
                    told.extend(instead);
                    let serves = index.is_unique && table.is_unique(&index.columns);
                    let by_another = table.indexes.iter().find(|other| {
                        !other.is_of_constraint
                            && other.is_like(index)
                            && other.state == IndexState::Valid
                    });
                    let mut finding = error(SchemaProblem::MissingIndex, object)
                        .with_expected(index.key())
                        .with_mend(mends::create_index(dialect, index));
                    if !index.is_unique {
                        finding.severity = SchemaSeverity::Warning;
                    }
                    if let Some(other) = by_another {
                        finding.severity = SchemaSeverity::Note;
                        finding = finding.with_found(format!("{} is like it", other.name));
                    } else if serves {
                        finding.severity = SchemaSeverity::Note;
                    }
                    self.add(name, finding);
                }
                Some(there) => {
                    let is_right = forms
                        .iter()
                        .filter_map(|form| form.index(&index.name))
                        .any(|form| form.is_like(there));
                    let finding = match there.state {
                        IndexState::Invalid => error(SchemaProblem::Invalid, object)
                            .with_found("its build has failed")
                            .with_mend(mends::create_index_again(dialect, index)),
                        IndexState::Building => {
                            note(SchemaProblem::Invalid, object).with_found("it is being built")
                        }
                        IndexState::Valid if is_right => continue,
                        IndexState::Valid | IndexState::Deferrable => {
                            error(SchemaProblem::Different, object)
                                .with_expected(index.key())
                                .with_found(there.key())
                                .with_mend(mends::create_index_again(dialect, index))
                        }
                    };
                    self.add(name, finding);
                }
            }
        }
    }

    fn foreign_keys(&mut self, name: &str, forms: &[&'c Table], table: &'c Table) {
        let Some(form) = forms.last() else { return };
        for key in &form.foreign_keys {
            if !forms.iter().all(|form| form.foreign_key(key).is_some()) {
                continue;
            }
            let object = format!("foreign key of {name} {key}");
            let there = table.foreign_key(key);
            let finding = match there {
                None => warning(SchemaProblem::Missing, object),
                Some(there) if there.cascades != key.cascades => {
                    warning(SchemaProblem::Different, object).with_found(there.to_string())
                }
                Some(there) if !there.is_valid => {
                    let finding = warning(SchemaProblem::Different, object)
                        .with_found("nobody has looked whether all rows follow it")
                        .with_mend(mends::validate(name, &there.name));
                    self.add(name, finding);
                    continue;
                }
                Some(_) => continue,
            };
            let mend = mends::make_foreign_key(name, key, there.map(|there| there.name.as_str()));
            self.add(name, finding.with_mend(mend));
        }
    }

    /// What a table has beyond its revision.
    fn beyond(&mut self, name: &str, forms: &[&'c Table], table: &'c Table) {
        let dialect = self.dialect();
        for column in &table.columns {
            if forms.iter().any(|form| form.column(&column.name).is_some()) {
                continue;
            }
            let object = format!("column {name}.{}", column.name);
            let finding = if self.expected.will_have_column(name, &column.name) {
                note(SchemaProblem::Ahead, object)
            } else if column.is_required && column.default == Default::None {
                error(SchemaProblem::Foreign, object)
                    .with_found("it refuses rows without a value, and Dagster gives it none")
                    .with_mend(mends::release_column(dialect, name, &column.name))
            } else {
                note(SchemaProblem::Foreign, object)
            };
            self.add(name, finding);
        }
        for index in &table.indexes {
            if let Some(finding) = self.index_beyond(name, forms, table, index) {
                self.add(name, finding);
            }
        }
        let triggers = self.found.triggers.iter().filter(|trigger| trigger.table == name);
        for trigger in triggers {
            let object = format!("trigger {} on {name}", trigger.name);
            let mend = mends::drop_trigger(dialect, trigger);
            self.add(name, note(SchemaProblem::Foreign, object).with_mend(mend));
        }
    }

    fn index_beyond(
        &self,
        name: &str,
        forms: &[&'c Table],
        table: &Table,
        index: &Index,
    ) -> Option<SchemaFinding> {
        let dialect = self.dialect();
        let object = format!("index {} on {name}", index.name);
        let drop = || mends::drop_index(dialect, name, index);
        if let Some(successor) = self.successor(&index.name)
            && table.index(successor).is_some_and(|it| it.state == IndexState::Valid)
        {
            let found = format!("{successor} has taken its place");
            return Some(note(SchemaProblem::LeftOver, object).with_found(found).with_mend(drop()));
        }
        let is_key = |form: &&Table| index.is_unique && form.is_unique(&index.columns);
        // One without another beside it is told where the key is looked for.
        if index.state == IndexState::Deferrable
            && forms.iter().all(|form| form.index(&index.name).is_none())
            && forms.iter().any(is_key)
            && table.is_unique(&index.columns)
        {
            let said = "it is DEFERRABLE, and then ON CONFLICT fails, though another unique key of these columns is not";
            let finding = error(SchemaProblem::Different, object);
            return Some(finding.with_found(said).with_mend(drop()));
        }
        let is_of_form = |form: &&Table| form.index(&index.name).is_some() || is_key(form);
        if forms.iter().any(is_of_form) {
            return None;
        }
        if self.expected.will_have_index(name, &index.name) {
            return Some(note(SchemaProblem::Ahead, object));
        }
        // Whatever a person adds is welcome, unless it refuses rows or is of no use.
        match index.state {
            IndexState::Invalid => {
                let finding = warning(SchemaProblem::Invalid, object);
                Some(finding.with_found("its build has failed").with_mend(drop()))
            }
            IndexState::Valid | IndexState::Deferrable
                if index.is_unique && Expected::instead_of(&index.name).is_none() =>
            {
                let said = format!("it refuses rows that Dagster may write: {}", index.key());
                Some(warning(SchemaProblem::Foreign, object).with_found(said).with_mend(drop()))
            }
            IndexState::Valid | IndexState::Deferrable | IndexState::Building => None,
        }
    }

    /// The index that takes the place of another one, if a revision that is there drops that.
    fn successor(&self, index: &str) -> Option<&'static str> {
        let mut changes = CHAIN.get(..=self.expected.at)?.iter().flat_map(|it| it.changes);
        changes.find_map(|change| match change {
            Change::DropIndex { name, only_with } if *name == index => Some(*only_with),
            _ => None,
        })
    }

    /// Tables with our names in a later schema of the search path: nobody sees them, whatever is in them.
    fn hidden(&mut self, ours: &[Ours<'_>]) {
        let mut hidden: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, ..) in ours {
            let place = self.found.places.get(*name);
            for schema in place.iter().flat_map(|place| &place.hides) {
                hidden.entry(schema).or_default().push(name);
            }
        }
        for (schema, names) in hidden {
            let home = self.found.home().unwrap_or_default();
            let object = format!("schema {schema}");
            let found = format!(
                "it has tables of these names, too, and those of the schema {home} hide them: {}",
                names.join(", ")
            );
            let advice = format!(
                "if it is the one that is meant, let search_path begin with it, as by `options=-csearch_path={schema}`"
            );
            let finding = note(SchemaProblem::Foreign, object).with_found(found);
            self.findings.push(finding.with_mend(SchemaMend::advice(advice)));
        }
    }

    /// Tables of later revisions, and those that are none of Dagster's.
    fn others(&mut self) {
        for name in self.found.shape.tables.keys() {
            if self.expected.forms_of(name).is_empty() && self.expected.will_have_table(name) {
                self.add(name, note(SchemaProblem::Ahead, format!("table {name}")));
            }
        }
        let (count, names) = &self.found.others;
        if *count > 0 {
            let more = if *count > names.len() as u64 { ", .." } else { "" };
            let object = if *count == 1 { "1 table".to_owned() } else { format!("{count} tables") };
            let found = format!("beside Dagster's: {}{more}", names.join(", "));
            self.findings.push(note(SchemaProblem::Foreign, object).with_found(found));
        }
    }
}

/// How many tables have to be there before a table can be made.
fn depth(expected: &Expected, table: &str) -> usize {
    let forms = expected.forms_of(table);
    let keys = forms.last().map_or(&[][..], |form| &form.foreign_keys);
    keys.iter().map(|key| depth(expected, &key.to_table) + 1).max().unwrap_or(0)
}

fn error(problem: SchemaProblem, object: String) -> SchemaFinding {
    SchemaFinding::new(problem, SchemaSeverity::Error, object)
}

fn warning(problem: SchemaProblem, object: String) -> SchemaFinding {
    SchemaFinding::new(problem, SchemaSeverity::Warning, object)
}

fn note(problem: SchemaProblem, object: String) -> SchemaFinding {
    SchemaFinding::new(problem, SchemaSeverity::Note, object)
}
