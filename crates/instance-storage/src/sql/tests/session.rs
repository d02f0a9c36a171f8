//! Statements about a connection itself.

use super::compare;
use crate::sql::session::{BEGIN, IDENTITY, PROCESS, Scope, set};

#[test]
fn a_connection() {
    let settings = [("TimeZone", "Asia/Seoul"), ("search_path", r#"a, "b'\""#)];
    let of_session = set(settings, Scope::Session);
    let of_transaction = set(settings, Scope::Transaction);
    let texts = [IDENTITY, PROCESS, BEGIN, &of_session, &of_transaction];
    compare("session", &format!("-- Postgres\n{};", texts.join(";\n")));
}
