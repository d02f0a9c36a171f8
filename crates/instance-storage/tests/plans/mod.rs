//! What the tests of query plans share, that of SQLite beside this file and that of Postgres in the package of
//! tests: the statements, the rows, the rules, and the document that lists the plans. How a plan is asked for
//! and read is theirs.
#![expect(clippy::expect_used, clippy::panic, reason = "a failed expectation is a failed test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The tables that grow with every run. The others have a row for each asset, job or daemon, and are small.
pub(crate) const GROWING: [&str; 6] = [
    "asset_check_executions",
    "asset_event_tags",
    "dynamic_partitions",
    "event_logs",
    "run_tags",
    "runs",
];

/// How a database finds the rows of a statement.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The name of the statement's snapshot.
    pub(crate) name: String,
    pub(crate) statement: String,
    /// Each access to a table that grows, in short.
    pub(crate) steps: Vec<String>,
    /// Whether one of them goes through a whole table, or a whole index.
    pub(crate) is_scan: bool,
}

impl Plan {
    /// Whether it asks for events of one run, where those of all runs are together, and does not name them.
    fn is_of_one_run(&self) -> bool {
        let has = |part| self.statement.contains(part);
        let names_run = has("\"event_logs\"") && has("\"run_id\" = '");
        names_run && !has("\"id\" IN (6, 7)") && !self.name.ends_with("its_file")
    }
}

/// The statements that look for rows of the tables that grow, in one dialect, by the names of their snapshots.
pub(crate) fn statements(dialect: &str) -> Vec<(String, String)> {
    let snapshots = fs::read_dir(root().join("crates/instance-storage/tests/sql"));
    let mut statements: Vec<_> = snapshots
        .expect("snapshots")
        .filter_map(|file| {
            let path = file.expect("a snapshot").path();
            let name = path.file_stem()?.to_str()?.to_owned();
            if name.ends_with("_on_older") {
                // These are for databases that lack something. The one that is filled here is of the newest revision.
                return None;
            }
            let text = fs::read_to_string(&path).expect("a snapshot");
            let (_, statement) = text.split_once(&format!("-- {dialect}\n"))?;
            let statement = statement.split("\n-- ").next()?.trim();
            let finds = !statement.starts_with("INSERT")
                && GROWING.iter().any(|table| statement.contains(&format!("\"{table}\"")));
            finds.then(|| (name, statement.to_owned()))
        })
        .collect();
    assert!(statements.len() > 100, "only {} statements were found", statements.len());
    statements.sort();
    statements
}

/// The statements that fill the tables, given how the dialect makes a time of seconds.
pub(crate) fn filling(time: impl Fn(&str) -> String) -> Vec<String> {
    let with_times = |statement: &str| {
        let mut parts = statement.split("TIME(");
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (seconds, rest) = part.split_once(')').expect("the end of a time");
            text += &time(seconds);
            text += rest;
        }
        text
    };
    let statements = include_str!("fill.sql").split("\n\n");
    statements.filter(|text| !text.starts_with("--")).map(with_times).collect()
}

/// Checks that no plan goes through a table without a reason, and that the document lists these plans.
///
/// With `is_same_version`, the plans are those of the server that the document was written with; another one
/// may do better, and then keeps to the rules alone.
pub(crate) fn check(
    section: &str,
    plans: &[Plan],
    reasons: &[(&[&str], &str)],
    is_same_version: bool,
) {
    let reasons: BTreeMap<_, _> = reasons
        .iter()
        .flat_map(|(names, reason)| names.iter().map(move |name| (*name, *reason)))
        .collect();
    let has_reason = |plan: &&Plan| reasons.contains_key(&*plan.name);
    let new: Vec<_> = plans.iter().filter(|plan| plan.is_scan && !has_reason(plan)).collect();
    assert!(new.is_empty(), "these scan for no reason: {new:#?}");
    let better: Vec<_> = plans.iter().filter(|plan| !plan.is_scan && has_reason(plan)).collect();
    assert!(better.is_empty() || !is_same_version, "these no longer scan: {better:#?}");
    for name in reasons.keys() {
        assert!(plans.iter().any(|plan| plan.name == *name), "there is no statement {name}");
    }
    for plan in plans.iter().filter(|plan| plan.is_of_one_run()) {
        let by_run = plan.steps.iter().any(|step| step.contains("idx_events_by_run_id"));
        assert!(
            by_run || !is_same_version,
            "{} reads the events of other runs: {plan:?}",
            plan.name
        );
    }
    if is_same_version {
        check_document(section, &tables(plans, &reasons));
    }
}

fn tables(plans: &[Plan], reasons: &BTreeMap<&str, &str>) -> String {
    let mut scans = "| scan | plan | why |\n| --- | --- | --- |\n".to_owned();
    let mut others = "| statement | plan |\n| --- | --- |\n".to_owned();
    for Plan { name, steps, .. } in plans {
        let steps = steps.join("; ");
        match reasons.get(&**name) {
            Some(reason) => scans.extend(["| ", name, " | ", &steps, " | ", reason, " |\n"]),
            None => others.extend(["| ", name, " | ", &steps, " |\n"]),
        }
    }
    format!("{scans}\n{others}")
}

/// Compares a section of the document with what it has to be, or writes it, as it is done with snapshots.
#[expect(clippy::disallowed_methods, reason = "the variable by which snapshots are written, too")]
fn check_document(section: &str, expected: &str) {
    let path = root().join("docs/query-plans.md");
    let document = fs::read_to_string(&path).expect("the document");
    let (before, rest) =
        document.split_once(&format!("<!-- {section} -->\n\n")).expect("a section");
    let (found, after) = rest.split_once("\n<!-- end -->").expect("the end of a section");
    if found == expected {
        return;
    }
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        let document = format!("{before}<!-- {section} -->\n\n{expected}\n<!-- end -->{after}");
        fs::write(&path, document).expect("the document");
        return;
    }
    for (found, expected) in found.lines().zip(expected.lines()) {
        assert_eq!(found, expected, "docs/query-plans.md is old: INSTA_UPDATE=always writes it");
    }
    panic!("docs/query-plans.md is old: INSTA_UPDATE=always writes it");
}

/// The root of the repository.
fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = manifest.ancestors().find(|directory| directory.join("Cargo.lock").is_file());
    root.expect("the workspace").to_owned()
}
