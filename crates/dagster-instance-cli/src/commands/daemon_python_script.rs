//! `daemon python-script`: Dagster's own daemon without the duties that `daemon run` does.
//!
//! Dagster has no option for that: which daemons it starts follows from `dagster.yaml`, and what stands there has to stay, as
//! schedules, sensors and the web page go by it.

use std::io::Write;

use dagster_instance::keepers::KeeperDuty;

use crate::Result;
use crate::args::DaemonPythonScript;

pub(crate) fn run(args: &DaemonPythonScript) -> Result<()> {
    let named = args.duties.named();
    let duties = named.as_slice().unwrap_or(KeeperDuty::ALL);
    let quoted: Vec<_> = duties.iter().map(|duty| format!("\"{}\"", duty.daemon_type())).collect();
    write!(
        std::io::stdout().lock(),
        "from dagster import DagsterInstance\n\
         from dagster._daemon.cli import main\n\
         \n\
         OURS = {{{}}}\n\
         required = DagsterInstance.get_required_daemon_types\n\
         DagsterInstance.get_required_daemon_types = lambda self: [t for t in required(self) if t not in OURS]\n\
         main()\n",
        quoted.join(", ")
    )?;
    Ok(())
}
