//! The names of captured outputs in a bucket, as Dagster makes them.
//!
//! An output is `PREFIX/storage/KEY/NAME.out`. While its capture goes on, what there is so far is `NAME.out.partial`.
//! Not here: what is in them.

use instance_core::error::StorageError;
use instance_core::storage::{ComputeIoType, ComputeLogKey, ComputeLogPrefix};
use object_store::path::Path;

/// The ending of what a capture that goes on has printed so far.
const PARTIAL: &str = ".partial";

/// Whether an object is a whole output or what there was of it at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of it: the capture has ended.
    Whole,
    /// What there was while the capture went on.
    Partial,
}

/// The name of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ObjectKey {
    /// As S3 has it.
    pub(super) text: String,
    /// The same for the client, which knows no slash at the beginning. The address of the bucket has it instead:
    /// see [`Keys::is_rooted`].
    pub(super) path: Path,
}

/// How keys of captured logs become names of objects.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    /// Names below this prefix. Slashes at its ends, and doubled ones, do not count.
    pub(super) fn below(prefix: &str) -> Self {
        let parts: Vec<_> = prefix.split('/').filter(|part| !part.is_empty()).collect();
        Self { prefix: parts.join("/") }
    }

    /// Whether every name begins with a slash: Dagster puts one behind the prefix even if that is empty.
    pub(super) const fn is_rooted(&self) -> bool {
        self.prefix.is_empty()
    }

    /// The object of an output.
    pub(super) fn of(
        &self,
        log_key: &ComputeLogKey,
        io_type: ComputeIoType,
        extent: Extent,
    ) -> Result<ObjectKey, StorageError> {
        let Some((file_base, namespace)) = log_key.0.split_last() else {
            return Err(StorageError::Unsupported {
                what: "the empty log key".to_owned(),
                reason: "a key has one part or more; the last one names the process".to_owned(),
            });
        };
        let partial = match extent {
            Extent::Whole => "",
            Extent::Partial => PARTIAL,
        };
        let name = format!("{file_base}.{}{partial}", io_type.extension());
        self.key(self.join(namespace, &name))
    }

    /// What the names of all outputs below a prefix begin with. It ends with a slash, so that `a` does not stand
    /// for `ab`.
    pub(super) fn below_prefix(&self, prefix: &ComputeLogPrefix) -> Result<String, StorageError> {
        // It holds for a name below it, if it does for any.
        self.key(self.join(&prefix.0, "x"))?;
        Ok(self.join(&prefix.0, ""))
    }

    /// The name that an object's own name, without what is before its last slash, gives to its key. `None` if the
    /// object is not an output of this kind.
    pub(super) fn name_of(file_name: &str, io_type: ComputeIoType) -> Option<&str> {
        let name = file_name.strip_suffix(PARTIAL).unwrap_or(file_name);
        name.strip_suffix(io_type.extension())?.strip_suffix('.')
    }

    fn join(&self, parts: &[String], name: &str) -> String {
        let mut text = format!("{}/storage/", self.prefix);
        for part in parts {
            text.push_str(part);
            text.push('/');
        }
        text.push_str(name);
        text
    }

    fn key(&self, text: String) -> Result<ObjectKey, StorageError> {
        let unrooted = if self.is_rooted() { text.get(1..).unwrap_or_default() } else { &text };
        match Path::parse(unrooted) {
            // The client leaves out slashes at the ends.
            Ok(path) if path.as_ref() == unrooted => Ok(ObjectKey { text, path }),
            _ => Err(StorageError::Unsupported {
                what: format!("captured logs in S3 as {text:?}"),
                reason: "a part of a key is neither empty nor '.' nor '..', and has no control \
                         characters"
                    .to_owned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(parts: &[&str]) -> ComputeLogKey {
        ComputeLogKey(parts.iter().map(|part| (*part).to_owned()).collect())
    }

    fn check(prefix: &str, parts: &[&str], expect: &str) {
        let keys = Keys::below(prefix);
        let found = keys.of(&key(parts), ComputeIoType::Stdout, Extent::Whole).unwrap();
        assert_eq!(found.text, expect);
        assert_eq!(found.path.as_ref(), expect.trim_start_matches('/'));
        let partial = keys.of(&key(parts), ComputeIoType::Stderr, Extent::Partial).unwrap();
        assert_eq!(partial.text, expect.replace(".out", ".err.partial"));
    }

    #[test]
    fn names_are_those_of_dagster() {
        check("dagster", &["r", "compute_logs", "k"], "dagster/storage/r/compute_logs/k.out");
        check("/a//b/", &["k"], "a/b/storage/k.out");
        check("", &["k"], "/storage/k.out");
        check("//", &["r", "k"], "/storage/r/k.out");
        check("p", &["white space", "ü#%?*", "1.a"], "p/storage/white space/ü#%?*/1.a.out");
        check("p", &["within/a", "part"], "p/storage/within/a/part.out");
    }

    #[test]
    fn a_name_that_the_client_cannot_address_is_refused() {
        let keys = Keys::below("p");
        for parts in [&[][..], &["", "k"], &["..", "k"], &["a", ".", "k"], &["a/", "k"], &["\n"]] {
            let found = keys.of(&key(parts), ComputeIoType::Stdout, Extent::Whole);
            assert!(matches!(found, Err(StorageError::Unsupported { .. })), "{found:?}");
        }
        for parts in [&[""][..], &["a", ".."], &["a/"]] {
            let found = keys.below_prefix(&ComputeLogPrefix(key(parts).0));
            assert!(matches!(found, Err(StorageError::Unsupported { .. })), "{found:?}");
        }
    }

    #[test]
    fn a_prefix_ends_with_a_slash() {
        let prefix = ComputeLogPrefix(key(&["r1", "compute_logs"]).0);
        let below = |keys: &str| Keys::below(keys).below_prefix(&prefix).unwrap();
        assert_eq!(below("p"), "p/storage/r1/compute_logs/");
        assert_eq!(below(""), "/storage/r1/compute_logs/");
    }

    #[test]
    fn the_name_of_a_key_is_found_in_that_of_its_object() {
        let name = |file_name| Keys::name_of(file_name, ComputeIoType::Stdout);
        assert_eq!(name("k.out"), Some("k"));
        assert_eq!(name("k.out.partial"), Some("k"));
        assert_eq!(name("1.a.out"), Some("1.a"));
        assert_eq!(name("k.err"), None);
        assert_eq!(name("about"), None);
        assert_eq!(name("k.err.partial"), None);
    }
}
