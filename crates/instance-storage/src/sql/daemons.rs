//! Statements on what daemons remember.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use instance_core::daemon::DaemonHeartbeat;
use instance_core::serdes::serialize_value;
use sea_query::{
    DeleteStatement, Expr, ExprTrait, InsertStatement, OnConflict, Order, Query, SelectStatement,
    UpdateStatement,
};

use crate::sql::bounded::BoundedText;
use crate::sql::capabilities::{Capabilities, Feature};
use crate::sql::tables::{daemon_heartbeats, kvs};
use crate::sql::{Dialect, is_one_of, starts_with};

/// Stores a sign of life in the place of the last one of its kind.
pub(crate) fn upsert_heartbeat(heartbeat: &DaemonHeartbeat, at: DateTime<Utc>) -> InsertStatement {
    Query::insert()
        .into_table(daemon_heartbeats::TABLE)
        .columns([
            daemon_heartbeats::TIMESTAMP,
            daemon_heartbeats::DAEMON_TYPE,
            daemon_heartbeats::DAEMON_ID,
            daemon_heartbeats::BODY,
        ])
        .values_panic([
            at.into(),
            heartbeat.daemon_type.as_str().into(),
            Expr::val(heartbeat.daemon_id.clone()),
            serialize_value(heartbeat).into(),
        ])
        .on_conflict(
            OnConflict::column(daemon_heartbeats::DAEMON_TYPE)
                .update_columns([
                    daemon_heartbeats::TIMESTAMP,
                    daemon_heartbeats::DAEMON_ID,
                    daemon_heartbeats::BODY,
                ])
                .to_owned(),
        )
        .take()
}

/// The texts of a sign of life that may be too long.
pub(crate) fn bounded(heartbeat: &DaemonHeartbeat) -> impl Iterator<Item = BoundedText<'_>> {
    let id = heartbeat.daemon_id.as_deref();
    let id = id.map(|id| BoundedText::column("id of the daemon", id, 255));
    let daemon_type = heartbeat.daemon_type.as_str();
    std::iter::once(BoundedText::column("type of the daemon", daemon_type, 255)).chain(id)
}

/// All signs of life, in the order in which their daemons first gave one, as far as the table knows it.
pub(crate) fn select_heartbeats(has: Capabilities) -> SelectStatement {
    let mut select = Query::select();
    select.from(daemon_heartbeats::TABLE);
    if has.has(Feature::RowIds) {
        select.column(daemon_heartbeats::ID).order_by(daemon_heartbeats::ID, Order::Asc);
    } else {
        select.order_by(daemon_heartbeats::DAEMON_TYPE, Order::Asc);
    }
    select.column(daemon_heartbeats::BODY);
    select
}

/// Deletes all signs of life.
pub(crate) fn delete_heartbeats() -> DeleteStatement {
    Query::delete().from_table(daemon_heartbeats::TABLE).take()
}

/// The values of keys.
pub(crate) fn select_cursors(keys: &BTreeSet<String>) -> SelectStatement {
    Query::select()
        .columns([kvs::KEY, kvs::VALUE])
        .from(kvs::TABLE)
        .and_where(is_one_of(kvs::KEY, keys.iter().map(String::as_str)))
        .take()
}

/// The keys of cursors, which may be too long.
pub(crate) fn bounded_keys<'a>(
    keys: impl Iterator<Item = &'a String>,
) -> impl Iterator<Item = BoundedText<'a>> {
    keys.map(|key| BoundedText::indexed("key of the cursor", key))
}

/// Stores values in the place of those that the keys have; there is at least one, and each key once.
pub(crate) fn upsert_cursors(pairs: &[(&String, &String)]) -> InsertStatement {
    let mut insert = Query::insert();
    insert.into_table(kvs::TABLE).columns([kvs::KEY, kvs::VALUE]);
    for (key, value) in pairs {
        insert.values_panic([key.as_str().into(), value.as_str().into()]);
    }
    insert.on_conflict(OnConflict::column(kvs::KEY).update_column(kvs::VALUE).to_owned());
    insert
}

/// The values of keys that begin with a text.
pub(crate) fn select_cursors_beginning(prefix: &str) -> SelectStatement {
    Query::select()
        .columns([kvs::KEY, kvs::VALUE])
        .from(kvs::TABLE)
        .and_where(starts_with(kvs::KEY, prefix))
        .take()
}

/// Stores a value unless the key has one.
pub(crate) fn insert_cursor(key: &str, value: &str) -> InsertStatement {
    Query::insert()
        .into_table(kvs::TABLE)
        .columns([kvs::KEY, kvs::VALUE])
        .values_panic([key.into(), value.into()])
        .on_conflict(OnConflict::column(kvs::KEY).do_nothing().to_owned())
        .take()
}

/// Replaces a value by another one, if the key has it.
pub(crate) fn update_cursor(key: &str, from: &str, to: &str) -> UpdateStatement {
    Query::update()
        .table(kvs::TABLE)
        .value(kvs::VALUE, to)
        .and_where(Expr::col(kvs::KEY).eq(key))
        .and_where(Expr::col(kvs::VALUE).eq(from))
        .take()
}

/// Takes a value from a key: this one, or any.
pub(crate) fn delete_cursor(key: &str, value: Option<&str>) -> DeleteStatement {
    let mut delete = Query::delete();
    delete.from_table(kvs::TABLE).and_where(Expr::col(kvs::KEY).eq(key));
    if let Some(value) = value {
        delete.and_where(Expr::col(kvs::VALUE).eq(value));
    }
    delete
}

/// The value of a key, which nobody changes until the transaction ends. SQLite has one writer.
pub(crate) fn select_fence(key: &str, dialect: Dialect) -> SelectStatement {
    let mut select = Query::select();
    select.column(kvs::VALUE).from(kvs::TABLE).and_where(Expr::col(kvs::KEY).eq(key));
    if dialect == Dialect::Postgres {
        select.lock_shared();
    }
    select
}
