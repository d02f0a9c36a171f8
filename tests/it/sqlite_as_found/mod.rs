//! SQLite as it is found, beside the real Dagster: what each makes of homes that cannot be written, of file systems that are
//! not local, of directories that several stores share, and of odd names.
#![expect(clippy::disallowed_methods, reason = "tests start the programs that they test")]

mod file_systems;
mod names;
mod one_directory;
mod read_only;

use std::path::Path;
use std::process::{Command, Stdio};

use dagster_instance_tests::{binary, root};
use serde_json::Value;

/// How a program ended that is part of a test.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ended {
    fn of(mut command: Command) -> Self {
        let output = command.stdin(Stdio::null()).output().expect("the program starts");
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        Self { code: output.status.code(), stdout, stderr }
    }

    fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{}\n{}", self.stdout, self.stderr);
        self
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).expect("JSON")
    }
}

/// Our binary over a home.
fn ours(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.arg("--home").arg(home).args(arguments).env_remove("DAGSTER_HOME");
    command
}

/// A run of a command by us; its id.
fn recorded(mut exec: Command) -> String {
    exec.args(["exec", "--", "true"]);
    let ended = Ended::of(exec).succeeded();
    let id = ended.stderr.lines().find_map(|line| line.strip_prefix("Run ")?.split(' ').next());
    id.expect("the run's id").to_owned()
}

/// The library that makes a file system be like none of this machine, compiled below a directory.
fn fault(directory: &Path) -> String {
    let library = directory.join("fault.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(&library);
    compiler.arg(root().join("crates/instance-storage/tests/faults/file_system.c")).arg("-ldl");
    Ended::of(compiler).succeeded();
    library.to_string_lossy().into_owned()
}
