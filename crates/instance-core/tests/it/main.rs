//! The tests of the crate as its users see it: what is stored, byte for byte, and what is refused.

mod assets;
mod classes;
mod daemon;
mod events;
mod fixtures;
#[cfg(feature = "testing")]
mod memory;
mod payloads;
mod robustness;
mod runs;
mod scheduling;
mod selectors;
mod snapshots;
mod support;
mod unknown_fields;
