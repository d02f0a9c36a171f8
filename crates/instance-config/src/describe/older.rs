//! Keys that say the same: where one of them is said, it holds for the others.

use super::{DescribedSetting, SettingOrigin};

/// The newer key, and the older ones.
const SAME: [(&str, &[&str]); 4] = [
    (
        "concurrency.runs.max_concurrent_runs",
        &["run_queue.max_concurrent_runs", "run_coordinator.config.max_concurrent_runs"],
    ),
    (
        "concurrency.runs.tag_concurrency_limits",
        &["run_queue.tag_concurrency_limits", "run_coordinator.config.tag_concurrency_limits"],
    ),
    (
        "concurrency.pools.op_granularity_run_buffer",
        &[
            "run_queue.block_op_concurrency_limited_runs.op_concurrency_slot_buffer",
            "run_coordinator.config.block_op_concurrency_limited_runs.op_concurrency_slot_buffer",
        ],
    ),
    ("concurrency.pools.default_limit", &["concurrency.default_op_concurrency_limit"]),
];

/// Gives the keys that nobody said what their likes say.
pub(super) fn join(settings: &mut [DescribedSetting]) {
    for (newer, older) in SAME {
        let is_one =
            |setting: &DescribedSetting| setting.key == newer || older.contains(&&*setting.key);
        let said = settings
            .iter()
            .find(|setting| is_one(setting) && setting.origin != SettingOrigin::Default)
            .cloned();
        let Some(said) = said else { continue };
        for setting in settings.iter_mut().filter(|setting| is_one(setting)) {
            if setting.origin == SettingOrigin::Default {
                setting.value = said.value.clone();
                setting.origin = said.origin.clone();
                setting.is_masked = said.is_masked;
            }
        }
    }
}
