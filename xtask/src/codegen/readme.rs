//! Makes the README of one crate from that of the project.
//!
//! Here: which parts of a text it gets. Not here: which crates get one.

use anyhow::{Result, ensure};

/// The text without the sections of these titles. Links into the repository become their text, as a package has no
/// files but its own.
///
/// # Errors
///
/// There is no such section.
pub(super) fn without(readme: &str, sections: &[&str]) -> Result<String> {
    let mut text = String::new();
    let mut left_out = Vec::new();
    let mut in_section = false;
    let mut in_code = false;
    for line in readme.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
        }
        if !in_code && let Some(title) = line.strip_prefix("## ") {
            in_section = sections.contains(&title);
            left_out.extend(in_section.then_some(title));
        }
        if !in_section {
            text.push_str(&if in_code { line.to_owned() } else { without_files(line) });
            text.push('\n');
        }
    }
    for section in sections {
        ensure!(left_out.contains(section), "README.md has no section `## {section}`");
    }
    Ok(text)
}

/// `[text](docs/file.md)` becomes `text`; links to other places stay.
fn without_files(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('[') {
        let found = after.split_once("](").and_then(|(words, after)| {
            let (target, after) = after.split_once(')')?;
            let to_file = !target.contains("://") && !target.starts_with('#');
            (to_file && !words.contains('[')).then_some((words, after))
        });
        text.push_str(before);
        if let Some((words, after)) = found {
            text.push_str(words);
            rest = after;
        } else {
            text.push('[');
            rest = after;
        }
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = "# A\n\nSee [b](docs/b.md), [c](https://c.example).\n\n## One\n\n```sh\n## no title\n```\n\n\
                          ## Two\n\n[d][e] and x[0].\n";

    #[test]
    fn sections_and_links_to_files_are_left_out() {
        let found = without(README, &["One"]).unwrap();
        let expect = "# A\n\nSee b, [c](https://c.example).\n\n## Two\n\n[d][e] and x[0].\n";
        assert_eq!(found, expect);
    }

    #[test]
    fn a_section_that_is_not_there_is_named() {
        assert!(format!("{:#}", without(README, &["Three"]).unwrap_err()).contains("Three"));
    }
}
