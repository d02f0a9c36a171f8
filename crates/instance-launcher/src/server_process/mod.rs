//! How a code server is started for code that a workspace names, and ended: with which Python interpreter, which command line
//! and which environment.
//!
//! `interpreter` finds the interpreter, `command` makes the command line, `directory` is where the server listens, `output`
//! passes on what it prints, and `process` starts it, keeps it going and ends it. The last three need the feature `grpc`, as the
//! server has to be spoken to.

mod command;
#[cfg(feature = "grpc")]
mod directory;
mod interpreter;
#[cfg(feature = "grpc")]
mod output;
#[cfg(feature = "grpc")]
mod process;

pub use command::{CodeServerCommand, CodeServerEndpoint, CodeServerKind};
pub use interpreter::{Interpreter, InterpreterSearch, NoInterpreter};
#[cfg(feature = "grpc")]
pub use output::ServerOutput;
#[cfg(feature = "grpc")]
pub(crate) use process::{ServerProcess, ServerStart};
