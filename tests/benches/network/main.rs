//! How fast processes store events in a Postgres that is a network away: beside the real Dagster, in one run.
//!
//! Usage: `network PYTHON SCRIPT DIRECTORY POSTGRES_URL DOCUMENT [--quick]`; a quick run leaves the document alone.
//! `network writer URL RUN_ID` is one of the processes that write.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it starts the other processes, and the table is what it is for"
)]

mod rounds;
mod writer;

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::Path;
use std::time::Duration;

use dagster_instance_tests::speed::{Report, flush_us};
use rounds::{Place, Side, Told};

const INTRODUCTION: &str = "\
# Events over a network, beside Dagster

Written by `cargo xtask bench network`; a run on another machine, or at another hour, has other figures, and about the
same ratios. Each process stores one event after another, and waits for each. Between the processes and the server is a
proxy that delivers each byte after the delay. Both sides take turns, each round in a database of its own; a figure is the
median of the rounds. The slowest is the slowest event of any process in any round.
";

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What is measured.
struct Size {
    /// One way, in microseconds.
    delays: &'static [u64],
    processes: &'static [usize],
    kinds: &'static [&'static str],
    rounds: usize,
    seconds: f64,
}

const WHOLE: Size = Size {
    delays: &[0, 500, 1_000],
    processes: &[1, 16],
    kinds: &["log_line", "asset_materialization"],
    rounds: 3,
    seconds: 4.0,
};

const QUICK: Size = Size {
    delays: &[0, 500],
    processes: &[1, 16],
    kinds: &["asset_materialization"],
    rounds: 1,
    seconds: 2.0,
};

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [role, url, run_id] = &arguments[..]
        && role == "writer"
    {
        return writer::write(url, run_id).await;
    }
    let is_quick = arguments.iter().any(|argument| argument == "--quick");
    // `cargo bench` adds an argument of its own.
    arguments.retain(|argument| argument != "--quick" && argument != "--bench");
    let [python, script, directory, url, document] = &arguments[..] else {
        return Err("usage: network PYTHON SCRIPT DIRECTORY POSTGRES_URL DOCUMENT [--quick]".into());
    };
    let size = if is_quick { QUICK } else { WHOLE };
    let dagster = Side::Dagster { python: python.clone(), script: script.clone() };
    let mut report = Report::new(size.rounds);
    let flush = flush_us(Path::new(directory))?;
    for &delay in size.delays {
        let delay = Duration::from_micros(delay);
        let place = Place::behind(url, server(url)?, delay)?;
        let title =
            format!("{} ms each way; flush of 4 KiB: {flush:.0} us", delay.as_secs_f64() * 1e3);
        let columns = [
            "events",
            "processes",
            "Dagster, events/s",
            "ours, events/s",
            "ratio",
            "Dagster, median",
            "ours, median",
            "Dagster, slowest",
            "ours, slowest",
        ];
        report.table(&title, &columns);
        for &kind in size.kinds {
            for &processes in size.processes {
                let (mut theirs, mut ours) = (Told::default(), Told::default());
                for round in 0..size.rounds {
                    let work = rounds::Work { kind, processes, seconds: size.seconds, round };
                    theirs.add(&rounds::measured(&dagster, &place, &work).await?);
                    ours.add(&rounds::measured(&Side::Ours, &place, &work).await?);
                }
                report.row(&rounds::row(kind, processes, &theirs, &ours));
            }
        }
    }
    if is_quick {
        return Ok(());
    }
    report.write(Path::new(document), INTRODUCTION)
}

/// The address of the server of a URL, such as `postgresql://user@host:port/name`.
fn server(url: &str) -> Result<SocketAddr> {
    let (_, place) = url.split_once("://").ok_or("a URL without a scheme")?;
    let (place, _) = place.rsplit_once('/').ok_or("a URL without a database")?;
    let host = place.rsplit_once('@').map_or(place, |(_, host)| host);
    let host = if host.contains(':') { host.to_owned() } else { format!("{host}:5432") };
    host.to_socket_addrs()?.next().ok_or_else(|| "a host without an address".into())
}
