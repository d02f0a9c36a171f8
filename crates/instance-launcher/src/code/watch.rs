//! Watching the servers of code locations: another id means other code.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use instance_core::code_location::CodeLocationError;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::locations::CodeLocations;

/// How long a server may take to tell its id, as for Dagster.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// How often a server is asked again until it counts as gone, as for Dagster.
const RECONNECT_ATTEMPTS: u32 = 10;

/// How many changes wait for a slow reader. Then servers are asked no more until it has read.
const WAITING: usize = 64;

/// Something that has changed with the server of a code location.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CodeLocationChange {
    /// The name of the location.
    pub location: String,
    /// What has changed.
    pub kind: CodeLocationChangeKind,
}

/// What changes with a code server. Dagster tells the same four apart.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodeLocationChangeKind {
    /// It does not answer. It may be about to be replaced.
    Disconnected,
    /// It answers again, and is the same one.
    Reconnected,
    /// There is another one, or it answers again after it was given up: its code may be other code.
    Updated {
        /// The id of the server.
        server_id: String,
    },
    /// It did not answer ten times more. It is asked further on.
    Failed {
        /// The last error.
        reason: String,
    },
}

/// A stream of changes. It ends when the code locations are closed; servers are not watched any more when it is dropped.
#[derive(Debug)]
pub struct CodeLocationWatch {
    changes: mpsc::Receiver<CodeLocationChange>,
    _watching: JoinSet<()>,
}

impl CodeLocationWatch {
    /// Waits for the next change and returns it; `None` when the code locations were closed.
    pub async fn next(&mut self) -> Option<CodeLocationChange> {
        self.changes.recv().await
    }
}

impl Stream for CodeLocationWatch {
    type Item = CodeLocationChange;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.changes.poll_recv(context)
    }
}

impl CodeLocations {
    /// Watches the servers of all locations. Each is asked for its id once in an interval; Dagster takes a second. A server of
    /// ours is watched from when it was started.
    ///
    /// A location need not be opened for this. After a change, [`location`](Self::location) opens it with the new code.
    pub fn watch(&self, interval: Duration) -> CodeLocationWatch {
        let (sender, changes) = mpsc::channel(WAITING);
        let mut watching = JoinSet::new();
        for (place, name) in self.names().enumerate() {
            let (this, sender, name) = (self.clone(), sender.clone(), name.to_owned());
            let mut closed = self.closed();
            watching.spawn(async move {
                tokio::select! {
                    () = follow(&this, place, &name, interval, &sender) => {}
                    _ = closed.wait_for(|closed| *closed) => {}
                }
            });
        }
        CodeLocationWatch { changes, _watching: watching }
    }
}

/// Follows one server, for as long as somebody hears of it.
async fn follow(
    locations: &CodeLocations,
    place: usize,
    name: &str,
    interval: Duration,
    changes: &mpsc::Sender<CodeLocationChange>,
) {
    let mut seen = Seen::default();
    loop {
        if let Some(client) = locations.server_there(place) {
            let answer = match timeout(ANSWER_TIMEOUT, client.get_server_id()).await {
                Ok(answer) => answer,
                Err(_) => Err(CodeLocationError::TimedOut {
                    target: client.target().to_string(),
                    call: "GetServerId",
                    seconds: ANSWER_TIMEOUT.as_secs(),
                }),
            };
            if let Some(kind) = seen.change(answer) {
                let change = CodeLocationChange { location: name.to_owned(), kind };
                if changes.send(change).await.is_err() {
                    return;
                }
            }
        }
        sleep(interval).await;
    }
}

/// What is known of a server.
#[derive(Debug, Default)]
struct Seen {
    /// Its id; `None` before the first answer.
    id: Option<String>,
    /// How many times it has not answered since then.
    failures: u32,
}

impl Seen {
    fn change(
        &mut self,
        answer: Result<String, CodeLocationError>,
    ) -> Option<CodeLocationChangeKind> {
        match answer {
            Ok(id) => {
                let failures = std::mem::take(&mut self.failures);
                let before = self.id.replace(id.clone());
                match before {
                    None if failures == 0 => None,
                    Some(before) if before == id && failures <= RECONNECT_ATTEMPTS => {
                        (failures > 0).then_some(CodeLocationChangeKind::Reconnected)
                    }
                    _ => Some(CodeLocationChangeKind::Updated { server_id: id }),
                }
            }
            Err(error) => {
                self.failures = self.failures.saturating_add(1);
                if self.failures == 1 {
                    Some(CodeLocationChangeKind::Disconnected)
                } else {
                    (self.failures == RECONNECT_ATTEMPTS + 1)
                        .then(|| CodeLocationChangeKind::Failed { reason: error.to_string() })
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use instance_core::code_location::CodeLocationError;

    use super::CodeLocationChangeKind::{Disconnected, Failed, Reconnected, Updated};
    use super::{RECONNECT_ATTEMPTS, Seen};

    fn gone() -> Result<String, CodeLocationError> {
        let target = "localhost:1".to_owned();
        Err(CodeLocationError::TimedOut { target, call: "GetServerId", seconds: 2 })
    }

    #[test]
    fn a_server_is_replaced_away_and_back() {
        let mut seen = Seen::default();
        assert_eq!(seen.change(Ok("a".to_owned())), None);
        assert_eq!(seen.change(Ok("a".to_owned())), None);
        assert_eq!(seen.change(Ok("b".to_owned())), Some(Updated { server_id: "b".to_owned() }));
        assert_eq!(seen.change(gone()), Some(Disconnected));
        assert_eq!(seen.change(gone()), None);
        assert_eq!(seen.change(Ok("b".to_owned())), Some(Reconnected));
        assert_eq!(seen.change(gone()), Some(Disconnected));
        assert_eq!(seen.change(Ok("c".to_owned())), Some(Updated { server_id: "c".to_owned() }));
        assert_eq!(seen.change(Ok("c".to_owned())), None);
        // One that was never seen, and comes.
        let mut seen = Seen::default();
        assert_eq!(seen.change(gone()), Some(Disconnected));
        assert_eq!(seen.change(Ok("a".to_owned())), Some(Updated { server_id: "a".to_owned() }));
    }

    #[test]
    fn a_server_that_is_gone_is_an_error_once_and_its_return_is_a_change() {
        let mut seen = Seen::default();
        assert_eq!(seen.change(Ok("a".to_owned())), None);
        assert_eq!(seen.change(gone()), Some(Disconnected));
        for _ in 1..RECONNECT_ATTEMPTS {
            assert_eq!(seen.change(gone()), None);
        }
        assert!(
            matches!(seen.change(gone()), Some(Failed { reason }) if reason.contains("localhost:1"))
        );
        assert_eq!(seen.change(gone()), None);
        assert_eq!(seen.change(Ok("a".to_owned())), Some(Updated { server_id: "a".to_owned() }));
    }
}
