//! The pooler pgbouncer for tests: the one that is installed, else the package of Debian and its like, unpacked below
//! `target/`, for which nobody has to be root.
//!
//! Not here: what is tested.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cached;
use crate::postgres::on_path;
use crate::process;
use crate::workspace::Workspace;

/// The package of the program, and those of libraries that it needs and that not every machine has.
const PACKAGES: [&str; 3] = ["pgbouncer", "libevent-2.1-7", "libc-ares2"];

/// Where the program is, whether or not that is on the path.
const PLACE: &str = "usr/sbin/pgbouncer";

/// Returns the program.
pub(crate) fn ensure(workspace: &Workspace) -> Result<PathBuf> {
    let installed = Some(Path::new("/").join(PLACE)).filter(|program| program.is_file());
    if let Some(program) = on_path("pgbouncer").or(installed) {
        return Ok(program);
    }
    let unpacked = cached::directory(workspace, "pgbouncer", &PACKAGES.join(" "), unpack);
    let unpacked = unpacked.context(
        "there is no pgbouncer, which the tests of poolers need: install it (`apt-get install pgbouncer`, \
         `dnf install pgbouncer`, `brew install pgbouncer`)",
    )?;
    Ok(unpacked.join(PLACE))
}

/// Fetches the packages and unpacks them into a directory.
fn unpack(directory: &Path) -> Result<()> {
    if on_path("apt-get").is_none() || on_path("dpkg-deb").is_none() {
        bail!("this machine has no packages of Debian");
    }
    let mut download = Command::new("apt-get");
    process::output(download.arg("download").args(PACKAGES).current_dir(directory))?;
    for entry in std::fs::read_dir(directory)? {
        let package = entry?.path();
        if package.extension().is_some_and(|extension| extension == "deb") {
            let mut unpack = Command::new("dpkg-deb");
            process::output(unpack.arg("-x").arg(&package).arg(directory))?;
            std::fs::remove_file(&package)?;
        }
    }
    Ok(())
}
