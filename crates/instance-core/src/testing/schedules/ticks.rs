//! Cases about ticks.

use chrono::DateTime;

use crate::clock::timestamp_of;
use crate::scheduling::{InstigatorTick, InstigatorType, TickData, TickStatus};
use crate::serdes::{UnknownFields, serialize_value};
use crate::storage::{Only, TickStore, TicksQuery};
use crate::testing::samples::{FAR, MANY, at, awkward_times, stamp, tick, with_unknown_field};

/// The ticks of the selector `s`.
fn all() -> TicksQuery {
    TicksQuery {
        origin_id: "origin-s".to_owned(),
        selector_id: "s".to_owned(),
        ..TicksQuery::default()
    }
}

async fn ids(storage: &dyn TickStore, query: &TicksQuery) -> Vec<i64> {
    let ticks = storage.get_ticks(query).await.unwrap();
    let ids: Vec<_> = ticks.iter().map(|tick| tick.tick_id).collect();
    let summaries = storage.get_tick_summaries(query).await.unwrap();
    assert_eq!(summaries.iter().map(|tick| tick.tick_id).collect::<Vec<_>>(), ids, "{query:?}");
    ids
}

/// Stores ticks of the selector `s`; returns their ids.
async fn fill(storage: &dyn TickStore, ticks: &[(TickStatus, f64)]) -> Vec<i64> {
    let mut ids = Vec::new();
    for (status, timestamp) in ticks {
        ids.push(storage.create_tick(&tick("s", *status, *timestamp)).await.unwrap().tick_id);
    }
    ids
}

/// A tick comes back byte for byte, by the id that it was given, and ids ascend.
pub async fn a_tick_is_read_as_it_was_stored(storage: &dyn TickStore) {
    let data = TickData {
        cursor: Some("it's 🦀\u{0}".to_owned()),
        ..with_unknown_field(&tick("s", TickStatus::Started, stamp(1) + 0.123_456_7))
    };
    let created = storage.create_tick(&data).await.unwrap();
    assert_eq!(serialize_value(&created.tick_data), serialize_value(&data));
    let stored = storage.get_tick(created.tick_id).await.unwrap().unwrap();
    assert_eq!(serialize_value(&stored), serialize_value(&created));
    let next = storage.create_tick(&data).await.unwrap();
    assert!(next.tick_id > created.tick_id);
    for id in [0, -1, next.tick_id + 1, FAR, i64::MAX, i64::MIN] {
        assert_eq!(storage.get_tick(id).await.unwrap(), None, "{id}");
    }
}

/// A changed tick is found by its new status and time, with its new body.
pub async fn a_changed_tick_takes_the_place_of_the_stored_one(storage: &dyn TickStore) {
    let ids_of =
        fill(storage, &[(TickStatus::Started, stamp(1)), (TickStatus::Started, stamp(2))]).await;
    let changed = InstigatorTick {
        tick_data: with_unknown_field(&tick("s", TickStatus::Success, stamp(3))),
        tick_id: ids_of[0],
        unknown: UnknownFields::default(),
    };
    storage.update_tick(&changed).await.unwrap();
    let stored = storage.get_tick(ids_of[0]).await.unwrap().unwrap();
    assert_eq!(serialize_value(&stored), serialize_value(&changed));
    assert_eq!(ids(storage, &all()).await, [ids_of[0], ids_of[1]]);
    let query = TicksQuery { statuses: Only::one(TickStatus::Started), ..all() };
    assert_eq!(ids(storage, &query).await, [ids_of[1]]);
}

/// A tick that is not stored is not changed into being, and that is no error.
pub async fn a_change_of_an_unknown_tick_does_nothing(storage: &dyn TickStore) {
    let (tick_data, unknown) = (tick("s", TickStatus::Success, stamp(3)), UnknownFields::default());
    for tick_id in [1, FAR] {
        let unheard_of =
            InstigatorTick { tick_data: tick_data.clone(), tick_id, unknown: unknown.clone() };
        storage.update_tick(&unheard_of).await.unwrap();
    }
    assert_eq!(ids(storage, &all()).await, [0_i64; 0]);
}

/// Of several ids those that are stored are found, each once.
pub async fn ticks_are_found_by_their_ids(storage: &dyn TickStore) {
    let stored = fill(storage, &[(TickStatus::Success, stamp(1)); 3]).await;
    let asked = [stored[2], FAR, stored[0], stored[2], 0];
    let found = storage.get_ticks_by_ids(&asked).await.unwrap();
    let mut found: Vec<_> = found.iter().map(|tick| tick.tick_id).collect();
    found.sort_unstable();
    assert_eq!(found, [stored[0], stored[2]]);
    assert_eq!(storage.get_ticks_by_ids(&[]).await.unwrap(), []);
}

/// Ticks come by the time when they began, and of one time the one that was written last comes first.
pub async fn ticks_come_newest_first(storage: &dyn TickStore) {
    let times =
        [5.0, 3.0, 3.000_001, 3.0, 4.0].map(|second| (TickStatus::Success, stamp(0) + second));
    let stored = fill(storage, &times).await;
    let expected = [0, 4, 2, 3, 1].map(|place: usize| stored[place]);
    assert_eq!(ids(storage, &all()).await, expected);
    for limit in 0..=5_usize {
        let query = TicksQuery { limit: Some(limit as u64), ..all() };
        assert_eq!(ids(storage, &query).await, expected[..limit]);
    }
}

/// Boundaries of time are not part of what is between them; a status is one of several; all hold together.
pub async fn ticks_are_filtered_by_time_and_status(storage: &dyn TickStore) {
    use TickStatus::{Failure, Skipped, Started, Success};

    let stored = fill(
        storage,
        &[(Success, stamp(1)), (Failure, stamp(2)), (Skipped, stamp(3)), (Success, stamp(4))],
    )
    .await;
    let cases: Vec<(TicksQuery, &[usize])> = vec![
        (all(), &[3, 2, 1, 0]),
        (TicksQuery { before: Some(at(3)), ..all() }, &[1, 0]),
        (TicksQuery { after: Some(at(3)), ..all() }, &[3]),
        (TicksQuery { after: Some(at(1)), before: Some(at(4)), ..all() }, &[2, 1]),
        (TicksQuery { statuses: Only::one(Success), ..all() }, &[3, 0]),
        (TicksQuery { statuses: Only::these([Failure, Skipped]), ..all() }, &[2, 1]),
        (TicksQuery { statuses: Only::one(Started), ..all() }, &[]),
        (
            TicksQuery {
                statuses: Only::these([Success, Failure]),
                before: Some(at(4)),
                limit: Some(1),
                ..all()
            },
            &[1],
        ),
        (TicksQuery { selector_id: "S".to_owned(), ..all() }, &[]),
    ];
    for (query, expected) in cases {
        let expected: Vec<_> = expected.iter().map(|place| stored[*place]).collect();
        assert_eq!(ids(storage, &query).await, expected, "{query:?}");
    }
}

/// A tick that began in the very microsecond in question is neither before nor after it.
pub async fn times_of_ticks_are_compared_as_times(storage: &dyn TickStore) {
    // Seconds of which a float has all microseconds.
    let times: Vec<_> = awkward_times().into_iter().skip(1).take(11).collect();
    let ticks: Vec<_> =
        times.iter().map(|time| (TickStatus::Success, timestamp_of(*time))).collect();
    let mut stored = fill(storage, &ticks).await;
    stored.reverse();
    for (number, boundary) in times.iter().enumerate() {
        let (later, from) = stored.split_at(times.len() - number - 1);
        let query = TicksQuery { after: Some(*boundary), ..all() };
        assert_eq!(ids(storage, &query).await, later, "after {boundary}");
        let query = TicksQuery { before: Some(*boundary), ..all() };
        assert_eq!(ids(storage, &query).await, from[1..], "before {boundary}");
    }
    let summaries = storage.get_tick_summaries(&all()).await.unwrap();
    let found: Vec<_> = summaries.iter().rev().map(|tick| tick.timestamp).collect();
    assert_eq!(found, times);
}

/// Ticks without a selector are found by their origin; those with another selector are not, whatever their
/// origin.
pub async fn ticks_of_old_versions_are_found_by_their_origin(storage: &dyn TickStore) {
    let origin_id = "origin-s".to_owned();
    let old = |selector_id: Option<&str>| TickData {
        selector_id: selector_id.map(str::to_owned),
        instigator_origin_id: origin_id.clone(),
        ..tick("s", TickStatus::Success, stamp(1))
    };
    let mut stored = Vec::new();
    for selector_id in [None, Some("s"), Some("other"), Some("")] {
        stored.push(storage.create_tick(&old(selector_id)).await.unwrap().tick_id);
    }
    assert_eq!(ids(storage, &all()).await, [stored[3], stored[1], stored[0]]);
    let query = TicksQuery { limit: Some(2), ..all() };
    assert_eq!(ids(storage, &query).await, [stored[3], stored[1]]);
    let query = TicksQuery { origin_id: "none".to_owned(), ..all() };
    assert_eq!(ids(storage, &query).await, [stored[1]]);
}

/// What is said of a tick without its body is what its body says.
pub async fn summaries_say_what_the_ticks_say(storage: &dyn TickStore) {
    let data = TickData {
        instigator_type: InstigatorType::AutoMaterialize,
        ..tick("s", TickStatus::Failure, stamp(1) + 0.5)
    };
    let stored = storage.create_tick(&data).await.unwrap();
    let found = storage.get_tick_summaries(&all()).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].tick_id, stored.tick_id);
    assert_eq!(found[0].instigator_origin_id, "origin-s");
    assert_eq!(found[0].instigator_type, InstigatorType::AutoMaterialize);
    assert_eq!(found[0].status, TickStatus::Failure);
    assert_eq!(Some(found[0].timestamp), DateTime::from_timestamp_millis(1_700_000_001_500));
}

/// A limit is one for each selector, and selectors without ticks are left out.
pub async fn the_newest_ticks_of_each_selector_are_found(storage: &dyn TickStore) {
    use TickStatus::{Skipped, Success};

    let mut stored = Vec::new();
    for (selector_id, status, second) in [
        ("s", Success, 3),
        ("s", Skipped, 5),
        ("s", Success, 4),
        ("t", Success, 1),
        ("S", Success, 9),
    ] {
        let data = tick(selector_id, status, stamp(second));
        stored.push(storage.create_tick(&data).await.unwrap().tick_id);
    }
    let selectors = ["t", "none", "s"].map(str::to_owned);
    let found = async |limit, statuses: &Only<TickStatus>| {
        let found = storage.get_batch_ticks(&selectors, limit, statuses).await.unwrap();
        let mut found: Vec<_> = found
            .into_iter()
            .map(|(id, ticks)| (id, ticks.iter().map(|tick| tick.tick_id).collect::<Vec<_>>()))
            .collect();
        found.sort();
        found
    };
    let of = |s: &[usize], t: &[usize]| {
        [("s", s), ("t", t)].map(|(id, places)| {
            (id.to_owned(), places.iter().map(|place| stored[*place]).collect::<Vec<_>>())
        })
    };
    assert_eq!(found(None, &Only::Any).await, of(&[1, 2, 0], &[3]));
    assert_eq!(found(Some(2), &Only::Any).await, of(&[1, 2], &[3]));
    assert_eq!(found(Some(1), &Only::one(Success)).await, of(&[2], &[3]));
    assert_eq!(found(Some(u64::MAX), &Only::one(Skipped)).await, of(&[1], &[])[..1]);
    assert_eq!(storage.get_batch_ticks(&[], None, &Only::Any).await.unwrap(), []);
}

/// A purge says how many ticks it deleted: those before the time, of the statuses.
pub async fn ticks_are_purged_by_time_and_status(storage: &dyn TickStore) {
    use TickStatus::{Failure, Skipped, Success};

    let stored = fill(
        storage,
        &[(Skipped, stamp(1)), (Failure, stamp(1)), (Success, stamp(2)), (Skipped, stamp(3))],
    )
    .await;
    let purge = async |second, statuses: &Only<TickStatus>| {
        storage.purge_ticks("origin-s", "s", at(second), statuses).await.unwrap()
    };
    assert_eq!(purge(1, &Only::Any).await, 0);
    assert_eq!(purge(3, &Only::one(Skipped)).await, 1);
    assert_eq!(ids(storage, &all()).await, [stored[3], stored[2], stored[1]]);
    assert_eq!(purge(2, &Only::these([Success, Failure])).await, 1);
    assert_eq!(purge(9, &Only::Any).await, 2);
    assert_eq!(ids(storage, &all()).await, [0_i64; 0]);
    assert_eq!(purge(9, &Only::Any).await, 0);
}

/// A purge is about one schedule or sensor.
pub async fn a_purge_takes_no_ticks_of_others(storage: &dyn TickStore) {
    let same_origin = TickData {
        instigator_origin_id: "origin-s".to_owned(),
        ..tick("t", TickStatus::Success, stamp(1))
    };
    let old = TickData { selector_id: None, ..tick("s", TickStatus::Success, stamp(1)) };
    for data in [&same_origin, &old, &tick("s", TickStatus::Success, stamp(1))] {
        storage.create_tick(data).await.unwrap();
    }
    assert_eq!(storage.purge_ticks("origin-s", "s", at(9), &Only::Any).await.unwrap(), 2);
    let query = TicksQuery { selector_id: "t".to_owned(), ..TicksQuery::default() };
    assert_eq!(storage.get_ticks(&query).await.unwrap()[0].tick_data, same_origin);
}

/// A time that no calendar has is refused, and leaves no tick and changes none.
pub async fn a_tick_of_no_time_is_refused(storage: &dyn TickStore) {
    let stored = storage.create_tick(&tick("s", TickStatus::Started, stamp(1))).await.unwrap();
    for timestamp in [f64::NAN, f64::NEG_INFINITY, 1e300] {
        let data = tick("s", TickStatus::Success, timestamp);
        storage.create_tick(&data).await.unwrap_err();
        let changed = InstigatorTick { tick_data: data, ..stored.clone() };
        storage.update_tick(&changed).await.unwrap_err();
        let found = storage.get_ticks(&all()).await.unwrap();
        assert_eq!(found, std::slice::from_ref(&stored));
    }
}

/// A limit that no database counts to gives everything.
pub async fn a_limit_of_ticks_may_be_of_any_size(storage: &dyn TickStore) {
    fill(storage, &[(TickStatus::Success, stamp(1)); 2]).await;
    for (limit, expected) in [(0, 0), (1 << 32, 2), (u64::MAX, 2)] {
        let query = TicksQuery { limit: Some(limit), ..all() };
        assert_eq!(ids(storage, &query).await.len(), expected);
    }
}

/// More ids than one statement may bind are asked for.
pub async fn any_number_of_ticks_may_be_asked_for(storage: &dyn TickStore) {
    let stored = fill(storage, &[(TickStatus::Success, stamp(1)); 2]).await;
    let mut asked: Vec<i64> = (FAR..).take(MANY).collect();
    asked.insert(0, stored[0]);
    asked.push(stored[1]);
    let found = storage.get_ticks_by_ids(&asked).await.unwrap();
    assert_eq!(found.len(), 2);
}

/// A tick with a body of more than a megabyte is stored.
pub async fn a_tick_may_be_of_any_length(storage: &dyn TickStore) {
    let mut data = tick("s", TickStatus::Success, stamp(1));
    data.cursor = Some("né🦀".repeat(150_000));
    let stored = storage.create_tick(&data).await.unwrap();
    assert_eq!(storage.get_tick(stored.tick_id).await.unwrap().unwrap().tick_data, data);
}

/// A list without a status finds no tick, and purges none.
pub async fn a_list_without_a_status_finds_no_tick(storage: &dyn TickStore) {
    let stored = fill(storage, &[(TickStatus::Started, stamp(1))]).await;
    let none = Only::These(Vec::new());
    let query = TicksQuery { statuses: none.clone(), ..all() };
    assert_eq!(ids(storage, &query).await, [0_i64; 0]);
    assert_eq!(storage.get_batch_ticks(&["s".to_owned()], None, &none).await.unwrap(), []);
    assert_eq!(storage.purge_ticks("origin-s", "s", at(9), &none).await.unwrap(), 0);
    assert_eq!(ids(storage, &all()).await, stored);
}
