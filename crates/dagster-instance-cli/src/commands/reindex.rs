//! `reindex`: builds the secondary indexes that are not marked as built.

use std::io::Write;

use dagster_instance::ReindexProgress;
use dagster_instance::storage::Only;

use super::index_progress::{IndexProgress, Resume, print_built};
use crate::args::Reindex;
use crate::open::InstancePlace;
use crate::{Result, json, open, report, text};

pub(crate) async fn run(place: &InstancePlace, args: &Reindex) -> Result<()> {
    let instance = open::existing(place).await?;
    let request = dagster_instance::Reindex::new()
        .with_indexes(Only::any_if_empty(args.indexes.clone()))
        .with_force(args.force)
        .with_resume(args.resume.clone());
    let mut said = IndexProgress::new(Resume::ByOption);
    let mut progress = |at: ReindexProgress| said.say(at);
    let done = instance.reindex(&request, &mut progress).await;
    if let (Err(_), Some(resume)) = (&done, said.resume()) {
        report::say(&text::lines(&format!("What was built stays; {resume} goes on from there.")));
    }
    let done = done?;
    let mut out = std::io::stdout().lock();
    if args.output.json {
        for index in &done {
            writeln!(out, "{}", json::reindexed(index))?;
        }
        return Ok(());
    }
    print_built(&mut out, &done)
}
