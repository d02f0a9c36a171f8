//! Rules about single Rust files: a module's documentation, its size, and what may not be left behind in it.
//!
//! Not here: rules about the contents of string literals.

use super::{Finding, SourceFile};

/// A file of one idea is shorter. A longer one is a fault, not a matter of taste.
const MOST_LINES: usize = 800;

/// Put together here, as this file is checked, too.
const LEFT_BEHIND: [(&str, &str); 5] = [
    (concat!("todo", "!("), "finish it, or return an error that says what is missing"),
    (concat!("unimplemented", "!("), "finish it, or return an error that says what is missing"),
    (concat!("dbg", "!("), "use `tracing`, or remove it"),
    (concat!("#[", "ignore"), "a test that does not run proves nothing: mend it or remove it"),
    (concat!(", ignore", ")]"), "a test that does not run proves nothing: mend it or remove it"),
];

pub(super) fn check(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !file.is_rust() {
        return findings;
    }
    if is_documented_place(file) && !file.text.starts_with("//!") {
        let message = "a module begins with `//!` and says what belongs here and what does not";
        findings.push(Finding::new(&file.path, 1, message));
    }
    let lines = file.text.lines().count();
    if file.in_crate_src().is_some() && lines > MOST_LINES {
        let message = format!(
            "{lines} lines, more than {MOST_LINES}: look for the second idea and give it a file"
        );
        findings.push(Finding::new(&file.path, MOST_LINES + 1, message));
    }
    for (index, line) in file.text.lines().enumerate() {
        for (pattern, advice) in LEFT_BEHIND {
            if line.contains(pattern) {
                findings.push(Finding::new(
                    &file.path,
                    index + 1,
                    format!("`{pattern}` left behind: {advice}"),
                ));
            }
        }
    }
    findings
}

fn is_documented_place(file: &SourceFile) -> bool {
    let path = file.path.as_str();
    let in_crate_tests = path.strip_prefix("crates/").is_some_and(|rest| rest.contains("/tests/"));
    file.in_crate_src().is_some()
        || in_crate_tests
        || path.starts_with("tests/")
        || path.starts_with("xtask/src/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str, expect: &[(usize, &str)]) {
        let found = super::check(&SourceFile { path: path.to_owned(), text: text.to_owned() });
        assert_eq!(found.len(), expect.len(), "{path}: {found:?}");
        for (finding, (line, part)) in found.iter().zip(expect) {
            assert_eq!(finding.line, *line, "{finding}");
            assert!(finding.message.contains(part), "{finding}");
        }
    }

    #[test]
    fn a_module_begins_with_its_documentation() {
        for path in [
            "crates/a/src/lib.rs",
            "crates/a/tests/it/main.rs",
            "tests/tests/it.rs",
            "xtask/src/main.rs",
        ] {
            check(path, "//! Says what.\n", &[]);
            check(path, "use std::fmt;\n//! Too late.\n", &[(1, "begins with")]);
            check(path, "", &[(1, "begins with")]);
        }
        check("crates/a/build.rs", "fn main() {}\n", &[]);
        check("tests/python/notes.txt", "", &[]);
    }

    #[test]
    fn a_long_file_is_named_with_its_length() {
        let long = format!("//! x\n{}", "\n".repeat(MOST_LINES));
        check("crates/a/src/long.rs", &long, &[(MOST_LINES + 1, "801 lines")]);
        check("crates/a/src/long.rs", &long[..long.len() - 1], &[]);
        check("crates/a/tests/it/long.rs", &long, &[]);
    }

    #[test]
    fn what_is_left_behind_is_found_at_its_line() {
        for (pattern, _) in LEFT_BEHIND {
            check("xtask/src/x.rs", &format!("//! x\n\n    {pattern}\"x\")\n"), &[(3, pattern)]);
        }
        check("crates/a/src/x.rs", "//! x\nmatch x { Todo(y) => ignore(a, y) }\n", &[]);
    }
}
