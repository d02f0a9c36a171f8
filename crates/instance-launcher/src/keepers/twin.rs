//! Dagster's own daemon of a duty: whether it lives, as its heartbeats tell.
//!
//! A daemon that has ended leaves its last heartbeat. So the age of a heartbeat alone does not tell, and clocks of two hosts
//! differ besides. A heartbeat that *changes* is proof of life.

use std::collections::BTreeSet;
use std::time::Duration;

use instance_core::daemon::DaemonHeartbeat;
use tokio::time::Instant;

/// What the last heartbeat says of Dagster's own daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Twin {
    /// It has given no sign for long, or never did.
    Silent,
    /// Its last heartbeat is recent. It may have ended since.
    Suspect,
    /// Its heartbeat has changed a while ago.
    Alive,
}

/// The heartbeats of a duty that are not ours, as they are seen one after another.
#[derive(Debug)]
pub(super) struct TwinWatch {
    silence: Duration,
    last: Option<Seen>,
}

#[derive(Debug)]
struct Seen {
    at: Instant,
    /// Its heartbeat, by id and time; `None` if the last one was ours, or there was none.
    sign: Option<(Option<String>, f64)>,
    /// Since when the heartbeat has been what it is, and whether it was seen to change then; `None` if it was old already.
    changed: Option<(Instant, Twin)>,
}

impl TwinWatch {
    pub(super) const fn new(silence: Duration) -> Self {
        Self { silence, last: None }
    }

    /// Looks at the last heartbeat of the duty. `ours` are the ids of our own keepers; `now` is in seconds since 1970.
    pub(super) fn look(
        &mut self,
        heartbeat: Option<&DaemonHeartbeat>,
        ours: &BTreeSet<String>,
        now: f64,
    ) -> Twin {
        let is_ours = |id: &Option<String>| id.as_ref().is_some_and(|id| ours.contains(id));
        let twins = heartbeat.filter(|heartbeat| !is_ours(&heartbeat.daemon_id));
        let sign =
            twins.map(|heartbeat| (heartbeat.daemon_id.clone(), heartbeat.timestamp.as_f64()));
        let at = Instant::now();
        // What was seen long ago says nothing of now.
        let last = self.last.take().filter(|last| at - last.at < self.silence);
        let changed = match (&sign, last) {
            (None, _) => None,
            (Some((_, time)), None) => {
                (now - time < self.silence.as_secs_f64()).then_some((at, Twin::Suspect))
            }
            (Some(sign), Some(last)) if last.sign.as_ref() == Some(sign) => last.changed,
            (Some(_), Some(_)) => Some((at, Twin::Alive)),
        };
        self.last = Some(Seen { at, sign, changed });
        match changed {
            Some((since, twin)) if at - since < self.silence => twin,
            _ => Twin::Silent,
        }
    }
}
