//! Cases about the store of schedules as a whole.

use crate::scheduling::TickStatus;
use crate::storage::{EvaluationsPage, InstigatorFilter, ScheduleStorage};
use crate::testing::samples::{asset, at, evaluation, sensor, stamp, tick};

/// A wipe leaves nothing, and then the store is used as before.
pub async fn a_wipe_of_schedules_leaves_nothing(storage: &dyn ScheduleStorage) {
    let state = sensor("watch");
    for _ in 0..2 {
        storage.add_instigator_state(&state, at(0)).await.unwrap();
        let tick = storage.create_tick(&tick("s", TickStatus::Success, stamp(1))).await.unwrap();
        let found = [evaluation(asset("a").into(), "x")];
        storage.add_auto_materialize_asset_evaluations(1, &found).await.unwrap();

        storage.wipe().await.unwrap();
        let all = InstigatorFilter::default();
        assert_eq!(storage.all_instigator_state(&all).await.unwrap(), []);
        assert_eq!(storage.get_instigator_state(&state.selector_id()).await.unwrap(), None);
        assert_eq!(storage.get_tick(tick.tick_id).await.unwrap(), None);
        let page = EvaluationsPage { key: asset("a").into(), cursor: None, limit: 9 };
        assert_eq!(storage.get_auto_materialize_asset_evaluations(&page).await.unwrap(), []);
        assert!(!storage.schema_revision().await.unwrap().is_empty());
    }
}
