//! The methods of the instance, one file for each domain; each delegates to its domain's crate.

mod assets;
mod config;
mod events;
mod launcher;
mod runs;
mod scheduling;
mod storage;
