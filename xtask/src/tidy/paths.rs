//! No file names the directory in which the project is developed: such a path exists on one machine only.
//!
//! Not here: absolute paths of operating systems, which documentation and tests have good reasons to name.

use super::{Finding, SourceFile};

/// Put together here, as this file is checked, too.
const DEVELOPMENT_ROOT: &str = concat!("/wo", "rk/");

pub(super) fn check(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        if line.match_indices(DEVELOPMENT_ROOT).any(|(at, _)| begins_a_path(&line[..at])) {
            let message = format!(
                "an absolute path below {DEVELOPMENT_ROOT}, which other machines do not have"
            );
            findings.push(Finding::new(&file.path, index + 1, message));
        }
    }
    findings
}

/// Whether what follows is absolute, not the rest of a longer path such as `$HOME/..` or
/// `https://host/..`.
fn begins_a_path(before: &str) -> bool {
    !before.ends_with(|c: char| c.is_alphanumeric() || "_-.~}$)%".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: &str, expect: bool) {
        let text = format!("first\n{before}{DEVELOPMENT_ROOT}main\n");
        let found = super::check(&SourceFile { path: "docs/x.md".to_owned(), text });
        let lines: Vec<usize> = found.iter().map(|finding| finding.line).collect();
        assert_eq!(lines, if expect { vec![2] } else { vec![] }, "{before:?}");
    }

    #[test]
    fn only_the_beginning_of_a_path_counts() {
        for before in ["", " ", "\"", "cd ", "root=", "file://", "`", ":"] {
            check(before, true);
        }
        for before in ["target", "$HOME", "${x}", "~", "..", "https://example.org"] {
            check(before, false);
        }
    }
}
