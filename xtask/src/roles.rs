//! What each crate below `crates/` is in the architecture: its role, which its own manifest says.
//!
//! ```toml
//! [package.metadata.instance]
//! role = "domain"
//! ```
//!
//! This is the one list of crates: the rules for dependencies, the facade's methods and the targets that are
//! never logged follow from it. Not here: what a role may depend on (`tidy/edges.rs`).

use anyhow::{Context, Result, bail};
use cargo_metadata::Package;

/// What a crate is in `docs/architecture.md`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Role {
    /// Domain types, storage traits and ops traits; every domain depends on it.
    Core,
    /// A part of the core with a crate of its own. Of ours, it knows only the crates beneath the core that its
    /// manifest names: `uses = ["instance-serdes"]`.
    BeneathCore { uses: Vec<String> },
    /// What an instance does with one kind of thing.
    Domain,
    /// The one type in front of the domains.
    Facade,
    /// A program, or another skin, over the facade.
    Binary,
}

/// The names of the roles, as manifests write them.
const NAMES: &str = "core, beneath-core, domain, facade, binary";

/// The role that the package's manifest says.
///
/// # Errors
///
/// The manifest says no role, or one that does not exist.
pub(crate) fn role(package: &Package) -> Result<Role> {
    let of_ours = package.metadata.get("instance");
    let text = |key| of_ours.and_then(|table| table.get(key));
    let name = text("role").and_then(|role| role.as_str());
    let name = name.with_context(|| {
        format!(
            "`{}` says no role: write `[package.metadata.instance]` with `role = ..` into its Cargo.toml; \
             the roles are {NAMES}",
            package.name
        )
    })?;
    let uses = text("uses").and_then(|uses| uses.as_array()).into_iter().flatten();
    let uses = uses.filter_map(|name| name.as_str().map(str::to_owned)).collect();
    parse(name, uses).with_context(|| format!("in the manifest of `{}`", package.name))
}

fn parse(name: &str, uses: Vec<String>) -> Result<Role> {
    let role = match name {
        "core" => Role::Core,
        "beneath-core" => return Ok(Role::BeneathCore { uses }),
        "domain" => Role::Domain,
        "facade" => Role::Facade,
        "binary" => Role::Binary,
        other => bail!("there is no role `{other}`; the roles are {NAMES}"),
    };
    if !uses.is_empty() {
        bail!(
            "`uses` is for crates beneath the core; the role `{name}` says by itself what it may use"
        );
    }
    Ok(role)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_a_role() {
        assert_eq!(parse("core", vec![]).unwrap(), Role::Core);
        assert_eq!(parse("domain", vec![]).unwrap(), Role::Domain);
        let uses = vec!["instance-serdes".to_owned()];
        assert_eq!(parse("beneath-core", uses.clone()).unwrap(), Role::BeneathCore { uses });
        for name in NAMES.split(", ") {
            assert!(parse(name, vec![]).is_ok(), "{name}");
        }
    }

    #[test]
    fn what_is_no_role_is_refused() {
        let error = format!("{:#}", parse("domains", vec![]).unwrap_err());
        assert!(error.contains("`domains`") && error.contains(NAMES), "{error}");
        assert!(parse("domain", vec!["instance-serdes".to_owned()]).is_err());
    }
}
