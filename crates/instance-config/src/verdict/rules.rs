//! What a class asks for beside the types of its configuration.

use super::checker::{Checker, Place};
use crate::document::Node;
use crate::schema::{ClassKind, Found, Slot, find_class, source};

impl Checker<'_> {
    /// What has to hold of a configuration whose types are right.
    pub(super) fn asked_for(&mut self, kind: ClassKind, config: &Node, place: &Place) {
        match kind {
            ClassKind::Sqlite | ClassKind::ConsolidatedSqlite => {
                self.not_empty("base_dir", "the path of a directory", config, place);
            }
            ClassKind::MySql => {
                self.not_empty("mysql_url", "the URL of a database", config, place);
                self.unserved("MySQL", place);
            }
            ClassKind::InMemory => self.unserved("the memory of one process", place),
            ClassKind::Postgres => self.one_address(config, place),
            ClassKind::Queue => self.buffer_of_a_queue(config, place),
            ClassKind::Composite => {
                for (key, slot) in [
                    ("run_storage", Slot::RunStorage),
                    ("event_log_storage", Slot::EventLogStorage),
                    ("schedule_storage", Slot::ScheduleStorage),
                ] {
                    if let Some(entry) = config.entry(key) {
                        self.nested_class(slot, &entry.value, &place.of(entry));
                    }
                }
            }
            ClassKind::OfAnother => self.nested_class(Slot::Storage, config, place),
            _ => {}
        }
    }

    /// A text that is there is not empty.
    fn not_empty(&mut self, key: &str, expected: &str, config: &Node, place: &Place) {
        let Some(entry) = config.entry(key) else { return };
        let text = source::text(&entry.value.to_json(), self.environment);
        if text.is_ok_and(|text| text.is_empty()) {
            let reason = format!("it is empty; write {expected}");
            self.add(&place.of(entry), entry.value.position, reason);
        }
    }

    /// A storage that Dagster has and this program has not.
    fn unserved(&mut self, storage: &str, place: &Place) {
        let reason = format!(
            "this program has no storage for {storage}; say where a database of SQLite or Postgres is with `--storage URL`"
        );
        self.add(place, place.position, reason);
    }

    /// Postgres is reached by a URL or by the parts of one, and a cloud's password needs the parts.
    fn one_address(&mut self, config: &Node, place: &Place) {
        let url = config.get("postgres_url").map(Node::to_json);
        let url = url.and_then(|url| source::text(&url, self.environment).ok());
        let has_url = url.is_some_and(|url| !url.is_empty());
        match config.entry("postgres_db") {
            Some(entry) if has_url => {
                let reason = "`postgres_url` is there, too; remove one of both";
                self.add(&place.of(entry), entry.position, reason);
            }
            None if !has_url => {
                let position =
                    config.entry("postgres_url").map_or(place.position, |entry| entry.position);
                let reason =
                    "neither a `postgres_url` nor `postgres_db` is there; write one of both";
                self.add(place, position, reason);
            }
            _ => {}
        }
        if let Some(entry) = config.entry("auth_provider").filter(|_| has_url) {
            let reason =
                "it gives no password to a `postgres_url`; write `postgres_db` in its place";
            self.add(&place.of(entry), entry.position, reason);
        }
    }

    /// Only a queue in which runs wait for their pools lets some of them pass.
    fn buffer_of_a_queue(&mut self, config: &Node, place: &Place) {
        let Some(blocking) = config.get("block_op_concurrency_limited_runs") else { return };
        let Some(buffer) = blocking.entry("op_concurrency_slot_buffer") else { return };
        let is_off = blocking.get("enabled").is_some_and(Node::is_falsy);
        if is_off && !buffer.value.is_falsy() {
            let place = place.below(
                "block_op_concurrency_limited_runs.op_concurrency_slot_buffer",
                buffer.position,
            );
            let reason = "it has a meaning only if `enabled` is true; remove one of both";
            self.add(&place, buffer.position, reason);
        }
    }

    /// A class whose configuration is a YAML text within the file.
    fn nested_class(&mut self, slot: Slot, node: &Node, place: &Place) {
        let text = |key| node.get(key).and_then(Node::text);
        let (Some(module), Some(name), Some(yaml)) =
            (text("module_name"), text("class_name"), node.entry("config_yaml"))
        else {
            return;
        };
        let Found::Class(class) = find_class(slot, module, name) else {
            let reason = format!("it names no class of Dagster's that is {}", slot.filled_by());
            return self.add(place, node.position, reason);
        };
        let of_yaml = place.of(yaml);
        let position = yaml.value.position;
        match Node::read(yaml.value.text().unwrap_or_default().as_bytes()) {
            Err(error) => self.add(&of_yaml, position, error.reason),
            Ok(config) => {
                let count = self.count();
                let nested = Place { position, ..of_yaml };
                self.made(class.kind, &class.config, &config, &nested);
                // The places in the text are no places in the file.
                self.move_problems(count, position);
            }
        }
    }
}
