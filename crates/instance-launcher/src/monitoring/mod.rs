//! Monitoring: runs that do not start or stop, whose worker is gone, or that run for too long; and slots of pools that runs
//! hold which have ended.

mod carry_out;
mod decide;
mod duty;
mod facts;
mod resuming;
mod slots;
mod watch;

pub use decide::{Facts, LauncherAbilities, MonitorAction, Need, act, needs};
pub use duty::MonitoringDuty;
pub use watch::{MonitorLook, RunMonitor};
