//! Which captures this process has begun and not ended.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use instance_core::storage::ComputeLogKey;

/// The keys of the captures that go on in this process, and how many there are of each.
#[derive(Debug, Clone, Default)]
pub(super) struct RunningKeys(Arc<Mutex<BTreeMap<ComputeLogKey, usize>>>);

impl RunningKeys {
    /// Counts a capture until what this returns is dropped.
    pub(super) fn begin(&self, log_key: &ComputeLogKey) -> Running {
        *self.lock().entry(log_key.clone()).or_insert(0) += 1;
        Running { keys: self.clone(), log_key: log_key.clone() }
    }

    /// Whether a capture of the key goes on.
    pub(super) fn has(&self, log_key: &ComputeLogKey) -> bool {
        self.lock().contains_key(log_key)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ComputeLogKey, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A capture that goes on.
#[derive(Debug)]
pub(super) struct Running {
    keys: RunningKeys,
    log_key: ComputeLogKey,
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut keys = self.keys.lock();
        if let Some(count) = keys.get_mut(&self.log_key) {
            *count -= 1;
            if *count == 0 {
                keys.remove(&self.log_key);
            }
        }
    }
}
