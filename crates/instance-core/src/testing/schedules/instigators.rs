//! Cases about the states of schedules and sensors.

use crate::error::StorageError;
use crate::scheduling::{InstigatorState, InstigatorStatus, InstigatorType};
use crate::serdes::serialize_value;
use crate::storage::{InstigatorFilter, InstigatorStore, Only};
use crate::testing::samples::{AWKWARD, at, instigator_at, repository, sensor, with_unknown_field};

async fn matching(storage: &dyn InstigatorStore, filter: &InstigatorFilter) -> Vec<String> {
    let found = storage.all_instigator_state(filter).await.unwrap();
    found.iter().map(|state| state.name().to_owned()).collect()
}

fn stopped(state: &InstigatorState) -> InstigatorState {
    InstigatorState { status: InstigatorStatus::Stopped, ..state.clone() }
}

/// A state comes back byte for byte, by its selector.
pub async fn a_state_is_read_as_it_was_stored(storage: &dyn InstigatorStore) {
    let state = with_unknown_field(&sensor("watch"));
    storage.add_instigator_state(&state, at(0)).await.unwrap();
    let stored = storage.get_instigator_state(&state.selector_id()).await.unwrap().unwrap();
    assert_eq!(serialize_value(&stored), serialize_value(&state));
    for id in ["", "none", &state.selector_id().to_uppercase(), &state.instigator_origin_id()] {
        assert_eq!(storage.get_instigator_state(id).await.unwrap(), None, "{id:?}");
    }
}

/// An origin has one state; a second one is refused, and the first one stays as it is.
pub async fn a_second_state_of_an_origin_is_refused_and_changes_nothing(
    storage: &dyn InstigatorStore,
) {
    let first = sensor("watch");
    storage.add_instigator_state(&first, at(0)).await.unwrap();
    let error = storage.add_instigator_state(&stopped(&first), at(1)).await.unwrap_err();
    let origin_id = first.instigator_origin_id();
    assert!(
        matches!(&error, StorageError::AlreadyExists { id, .. } if *id == origin_id),
        "{error:?}"
    );
    let all = storage.all_instigator_state(&InstigatorFilter::default()).await.unwrap();
    assert_eq!(all, [first]);
}

/// Another way to the same code, and so another origin of the same selector.
fn moved(state: &InstigatorState) -> InstigatorState {
    use crate::run::{CodeLocationOrigin, GrpcServerCodeLocationOrigin};

    let mut moved = state.clone();
    moved.origin.repository_origin.code_location_origin =
        CodeLocationOrigin::GrpcServer(GrpcServerCodeLocationOrigin {
            additional_metadata: None,
            host: "host".to_owned(),
            location_name: "location".to_owned(),
            port: Some(4000),
            socket: None,
            use_ssl: None,
            unknown: crate::serdes::UnknownFields::default(),
        });
    assert_eq!(moved.selector_id(), state.selector_id());
    assert_ne!(moved.instigator_origin_id(), state.instigator_origin_id());
    moved
}

/// Two origins of the same selector have one state, the last one.
pub async fn a_state_survives_a_move_of_its_code(storage: &dyn InstigatorStore) {
    let old = sensor("watch");
    storage.add_instigator_state(&old, at(0)).await.unwrap();
    let new = stopped(&moved(&old));
    storage.add_instigator_state(&new, at(1)).await.unwrap();
    let found = storage.get_instigator_state(&old.selector_id()).await.unwrap();
    assert_eq!(found.as_ref(), Some(&new));
    let all = storage.all_instigator_state(&InstigatorFilter::default()).await.unwrap();
    assert_eq!(all, [new]);
}

/// A changed state is found with its new body and status, in its old place.
pub async fn a_changed_state_takes_the_place_of_the_stored_one(storage: &dyn InstigatorStore) {
    storage.add_instigator_state(&sensor("a"), at(0)).await.unwrap();
    storage.add_instigator_state(&sensor("b"), at(0)).await.unwrap();
    let changed = with_unknown_field(&stopped(&sensor("a")));
    storage.update_instigator_state(&changed, at(1)).await.unwrap();
    let all = storage.all_instigator_state(&InstigatorFilter::default()).await.unwrap();
    assert_eq!(serialize_value(&all[0]), serialize_value(&changed));
    assert_eq!(all[1..], [sensor("b")]);
    let filter = InstigatorFilter {
        statuses: Only::one(InstigatorStatus::Stopped),
        ..InstigatorFilter::default()
    };
    assert_eq!(matching(storage, &filter).await, ["a"]);
}

/// What has no state is neither changed nor deleted, and the error names the selector.
pub async fn a_change_of_an_unknown_state_is_refused(storage: &dyn InstigatorStore) {
    let unknown = sensor("a");
    let (origin_id, selector_id) = (unknown.instigator_origin_id(), unknown.selector_id());
    let is_about = |error: &StorageError| matches!(error, StorageError::NotFound { id, .. } if *id == selector_id);
    let error = storage.update_instigator_state(&unknown, at(0)).await.unwrap_err();
    assert!(is_about(&error), "{error:?}");
    let error = storage.delete_instigator_state(&origin_id, &selector_id).await.unwrap_err();
    assert!(is_about(&error), "{error:?}");
    assert_eq!(matching(storage, &InstigatorFilter::default()).await, Vec::<String>::new());
}

/// Each filter alone finds what it says, oldest first; several have to hold together; and a status is
/// looked for as it is stored.
pub async fn filters_find_the_states_that_match(storage: &dyn InstigatorStore) {
    use InstigatorStatus::{AutomaticallyRunning, DeclaredInCode, Running, Stopped};
    use InstigatorType::{AutoMaterialize, Schedule, Sensor};

    for (location, name, kind, status) in [
        ("one", "a", Schedule, Running),
        ("one", "b", Sensor, Stopped),
        ("two", "c", Sensor, Running),
        ("two", "d", Schedule, DeclaredInCode),
        ("two", "e", Schedule, AutomaticallyRunning),
    ] {
        let state = instigator_at(location, name, kind, status);
        storage.add_instigator_state(&state, at(0)).await.unwrap();
    }
    let all = InstigatorFilter::default;
    let two = Some(repository("two", "repository").selector().id());
    let cases: Vec<(InstigatorFilter, &[&str])> = vec![
        (all(), &["a", "b", "c", "d", "e"]),
        (InstigatorFilter { repository_selector_id: two.clone(), ..all() }, &["c", "d", "e"]),
        (InstigatorFilter { repository_selector_id: Some(String::new()), ..all() }, &[]),
        (InstigatorFilter { instigator_type: Some(Sensor), ..all() }, &["b", "c"]),
        (InstigatorFilter { instigator_type: Some(AutoMaterialize), ..all() }, &[]),
        (InstigatorFilter { statuses: Only::one(Running), ..all() }, &["a", "c"]),
        (InstigatorFilter { statuses: Only::one(DeclaredInCode), ..all() }, &["d"]),
        (
            InstigatorFilter { statuses: Only::these([Stopped, AutomaticallyRunning]), ..all() },
            &["b", "e"],
        ),
        (
            InstigatorFilter {
                repository_selector_id: two,
                instigator_type: Some(Schedule),
                statuses: Only::these([DeclaredInCode, Running]),
            },
            &["d"],
        ),
    ];
    for (filter, expected) in cases {
        assert_eq!(matching(storage, &filter).await, expected, "{filter:?}");
    }
}

/// A deleted state is gone, others stay, and it may be added again.
pub async fn a_deleted_state_is_gone(storage: &dyn InstigatorStore) {
    let (a, b) = (sensor("a"), sensor("b"));
    storage.add_instigator_state(&a, at(0)).await.unwrap();
    storage.add_instigator_state(&b, at(0)).await.unwrap();
    let (origin_id, selector_id) = (a.instigator_origin_id(), a.selector_id());
    storage.delete_instigator_state(&origin_id, &selector_id).await.unwrap();
    assert_eq!(storage.get_instigator_state(&selector_id).await.unwrap(), None);
    assert_eq!(matching(storage, &InstigatorFilter::default()).await, ["b"]);
    storage.add_instigator_state(&a, at(1)).await.unwrap();
    assert_eq!(storage.get_instigator_state(&selector_id).await.unwrap(), Some(a));
}

/// The state of a selector goes with the last of its origins.
pub async fn a_state_stays_while_another_origin_has_it(storage: &dyn InstigatorStore) {
    let old = sensor("watch");
    let new = moved(&old);
    storage.add_instigator_state(&old, at(0)).await.unwrap();
    storage.add_instigator_state(&new, at(1)).await.unwrap();
    // Dagster notes the selector of an origin only when its state changes.
    storage.update_instigator_state(&new, at(2)).await.unwrap();
    let selector_id = old.selector_id();
    storage.delete_instigator_state(&old.instigator_origin_id(), &selector_id).await.unwrap();
    assert_eq!(storage.get_instigator_state(&selector_id).await.unwrap().as_ref(), Some(&new));
    storage.delete_instigator_state(&new.instigator_origin_id(), &selector_id).await.unwrap();
    assert_eq!(storage.get_instigator_state(&selector_id).await.unwrap(), None);
}

/// Names that differ in any way have states of their own.
pub async fn awkward_names_of_schedules_are_told_apart(storage: &dyn InstigatorStore) {
    for name in AWKWARD {
        storage.add_instigator_state(&sensor(name), at(0)).await.unwrap();
    }
    assert_eq!(matching(storage, &InstigatorFilter::default()).await, AWKWARD);
    for name in AWKWARD {
        let state = sensor(name);
        let found = storage.get_instigator_state(&state.selector_id()).await.unwrap();
        assert_eq!(found, Some(state));
    }
}

/// A list without a status finds no state.
pub async fn a_list_without_a_status_finds_no_state(storage: &dyn InstigatorStore) {
    storage.add_instigator_state(&sensor("watch"), at(0)).await.unwrap();
    let filter =
        InstigatorFilter { statuses: Only::These(Vec::new()), ..InstigatorFilter::default() };
    assert_eq!(matching(storage, &filter).await, [""; 0]);
}
