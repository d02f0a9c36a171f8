//! Finds the tables of a server whose ids have 32 bits, and what keeps them from getting 64. Nothing is changed.

use std::collections::BTreeMap;

use instance_core::error::StorageError;

use super::session::Session;
use crate::sql::schema::history::fresh::created_table;
use crate::sql::schema::history::server::Action;
use crate::sql::schema::history::server::widening::{Narrow, Narrows, wide_columns};
use crate::sql::schema::server::widening as statements;
use crate::sql::tables::{asset_event_tags, event_logs};

impl Session {
    /// Which tables have ids of 32 bits, when the actions are carried out that are planned.
    pub(super) async fn narrows(&mut self, planned: &[Action]) -> Result<Narrows, StorageError> {
        let (mut found, mut parts) = (BTreeMap::<String, Narrow>::new(), Vec::new());
        for row in self.texts(&statements::narrow(&wide_columns())).await? {
            let mut row = row.into_iter();
            let mut next = || row.next().unwrap_or_default();
            let (table, column, kind) = (next(), next(), next());
            let (sequence, sequence_type) = (next(), next());
            let mut is = || next() == "true";
            let (is_narrow, is_readable, has_readable_sequence) = (is(), is(), is());
            let narrow = found.entry(table.clone()).or_default();
            narrow.bytes = next().parse().unwrap_or_default();
            narrow.rows = next().parse().unwrap_or_default();
            if is_readable {
                parts.push(statements::greatest_of_column(&table, &column));
            }
            if has_readable_sequence {
                parts.push(statements::greatest_of_sequence(&table, &sequence));
            }
            if kind != "bigint" {
                narrow.columns.push(column);
            }
            if is_narrow {
                narrow.sequences.push(sequence);
            }
            if !sequence_type.is_empty() {
                narrow.sequence_type = Some(sequence_type);
            }
            narrow.table = table;
        }
        if !parts.is_empty() {
            for row in self.texts(&statements::greatest(&parts)).await? {
                if let [table, greatest] = &*row
                    && let Some(narrow) = found.get_mut(table)
                {
                    narrow.greatest = greatest.parse().ok();
                }
            }
        }
        let (tags, events) = (asset_event_tags::TABLE, event_logs::TABLE);
        let mut keys: Vec<String> = self
            .texts(&statements::foreign_keys(tags, events))
            .await?
            .into_iter()
            .flatten()
            .collect();
        // The chain gives the table the narrow column that Dagster's own upgrade gives it.
        let mut created = planned.iter().flat_map(|action| &action.statements);
        if let Some(statement) = created.find(|it| created_table(it) == Some(tags)) {
            found.insert(
                tags.to_owned(),
                Narrow {
                    table: tags.to_owned(),
                    columns: vec![asset_event_tags::EVENT_ID.to_owned()],
                    ..Narrow::default()
                },
            );
            if statement.contains("FOREIGN KEY") {
                keys.push(format!("{tags}_{}_fkey", asset_event_tags::EVENT_ID));
            }
        }
        Ok(Narrows::new(found.into_values().collect(), keys))
    }

    /// Refuses to widen columns that views name: the server would refuse it, too, when it is there.
    pub(super) async fn refuse_views(&mut self, narrows: &Narrows) -> Result<(), StorageError> {
        let columns: Vec<(&str, &str)> = narrows
            .tables
            .iter()
            .flat_map(|it| it.columns.iter().map(|column| (&*it.table, &**column)))
            .collect();
        if columns.is_empty() {
            return Ok(());
        }
        let views = self.texts(&statements::views(&columns)).await?;
        let named: Vec<_> = views
            .iter()
            .filter_map(|row| {
                let [view, table, column] = row.first_chunk()?;
                Some(format!("{view} (of {table}.{column})"))
            })
            .collect();
        if named.is_empty() {
            return Ok(());
        }
        Err(StorageError::Unsupported {
            what: format!("giving ids of {} 64 bits", self.database),
            reason: format!(
                "the server does not change the type of a column that a view names: {}. Drop the views, and create them \
                 again afterwards. Nothing was changed",
                named.join(", ")
            ),
        })
    }
}
