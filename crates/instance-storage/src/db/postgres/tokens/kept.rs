//! Tokens are kept until shortly before their end, and many callers wait for one answer of the service.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use instance_core::clock::Clock;
use instance_core::error::Persistence;

use super::{PostgresLogin, PostgresToken, PostgresTokenError, PostgresTokens};

/// How long before its end a token is asked for again; Dagster has the same.
const BEFORE_THE_END: TimeDelta = TimeDelta::minutes(5);

/// How long a service may take.
const TIME_OUT: Duration = Duration::from_secs(30);

type Answer = Result<Arc<PostgresToken>, NoToken>;

/// An answer that many wait for. `None` means that asking was broken off: the runtime has ended, or the service panicked.
type Asked = Shared<BoxFuture<'static, Option<Answer>>>;

/// The tokens of a service, each kept until shortly before its end.
pub(in crate::db::postgres) struct KeptTokens {
    service: Arc<dyn PostgresTokens>,
    clock: Arc<dyn Clock>,
    logins: Mutex<HashMap<PostgresLogin, Kept>>,
}

/// What is kept of one login.
#[derive(Default)]
struct Kept {
    token: Option<Arc<PostgresToken>>,
    asked: Option<Asked>,
}

impl KeptTokens {
    pub(in crate::db::postgres) fn new(
        service: Arc<dyn PostgresTokens>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        Arc::new(Self { service, clock, logins: Mutex::default() })
    }

    fn logins(&self) -> MutexGuard<'_, HashMap<PostgresLogin, Kept>> {
        self.logins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A token that is valid now. A service that fails is no error as long as the token before is valid.
    pub(in crate::db::postgres) async fn get(
        self: &Arc<Self>,
        login: &PostgresLogin,
        deadline: Instant,
    ) -> Answer {
        let (asked, before) = {
            let mut logins = self.logins();
            let kept = logins.entry(login.clone()).or_default();
            if let Some(token) = &kept.token
                && self.is_valid(token, BEFORE_THE_END)
            {
                return Ok(Arc::clone(token));
            }
            let asked = kept.asked.get_or_insert_with(|| self.ask(login.clone()));
            (asked.clone(), kept.token.clone())
        };
        let left = deadline.saturating_duration_since(Instant::now());
        let answer = match tokio::time::timeout(left, asked.clone()).await {
            Ok(Some(answer)) => answer,
            Ok(None) => {
                let mut logins = self.logins();
                let kept = logins.get_mut(login);
                // The next caller asks again.
                if let Some(kept) = kept.filter(|kept| is_the_same(kept.asked.as_ref(), &asked)) {
                    kept.asked = None;
                }
                Err(NoToken::of(login, passing("asking for it was broken off")))
            }
            Err(_) => Err(NoToken::of(login, passing(format!("no answer within {left:?}")))),
        };
        match (answer, before) {
            (Err(error), Some(before)) if self.is_valid(&before, TimeDelta::zero()) => {
                tracing::warn!(server = %error.place, cause = %error.reason, "the token before is still used");
                Ok(before)
            }
            (answer, _) => answer,
        }
    }

    /// Does not use a token again that the server has refused.
    pub(in crate::db::postgres) fn forget(
        &self,
        login: &PostgresLogin,
        token: &Arc<PostgresToken>,
    ) {
        if let Some(kept) = self.logins().get_mut(login)
            && kept.token.as_ref().is_some_and(|kept| Arc::ptr_eq(kept, token))
        {
            kept.token = None;
        }
    }

    /// Asks the service by a task of its own: it goes on if whoever was the first to wait for it has left.
    fn ask(self: &Arc<Self>, login: PostgresLogin) -> Asked {
        let kept = Arc::clone(self);
        let task = tokio::spawn(async move {
            let answer = tokio::time::timeout(TIME_OUT, kept.service.token(&login)).await;
            let answer = answer
                .unwrap_or_else(|_| Err(passing(format!("no answer within {TIME_OUT:?}"))))
                .map(Arc::new)
                .map_err(|error| NoToken::of(&login, error));
            let mut logins = kept.logins();
            let of_login = logins.entry(login).or_default();
            of_login.asked = None;
            if let Ok(token) = &answer {
                of_login.token = Some(Arc::clone(token));
            }
            answer
        });
        task.map(Result::ok).boxed().shared()
    }

    fn is_valid(&self, token: &PostgresToken, for_more_than: TimeDelta) -> bool {
        token.valid_until.is_some_and(|until| self.clock.now() + for_more_than < until)
    }
}

impl fmt::Debug for KeptTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptTokens").field("service", &self.service).finish_non_exhaustive()
    }
}

fn is_the_same(asked: Option<&Asked>, other: &Asked) -> bool {
    asked.is_some_and(|asked| asked.ptr_eq(other))
}

fn passing(reason: impl Into<Box<dyn Error + Send + Sync>>) -> PostgresTokenError {
    PostgresTokenError::new(Persistence::Temporary, reason)
}

/// Why nobody can log in: the service has given no token.
#[derive(Debug, Clone)]
pub(in crate::db) struct NoToken {
    place: String,
    reason: Arc<PostgresTokenError>,
}

impl NoToken {
    fn of(login: &PostgresLogin, reason: PostgresTokenError) -> Self {
        let place = format!("{}@{}:{}", login.user, login.host, login.port);
        Self { place, reason: Arc::new(reason) }
    }

    /// The one that an error of the driver carries.
    pub(in crate::db) fn in_error(error: &sqlx::Error) -> Option<&Self> {
        match error {
            sqlx::Error::Configuration(error) => error.downcast_ref(),
            _ => None,
        }
    }

    pub(in crate::db) fn persistence(&self) -> Persistence {
        self.reason.persistence()
    }
}

impl From<NoToken> for sqlx::Error {
    fn from(error: NoToken) -> Self {
        Self::Configuration(Box::new(error))
    }
}

impl fmt::Display for NoToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no token for {}", self.place)
    }
}

impl Error for NoToken {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.reason)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, Instant};

    use async_trait::async_trait;
    use chrono::{DateTime, TimeDelta, Utc};
    use instance_core::clock::Clock;
    use instance_core::error::Persistence;
    use instance_core::settings::Secret;

    use super::{KeptTokens, NoToken};
    use crate::db::postgres::tokens::{
        PostgresLogin, PostgresToken, PostgresTokenError, PostgresTokens,
    };

    /// A clock that is set, and a service whose tokens are valid for a quarter of an hour.
    #[derive(Debug)]
    struct World {
        now: Mutex<DateTime<Utc>>,
        asked: AtomicUsize,
        is_down: Mutex<bool>,
    }

    impl World {
        fn new() -> Arc<Self> {
            let now = Mutex::new(DateTime::UNIX_EPOCH);
            Arc::new(Self { now, asked: AtomicUsize::new(0), is_down: Mutex::new(false) })
        }

        fn pass(&self, seconds: i64) {
            *self.now.lock().unwrap() += TimeDelta::seconds(seconds);
        }
    }

    #[derive(Debug)]
    struct Both(Arc<World>);

    impl Clock for Both {
        fn now(&self) -> DateTime<Utc> {
            *self.0.now.lock().unwrap()
        }
    }

    #[async_trait]
    impl PostgresTokens for Both {
        async fn token(&self, login: &PostgresLogin) -> Result<PostgresToken, PostgresTokenError> {
            let asked = self.0.asked.fetch_add(1, Ordering::SeqCst) + 1;
            if *self.0.is_down.lock().unwrap() {
                return Err(PostgresTokenError::new(Persistence::Temporary, "down"));
            }
            let until = self.now() + TimeDelta::minutes(15);
            let token = format!("secret {asked} of {}", login.user);
            Ok(PostgresToken::new(Secret::new(token), Some(until)))
        }
    }

    fn tokens(world: &Arc<World>) -> Arc<KeptTokens> {
        KeptTokens::new(Arc::new(Both(Arc::clone(world))), Arc::new(Both(Arc::clone(world))))
    }

    async fn get(tokens: &Arc<KeptTokens>, user: &str) -> Result<String, NoToken> {
        let login = PostgresLogin::new("h", 1, user);
        let token = tokens.get(&login, Instant::now() + Duration::from_mins(1)).await?;
        Ok(token.password.expose().to_owned())
    }

    #[tokio::test]
    async fn a_token_is_kept_until_five_minutes_before_its_end() {
        let world = World::new();
        let tokens = tokens(&world);
        for (passed, expected) in [(0, "1"), (599, "1"), (1, "2"), (599, "2"), (1, "3")] {
            world.pass(passed);
            assert_eq!(get(&tokens, "u").await.unwrap(), format!("secret {expected} of u"));
        }
        assert_eq!(get(&tokens, "v").await.unwrap(), "secret 4 of v");
        assert_eq!(get(&tokens, "u").await.unwrap(), "secret 3 of u");
        assert!(!format!("{tokens:?}").contains("secret"));
    }

    #[tokio::test]
    async fn a_token_is_used_to_its_end_if_there_is_no_other() {
        let world = World::new();
        let tokens = tokens(&world);
        get(&tokens, "u").await.unwrap();
        *world.is_down.lock().unwrap() = true;
        world.pass(899);
        assert_eq!(get(&tokens, "u").await.unwrap(), "secret 1 of u");
        world.pass(1);
        let error = get(&tokens, "u").await.unwrap_err();
        assert_eq!(error.to_string(), "there is no token for u@h:1");
        assert_eq!(error.persistence(), Persistence::Temporary);
        *world.is_down.lock().unwrap() = false;
        assert!(get(&tokens, "u").await.is_ok());
    }
}
