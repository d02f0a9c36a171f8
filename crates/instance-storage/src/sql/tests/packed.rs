//! Many small rows as one text.

use sea_query::Query;

use super::check_each;
use crate::sql::packed;

#[test]
fn two_columns_are_one_text() {
    let rows = || Query::select().columns(["a", "b"]).from("c").take();
    check_each("packed_packed", |dialect| packed::packed(rows(), ["a", "b"], dialect));
}
