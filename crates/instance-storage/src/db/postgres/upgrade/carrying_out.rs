//! Carrying out one step: a transaction that asks for its lock again and again, or a statement that takes its time.

use std::time::{Duration, Instant};

use instance_core::error::{Persistence, StorageError};
use instance_core::storage::{
    HeldLock, SchemaProgress, SchemaUpgrade, SchemaUpgraded, UpgradeStop,
};

use super::Progress;
use super::session::{Ended, Session, Texts, code};
use crate::sql::schema::history::server::{Action, Manner, tables};
use crate::sql::schema::{self, server};

/// How long to wait before a lock is asked for again, at first; then twice as long each time, to a limit.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How often it is looked at what is waited for.
const LOOK: Duration = Duration::from_millis(250);

/// How many rows of doubled tags are deleted in one transaction.
const ROWS_AT_ONCE: usize = 1_000;

/// How long the server may take to drop what an interrupted build left.
const CLEANING: u32 = 10_000;

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carried {
    Done,
    /// Somebody else was faster, or it has to be tried again: look what there is.
    LookAgain,
}

impl Session {
    pub(super) async fn carry_out(
        &mut self,
        action: &Action,
        how: &SchemaUpgrade,
        progress: Progress<'_>,
        upgraded: &mut SchemaUpgraded,
    ) -> Result<Carried, StorageError> {
        if action.wants_single_tags() {
            self.delete_doubled_tags(how, progress, upgraded).await?;
        }
        match action.manner {
            Manner::Together => {
                let (carried, _) = self.together(action, how, progress, upgraded).await?;
                Ok(carried)
            }
            Manner::Alone => self.alone(action, how, progress, upgraded).await,
        }
    }

    /// Carries out statements in one transaction, which waits for no lock longer than others can bear. Returns how many rows the last
    /// one changed, too.
    async fn together(
        &mut self,
        action: &Action,
        how: &SchemaUpgrade,
        progress: Progress<'_>,
        upgraded: &mut SchemaUpgraded,
    ) -> Result<(Carried, u64), StorageError> {
        let first = action.statements.first().map_or("", String::as_str);
        let mut held = action
            .lock
            .as_ref()
            .map(|(table, lock)| HeldLock::new(first, table.clone(), lock.name()));
        let (start, mut pause) = (Instant::now(), PAUSE);
        let mut in_the_way: Vec<Texts> = Vec::new();
        let mut limit = server::LIMIT_LOCK;
        loop {
            let begin = self.begin(limit);
            let tried =
                self.try_together(action, &begin, &how.stop, &mut held, &mut in_the_way).await;
            let error = match tried {
                Ok((carried, rows)) => {
                    upgraded.locks.extend(held.filter(|_| carried == Carried::Done));
                    return Ok((carried, rows));
                }
                Err(error) => error,
            };
            // What is not committed is not done.
            let rolled_back = self.run(schema::ROLLBACK).await;
            let error = match error {
                Ended::Stopped => return Err(interrupted(&self.database)),
                Ended::Failed(error) if is_of_locks(&error) => error,
                Ended::Failed(error) => return Err(self.error(error)),
            };
            rolled_back?;
            if let Some(held) = &mut held {
                held.tries += 1;
            }
            let gives_way = |row: &Texts| row.last().is_some_and(|text| text == "true");
            limit = if !in_the_way.is_empty() && in_the_way.iter().all(gives_way) {
                server::LIMIT_LOCK_OF_AUTOVACUUM
            } else {
                server::LIMIT_LOCK
            };
            let who = who(&in_the_way);
            if start.elapsed() + pause > how.lock_wait {
                let what = action.lock.as_ref().map_or_else(
                    || "a lock".to_owned(),
                    |(table, lock)| format!("the lock {} on {table}", lock.name()),
                );
                let text = format!(
                    "{what} was not given within {} seconds ({error}). In the way: {who}. What was done before stays: give \
                     the command again, with a longer --lock-wait",
                    how.lock_wait.as_secs()
                );
                return Err(failed(&self.database, text));
            }
            progress(SchemaProgress::Waiting { what: format!("a lock for {first}: {who}") });
            self.pause(pause, &how.stop).await?;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn try_together(
        &mut self,
        action: &Action,
        begin: &str,
        stop: &UpgradeStop,
        held: &mut Option<HeldLock>,
        in_the_way: &mut Vec<Texts>,
    ) -> Result<(Carried, u64), Ended> {
        let of_storage =
            |error: StorageError| Ended::Failed(sqlx::Error::Protocol(error.to_string()));
        sql(self, begin).await?;
        let process = self.process().await.map_err(of_storage)?.unwrap_or_else(|| "0".to_owned());
        let question = server::blockers(&process);
        let mut hear = |answers: Vec<Texts>| {
            if !answers.is_empty() {
                *in_the_way = answers;
            }
        };
        let mut given = Instant::now();
        if let (Some((table, lock)), Some(held)) = (&action.lock, held.as_mut()) {
            let asked = Instant::now();
            let statement = server::lock(table, action.beside, lock.name());
            let locked = self.watched(&statement, Some(&process), stop, &question, &mut hear).await;
            held.waited = held.waited.max(asked.elapsed());
            locked?;
            given = Instant::now();
            if action.rewrites {
                sql(self, server::LIFT_LOCK).await?;
            }
        }
        let mut rows = 0;
        for statement in &action.statements {
            rows = self.watched(statement, Some(&process), stop, &question, &mut hear).await?;
        }
        if action.stamps && rows != 1 {
            sql(self, schema::ROLLBACK).await?;
            return Ok((Carried::LookAgain, 0));
        }
        sql(self, schema::COMMIT).await?;
        if let Some(held) = held {
            held.held = given.elapsed();
        }
        Ok((Carried::Done, rows))
    }

    /// Carries out statements outside of transactions: others go on with the table meanwhile.
    async fn alone(
        &mut self,
        action: &Action,
        how: &SchemaUpgrade,
        progress: Progress<'_>,
        upgraded: &mut SchemaUpgraded,
    ) -> Result<Carried, StorageError> {
        let tables = tables();
        let question = server::builds(&tables);
        // A build that has ended since it was looked may have made it good.
        if let (Some(index), Some((table, _))) = (&action.invalid, &action.lock)
            && !self.left(table).await?.iter().any(|(_, name)| name == index)
        {
            return Ok(Carried::LookAgain);
        }
        let process = if self.keeps_process() { self.process().await? } else { None };
        for statement in &action.statements {
            let start = Instant::now();
            let mut last = None;
            let hear = |builds: Vec<Texts>| {
                let build = builds.iter().find_map(building);
                if build.is_some() && last != build {
                    last.clone_from(&build);
                    build.into_iter().for_each(progress);
                }
            };
            let done =
                self.watched(statement, process.as_deref(), &how.stop, &question, hear).await;
            if let Err(ended) = done {
                return self.clean_up(action, ended).await;
            }
            if let Some((table, lock)) = &action.lock {
                let mut held = HeldLock::new(statement, table.clone(), lock.name());
                held.held = start.elapsed();
                upgraded.locks.push(held);
            }
        }
        Ok(Carried::Done)
    }

    /// Drops what a build left that did not come to its end, as Dagster takes it for a good index.
    async fn clean_up(&mut self, action: &Action, ended: Ended) -> Result<Carried, StorageError> {
        // One that was there before is not ours: somebody else may still be building it.
        let is_of_others =
            matches!(&ended, Ended::Failed(error) if code(error).as_deref() == Some("42P07"));
        if let Some((table, _)) = action.lock.as_ref().filter(|_| !is_of_others) {
            for (said, name) in self.left(table).await? {
                if action.leaves(&name) {
                    self.drop_unfinished(&said).await?;
                }
            }
        }
        let error = match ended {
            Ended::Stopped => return Err(interrupted(&self.database)),
            Ended::Failed(error) => error,
        };
        match code(&error).as_deref() {
            // Somebody has added a tag once more while the index was built, or was in the way of two.
            Some("23505") if action.wants_single_tags() => Ok(Carried::LookAgain),
            Some("40P01" | "42P07" | "42704") => Ok(Carried::LookAgain),
            _ => Err(self.error(error)),
        }
    }

    /// The invalid indexes of a table that nobody builds: how statements say them, and their names.
    async fn left(&mut self, table: &str) -> Result<Vec<(String, String)>, StorageError> {
        let rows = self.texts(&server::left(table)).await?;
        Ok(rows
            .into_iter()
            .filter_map(|row| <[String; 2]>::try_from(row).ok().map(Into::into))
            .collect())
    }

    /// Drops an index that is invalid. If others hold that up, the next upgrade does it.
    async fn drop_unfinished(&mut self, index: &str) -> Result<(), StorageError> {
        let keeps_process = self.keeps_process();
        if keeps_process {
            self.texts(&server::limit_statement(CLEANING)).await?;
        }
        if let Err(error) = self.run(&server::drop_index(index)).await {
            tracing::warn!(
                database = %self.database, index, %error,
                "the unfinished index is left; the next migrate drops it"
            );
        }
        if keeps_process {
            self.texts(&server::limit_statement(0)).await?;
        }
        Ok(())
    }

    /// Deletes the tags of runs that are there once more, but for the first of each.
    async fn delete_doubled_tags(
        &mut self,
        how: &SchemaUpgrade,
        progress: Progress<'_>,
        upgraded: &mut SchemaUpgraded,
    ) -> Result<(), StorageError> {
        let rows = self.texts(server::DOUBLED_TAGS).await?;
        let ids: Vec<String> = rows.into_iter().flatten().collect();
        for ids in ids.chunks(ROWS_AT_ONCE) {
            let action = Action {
                revision: None,
                release: "",
                statements: vec![server::delete_tags(ids)],
                manner: Manner::Together,
                lock: None,
                stamps: false,
                beside: None,
                rewrites: false,
                widens: false,
                invalid: None,
            };
            let (_, rows) = self.together(&action, how, progress, upgraded).await?;
            upgraded.deleted_tags += rows;
            progress(SchemaProgress::DeletedTags { rows: upgraded.deleted_tags });
        }
        Ok(())
    }

    /// Waits for a build on the table of a step that goes on already: of a process that was killed, or of somebody else.
    /// Returns whether there was one.
    pub(super) async fn wait_for_build(
        &mut self,
        action: &Action,
        stop: &UpgradeStop,
        progress: Progress<'_>,
    ) -> Result<bool, StorageError> {
        let Some((table, _)) = &action.lock else {
            return Ok(false);
        };
        let question = server::builds(&tables());
        let keepers = server::keepers(table);
        let (mut has_waited, mut last) = (false, None);
        loop {
            let mut builds = self.asks(&question).await?;
            // A build of another role is not told. What is carried out together does not wait for it without a limit.
            if action.manner == Manner::Alone {
                builds.extend(self.asks(&keepers).await?);
            }
            let Some(build) = builds.iter().find(|build| build.get(1) == Some(table)) else {
                return Ok(has_waited);
            };
            if !has_waited {
                let process = build.first().map_or("0", String::as_str);
                let activity = self.asks(&server::activity(process)).await?;
                let what = format!("a build that goes on: {}", who(&activity));
                progress(SchemaProgress::Waiting { what });
            }
            has_waited = true;
            let at = building(build);
            if last != at {
                last.clone_from(&at);
                at.into_iter().for_each(progress);
            }
            self.pause(LOOK, stop).await?;
        }
    }

    async fn pause(&self, pause: Duration, stop: &UpgradeStop) -> Result<(), StorageError> {
        // Two who wait for each other are not to come back at once.
        let jitter = std::collections::hash_map::RandomState::new();
        let jitter = std::hash::BuildHasher::hash_one(&jitter, 0) % 250;
        let until = Instant::now() + pause + Duration::from_millis(jitter);
        while Instant::now() < until {
            if stop.is_asked() {
                return Err(interrupted(&self.database));
            }
            tokio::time::sleep(LOOK.min(until.saturating_duration_since(Instant::now()))).await;
        }
        Ok(())
    }
}

async fn sql(session: &mut Session, statement: &str) -> Result<(), Ended> {
    let statement = sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned()));
    Ok(statement.execute(session.connection()).await.map(drop)?)
}

/// How far a build is.
fn building(build: &Texts) -> Option<SchemaProgress> {
    let [_, table, phase, done, total, locker] = build.first_chunk()?;
    let phase = if locker == "0" || locker.is_empty() {
        phase.clone()
    } else {
        format!("{phase}: process {locker}")
    };
    let number = |text: &str| text.parse().unwrap_or_default();
    Some(SchemaProgress::Building {
        table: table.clone(),
        phase,
        done: number(done),
        total: number(total),
    })
}

/// Those who are in the way, for people.
fn who(found: &[Texts]) -> String {
    let one = |row: &Texts| {
        let [process, program, state, seconds, query] = row.first_chunk()?;
        let program = if program.is_empty() { String::new() } else { format!(" ({program})") };
        Some(format!("process {process}{program}, {state}, for {seconds} s: {query}"))
    };
    let all: Vec<_> = found.iter().filter_map(one).collect();
    if all.is_empty() { "nobody that could be seen".to_owned() } else { all.join("; ") }
}

/// Whether an error says that a lock was not given, or that two were in the way of each other.
fn is_of_locks(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| code == "55P03" || code == "40P01")
}

fn failed(database: &str, text: String) -> StorageError {
    StorageError::Backend {
        database: database.to_owned(),
        operation: "upgrading",
        persistence: Persistence::Temporary,
        source: text.into(),
    }
}

pub(super) fn interrupted(database: &str) -> StorageError {
    let text = "it was interrupted. What was done stays; give the command again to go on";
    failed(database, text.to_owned())
}

/// The lock of upgrades is gone, so that another process may upgrade the same database.
pub(super) fn unlocked(database: &str) -> StorageError {
    let text = "the connection that keeps other upgrades out was ended (by idle_in_transaction_session_timeout, an administrator or a \
                pooler, perhaps). What was done stays; give the command again to go on";
    failed(database, text.to_owned())
}

/// A step whose work is not there afterwards, again and again.
pub(super) fn undone(database: &str, action: &Action) -> StorageError {
    let statement = action.statements.first().map_or("", String::as_str);
    let text = "it was carried out again and again, and is not done: somebody undoes it, or something else has its name";
    failed(database, format!("{text}: {statement}"))
}
