//! The run domain over stores in memory: what it checks, what it stores, and in which order.

mod change;
mod code_location;
mod command_job;
mod create;
mod find;
mod known_state;
mod managed;
mod planned;
mod pools;
mod reexecute;
mod spans;
mod support;
