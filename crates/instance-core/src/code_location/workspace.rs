//! The workspace, as launchers and those who create runs see it.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::CodeLocation;
use crate::error::BoxError;
use crate::run::GrpcServerCodeLocationOrigin;

/// The code locations that there are, by their names.
#[async_trait]
pub trait Workspace: fmt::Debug + Send + Sync + 'static {
    /// A code location. It is opened if it was not used before.
    ///
    /// # Errors
    ///
    /// There is no such location, its server does not answer or could not be started, or its code could not be loaded.
    async fn code_location(&self, name: &str) -> Result<Arc<dyn CodeLocation>, BoxError>;

    /// Where the server of a code location is reached now, whatever runs say of it: a server that is started for a workspace
    /// has another address each time. It is started if it is not there.
    ///
    /// # Errors
    ///
    /// There is no such location, or its server could not be started.
    async fn code_server(&self, name: &str) -> Result<GrpcServerCodeLocationOrigin, BoxError>;
}
