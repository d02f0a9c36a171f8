//! What code servers print that this program has started, on its standard error.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dagster_instance::ServerOutput;

use crate::{report, text};

/// The lines of code servers. They are shown until they are hidden.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServerLines {
    are_hidden: Arc<AtomicBool>,
}

impl ServerLines {
    /// What servers give their lines to.
    pub(crate) fn taker(&self) -> ServerOutput {
        let are_hidden = Arc::clone(&self.are_hidden);
        ServerOutput::new(move |location, line| {
            if !are_hidden.load(Ordering::Relaxed) {
                report::say(&format!("{}: {}", text::value(location), text::message(line)));
            }
        })
    }

    /// Shows no more lines.
    pub(crate) fn hide(&self) {
        self.are_hidden.store(true, Ordering::Relaxed);
    }
}
