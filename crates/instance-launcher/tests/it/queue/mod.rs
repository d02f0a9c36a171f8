//! Decisions about the queue. A queue is written down, looked into, and changed between two looks.

mod decisions;
mod explanations;
mod reading;
mod world;
