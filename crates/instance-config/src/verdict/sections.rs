//! Sections that exclude each other.

use super::checker::{Checker, Place};
use crate::document::{Entry, Node};

impl Checker<'_> {
    /// Sections that say the same thing twice.
    pub(super) fn sections(&mut self, document: &Node) {
        let root = Place::root(document.position);
        if let (Some(queue), Some(coordinator)) =
            (document.entry("run_queue"), document.entry("run_coordinator"))
        {
            let (first, second) = if queue.position < coordinator.position {
                (queue, coordinator)
            } else {
                (coordinator, queue)
            };
            let reason = format!(
                "`{}` is there, too, and says the same; remove one of both",
                first.key.shown()
            );
            self.add(&root.of(second), second.position, reason);
        }
        if document.entry("storage").is_some() {
            for name in ["run_storage", "event_log_storage", "schedule_storage"] {
                if let Some(entry) = document.entry(name) {
                    let reason = "`storage` is there, too, and says where all stores are; remove one of both";
                    self.add(&root.of(entry), entry.position, reason);
                }
            }
        }
        if let Some(concurrency) = document.get("concurrency") {
            self.older_names(document, concurrency);
        }
    }

    /// What `concurrency` says, older sections must not say.
    fn older_names(&mut self, document: &Node, concurrency: &Node) {
        let root = Place::root(document.position);
        let has_pools = concurrency.entry("pools").is_some();
        if has_pools && let Some(entry) = present(concurrency, &["default_op_concurrency_limit"]) {
            let place = root.below("concurrency.default_op_concurrency_limit", entry.position);
            let reason = "`pools` is there, too; write it as `pools.default_limit`";
            self.add(&place, entry.position, reason);
        }
        if !has_pools && concurrency.entry("runs").is_none() {
            return;
        }
        let is_queue =
            |node: &Node| node.get("class").and_then(Node::text) == Some("QueuedRunCoordinator");
        let coordinator = document.get("run_coordinator").filter(|node| is_queue(node));
        for (path, section) in [
            ("run_queue", document.get("run_queue")),
            ("run_coordinator.config", coordinator.and_then(|node| node.get("config"))),
        ] {
            let Some(section) = section else { continue };
            for (keys, newer) in [
                (&["max_concurrent_runs"][..], "concurrency.runs.max_concurrent_runs"),
                (&["tag_concurrency_limits"], "concurrency.runs.tag_concurrency_limits"),
                (
                    &["block_op_concurrency_limited_runs", "op_concurrency_slot_buffer"],
                    "concurrency.pools.op_granularity_run_buffer",
                ),
            ] {
                if let Some(entry) = present(section, keys) {
                    let place = root.below(&format!("{path}.{}", keys.join(".")), entry.position);
                    let reason = format!("`concurrency` is there, too; write it as `{newer}`");
                    self.add(&place, entry.position, reason);
                }
            }
        }
    }
}

/// The entry under a path of keys, if it is there and not null.
fn present<'a>(node: &'a Node, keys: &[&str]) -> Option<&'a Entry> {
    let (last, before) = keys.split_last()?;
    node.at(before)?.entry(last).filter(|entry| !entry.value.is_null())
}
