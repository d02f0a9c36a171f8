//! Statements on schedules and sensors.

use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};

use crate::sql::tables::instigators::{ID, INSTIGATOR_BODY, INSTIGATOR_TYPE, TABLE};

/// The states of all schedules and sensors, or of those of one type.
pub(crate) fn select_instigators(instigator_type: Option<&str>) -> SelectStatement {
    let mut select = Query::select();
    select.columns([ID, INSTIGATOR_BODY]).from(TABLE).order_by(ID, Order::Asc);
    if let Some(instigator_type) = instigator_type {
        select.and_where(Expr::col(INSTIGATOR_TYPE).eq(instigator_type));
    }
    select
}
