//! Prints for people: times, and tables whose columns line up.
//!
//! Not here: how text from the database is shown (`text.rs`).

use std::io::Write;

use dagster_instance::clock::datetime_of;

/// A time of seconds since 1970, in UTC; a dash where there is none.
pub(crate) fn time(timestamp: Option<f64>) -> String {
    let time = timestamp.and_then(datetime_of);
    time.map_or_else(|| "-".to_owned(), |time| time.format("%Y-%m-%d %H:%M:%S").to_string())
}

/// The time of day with milliseconds, in UTC.
pub(crate) fn time_of_day(timestamp: f64) -> String {
    datetime_of(timestamp)
        .map_or_else(|| "-".to_owned(), |time| time.format("%H:%M:%S%.3f").to_string())
}

/// So many of something, whose word begins with the one that has a plural: `1 event`, `2 executions of checks`.
pub(crate) fn counted(count: u64, word: &str) -> String {
    if count == 1 {
        return format!("1 {word}");
    }
    match word.split_once(' ') {
        Some((first, rest)) => format!("{count} {first}s {rest}"),
        None => format!("{count} {word}s"),
    }
}

/// A duration in seconds.
pub(crate) fn duration(start: Option<f64>, end: Option<f64>) -> String {
    match (start, end) {
        (Some(start), Some(end)) => format!("{:.2}s", end - start),
        _ => "-".to_owned(),
    }
}

/// About how long a time is, in seconds, for people; what is below zero counts as nothing.
pub(crate) fn about(seconds: f64) -> String {
    for (unit, length) in [("days", 86_400.0), ("h", 3_600.0), ("min", 60.0)] {
        // Two of a unit tell more than one of the next.
        if seconds >= 2.0 * length {
            return format!("{:.0} {unit}", (seconds / length).floor());
        }
    }
    format!("{:.0} s", seconds.max(0.0).floor())
}

/// Prints rows whose columns line up, indented, without a heading.
pub(crate) fn indented(out: &mut impl Write, rows: &[Vec<String>]) -> std::io::Result<()> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    rows.iter().try_for_each(|row| {
        write!(out, "  ")?;
        print_row(out, row, &widths)
    })
}

/// A table that is printed in parts. Its columns are as wide as the widest cell of the first part. So a long table
/// needs no more memory than one part. A wider cell in a later part moves the rest of its line.
pub(crate) struct Table {
    heading: Vec<&'static str>,
    widths: Option<Vec<usize>>,
}

impl Table {
    /// A table of these columns.
    pub(crate) fn new(heading: &[&'static str]) -> Self {
        Self { heading: heading.to_vec(), widths: None }
    }

    /// Prints rows, with the heading above the first ones. The last column is as wide as its cells.
    pub(crate) fn rows(
        &mut self,
        out: &mut impl Write,
        rows: &[Vec<String>],
    ) -> std::io::Result<()> {
        if self.widths.is_none() {
            let heading: Vec<String> = self.heading.iter().map(|&cell| cell.to_owned()).collect();
            let mut widths = vec![0; heading.len()];
            for row in std::iter::once(&heading).chain(rows) {
                for (width, cell) in widths.iter_mut().zip(row) {
                    *width = (*width).max(cell.chars().count());
                }
            }
            print_row(out, &heading, &widths)?;
            self.widths = Some(widths);
        }
        let widths = self.widths.as_deref().unwrap_or_default();
        rows.iter().try_for_each(|row| print_row(out, row, widths))
    }
}

fn print_row(out: &mut impl Write, row: &[String], widths: &[usize]) -> std::io::Result<()> {
    let mut line = String::new();
    for (cell, width) in row.iter().zip(widths) {
        line.push_str(cell);
        let blanks = width.saturating_sub(cell.chars().count()) + 2;
        line.extend(std::iter::repeat_n(' ', blanks));
    }
    writeln!(out, "{}", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn later_rows_keep_the_columns_of_the_first() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let mut out = Vec::new();
        let mut table = Table::new(&["A", "B"]);
        table.rows(&mut out, &[row(["long", "1"]), row(["é", ""])]).unwrap();
        table.rows(&mut out, &[row(["longer than long", "2"]), row(["x", "3"])]).unwrap();
        let expect = "A     B\nlong  1\né\nlonger than long  2\nx     3\n";
        assert_eq!(String::from_utf8(out).unwrap(), expect);
    }

    #[test]
    fn how_long_it_is_is_said_in_one_unit() {
        for (seconds, expect) in [
            (-5.0, "0 s"),
            (0.4, "0 s"),
            (119.9, "119 s"),
            (120.0, "2 min"),
            (7_199.0, "119 min"),
            (7_200.0, "2 h"),
            (172_799.0, "47 h"),
            (864_000.0, "10 days"),
        ] {
            assert_eq!(super::about(seconds), expect);
        }
    }

    #[test]
    fn a_table_without_rows_has_a_heading() {
        let mut out = Vec::new();
        Table::new(&["A", "B"]).rows(&mut out, &[]).unwrap();
        assert_eq!(out, b"A  B\n");
    }
}
