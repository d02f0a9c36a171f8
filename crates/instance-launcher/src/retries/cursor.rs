//! How far the failures of runs were read, and how far that may be remembered.
//!
//! What is read is ahead of what is remembered: an event may become visible after one with a greater id. The keys and values
//! are Dagster's, so its daemon and ours can go on where the other stopped.

use std::collections::{BTreeMap, BTreeSet};

use instance_core::error::{InstanceError, StorageError};
use instance_core::event::DagsterEventType;
use instance_core::ids::StorageId;
use instance_core::python;
use instance_core::storage::{DaemonStore, EventWriter, SettledPosition};

/// After how many seconds a writer that has not ended is told to people.
const LONG: f64 = 600.0;

/// Finds out, look by look, up to which id no event is missing.
#[derive(Debug, Default)]
pub(super) struct Settling {
    waiting: Option<Waiting>,
    settled: Option<StorageId>,
}

/// An id that is settled when these writers have ended.
#[derive(Debug)]
struct Waiting {
    id: StorageId,
    writers: BTreeSet<EventWriter>,
    since: f64,
    is_told: bool,
}

impl Settling {
    /// Takes in a position, at a time in seconds since 1970. Returns the greatest id up to which every event is visible to
    /// reads that begin now; `None` if that is not known yet.
    pub(super) fn look(&mut self, position: SettledPosition, now: f64) -> Option<StorageId> {
        let SettledPosition { max, writers, gives_ids_again, .. } = position;
        let max = max.unwrap_or(NOTHING);
        if gives_ids_again {
            self.settled = self.settled.map(|settled| settled.min(max));
        }
        if let Some(waiting) = &mut self.waiting {
            waiting.writers.retain(|writer| writers.contains(writer));
            if waiting.writers.is_empty() {
                self.settled = self.settled.max(Some(waiting.id));
                self.waiting = None;
            } else {
                waiting.tell_if_long(now);
            }
        }
        if writers.is_empty() {
            self.settled = self.settled.max(Some(max));
        } else if self.waiting.is_none() && self.settled < Some(max) {
            self.waiting = Some(Waiting { id: max, writers, since: now, is_told: false });
        }
        self.settled
    }
}

impl Waiting {
    fn tell_if_long(&mut self, now: f64) {
        if self.is_told || now - self.since <= LONG {
            return;
        }
        self.is_told = true;
        let writers: Vec<_> = self.writers.iter().map(ToString::to_string).collect();
        tracing::warn!(
            writers = %writers.join(", "),
            "transactions that write events go on for long; retries go on, but what was read is not remembered"
        );
    }
}

/// The position before all events.
pub(super) const NOTHING: StorageId = StorageId(0);

/// The cursors as they are stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct StoredCursors {
    /// The position behind which failures are read; `None` if nobody has stored one yet.
    pub(super) failures: Option<StorageId>,
    texts: BTreeMap<String, String>,
}

/// The types of events that Dagster's daemon follows. Nothing is done about successes, but it would read all of them when it
/// comes back.
const FOLLOWED: [DagsterEventType; 2] =
    [DagsterEventType::RunFailure, DagsterEventType::RunSuccess];

fn key(event_type: DagsterEventType) -> String {
    format!("EVENT_LOG_CONSUMER_CURSOR-{}", event_type.as_str())
}

impl StoredCursors {
    /// Reads them.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Invalid`] if the value of one is no number.
    pub(super) async fn read(daemons: &dyn DaemonStore) -> Result<Self, InstanceError> {
        let keys = FOLLOWED.map(key).into();
        let texts = daemons.get_cursor_values(&keys).await?;
        for (key, text) in &texts {
            if python::integer(text).is_none() {
                let reason = format!(
                    "the value of the cursor {key} is no number; delete or correct it in the table kvs"
                );
                return Err(InstanceError::invalid("cursor", text.clone(), reason));
            }
        }
        let failures = texts.get(&key(DagsterEventType::RunFailure));
        let failures = failures.and_then(|text| python::integer(text)).map(StorageId);
        Ok(Self { failures, texts })
    }

    /// Stores a position for both, each in the place of the one that was read. A greater one stays, unless it is greater than
    /// `greatest`. Returns whether failures are read behind this position now; else somebody else has stored another one.
    pub(super) async fn store(
        &self,
        daemons: &dyn DaemonStore,
        position: StorageId,
        greatest: Option<StorageId>,
    ) -> Result<bool, StorageError> {
        let mut is_ours = true;
        for event_type in FOLLOWED {
            let key = key(event_type);
            let text = self.texts.get(&key);
            let known = text.and_then(|text| python::integer(text)).map(StorageId);
            let stays = known.is_some_and(|known| {
                known >= position && greatest.is_none_or(|greatest| known <= greatest)
            });
            if stays {
                continue;
            }
            let (from, to) = (text.map(String::as_str), position.to_string());
            let changed = daemons.change_cursor_value(&key, from, Some(&to)).await?;
            is_ours &= changed || event_type != DagsterEventType::RunFailure;
        }
        Ok(is_ours)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use instance_core::ids::StorageId;
    use instance_core::storage::{EventWriter, SettledPosition};

    use super::Settling;

    fn at(max: i64, writers: &[&str]) -> SettledPosition {
        let writers = writers.iter().map(|name| EventWriter::new(*name, 1));
        SettledPosition::new(Some(StorageId(max))).with_writers(writers.collect::<BTreeSet<_>>())
    }

    fn check(looks: &[(SettledPosition, Option<i64>)]) {
        let mut settling = Settling::default();
        for (number, (position, expected)) in looks.iter().enumerate() {
            let settled = settling.look(position.clone(), 0.0);
            assert_eq!(settled, expected.map(StorageId), "look {number} of {looks:?}");
        }
    }

    #[test]
    fn what_nobody_writes_is_settled_at_once() {
        check(&[
            (SettledPosition::new(None), Some(0)),
            (at(3, &[]), Some(3)),
            (at(5, &[]), Some(5)),
        ]);
    }

    #[test]
    fn an_id_is_settled_when_those_who_wrote_have_ended() {
        check(&[
            (at(3, &["a", "b"]), None),
            (at(7, &["b", "c"]), None),
            // Neither of the first two: what the third has is about later ids.
            (at(9, &["c"]), Some(3)),
            (at(9, &["c"]), Some(3)),
            (at(12, &["d"]), Some(9)),
            (at(13, &[]), Some(13)),
        ]);
    }

    #[test]
    fn a_name_that_comes_again_is_another_transaction() {
        check(&[
            (at(3, &["a", "b"]), None),
            (at(3, &["b"]), None),
            (at(5, &["a", "b"]), None),
            (at(5, &["a"]), Some(3)),
        ]);
    }

    #[test]
    fn ids_that_are_given_again_step_back() {
        let again =
            |max: Option<i64>| SettledPosition::new(max.map(StorageId)).with_gives_ids_again(true);
        check(&[
            (again(Some(9)), Some(9)),
            (again(Some(4)), Some(4)),
            (again(None), Some(0)),
            (again(Some(2)), Some(2)),
        ]);
        check(&[(at(9, &[]), Some(9)), (at(4, &[]), Some(9))]);
    }
}
