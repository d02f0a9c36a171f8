//! The workspace: which code locations there are, and how each is reached.
//!
//! It is no part of an instance: whoever needs code says which workspace is meant, by a `workspace.yaml`, a
//! `pyproject.toml` or options of a command.

use crate::run::CodeLocationOrigin;

/// The code locations of a workspace.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct WorkspaceSettings {
    /// The code locations, in the order in which the workspace names them. A workspace may have none. If options name two
    /// files or modules of one name, both are here, as they are in Dagster.
    pub locations: Vec<CodeLocationOrigin>,
}

impl WorkspaceSettings {
    /// The workspace with these code locations.
    pub const fn new(locations: Vec<CodeLocationOrigin>) -> Self {
        Self { locations }
    }

    /// The code location of this name; `None` if there is none. If several have the name, it is the last one, as in
    /// Dagster.
    pub fn location(&self, name: &str) -> Option<&CodeLocationOrigin> {
        self.locations.iter().rev().find(|origin| origin.location_name() == Some(name))
    }

    /// The names of the code locations, in their order.
    pub fn location_names(&self) -> Vec<&str> {
        self.locations.iter().filter_map(CodeLocationOrigin::location_name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::WorkspaceSettings;
    use crate::run::RegisteredCodeLocationOrigin;

    #[test]
    fn a_location_is_found_by_its_name() {
        let origin = |name| RegisteredCodeLocationOrigin::new(name).into();
        let workspace = WorkspaceSettings::new(vec![origin("a"), origin("b"), origin("a")]);
        assert_eq!(workspace.location_names(), ["a", "b", "a"]);
        assert!(std::ptr::eq(workspace.location("a").unwrap(), &raw const workspace.locations[2]));
        assert_eq!(workspace.location("c"), None);
    }
}
