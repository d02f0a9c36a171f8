//! The one way in which an instance is handed to a task that outlives the call.

use std::sync::Arc;

use crate::ops::{EventOps, RunWorkerOps};

macro_rules! owned {
    ($($(#[$meta:meta])* $owned:ident: fn $method:ident() -> $ops:ident;)*) => {
        $(
            $(#[$meta])*
            ///
            /// Whatever is a handle to an instance, which clones cheaply, has it by itself.
            pub trait $owned {
                /// The same instance.
                fn $method(&self) -> Arc<dyn $ops>;
            }

            impl<T: $ops + Clone + 'static> $owned for T {
                fn $method(&self) -> Arc<dyn $ops> {
                    Arc::new(self.clone())
                }
            }
        )*
    };
}

owned! {
    /// The event domain's view of the same instance, for a task that outlives the call.
    OwnedEventOps: fn owned_event_ops() -> EventOps;
    /// A worker's view of the same instance, for a task that outlives the call.
    OwnedRunWorkerOps: fn owned_run_worker_ops() -> RunWorkerOps;
}
