//! Signals for followers of runs. A signal comes at once if this process stores an event. If another process stores
//! it, a notice of the operating system or of the server causes the signal.
//!
//! A notice only says that there may be something. What there is, is read.

mod files;
#[cfg(feature = "postgres")]
mod listen;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use instance_core::ids::RunId;
use instance_core::storage::EventSignal;
use tokio::sync::watch;
use tokio::time::Instant;

#[cfg(feature = "postgres")]
use crate::db::Database;
use crate::db::touch;

/// How often we look at a run for which notices come, in case one was lost.
const SELDOM: Duration = Duration::from_secs(1);
/// How often we look at a run for which no notices come.
const OFTEN: Duration = Duration::from_millis(50);

/// A file is written before what was written can be seen. So we look again after a notice: first after this time,
/// then after twice of it, and so on, this many times.
const FIRST_LOOK: Duration = Duration::from_millis(1);
const LOOKS: u32 = 10;

/// From where a process learns what others store.
#[derive(Debug, Clone)]
pub(crate) enum Notices {
    /// From nowhere: nobody else can.
    None,
    /// From the files of a directory. Each file has the log of the run that it is named after.
    FilesOfRuns(PathBuf),
    /// From one file, which has the logs of all runs.
    File(PathBuf),
    /// From a server.
    #[cfg(feature = "postgres")]
    Postgres(Arc<Database>),
}

impl Notices {
    /// The file that Dagster's watchers of a run look at.
    fn file_of(&self, run_id: &RunId) -> Option<PathBuf> {
        match self {
            Self::FilesOfRuns(directory) => Some(directory.join(format!("{run_id}.db"))),
            Self::File(path) => Some(path.clone()),
            Self::None => None,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => None,
        }
    }
}

/// The followed runs, and the notices that wake their followers.
#[derive(Debug)]
pub(crate) struct Watch {
    followed: Arc<Followed>,
    notices: Notices,
    /// What listens for notices, as long as somebody follows a run.
    source: Mutex<Weak<Source>>,
}

/// What listens for notices, until it is dropped.
#[derive(Debug)]
enum Source {
    /// Nothing: there are none, or they cannot be had.
    None,
    Files(#[expect(dead_code, reason = "it is there to be dropped")] files::Files),
    #[cfg(feature = "postgres")]
    Postgres(#[expect(dead_code, reason = "it is there to be dropped")] listen::Listening),
}

/// How many notices of a run there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Noticed {
    /// Of what this process has stored, which can be seen.
    own: u64,
    /// Of what others have stored and can be seen.
    visible: u64,
    /// Of what may come to be seen only soon.
    early: u64,
}

/// The runs that are followed.
#[derive(Debug, Default)]
struct Followed {
    runs: Mutex<HashMap<RunId, FollowedRun>>,
}

#[derive(Debug, Default)]
struct FollowedRun {
    noticed: watch::Sender<Noticed>,
    /// How many early notices there were when we last announced what others stored.
    announced: u64,
}

impl Followed {
    fn runs(&self) -> MutexGuard<'_, HashMap<RunId, FollowedRun>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn follow(&self, run_id: &RunId) -> watch::Receiver<Noticed> {
        let mut runs = self.runs();
        runs.entry(run_id.clone()).or_default().noticed.subscribe()
    }

    fn leave(&self, run_id: &RunId, noticed: &mut watch::Receiver<Noticed>) {
        let mut runs = self.runs();
        // Under the lock: of two who leave at once, one is the last.
        *noticed = watch::channel(Noticed::default()).1;
        if runs.get(run_id).is_some_and(|run| run.noticed.receiver_count() == 0) {
            runs.remove(run_id);
        }
    }

    /// This process has stored something of a run.
    fn own(&self, run_id: &RunId) {
        self.notice(run_id, |noticed| noticed.own += 1);
    }

    /// Something of a run can be seen.
    fn visible(&self, run_id: &RunId) {
        self.notice(run_id, |noticed| noticed.visible += 1);
    }

    /// Something of any run can be seen.
    fn visible_of_all(&self) {
        self.notice_all(|noticed| noticed.visible += 1);
    }

    /// Something of a run may come to be seen.
    fn early(&self, run_id: &RunId) {
        self.notice(run_id, |noticed| noticed.early += 1);
    }

    /// Something of any run may come to be seen.
    fn early_of_all(&self) {
        self.notice_all(|noticed| noticed.early += 1);
    }

    fn notice(&self, run_id: &RunId, change: impl FnOnce(&mut Noticed)) {
        if let Some(run) = self.runs().get(run_id) {
            run.noticed.send_modify(change);
        }
    }

    fn notice_all(&self, change: impl Fn(&mut Noticed)) {
        self.runs().values().for_each(|run| run.noticed.send_modify(&change));
    }

    /// Whether the events of the first early notices still have to be announced. If they have, the caller does it.
    fn is_to_announce(&self, run_id: &RunId, early: u64) -> bool {
        self.runs().get_mut(run_id).is_some_and(|run| {
            let is_first = run.announced < early;
            run.announced = run.announced.max(early);
            is_first
        })
    }
}

impl Watch {
    pub(crate) fn new(notices: Notices) -> Self {
        Self { followed: Arc::default(), notices, source: Mutex::default() }
    }

    /// This process has stored events of a run.
    pub(crate) fn signal(&self, run_id: &RunId) {
        self.followed.own(run_id);
        if let Some(file) = self.notices.file_of(run_id) {
            touch(&file);
        }
    }

    /// Begins to follow a run.
    pub(crate) fn watch(&self, run_id: &RunId) -> Signal {
        // Followed first, so that every later notice reaches the receiver.
        let noticed = self.followed.follow(run_id);
        let source = self.source();
        let has_notices = !matches!(*source, Source::None) || matches!(self.notices, Notices::None);
        Signal {
            run_id: run_id.clone(),
            seen: Noticed::default(),
            noticed,
            looks_left: 0,
            next_look: FIRST_LOOK,
            interval: if has_notices { SELDOM } else { OFTEN },
            has_notices,
            looked_without_notice: false,
            file: self.notices.file_of(run_id),
            of_others: None,
            followed: Arc::clone(&self.followed),
            _source: source,
        }
    }

    fn source(&self) -> Arc<Source> {
        let mut kept = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(source) = kept.upgrade() {
            return source;
        }
        let source = Arc::new(match &self.notices {
            Notices::None => Source::None,
            Notices::FilesOfRuns(directory) => {
                files::Files::of_runs(directory, &self.followed).map_or(Source::None, Source::Files)
            }
            Notices::File(path) => {
                files::Files::of_all(path, &self.followed).map_or(Source::None, Source::Files)
            }
            #[cfg(feature = "postgres")]
            Notices::Postgres(database) => {
                Source::Postgres(listen::Listening::begin(database, &self.followed))
            }
        });
        *kept = Arc::downgrade(&source);
        source
    }
}

/// The signal that there may be new events of a run.
#[derive(Debug)]
pub(crate) struct Signal {
    run_id: RunId,
    seen: Noticed,
    noticed: watch::Receiver<Noticed>,
    /// How often we still look for the events of an early notice, and how soon.
    looks_left: u32,
    next_look: Duration,
    /// After which time it is looked without any notice.
    interval: Duration,
    has_notices: bool,
    /// Whether the last look had no notice before it.
    looked_without_notice: bool,
    /// The file that Dagster's watchers look at.
    file: Option<PathBuf>,
    /// How many early notices there were when others began to store what was not found yet.
    of_others: Option<u64>,
    followed: Arc<Followed>,
    _source: Arc<Source>,
}

impl Signal {
    /// Takes in what was noticed; whether that is anything new.
    fn take(&mut self) -> bool {
        let noticed = *self.noticed.borrow_and_update();
        if noticed == self.seen {
            return false;
        }
        if noticed.own != self.seen.own {
            // It was announced when it was stored.
            self.of_others = None;
        } else if noticed.early != self.seen.early {
            self.of_others = Some(noticed.early);
        }
        if noticed.early != self.seen.early {
            (self.looks_left, self.next_look) = (LOOKS, FIRST_LOOK);
        }
        self.seen = noticed;
        true
    }

    /// Tells Dagster's watchers what another process has stored and this one has found. While this process follows,
    /// it holds the file open, and the file itself does not change. A touch is no early notice, so followers do not
    /// answer one another.
    fn announce(&mut self) {
        if let (Some(early), Some(file)) = (self.of_others.take(), &self.file)
            && self.followed.is_to_announce(&self.run_id, early)
        {
            touch(file);
        }
    }
}

#[async_trait]
impl EventSignal for Signal {
    async fn changed(&mut self, found: bool) {
        // A notice can get lost (a pooler before the server, a network file system). So we look more often while
        // there is something to find.
        if self.looked_without_notice {
            self.interval = match (found, self.has_notices) {
                (true, _) | (false, false) => OFTEN,
                (false, true) => (self.interval * 2).min(SELDOM),
            };
        }
        self.looked_without_notice = false;
        if found {
            self.announce();
        }
        if self.take() {
            return;
        }
        let (until, is_early) = if self.looks_left > 0 {
            (Instant::now() + self.next_look, true)
        } else {
            (Instant::now() + self.interval, false)
        };
        match tokio::time::timeout_at(until, self.noticed.changed()).await {
            Ok(Ok(())) => {
                self.take();
            }
            // The sender is kept as long as this is. If it were gone, we would only look from time to time.
            Ok(Err(_)) => tokio::time::sleep_until(until).await,
            Err(_) if is_early => {
                self.looks_left -= 1;
                self.next_look *= 2;
            }
            Err(_) => self.looked_without_notice = true,
        }
    }
}

impl Drop for Signal {
    fn drop(&mut self) {
        self.followed.leave(&self.run_id, &mut self.noticed);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::{EventSignal, FIRST_LOOK, LOOKS, Notices, OFTEN, SELDOM, Signal, Watch};
    use instance_core::ids::RunId;
    use std::time::{Duration, SystemTime};
    use tokio::time::Instant;

    fn run(id: &str) -> RunId {
        RunId::from(id)
    }

    /// How long a signal takes, on the clock that stands still while there is something to do.
    async fn delay(signal: &mut Signal, found: bool) -> Duration {
        let before = Instant::now();
        signal.changed(found).await;
        before.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn without_notices_it_is_looked_more_often_while_there_is_something_to_find() {
        let watch = Watch::new(Notices::None);
        let mut signal = watch.watch(&run("r1"));
        for (found, expected) in [
            (false, SELDOM),
            (false, SELDOM),
            (true, OFTEN),
            (true, OFTEN),
            (false, OFTEN * 2),
            (false, OFTEN * 4),
            (true, OFTEN),
            (false, OFTEN * 2),
            (false, OFTEN * 4),
            (false, OFTEN * 8),
            (false, OFTEN * 16),
            (false, SELDOM),
        ] {
            assert_eq!(delay(&mut signal, found).await, expected);
        }
        // What is found after a notice says nothing about notices that get lost.
        watch.signal(&run("r1"));
        assert_eq!(delay(&mut signal, false).await, Duration::ZERO);
        assert_eq!(delay(&mut signal, true).await, SELDOM);
    }

    /// The directory is below a file, and so neither is there nor can be made.
    #[tokio::test(start_paused = true)]
    async fn where_no_notices_can_be_had_it_is_always_looked_often() {
        let path = std::env::current_exe().unwrap().join("x/event_log.db");
        for notices in [Notices::File(path.clone()), Notices::FilesOfRuns(path)] {
            let watch = Watch::new(notices);
            let mut signal = watch.watch(&run("r1"));
            for found in [false, false, true, false] {
                assert_eq!(delay(&mut signal, found).await, OFTEN);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_an_early_notice_it_is_looked_soon_and_then_less_and_less() {
        let watch = Watch::new(Notices::None);
        let mut signal = watch.watch(&run("r1"));
        for _ in 0..2 {
            watch.followed.early(&run("r1"));
            assert_eq!(delay(&mut signal, false).await, Duration::ZERO);
            for look in 0..LOOKS {
                assert_eq!(delay(&mut signal, false).await, FIRST_LOOK * 2_u32.pow(look));
            }
            assert_eq!(delay(&mut signal, false).await, SELDOM);
        }
        watch.followed.early_of_all();
        assert_eq!(delay(&mut signal, false).await, Duration::ZERO);
        assert_eq!(delay(&mut signal, false).await, FIRST_LOOK);
        // What can be seen does not have to be looked for, but what the early notice was about still does.
        watch.signal(&run("r1"));
        assert_eq!(delay(&mut signal, false).await, Duration::ZERO);
        assert_eq!(delay(&mut signal, false).await, FIRST_LOOK * 2);
        // A second notice may be about something else.
        watch.followed.early(&run("r1"));
        assert_eq!(delay(&mut signal, false).await, Duration::ZERO);
        assert_eq!(delay(&mut signal, false).await, FIRST_LOOK);
    }

    /// Many may follow one run: the first who finds something announces it, and nobody answers that.
    #[tokio::test]
    async fn what_others_store_is_announced_once_by_those_who_find_it() {
        let directory = tempfile::TempDir::new().unwrap();
        let file = directory.path().join("event_log.db");
        std::fs::write(&file, "").unwrap();
        let watch = Watch::new(Notices::File(file.clone()));
        // Both times: Linux says of a file of which only the time of modification is set that it is written.
        let epoch = SystemTime::UNIX_EPOCH;
        let both = std::fs::FileTimes::new().set_accessed(epoch).set_modified(epoch);
        let is_touched = || {
            let file = std::fs::File::options().write(true).open(&file).unwrap();
            let touched = file.metadata().unwrap().modified().unwrap() != epoch;
            file.set_times(both).unwrap();
            touched
        };
        let (mut one, mut other) = (watch.watch(&run("r1")), watch.watch(&run("r1")));
        is_touched();
        for _ in 0..2 {
            watch.followed.early(&run("r1"));
            for signal in [&mut one, &mut other] {
                signal.changed(false).now_or_never();
            }
            assert!(!is_touched(), "nothing was found");
            one.changed(true).now_or_never();
            assert!(is_touched(), "the first who finds it");
            for signal in [&mut one, &mut other] {
                signal.changed(true).now_or_never();
                assert!(!is_touched(), "it is announced already");
            }
        }
        // What this process stores is announced when it is stored.
        watch.signal(&run("r1"));
        watch.followed.early(&run("r1"));
        assert!(is_touched());
        one.changed(false).now_or_never();
        one.changed(true).now_or_never();
        assert!(!is_touched());
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_run_of_a_notice_is_looked_at() {
        let watch = Watch::new(Notices::None);
        let (mut one, mut other) = (watch.watch(&run("r1")), watch.watch(&run("r2")));
        watch.signal(&run("r1"));
        watch.followed.early(&run("r1"));
        assert_eq!(delay(&mut one, false).await, Duration::ZERO);
        assert_eq!(delay(&mut other, false).await, SELDOM);
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_is_forgotten_when_the_last_one_leaves() {
        let watch = Watch::new(Notices::None);
        let (first, mut second) = (watch.watch(&run("r1")), watch.watch(&run("r1")));
        drop(first);
        assert_eq!(watch.followed.runs().len(), 1);
        watch.signal(&run("r1"));
        assert_eq!(delay(&mut second, false).await, Duration::ZERO);
        drop(second);
        assert_eq!(watch.followed.runs().len(), 0);
        watch.signal(&run("r1"));
        let mut third = watch.watch(&run("r1"));
        assert_eq!(delay(&mut third, false).await, SELDOM);
    }
}
