//! Reporting events, as every domain does it.
//!
//! A report of any domain is made into an entry here, and given to the instance by
//! [`EventReporter::handle_new_event`]. The facade hands it to the event domain. A report that a user makes by the
//! event domain itself takes the same way.

use async_trait::async_trait;

use crate::clock::timestamp_of;
use crate::error::InstanceError;
use crate::event::{
    DagsterEvent, EventLogEntry, JobFailureData, NewEvent, ReportEngineEvent, ReportEvent, report,
};
use crate::ops::ClockAccess;
use crate::run::DagsterRun;

/// Takes events from any domain.
#[async_trait]
pub trait EventReporter: ClockAccess {
    /// Stores an entry and does what follows from it, as `handle_new_event` of the event domain says.
    ///
    /// # Errors
    ///
    /// The entry is not stored. With [`InstanceError::EventsWaiting`] it waits for the next attempt; with
    /// [`InstanceError::EventsIncomplete`] it is stored.
    async fn handle_new_event(&self, event: NewEvent) -> Result<(), InstanceError>;

    /// Stores entries in their order, and does what follows from them: one after another, unless the instance can do
    /// it together.
    ///
    /// # Errors
    ///
    /// Those of [`handle_new_event`](Self::handle_new_event). The entries before the one that is not stored are stored.
    async fn handle_new_events(&self, entries: Vec<EventLogEntry>) -> Result<(), InstanceError> {
        for entry in entries {
            self.handle_new_event(entry.into()).await?;
        }
        Ok(())
    }
}

/// The reports that every domain makes, by [`EventReporter::handle_new_event`]. A method that makes an event
/// returns it.
///
/// # Errors
///
/// Those of [`EventReporter::handle_new_event`].
#[async_trait]
pub trait EventReporterExt: EventReporter {
    /// Reports an event. An event without a time gets the time of the clock.
    async fn report_dagster_event(&self, report: ReportEvent) -> Result<(), InstanceError> {
        let now = timestamp_of(self.clock().now());
        self.handle_new_event(report.into_new_event(now)).await
    }

    /// Reports a message about the machinery around a run.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Invalid`] if the run or its job has no name.
    async fn report_engine_event(
        &self,
        report: ReportEngineEvent,
    ) -> Result<DagsterEvent, InstanceError> {
        self.report_returning(report.into_report()?).await
    }

    /// Reports that a run was asked to stop; its status is then `CANCELING`. `None` for the message means Dagster's.
    async fn report_run_canceling(
        &self,
        run: &DagsterRun,
        message: Option<String>,
    ) -> Result<DagsterEvent, InstanceError> {
        self.report_returning(report::run_canceling(run, message)).await
    }

    /// Marks a run as canceled from outside of its execution. `None` for the message means Dagster's.
    async fn report_run_canceled(
        &self,
        run: &DagsterRun,
        message: Option<String>,
    ) -> Result<DagsterEvent, InstanceError> {
        self.report_returning(report::run_canceled(run, message)).await
    }

    /// Marks a run as failed from outside of its execution. `None` for the message means Dagster's; the data say
    /// why it failed, `None` if that is not known.
    async fn report_run_failed(
        &self,
        run: &DagsterRun,
        message: Option<String>,
        data: Option<JobFailureData>,
    ) -> Result<DagsterEvent, InstanceError> {
        self.report_returning(report::run_failed(run, message, data)).await
    }

    #[doc(hidden)]
    async fn report_returning(&self, report: ReportEvent) -> Result<DagsterEvent, InstanceError> {
        let event = report.event.clone();
        self.report_dagster_event(report).await?;
        Ok(event)
    }
}

impl<T: EventReporter + ?Sized> EventReporterExt for T {}
