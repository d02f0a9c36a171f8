//! What is wrong with a configuration file: every mistake with its place in the file.

use std::fmt;

/// A place in a text file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line; the first is 1.
    pub line: u64,
    /// The column, in characters; the first is 1.
    pub column: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// What a problem prevents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// The instance cannot be opened.
    Error,
    /// The instance can be opened. What the section configures cannot be used.
    ErrorWhenUsed,
    /// Nothing, but it may not be what was meant.
    Warning,
}

/// One thing that is wrong with a configuration file. It never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigProblem {
    /// What it prevents.
    pub severity: Severity,
    /// Where it is in the file; `None` if it is about the file as a whole.
    pub position: Option<Position>,
    /// The path of the key, such as `storage.postgres.postgres_db.port`; empty if it is about the file as a whole.
    pub key: String,
    /// The value as the file has it; `None` if there is none, if it is a mapping or a list, or if it may be secret.
    pub value: Option<String>,
    /// What is wrong, and what is right.
    pub reason: String,
    /// The known key that the unknown one is most like; `None` if none is like it.
    pub suggestion: Option<String>,
}

impl ConfigProblem {
    /// A problem that prevents opening the instance, about the file as a whole.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            position: None,
            key: String::new(),
            value: None,
            reason: reason.into(),
            suggestion: None,
        }
    }
}

crate::setters! {
    impl ConfigProblem {
        /// What it prevents.
        with_severity(severity: Severity);
        /// Where it is in the file.
        with_position(position: impl Into<Option<Position>>);
        /// The path of the key.
        with_key(key: impl Into<String>);
        /// The value as the file has it. It must not be secret.
        with_value(value: impl Into<Option<String>>);
        /// The known key that the unknown one is most like.
        with_suggestion(suggestion: impl Into<Option<String>>);
    }
}

/// The problem in one line, without the name of the file.
impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(position) = self.position {
            write!(f, "{position}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.reason)?;
        if let Some(suggestion) = &self.suggestion {
            write!(f, "; did you mean `{suggestion}`?")?;
        }
        Ok(())
    }
}

/// All that is wrong with a configuration file, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigProblems {
    /// The path of the file.
    pub file: String,
    /// The problems; never empty.
    pub problems: Vec<ConfigProblem>,
}

impl ConfigProblems {
    /// The problems of a file. The first is first in the file.
    pub fn new(file: impl Into<String>, mut problems: Vec<ConfigProblem>) -> Self {
        problems.sort_by_key(|problem| problem.position);
        Self { file: file.into(), problems }
    }
}

/// One line for a problem; if there are several, a line that counts them comes first.
impl fmt::Display for ConfigProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [problem] = &*self.problems {
            let separator = if problem.position.is_some() { ":" } else { ": " };
            return write!(f, "{}{separator}{problem}", self.file);
        }
        write!(f, "{}: {} mistakes", self.file, self.problems.len())?;
        for problem in &self.problems {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigProblems {}

#[cfg(test)]
mod tests {
    use super::{ConfigProblem, ConfigProblems, Position};

    #[test]
    fn one_problem_is_one_line_and_several_are_counted() {
        let at = |line, column| Position { line, column };
        let port = ConfigProblem::new("unknown key")
            .with_position(at(7, 5))
            .with_key("storage.prot")
            .with_suggestion("port".to_owned());
        let text = ConfigProblems::new("f", vec![port.clone()]).to_string();
        assert_eq!(text, "f:7:5: storage.prot: unknown key; did you mean `port`?");
        let earlier = ConfigProblem::new("no YAML").with_position(at(2, 1));
        let text = ConfigProblems::new("f", vec![port, earlier]).to_string();
        assert_eq!(
            text,
            "f: 2 mistakes\n  2:1: no YAML\n  7:5: storage.prot: unknown key; did you mean `port`?"
        );
        let text = ConfigProblems::new("f", vec![ConfigProblem::new("unreadable")]).to_string();
        assert_eq!(text, "f: unreadable");
    }
}
