//! How fast events are read and written, beside Python's figures for the same bodies.
//!
//! Reads what `tests/python/time_serdes.py` printed, and prints a table: microseconds for one body, and
//! the ratio.
#![expect(clippy::print_stdout, reason = "the table is what it is for")]

use std::hint::black_box;
use std::time::Instant;

use dagster_instance::event::EventLogEntry;
use dagster_instance::serdes::{deserialize_value, serialize_value};
use serde_json::Value;

/// How often a body is read or written for one sample, how many samples make a round, and how many
/// rounds there are, as on Python's side.
const REPEATS: u32 = 1_000;
const SAMPLES: usize = 25;
const ROUNDS: usize = 7;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let measured: Value = serde_json::from_reader(std::io::stdin().lock())?;
    println!("{:24} {:>6} {:>10} {:>10} {:>7}", "body", "bytes", "Python us", "ours us", "ratio");
    for (name, body) in measured.as_object().into_iter().flatten() {
        let Some(text) = body["body"].as_str() else { continue };
        let entry: EventLogEntry = deserialize_value(text)?;
        let read =
            best_median(|| drop(black_box(deserialize_value::<EventLogEntry>(black_box(text)))));
        let write = best_median(|| drop(black_box(serialize_value(black_box(&entry)))));
        for (what, ours, python) in
            [("read", read, &body["read_us"]), ("write", write, &body["write_us"])]
        {
            let python = python.as_f64().unwrap_or(f64::NAN);
            println!(
                "{:24} {:6} {python:10.2} {ours:10.3} {:7.0}",
                format!("{name} {what}"),
                text.len(),
                python / ours
            );
        }
    }
    Ok(())
}

/// The time of one call in microseconds: the median of a round, of the best round.
fn best_median(mut call: impl FnMut()) -> f64 {
    (0..ROUNDS)
        .map(|_| {
            let mut samples: Vec<f64> = (0..SAMPLES)
                .map(|_| {
                    let started = Instant::now();
                    (0..REPEATS).for_each(|_| call());
                    started.elapsed().as_secs_f64() * 1e6 / f64::from(REPEATS)
                })
                .collect();
            samples.sort_by(f64::total_cmp);
            samples[SAMPLES / 2]
        })
        .fold(f64::INFINITY, f64::min)
}
