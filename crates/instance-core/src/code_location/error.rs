//! Why a code location did not answer.

use crate::error::BoxError;
use crate::error_info::SerializableErrorInfo;

/// Why a code location did not answer a question.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodeLocationError {
    /// Its server does not answer.
    #[error("Could not reach user code server at {target}. gRPC Error code: {code}")]
    Unreachable {
        /// The address of the server.
        target: String,
        /// The name of gRPC's code, such as `UNAVAILABLE`.
        code: &'static str,
        /// What went wrong on the way.
        source: BoxError,
    },
    /// Its server did not answer in time.
    #[error(
        "User code server request timed out due to taking longer than {seconds} seconds to complete ({call} at {target})."
    )]
    TimedOut {
        /// The address of the server.
        target: String,
        /// What it was asked.
        call: &'static str,
        /// How long we waited.
        seconds: u64,
    },
    /// The server is older than the question.
    #[error("the code server at {target} does not know the call {call}; update Dagster there")]
    Unimplemented {
        /// The address of the server.
        target: String,
        /// What it was asked.
        call: &'static str,
    },
    /// The code there has failed, or what was asked for is wrong.
    #[error(transparent)]
    UserCode(#[from] Box<UserCodeError>),
    /// The code there does not have what was asked for.
    #[error("{what} {name:?} is not served by {place}; {known}")]
    NotServed {
        /// What it is.
        what: &'static str,
        /// Its name.
        name: String,
        /// The code location or the repository.
        place: String,
        /// What there is in its place, for people.
        known: String,
    },
    /// There is not exactly one, so that it has to be named.
    #[error("name the {what}: {place} has {known}")]
    Unnamed {
        /// What it is.
        what: &'static str,
        /// The code location or the repository.
        place: String,
        /// What there is, for people.
        known: String,
    },
    /// The server of a workspace's code could not be started.
    #[error("the code server of the location {location:?} could not be started: {reason}")]
    NotStarted {
        /// The name of the location.
        location: String,
        /// Why, and what the server printed last.
        reason: String,
    },
    /// The server answered what this version does not understand.
    #[error(
        "the code server at {target} answered {call} with something else than expected: {reason}"
    )]
    Protocol {
        /// The address of the server.
        target: String,
        /// What it was asked.
        call: &'static str,
        /// What is wrong with the answer.
        reason: String,
    },
}

impl CodeLocationError {
    /// The code there has failed.
    pub fn user_code(info: SerializableErrorInfo) -> Self {
        Self::UserCode(Box::new(UserCodeError::new(info)))
    }

    /// There is no such thing; `known` are the names that there are. The ones that are most like it come first.
    pub fn not_served(
        what: &'static str,
        name: &str,
        place: impl Into<String>,
        known: impl IntoIterator<Item = String>,
    ) -> Self {
        Self::NotServed {
            what,
            name: name.to_owned(),
            place: place.into(),
            known: known_names(name, known.into_iter().collect()),
        }
    }
}

impl CodeLocationError {
    /// The same error for another one who asks. The error behind it is there as a text.
    #[must_use]
    pub fn again(&self) -> Self {
        match self {
            Self::Unreachable { target, code, source } => Self::Unreachable {
                target: target.clone(),
                code,
                source: source.to_string().into(),
            },
            Self::TimedOut { target, call, seconds } => {
                Self::TimedOut { target: target.clone(), call, seconds: *seconds }
            }
            Self::Unimplemented { target, call } => {
                Self::Unimplemented { target: target.clone(), call }
            }
            Self::UserCode(error) => Self::UserCode(error.clone()),
            Self::NotServed { what, name, place, known } => Self::NotServed {
                what,
                name: name.clone(),
                place: place.clone(),
                known: known.clone(),
            },
            Self::Unnamed { what, place, known } => {
                Self::Unnamed { what, place: place.clone(), known: known.clone() }
            }
            Self::NotStarted { location, reason } => {
                Self::NotStarted { location: location.clone(), reason: reason.clone() }
            }
            Self::Protocol { target, call, reason } => {
                Self::Protocol { target: target.clone(), call, reason: reason.clone() }
            }
        }
    }

    /// There is not exactly one of these names.
    pub fn unnamed(
        what: &'static str,
        place: impl Into<String>,
        known: impl IntoIterator<Item = String>,
    ) -> Self {
        let known = shown_names(known.into_iter().collect());
        let known = if known.is_empty() { "none".to_owned() } else { known };
        Self::Unnamed { what, place: place.into(), known }
    }
}

/// How many names an error shows.
const NAMES_SHOWN: usize = 20;

fn known_names(name: &str, mut known: Vec<String>) -> String {
    known.sort_by_cached_key(|other| (distance(name, other), other.clone()));
    match shown_names(known) {
        none if none.is_empty() => "there is none".to_owned(),
        names => format!("there are {names}"),
    }
}

/// The first names, and how many more there are.
fn shown_names(mut known: Vec<String>) -> String {
    let more = known.len().saturating_sub(NAMES_SHOWN);
    known.truncate(NAMES_SHOWN);
    let names = known.join(", ");
    if more == 0 { names } else { format!("{names} and {more} more") }
}

/// How many letters have to be changed, added or left out to make one text of the other.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (place, letter) in left.chars().enumerate() {
        let mut above_left = place;
        let mut before = place + 1;
        for (cell, other) in row.iter_mut().skip(1).zip(&right) {
            let changed = above_left + usize::from(letter != *other);
            above_left = *cell;
            before = changed.min(above_left + 1).min(before + 1);
            *cell = before;
        }
        if let Some(first) = row.first_mut() {
            *first = place + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// An error of Python, as a code server tells it. Its sources are the causes that Python names.
#[derive(Debug, Clone, PartialEq)]
pub struct UserCodeError {
    info: SerializableErrorInfo,
    cause: Option<Box<Self>>,
}

impl UserCodeError {
    /// The error of a server's answer.
    pub fn new(info: SerializableErrorInfo) -> Self {
        let cause = info.cause.as_ref().or(info.context.as_ref());
        let cause = cause.map(|cause| Box::new(Self::new((**cause).clone())));
        Self { info, cause }
    }

    /// The error with its stacks, as events have it.
    pub const fn info(&self) -> &SerializableErrorInfo {
        &self.info
    }
}

impl std::fmt::Display for UserCodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.info.message.trim_end())
    }
}

impl std::error::Error for UserCodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn std::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::{CodeLocationError, UserCodeError};
    use crate::error_info::SerializableErrorInfo;

    #[test]
    fn the_most_alike_names_come_first() {
        let known = ["zebra", "plain", "plan_b"].map(str::to_owned);
        let error = CodeLocationError::not_served("job", "plane", "the location \"loc\"", known);
        assert_eq!(
            error.to_string(),
            "job \"plane\" is not served by the location \"loc\"; there are plain, plan_b, zebra"
        );
        let many = (0..25).map(|number| format!("job_{number:02}"));
        let error = CodeLocationError::not_served("job", "x", "the location \"loc\"", many);
        assert!(error.to_string().ends_with("job_19 and 5 more"), "{error}");
        let error =
            CodeLocationError::unnamed("job", "the location", ["a", "b"].map(str::to_owned));
        assert_eq!(error.to_string(), "name the job: the location has a, b");
        let error = CodeLocationError::not_served("job", "x", "the location \"loc\"", []);
        assert!(error.to_string().ends_with("; there is none"), "{error}");
    }

    #[test]
    fn causes_of_python_are_sources_and_the_event_has_all_of_it() {
        let cause = SerializableErrorInfo::new("CheckError", "no partitions\n");
        let info = SerializableErrorInfo::new("UserError", "it failed\n").caused_by(cause);
        let error = CodeLocationError::user_code(info.clone());
        assert_eq!(error.to_string(), "it failed");
        assert_eq!(error.source().map(ToString::to_string), Some("no partitions".to_owned()));
        assert_eq!(SerializableErrorInfo::from_error("LaunchError", &error), info);
        assert_eq!(UserCodeError::new(info.clone()).info(), &info);
    }
}
