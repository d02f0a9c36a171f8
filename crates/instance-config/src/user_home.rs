//! Home directories of users, as a shell and Python find them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::environment::Environment;

/// The home directory of the user of this process: that of `HOME`, else what the system says.
pub(crate) fn user_home(environment: &dyn Environment) -> Option<PathBuf> {
    match environment.get_os("HOME") {
        Some(home) => Some(PathBuf::from(home)).filter(|home| !home.as_os_str().is_empty()),
        None => home_of_process(),
    }
}

/// A path whose `~` or `~user` at the begin is a home directory. A path that names nobody stays as it is.
pub(crate) fn expand_user(text: &OsStr, environment: &dyn Environment) -> PathBuf {
    let path = Path::new(text);
    let mut components = path.components();
    let first = components.next().map(std::path::Component::as_os_str);
    let Some(name) = first.and_then(OsStr::to_str).and_then(|first| first.strip_prefix('~')) else {
        return path.to_owned();
    };
    let home = match (name, environment.get_os("HOME")) {
        // An empty name before the rest is the root.
        ("", Some(home)) if home.is_empty() => Some(PathBuf::from("/")),
        ("", _) => user_home(environment),
        (name, _) => home_of(name),
    };
    match home {
        // Nothing behind the tilde is not an empty part of the path.
        Some(home) if components.as_path().as_os_str().is_empty() => home,
        Some(home) => home.join(components.as_path()),
        None => path.to_owned(),
    }
}

#[cfg(unix)]
fn home_of(name: &str) -> Option<PathBuf> {
    nix::unistd::User::from_name(name).ok().flatten().map(|user| user.dir)
}

#[cfg(unix)]
fn home_of_process() -> Option<PathBuf> {
    nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten().map(|user| user.dir)
}

#[cfg(not(unix))]
fn home_of(_name: &str) -> Option<PathBuf> {
    None
}

#[cfg(not(unix))]
fn home_of_process() -> Option<PathBuf> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use std::ffi::OsStr;
    use std::path::Path;

    use super::{expand_user, user_home};
    use crate::environment::Environment;

    struct Home(Option<&'static str>);

    impl Environment for Home {
        fn get(&self, name: &str) -> Option<String> {
            self.0.filter(|_| name == "HOME").map(str::to_owned)
        }
    }

    #[test]
    fn a_tilde_names_a_user_or_nobody() {
        for (text, expected) in [
            ("~", "/me"),
            ("~/", "/me"),
            ("~/a/b", "/me/a/b"),
            ("~root/a", "/root/a"),
            ("~nobody-at-all/a", "~nobody-at-all/a"),
            ("/a/~", "/a/~"),
            ("a", "a"),
        ] {
            let expanded = expand_user(OsStr::new(text), &Home(Some("/me")));
            assert_eq!(expanded, Path::new(expected), "{text}");
        }
        assert_eq!(expand_user(OsStr::new("~/a"), &Home(Some(""))), Path::new("/a"));
    }

    #[test]
    fn without_the_variable_the_system_knows() {
        assert!(user_home(&Home(None)).is_some_and(|home| home.is_absolute()));
        assert_eq!(user_home(&Home(Some(""))), None);
    }
}
