//! Documents name files that exist: a path in backticks, from the root or from `crates/`, leads to a file.
//!
//! Not here: links, which people click, and paths with placeholders, such as `crates/CRATE/examples/NAME.rs`.

use std::collections::BTreeSet;

use super::{Finding, SourceFile};

/// Where paths of the repository begin.
const ROOTS: [&str; 4] = ["crates/", "docs/", "tests/", "xtask/"];
/// Where paths below `crates/` begin that leave it out.
const CRATES: [&str; 2] = ["dagster-instance", "instance-"];

/// `files` are all files of the repository.
pub(super) fn check(file: &SourceFile, files: &BTreeSet<&str>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_document = file.path.rsplit_once('.').is_some_and(|(_, extension)| extension == "md");
    // A change that was made once stays as it was told.
    if !is_document || file.path == "CHANGELOG.md" {
        return findings;
    }
    for (index, line) in file.text.lines().enumerate() {
        for word in line.split('`').skip(1).step_by(2) {
            if let Some(path) = path_of(word)
                && !exists(&path, files)
            {
                findings.push(Finding::new(
                    &file.path,
                    index + 1,
                    format!("there is no `{word}`: name the file as it is called now"),
                ));
            }
        }
    }
    findings
}

/// The path from the root that a word means, if it is one.
fn path_of(word: &str) -> Option<String> {
    let plain = word.chars().all(|c| c.is_alphanumeric() || "/-_.".contains(c));
    let part = |part: &str| part.len() > 1 && part.chars().all(|c| c.is_ascii_uppercase());
    let placeholder = word.split(['/', '-', '.']).any(part) && !word.ends_with("README.md");
    if !plain || placeholder || !word.contains('/') {
        return None;
    }
    if ROOTS.iter().any(|root| word.starts_with(root)) {
        return Some(word.to_owned());
    }
    CRATES.iter().any(|name| word.starts_with(name)).then(|| format!("crates/{word}"))
}

/// Whether it is a file, or a directory of files.
fn exists(path: &str, files: &BTreeSet<&str>) -> bool {
    let directory = format!("{}/", path.trim_end_matches('/'));
    let below = files.range(directory.as_str()..).next();
    files.contains(path) || below.is_some_and(|file| file.starts_with(&directory))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[usize]) {
        let files =
            BTreeSet::from(["crates/instance-core/src/lib.rs", "docs/a.md", "tests/it/main.rs"]);
        let file = SourceFile { path: "docs/a.md".to_owned(), text: text.to_owned() };
        let found: Vec<_> =
            super::check(&file, &files).into_iter().map(|finding| finding.line).collect();
        assert_eq!(found, expect, "{text}");
    }

    #[test]
    fn a_path_leads_to_a_file_or_a_directory() {
        check("`docs/a.md` and `tests/it/` and `tests/it`\n`instance-core/src/lib.rs`", &[]);
        check(
            "`docs/b.md`\n`crates/instance-core/src/main.rs`\n`instance-core/tests/`",
            &[1, 2, 3],
        );
        check("a\n`docs/a.md` `tests/i`", &[2]);
    }

    #[test]
    fn what_is_no_path_is_left_alone() {
        check(
            "`crates/CRATE/src`, `crates/instance-NAME/`, `crates/*/x`, `a/b`, `instance-core`",
            &[],
        );
        check("docs/b.md without backticks, `cargo run docs/b.md`", &[]);
    }
}
