//! Lists that are too long to be bound one by one.

use sea_query::{Expr, ExprTrait, Query};

use super::check;
use crate::sql::{is_one_of, is_one_of_ids, members};

#[test]
fn a_long_list_is_one_value() {
    let texts = ["a", "it's \"x\" \\ \u{1}", "é🦀"];
    check("lists_members_texts", &members(texts.into_iter(), |member| member));
    let ids = ["1", "-9007199254740993"];
    check("lists_members_ids", &members(ids.into_iter(), |member| member.cast_as("bigint")));
}

/// How many values a statement binds, whatever their number.
#[test]
fn a_list_of_any_length_binds_few_values() {
    let bound = |condition: Expr| {
        let select = Query::select().column("a").from("b").and_where(condition).take();
        select.build(sea_query::SqliteQueryBuilder).1.0.len()
    };
    for (length, expected) in [(0, 2), (1, 1), (1_000, 1_000), (1_001, 1), (70_000, 1)] {
        let texts: Vec<String> = (0..length).map(|number| number.to_string()).collect();
        assert_eq!(bound(is_one_of("a", texts.iter().map(String::as_str))), expected);
        assert_eq!(bound(is_one_of_ids("a", texts.iter().map(|_| 1))), expected);
    }
}
