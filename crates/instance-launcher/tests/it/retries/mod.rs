//! Retries: what is decided about a failed run, what is remembered, and how it is retried.

mod decisions;
mod looks;
mod world;
