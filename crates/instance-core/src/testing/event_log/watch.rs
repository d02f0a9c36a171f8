//! Cases about waking those who follow the events of a run.

use std::future::{poll_fn, ready};
use std::task::Poll;

use futures_util::future::{join, select};

use crate::event::DagsterEventType;
use crate::ids::RunId;
use crate::storage::EventStoreExt;
use crate::storage::{EventSignal, EventStore, EventWatch};
use crate::testing::event_log::events::all_messages;
use crate::testing::samples::{all_of, event, message};

/// Runs every case about watching; each has a deadline, as a signal that does not come is waited for
/// forever.
#[doc(hidden)]
#[macro_export]
macro_rules! __watch_tests {
    ($make:expr) => {
        mod watch {
            #[allow(unused_imports, reason = "the function may be named by its whole path")]
            use super::*;
            $crate::__watch_tests! { @cases $make,
                events_that_are_stored_are_signalled
                each_way_to_store_is_signalled
                what_came_before_the_wait_is_signalled
                a_wait_that_is_given_up_loses_nothing
                each_watcher_of_a_run_is_signalled
                runs_are_watched_each_by_itself
                a_run_may_be_watched_again
            }
        }
    };
    (@cases $make:expr, $($case:ident)*) => {
        $(
            #[::tokio::test]
            async fn $case() {
                let made = $make().await;
                let storage: &dyn $crate::storage::EventLogStorage =
                    ::core::convert::AsRef::as_ref(&made);
                let case = $crate::testing::event_log::watch::$case(storage, storage);
                let deadline = $crate::testing::event_log::watch::DEADLINE;
                let ended = ::tokio::time::timeout(deadline, case).await;
                assert!(ended.is_ok(), "no signal came");
            }
        )*
    };
}

/// Longer than any signal takes that comes at all.
pub const DEADLINE: std::time::Duration = std::time::Duration::from_mins(1);

async fn begin(watch: &dyn EventWatch, run_id: &str) -> Box<dyn EventSignal> {
    watch.watch_run(&RunId::from(run_id)).await.unwrap()
}

/// Waits until a run has so many events, as those who follow it do.
async fn follow(
    storage: &dyn EventStore,
    signal: &mut dyn EventSignal,
    run_id: &str,
    count: usize,
) {
    let mut found = all_messages(storage, run_id).await.len();
    while found < count {
        signal.changed(false).await;
        found = all_messages(storage, run_id).await.len();
    }
    assert_eq!(found, count);
}

/// Whoever has read and then waits, is woken by what is stored meanwhile, time and again. The run need not
/// exist.
pub async fn events_that_are_stored_are_signalled(
    storage: &dyn EventStore,
    watch: &dyn EventWatch,
) {
    let mut signal = begin(watch, "r1").await;
    for count in 1..=5 {
        assert_eq!(all_messages(storage, "r1").await.len(), count - 1);
        let following = follow(storage, &mut *signal, "r1", count);
        let storing = async { storage.store_event(&message("r1", "x")).await.map(drop).unwrap() };
        join(following, storing).await;
    }
}

/// One event, several, those that are also found across runs, and a line of a log are all signalled.
pub async fn each_way_to_store_is_signalled(storage: &dyn EventStore, watch: &dyn EventWatch) {
    let mut signal = begin(watch, "r1").await;
    storage.store_event(&message("r1", "1")).await.unwrap();
    signal.changed(true).await;
    let several = [message("r2", "x"), message("r1", "2"), message("r1", "3")];
    storage.store_event_batch(&several).await.unwrap();
    signal.changed(true).await;
    storage.store_event(&event("r1", DagsterEventType::RunStart, 4)).await.unwrap();
    signal.changed(true).await;
    assert_eq!(all_messages(storage, "r1").await, ["1", "2", "3", ""]);
}

/// What is stored after the watch has begun and before anybody waits is not missed.
pub async fn what_came_before_the_wait_is_signalled(
    storage: &dyn EventStore,
    watch: &dyn EventWatch,
) {
    let mut signal = begin(watch, "r1").await;
    assert_eq!(all_messages(storage, "r1").await, [""; 0]);
    storage.store_event(&message("r1", "x")).await.unwrap();
    signal.changed(false).await;
    follow(storage, &mut *signal, "r1", 1).await;
}

/// A wait that is given up, before there is anything or after, takes no signal with it.
pub async fn a_wait_that_is_given_up_loses_nothing(
    storage: &dyn EventStore,
    watch: &dyn EventWatch,
) {
    let mut signal = begin(watch, "r1").await;
    for count in 1..=3 {
        drop(select(signal.changed(false), ready(())).await);
        let mut waiting = signal.changed(false);
        poll_fn(|context| Poll::Ready(waiting.as_mut().poll(context).is_ready())).await;
        storage.store_event(&message("r1", "x")).await.unwrap();
        drop(waiting);
        follow(storage, &mut *signal, "r1", count).await;
    }
}

/// Of several who follow a run each one is woken, and one that has gone takes nothing from the others.
pub async fn each_watcher_of_a_run_is_signalled(storage: &dyn EventStore, watch: &dyn EventWatch) {
    let mut signals = Vec::new();
    for _ in 0..3 {
        signals.push(begin(watch, "r1").await);
    }
    for count in 1..=3 {
        storage.store_event(&message("r1", "x")).await.unwrap();
        let following = signals.iter_mut().map(async |signal| {
            signal.changed(false).await;
            follow(storage, &mut **signal, "r1", count).await;
        });
        all_of(following).await;
        signals.pop();
    }
}

/// Whoever follows a run finds what is stored of it, and nothing of others.
pub async fn runs_are_watched_each_by_itself(storage: &dyn EventStore, watch: &dyn EventWatch) {
    let mut signals = [begin(watch, "r1").await, begin(watch, "r2").await];
    storage.store_event(&message("r1", "of r1")).await.unwrap();
    let [first, second] = &mut signals;
    follow(storage, &mut **first, "r1", 1).await;
    assert_eq!(all_messages(storage, "r2").await, [""; 0]);
    storage.store_event(&message("r2", "of r2")).await.unwrap();
    follow(storage, &mut **second, "r2", 1).await;
    assert_eq!(all_messages(storage, "r2").await, ["of r2"]);
}

/// A watch may end and begin again, also when nobody else follows any run.
pub async fn a_run_may_be_watched_again(storage: &dyn EventStore, watch: &dyn EventWatch) {
    for count in 1..=3 {
        let mut signal = begin(watch, "r1").await;
        storage.store_event(&message("r1", "x")).await.unwrap();
        signal.changed(false).await;
        follow(storage, &mut *signal, "r1", count).await;
    }
}
