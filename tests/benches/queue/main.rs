//! How fast runs are taken from the queue and launched, and how fast it is decided which: beside the real Dagster's daemon,
//! in one run.
//!
//! Usage: `queue PYTHON SCRIPT DIRECTORY POSTGRES_URL DOCUMENT [--quick]`; a quick run leaves the document alone.
//! `queue ours` is the process that does our part, task by task, as SCRIPT does Dagster's.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it starts the other processes, and the table is what it is for"
)]

mod decisions;
mod launches;
mod ours;
mod places;
mod server;
mod stub;

use std::path::Path;

use dagster_instance_tests::speed::{Report, flush_us};

use crate::places::Places;
use crate::server::Server;
use crate::stub::Stub;

const INTRODUCTION: &str = "\
# The queue, beside Dagster

Written by `cargo xtask bench queue`; a run on another machine, or at another hour, has other figures, and about the same
ratios. Postgres on a disk, 20 limits of tags, 5 pools, runs of 8 tags and one pool. Dagster and we take turns, each with a
database of its own, in fresh processes that have opened the instance before. The code server is a real one of the pinned
release; only its `StartRun` is replaced by one that answers at once that the worker has started, and starts none. It has two
code locations, as of 8 workers ours uses at most half for one. Limits do not bind where runs are launched. A look of Dagster's
has 100 runs before it, one of ours 1,000. Statements and transactions are counted by the server of Postgres, the few of
opening the instance among ours; BEGIN and COMMIT are statements. The stub is a code server in Rust that answers the two
calls of a launch, and nothing else: beside it one sees what is ours and not the code server's.
";

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    /// The runs that Dagster launches in a look.
    theirs: usize,
    /// The runs that we launch in a look.
    ours: usize,
    /// The runs that wait where it is decided.
    queued: usize,
    /// The looks after which the memory is looked at.
    looks: usize,
    rounds: usize,
}

impl Size {
    const WHOLE: Self = Self { theirs: 100, ours: 1_000, queued: 10_000, looks: 1_000, rounds: 3 };
    const QUICK: Self = Self { theirs: 20, ours: 200, queued: 1_000, looks: 20, rounds: 1 };
}

/// What plays a part in every case.
pub(crate) struct Bench {
    size: Size,
    python: String,
    script: String,
    /// This program.
    own: String,
    places: Places,
    server: Server,
    stub: Stub,
}

// With one thread, as the binary.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments == ["ours"] {
        return ours::answer_all().await;
    }
    let is_quick = arguments.iter().any(|argument| argument == "--quick");
    // `cargo bench` adds an argument of its own.
    arguments.retain(|argument| argument != "--quick" && argument != "--bench");
    let [python, script, directory, url, document] = &arguments[..] else {
        return Err("usage: queue PYTHON SCRIPT DIRECTORY POSTGRES_URL DOCUMENT [--quick]".into());
    };
    let size = if is_quick { Size::QUICK } else { Size::WHOLE };
    let directory = Path::new(directory);
    let mut report = Report::new(size.rounds);
    let own = std::env::current_exe()?;
    let server = Server::start(python, script)?;
    let bench = Bench {
        size,
        python: python.clone(),
        script: script.clone(),
        own: own.to_str().ok_or("the path of this program is no text")?.to_owned(),
        places: Places::new(directory, url, server.port).await?,
        server,
        stub: Stub::start()?,
    };
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?");
    let flush = flush_us(directory)?;
    let at = format!("a load of {load} and a flush of 4 KiB in {flush:.0} us just before");
    launches::all(&mut report, &bench, &at).await?;
    decisions::all(&mut report, &bench).await?;
    if is_quick {
        return Ok(());
    }
    report.write(Path::new(document), INTRODUCTION)
}
