//! What many runs have alike, such as tags and pools: it is in memory once.
//!
//! A decision about thousands of runs then reads few places of the memory, which the processor keeps at hand.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

/// The values that somebody has now, each once.
#[derive(Debug)]
pub(super) struct Shared<T>(HashSet<Arc<T>>);

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(HashSet::new())
    }
}

impl<T: Eq + Hash> Shared<T> {
    /// A value, which is the one that others have if it is equal.
    pub(super) fn share(&mut self, value: T) -> Arc<T> {
        if let Some(known) = self.0.get(&value) {
            return Arc::clone(known);
        }
        let value = Arc::new(value);
        self.0.insert(Arc::clone(&value));
        value
    }

    /// Forgets the values that nobody has any more.
    pub(super) fn forget_unused(&mut self) {
        self.0.retain(|value| Arc::strong_count(value) > 1);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Shared;

    #[test]
    fn equal_values_are_one_and_are_forgotten_with_their_last_user() {
        let mut shared = Shared::default();
        let (first, again, other) = (
            shared.share("a".to_owned()),
            shared.share("a".to_owned()),
            shared.share("b".to_owned()),
        );
        assert!(Arc::ptr_eq(&first, &again) && !Arc::ptr_eq(&first, &other));
        drop((first, other));
        shared.forget_unused();
        assert_eq!(shared.0.iter().map(|value| value.as_str()).collect::<Vec<_>>(), ["a"]);
        drop(again);
        shared.forget_unused();
        assert!(shared.0.is_empty());
    }
}
