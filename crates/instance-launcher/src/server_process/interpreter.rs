//! Which Python interpreter loads user code.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

/// A Python interpreter that loads user code.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Interpreter {
    /// Its path, or a name without slashes, which is looked for in `PATH`.
    pub path: PathBuf,
    /// Whether the workspace names it. Then runs are started with it, too: the server says so in the origins of its jobs.
    pub is_named_by_workspace: bool,
}

/// Where an interpreter is looked for that the workspace does not name, in this order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct InterpreterSearch {
    /// What the caller says, as by an option of a command.
    pub named: Option<PathBuf>,
    /// The value of the variable `DAGSTER_INSTANCE_PYTHON`. An empty one says nothing.
    pub variable: Option<OsString>,
    /// The value of the variable `PATH`, in whose directories `python3` and then `python` are looked for.
    pub path: Option<OsString>,
}

instance_core::setters! {
    impl InterpreterSearch {
        /// What the caller says.
        with_named(named: impl Into<Option<PathBuf>>);
        /// The value of the variable `DAGSTER_INSTANCE_PYTHON`.
        with_variable(variable: impl Into<Option<OsString>>);
        /// The value of the variable `PATH`.
        with_path(path: impl Into<Option<OsString>>);
    }
}

/// There is no Python interpreter, neither named nor found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoInterpreter;

impl fmt::Display for NoInterpreter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "there is no Python to load code with: PATH has neither python3 nor python; name the one that has Dagster by \
             executable_path in the workspace, by --python or by DAGSTER_INSTANCE_PYTHON",
        )
    }
}

impl std::error::Error for NoInterpreter {}

impl Interpreter {
    /// The interpreter that the workspace names, or else the first that is found.
    ///
    /// What is named is taken without looking whether it is there: starting it tells.
    ///
    /// # Errors
    ///
    /// [`NoInterpreter`] if nobody names one and `PATH` has none.
    pub fn find(
        of_workspace: Option<&str>,
        search: &InterpreterSearch,
    ) -> Result<Self, NoInterpreter> {
        if let Some(path) = of_workspace.filter(|path| !path.is_empty()) {
            return Ok(Self { path: path.into(), is_named_by_workspace: true });
        }
        let variable = search.variable.as_deref().filter(|variable| !variable.is_empty());
        let named = search.named.clone().or_else(|| variable.map(PathBuf::from));
        let path = named.or_else(|| in_path(search.path.as_deref()?)).ok_or(NoInterpreter)?;
        Ok(Self { path, is_named_by_workspace: false })
    }

    /// The directory of programs of the virtual environment that the interpreter is in; `None` if it is in none.
    pub fn virtual_environment(&self) -> Option<&Path> {
        let directory = self.path.parent()?;
        directory.join("activate").exists().then_some(directory)
    }
}

/// The first interpreter in the directories of `PATH`: a `python3` anywhere comes before a `python`.
fn in_path(path: &OsStr) -> Option<PathBuf> {
    ["python3", "python"].into_iter().find_map(|name| {
        std::env::split_paths(path)
            .filter(|directory| directory.is_absolute())
            .map(|directory| directory.join(name))
            .find(|program| is_program(program))
    })
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;

    path.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

#[cfg(all(test, unix))]
mod tests {
    use std::ffi::OsString;
    use std::io;
    use std::os::unix::fs::PermissionsExt;
    use std::path::{Path, PathBuf};

    use super::{Interpreter, InterpreterSearch, NoInterpreter};

    fn program(directory: &Path, name: &str, mode: u32) -> io::Result<PathBuf> {
        std::fs::create_dir_all(directory)?;
        let path = directory.join(name);
        std::fs::write(&path, "#!/bin/sh\n")?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))?;
        Ok(path)
    }

    fn found(of_workspace: Option<&str>, search: &InterpreterSearch) -> Option<(PathBuf, bool)> {
        let found = Interpreter::find(of_workspace, search).ok()?;
        Some((found.path, found.is_named_by_workspace))
    }

    #[test]
    fn whoever_names_one_comes_before_the_search() {
        let directory = tempfile::tempdir().unwrap();
        let (first, second) = (directory.path().join("1"), directory.path().join("2"));
        program(&first, "python", 0o755).unwrap();
        program(&first, "python3", 0o644).unwrap();
        let third = program(&second, "python3", 0o755).unwrap();
        let path = std::env::join_paths([Path::new("relative"), &first, &second]).unwrap();
        let mut search = InterpreterSearch::default().with_path(path);
        assert_eq!(found(None, &search), Some((third.clone(), false)));
        search.variable = Some(OsString::new());
        assert_eq!(found(None, &search), Some((third, false)));
        search.variable = Some("of/variable".into());
        assert_eq!(found(None, &search), Some(("of/variable".into(), false)));
        search.named = Some("of-option".into());
        assert_eq!(found(None, &search), Some(("of-option".into(), false)));
        assert_eq!(found(Some("/of/workspace"), &search), Some(("/of/workspace".into(), true)));
        assert_eq!(found(Some(""), &search), Some(("of-option".into(), false)));
        let nothing = InterpreterSearch::default().with_path(OsString::from("/no/such/directory"));
        assert_eq!(Interpreter::find(None, &nothing), Err(NoInterpreter));
        assert_eq!(Interpreter::find(None, &InterpreterSearch::default()), Err(NoInterpreter));
    }

    #[test]
    fn a_virtual_environment_is_known_by_its_script() {
        let directory = tempfile::tempdir().unwrap();
        let path = program(directory.path(), "python3", 0o755).unwrap();
        let interpreter = Interpreter { path, is_named_by_workspace: false };
        assert_eq!(interpreter.virtual_environment(), None);
        program(directory.path(), "activate", 0o644).unwrap();
        assert_eq!(interpreter.virtual_environment(), Some(directory.path()));
    }
}
