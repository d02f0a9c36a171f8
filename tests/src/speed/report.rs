//! What is measured, as lines that are printed at once and kept for the document.

#![expect(clippy::print_stdout, reason = "the tables are what it is for")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use super::Result;

/// The samples of one case, in seconds for one operation.
#[derive(Debug, Default)]
pub struct Samples {
    /// Dagster's.
    pub dagster: Vec<f64>,
    /// Ours.
    pub ours: Vec<f64>,
    /// Empty where there is no limit to compare with.
    pub limit: Vec<f64>,
}

/// The tables so far.
#[derive(Debug)]
pub struct Report {
    /// How often each case is to be done.
    pub rounds: usize,
    document: String,
}

impl Report {
    /// None yet.
    pub fn new(rounds: usize) -> Self {
        Self { rounds, document: String::new() }
    }

    /// Begins a table; `flush` is the time of a flush just before it, in microseconds.
    pub fn begin(&mut self, title: &str, flush: f64) {
        println!("\n{title}; flush of 4 KiB: {flush:.0} us");
        println!(
            "{:52} {:>11} {:>11} {:>7} {:>11} {:>6}  spread of ours",
            "", "Dagster", "ours", "ratio", "limit", "share"
        );
        // A `String` takes whatever is written to it.
        let _ = write!(
            self.document,
            "\n## {title}\n\nA flush of 4 KiB took {flush:.0} us just before.\n\n\
             | operation | Dagster | ours | ratio | limit | share of it | spread of ours |\n\
             | --- | ---: | ---: | ---: | ---: | ---: | --- |\n"
        );
    }

    /// Adds a case.
    pub fn add(&mut self, name: &str, samples: &Samples) {
        let (theirs, own, bound) =
            (median(&samples.dagster), median(&samples.ours), median(&samples.limit));
        let share = if bound.is_nan() { "-".to_owned() } else { format!("{:.2}", bound / own) };
        let least = samples.ours.iter().copied().fold(f64::INFINITY, f64::min);
        let most = samples.ours.iter().copied().fold(0.0, f64::max);
        let spread = format!("{} .. {}", show(least), show(most));
        let (ratio, bound) = (theirs / own, show(bound));
        let (theirs, own) = (show(theirs), show(own));
        println!("{name:52} {theirs:>11} {own:>11} {ratio:7.1} {bound:>11} {share:>6}  {spread}");
        let _ = writeln!(
            self.document,
            "| {name} | {theirs} | {own} | {ratio:.1} | {bound} | {share} | {spread} |"
        );
    }

    /// Begins a table of any columns.
    pub fn table(&mut self, title: &str, columns: &[&str]) {
        println!("\n{title}");
        let _ = write!(self.document, "\n## {title}\n\n");
        self.row(columns);
        let _ = writeln!(self.document, "|{}", " --- |".repeat(columns.len()));
    }

    /// Adds a row to it.
    pub fn row(&mut self, cells: &[impl AsRef<str>]) {
        let cells: Vec<&str> = cells.iter().map(AsRef::as_ref).collect();
        for cell in &cells {
            print!("{cell:20}");
        }
        println!();
        let _ = writeln!(self.document, "| {} |", cells.join(" | "));
    }

    /// Writes the document, with its introduction.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn write(&self, path: &Path, introduction: &str) -> Result<()> {
        Ok(std::fs::write(path, introduction.to_owned() + &self.document)?)
    }
}

/// A time in a unit that suits it.
pub fn show(seconds: f64) -> String {
    if seconds.is_nan() {
        "-".to_owned()
    } else if seconds < 0.001 {
        format!("{:.1} us", seconds * 1e6)
    } else {
        format!("{:.2} ms", seconds * 1e3)
    }
}

/// The middle of the values in their order; not a number if there are none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The median time of appending 4 KiB and flushing them, in microseconds.
///
/// # Errors
///
/// A file in the directory cannot be written.
pub fn flush_us(directory: &Path) -> Result<f64> {
    let path = directory.join("flush.tmp");
    let mut file = std::fs::File::create(&path)?;
    let mut times = Vec::new();
    for _ in 0..200 {
        let began = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        times.push(began.elapsed().as_secs_f64() * 1e6);
    }
    std::fs::remove_file(path)?;
    Ok(median(&times))
}
