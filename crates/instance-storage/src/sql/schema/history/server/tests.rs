//! The plan for a server's database, of what the fresh schemas of releases have. Not here: carrying it out.

use std::fmt::Write as _;

use super::*;
use crate::sql::schema::history::{fresh, position};

/// What a new database of a revision has.
fn fresh_at(revision: &str) -> Facts {
    let at = position(revision).unwrap();
    let mut facts = Facts::default();
    for schema in Schema::OF_ONE_DATABASE {
        for statement in fresh_statements(*schema, Dialect::Postgres, at) {
            if let Some(created) = created_table(statement) {
                let table = created;
                facts.catalog.add_table(table);
                for line in statement.lines().skip(1).map(str::trim) {
                    let column = line.split(' ').next().unwrap_or_default();
                    facts.catalog.add_column(table, column);
                    if line.contains("PRIMARY KEY") {
                        facts.catalog.add_primary_key(table);
                    }
                    if line.contains(" DEFAULT ") {
                        facts.defaults.insert((table.to_owned(), column.to_owned()));
                    }
                }
            } else if let Some(name) =
                statement.split(' ').skip_while(|word| *word != "INDEX").nth(1)
            {
                add_index(&mut facts, fresh::indexed_table(statement).unwrap(), name, true);
            }
        }
    }
    facts
}

fn add_index(facts: &mut Facts, table: &str, name: &str, is_valid: bool) {
    if is_valid {
        facts.catalog.add_index(name);
    } else {
        facts.catalog.remove_index(name);
    }
    let index = Index { table: table.to_owned(), is_valid, said: name.to_owned() };
    facts.indexes.insert(name.to_owned(), index);
}

fn text(actions: &[Action]) -> String {
    let mut text = String::new();
    for action in actions {
        let lock = action.lock.as_ref().map_or_else(
            || "no lock".to_owned(),
            |(table, lock)| format!("{} on {table}", lock.name()),
        );
        let _ = writeln!(
            text,
            "-- {} {:?}, {lock}{}",
            action.revision.unwrap_or("-"),
            action.manner,
            if action.rewrites { ", written anew" } else { "" }
        );
        for statement in &action.statements {
            let _ = writeln!(text, "{statement};");
        }
    }
    text
}

fn from(revision: &str, facts: &Facts) -> String {
    text(&actions(Start::At(position(revision).unwrap()), facts))
}

fn check(name: &str, listing: &str) {
    insta::with_settings!({
        snapshot_path => "../../../../../tests/schema_history",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, listing);
    });
}

#[test]
fn all_that_leads_from_the_base_to_the_newest_revision() {
    check("server_actions", &from("5e139331e376", &fresh_at("5e139331e376")));
}

/// A new database of any revision lacks nothing of that revision.
#[test]
fn new_databases_of_a_release_are_whole() {
    for revision in CHAIN.iter().filter(|revision| !fresh::PASSED.contains(&revision.id)) {
        let at = position(revision.id).unwrap();
        let facts = fresh_at(revision.id);
        let all = actions(Start::At(at), &facts);
        let early = all.iter().filter(|action| {
            action.revision.is_none_or(|of| position(of).unwrap() <= at) && !action.stamps
        });
        // The default that two releases forgot is in none of the texts that are kept.
        assert_eq!(text(&early.cloned().collect::<Vec<_>>()), "", "{}", revision.id);
    }
    assert_eq!(from(CHAIN.last().unwrap().id, &fresh_at(CHAIN.last().unwrap().id)), "");
}

#[test]
fn whatever_was_done_last_the_rest_is_what_is_left() {
    let base = fresh_at("5e139331e376");
    let all = actions(Start::At(0), &base);
    for done in 0..all.len() {
        let (mut facts, mut at) = (base.clone(), 0);
        for action in &all[..done] {
            apply(&mut facts, action);
            if action.stamps {
                at = position(action.revision.unwrap()).unwrap();
            }
        }
        assert_eq!(text(&actions(Start::At(at), &facts)), text(&all[done..]), "{done}");
    }
}

/// Carries an action out by what the chain says of its statements.
fn apply(facts: &mut Facts, action: &Action) {
    for statement in &action.statements {
        let plain = statement.replace(" CONCURRENTLY", "");
        if let Some(name) = plain.strip_prefix("DROP INDEX ") {
            facts.indexes.remove(name);
            facts.catalog.remove_index(name);
        }
        let all = CHAIN.iter().flat_map(|revision| revision.changes);
        let nested = all.clone().filter_map(|change| match change {
            Change::Table(table) => Some(table.then),
            _ => None,
        });
        for change in all.chain(nested.flatten()) {
            if matches!(change, Change::DropIndex { .. }) {
                continue;
            }
            if change.statements(Dialect::Postgres).first() != Some(&plain) {
                continue;
            }
            change.apply(&mut facts.catalog, Dialect::Postgres);
            if let Change::Index { table, name, .. } = change {
                add_index(facts, table, name, true);
            }
        }
    }
    if action.statements.iter().any(|it| it.contains("using_default_limit")) {
        let column = (concurrency_limits::TABLE, concurrency_limits::USING_DEFAULT_LIMIT);
        facts.defaults.insert((column.0.to_owned(), column.1.to_owned()));
    }
}

#[test]
fn at_the_newest_revision_what_is_missing_or_invalid_is_mended() {
    let head = CHAIN.last().unwrap().id;
    let mut facts = fresh_at(head);
    add_index(&mut facts, "event_logs", "idx_events_by_asset", false);
    add_index(&mut facts, "runs", "idx_run_status", false);
    add_index(&mut facts, "runs", "idx_run_range_ccnew", false);
    add_index(&mut facts, "event_logs", "idx_step_key", true);
    facts.indexes.remove("idx_runs_by_job");
    facts.catalog.remove_index("idx_runs_by_job");
    // Both forms of the index of tags are missing.
    facts.indexes.remove("idx_run_tags");
    facts.catalog.remove_index("idx_run_tags");
    facts.defaults.clear();
    check("server_actions_at_head", &from(head, &facts));
}

#[test]
fn a_database_that_says_no_revision_gets_the_one_that_is_named() {
    let facts = fresh_at("7e2f3204cf8e");
    let all = actions(Start::Unsaid(position("7e2f3204cf8e").unwrap()), &facts);
    check("server_actions_unsaid", &text(&all));
}

#[test]
fn tags_of_events_without_events_have_no_foreign_key() {
    let mut facts = Facts::default();
    facts.catalog.add_table("runs");
    let all = actions(Start::At(0), &facts);
    let all = text(&all);
    assert!(!all.contains("FOREIGN KEY"), "{all}");
    assert!(all.contains("PRIMARY KEY (id)\n)"), "{all}");
}
