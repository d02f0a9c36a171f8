//! How a task that outlives its call gets the instance.

use std::sync::Arc;

use crate::ops::{EventOps, KeeperOps, LauncherOps};

macro_rules! owned {
    ($($(#[$meta:meta])* $owned:ident: fn $method:ident() -> $ops:ident;)*) => {
        $(
            $(#[$meta])*
            ///
            /// Every type that implements the domain's trait and `Clone` has this method. Its clones have to be
            /// handles to the same instance.
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
    /// The launcher domain's view of the same instance, for contexts, and for workers that outlive the call.
    OwnedLauncherOps: fn owned_launcher_ops() -> LauncherOps;
    /// The keepers' view of the same instance, for tasks that do a duty.
    OwnedKeeperOps: fn owned_keeper_ops() -> KeeperOps;
}
