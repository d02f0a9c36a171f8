//! Printing for people: times, and tables whose columns line up.

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

/// A duration in seconds.
pub(crate) fn duration(start: Option<f64>, end: Option<f64>) -> String {
    match (start, end) {
        (Some(start), Some(end)) => format!("{:.2}s", end - start),
        _ => "-".to_owned(),
    }
}

/// Prints rows with a heading, each column as wide as its widest cell, the last one as it is.
pub(crate) fn table(
    out: &mut impl Write,
    heading: &[&str],
    rows: &[Vec<String>],
) -> std::io::Result<()> {
    let heading: Vec<String> = heading.iter().map(|&cell| cell.to_owned()).collect();
    let mut widths = vec![0; heading.len()];
    for row in std::iter::once(&heading).chain(rows) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in std::iter::once(&heading).chain(rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 2));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Text on one line: what would break or colour the line is shown as an escape.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.trim_end().chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}
