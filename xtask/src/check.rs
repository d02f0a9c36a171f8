//! The gate: all steps in their order, how long each took, and which step to run again when one fails.
//!
//! Not here: what a step does.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::workspace::Workspace;
use crate::{
    advisories, cargo_steps, codegen, compat, configurations, conformance, corpus, endurance,
    examples, features, old_databases, outside, package, parity, public_api, python_env, scenarios,
    sdist, spelling, tidy,
};

/// One step of the gate.
pub(crate) struct Step {
    /// What follows `cargo xtask` to run this step alone.
    pub(crate) command: &'static str,
    part_of: PartOf,
    run: fn(&Workspace) -> Result<()>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PartOf {
    Both,
    Full,
    Quick,
}

/// Cheap steps come first, so that what people most often get wrong is known within seconds.
pub(crate) const STEPS: &[Step] = &[
    Step { command: "fmt", part_of: PartOf::Both, run: cargo_steps::fmt },
    Step { command: "tidy", part_of: PartOf::Both, run: tidy::run },
    Step {
        command: "advisories",
        part_of: PartOf::Both,
        run: |workspace| advisories::run(workspace, None),
    },
    Step {
        command: "spelling",
        part_of: PartOf::Both,
        run: |workspace| spelling::run(workspace, false),
    },
    Step {
        command: "codegen --check",
        part_of: PartOf::Both,
        run: |workspace| codegen::run(workspace, true),
    },
    Step { command: "clippy", part_of: PartOf::Both, run: cargo_steps::clippy },
    Step {
        command: "test --unit",
        part_of: PartOf::Quick,
        run: |workspace| cargo_steps::unit_test(workspace, &[]),
    },
    Step { command: "features", part_of: PartOf::Full, run: features::run },
    Step {
        command: "test",
        part_of: PartOf::Full,
        run: |workspace| cargo_steps::test(workspace, &[]),
    },
    Step { command: "doctest", part_of: PartOf::Full, run: cargo_steps::doctest },
    Step {
        command: "examples",
        part_of: PartOf::Full,
        run: |workspace| examples::run(workspace, None),
    },
    Step {
        command: "outside",
        part_of: PartOf::Full,
        run: |workspace| outside::run(workspace, None),
    },
    Step { command: "package", part_of: PartOf::Full, run: package::run },
    Step { command: "doc", part_of: PartOf::Full, run: cargo_steps::doc },
    Step {
        command: "public-api",
        part_of: PartOf::Full,
        run: |workspace| public_api::run(workspace, false),
    },
    // A step of its own before `compat`, so that the installation of Dagster does not count as the time of the
    // tests.
    Step {
        command: "python",
        part_of: PartOf::Full,
        run: |workspace| python_env::ensure(workspace).map(drop),
    },
    Step {
        command: "parity --check",
        part_of: PartOf::Full,
        run: |workspace| parity::run(workspace, true),
    },
    Step { command: "compat", part_of: PartOf::Full, run: |workspace| compat::run(workspace, &[]) },
    Step {
        command: "old-databases --read-back 1.0",
        part_of: PartOf::Full,
        run: old_databases::read_back_by_oldest,
    },
    Step {
        command: "conformance",
        part_of: PartOf::Full,
        run: |workspace| conformance::run(workspace, &conformance::Conformance::default()),
    },
    Step {
        command: "scenarios",
        part_of: PartOf::Full,
        run: |workspace| scenarios::run(workspace, &scenarios::Scenarios::default()),
    },
    Step {
        command: "configurations",
        part_of: PartOf::Full,
        run: |workspace| configurations::run(workspace, &configurations::Configurations::default()),
    },
    Step {
        command: "endurance",
        part_of: PartOf::Full,
        run: |workspace| endurance::run(workspace, endurance::Endurance::SHORT),
    },
    Step { command: "corpus", part_of: PartOf::Full, run: corpus::corpus },
    Step { command: "corpus --old", part_of: PartOf::Full, run: corpus::old_corpus },
    Step {
        command: "fuzz",
        part_of: PartOf::Full,
        run: |workspace| corpus::fuzz(workspace, 10, 1),
    },
    Step {
        command: "differential",
        part_of: PartOf::Full,
        run: |workspace| corpus::differential(workspace, &corpus::Size::default()),
    },
];

/// Whoever fails before it has not waited for the network.
const FIRST_LONG_STEP: &str = "clippy";

/// Runs the steps up to the first that fails, then prints the table of what ran.
pub(crate) fn run(workspace: &Workspace, quick: bool) -> Result<()> {
    let left_out = if quick { PartOf::Full } else { PartOf::Quick };
    let steps: Vec<&Step> = STEPS.iter().filter(|step| step.part_of != left_out).collect();
    if quick {
        return run_steps(workspace, &steps, &|_| ());
    }
    // What comes from the network is fetched while the first long step compiles. If that fails, the steps that need
    // it say why.
    let fetch = || python_env::ensure(workspace).and_then(|_| sdist::ensure(workspace));
    std::thread::scope(|scope| {
        run_steps(workspace, &steps, &|step| {
            if step.command == FIRST_LONG_STEP {
                scope.spawn(fetch);
            }
        })
    })
}

/// Runs the steps, after calling `before` with each.
fn run_steps(workspace: &Workspace, steps: &[&Step], before: &dyn Fn(&Step)) -> Result<()> {
    let mut timings = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        println!("==> {} ({} of {})", step.command, index + 1, steps.len());
        before(step);
        let start = Instant::now();
        let result = (step.run)(workspace);
        timings.push((step.command, start.elapsed()));
        if let Err(error) = result {
            println!("\n{}", table(&timings, Some(step.command)));
            let left = steps.len() - index - 1;
            bail!(
                "step `{0}` failed ({left} more not run): {error:#}\n\
                 run it again with: cargo xtask {0}",
                step.command
            );
        }
        println!("    {} ok, {}", step.command, seconds(start.elapsed()));
    }
    println!("\n{}", table(&timings, None));
    Ok(())
}

fn table(timings: &[(&str, Duration)], failed: Option<&str>) -> String {
    let mut lines: Vec<String> = timings
        .iter()
        .map(|(name, took)| {
            let outcome = if failed == Some(name) { "FAILED" } else { "ok" };
            format!("{name:<17} {:>9}  {outcome}", seconds(*took))
        })
        .collect();
    let total = timings.iter().map(|(_, took)| *took).sum();
    lines.push(format!("{:<17} {:>9}", "total", seconds(total)));
    lines.join("\n")
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_the_step_that_failed_and_adds_up() {
        let timings = [("fmt", Duration::from_millis(500)), ("clippy", Duration::from_secs(12))];
        let expected = "fmt                   0.5 s  ok\n\
             clippy               12.0 s  FAILED\n\
             total                12.5 s";
        assert_eq!(table(&timings, Some("clippy")), expected);
    }
}
