//! The code locations of a command, and what their servers print on its standard error.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dagster_instance::settings::WorkspaceSettings;
use dagster_instance::{CodeLocations, DagsterInstance, ServerOutput};

use crate::args::CodePlace;
use crate::{Result, report, text};

/// The code locations of a workspace, as an instance and the arguments have them opened, and what their servers print.
pub(crate) fn locations(
    instance: &DagsterInstance,
    code: &CodePlace,
    workspace: &WorkspaceSettings,
    is_verbose: bool,
) -> Result<(CodeLocations, ServerLines)> {
    let lines = ServerLines::new(is_verbose);
    let options = code.options(instance.code_location_options()?)?.with_output(lines.taker());
    Ok((CodeLocations::new(workspace, options), lines))
}

/// The lines of code servers. They are shown until they are hidden, or to the end if somebody wants to see more.
#[derive(Debug)]
pub(crate) struct ServerLines {
    are_hidden: Arc<AtomicBool>,
    is_verbose: bool,
}

impl ServerLines {
    pub(crate) fn new(is_verbose: bool) -> Self {
        Self { are_hidden: Arc::default(), is_verbose }
    }

    /// What servers give their lines to.
    pub(crate) fn taker(&self) -> ServerOutput {
        let are_hidden = Arc::clone(&self.are_hidden);
        ServerOutput::new(move |location, line| {
            if !are_hidden.load(Ordering::Relaxed) {
                report::say(&format!("{}: {}", text::value(location), text::message(line)));
            }
        })
    }

    /// Shows no more lines, unless they are wanted to the end.
    pub(crate) fn hide(&self) {
        self.are_hidden.store(!self.is_verbose, Ordering::Relaxed);
    }
}
