//! A snapshot as it is stored: its text, with the id that is the text's hash.

use crate::ids::SnapshotId;
use crate::serdes::{Pack, serialize_value};
use crate::snap::{ExecutionPlanSnapshot, JobSnap};

/// The text of a snapshot, made once, with its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotBody {
    id: SnapshotId,
    text: String,
}

impl SnapshotBody {
    /// The text of a job.
    pub fn of_job(snapshot: &JobSnap) -> Self {
        Self::of(snapshot)
    }

    /// The text of an execution plan.
    pub fn of_execution_plan(snapshot: &ExecutionPlanSnapshot) -> Self {
        Self::of(snapshot)
    }

    /// A text that was stored, of a job or of a plan. The text is taken as it is, so that the id stays what it was.
    pub fn of_text(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { id: SnapshotId::of_text(&text), text }
    }

    /// The id, which is the hash of the text.
    pub const fn id(&self) -> &SnapshotId {
        &self.id
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn of(snapshot: &impl Pack) -> Self {
        Self::of_text(serialize_value(snapshot))
    }
}
