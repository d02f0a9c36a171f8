//! What is stored of a lease: who holds it, and the signs that its holder lives.

use instance_core::daemon::DaemonType;
use serde_json::{Value, json};

use super::KeeperProcess;

/// The beginnings of the keys. Dagster has no keys that begin so.
pub(super) const HOLDERS: &str = "dagster_instance/lease/";
pub(super) const SIGNS: &str = "dagster_instance/lease_sign/";

/// The key of who holds the lease of a duty.
pub(super) fn holder_key(daemon_type: &DaemonType) -> String {
    format!("{HOLDERS}{daemon_type}")
}

/// The key of the signs of who holds it.
pub(super) fn sign_key(daemon_type: &DaemonType) -> String {
    format!("{SIGNS}{daemon_type}")
}

/// Who holds a lease. It is written when a keeper becomes the leader and when it ends as one, and never else: changes of runs
/// are fenced by its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    /// The id of the keeper, which its heartbeats have, too.
    pub(super) id: String,
    /// How many leaders there were before it, and one.
    pub(super) epoch: u64,
    pub(super) process: KeeperProcess,
    /// Whether it has ended by itself.
    pub(super) is_released: bool,
}

impl Holder {
    pub(super) fn to_text(&self) -> String {
        let KeeperProcess { pid, host, birth } = &self.process;
        json!({
            "id": self.id,
            "epoch": self.epoch,
            "pid": pid,
            "host": host,
            "birth": birth,
            "released": self.is_released,
        })
        .to_string()
    }

    /// Reads what [`to_text`](Self::to_text) wrote. Of a text of another version, what is missing is not known.
    pub(super) fn parse(text: &str) -> Self {
        let value: Value = serde_json::from_str(text).unwrap_or_default();
        let field = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
        let number = |name: &str| value.get(name).and_then(Value::as_u64).unwrap_or_default();
        Self {
            id: field("id").to_owned(),
            epoch: number("epoch"),
            process: KeeperProcess::new(
                u32::try_from(number("pid")).unwrap_or_default(),
                field("host").to_owned(),
                field("birth").to_owned(),
            ),
            is_released: value.get("released") == Some(&Value::Bool(true)),
        }
    }

    /// The same at its end.
    pub(super) fn released(&self) -> Self {
        Self { is_released: true, ..self.clone() }
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let KeeperProcess { pid, host, .. } = &self.process;
        let host = if host.is_empty() { "a host that is not known" } else { host };
        write!(f, "dagster-instance (pid {pid} on {host}, id {})", self.id)
    }
}

/// A sign that a holder lives. Others look only whether it changes; the time is for people.
pub(super) fn sign(epoch: u64, count: u64, now: f64) -> String {
    format!("{epoch}/{count}/{now:.3}")
}

/// The time of a sign, in seconds since 1970; `None` if it is no sign.
pub(super) fn time_of_sign(text: &str) -> Option<f64> {
    text.splitn(3, '/').nth(2)?.parse().ok()
}
