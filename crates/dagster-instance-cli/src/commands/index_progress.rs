//! What `reindex` and `migrate` say while they build secondary indexes, and how they print what was built.

use std::fmt::Write as _;
use std::io::Write;
use std::time::Duration;

use dagster_instance::{ReindexEvent, ReindexProgress, ReindexedIndex};

use crate::{Result, print, report, text};

/// After how many rows the progress is said.
const ROWS_BETWEEN: u64 = 10_000;

/// How a later command goes on where this one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resume {
    /// By an option with the place, which is said.
    ByOption,
    /// It finds out by itself.
    ByItself,
}

/// Says on standard error how far the building of indexes has come.
#[derive(Debug)]
pub(crate) struct IndexProgress {
    resume: Resume,
    said: u64,
    /// The option by which a later command goes on with the index that is being built.
    last: Option<String>,
}

impl IndexProgress {
    pub(crate) const fn new(resume: Resume) -> Self {
        Self { resume, said: 0, last: None }
    }

    /// The option by which a later command goes on with an index that was not finished.
    pub(crate) fn resume(&self) -> Option<&str> {
        self.last.as_deref()
    }

    pub(crate) fn say(&mut self, at: ReindexProgress) {
        let index = at.index;
        match at.event {
            ReindexEvent::Started { rows } => {
                if let Some(rows) = rows.filter(|rows| *rows > 0) {
                    report::say(&format!("{index}: {rows} rows to look at"));
                }
                self.forget();
            }
            ReindexEvent::Advanced { rows, left, time_left, cursor } => {
                let resume = format!("--resume {index}:{cursor}");
                if rows / ROWS_BETWEEN > self.said {
                    self.said = rows / ROWS_BETWEEN;
                    // Writing to a string does not fail.
                    let mut line = format!("{index}: {rows} rows are done");
                    if let Some(left) = left {
                        let _ = write!(line, ", {left} are left");
                    }
                    if let Some(time_left) = time_left {
                        let _ = write!(line, ", for {}", about(time_left));
                    }
                    if self.resume == Resume::ByOption {
                        let _ = write!(line, "; {resume} goes on from here");
                    }
                    report::say(&text::lines(&line));
                }
                self.last = Some(resume);
            }
            ReindexEvent::NotAskedFor => report::say(&format!(
                "{index} is not built either: `migrate` builds it, and so does `reindex --index {index}`"
            )),
            _ => self.forget(),
        }
    }

    fn forget(&mut self) {
        self.said = 0;
        self.last = None;
    }
}

/// A duration as people say it, rounded.
fn about(duration: Duration) -> String {
    match duration.as_secs() {
        0 => "less than a second".to_owned(),
        seconds @ 1..120 => format!("about {seconds} s"),
        seconds @ 120..7_200 => format!("about {} min", (seconds + 30) / 60),
        seconds => format!("about {} h", (seconds + 1_800) / 3_600),
    }
}

/// Prints what was done about each index.
pub(crate) fn print_built(out: &mut impl Write, done: &[ReindexedIndex]) -> Result<()> {
    let rows = done.iter().map(|index| {
        let what = index
            .rows
            .map_or_else(|| "built already".to_owned(), |rows| format!("built from {rows} rows"));
        vec![index.index.to_owned(), what]
    });
    Ok(print::Table::new(&["INDEX", "STATE"]).rows(out, &rows.collect::<Vec<_>>())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_rounded() {
        for (seconds, text) in [
            (0, "less than a second"),
            (1, "about 1 s"),
            (119, "about 119 s"),
            (120, "about 2 min"),
            (7_199, "about 120 min"),
            (9_000, "about 3 h"),
        ] {
            assert_eq!(about(Duration::from_secs(seconds)), text);
        }
    }
}
