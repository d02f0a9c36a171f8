//! Cases about changes of a run on conditions: from which status, by whom, and with which notes.

use std::collections::BTreeMap;

use crate::event::{DagsterEventType, EventLogEntry, RunFailureReason};
use crate::ids::RunId;
use crate::run::{DagsterRunStatus, RunRecord};
use crate::storage::{Fence, GuardedEvents, GuardedOutcome, Note, StoredEvents};
use crate::tags::RUN_FAILURE_REASON;
use crate::testing::run_events::Stores;
use crate::testing::runs::run_changes::{failure, placed};
use crate::testing::samples::{
    all_of, at, check_key, check_planned_of_a_range, entry, event, message, run, stamp, tags,
};

use DagsterRunStatus::{Canceled, Canceling, Failure, NotStarted, Queued, Started, Starting};

/// The row of a run, its log, and all cursors: what a change on conditions may change.
type Seen = (RunRecord, Vec<EventLogEntry>, BTreeMap<String, String>);

impl Stores<'_> {
    async fn seen(&self, run_id: &str) -> Seen {
        let cursors = self.runs.get_cursor_values_beginning("").await.unwrap();
        (self.record(run_id).await, self.log(run_id).await.0, cursors)
    }

    async fn status(&self, run_id: &str) -> DagsterRunStatus {
        self.record(run_id).await.dagster_run.status
    }

    /// What becomes of a change.
    async fn store_if(&self, change: &GuardedEvents) -> GuardedOutcome {
        self.together.store_run_events_if(change).await.unwrap()
    }

    /// Makes a change whose conditions hold.
    async fn change(&self, change: &GuardedEvents) -> StoredEvents {
        let outcome = self.store_if(change).await;
        let GuardedOutcome::Stored(stored) = outcome else { panic!("{outcome:?}") };
        assert!(stored.incomplete.is_none(), "{stored:?}");
        stored
    }

    /// Expects that a change is refused, and that nothing is written of it.
    async fn refuse(&self, change: &GuardedEvents, run_id: &str) -> GuardedOutcome<()> {
        let before = self.seen(run_id).await;
        let outcome = self.store_if(change).await;
        assert!(!outcome.is_stored(), "{outcome:?}");
        assert_eq!(self.seen(run_id).await, before, "{outcome:?}");
        outcome.map(drop)
    }
}

fn events_from(
    from: &[DagsterRunStatus],
    events: impl IntoIterator<Item = (DagsterEventType, u32)>,
) -> GuardedEvents {
    let entries = events.into_iter().map(|(event_type, second)| event("r1", event_type, second));
    GuardedEvents::new(RunId::from("r1"), from.iter().copied(), entries.collect())
}

/// The claim of a queued run.
fn claim(second: u32) -> GuardedEvents {
    events_from(&[Queued], [(DagsterEventType::RunStarting, second)])
}

async fn queued(on: Stores<'_>) {
    on.runs.add_run(&placed(run("r1", "j", &[("a", "1")])), at(0)).await.unwrap();
    on.together.store_run_events(&[event("r1", DagsterEventType::RunEnqueued, 1)]).await.unwrap();
}

/// From the status that is named, the run changes and the entry is stored; from every other one, nothing is.
pub async fn a_run_changes_from_the_statuses_that_are_named(on: Stores<'_>) {
    queued(on).await;
    let mut expected = on.record("r1").await;
    let stored = on.change(&claim(2)).await;
    (expected.dagster_run.status, expected.update_timestamp) = (Starting, at(2));
    assert_eq!(on.record("r1").await, expected);
    let (log, ids) = on.log("r1").await;
    assert_eq!((log.last().unwrap(), &ids[1..]), (&claim(2).entries[0], &stored.ids[..]));
    assert_eq!(on.refuse(&claim(3), "r1").await, GuardedOutcome::OtherStatus(Some(Starting)));
    let start = |from: &[DagsterRunStatus]| events_from(from, [(DagsterEventType::RunStart, 4)]);
    for from in [&[][..], &[Queued], &[Started, Canceling]] {
        let outcome = on.refuse(&start(from), "r1").await;
        assert_eq!(outcome, GuardedOutcome::OtherStatus(Some(Starting)), "{from:?}");
    }
    on.change(&start(&[Queued, Starting])).await;
    let started = on.record("r1").await;
    assert_eq!((started.dagster_run.status, started.start_time), (Started, Some(stamp(4))));
}

/// A run that is not there has no status, and its entries are not stored.
pub async fn a_run_that_is_not_there_does_not_change(on: Stores<'_>) {
    let all = DagsterRunStatus::ALL.iter().copied();
    let entries = vec![event("r1", DagsterEventType::RunStarting, 1)];
    let note = Note::Put { key: "k".to_owned(), value: "v".to_owned() };
    let change = GuardedEvents::new(RunId::from("r1"), all, entries).with_notes(vec![note]);
    let outcome = on.store_if(&change).await;
    assert_eq!(outcome.map(drop), GuardedOutcome::OtherStatus(None));
    assert_eq!(on.log("r1").await, (Vec::new(), Vec::new()));
    assert_eq!(on.runs.get_cursor_values_beginning("").await.unwrap(), tags(&[]));
    assert!(!on.has_run("r1").await);
}

/// Several entries change the run one after another; its row is as if each had been stored alone.
pub async fn several_entries_change_a_run_in_their_order(on: Stores<'_>) {
    queued(on).await;
    let cancelling = [(DagsterEventType::RunCanceling, 2), (DagsterEventType::RunCanceled, 3)];
    let mut change = events_from(&[Queued], cancelling);
    change.entries.insert(1, message("r1", "between"));
    let stored = on.change(&change).await;
    assert!(stored.ids.is_sorted_by(|one, other| one < other), "{stored:?}");
    assert_eq!(on.log("r1").await.0[1..], change.entries);
    let record = on.record("r1").await;
    assert_eq!((record.dagster_run.status, record.update_timestamp), (Canceled, at(3)));
    assert_eq!((record.start_time, record.end_time), (None, Some(stamp(3))));

    // Times and reasons of entries before the last one are kept, too.
    on.runs.add_run(&placed(run("r2", "j", &[])), at(0)).await.unwrap();
    let failed = |reason, second| entry("r2", failure(reason), second);
    let entries = vec![
        event("r2", DagsterEventType::RunStart, 4),
        failed(Some(RunFailureReason::StepFailure), 5),
        failed(None, 6),
    ];
    on.change(&GuardedEvents::new(RunId::from("r2"), [NotStarted], entries)).await;
    let record = on.record("r2").await;
    assert_eq!((record.start_time, record.end_time), (Some(stamp(4)), Some(stamp(6))));
    let reason = tags(&[(RUN_FAILURE_REASON, RunFailureReason::StepFailure.as_str())]);
    assert_eq!((record.dagster_run.status, record.dagster_run.tags), (Failure, reason));
    assert_eq!(on.tag_keys().await, ["a", RUN_FAILURE_REASON]);
}

/// Entries that change no status are stored on the same conditions, and so are notes without entries. The row stays as
/// it is.
pub async fn entries_that_change_no_status_have_conditions_too(on: Stores<'_>) {
    queued(on).await;
    let note = |value: &str| vec![Note::Put { key: "k".to_owned(), value: value.to_owned() }];
    let line = |from, value| {
        GuardedEvents::new(RunId::from("r1"), [from], vec![message("r1", "x")])
            .with_notes(note(value))
    };
    let before = on.record("r1").await;
    let outcome = on.refuse(&line(Started, "1"), "r1").await;
    assert_eq!(outcome, GuardedOutcome::OtherStatus(Some(Queued)));
    assert_eq!(on.change(&line(Queued, "2")).await.ids.len(), 1);
    let nothing = |from, value| {
        GuardedEvents::new(RunId::from("r1"), [from], Vec::new()).with_notes(note(value))
    };
    on.refuse(&nothing(Started, "3"), "r1").await;
    let (_, log, cursors) = on.seen("r1").await;
    assert_eq!((log.len(), cursors), (2, tags(&[("k", "2")])));
    assert_eq!(on.change(&nothing(Queued, "4")).await.ids, []);
    let (record, log, cursors) = on.seen("r1").await;
    assert_eq!((record, log.len(), cursors), (before, 2, tags(&[("k", "4")])));
}

/// Who is no leader any more changes nothing, whatever the status of the run.
pub async fn a_fence_keeps_out_who_is_no_leader(on: Stores<'_>) {
    queued(on).await;
    let fence = Fence { key: "lease".to_owned(), value: "me".to_owned() };
    let change = claim(2).with_fence(fence);
    assert_eq!(on.refuse(&change, "r1").await, GuardedOutcome::NotLeader);
    on.runs.set_cursor_values(&tags(&[("lease", "you"), ("Lease", "me")])).await.unwrap();
    assert_eq!(on.refuse(&change, "r1").await, GuardedOutcome::NotLeader);
    // Whoever leads matters more than what became of the run.
    let of_no_run = GuardedEvents { run_id: RunId::from("r2"), ..change.clone() };
    let of_no_run = GuardedEvents { entries: Vec::new(), ..of_no_run };
    assert_eq!(on.refuse(&of_no_run, "r1").await, GuardedOutcome::NotLeader);
    on.runs.set_cursor_values(&tags(&[("lease", "me")])).await.unwrap();
    on.change(&change).await;
    assert_eq!(on.status("r1").await, Starting);
}

/// Notes are written with the row of the run, or not at all. One that has to be new is, or keeps all from being written.
pub async fn notes_are_written_with_the_run(on: Stores<'_>) {
    queued(on).await;
    let put = |key: &str, value: &str| Note::Put { key: key.to_owned(), value: value.to_owned() };
    let new = |key: &str| Note::PutNew { key: key.to_owned(), value: "new".to_owned() };
    let delete = |key: &str| Note::Delete { key: key.to_owned() };
    on.runs.set_cursor_values(&tags(&[("kept", "1"), ("put", "1"), ("gone", "1")])).await.unwrap();
    let notes = [put("put", "2"), new("there"), delete("gone"), delete("never"), put("more", "é")];
    let too_late = events_from(&[Started], [(DagsterEventType::RunStarting, 2)]);
    on.refuse(&too_late.with_notes(notes.to_vec()), "r1").await;

    // Of one that is there, the key is told; the notes before it are not written either.
    for (others, there) in
        [(vec![put("put", "2"), new("x"), new("kept")], "kept"), (vec![new("x"), new("x")], "x")]
    {
        let outcome = on.refuse(&claim(2).with_notes(others), "r1").await;
        assert_eq!(outcome, GuardedOutcome::NoteExists { key: there.to_owned() });
    }
    // The status of the run is looked at before its notes.
    let both = events_from(&[Started], []).with_notes(vec![new("kept")]);
    assert_eq!(on.refuse(&both, "r1").await, GuardedOutcome::OtherStatus(Some(Queued)));

    on.change(&claim(2).with_notes(notes.to_vec())).await;
    let expected = [("kept", "1"), ("put", "2"), ("there", "new"), ("more", "é")];
    assert_eq!(on.seen("r1").await.2, tags(&expected));
    let again = events_from(&[Starting], []);
    let outcome = on.refuse(&again.clone().with_notes(vec![new("there")]), "r1").await;
    assert_eq!(outcome, GuardedOutcome::NoteExists { key: "there".to_owned() });
    on.change(&again.with_notes(vec![delete("there"), new("there")])).await;
}

/// What is refused of an entry, or of the run that it would make, keeps everything from being written.
pub async fn a_change_that_cannot_be_stored_changes_nothing(on: Stores<'_>) {
    queued(on).await;
    let note = vec![Note::Put { key: "k".to_owned(), value: "v".to_owned() }];
    let no_time =
        EventLogEntry { timestamp: f64::NAN, ..event("r1", DagsterEventType::RunStart, 1) };
    let of_other = event("r2", DagsterEventType::RunStart, 1);
    let of_range = check_planned_of_a_range("r1", &check_key("a", "c"));
    for refused in [no_time, of_other, of_range] {
        let mut change = claim(2).with_notes(note.clone());
        change.entries.push(refused);
        let before = on.seen("r1").await;
        on.together.store_run_events_if(&change).await.unwrap_err();
        assert_eq!(on.seen("r1").await, before);
    }
    // Whoever does not say where its job is cannot be queued.
    on.runs.add_run(&run("r2", "j", &[]), at(0)).await.unwrap();
    let before = on.seen("r2").await;
    let entries = vec![event("r2", DagsterEventType::RunEnqueued, 1)];
    let change = GuardedEvents::new(RunId::from("r2"), [NotStarted], entries).with_notes(note);
    on.together.store_run_events_if(&change).await.unwrap_err();
    assert_eq!(on.seen("r2").await, before);
    on.change(&claim(2)).await;
}

/// Of several who claim the same run at once, one gets it, and its note alone is there.
pub async fn of_claims_at_once_one_is_stored(on: Stores<'_>) {
    queued(on).await;
    let claims: Vec<_> = (0..12)
        .map(|number| {
            let value = number.to_string();
            claim(number).with_notes(vec![Note::Put { key: "claim".to_owned(), value }])
        })
        .collect();
    let outcomes = all_of(claims.iter().map(|claim| on.store_if(claim))).await;
    let won: Vec<_> =
        claims.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_stored()).collect();
    assert_eq!(won.len(), 1, "{outcomes:?}");
    let lost =
        |outcome: &&GuardedOutcome| matches!(outcome, GuardedOutcome::OtherStatus(Some(Starting)));
    assert_eq!(outcomes.iter().filter(lost).count(), 11, "{outcomes:?}");
    let (record, log, cursors) = on.seen("r1").await;
    assert_eq!(record.dagster_run.status, Starting);
    assert_eq!(log[1..], won[0].0.entries);
    let number = claims.iter().position(|claim| claim == won[0].0).unwrap();
    assert_eq!(cursors, tags(&[("claim", &number.to_string())]));
}

/// Claims of the run, its cancellation and a change of the leader at once: what is stored in the end has come in one order.
pub async fn a_claim_and_a_cancellation_exclude_one_another(on: Stores<'_>) {
    for number in 0..8 {
        let id = format!("run{number}");
        let queued = crate::run::DagsterRun { status: Queued, ..placed(run(&id, "j", &[])) };
        on.runs.add_run(&queued, at(0)).await.unwrap();
        let change = |events: &[DagsterEventType]| {
            let entries = events.iter().map(|event_type| event(&id, *event_type, 1)).collect();
            GuardedEvents::new(RunId::from(id.as_str()), [Queued], entries)
        };
        let claim = change(&[DagsterEventType::RunStarting]);
        let cancel = change(&[DagsterEventType::RunCanceling, DagsterEventType::RunCanceled]);
        let both = if number % 2 == 0 { [&claim, &cancel] } else { [&cancel, &claim] };
        let outcomes = all_of(both.map(|change| on.store_if(change))).await;
        let won: Vec<_> =
            both.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_stored()).collect();
        assert_eq!(won.len(), 1, "{outcomes:?}");
        assert_eq!(on.log(&id).await.0, won[0].0.entries);
        let expected = if *won[0].0 == &claim { Starting } else { Canceled };
        assert_eq!(on.status(&id).await, expected);
    }
}
