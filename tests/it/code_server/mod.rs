//! Real code servers: runs that we launch from them are those that Dagster launches, they are followed, canceled, and
//! found when they are lost.

mod canceled;
pub(crate) mod dequeued;
mod equal_rows;
mod late_failures;
mod launch_state;
pub(crate) mod launched;
mod managed;
mod retried;
pub(crate) mod server;
mod tls;
mod transport;
mod wire;
