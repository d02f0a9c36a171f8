//! What variables of the environment say about the workspace, in Dagster's names.

use super::options::WorkspaceOptions;
use super::origin::named;
use crate::environment::Environment;

impl WorkspaceOptions {
    /// The same, completed by the variables that Dagster's commands take options from.
    ///
    /// If no option says where the code is, `DAGSTER_PYTHON_FILE` (paths with colons between them), `DAGSTER_MODULE_NAME` and
    /// `DAGSTER_PACKAGE_NAME` (names with spaces between them) and `DAGSTER_autoload_defs_module_name` do. If code of Python is
    /// named, by options or by these, `DAGSTER_ATTRIBUTE` and `DAGSTER_WORKING_DIRECTORY` say what the options leave open.
    /// Dagster refuses an option beside a variable that says something else; here the option counts.
    #[must_use]
    pub fn with_variables(mut self, environment: &dyn Environment) -> Self {
        let names_server =
            self.grpc_port.is_some() || self.grpc_socket.is_some() || self.grpc_host.is_some();
        if !self.workspace.is_empty() || names_server {
            return self;
        }
        let variable = |name| named(environment.get(name));
        if !self.names_code() {
            let list = |name, between: fn(char) -> bool| -> Vec<String> {
                let text = variable(name).unwrap_or_default();
                text.split(between).filter(|part| !part.is_empty()).map(str::to_owned).collect()
            };
            self.python_file = list("DAGSTER_PYTHON_FILE", |letter| letter == ':');
            self.module_name = list("DAGSTER_MODULE_NAME", char::is_whitespace);
            self.package_name = list("DAGSTER_PACKAGE_NAME", char::is_whitespace);
            self.autoload_defs_module_name = variable("DAGSTER_autoload_defs_module_name");
        }
        if self.names_code() {
            self.attribute = self.attribute.or_else(|| variable("DAGSTER_ATTRIBUTE"));
            self.working_directory =
                self.working_directory.or_else(|| variable("DAGSTER_WORKING_DIRECTORY"));
        }
        self
    }

    fn names_code(&self) -> bool {
        !self.python_file.is_empty()
            || !self.module_name.is_empty()
            || !self.package_name.is_empty()
            || self.autoload_defs_module_name.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::environment::Environment;
    use crate::workspace::WorkspaceOptions;

    struct Variables(BTreeMap<&'static str, &'static str>);

    impl Environment for Variables {
        fn get(&self, name: &str) -> Option<String> {
            self.0.get(name).map(ToString::to_string)
        }
    }

    /// Every variable, as click reads them: measured with Dagster's own options.
    const ALL: [(&str, &str); 6] = [
        ("DAGSTER_PYTHON_FILE", "a b.py:c.py"),
        ("DAGSTER_MODULE_NAME", " m  n"),
        ("DAGSTER_PACKAGE_NAME", ""),
        ("DAGSTER_autoload_defs_module_name", "z"),
        ("DAGSTER_ATTRIBUTE", "x"),
        ("DAGSTER_WORKING_DIRECTORY", "/d"),
    ];

    fn completed(
        options: WorkspaceOptions,
        variables: &[(&'static str, &'static str)],
    ) -> WorkspaceOptions {
        options.with_variables(&Variables(variables.iter().copied().collect()))
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn variables_are_split_as_by_dagster() {
        let expected = WorkspaceOptions::default()
            .with_python_file(texts(&["a b.py", "c.py"]))
            .with_module_name(texts(&["m", "n"]))
            .with_autoload_defs_module_name("z".to_owned())
            .with_attribute("x".to_owned())
            .with_working_directory("/d".to_owned());
        assert_eq!(completed(WorkspaceOptions::default(), &ALL), expected);
    }

    #[test]
    fn an_option_is_stronger_than_a_variable() {
        let module = WorkspaceOptions::default().with_module_name(texts(&["of.option"]));
        let expected =
            module.clone().with_attribute("x".to_owned()).with_working_directory("/d".to_owned());
        assert_eq!(completed(module.clone(), &ALL), expected);
        let whole = module.with_attribute("a".to_owned()).with_working_directory("/w".to_owned());
        assert_eq!(completed(whole.clone(), &ALL), whole);
        for other in [
            WorkspaceOptions::default().with_workspace(texts(&["w.yaml"])),
            WorkspaceOptions::default().with_grpc_port(4000),
            WorkspaceOptions::default().with_grpc_socket("/s".to_owned()),
        ] {
            assert_eq!(completed(other.clone(), &ALL), other);
        }
        // What says nothing by itself does not keep a workspace.yaml from being found.
        let nothing = completed(WorkspaceOptions::default(), &ALL[4..]);
        assert_eq!(nothing, WorkspaceOptions::default());
    }
}
