//! The code locations of a workspace: each is opened when it is first needed, and its server started if it is ours.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join_all;
use instance_core::code_location::{CodeLocation, CodeLocationError, Workspace};
use instance_core::error::BoxError;
use instance_core::run::{CodeLocationOrigin, GrpcServerCodeLocationOrigin};
use instance_core::settings::WorkspaceSettings;
use tokio::sync::{Mutex, watch};

use super::cache::RepositoryCache;
use super::client::CodeServerClient;
use super::location::GrpcCodeLocation;
use super::options::CodeLocationOptions;
use super::server::Server;
use super::target::GrpcTarget;

type Result<T> = std::result::Result<T, CodeLocationError>;

/// The code locations of a workspace. Clones share them.
///
/// Nothing is opened before it is asked for. Each location is opened once, however many tasks ask for it, and independently
/// of the others: one that fails is an error for those who ask for it.
///
/// Servers that were started are ended by [`close`](Self::close). If it is not called, they end by themselves, some time
/// after their last heartbeat and not before their runs.
#[derive(Debug, Clone)]
pub struct CodeLocations {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    places: Vec<Place>,
    options: CodeLocationOptions,
    cache: Arc<RepositoryCache>,
    closed: watch::Sender<bool>,
}

/// One code location of the workspace.
#[derive(Debug)]
struct Place {
    name: String,
    origin: CodeLocationOrigin,
    /// Locked while it is opened, so that it is opened once.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    server: Option<Server>,
    opened: Option<Opened>,
}

/// What came of opening a location.
#[derive(Debug)]
enum Opened {
    Location(Box<GrpcCodeLocation>),
    /// The error of the server with this id; without one, no server could be started.
    Failed {
        server_id: Option<String>,
        error: CodeLocationError,
    },
}

impl CodeLocations {
    /// The code locations of a workspace. Nothing is opened yet.
    pub fn new(workspace: &WorkspaceSettings, options: CodeLocationOptions) -> Self {
        let place = |origin: &CodeLocationOrigin| Place {
            name: origin.location_name().unwrap_or_default().to_owned(),
            origin: origin.clone(),
            state: Mutex::default(),
        };
        let inner = Inner {
            places: workspace.locations.iter().map(place).collect(),
            options,
            cache: Arc::default(),
            closed: watch::Sender::new(false),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The names of the locations, in the order of the workspace.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.inner.places.iter().map(|place| place.name.as_str())
    }

    /// The name of the location that is asked for, or else of the only one.
    ///
    /// # Errors
    ///
    /// [`CodeLocationError::NotServed`] if there is no such location, and [`CodeLocationError::Unnamed`] if none is named and
    /// there is not exactly one.
    pub fn choose(&self, asked: Option<&str>) -> Result<&str> {
        let mut names = self.names();
        match (asked, names.next(), names.next()) {
            (Some(name), ..) => self.place(name).map(|place| place.name.as_str()),
            (None, Some(only), None) => Ok(only),
            (None, ..) => {
                let known = self.names().map(str::to_owned);
                Err(CodeLocationError::unnamed("code location", "the workspace", known))
            }
        }
    }

    /// A location with the code that its server has now. Its server is started if it is ours and not there.
    ///
    /// An error of the code itself is kept, and told again until the server is another one or [`reload`](Self::reload) is
    /// called. So is that of a server that could not be started. A server that does not answer is asked again.
    ///
    /// # Errors
    ///
    /// [`CodeLocationError::NotServed`] if there is no such location. [`CodeLocationError::NotStarted`] if its server could not
    /// be started, or if [`close`](Self::close) was called. Otherwise the server does not answer, or its code could not be loaded.
    pub async fn location(&self, name: &str) -> Result<GrpcCodeLocation> {
        let place = self.place(name)?;
        self.opened(place, &mut *place.state.lock().await).await
    }

    /// The client of a location's server, which is started if it is ours and not there. Whether its code could be loaded, the
    /// client does not say.
    ///
    /// # Errors
    ///
    /// Those of [`location`](Self::location) that are not about the code.
    pub async fn client(&self, name: &str) -> Result<CodeServerClient> {
        let place = self.place(name)?;
        self.server(place, &mut *place.state.lock().await).await
    }

    /// Opens all locations at once, and returns what came of each, in the order of the workspace.
    pub async fn open_all(&self) -> Vec<(&str, Result<GrpcCodeLocation>)> {
        let open = self.inner.places.iter().map(|place| async move {
            let mut state = place.state.lock().await;
            (place.name.as_str(), self.opened(place, &mut state).await)
        });
        join_all(open).await
    }

    /// Opens a location with its code loaded again: a server of ours is replaced, and another one is told to load it. A server
    /// that cannot do that, such as `dagster api grpc`, only warns of it.
    ///
    /// # Errors
    ///
    /// Those of [`location`](Self::location).
    pub async fn reload(&self, name: &str) -> Result<GrpcCodeLocation> {
        let place = self.place(name)?;
        let mut state = place.state.lock().await;
        state.opened = None;
        match state.server.take() {
            Some(server) if server.is_ours() => server.end().await,
            Some(server) => {
                let told = server.client().reload_code().await;
                state.server = Some(server);
                if !matches!(told, Err(CodeLocationError::Unimplemented { .. })) {
                    told?;
                }
            }
            None => {}
        }
        self.opened(place, &mut state).await
    }

    /// Ends the servers that were started. Those with runs go on until their runs have ended, and are not waited for. Nothing
    /// can be opened afterwards.
    pub async fn close(&self) {
        self.inner.closed.send_replace(true);
        let end = self.inner.places.iter().map(|place| async move {
            let server = place.state.lock().await.server.take();
            if let Some(server) = server {
                server.end().await;
            }
        });
        join_all(end).await;
    }

    async fn opened(&self, place: &Place, state: &mut State) -> Result<GrpcCodeLocation> {
        let (client, server_id) = self.answering(place, state).await?;
        match &state.opened {
            Some(Opened::Location(location)) if location.server_id() == server_id => {
                return Ok((**location).clone());
            }
            Some(Opened::Failed { server_id: Some(of), error }) if *of == server_id => {
                return Err(error.again());
            }
            _ => {}
        }
        state.opened = None;
        self.inner.cache.forget(client.target());
        let instance_ref = self.inner.options.instance_ref.clone();
        let cache = Arc::clone(&self.inner.cache);
        let (name, origin) = (place.name.clone(), place.origin.clone());
        match GrpcCodeLocation::open_with(client, name, origin, instance_ref, cache).await {
            Ok(location) => {
                state.opened = Some(Opened::Location(Box::new(location.clone())));
                Ok(location)
            }
            Err(error) => {
                if let CodeLocationError::UserCode(_) = error {
                    let (server_id, error) = (Some(server_id), error.again());
                    state.opened = Some(Opened::Failed { server_id, error });
                }
                Err(error)
            }
        }
    }

    /// The server of a location, with its id.
    async fn answering(
        &self,
        place: &Place,
        state: &mut State,
    ) -> Result<(CodeServerClient, String)> {
        let client = self.server(place, state).await?;
        let answer = client.get_server_id().await;
        if let Err(CodeLocationError::Unreachable { .. }) = answer
            && let Some(server) = &mut state.server
            && server.is_ending().await
        {
            let client = self.server(place, state).await?;
            let server_id = client.get_server_id().await?;
            return Ok((client, server_id));
        }
        Ok((client, answer?))
    }

    async fn server(&self, place: &Place, state: &mut State) -> Result<CodeServerClient> {
        if *self.inner.closed.borrow() {
            let reason = "the code locations were closed".to_owned();
            return Err(CodeLocationError::NotStarted { location: place.name.clone(), reason });
        }
        if state.server.as_mut().is_some_and(Server::has_ended)
            && let Some(server) = std::mem::take(state).server
        {
            tracing::warn!(
                location = place.name,
                "its code server has ended, and is started again"
            );
            server.end().await;
        }
        if let Some(server) = &state.server {
            return Ok(server.client().clone());
        }
        if let Some(Opened::Failed { server_id: None, error }) = &state.opened {
            return Err(error.again());
        }
        let closed = self.inner.closed.subscribe();
        match Server::open(&place.name, &place.origin, &self.inner.options, closed).await {
            Ok(server) => Ok(state.server.insert(server).client().clone()),
            Err(error) => {
                state.opened = Some(Opened::Failed { server_id: None, error: error.again() });
                Err(error)
            }
        }
    }

    /// The client of each server that there is, by the place of its location; `None` while a location is opened, and if its
    /// server was not started. Nothing is started.
    pub(super) fn server_there(&self, place: usize) -> Option<CodeServerClient> {
        let place = self.inner.places.get(place)?;
        let state = place.state.try_lock().ok()?;
        match (&state.server, &place.origin) {
            (Some(server), _) => Some(server.client().clone()),
            (None, CodeLocationOrigin::GrpcServer(server)) => {
                let limits = self.inner.options.limits.clone();
                CodeServerClient::new(GrpcTarget::of_origin(server)?, limits).ok()
            }
            (None, _) => None,
        }
    }

    /// Becomes true with [`close`](Self::close).
    pub(super) fn closed(&self) -> watch::Receiver<bool> {
        self.inner.closed.subscribe()
    }

    /// If several have the name, it is the last one, as in Dagster.
    fn place(&self, name: &str) -> Result<&Place> {
        self.inner.places.iter().rev().find(|place| place.name == name).ok_or_else(|| {
            let known = self.names().map(str::to_owned);
            CodeLocationError::not_served("code location", name, "the workspace", known)
        })
    }
}

#[async_trait]
impl Workspace for CodeLocations {
    async fn code_location(
        &self,
        name: &str,
    ) -> std::result::Result<Arc<dyn CodeLocation>, BoxError> {
        Ok(Arc::new(self.location(name).await?))
    }

    async fn code_server(
        &self,
        name: &str,
    ) -> std::result::Result<GrpcServerCodeLocationOrigin, BoxError> {
        Ok(self.client(name).await?.target().origin(Some(name)))
    }
}
