//! Monitoring: what is decided about a run, and how it is done.

mod decisions;
mod looks;
mod slots;
