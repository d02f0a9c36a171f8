//! Ticks: the evaluations of schedules and sensors.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::MemoryScheduleStorage;
use crate::error::StorageError;
use crate::memory::{RowIds, at_most, in_micros, is_between};
use crate::scheduling::{InstigatorTick, InstigatorTickSummary, TickData, TickStatus};
use crate::serdes::UnknownFields;
use crate::storage::{Only, TickStore, TicksQuery, storable_time};

/// The rows of ticks.
#[derive(Debug, Default)]
pub(in crate::memory) struct Ticks {
    row_ids: RowIds,
    rows: BTreeMap<i64, TickRow>,
}

/// A tick, and that by which it is found.
#[derive(Debug)]
struct TickRow {
    tick: InstigatorTick,
    at: DateTime<Utc>,
    origin_id: String,
    /// `None` for a tick of an old version.
    selector_id: Option<String>,
}

fn selector_of(tick_data: &TickData) -> Option<String> {
    tick_data.selector_id.clone().filter(|id| !id.is_empty())
}

impl TickRow {
    /// Whether the tick is of a schedule or sensor, by its selector, or by its origin if it has no selector.
    fn is_of(&self, origin_id: &str, selector_id: &str) -> bool {
        match &self.selector_id {
            Some(id) => id == selector_id,
            None => self.origin_id == origin_id,
        }
    }

    fn summary(&self) -> InstigatorTickSummary {
        InstigatorTickSummary {
            tick_id: self.tick.tick_id,
            instigator_origin_id: self.origin_id.clone(),
            instigator_type: self.tick.tick_data.instigator_type,
            status: self.tick.tick_data.status,
            timestamp: self.at,
        }
    }
}

impl Ticks {
    pub(super) fn clear(&mut self) {
        self.rows.clear();
    }

    /// The ticks that are meant, newest first, and of one time the one that was written last.
    fn newest(&self, is_meant: impl Fn(&TickRow) -> bool, limit: Option<u64>) -> Vec<&TickRow> {
        let mut found: Vec<_> = self.rows.values().filter(|row| is_meant(row)).collect();
        found.sort_by_key(|row| Reverse((row.at, row.tick.tick_id)));
        found.truncate(at_most(limit));
        found
    }

    fn matching(&self, query: &TicksQuery) -> Vec<&TickRow> {
        let is_meant = |row: &TickRow| {
            row.is_of(&query.origin_id, &query.selector_id)
                && is_between(row.at, query.after, query.before)
                && query.statuses.contains(&row.tick.tick_data.status)
        };
        self.newest(is_meant, query.limit)
    }
}

#[async_trait]
impl TickStore for MemoryScheduleStorage {
    async fn create_tick(&self, tick_data: &TickData) -> Result<InstigatorTick, StorageError> {
        let at = storable_time("the time of a tick", tick_data.timestamp.as_f64())?;
        let mut state = self.shared.lock();
        let tick = InstigatorTick {
            tick_data: tick_data.clone(),
            tick_id: state.ticks.row_ids.next(),
            unknown: UnknownFields::default(),
        };
        let row = TickRow {
            tick: tick.clone(),
            at,
            origin_id: tick_data.instigator_origin_id.clone(),
            selector_id: selector_of(tick_data),
        };
        state.ticks.rows.insert(tick.tick_id, row);
        Ok(tick)
    }

    async fn update_tick(&self, tick: &InstigatorTick) -> Result<(), StorageError> {
        let at = storable_time("the time of a tick", tick.tick_data.timestamp.as_f64())?;
        let mut state = self.shared.lock();
        if let Some(row) = state.ticks.rows.get_mut(&tick.tick_id) {
            row.at = at;
            // What has a selector keeps it.
            row.selector_id = selector_of(&tick.tick_data).or(row.selector_id.take());
            row.tick.tick_data = tick.tick_data.clone();
        }
        Ok(())
    }

    async fn get_tick(&self, tick_id: i64) -> Result<Option<InstigatorTick>, StorageError> {
        Ok(self.shared.lock().ticks.rows.get(&tick_id).map(|row| row.tick.clone()))
    }

    async fn get_ticks_by_ids(
        &self,
        tick_ids: &[i64],
    ) -> Result<Vec<InstigatorTick>, StorageError> {
        let state = self.shared.lock();
        let ids: BTreeSet<_> = tick_ids.iter().collect();
        let rows = ids.into_iter().filter_map(|id| state.ticks.rows.get(id));
        Ok(rows.map(|row| row.tick.clone()).collect())
    }

    async fn get_ticks(&self, query: &TicksQuery) -> Result<Vec<InstigatorTick>, StorageError> {
        let state = self.shared.lock();
        Ok(state.ticks.matching(query).into_iter().map(|row| row.tick.clone()).collect())
    }

    async fn get_tick_summaries(
        &self,
        query: &TicksQuery,
    ) -> Result<Vec<InstigatorTickSummary>, StorageError> {
        Ok(self.shared.lock().ticks.matching(query).into_iter().map(TickRow::summary).collect())
    }

    async fn get_batch_ticks(
        &self,
        selector_ids: &[String],
        limit: Option<u64>,
        statuses: &Only<TickStatus>,
    ) -> Result<Vec<(String, Vec<InstigatorTick>)>, StorageError> {
        let state = self.shared.lock();
        let newest = |selector_id: &String| {
            let is_meant = |row: &TickRow| {
                row.selector_id.as_ref() == Some(selector_id)
                    && statuses.contains(&row.tick.tick_data.status)
            };
            let rows = state.ticks.newest(is_meant, limit);
            let ticks = rows.into_iter().map(|row| row.tick.clone()).collect();
            (selector_id.clone(), ticks)
        };
        let found = selector_ids.iter().map(newest);
        Ok(found.filter(|(_, ticks): &(_, Vec<_>)| !ticks.is_empty()).collect())
    }

    async fn purge_ticks(
        &self,
        origin_id: &str,
        selector_id: &str,
        before: DateTime<Utc>,
        statuses: &Only<TickStatus>,
    ) -> Result<u64, StorageError> {
        let mut state = self.shared.lock();
        let rows = &mut state.ticks.rows;
        let count = rows.len();
        rows.retain(|_, row| {
            !(row.is_of(origin_id, selector_id)
                && row.at < in_micros(before)
                && statuses.contains(&row.tick.tick_data.status))
        });
        Ok((count - rows.len()) as u64)
    }
}
