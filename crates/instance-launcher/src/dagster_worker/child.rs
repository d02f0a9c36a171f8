//! The process of a worker: starting it, and the files of what it prints.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use instance_core::error::BoxError;
use instance_core::ids::RunId;
use instance_core::run::DagsterRun;
use tokio::process::{Child, Command};

use super::args::{Call, WorkerArgs};
use crate::signals::hear_signals;

/// The variable that tells a worker what to execute. Arguments could be read by all users of the machine.
const ARGS_VARIABLE: &str = "DAGSTER_EXECUTE_RUN_ARGS";

/// How many lines at the end of an output are of interest.
const END_LINES: usize = 25;

/// How many bytes they may have.
const END_BYTES: usize = 16 * 1024;

/// Starts a worker. It goes on if this process ends.
pub(super) fn start_worker(
    args: &WorkerArgs,
    run: &DagsterRun,
    home: &Path,
    attempt: u32,
) -> Result<Child, BoxError> {
    let logs = WorkerLogs::create(home, &run.run_id, attempt)?;
    let (stdout, stderr) = logs.files()?;
    let directory = args.directory.clone().unwrap_or_else(std::env::temp_dir);
    #[expect(clippy::disallowed_methods, reason = "this is the launcher")]
    let mut process = Command::new(&args.program);
    process
        .args(&args.arguments)
        .args(["api", args.call.command()])
        .env("DAGSTER_RUN_JOB_NAME", &run.job_name)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(stderr)
        .process_group(0)
        .kill_on_drop(false);
    match args.call {
        Call::Execute => process.env(ARGS_VARIABLE, &args.text),
        // It knows the argument alone.
        Call::Resume => process.arg(&args.text),
    };
    hear_signals()?;
    process.spawn().map_err(|error| {
        let program = args.program.display();
        format!("the worker {program} of run {} could not be started: {error}", run.run_id).into()
    })
}

/// The files of what a worker prints, below the directory of the instance.
#[derive(Debug)]
pub(super) struct WorkerLogs(PathBuf);

impl WorkerLogs {
    fn directory(home: &Path, run_id: &RunId) -> PathBuf {
        home.join("storage").join(run_id.as_str()).join("worker")
    }

    fn create(home: &Path, run_id: &RunId, attempt: u32) -> Result<Self, BoxError> {
        let directory = Self::directory(home, run_id);
        fs::create_dir_all(&directory).map_err(|error| {
            format!("the directory {} cannot be created: {error}", directory.display())
        })?;
        Ok(Self(directory.join(attempt.to_string())))
    }

    fn files(&self) -> std::io::Result<(File, File)> {
        let file = |extension| {
            File::options().create(true).append(true).open(self.0.with_extension(extension))
        };
        Ok((file("out")?, file("err")?))
    }

    /// The files of the last attempt; `None` if there is none.
    pub(super) fn newest_of(home: &Path, run_id: &RunId) -> Option<Self> {
        let directory = Self::directory(home, run_id);
        let entries = fs::read_dir(&directory).ok()?.filter_map(Result::ok);
        let attempts = entries.filter_map(|entry| {
            Path::new(&entry.file_name()).file_stem()?.to_str()?.parse::<u32>().ok()
        });
        Some(Self(directory.join(attempts.max()?.to_string())))
    }

    /// The last lines on standard error; `None` if there is none.
    pub(super) fn end(&self) -> Option<String> {
        let bytes = fs::read(self.0.with_extension("err")).ok()?;
        let end = bytes.get(bytes.len().saturating_sub(END_BYTES)..)?;
        let text = String::from_utf8_lossy(end);
        let lines: Vec<_> = text.lines().collect();
        let end = lines.get(lines.len().saturating_sub(END_LINES)..)?.join("\n");
        (!end.trim().is_empty()).then_some(end)
    }
}
