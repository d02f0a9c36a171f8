//! The methods of the instance that its domains have, one file for each; each delegates to a function.
//!
//! `cargo xtask codegen` writes these files.

mod assets;
mod config;
mod events;
mod launcher;
mod runs;
mod scheduling;
mod storage;
