//! How a code server is started for code that a workspace names: with which Python interpreter, which command line and which
//! environment.
//!
//! Not here: asking the server whether it is ready, and ending it, for which it has to be spoken to.
//!
//! `interpreter` finds the interpreter, `command` makes the command line.

mod command;
mod interpreter;

pub use command::{CodeServerCommand, CodeServerEndpoint, CodeServerKind};
pub use interpreter::{Interpreter, InterpreterSearch, NoInterpreter};
