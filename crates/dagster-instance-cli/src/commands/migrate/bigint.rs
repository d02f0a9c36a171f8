//! What giving ids 64 bits would cost, and whether it is wanted all the same.

use std::time::Duration;

use dagster_instance::UpgradePlan;
use dagster_instance::storage::{DatabaseSchema, NarrowTable, SchemaState};

use super::Names;
use crate::args::Migrate;
use crate::confirm::{self, Decision};
use crate::{Result, print, report, text};

/// Says what is to be written anew, and asks whether to do it, unless the arguments say so.
pub(super) fn is_wanted(args: &Migrate, names: &Names, plan: &UpgradePlan) -> Result<bool> {
    let is_refused = |database: &DatabaseSchema| {
        matches!(database.state, SchemaState::Refused(_) | SchemaState::Unreadable(_))
    };
    // The upgrade says why.
    if plan.databases.iter().any(is_refused) {
        return Ok(true);
    }
    if !say(names, plan)? || args.yes {
        return Ok(true);
    }
    let question = "Do it now, while nobody can use these tables?";
    match confirm::confirm(question) {
        Ok(decision) => Ok(decision == Decision::Do),
        Err(error) => {
            report::failure(&error.to_string());
            Ok(false)
        }
    }
}

/// Says which tables have ids of 32 bits, and what it takes to widen them. Returns whether there are any.
pub(super) fn say(names: &Names, plan: &UpgradePlan) -> Result<bool> {
    let mut is_any = false;
    for database in plan.databases.iter().filter(|database| !database.narrow_tables.is_empty()) {
        is_any = true;
        let tables = &database.narrow_tables;
        report::say(&text::lines(&format!(
            "{}: these tables get ids of 64 bits. Each is written anew, and nobody reads or writes it meanwhile:",
            names.of(database)
        )));
        let mut listed = Vec::new();
        let rows: Vec<_> = tables.iter().map(row).collect();
        let heads =
            ["TABLE", "COLUMN", "SEQUENCE", "BYTES", "ROWS", "GREATEST ID", "USED", "TAKES"];
        print::Table::new(&heads).rows(&mut listed, &rows)?;
        report::say(String::from_utf8_lossy(&listed).trim_end());
        let takes = tables.iter().map(NarrowTable::takes).sum();
        report::say(&format!(
            "In all: {}, at {} MB a second. Until a table is done, the disk of the server needs as much room again as the table and its \
             indexes have, and about as much for the write-ahead log: at most {} bytes of each. How much is free cannot be seen from \
             here.",
            duration(takes),
            NarrowTable::BYTES_PER_SECOND / 1_000_000,
            largest(tables)
        ));
    }
    if !is_any {
        report::say("All ids have 64 bits already: nothing is to be done about them.");
    }
    Ok(is_any)
}

/// How many bytes are written anew at once at most. Events and their tags are, together.
fn largest(tables: &[NarrowTable]) -> u64 {
    let is_of_events =
        |table: &&NarrowTable| ["event_logs", "asset_event_tags"].contains(&&*table.table);
    let of_events = tables.iter().filter(is_of_events).map(NarrowTable::bytes_written).sum();
    tables.iter().map(NarrowTable::bytes_written).max().unwrap_or_default().max(of_events)
}

fn row(table: &NarrowTable) -> Vec<String> {
    let or_dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    vec![
        table.table.clone(),
        or_dash(table.columns.join(", ")),
        table.sequence_type.clone().unwrap_or_else(|| "-".to_owned()),
        table.bytes.to_string(),
        table.rows.to_string(),
        table.greatest_id.map_or_else(|| "-".to_owned(), |greatest| greatest.to_string()),
        table.used_percent().map_or_else(|| "-".to_owned(), |used| format!("{used:.2} %")),
        duration(table.takes()),
    ]
}

/// A time that is only estimated.
fn duration(takes: Duration) -> String {
    match takes.as_secs() {
        0 => "< 1 s".to_owned(),
        seconds @ 1..=119 => format!("{seconds} s"),
        seconds @ 120..=7_199 => format!("{} min", seconds / 60),
        seconds => format!("{:.1} h", Duration::from_secs(seconds).as_secs_f64() / 3_600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_units_that_fit() {
        let told = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!(
            [told(0), told(1), told(119), told(120), told(7_199), told(7_200), told(9_000)],
            ["< 1 s", "1 s", "119 s", "2 min", "119 min", "2.0 h", "2.5 h"]
        );
    }
}
