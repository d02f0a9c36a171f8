//! Which file Dagster reads. It looks for the file by a pattern, and the path of the file is the pattern.

use std::path::{Component, Path, PathBuf};

/// What Dagster finds when it looks for a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FoundFile {
    /// Nothing: the file does not exist.
    None,
    /// The file.
    Usual,
    /// Nothing, although the file exists.
    NotFoundByDagster,
    /// Another file, perhaps among others.
    Another(PathBuf),
}

/// Looks for a file as Dagster does.
pub(crate) fn found_file(file: &Path) -> FoundFile {
    // A link that leads nowhere is a file that cannot be read.
    let exists = |file: &Path| file.symlink_metadata().is_ok();
    if !file.to_string_lossy().contains(['*', '?', '[']) {
        return if exists(file) { FoundFile::Usual } else { FoundFile::None };
    }
    let found: Vec<PathBuf> = expanded(file).into_iter().filter(|found| exists(found)).collect();
    match found.iter().find(|found| *found != file) {
        Some(other) => FoundFile::Another(other.clone()),
        None if !found.is_empty() => FoundFile::Usual,
        None if exists(file) => FoundFile::NotFoundByDagster,
        None => FoundFile::None,
    }
}

/// The paths that a path means as a pattern.
fn expanded(pattern: &Path) -> Vec<PathBuf> {
    let mut paths = vec![PathBuf::new()];
    for component in pattern.components() {
        let Component::Normal(name) = component else {
            for path in &mut paths {
                path.push(component);
            }
            continue;
        };
        let name = name.to_string_lossy();
        if !name.contains(['*', '?', '[']) {
            for path in &mut paths {
                path.push(component);
            }
            continue;
        }
        let pattern: Vec<char> = name.chars().collect();
        paths = paths
            .iter()
            .flat_map(|directory| std::fs::read_dir(directory).into_iter().flatten().flatten())
            .filter(|entry| {
                let entry = entry.file_name();
                let entry: Vec<char> = entry.to_string_lossy().chars().collect();
                // What is hidden is found only by a pattern that says so.
                (entry.first() != Some(&'.') || pattern.first() == Some(&'.'))
                    && matches(&pattern, &entry)
            })
            .map(|entry| entry.path())
            .collect();
    }
    paths
}

/// Whether a pattern means a name, as Python's `fnmatch` has it.
fn matches(pattern: &[char], name: &[char]) -> bool {
    match pattern {
        [] => name.is_empty(),
        ['*', rest @ ..] => (0..=name.len()).any(|skipped| matches(rest, &name[skipped..])),
        ['?', rest @ ..] => name.split_first().is_some_and(|(_, name)| matches(rest, name)),
        ['[', rest @ ..] => {
            let (negated, from) =
                (rest.first() == Some(&'!'), usize::from(rest.first() == Some(&'!')));
            // A `]` that comes first is one of the characters.
            let end = rest.iter().skip(from + 1).position(|character| *character == ']');
            let Some(end) = end.map(|end| end + from + 1) else {
                return name.first() == Some(&'[') && matches(rest, &name[1..]);
            };
            name.split_first().is_some_and(|(first, name)| {
                is_one_of(&rest[from..end], *first) != negated && matches(&rest[end + 1..], name)
            })
        }
        [character, rest @ ..] => name
            .split_first()
            .is_some_and(|(first, name)| first == character && matches(rest, name)),
    }
}

fn is_one_of(characters: &[char], character: char) -> bool {
    match characters {
        [] => false,
        [first, '-', last, rest @ ..] => {
            (*first..=*last).contains(&character) || is_one_of(rest, character)
        }
        [first, rest @ ..] => *first == character || is_one_of(rest, character),
    }
}

#[cfg(test)]
mod tests {
    use super::{FoundFile, found_file, matches};

    #[test]
    fn patterns_mean_what_they_mean_to_python() {
        for (pattern, name, expected) in [
            ("a[1]", "a1", true),
            ("a[1]", "a[1]", false),
            ("a*", "a*", true),
            ("a*", "abc", true),
            ("a?", "a", false),
            ("a[", "a[", true),
            ("[!a]b", "cb", true),
            ("[a-c]", "b", true),
            ("[]]", "]", true),
        ] {
            let characters = |text: &str| text.chars().collect::<Vec<_>>();
            assert_eq!(
                matches(&characters(pattern), &characters(name)),
                expected,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn a_directory_with_brackets_hides_its_file() -> std::io::Result<()> {
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("a[1]").join("dagster.yaml");
        std::fs::create_dir(directory.path().join("a[1]"))?;
        assert_eq!(found_file(&file), FoundFile::None);
        std::fs::write(&file, "")?;
        assert_eq!(found_file(&file), FoundFile::NotFoundByDagster);
        let other = directory.path().join("a1").join("dagster.yaml");
        std::fs::create_dir(directory.path().join("a1"))?;
        std::fs::write(&other, "")?;
        assert_eq!(found_file(&file), FoundFile::Another(other));
        Ok(())
    }

    #[test]
    fn a_directory_that_means_itself_is_usual() -> std::io::Result<()> {
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("a*").join("dagster.yaml");
        std::fs::create_dir(directory.path().join("a*"))?;
        std::fs::write(&file, "")?;
        assert_eq!(found_file(&file), FoundFile::Usual);
        Ok(())
    }
}
