//! A store of Dagster's state in one file of text: a journal, in which every change is a line.
//!
//! The state itself is in memory, in the stores of `instance-core`. A change is written to the journal first, and then
//! done. Who opens the journal does all its changes again, in their order and each at its time, and so has the same
//! state. What was acknowledged survives the process, and not the machine: a line is handed to the operating system.
//!
//! This shows what a store of one's own takes: [`stores`](crate) implements every trait of
//! `instance_core::storage`, `call` is the text of a change, and `journal` is the file.

mod call;
mod journal;
mod stores;

pub use journal::Journal;
