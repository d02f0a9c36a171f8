//! Retries: each failed run that is to be retried is executed again, once, whatever keeper or store fails in between.

mod consume;
mod cursor;
mod decide;
mod duty;
mod retry;
mod tracker;

pub use consume::{RetryConsumer, RetryLook};
pub use decide::{RetryFacts, RetryVerdict, missing_will_retry, verdict};
pub use duty::RetriesDuty;
