//! What the tests share, beside the instance in memory.

use std::error::Error;

use instance_core::error::{Persistence, StorageError};
use instance_core::event::EventLogEntry;
use instance_core::testing::instance::TestInstance;
use instance_core::testing::observed::StoreCall;

/// What every test returns, so that steps of no interest need no words.
pub(crate) type TestResult = Result<(), Box<dyn Error>>;

/// What does not work.
#[derive(Clone, Copy)]
pub(crate) enum Failure {
    Nothing,
    /// Events can be neither stored nor read, as of a disk that has gone away.
    Storing,
    /// No run can be changed.
    Changing,
    /// No entry can be stored whose run or message has this word, whenever it is tried.
    Entries(&'static str),
}

/// From now on this does not work.
pub(crate) fn fail(instance: &TestInstance, failure: Failure) {
    instance.store_calls.refuse(move |call| match (failure, call) {
        (Failure::Storing, StoreCall::StoreEvents(_) | StoreCall::GetRecordsForRun(_))
        | (Failure::Changing, StoreCall::HandleRunEvent(..)) => Err(unavailable()),
        (Failure::Entries(word), StoreCall::StoreEvents(entries)) if any_has(entries, word) => {
            let reason = "not this one".to_owned();
            Err(StorageError::Unsupported { what: "event".to_owned(), reason })
        }
        _ => Ok(()),
    });
}

/// An instance of which something does not work.
pub(crate) fn that_fails(failure: Failure) -> TestInstance {
    let instance = TestInstance::default();
    fail(&instance, failure);
    instance
}

fn any_has(entries: &[EventLogEntry], word: &str) -> bool {
    let has = |entry: &EventLogEntry| {
        entry.run_id.as_str().contains(word) || entry.message().contains(word)
    };
    entries.iter().any(has)
}

/// An error that may be over at another time.
fn unavailable() -> StorageError {
    StorageError::Backend {
        database: "memory".to_owned(),
        operation: "storing",
        persistence: Persistence::Temporary,
        source: "no space".into(),
    }
}
