//! Paths as Python's `os.path` joins and cuts them. Origins hold such texts, and keep `..`, doubled slashes and slashes at
//! the end where Python does.

use std::ffi::OsStr;

use crate::environment::Environment;
use crate::user_home::expand_user;

/// A path behind a directory: `os.path.join`.
pub(super) fn join(directory: &str, path: &str) -> String {
    if path.starts_with('/') {
        path.to_owned()
    } else if directory.is_empty() || directory.ends_with('/') {
        format!("{directory}{path}")
    } else {
        format!("{directory}/{path}")
    }
}

/// What stands before the last part of a path: `os.path.dirname`.
pub(super) fn parent(path: &str) -> &str {
    let head = &path[..path.rfind('/').map_or(0, |slash| slash + 1)];
    let trimmed = head.trim_end_matches('/');
    if trimmed.is_empty() { head } else { trimmed }
}

/// A path without `.`, `..` and doubled slashes, as far as its text says: `os.path.normpath`.
pub(super) fn normal(path: &str) -> String {
    // Two slashes at the begin are not one to POSIX, three are.
    let root = match path.len() - path.trim_start_matches('/').len() {
        0 => "",
        2 => "//",
        _ => "/",
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_none_or(|last| *last == "..") => {
                if root.is_empty() {
                    parts.push(part);
                }
            }
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let normal = format!("{root}{}", parts.join("/"));
    if normal.is_empty() { ".".to_owned() } else { normal }
}

/// The absolute path: `os.path.abspath`.
pub(super) fn absolute(directory: &str, path: &str) -> String {
    normal(&join(directory, path))
}

/// A path whose `~` or `~user` at the begin is a home directory: `os.path.expanduser`.
pub(super) fn expanded(path: &str, environment: &dyn Environment) -> String {
    if !path.starts_with('~') {
        return path.to_owned();
    }
    let end = path.find('/').unwrap_or(path.len());
    let (user, rest) = path.split_at(end);
    let home = expand_user(OsStr::new(user), environment);
    match home.to_str() {
        // It names nobody.
        Some(home) if home == user => path.to_owned(),
        Some(home) => {
            let expanded = format!("{}{rest}", home.trim_end_matches('/'));
            if expanded.is_empty() { "/".to_owned() } else { expanded }
        }
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{absolute, expanded, join, normal, parent};
    use crate::environment::Environment;

    struct Home;

    impl Environment for Home {
        fn get(&self, name: &str) -> Option<String> {
            (name == "HOME").then(|| "/me/".to_owned())
        }
    }

    #[test]
    fn paths_are_those_of_python() {
        for (directory, path, expected) in [
            ("/a", "b", "/a/b"),
            ("/a/", "b", "/a/b"),
            ("/a", "/b", "/b"),
            ("/a", "", "/a/"),
            ("", "b", "b"),
        ] {
            assert_eq!(join(directory, path), expected);
        }
        for (path, expected) in [
            ("/a/b", "/a"),
            ("a", ""),
            ("/a", "/"),
            ("a//b", "a"),
            ("a/", "a"),
            ("//a", "//"),
            ("", ""),
        ] {
            assert_eq!(parent(path), expected, "{path}");
        }
        for (path, expected) in [
            ("/a/./b//c/../d/", "/a/b/d"),
            ("/..", "/"),
            ("../../a", "../../a"),
            ("//a", "//a"),
            ("///a", "/a"),
            ("a/..", "."),
        ] {
            assert_eq!(normal(path), expected, "{path}");
        }
        assert_eq!(absolute("/a", "../b"), "/b");
    }

    #[test]
    fn only_the_home_directory_is_replaced() {
        for (path, expected) in [
            ("~", "/me"),
            ("~/a//b/./c/", "/me/a//b/./c/"),
            ("~nobody-at-all/a", "~nobody-at-all/a"),
            ("$HOME/a", "$HOME/a"),
            ("a/~", "a/~"),
        ] {
            assert_eq!(expanded(path, &Home), expected, "{path}");
        }
    }
}
