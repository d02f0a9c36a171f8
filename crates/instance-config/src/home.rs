//! Finding the directory of an instance, which Dagster calls `DAGSTER_HOME`.

use std::path::{Path, PathBuf};

use instance_core::error::InstanceError;

use crate::environment::Environment;

/// The directory of an instance, and how it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Home {
    /// The directory, absolute. It need not exist.
    pub path: PathBuf,
    /// How it was found.
    pub source: HomeSource,
}

/// How the directory of an instance was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HomeSource {
    /// The caller named it.
    Argument,
    /// The variable `DAGSTER_HOME` names it.
    Variable,
    /// Neither named it. It is below the user's data directory.
    UserData,
}

/// Finds the directory of an instance.
///
/// These are tried in this order: the directory that the caller names; the variable `DAGSTER_HOME`;
/// `dagster-instance` below `XDG_DATA_HOME`; `dagster-instance` below `.local/share` of `HOME`. The directory need
/// not exist.
///
/// A relative path of the caller starts at the current directory. A relative `DAGSTER_HOME` is an error, as for
/// Dagster, because each process would take it for another directory.
///
/// # Errors
///
/// [`InstanceError::Config`] if `DAGSTER_HOME` is relative, if no variable names a directory, or if the path of the
/// caller cannot be made absolute.
pub fn find_home(
    argument: Option<&Path>,
    environment: &dyn Environment,
) -> Result<Home, InstanceError> {
    if let Some(path) = argument {
        let absolute = std::path::absolute(path).map_err(|error| InstanceError::Config {
            place: format!("home {}", path.display()),
            reason: "it cannot be made an absolute path".to_owned(),
            source: Some(Box::new(error)),
        })?;
        return Ok(Home { path: absolute, source: HomeSource::Argument });
    }
    let user_home = environment.get("HOME").map(PathBuf::from);
    if let Some(text) = environment.get("DAGSTER_HOME") {
        let path = match (text.strip_prefix("~/"), &user_home) {
            (Some(rest), Some(user_home)) => user_home.join(rest),
            _ => PathBuf::from(&text),
        };
        if path.is_relative() {
            return Err(InstanceError::Config {
                place: "environment variable DAGSTER_HOME".to_owned(),
                reason: format!("{text:?} is a relative path; set it to an absolute one"),
                source: None,
            });
        }
        return Ok(Home { path, source: HomeSource::Variable });
    }
    let data = environment
        .get("XDG_DATA_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| user_home.map(|home| home.join(".local").join("share")));
    match data {
        Some(data) => Ok(Home { path: data.join("dagster-instance"), source: HomeSource::UserData }),
        None => Err(InstanceError::Config {
            place: "environment".to_owned(),
            reason: "none of DAGSTER_HOME, XDG_DATA_HOME and HOME is set; set DAGSTER_HOME to the instance's directory"
                .to_owned(),
            source: None,
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{HomeSource, find_home};
    use crate::environment::Environment;

    struct Variables(&'static [(&'static str, &'static str)]);

    impl Environment for Variables {
        fn get(&self, name: &str) -> Option<String> {
            self.0.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        }
    }

    fn check(
        argument: Option<&str>,
        variables: &'static [(&str, &str)],
        expected: Option<(&str, HomeSource)>,
    ) {
        let found = find_home(argument.map(Path::new), &Variables(variables)).ok();
        let found =
            found.as_ref().map(|home| (home.path.to_str().unwrap_or_default(), home.source));
        assert_eq!(found, expected);
    }

    #[test]
    fn argument_before_variable_before_user_data() {
        let all = &[("DAGSTER_HOME", "/dh"), ("XDG_DATA_HOME", "/xdg"), ("HOME", "/home/me")];
        check(Some("/arg"), all, Some(("/arg", HomeSource::Argument)));
        check(None, all, Some(("/dh", HomeSource::Variable)));
        check(
            None,
            &[("DAGSTER_HOME", "~/dh"), ("HOME", "/me")],
            Some(("/me/dh", HomeSource::Variable)),
        );
        check(
            None,
            &[("XDG_DATA_HOME", "/xdg")],
            Some(("/xdg/dagster-instance", HomeSource::UserData)),
        );
        check(
            None,
            &[("HOME", "/me")],
            Some(("/me/.local/share/dagster-instance", HomeSource::UserData)),
        );
    }

    #[test]
    fn what_names_no_directory_is_an_error() {
        check(None, &[("DAGSTER_HOME", "relative")], None);
        check(None, &[], None);
    }
}
