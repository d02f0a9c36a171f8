//! Cases about pools.

use crate::error::StorageError;
use crate::ids::RunId;
use crate::storage::{
    ClaimedSlotInfo, ConcurrencyClaimStatus, ConcurrencyKeyInfo, ConcurrencySlotStatus,
    MAX_CONCURRENCY_LIMIT, PoolStore,
};
use crate::testing::samples::{AWKWARD, FAR, MANY, all_of, numbered};

fn run_id(name: &str) -> RunId {
    RunId::from(name)
}

async fn claim(storage: &dyn PoolStore, step: &str, priority: Option<i64>) -> bool {
    let claim = storage.claim_concurrency_slot("pool", &run_id("r"), step, priority).await.unwrap();
    assert_eq!(claim.concurrency_key, "pool");
    claim.slot_status == ConcurrencySlotStatus::Claimed
}

async fn free(storage: &dyn PoolStore, step: &str) {
    storage.free_concurrency_slots(&run_id("r"), Some(step)).await.unwrap();
}

async fn info(storage: &dyn PoolStore) -> ConcurrencyKeyInfo {
    let mut infos = storage.get_concurrency_infos(&["pool".to_owned()], None).await.unwrap();
    assert_eq!(infos.len(), 1);
    infos.remove(0)
}

/// The steps that have a slot, and those that wait or have one set aside.
async fn steps(storage: &dyn PoolStore) -> (Vec<String>, Vec<(String, bool)>) {
    let info = info(storage).await;
    let mut claimed: Vec<_> = info.claimed_slots.into_iter().map(|slot| slot.step_key).collect();
    claimed.sort_unstable();
    let pending = info.pending_steps.into_iter();
    let mut pending: Vec<_> = pending
        .map(|step| (step.step_key, step.assigned_timestamp.is_some()))
        .filter(|(step, _)| !claimed.contains(step))
        .collect();
    pending.sort_unstable();
    (claimed, pending)
}

fn waiting(steps: &[(&str, bool)]) -> Vec<(String, bool)> {
    steps.iter().map(|(step, is_assigned)| ((*step).to_owned(), *is_assigned)).collect()
}

/// A pool has the limit that it was given last, and as many slots.
pub async fn a_pool_has_the_limit_that_it_was_given(storage: &dyn PoolStore) {
    assert_eq!(storage.get_pool_limits().await.unwrap(), []);
    for limit in [3, 1, MAX_CONCURRENCY_LIMIT, 0, 2] {
        storage.set_concurrency_slots("pool", limit).await.unwrap();
        let info = info(storage).await;
        assert_eq!((info.limit, info.slot_count), (Some(limit), limit));
        assert!(!info.using_default_limit);
        let limits = storage.get_pool_limits().await.unwrap();
        assert_eq!(limits.len(), 1);
        assert_eq!((limits[0].name.as_str(), limits[0].limit), ("pool", limit));
        assert!(!limits[0].from_default);
    }
    assert_eq!(storage.get_concurrency_keys().await.unwrap(), ["pool".to_owned()].into());
}

/// A limit below zero or above the greatest is refused and changes nothing.
pub async fn a_limit_out_of_bounds_is_refused(storage: &dyn PoolStore) {
    storage.set_concurrency_slots("pool", 2).await.unwrap();
    let before = info(storage).await;
    for limit in [-1, MAX_CONCURRENCY_LIMIT + 1, 1 << 32, FAR, i64::MIN, i64::MAX] {
        for pool in ["pool", "other"] {
            let error = storage.set_concurrency_slots(pool, limit).await.unwrap_err();
            assert!(matches!(error, StorageError::Invalid { .. }), "{limit}: {error:?}");
        }
        assert_eq!(info(storage).await, before);
    }
    assert_eq!(storage.get_concurrency_keys().await.unwrap().len(), 1);
}

/// A pool without a limit of its own takes the default over, follows it, and loses it again; a limit of its
/// own is not one by default.
pub async fn a_pool_may_have_the_default(storage: &dyn PoolStore) {
    for default in [Some(2), Some(3)] {
        storage.initialize_concurrency_limit_to_default("pool", default).await.unwrap();
        let info = info(storage).await;
        assert_eq!((info.limit, info.using_default_limit), (default, true));
        assert_eq!(Some(info.slot_count), default);
        assert!(storage.get_pool_limits().await.unwrap()[0].from_default);
    }
    storage.set_concurrency_slots("own", 1).await.unwrap();
    let limits = storage.get_pool_limits().await.unwrap();
    let mut defaults: Vec<_> =
        limits.iter().map(|pool| (pool.name.as_str(), pool.from_default)).collect();
    defaults.sort_unstable();
    assert_eq!(defaults, [("own", false), ("pool", true)]);
    storage.initialize_concurrency_limit_to_default("pool", None).await.unwrap();
    let info = info(storage).await;
    assert_eq!((info.limit, info.slot_count), (None, 0));
}

/// A pool of which nothing is known would get the default, which is not stored by asking.
pub async fn pools_stand_as_asked_for(storage: &dyn PoolStore) {
    storage.set_concurrency_slots("b", 1).await.unwrap();
    let keys = ["c", "b", "a", "b", "B"].map(str::to_owned);
    let infos = storage.get_concurrency_infos(&keys, Some(7)).await.unwrap();
    let found: Vec<_> = infos
        .iter()
        .map(|info| (info.concurrency_key.as_str(), info.limit, info.using_default_limit))
        .collect();
    let default = |key| (key, Some(7), true);
    assert_eq!(found, [default("c"), ("b", Some(1), false), default("a"), default("B")]);
    assert_eq!(storage.get_concurrency_infos(&[], Some(7)).await.unwrap(), []);
    assert_eq!(storage.get_concurrency_keys().await.unwrap(), ["b".to_owned()].into());
}

/// A pool whose limit was taken away has neither limit nor slots; one that has none is no error.
pub async fn the_limit_of_a_pool_is_taken_away(storage: &dyn PoolStore) {
    storage.set_concurrency_slots("pool", 2).await.unwrap();
    storage.set_concurrency_slots("Pool", 1).await.unwrap();
    for _ in 0..2 {
        storage.delete_concurrency_limit("pool").await.unwrap();
        let info = info(storage).await;
        assert_eq!((info.limit, info.slot_count), (None, 0));
        assert_eq!(storage.get_concurrency_keys().await.unwrap(), ["Pool".to_owned()].into());
    }
}

/// So many steps have a slot as the limit says; others wait, and claiming again changes nothing.
pub async fn slots_are_given_up_to_the_limit(storage: &dyn PoolStore) {
    storage.set_concurrency_slots("pool", 2).await.unwrap();
    for _ in 0..2 {
        for (step, expected) in [("a", true), ("b", true), ("c", false)] {
            assert_eq!(claim(storage, step, None).await, expected, "{step}");
        }
    }
    let claimed = ["a", "b"].map(str::to_owned).to_vec();
    assert_eq!(steps(storage).await, (claimed, waiting(&[("c", false)])));
    assert_eq!(storage.get_concurrency_run_ids().await.unwrap(), [run_id("r")].into());
    let mut slots = info(storage).await.claimed_slots;
    slots.sort_by(|one, other| one.step_key.cmp(&other.step_key));
    assert_eq!(slots[0], ClaimedSlotInfo { run_id: run_id("r"), step_key: "a".to_owned() });
}

/// Looking at a claim changes nothing, not even for a step that is in no pool.
pub async fn a_look_at_a_claim_changes_nothing(storage: &dyn PoolStore) {
    storage.set_concurrency_slots("pool", 1).await.unwrap();
    let look = async |step: &str| {
        storage.check_concurrency_claim("pool", &run_id("r"), step).await.unwrap()
    };
    let nothing = ConcurrencyClaimStatus {
        concurrency_key: "pool".to_owned(),
        slot_status: ConcurrencySlotStatus::Blocked,
        priority: None,
        assigned_timestamp: None,
        enqueued_timestamp: None,
    };
    assert_eq!(look("a").await, nothing);
    assert_eq!(storage.get_concurrency_run_ids().await.unwrap().len(), 0);
    let given = storage.claim_concurrency_slot("pool", &run_id("r"), "a", None).await.unwrap();
    assert_eq!(look("a").await, given);
    let waits = storage.claim_concurrency_slot("pool", &run_id("r"), "b", Some(3)).await.unwrap();
    assert_eq!(look("b").await, waits);
    assert_eq!((waits.priority, waits.assigned_timestamp), (Some(3), None));
    assert!(waits.enqueued_timestamp.is_some());
    assert_eq!(look("A").await, nothing);
}

/// A slot that becomes free is set aside for the greatest priority, and among equals for the longest wait;
/// nobody else gets it in the meantime.
pub async fn a_free_slot_goes_to_the_next_that_waits(storage: &dyn PoolStore) {
    storage.set_concurrency_slots("pool", 1).await.unwrap();
    assert!(claim(storage, "first", None).await);
    for (step, priority) in [
        ("low", Some(-1)),
        ("usual", None),
        ("zero", Some(0)),
        ("high", Some(5)),
        ("high2", Some(5)),
    ] {
        assert!(!claim(storage, step, priority).await, "{step}");
    }
    let mut last = "first";
    for next in ["high", "high2", "usual", "zero", "low"] {
        free(storage, last).await;
        for other in ["high", "high2", "usual", "zero", "low"] {
            if other != next && !claim_is_over(storage, other).await {
                assert!(!claim(storage, other, None).await, "{other} before {next}");
            }
        }
        assert!(claim(storage, next, None).await, "{next}");
        last = next;
    }
}

/// Whether a step waits no more.
async fn claim_is_over(storage: &dyn PoolStore, step: &str) -> bool {
    let claim = storage.check_concurrency_claim("pool", &run_id("r"), step).await.unwrap();
    claim.enqueued_timestamp.is_none()
}

/// All that a run has and waits for goes when it is freed, in all pools, and nothing of other runs.
pub async fn all_slots_of_a_run_are_freed(storage: &dyn PoolStore) {
    for pool in ["pool", "other"] {
        storage.set_concurrency_slots(pool, 2).await.unwrap();
        for (run, step) in [("r", "a"), ("s", "a"), ("r", "b"), ("S", "b")] {
            storage.claim_concurrency_slot(pool, &run_id(run), step, None).await.unwrap();
        }
    }
    storage.free_concurrency_slots(&run_id("r"), None).await.unwrap();
    let ids = storage.get_concurrency_run_ids().await.unwrap();
    assert_eq!(ids, [run_id("S"), run_id("s")].into());
    let keys = ["pool", "other"].map(str::to_owned);
    for info in storage.get_concurrency_infos(&keys, None).await.unwrap() {
        let runs: Vec<_> = info.claimed_slots.iter().map(|slot| slot.run_id.as_str()).collect();
        assert_eq!(runs, ["s"]);
        let next: Vec<_> = info
            .pending_steps
            .iter()
            .filter(|step| step.run_id == run_id("S"))
            .map(|step| step.assigned_timestamp.is_some())
            .collect();
        assert_eq!(next, [true], "{info:?}");
    }
    storage.free_concurrency_slots(&run_id("none"), None).await.unwrap();
}

/// The runs that have slots are found, once each, also after a step that has one is not known to have waited; those that
/// only wait are not.
pub async fn runs_that_have_slots_are_found(storage: &dyn PoolStore) {
    assert_eq!(storage.get_slot_run_ids().await.unwrap(), [].into());
    for pool in ["pool", "other"] {
        storage.set_concurrency_slots(pool, 2).await.unwrap();
        for (run, step) in [("r", "a"), ("s", "a"), ("waits", "a")] {
            storage.claim_concurrency_slot(pool, &run_id(run), step, None).await.unwrap();
        }
    }
    let waiting = storage.get_concurrency_run_ids().await.unwrap();
    assert!(waiting.contains(&run_id("waits")));
    let found = storage.get_slot_run_ids().await.unwrap();
    assert_eq!(found, [run_id("r"), run_id("s")].into());
    storage.free_concurrency_slots(&run_id("r"), None).await.unwrap();
    assert_eq!(storage.get_slot_run_ids().await.unwrap(), [run_id("s")].into());
    storage.free_concurrency_slots(&run_id("s"), Some("a")).await.unwrap();
    assert_eq!(storage.get_slot_run_ids().await.unwrap(), [].into());
}

/// A greater limit lets those in that wait; a smaller one takes slots that are free at once, and others when
/// they become free.
pub async fn a_limit_may_change_while_steps_have_slots(storage: &dyn PoolStore) {
    storage.set_concurrency_slots("pool", 1).await.unwrap();
    assert!(claim(storage, "a", None).await);
    assert!(!claim(storage, "b", None).await);
    assert!(!claim(storage, "c", None).await);
    storage.set_concurrency_slots("pool", 2).await.unwrap();
    assert!(claim(storage, "b", None).await);
    assert!(!claim(storage, "c", None).await);

    storage.set_concurrency_slots("pool", 1).await.unwrap();
    let info = info(storage).await;
    assert_eq!((info.slot_count, info.claimed_slots.len()), (1, 2));
    free(storage, "a").await;
    free(storage, "b").await;
    assert!(claim(storage, "c", None).await);
    assert!(!claim(storage, "d", None).await);
}

/// A pool without slots gives none, and one without a limit has no slots to give.
pub async fn a_pool_without_slots_gives_none(storage: &dyn PoolStore) {
    assert!(!claim(storage, "a", None).await);
    storage.set_concurrency_slots("pool", 0).await.unwrap();
    assert!(!claim(storage, "a", None).await);
    storage.set_concurrency_slots("pool", 1).await.unwrap();
    assert!(claim(storage, "a", None).await);
}

/// Of callers who claim at once so many get a slot as there are, and none gets two.
pub async fn slots_claimed_at_once_are_given_once(storage: &dyn PoolStore) {
    storage.set_concurrency_slots("pool", 3).await.unwrap();
    let steps: Vec<_> = (0..12).map(|number| format!("s{number}")).collect();
    let claims = all_of(steps.iter().map(|step| claim(storage, step, None))).await;
    assert_eq!(claims.iter().filter(|is_given| **is_given).count(), 3);
    let run = &run_id("r");
    let same = all_of((0..6).map(|_| storage.claim_concurrency_slot("pool", run, "same", None)));
    assert_eq!(same.await.iter().filter(|claim| claim.is_err()).count(), 0);
    let info = info(storage).await;
    assert_eq!(info.claimed_slots.len(), 3);
    assert_eq!(info.pending_steps.iter().filter(|step| step.step_key == "same").count(), 1);
}

/// Names of pools, runs and steps that differ in any way are different.
pub async fn awkward_names_of_pools_are_told_apart(storage: &dyn PoolStore) {
    for text in AWKWARD {
        storage.set_concurrency_slots(text, 1).await.unwrap();
        let claim = storage.claim_concurrency_slot(text, &run_id(text), text, None).await.unwrap();
        assert_eq!(claim.slot_status, ConcurrencySlotStatus::Claimed, "{text:?}");
    }
    assert_eq!(storage.get_concurrency_keys().await.unwrap().len(), AWKWARD.len());
    storage.free_concurrency_slots(&run_id("a"), None).await.unwrap();
    let keys: Vec<_> = AWKWARD.iter().map(|text| (*text).to_owned()).collect();
    for info in storage.get_concurrency_infos(&keys, None).await.unwrap() {
        let expected = usize::from(info.concurrency_key != "a");
        assert_eq!(info.claimed_slots.len(), expected, "{info:?}");
    }
}

/// More pools than one statement may bind are asked for.
pub async fn any_number_of_pools_may_be_asked_for(storage: &dyn PoolStore) {
    storage.set_concurrency_slots("pool", 1).await.unwrap();
    assert!(claim(storage, "a", None).await);
    assert!(!claim(storage, "b", None).await);
    let mut keys = numbered("none", MANY);
    keys.push("pool".to_owned());
    let infos = storage.get_concurrency_infos(&keys, Some(3)).await.unwrap();
    assert_eq!(infos.len(), MANY + 1);
    assert_eq!(infos[0].limit, Some(3));
    let last = &infos[MANY];
    assert_eq!((last.limit, last.claimed_slots.len()), (Some(1), 1));
    assert!(last.pending_steps.iter().any(|step| step.step_key == "b"));
}

/// A priority that no column holds leaves no step behind, or is kept; it is never cut off.
pub async fn a_priority_of_any_size_is_kept_or_refused(storage: &dyn PoolStore) {
    storage.set_concurrency_slots("pool", 0).await.unwrap();
    for (step, priority) in [("a", i64::from(i32::MAX)), ("b", i64::from(i32::MIN)), ("c", FAR)] {
        let run_id = run_id(step);
        let claim = storage.claim_concurrency_slot("pool", &run_id, step, Some(priority)).await;
        if let Ok(claim) = claim {
            assert_eq!(claim.priority, Some(priority));
        } else {
            assert_eq!(priority, FAR, "it has 32 bits");
            let ids = storage.get_concurrency_run_ids().await.unwrap();
            assert!(!ids.contains(&run_id));
        }
    }
}
