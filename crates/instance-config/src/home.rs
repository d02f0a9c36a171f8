//! Finding the directory of an instance, which Dagster calls `DAGSTER_HOME`.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use instance_core::error::InstanceError;

use crate::environment::Environment;
use crate::user_home::{expand_user, user_home};

/// The directory of an instance, and how it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Home {
    /// The directory, absolute. It exists if the variable names it.
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
/// `dagster-instance` below `XDG_DATA_HOME`; `dagster-instance` below `.local/share` of `HOME`. An empty variable is
/// none.
///
/// A directory that `DAGSTER_HOME` names has to exist, as for Dagster: a new one in the place of a mistyped one would be
/// an empty instance. The others need not exist.
///
/// A relative path of the caller starts at the current directory. A relative `DAGSTER_HOME` is an error, as for
/// Dagster, because each process would take it for another directory. `~` and `~user` at the begin of `DAGSTER_HOME` are
/// the home directories of users.
///
/// # Errors
///
/// [`InstanceError::Config`] if `DAGSTER_HOME` is relative, does not exist or is no directory, if no variable names a directory, or if the path of the caller cannot be made absolute.
pub fn find_home(
    argument: Option<&Path>,
    environment: &dyn Environment,
) -> Result<Home, InstanceError> {
    let home = locate(argument, environment)?;
    if home.source == HomeSource::Variable {
        must_be_directory(&home.path)?;
    }
    Ok(home)
}

/// Finds the directory of an instance as [`find_home`] does, and creates it if it is missing, also one that `DAGSTER_HOME`
/// names.
///
/// # Errors
///
/// [`InstanceError::Config`] if `DAGSTER_HOME` is relative, if no variable names a directory, if the path of the caller
/// cannot be made absolute, or if the directory cannot be created.
pub fn create_home(
    argument: Option<&Path>,
    environment: &dyn Environment,
) -> Result<Home, InstanceError> {
    let home = locate(argument, environment)?;
    std::fs::create_dir_all(&home.path).map_err(|error| InstanceError::Config {
        place: format!("home {}", home.path.display()),
        reason: "the directory cannot be created".to_owned(),
        source: Some(Box::new(error)),
    })?;
    Ok(home)
}

/// Where the directory is, whether or not it exists.
fn locate(argument: Option<&Path>, environment: &dyn Environment) -> Result<Home, InstanceError> {
    if let Some(path) = argument {
        let absolute = std::path::absolute(path).map_err(|error| InstanceError::Config {
            place: format!("home {}", path.display()),
            reason: "it cannot be made an absolute path".to_owned(),
            source: Some(Box::new(error)),
        })?;
        return Ok(Home { path: absolute, source: HomeSource::Argument });
    }
    if let Some(text) = variable("DAGSTER_HOME", environment) {
        return of_variable(&text, environment);
    }
    let data = variable("XDG_DATA_HOME", environment)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| Some(user_home(environment)?.join(".local").join("share")));
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

fn variable(name: &str, environment: &dyn Environment) -> Option<OsString> {
    environment.get_os(name).filter(|value| !value.is_empty())
}

/// What errors are about.
const VARIABLE: &str = "environment variable DAGSTER_HOME";

fn of_variable(text: &OsStr, environment: &dyn Environment) -> Result<Home, InstanceError> {
    let path = expand_user(text, environment);
    if path.is_relative() {
        let hint = if text.as_encoded_bytes().starts_with(b"~") {
            "names a user that is not known; set it to an absolute path"
        } else {
            "is a relative path; set it to an absolute one"
        };
        return Err(InstanceError::Config {
            place: VARIABLE.to_owned(),
            reason: format!("{} {hint}", path.display()),
            source: None,
        });
    }
    Ok(Home { path, source: HomeSource::Variable })
}

fn must_be_directory(path: &Path) -> Result<(), InstanceError> {
    let error = |reason: String, source: Option<std::io::Error>| InstanceError::Config {
        place: VARIABLE.to_owned(),
        reason,
        source: source.map(Into::into),
    };
    match path.metadata() {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(error(format!("{} is not a directory; name one", path.display()), None)),
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => Err(error(
            format!(
                "the directory {} does not exist; create it if it is the right one",
                path.display()
            ),
            None,
        )),
        Err(other) => Err(error(format!("{} cannot be looked at", path.display()), Some(other))),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::Path;

    use instance_core::error::InstanceError;

    use super::{Home, HomeSource, create_home, find_home};
    use crate::environment::Environment;

    struct Variables<'a>(&'a [(&'a str, &'a Path)]);

    impl Environment for Variables<'_> {
        fn get(&self, name: &str) -> Option<String> {
            self.get_os(name)?.into_string().ok()
        }

        fn get_os(&self, name: &str) -> Option<OsString> {
            self.0.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
        }
    }

    fn found(argument: Option<&Path>, variables: &[(&str, &Path)]) -> Result<Home, InstanceError> {
        find_home(argument, &Variables(variables))
    }

    fn refused(argument: Option<&Path>, variables: &[(&str, &Path)]) -> String {
        found(argument, variables).expect_err("no home").to_string()
    }

    #[test]
    fn argument_before_variable_before_user_data() -> Result<(), Box<dyn std::error::Error>> {
        let directory = tempfile::tempdir()?;
        let [argument, variable] = ["argument", "variable"].map(|name| directory.path().join(name));
        std::fs::create_dir(&argument)?;
        std::fs::create_dir(&variable)?;
        let data = directory.path().join("data");
        let all =
            &[("DAGSTER_HOME", &*variable), ("XDG_DATA_HOME", &*data), ("HOME", directory.path())];
        let home = found(Some(&argument), all)?;
        assert_eq!((home.path, home.source), (argument.clone(), HomeSource::Argument));
        let home = found(None, all)?;
        assert_eq!((home.path, home.source), (variable.clone(), HomeSource::Variable));
        let home = found(None, &all[1..])?;
        assert_eq!((home.path, home.source), (data.join("dagster-instance"), HomeSource::UserData));
        let home = found(None, &[("DAGSTER_HOME", Path::new("")), all[2]])?;
        let expected = directory.path().join(".local/share/dagster-instance");
        assert_eq!((home.path, home.source), (expected, HomeSource::UserData));
        Ok(())
    }

    #[test]
    fn a_tilde_is_the_home_of_a_user() -> Result<(), Box<dyn std::error::Error>> {
        let directory = tempfile::tempdir()?;
        std::fs::create_dir(directory.path().join("dh"))?;
        let user = ("HOME", directory.path());
        for (text, expected) in
            [("~/dh", directory.path().join("dh")), ("~", directory.path().to_owned())]
        {
            let home = found(None, &[("DAGSTER_HOME", Path::new(text)), user])?;
            assert_eq!((home.path, home.source), (expected, HomeSource::Variable));
        }
        Ok(())
    }

    #[test]
    fn what_names_no_directory_is_an_error() -> Result<(), Box<dyn std::error::Error>> {
        let directory = tempfile::tempdir()?;
        let missing = directory.path().join("missing");
        let file = directory.path().join("file");
        std::fs::write(&file, "")?;
        let named = |path| [("DAGSTER_HOME", path)];
        for (message, expected) in [
            (refused(None, &named(Path::new("relative"))), "relative is a relative path"),
            (refused(None, &named(Path::new("."))), ". is a relative path"),
            (
                refused(None, &named(Path::new("~nobody-at-all/x"))),
                "names a user that is not known",
            ),
            (refused(None, &named(&missing)), "does not exist"),
            (refused(None, &named(&file)), "is not a directory"),
        ] {
            assert!(message.contains(expected), "{message}");
        }
        assert!(!missing.exists());
        Ok(())
    }

    #[test]
    fn a_missing_home_is_created_if_that_is_asked_for() -> Result<(), Box<dyn std::error::Error>> {
        let directory = tempfile::tempdir()?;
        let [argument, variable, data] =
            ["argument/a", "variable/v", "data"].map(|name| directory.path().join(name));
        let variables = Variables(&[("DAGSTER_HOME", &variable), ("XDG_DATA_HOME", &data)]);
        assert_eq!(create_home(Some(&argument), &variables)?.source, HomeSource::Argument);
        assert!(argument.is_dir() && !variable.exists());
        assert_eq!(create_home(None, &variables)?.source, HomeSource::Variable);
        assert!(variable.is_dir() && !data.exists());
        // Once more, when it is there.
        assert_eq!(create_home(None, &variables)?.path, variable);
        let file = directory.path().join("file");
        std::fs::write(&file, "")?;
        let error = create_home(Some(&file.join("below")), &variables).expect_err("no directory");
        assert!(error.to_string().contains("cannot be created"), "{error}");
        let relative = Variables(&[("DAGSTER_HOME", Path::new("relative"))]);
        let error = create_home(None, &relative).expect_err("no home").to_string();
        assert!(error.contains("is a relative path"), "{error}");
        assert!(!Path::new("relative").exists());
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn a_home_need_not_be_utf_8() -> Result<(), Box<dyn std::error::Error>> {
        use std::os::unix::ffi::OsStrExt;

        let directory = tempfile::tempdir()?;
        let path = directory.path().join(std::ffi::OsStr::from_bytes(b"h\xff"));
        std::fs::create_dir(&path)?;
        assert_eq!(found(None, &[("DAGSTER_HOME", &path)])?.path, path);
        Ok(())
    }
}
