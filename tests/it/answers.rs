//! What the methods of an instance answer, on homes that the real Dagster wrote: the same as Dagster's own.

use std::path::Path;

use dagster_instance::DagsterInstance;
use dagster_instance_tests::{Home, answers, dagster, difference};
use serde_json::Value;

/// The homes of the corpus, and what they have to have so that the comparison says something.
const HOMES: [&str; 5] = ["executed", "daemons", "queued", "stored", "odd"];

/// How many questions have to be asked of all homes together.
const QUESTIONS: usize = 2_000;

/// Asks one question; returns what differs.
async fn different(instance: &DagsterInstance, question: &Value) -> Option<String> {
    let method = question["method"].as_str().expect("a method");
    let arguments = question["args"].as_str().expect("arguments");
    let ours = answers::answer(instance, method, arguments).await;
    if let Some(error) = question.get("error") {
        return ours.is_ok().then(|| format!("{method} {arguments}\n  Dagster fails: {error}"));
    }
    let theirs = question["answer"].as_str().expect("an answer");
    match ours {
        Ok(ours) if ours == theirs => None,
        Ok(ours) => Some(format!("{method} {arguments}\n  {}", difference(theirs, &ours))),
        Err(error) => Some(format!("{method} {arguments}\n  it fails here: {error}")),
    }
}

/// Asks all questions of a home; returns their number, and what differs.
async fn compare(home: &Path) -> (usize, Vec<String>) {
    let asked = dagster("answers.py", &[&home.to_string_lossy()]);
    let asked = asked.as_array().expect("a list of questions");
    let instance = DagsterInstance::builder().home(home).must_exist().open().await;
    let instance = instance.expect("an instance");
    let mut found = Vec::new();
    for question in asked {
        found.extend(different(&instance, question).await);
    }
    instance.dispose().await.expect("to close it");
    (asked.len(), found)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_read_method_answers_as_dagster_does() {
    let homes = Home::new();
    dagster("write_corpus.py", &[&homes.path().to_string_lossy()]);
    let (mut asked, mut different) = (0, Vec::new());
    for name in HOMES {
        let (questions, found) = compare(&homes.path().join(name)).await;
        asked += questions;
        different.extend(found.into_iter().map(|each| format!("{name}: {each}")));
    }
    assert!(different.is_empty(), "{} of {asked}:\n{}", different.len(), different.join("\n"));
    assert!(asked > QUESTIONS, "only {asked} questions were asked");
}
