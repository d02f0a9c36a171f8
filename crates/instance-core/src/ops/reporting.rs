//! Reporting events, as every domain does it.
//!
//! A report of any domain is made into an entry here, and given to the instance by
//! [`EventReporter::handle_new_event`]. The facade hands it to the event domain. A report that a user makes by the
//! event domain itself takes the same way.

use async_trait::async_trait;

use crate::clock::timestamp_of;
use crate::error::InstanceError;
use crate::event::{
    DagsterEvent, EventLogEntry, JobFailureData, NewEvent, ReportEngineEvent, ReportEvent,
};
use crate::ops::ClockAccess;
use crate::run::DagsterRun;
use crate::storage::{GuardedEvents, GuardedOutcome};

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

    /// Stores entries of one run if the run has one of the statuses that are named, and does what follows from them, as
    /// `handle_events_if` of the event domain says. There is no other way that is safe, and so no default.
    ///
    /// [`GuardedOutcome::Stored`] alone says that anything is written. Its
    /// [`incomplete`](crate::storage::StoredEvents::incomplete) says which effect is not stored; its
    /// [`ids`](crate::storage::StoredEvents::ids) are empty if the run is changed and the entries are not stored.
    ///
    /// # Errors
    ///
    /// Those of [`RunEventStore::store_run_events_if`](crate::storage::RunEventStore::store_run_events_if).
    async fn handle_events_if(
        &self,
        change: GuardedEvents,
    ) -> Result<GuardedOutcome, InstanceError>;
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
        self.report_returning(ReportEvent::run_canceling(run, message)).await
    }

    /// Marks a run as canceled from outside of its execution. `None` for the message means Dagster's.
    async fn report_run_canceled(
        &self,
        run: &DagsterRun,
        message: Option<String>,
    ) -> Result<DagsterEvent, InstanceError> {
        self.report_returning(ReportEvent::run_canceled(run, message)).await
    }

    /// Marks a run as failed from outside of its execution. `None` for the message means Dagster's; the data say
    /// why it failed, `None` if that is not known.
    async fn report_run_failed(
        &self,
        run: &DagsterRun,
        message: Option<String>,
        data: Option<JobFailureData>,
    ) -> Result<DagsterEvent, InstanceError> {
        self.report_returning(ReportEvent::run_failed(run, message, data)).await
    }

    /// Reports events of one run if the conditions of `change` hold; they are stored behind the entries that it has. An
    /// event without a time gets the time of the clock.
    ///
    /// # Errors
    ///
    /// Those of [`EventReporter::handle_events_if`].
    async fn report_events_if(
        &self,
        mut change: GuardedEvents,
        reports: Vec<ReportEvent>,
    ) -> Result<GuardedOutcome, InstanceError> {
        let now = timestamp_of(self.clock().now());
        change.entries.extend(reports.into_iter().map(|report| report.into_new_event(now).entry));
        self.handle_events_if(change).await
    }

    #[doc(hidden)]
    async fn report_returning(&self, report: ReportEvent) -> Result<DagsterEvent, InstanceError> {
        let event = report.event.clone();
        self.report_dagster_event(report).await?;
        Ok(event)
    }
}

impl<T: EventReporter + ?Sized> EventReporterExt for T {}
