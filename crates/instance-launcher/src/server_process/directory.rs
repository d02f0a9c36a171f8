//! The directory of a code server that we start: its socket, and the file of what it prints.
//!
//! A server may outlive whoever has started it, as its runs go on. Then nobody removes its directory, and the next start of a
//! server does so. The file of its output tells whether a server is left: the server and its workers hold a lock on it, from
//! before it has its name until the last of them has ended.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use instance_core::error::BoxError;
use nix::unistd::geteuid;

/// The beginning of the names of these directories.
const PREFIX: &str = "dagster-server-";

/// The most bytes that the path of a socket may have. Linux takes 107, and macOS 103.
const MOST_BYTES: usize = 100;

/// How old a directory without output is that nobody fills any more.
const GIVEN_UP: Duration = Duration::from_hours(1);

/// The directory of a server. It stays until it is removed.
#[derive(Debug)]
pub(super) struct ServerDirectory(PathBuf);

impl ServerDirectory {
    /// Makes a directory that this user alone may enter, with the file of the output, which the server is to inherit.
    ///
    /// # Errors
    ///
    /// It cannot be made, or the path of the socket would be too long.
    pub(super) fn create(base: &Path) -> Result<(Self, File), BoxError> {
        let base = std::path::absolute(base)?;
        let directory = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(&base)
            .map_err(|error| format!("{} has no room for its socket: {error}", base.display()))?;
        let this = Self(directory.path().to_owned());
        let bytes = this.socket().as_os_str().len();
        if bytes > MOST_BYTES {
            return Err(format!(
                "the path of its socket would have {bytes} bytes, and {MOST_BYTES} are possible: {}; set TMPDIR to a \
                 directory with a shorter path",
                this.socket().display()
            )
            .into());
        }
        let unnamed = this.0.join("output.new");
        let output = File::options().create_new(true).append(true).open(&unnamed)?;
        // Some file systems have no locks. What is left there is never removed.
        if let Err(error) = output.lock() {
            tracing::debug!(path = %unnamed.display(), %error, "no lock on what a code server prints");
        }
        fs::rename(&unnamed, this.output())?;
        let _ = directory.keep();
        Ok((this, output))
    }

    /// Where the server listens.
    pub(super) fn socket(&self) -> PathBuf {
        self.0.join("grpc.sock")
    }

    /// The file of what the server and its workers print.
    pub(super) fn output(&self) -> PathBuf {
        self.0.join("output")
    }

    /// Removes the directory.
    pub(super) fn remove(&self) {
        remove(&self.0);
    }

    /// Removes what servers have left that have ended, as far as it is this user's.
    pub(super) fn remove_abandoned(base: &Path) {
        let Ok(entries) = fs::read_dir(base) else { return };
        for entry in entries.filter_map(Result::ok) {
            let is_ours = entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes())
                && entry.metadata().is_ok_and(|metadata| {
                    metadata.is_dir() && metadata.uid() == geteuid().as_raw()
                });
            if is_ours && is_abandoned(&entry.path()).unwrap_or(false) {
                remove(&entry.path());
            }
        }
    }
}

/// Whether no process uses a directory any more.
fn is_abandoned(directory: &Path) -> io::Result<bool> {
    match File::open(directory.join("output")) {
        Ok(output) => Ok(output.try_lock().is_ok()),
        // It is being made, or whoever made it was killed.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let age = directory.metadata()?.modified()?.elapsed();
            Ok(age.is_ok_and(|age| age > GIVEN_UP))
        }
        Err(error) => Err(error),
    }
}

fn remove(directory: &Path) {
    if let Err(error) = fs::remove_dir_all(directory)
        && error.kind() != ErrorKind::NotFound
    {
        tracing::debug!(directory = %directory.display(), %error, "the directory of a code server stays");
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::ServerDirectory;

    #[test]
    fn nobody_else_may_enter_it_and_it_goes_with_its_server() {
        let base = tempfile::tempdir().unwrap();
        let (directory, output) = ServerDirectory::create(base.path()).unwrap();
        let mode = directory.0.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        // A server that listens would hold the lock, as it inherits the file.
        let inherited = output.try_clone().unwrap();
        drop(output);
        ServerDirectory::remove_abandoned(base.path());
        assert!(directory.output().exists());
        drop(inherited);
        ServerDirectory::remove_abandoned(base.path());
        assert!(!directory.0.exists());
    }

    #[test]
    fn only_directories_of_servers_are_removed() {
        let base = tempfile::tempdir().unwrap();
        let other = base.path().join("another");
        let being_made = base.path().join("dagster-server-new");
        for directory in [&other, &being_made] {
            fs::create_dir(directory).unwrap();
        }
        fs::write(other.join("output"), "").unwrap();
        std::os::unix::fs::symlink(&other, base.path().join("dagster-server-link")).unwrap();
        ServerDirectory::remove_abandoned(base.path());
        assert!(other.join("output").exists() && being_made.exists());
    }

    #[test]
    fn a_path_that_is_too_long_is_refused_with_the_remedy() {
        let base = tempfile::tempdir().unwrap();
        let deep = base.path().join("d".repeat(100));
        fs::create_dir(&deep).unwrap();
        let error = ServerDirectory::create(&deep).unwrap_err().to_string();
        assert!(error.contains("TMPDIR") && error.contains("100 are possible"), "{error}");
        assert_eq!(fs::read_dir(&deep).unwrap().count(), 0);
    }
}
