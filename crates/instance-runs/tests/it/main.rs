//! The run domain over stores in memory: what it checks, what it stores, and in which order.

mod change;
mod command_job;
mod create;
mod fake;
mod find;
mod managed;
mod planned;
mod pools;
