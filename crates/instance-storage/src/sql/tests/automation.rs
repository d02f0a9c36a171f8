//! Statements on evaluations of automation conditions.

use super::{at, check};
use crate::sql::automation::{self, EvaluationRow};

#[test]
fn statements() {
    let row = EvaluationRow {
        asset_key: "[\"demo\"]".to_owned(),
        body: "{}".to_owned(),
        num_requested: Some(3),
    };
    check("automation_upsert", &automation::upsert(7, &row));
    let of_key = |cursor| automation::select_of_key("[\"demo\"]", cursor, 25);
    check("automation_select_of_key", &of_key(None));
    check("automation_select_of_key_behind", &of_key(Some(7)));
    check("automation_select_of_evaluation", &automation::select_of_evaluation(7));
    check("automation_delete", &automation::delete(at()));
}
