//! Writers and servers that are killed in the middle: what was acknowledged is there, and nothing is
//! there by halves.
//!
//! `cargo xtask crash` kills more often than the gate does, or at other moments.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use dagster_instance_tests::{Home, dagster};
use serde_json::Value;

use crate::postgres::{TestDatabase, server, sql};

/// How many times a writer is killed over one database, unless `DAGSTER_INSTANCE_CRASH_TIMES` says.
const TIMES: u64 = 3;
/// At most so many writes are acknowledged before the writer is killed.
const MOST_WRITES: u64 = 600;
/// How many runs `ingest` writes events of.
const LOGS: u64 = 8;
/// How many tasks `ingest` has, each of which has one write under way.
const TASKS: usize = 64;
/// Longer than anything here may take; whoever waits so long waits forever.
const FOREVER: Duration = Duration::from_mins(1);

/// A number that a step of `cargo xtask` has set, or else the default.
#[expect(clippy::disallowed_methods, reason = "steps such as `crash` say how often")]
pub(crate) fn number(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().expect("a number"),
        Err(_) => default,
    }
}

/// How many times, and the number that everything random follows from.
fn times_and_seed() -> (u64, u64) {
    (number("DAGSTER_INSTANCE_CRASH_TIMES", TIMES), number("DAGSTER_INSTANCE_CRASH_SEED", 1))
}

/// A number without an evident relation to the one that it follows from.
pub(crate) fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// The program that writes, with the lines that it prints as they come.
struct Ingest {
    child: Child,
    lines: Receiver<String>,
}

impl Ingest {
    #[expect(clippy::disallowed_methods, reason = "tests start the programs that they test")]
    fn start(backend: &str, place: &str, seed: u64) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ingest"));
        command.args([backend, place, &seed.to_string()]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a process");
        let stdout = BufReader::new(child.stdout.take().expect("its output"));
        let (sender, lines) = channel();
        // Whoever waits for a line waits no longer than is reasonable.
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// Waits for some more acknowledgements; returns all lines until then.
    fn acknowledged(&self, count: u64) -> Vec<String> {
        let (mut lines, mut acknowledged) = (Vec::new(), 0);
        while acknowledged < count {
            let line = self.lines.recv_timeout(FOREVER).expect("it goes on");
            acknowledged += u64::from(!line.starts_with("error "));
            lines.push(line);
        }
        lines
    }

    /// What it has printed by now.
    fn so_far(&self) -> Vec<String> {
        self.lines.try_iter().collect()
    }

    /// Kills it without a warning; returns what it had still printed.
    fn kill(mut self) -> Vec<String> {
        self.child.kill().expect("killed");
        self.child.wait().expect("its end");
        self.lines.iter().collect()
    }
}

/// What was acknowledged.
#[derive(Default)]
struct Acknowledged {
    run_ids: BTreeSet<String>,
    partitions: BTreeSet<String>,
    /// Of each run, the messages.
    messages: BTreeMap<String, BTreeSet<String>>,
    errors: Vec<String>,
}

impl Acknowledged {
    fn add(&mut self, lines: &[String]) {
        for line in lines {
            let mut words = line.split(' ').map(str::to_owned);
            match words.next().as_deref() {
                Some("run") => self.run_ids.extend(words),
                Some("partitions") => self.partitions.extend(words),
                Some("event" | "batch") => {
                    let run_id = words.next().expect("a run");
                    self.messages.entry(run_id).or_default().extend(words);
                }
                Some("error") => self.errors.push(line.clone()),
                _ => panic!("an unknown line: {line}"),
            }
        }
    }

    /// Compares with what Dagster finds in a home.
    fn check(&self, home: &Home) {
        let path = home.path().to_string_lossy();
        let logs: Vec<_> = (0..LOGS).map(|log| format!("log-{log}")).collect();
        let arguments: Vec<&str> =
            std::iter::once(&*path).chain(logs.iter().map(String::as_str)).collect();
        let found = dagster("read_ingested.py", &arguments);
        for (file, outcome) in found["integrity"].as_object().expect("files") {
            assert_eq!(*outcome, serde_json::json!(["ok"]), "{file}");
        }
        let run_ids = once_each(&found["run_ids"]);
        assert_eq!(missing(&self.run_ids, &run_ids), Vec::<&String>::new(), "runs");
        let partitions = once_each(&found["partitions"]);
        assert_eq!(missing(&self.partitions, &partitions), Vec::<&String>::new(), "partitions");
        check_whole(&partitions, 3);
        for log in &logs {
            let messages = once_each(&found["messages"][log]);
            if let Some(acknowledged) = self.messages.get(log) {
                let missing = missing(acknowledged, &messages);
                assert_eq!(missing, Vec::<&String>::new(), "events of {log}");
            }
            check_whole(&messages, 8);
        }
    }

    fn len(&self) -> usize {
        let messages: usize = self.messages.values().map(BTreeSet::len).sum();
        self.run_ids.len() + self.partitions.len() + messages
    }
}

fn missing<'a>(acknowledged: &'a BTreeSet<String>, found: &'a BTreeSet<String>) -> Vec<&'a String> {
    acknowledged.difference(found).collect()
}

/// The texts of a list, none of which may be there twice.
fn once_each(list: &Value) -> BTreeSet<String> {
    let list = list.as_array().expect("a list");
    let texts: BTreeSet<_> =
        list.iter().map(|text| text.as_str().expect("a text").to_owned()).collect();
    assert_eq!(texts.len(), list.len(), "something is there twice");
    texts
}

/// Of what was written as one, which has a name and behind a point its number, there is all or nothing.
fn check_whole(found: &BTreeSet<String>, size: usize) {
    let mut parts: BTreeMap<&str, usize> = BTreeMap::new();
    for (whole, _) in found.iter().filter_map(|name| name.split_once('.')) {
        *parts.entry(whole).or_default() += 1;
    }
    let halves: Vec<_> = parts.iter().filter(|(_, parts)| **parts != size).collect();
    assert!(halves.is_empty(), "there by halves: {halves:?}");
}

/// Kills writers of one database again and again; the next one finds what the last one left.
fn kill_writers(backend: &str, place: &str, home: &Home) {
    let (times, seed) = times_and_seed();
    let mut acknowledged = Acknowledged::default();
    for time in 0..times {
        let seed = mixed(seed.wrapping_mul(1_000).wrapping_add(time));
        let ingest = Ingest::start(backend, place, seed);
        acknowledged.add(&ingest.acknowledged(1 + seed % MOST_WRITES));
        acknowledged.add(&ingest.kill());
        assert_eq!(acknowledged.errors, Vec::<String>::new());
        acknowledged.check(home);
    }
    println!("{backend}: {} things survived {times} kills", acknowledged.len());
}

#[test]
fn what_sqlite_has_acknowledged_survives_a_kill() {
    let home = Home::on_disk();
    kill_writers("sqlite", &home.path().to_string_lossy(), &home);
}

#[test]
fn what_postgres_has_acknowledged_survives_a_kill() {
    let database = TestDatabase::new("kill");
    kill_writers("postgres", &database.url(), &database.home());
}

/// A Postgres server of this test's own, whose programs are those of the server that tests share.
struct Cluster {
    programs: PathBuf,
    directory: PathBuf,
    /// Whose it is where we are root, which a server refuses to be run by.
    owner: Option<(u32, u32)>,
    url: String,
    /// Stops the server and removes its directory when its input ends, even if this process is killed.
    guard: Child,
    alive: Option<ChildStdin>,
}

/// What the guard does when its input has ended.
const GUARD: &str = "trap '' HUP INT TERM
cat > /dev/null
\"$1\" --pgdata \"$2/data\" --mode=immediate stop
rm -rf \"$2\"";

impl Cluster {
    #[expect(clippy::disallowed_methods, reason = "a server is a program")]
    fn start() -> Self {
        let about = "SELECT (SELECT setting FROM pg_config WHERE name = 'BINDIR'), setting FROM pg_settings WHERE name = 'data_directory'";
        let about = sql(&server(), &[about]);
        let text = |place: usize| PathBuf::from(about[0][place].as_str().expect("a path"));
        let (programs, shared) = (text(0), text(1));
        let owner = std::fs::metadata(&shared).unwrap_or_else(|error| {
            panic!("the server has to be on this machine, and {} is not: {error}", shared.display())
        });
        let directory = tempfile::Builder::new().prefix("dagster-instance-pg-").tempdir();
        let directory = directory.expect("a directory").keep();
        let ours = std::fs::metadata(&directory).expect("the directory").uid();
        let owner = (ours != owner.uid()).then(|| (owner.uid(), owner.gid()));
        if let Some((user, group)) = owner {
            chown(&directory, Some(user), Some(group)).expect("its owner");
        }
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("its address").port();
        drop(listener);

        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, "sh"]).arg(programs.join("pg_ctl")).arg(&directory);
        as_owner(&mut guard, owner).process_group(0).current_dir(&directory);
        guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut guard = guard.spawn().expect("a guard");
        let alive = guard.stdin.take();
        let url = format!("postgresql://test:test@127.0.0.1:{port}/postgres");
        let cluster = Self { programs, directory, owner, url, guard, alive };
        let data = cluster.directory.join("data");
        cluster.run(
            "initdb",
            &["--no-sync", "--no-locale", "--encoding=UTF8", "--auth=trust", "--username=test"],
        );
        let settings = format!(
            "\nlisten_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\nfsync = on\n"
        );
        let path = data.join("postgresql.conf");
        let all = std::fs::read_to_string(&path).expect("settings") + &settings;
        std::fs::write(&path, all).expect("settings");
        cluster.pg_ctl(&["start"]);
        cluster
    }

    /// Crashes it and starts it again; returns when it answers.
    fn crash_and_start(&self) {
        self.pg_ctl(&["--mode=immediate", "restart"]);
    }

    fn pg_ctl(&self, arguments: &[&str]) {
        let log = self.directory.join("log");
        let log = log.to_string_lossy();
        self.run("pg_ctl", &[&["--wait", "--silent", "--log", &*log], arguments].concat());
    }

    #[expect(clippy::disallowed_methods, reason = "a server is a program")]
    fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = Command::new(self.programs.join(program));
        command.arg("--pgdata").arg(self.directory.join("data")).args(arguments);
        as_owner(&mut command, self.owner).current_dir(&self.directory);
        // The server would keep a pipe open.
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
        let log = || std::fs::read_to_string(self.directory.join("log")).unwrap_or_default();
        assert!(status.expect("a program").success(), "{program} {arguments:?}: {}", log());
    }
}

fn as_owner(command: &mut Command, owner: Option<(u32, u32)>) -> &mut Command {
    match owner {
        Some((user, group)) => command.uid(user).gid(group),
        None => command,
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.alive.take());
        let _ = self.guard.wait();
    }
}

/// What was under way is an error to its callers, and they go on by themselves.
#[test]
fn a_postgres_that_crashes_has_what_it_acknowledged_and_writers_go_on() {
    let (times, seed) = times_and_seed();
    let cluster = Cluster::start();
    let database = TestDatabase::on(cluster.url.clone(), "crash");
    let ingest = Ingest::start("postgres", &database.url(), seed);
    let mut acknowledged = Acknowledged::default();
    for time in 0..times {
        let seed = mixed(seed.wrapping_mul(1_000).wrapping_add(time));
        acknowledged.add(&ingest.acknowledged(1 + seed % MOST_WRITES));
        cluster.crash_and_start();
        acknowledged.add(&ingest.so_far());
        // More than all tasks together could have been given by the server before.
        acknowledged.add(&ingest.acknowledged(2 * TASKS as u64));
    }
    acknowledged.add(&ingest.kill());
    let errors = &acknowledged.errors;
    println!("{} errors in {times} crashes, such as {:?}", errors.len(), errors.first());
    assert!(!errors.is_empty(), "nothing was under way");
    assert!(errors.len() as u64 <= times * TASKS as u64, "writers failed that could have waited");
    acknowledged.check(&database.home());
    println!("{} things survived {times} crashes", acknowledged.len());
}
