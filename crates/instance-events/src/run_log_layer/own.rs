//! What is never captured: events of this project itself. Otherwise storing a line would make further lines.

use std::future::Future;

use super::own_crates::OWN_CRATES;

/// Families of crates, by the beginning of their names.
const OWN_FAMILIES: [&str; 2] = ["dagster_instance", "sqlx"];

tokio::task_local! {
    /// Set in the tasks that store lines. Listeners run in these tasks, too, and what they log has other targets.
    static STORING: ();
}

/// Whether events of a target are our own. The names are compared whole: other programs may have names that begin
/// with `instance_`, too.
pub(super) fn is_own(target: &str) -> bool {
    let crate_name = target.split("::").next().unwrap_or_default();
    OWN_CRATES.contains(&crate_name)
        || OWN_FAMILIES.iter().any(|family| crate_name.starts_with(family))
}

/// Whether the current task is one that stores lines.
///
/// The span does not answer that: if a program stays in the span of a run while its runtime works, these tasks are
/// within that span, too.
pub(super) fn is_storing() -> bool {
    STORING.try_with(|()| ()).is_ok()
}

/// The same future; within it [`is_storing`] is true.
pub(super) fn while_storing<F: Future>(future: F) -> impl Future<Output = F::Output> {
    STORING.scope((), future)
}

#[cfg(test)]
mod tests {
    use super::{OWN_CRATES, is_own};

    #[test]
    fn all_crates_of_the_workspace_are_own() {
        for name in OWN_CRATES.iter().chain(&["dagster_instance", "dagster_instance_cli"]) {
            assert!(is_own(name) && is_own(&format!("{name}::some::module")), "{name}");
        }
        assert!(is_own(env!("CARGO_CRATE_NAME")));
    }

    #[test]
    fn names_that_only_begin_like_ours_are_not() {
        assert!(is_own("sqlx::query") && is_own("sqlx_core::pool"));
        for target in ["instance_manager", "instance_events_of_mine::a", "instance", "log", ""] {
            assert!(!is_own(target), "{target}");
        }
    }
}
