//! Tokens in the place of a password, by a service of the test's own: what is asked for when, and by what connections are
//! made.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::{join_all, try_join_all};
use instance_core::error::Persistence;
use instance_core::settings::{PostgresSettings, Secret};
use instance_core::{RunId, StorageError};
use instance_storage::{
    PostgresConfig, PostgresLogin, PostgresToken, PostgresTokenError, PostgresTokens,
    StorageContext, Storages,
};
use tokio::sync::Semaphore;

use super::server::{Server, free_port};
use super::{SOON, settings, storages_of, works};
use crate::postgres::run;

/// A service that gives out what the test says.
#[derive(Debug)]
struct Service {
    answer: Mutex<Answer>,
    asked: AtomicUsize,
    logins: Mutex<Vec<PostgresLogin>>,
    /// How many answers it may give.
    gate: Semaphore,
}

#[derive(Debug, Clone)]
enum Answer {
    Token(String, Option<DateTime<Utc>>),
    Failure(Persistence),
}

/// A time at which nothing here has ended.
fn later() -> DateTime<Utc> {
    instance_core::clock::Clock::now(&instance_core::clock::SystemClock) + TimeDelta::hours(1)
}

impl Service {
    /// It has as many answers as anybody asks for.
    fn new(token: &str, until: Option<DateTime<Utc>>) -> Arc<Self> {
        Arc::new(Self {
            answer: Mutex::new(Answer::Token(token.to_owned(), until)),
            asked: AtomicUsize::new(0),
            logins: Mutex::default(),
            gate: Semaphore::new(1_000_000),
        })
    }

    fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl PostgresTokens for Service {
    async fn token(&self, login: &PostgresLogin) -> Result<PostgresToken, PostgresTokenError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.logins.lock().unwrap_or_else(PoisonError::into_inner).push(login.clone());
        self.gate.acquire().await.expect("open").forget();
        match self.answer.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            Answer::Token(token, until) => Ok(PostgresToken::new(Secret::new(token), until)),
            Answer::Failure(persistence) => {
                Err(PostgresTokenError::new(persistence, "the service is asleep"))
            }
        }
    }
}

/// Our storages by tokens, for settings whose password is a wrong one.
fn by_tokens(settings: &PostgresSettings, service: &Arc<Service>) -> Storages {
    let config = PostgresConfig::from_settings(settings).expect("settings");
    let config = config.with_acquire_timeout(SOON).with_tokens(Arc::<Service>::clone(service));
    Storages::open_postgres(&config, StorageContext::default())
}

/// A role and its database on the server, and settings for it with a password that is none.
fn role(server: &Arc<Server>, name: &str, token: &str) -> PostgresSettings {
    server.database(name, token);
    settings(server, name, name, "not the password")
}

/// The role has another password from now on, and its connections end.
fn renew(server: &Server, role: &str, token: &str) {
    let new = format!("ALTER ROLE {role} PASSWORD '{token}'");
    let end = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = '{role}'"
    );
    server.sql("postgres", &[&new, &end]);
}

async fn has(storages: &Storages, run_id: &str) -> Result<bool, StorageError> {
    storages.run_storage().has_run(&RunId::from(run_id)).await
}

/// The texts of an error and of its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_connection_is_made_by_the_token_of_its_time() {
    let server = Server::shared();
    let settings = role(&server, "token_renewed", "first");
    // It has less than five minutes left, so it is asked for again before each connection.
    let soon = || Some(later() - TimeDelta::minutes(56));
    let service = Service::new("first", soon());
    let storages = by_tokens(&settings, &service);
    storages.create().await.expect("by the first token");
    storages.run_storage().add_run(&run("r1"), DateTime::UNIX_EPOCH).await.expect("stored");
    for token in ["second", "third"] {
        service.answers(Answer::Token(token.to_owned(), soon()));
        renew(&server, "token_renewed", token);
        assert!(has(&storages, "r1").await.expect(token));
    }
    // The one before is not let in any more, so it was the third.
    let old = by_tokens(&settings, &Service::new("second", Some(later())));
    let error = has(&old, "r1").await.expect_err("the token has ended");
    assert!(chain(&error).contains("password authentication failed"), "{error:?}");
    let logins = service.logins.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let login = PostgresLogin::new("127.0.0.1", server.port(), "token_renewed");
    assert!(logins.iter().all(|found| *found == login), "{logins:?}");
    for shown in [format!("{storages:?}"), format!("{error:?}"), format!("{old:?}")] {
        assert!(!shown.contains("third") && !shown.contains("second"), "{shown}");
    }
    storages.dispose().await;
    old.dispose().await;
}

/// A kept token that the server refuses is not used again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_refused_is_asked_for_again() {
    let server = Server::shared();
    let settings = role(&server, "token_refused", "first");
    let service = Service::new("first", Some(later()));
    let storages = by_tokens(&settings, &service);
    works_but_stays(&storages).await;
    assert_eq!(service.asked(), 1);
    service.answers(Answer::Token("second".to_owned(), Some(later())));
    renew(&server, "token_refused", "second");
    has(&storages, "works").await.expect_err("by the first token");
    assert!(has(&storages, "works").await.expect("by the second token"));
    assert_eq!(service.asked(), 2);
    storages.dispose().await;
}

async fn works_but_stays(storages: &Storages) {
    storages.create().await.expect("created");
    storages.run_storage().add_run(&run("works"), DateTime::UNIX_EPOCH).await.expect("stored");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_wait_for_one_answer() {
    let server = Server::shared();
    let settings = role(&server, "token_many", "one");
    let service = Service::new("one", Some(later()));
    service.gate.forget_permits(1_000_000);
    let storages = Arc::new(by_tokens(&settings, &service));
    let creating = Arc::clone(&storages);
    let created = tokio::spawn(async move { creating.create().await });
    let waiting = (0..20).map(|_| {
        let storages = Arc::clone(&storages);
        tokio::spawn(async move { has(&storages, "none").await })
    });
    let waiting: Vec<_> = waiting.collect();
    while service.asked() == 0 {
        tokio::task::yield_now().await;
    }
    // The first who asked leaves. The service is not asked again for that.
    created.abort();
    service.gate.add_permits(1);
    let found = try_join_all(waiting).await.expect("all ended");
    assert!(found.iter().all(Result::is_ok), "{found:?}");
    let one_by_one = join_all((0..20).map(|_| has(&storages, "none"))).await;
    assert!(one_by_one.iter().all(Result::is_ok), "{one_by_one:?}");
    assert_eq!(service.asked(), 1);
    storages.dispose().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_fails_is_an_error_with_its_cause() {
    let server = Server::shared();
    let settings = role(&server, "token_failing", "one");
    for persistence in [Persistence::Temporary, Persistence::Permanent] {
        let service = Service::new("unused", Some(later()));
        service.answers(Answer::Failure(persistence));
        let storages = by_tokens(&settings, &service);
        let error = has(&storages, "none").await.expect_err("no token");
        assert_eq!(error.is_temporary(), persistence == Persistence::Temporary, "{error:?}");
        let expected = format!(
            "opening failed on postgresql://token_failing@127.0.0.1:{port}/token_failing: there is no token for \
             token_failing@127.0.0.1:{port}: the service is asleep",
            port = server.port()
        );
        assert_eq!(chain(&error), expected);
        // It is not asked again and again while a caller waits.
        assert_eq!(service.asked(), 1);
        // When it is awake again, all is well.
        service.answers(Answer::Token("one".to_owned(), Some(later())));
        works(&storages).await.expect("a token");
    }
}

/// What is connected goes on without a token.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_outlive_the_service() {
    let server = Server::shared();
    let settings = role(&server, "token_outlived", "one");
    let service = Service::new("one", None);
    let storages = by_tokens(&settings, &service);
    works_but_stays(&storages).await;
    service.answers(Answer::Failure(Persistence::Temporary));
    for _ in 0..3 {
        assert!(has(&storages, "works").await.expect("by the connection that is there"));
    }
    renew(&server, "token_outlived", "two");
    let error = has(&storages, "works").await.expect_err("no connection, and no token");
    assert!(chain(&error).contains("the service is asleep"), "{error:?}");
    service.answers(Answer::Token("two".to_owned(), None));
    assert!(has(&storages, "works").await.expect("a token"));
    storages.dispose().await;
}

/// A service that does not answer is waited for as long as for a connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_silent_is_not_waited_for_for_ever() {
    let server = Server::shared();
    let settings = role(&server, "token_silent", "one");
    let service = Service::new("one", Some(later()));
    service.gate.forget_permits(1_000_000);
    let config = PostgresConfig::from_settings(&settings).expect("settings");
    let config = config
        .with_acquire_timeout(Duration::from_millis(200))
        .with_tokens(Arc::<Service>::clone(&service));
    let storages = Storages::open_postgres(&config, StorageContext::default());
    let error = has(&storages, "none").await.expect_err("no answer");
    assert!(chain(&error).contains("no answer within"), "{}", chain(&error));
    assert!(error.is_temporary(), "{error:?}");
}

/// Each server has a token of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_for_one_server() {
    let server = Server::shared();
    server.database("token_several", "one");
    let (down, up) = (free_port(), server.port());
    let url = format!(
        "postgresql://token_several@/token_several?host=127.0.0.1:{down}&host=127.0.0.1:{up}"
    );
    let service = Service::new("one", Some(later()));
    let storages = by_tokens(&PostgresSettings::from_url(&url).expect("a URL"), &service);
    works(&storages).await.expect("the second");
    let mut ports: Vec<u16> = {
        let logins = service.logins.lock().unwrap_or_else(PoisonError::into_inner);
        logins.iter().map(|login| login.port).collect()
    };
    ports.sort_unstable();
    let mut expected = vec![down, up];
    expected.sort_unstable();
    assert_eq!(ports, expected);
}

/// A follower's own connection, too, is made again by the token of its time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_listens_has_the_token_of_the_time() {
    let server = Server::shared();
    let settings = role(&server, "token_listens", "first");
    let service = Service::new("first", None);
    let storages = by_tokens(&settings, &service);
    storages.create().await.expect("by the first token");
    let _kept = storages.event_log_storage().watch_run(&RunId::from("r1")).await.expect("a watch");
    listens(&server, &[]).await;
    let before = pids(&server);
    service.answers(Answer::Token("second".to_owned(), None));
    renew(&server, "token_listens", "second");
    listens(&server, &before).await;
    storages.dispose().await;
}

/// The connections that listen.
fn pids(server: &Server) -> Vec<serde_json::Value> {
    let select = "SELECT pid FROM pg_stat_activity WHERE datname = 'token_listens' AND query LIKE 'LISTEN %'";
    server.sql("token_listens", &[select]).as_array().cloned().unwrap_or_default()
}

/// Waits until one listens that did not before.
async fn listens(server: &Server, before: &[serde_json::Value]) {
    let found = async {
        while pids(server).iter().all(|pid| before.contains(pid)) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), found).await.expect("somebody listens");
}

/// With TLS, as everywhere but on this machine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_go_by_tls() {
    let server = Arc::new(Server::with_tls());
    server.database("ciphered", "one");
    let url = format!("postgresql://ciphered@127.0.0.1:{}/ciphered?sslmode=require", server.port());
    let service = Service::new("one", Some(later()));
    let storages = by_tokens(&PostgresSettings::from_url(&url).expect("a URL"), &service);
    works(&storages).await.expect("by a token");
    // A role that has a password goes on without a service.
    let url = url.replace("ciphered@", "ciphered:one@");
    works(&storages_of(&url)).await.expect("by a password");
}
