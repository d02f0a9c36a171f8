//! Statements on evaluations of automation conditions.

use super::{check, time};
use crate::sql::automation::{self, EvaluationRow};

#[test]
fn statements() {
    let row = EvaluationRow {
        asset_key: "[\"demo\"]".to_owned(),
        body: "{}".to_owned(),
        num_requested: Some(3),
    };
    check("automation_upsert", &automation::upsert(7, &row));
    check("automation_select_of_key", &automation::select_of_key("[\"demo\"]", Some(7), 25));
    check("automation_select_of_evaluation", &automation::select_of_evaluation(7));
    check("automation_delete", &automation::delete(time()));
}
