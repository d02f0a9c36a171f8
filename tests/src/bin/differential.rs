//! Our text against Python's, for generated documents and values, a JSON line each.
//!
//! The lines come from `tests/python/differential.py`: `json` and `expected` for a plain document,
//! `class` and `body` for a value. Prints what differs, and last `N documents and M values, K differ`.
#![expect(clippy::print_stdout, reason = "the counts are what it is for")]

use std::io::BufRead;
use std::process::ExitCode;

use dagster_instance::classes::class_named;
use dagster_instance::serdes::canonical_text;
use dagster_instance_tests::difference;
use serde_json::Value;

/// How many differences are shown.
const SHOWN: usize = 10;

fn main() -> std::io::Result<ExitCode> {
    let (mut documents, mut values, mut differ) = (0, 0, 0);
    for line in std::io::stdin().lock().lines() {
        let line: Value = serde_json::from_str(&line?)?;
        let text = |key: &str| line[key].as_str();
        let (expected, written) = if let Some(document) = text("json") {
            documents += 1;
            (text("expected").unwrap_or_default(), canonical_text(document))
        } else {
            values += 1;
            let body = text("body").unwrap_or_default();
            let name = dagster_instance::serdes::Reader::new(body).class().ok().flatten();
            let class = name.and_then(|name| class_named(&name));
            (
                body,
                class.map_or_else(|| canonical_text(body), |class| Ok(class.rewrite(body)?.text)),
            )
        };
        if written.as_deref() != Ok(expected) {
            differ += 1;
            if differ <= SHOWN {
                match written {
                    Ok(written) => println!("{}", difference(expected, &written)),
                    Err(error) => println!("{error}"),
                }
            }
        }
    }
    println!("{documents} documents and {values} values, {differ} differ");
    let failed = differ > 0 || documents == 0 || values == 0;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
