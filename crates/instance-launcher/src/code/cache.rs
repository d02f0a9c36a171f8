//! The texts of repositories that are kept, so that a repository is asked for once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::repository_text::RepositoryText;
use super::target::GrpcTarget;

/// How many texts are kept. One of many thousand assets has tens of megabytes.
const MOST_TEXTS: usize = 8;

/// A text that is asked for by the first who needs it.
pub(super) type TextCell = Arc<OnceCell<Arc<RepositoryText>>>;

/// Whose text it is. A server with another id may have other code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TextKey {
    pub(super) target: GrpcTarget,
    pub(super) server_id: String,
    pub(super) repository: String,
}

/// The texts of the repositories that were used last.
#[derive(Debug, Default)]
pub(super) struct RepositoryCache(Mutex<VecDeque<(TextKey, TextCell)>>);

impl RepositoryCache {
    /// The text of a repository, which may still have to be asked for. The one that was not used for longest goes away for a
    /// new one; whoever uses it keeps it.
    pub(super) fn text(&self, key: TextKey) -> TextCell {
        self.with(|texts| {
            let known = texts.iter().position(|(known, _)| *known == key);
            let known = known.and_then(|place| texts.remove(place));
            let (key, text) = known.unwrap_or_else(|| (key, TextCell::default()));
            texts.push_back((key, Arc::clone(&text)));
            if texts.len() > MOST_TEXTS {
                texts.pop_front();
            }
            text
        })
    }

    /// Drops the texts of a server.
    pub(super) fn forget(&self, target: &GrpcTarget) {
        self.with(|texts| texts.retain(|(key, _)| key.target != *target));
    }

    fn with<T>(&self, with: impl FnOnce(&mut VecDeque<(TextKey, TextCell)>) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{MOST_TEXTS, RepositoryCache, TextKey};
    use crate::code::GrpcTarget;

    fn key(port: u16, server_id: &str, repository: &str) -> TextKey {
        TextKey {
            target: GrpcTarget::port("localhost", port),
            server_id: server_id.to_owned(),
            repository: repository.to_owned(),
        }
    }

    #[test]
    fn a_text_is_kept_by_its_server_and_its_repository() {
        let cache = RepositoryCache::default();
        let first = cache.text(key(1, "a", "r"));
        assert!(Arc::ptr_eq(&first, &cache.text(key(1, "a", "r"))));
        for other in [key(2, "a", "r"), key(1, "b", "r"), key(1, "a", "s")] {
            assert!(!Arc::ptr_eq(&first, &cache.text(other)));
        }
        let of_other = cache.text(key(2, "a", "r"));
        cache.forget(&GrpcTarget::port("localhost", 1));
        assert!(!Arc::ptr_eq(&first, &cache.text(key(1, "a", "r"))));
        assert!(Arc::ptr_eq(&of_other, &cache.text(key(2, "a", "r"))));
    }

    #[test]
    fn the_text_that_was_not_used_for_longest_goes_first() {
        let cache = RepositoryCache::default();
        let (used, unused) = (cache.text(key(0, "a", "used")), cache.text(key(0, "a", "unused")));
        for number in 1..MOST_TEXTS {
            cache.text(key(0, "a", "used"));
            cache.text(key(u16::try_from(number).unwrap(), "a", "r"));
        }
        assert!(Arc::ptr_eq(&used, &cache.text(key(0, "a", "used"))));
        assert!(!Arc::ptr_eq(&unused, &cache.text(key(0, "a", "unused"))));
    }
}
