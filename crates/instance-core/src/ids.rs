//! Identifiers: what names a run, a snapshot or a row.

use crate::serdes::{Pack, Reader, SerdesError, Unpack, Writer};

/// Declares a newtype over text that is stored as a plain string.
macro_rules! text_id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Pack for $name {
            fn pack(&self, writer: &mut Writer) {
                writer.string(&self.0);
            }
        }

        impl Unpack for $name {
            fn unpack(reader: &mut Reader<'_>) -> Result<Self, SerdesError> {
                String::unpack(reader).map(Self)
            }
        }
    };
}

text_id! {
    /// The id of a run: a UUID in a run that was created, any text in a row that was read.
    RunId
}

text_id! {
    /// The id of a job or execution plan snapshot: the SHA-1 of its text, in hexadecimal.
    SnapshotId
}

impl RunId {
    /// The id under which Dagster stores events that belong to no run.
    pub fn runless() -> Self {
        Self(String::new())
    }

    /// Whether the id is a UUID, as every id that Dagster creates is.
    pub fn is_uuid(&self) -> bool {
        uuid::Uuid::try_parse(&self.0).is_ok()
    }
}

impl SnapshotId {
    /// The id of a snapshot with this text.
    pub fn of_text(text: &str) -> Self {
        Self(sha1_hex(&[text]))
    }
}

/// The id of a definition of partitions by its keys in their order, as Dagster computes it: the SHA-1 of the list as
/// Python writes it in JSON.
pub fn partition_keys_id(keys: &[String]) -> String {
    sha1_hex(&[&crate::serdes::serialize_value(&keys.to_vec())])
}

/// The SHA-1 of the joined parts, in hexadecimal.
pub(crate) fn sha1_hex(parts: &[&str]) -> String {
    use sha1::Digest;
    use std::fmt::Write;

    let mut hash = sha1::Sha1::new();
    for part in parts {
        hash.update(part.as_bytes());
    }
    let mut text = String::with_capacity(40);
    for byte in hash.finalize() {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The id of a row in the event log. It grows with every insert into one database file. Each file of a run has ids
/// of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StorageId(pub i64);

impl std::fmt::Display for StorageId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Pack for StorageId {
    fn pack(&self, writer: &mut Writer) {
        writer.integer(self.0);
    }
}

impl Unpack for StorageId {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self, SerdesError> {
        reader.integer().map(Self)
    }
}
