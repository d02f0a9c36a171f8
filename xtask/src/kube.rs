//! The command `kube`: the launcher of Kubernetes against a real API server, with its controllers and without a kubelet.
//!
//! The programs are built of Debian's sources, once, below `target/`: nobody has to be root, and nothing of the machine is
//! changed. No step of the gate runs it. Not here: what is tested (`tests/kube/`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::postgres::on_path;
use crate::process::{self, cargo, run as run_command};
use crate::scratch::Scratch;
use crate::workspace::{SELECTION, Workspace};
use crate::{cached, python_env};

/// The name of the test target.
const TESTS: &str = "kube";

/// Debian's source package. Its release of Kubernetes is 1.20.2.
const SOURCE: &str = "kubernetes=1.20.5+really1.20.2-1.1+deb12u1";
/// What the sources say of their release elsewhere, which a checkout of Git would say.
const RELEASE: [(&str, &str); 5] = [
    ("KUBE_GIT_COMMIT", "faecb196815e248d3ecfb03c680a4507229c2a56"),
    ("KUBE_GIT_TREE_STATE", "clean"),
    ("KUBE_GIT_VERSION", "v1.20.2"),
    ("KUBE_GIT_MAJOR", "1"),
    ("KUBE_GIT_MINOR", "20"),
];
/// A compiler as old as the sources, the store of the API server, and a library whose vendored copy crashes with it.
const PACKAGES: [&str; 4] =
    ["golang-1.19-go", "golang-1.19-src", "etcd-server", "golang-github-modern-go-reflect2-dev"];
/// Where apt finds them.
const SOURCES: &str = "\
deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main
deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main
deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian-security bookworm-security main
deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian-security bookworm-security main
";
/// What is built, and what is kept of it.
const PROGRAMS: [&str; 2] = ["kube-apiserver", "kube-controller-manager"];
/// What else has to be there to build.
const TOOLS: [&str; 8] =
    ["apt-get", "dpkg-deb", "dpkg-source", "make", "gcc", "rsync", "bash", "which"];

/// Builds the programs, if that was not done, and runs the tests.
pub(crate) fn run(workspace: &Workspace, args: &[String]) -> Result<()> {
    let programs = programs(workspace)?;
    let python = python_env::ensure(workspace)?;
    let scratch = Scratch::new()?;
    let mut tests = cargo(workspace, "test");
    tests.args(SELECTION).args(["--test", TESTS, "--"]).args(args);
    scratch.of(&mut tests);
    tests.env("DAGSTER_INSTANCE_PYTHON", python);
    tests.env("DAGSTER_INSTANCE_TEST_KUBERNETES", programs);
    run_command(&mut tests)
}

/// The directory that has the programs.
fn programs(workspace: &Workspace) -> Result<PathBuf> {
    let stamp = format!("{SOURCE}\n{}\n", PACKAGES.join(" "));
    cached::directory(workspace, "kube", &stamp, |directory| {
        for tool in TOOLS {
            ensure!(
                on_path(tool).is_some(),
                "Kubernetes is built of Debian's sources, and there is no {tool}; on Debian, install it"
            );
        }
        eprintln!("kube: building Kubernetes in {}; it takes ten minutes", directory.display());
        let work = directory.join("work");
        let built = build(&work)?;
        for program in PROGRAMS {
            fs::copy(built.join(program), directory.join(program))
                .with_context(|| format!("{program} was not built"))?;
        }
        fs::copy(work.join("root/usr/bin/etcd"), directory.join("etcd"))?;
        // Sources and caches are 3 GB. Those of Go are read-only.
        process::output(Command::new("chmod").args(["-R", "u+w"]).arg(&work))?;
        fs::remove_dir_all(&work).with_context(|| format!("cannot remove {}", work.display()))
    })
}

/// Fetches the sources and builds them; returns where the programs are.
fn build(work: &Path) -> Result<PathBuf> {
    let (root, gopath) = (work.join("root"), work.join("go"));
    let packages = fetch(work)?;
    for entry in fs::read_dir(&packages)? {
        let package = entry?.path();
        if package.extension().is_some_and(|extension| extension == "deb") {
            let mut unpack = Command::new("dpkg-deb");
            process::output(unpack.arg("-x").arg(&package).arg(&root))?;
        }
    }
    let sources = gopath.join("src/k8s.io/kubernetes");
    fs::create_dir_all(gopath.join("src/k8s.io"))?;
    let mut unpack = Command::new("sh");
    // Apt has checked the signatures.
    unpack.args(["-c", "exec dpkg-source --no-check -x \"$0\"/*.dsc \"$1\""]);
    process::output(unpack.arg(&packages).arg(&sources))?;
    replace_reflect2(&root, &sources)?;

    let goroot = root.join("usr/lib/go-1.19");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = [goroot.join("bin")].into_iter().chain(std::env::split_paths(&path));
    let mut make = Command::new("make");
    make.current_dir(&sources).arg(format!("WHAT=cmd/{}", PROGRAMS.join(" cmd/")));
    make.env("PATH", std::env::join_paths(paths)?).env("GOROOT", goroot);
    make.env("GOPATH", gopath).env("GOCACHE", work.join("cache"));
    make.env("GOPROXY", "off").env("GOFLAGS", "").envs(RELEASE);
    run_command(&mut make)?;
    Ok(sources.join("_output/bin"))
}

/// Fetches the packages by lists of apt of our own, so that those of the machine stay as they are.
fn fetch(work: &Path) -> Result<PathBuf> {
    let packages = work.join("packages");
    for directory in ["packages", "lists/partial", "archives/partial"] {
        fs::create_dir_all(work.join(directory))?;
    }
    let (list, settings) = (work.join("sources.list"), work.join("apt.conf"));
    fs::write(&list, SOURCES)?;
    let place = work.display();
    fs::write(
        &settings,
        format!(
            "Dir::Etc::sourcelist \"{place}/sources.list\";\nDir::Etc::sourceparts \"/dev/null\";\n\
             Dir::State::lists \"{place}/lists\";\nDir::Cache \"{place}\";\nAPT::Sandbox::User \"root\";\n"
        ),
    )?;
    let apt = |words: &[&str]| {
        let mut apt = Command::new("apt-get");
        process::output(apt.args(words).current_dir(&packages).env("APT_CONFIG", &settings))
    };
    apt(&["update"])?;
    apt(&["source", "--download-only", SOURCE])?;
    apt(&[&["download"], &PACKAGES[..]].concat())?;
    Ok(packages)
}

/// Puts Debian's release of a library in the place of the vendored one, which does not work with this compiler.
fn replace_reflect2(root: &Path, sources: &Path) -> Result<()> {
    let vendored = sources.join("vendor/github.com/modern-go/reflect2");
    let is_code = |name: &str| matches!(name.rsplit_once('.'), Some((_, "go" | "s")));
    // What of the new one is for other compilers, or for its own tests.
    let is_left_out = |name: &str| {
        name.ends_with("_test.go") || ["go_above_17.go", "go_below_17.go"].contains(&name)
    };
    for entry in fs::read_dir(&vendored)? {
        let entry = entry?;
        if is_code(&entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path())?;
        }
    }
    for entry in fs::read_dir(root.join("usr/share/gocode/src/github.com/modern-go/reflect2"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_code(&name) && !is_left_out(&name) {
            fs::copy(entry.path(), vendored.join(name))?;
        }
    }
    Ok(())
}
