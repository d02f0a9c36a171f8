//! The arguments of `reindex`.

use clap::Args;
use clap::builder::PossibleValuesParser;
use dagster_instance::SECONDARY_INDEXES;

use super::Output;

/// Build the secondary indexes that are not marked as built.
///
/// These are data migrations. Without `--index`, they are the four of `dagster instance reindex`: `asset_key_table`,
/// `asset_key_index_columns`, `schedule_ticks_selector_id` and `run_start_end_overwritten`. The others, and the second of
/// these, are part of `migrate`; `migrate --reindex` carries out all. Work is done in small parts, and others can read and
/// write in between. A fresh instance has all indexes.
#[derive(Debug, Args)]
pub(crate) struct Reindex {
    /// Only this index; may be repeated
    #[arg(long = "index", value_name = "NAME", value_parser = PossibleValuesParser::new(SECONDARY_INDEXES))]
    pub(crate) indexes: Vec<String>,

    /// Build those again, too, that are marked as built
    #[arg(long)]
    pub(crate) force: bool,

    /// Go on with an index where an interrupted command was, as that command has said
    #[arg(long, value_name = "NAME:CURSOR", value_parser = parse_resume)]
    pub(crate) resume: Option<(String, String)>,

    #[command(flatten)]
    pub(crate) output: Output,
}

fn parse_resume(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((name, cursor)) if SECONDARY_INDEXES.contains(&name) && !cursor.is_empty() => {
            Ok((name.to_owned(), cursor.to_owned()))
        }
        _ => Err(format!(
            "write NAME:CURSOR with one of the indexes {}",
            SECONDARY_INDEXES.join(", ")
        )),
    }
}
