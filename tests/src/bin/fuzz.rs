//! Feeds damaged bodies to the reader for a while: it may refuse them, and may not panic.
//!
//! Bodies come on standard input as `tests/python/extract_bodies.py` prints them; the first argument
//! says for how many seconds, the second is the seed. A body is damaged by bytes that are changed,
//! repeated, removed, or taken from another body. What is read is written and read once more, which has
//! to give the same text.
#![expect(clippy::print_stdout, reason = "the counts are what it is for")]

use std::io::BufRead;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use dagster_instance::classes::{CLASSES, class_of};
use dagster_instance::serdes::canonical_text;
use serde_json::Value;

fn main() -> std::io::Result<ExitCode> {
    let mut arguments =
        std::env::args().skip(1).filter_map(|argument| argument.parse::<u64>().ok());
    let seconds = arguments.next().unwrap_or(10);
    let mut random = Random(arguments.next().unwrap_or(1));
    let mut bodies = Vec::new();
    for line in std::io::stdin().lock().lines() {
        let line: Value = serde_json::from_str(&line?)?;
        bodies.extend(line["body"].as_str().map(str::to_owned));
    }
    let (mut tried, mut accepted) = (0_u64, 0_u64);
    let until = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < until && !bodies.is_empty() {
        let damaged = random.damaged(&bodies);
        let class = &CLASSES[random.below(CLASSES.len())];
        let named = class_of(&damaged).ok().flatten();
        let _ = canonical_text(&damaged);
        for class in [Some(class), named].into_iter().flatten() {
            tried += 1;
            let Ok(written) = class.rewrite(&damaged) else { continue };
            accepted += 1;
            let again = class.rewrite(&written.text).map(|again| again.text);
            if again.as_deref() != Ok(&written.text) {
                println!(
                    "{}: {damaged}\nwritten {}\nagain {again:?}",
                    class.storage_name, written.text
                );
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    println!("{tried} damaged bodies, {accepted} of them read and written, no panic");
    Ok(if accepted > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Bytes that mean something to the reader, and some that never should.
const TELLING: &[u8] = b"{}[]\",:\\u0e-.NItfn\0\n\xff";

/// A generator of numbers that are random enough, and the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let number = usize::try_from(self.0 >> 33).unwrap_or_default();
        number % bound.max(1)
    }

    fn damaged(&mut self, bodies: &[String]) -> String {
        let mut bytes = bodies[self.below(bodies.len())].clone().into_bytes();
        for _ in 0..=self.below(4) {
            let place = self.below(bytes.len());
            let length = self.below(40).min(bytes.len().saturating_sub(place));
            match self.below(5) {
                0 => {
                    let byte = TELLING[self.below(TELLING.len())];
                    if let Some(changed) = bytes.get_mut(place) {
                        *changed = byte;
                    }
                }
                1 => drop(bytes.drain(place..place + length)),
                2 => {
                    let piece = bytes.get(place..place + length).unwrap_or_default().to_vec();
                    let times = 1 + self.below(300);
                    let pieces = piece.repeat(times);
                    bytes.splice(place..place, pieces);
                }
                3 => {
                    let other = bodies[self.below(bodies.len())].as_bytes();
                    let from = self.below(other.len());
                    let piece =
                        other.get(from..(from + 200).min(other.len())).unwrap_or_default().to_vec();
                    bytes.splice(place..place, piece);
                }
                _ => bytes.truncate(place),
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
