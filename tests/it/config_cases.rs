//! Set-ups that people have reported, reduced, each with what is right: what Dagster does, or a refusal that says what
//! can be done. `cargo xtask configurations` asks Dagster itself about many more.

mod directories;
mod files;
mod homes;
mod support;
mod unserved;
mod values;
