//! The note of a claim: which process took a run from the queue, and when. It is stored with the claim, and goes when the
//! launcher has answered. One that stays says that nobody knows what became of the launch.

use instance_core::ids::RunId;
use serde_json::{Value, json};

use crate::keepers::KeeperProcess;

/// How the keys of the notes begin among the cursors of daemons.
pub(crate) const PREFIX: &str = "dagster_instance/claim/";

/// The note of a claim.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ClaimNote {
    /// The id of the daemon that took the run.
    pub(super) by: String,
    /// When it took the run, in seconds since 1970 by its clock.
    pub(super) at: f64,
    /// Its process.
    process: KeeperProcess,
}

/// Under which key the note of a run is stored.
pub(super) fn key(run_id: &RunId) -> String {
    format!("{PREFIX}{run_id}")
}

/// The run of a key.
pub(crate) fn run_of(key: &str) -> Option<RunId> {
    key.strip_prefix(PREFIX).map(RunId::from)
}

/// When the run of a note was taken, in seconds since 1970; `None` if the note does not say it.
pub(crate) fn time_of(text: &str) -> Option<f64> {
    let value: Value = serde_json::from_str(text).ok()?;
    value.get("at")?.as_f64()
}

impl ClaimNote {
    /// The note of this process.
    pub(super) fn of_this_process(by: &str, at: f64) -> Self {
        Self { by: by.to_owned(), at, process: KeeperProcess::this() }
    }

    pub(super) fn to_text(&self) -> String {
        let Self { by, at, process } = self;
        let KeeperProcess { pid, host, birth } = process;
        json!({ "by": by, "at": at, "pid": pid, "host": host, "birth": birth }).to_string()
    }

    /// Reads what [`to_text`](Self::to_text) wrote; `None` for any other text.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let pid = value["pid"].as_u64().and_then(|pid| pid.try_into().ok()).unwrap_or_default();
        let (host, birth) = (text("host").unwrap_or_default(), text("birth").unwrap_or_default());
        let process = KeeperProcess::new(pid, host, birth);
        Some(Self { by: text("by")?, at: value["at"].as_f64()?, process })
    }

    /// Whether its process is known to be gone, so that it starts nothing any more.
    pub(super) fn is_gone(&self) -> bool {
        self.process.is_gone()
    }
}

#[cfg(test)]
mod tests {
    use instance_core::ids::RunId;

    use super::{ClaimNote, key, run_of};

    #[test]
    fn a_note_is_read_as_it_was_written() {
        let note = ClaimNote::of_this_process("d\"1", 1.5);
        assert_eq!(ClaimNote::parse(&note.to_text()), Some(note.clone()));
        assert!(!note.is_gone());
        for text in ["", "{}", "[1]", r#"{"by": "a", "at": "soon"}"#] {
            assert_eq!(ClaimNote::parse(text), None, "{text}");
        }
        let other = ClaimNote::parse(r#"{"by": "a", "at": 1}"#).unwrap();
        assert!(!other.is_gone(), "nothing is known of its process");
    }

    #[test]
    fn a_key_names_its_run() {
        let run_id = RunId::from("a/b");
        assert_eq!(run_of(&key(&run_id)), Some(run_id));
        assert_eq!(run_of("dagster_instance/lease/X"), None);
    }
}
