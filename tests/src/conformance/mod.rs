//! The server behind the conformance bridge: our storages, called as Dagster's own test suites call theirs.
//!
//! The suites run in Python, on storages that send every call as a line of JSON over a Unix socket. Here
//! a line is read, dispatched to the storage traits, and answered. Not here: the Python side, which says
//! what the lines look like, and any behaviour of a storage: what a suite finds wrong is wrong in a
//! storage, unless the types between could not carry it.
//!
//! A request is `{"id", "h": handle, "m": method, "a": arguments, "now", "print"}`, an answer
//! `{"id", "ok": result}` or `{"id", "err": {"type", "msg", "data", "trace"}}`. Values of Dagster's serdes
//! classes travel as `{"__s__": text}`, records that serdes does not know as `{"__rec__": name, ..fields}`.

mod connection;
pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod envelope;
pub(crate) mod errors;
pub(crate) mod event_log;
pub(crate) mod filters;
mod handles;
pub(crate) mod runs;
pub(crate) mod schedules;
mod schema;

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::net::UnixListener;

use connection::Connection;
use handles::Handles;

/// A server that listens on a socket.
#[derive(Debug)]
pub struct Server {
    listener: UnixListener,
    handles: Arc<Handles>,
}

impl Server {
    /// Listens on a socket at this path, in the place of what a server before has left there.
    ///
    /// Has to be called within a runtime.
    ///
    /// # Errors
    ///
    /// The path cannot be cleared, or no socket can be made there.
    pub fn bind(path: &Path) -> io::Result<Self> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        Ok(Self { listener, handles: Arc::new(Handles::default()) })
    }

    /// Serves every connection, until accepting one fails. What is opened on one connection can be used
    /// on all.
    ///
    /// # Errors
    ///
    /// A connection cannot be accepted.
    pub async fn run(self) -> io::Result<()> {
        loop {
            let (stream, _) = self.listener.accept().await?;
            let connection = Connection::new(stream, Arc::clone(&self.handles));
            tokio::spawn(connection.serve());
        }
    }
}
