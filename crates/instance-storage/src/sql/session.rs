//! Statements about a connection to Postgres itself: what is behind it, and which settings it has.

use std::fmt::Write as _;

use crate::sql::literal;

/// What a server is: the number of the process that answers, whether it takes no writes, and whether it follows another.
pub(crate) const IDENTITY: &str = "SELECT pg_backend_pid()::text, current_setting('transaction_read_only'), pg_is_in_recovery()::text";

/// The number of the process that answers.
pub(crate) const PROCESS: &str = "SELECT pg_backend_pid()::text";

/// Begins a transaction. Each of its statements sees what was committed when it begins, also where a role has another
/// default: a writer of events waits for its turn first, and then has to see what the one before it has written.
pub(crate) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// Ends a transaction, so that all of it holds.
pub(crate) const COMMIT: &str = "COMMIT";

/// Ends a transaction, so that nothing of it holds.
pub(crate) const ROLLBACK: &str = "ROLLBACK";

/// Limits how long the transaction may be left alone, unless something else limits it; with a semicolon in front. Only a
/// program that is frozen, or whose host is gone, leaves one alone that writes. It would keep its locks, for which all
/// writers of events wait, until a person ends it.
pub(crate) const LIMIT_IDLE: &str = "; SELECT set_config('idle_in_transaction_session_timeout', '10s', true) \
     WHERE current_setting('idle_in_transaction_session_timeout') = '0'";

/// How long settings hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// As long as the connection.
    Session,
    /// As long as the transaction.
    Transaction,
}

/// Statements that give a connection its settings, each with a semicolon in front.
pub(crate) fn set<'s>(
    settings: impl IntoIterator<Item = (&'s str, &'s str)>,
    scope: Scope,
) -> String {
    let is_local = matches!(scope, Scope::Transaction);
    let mut statements = String::new();
    for (name, value) in settings {
        // Not SET: it would take a list, such as that of `search_path`, for one name.
        // Writing to a string does not fail.
        let _ =
            write!(statements, "; SELECT set_config({}, {}, {is_local})", text(name), text(value));
    }
    statements
}

/// A text as SQL has it, whatever is in it and however the server reads backslashes.
pub(crate) fn text(value: &str) -> String {
    let mut sql = String::new();
    literal::quote(&mut sql, value);
    sql
}
