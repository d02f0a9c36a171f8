//! The loop of each duty: it waits for the lease, leads, and ends.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use instance_core::clock::timestamp_of;
use instance_core::daemon::{DaemonHeartbeat, DaemonType};
use instance_core::error::{KeeperError, StorageError, chain};
use instance_core::ops::KeeperOps;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::heartbeat::{self, Errors};
use super::lease::{Seat, Taking, release, renew};
use super::twin::{Twin, TwinWatch};
use super::work::Looks;
use super::{Duty, KeeperOptions, KeeperProcess, Lease, Look, TwinCheck};

/// How often the log says again what has not changed.
const REMIND_EVERY: Duration = Duration::from_mins(1);

/// Does duties until it is asked to end.
///
/// Each duty is done by one keeper at a time, in whatever process: here, if no other one does it. A duty that fails does not
/// stop the others. When `until` is over, nothing new is begun, what is in flight may take the grace of the options, and others
/// can take over at once. The duties of the options do not matter here.
///
/// # Errors
///
/// [`KeeperError::TwinAlive`] if Dagster's own daemon of one of the duties lives; [`KeeperError::Instance`] if the storage
/// could not be reached at the beginning. No duty has begun then.
// facade: skip
#[tracing::instrument(level = "debug", skip_all)]
pub async fn keep(
    ops: Arc<dyn KeeperOps>,
    duties: Vec<Arc<dyn Duty>>,
    options: KeeperOptions,
    until: impl Future<Output = ()> + Send,
) -> Result<(), KeeperError> {
    let id = ops.ids().uuid().to_string();
    let (stopping, stop) = watch::channel(());
    let mut keepers: Vec<_> = duties
        .into_iter()
        .map(|duty| Keeper::new(Arc::clone(&ops), duty, &id, options.clone(), stop.clone()))
        .collect();
    tokio::pin!(until);
    tokio::select! {
        () = &mut until => return Ok(()),
        // All at once: each may take a while, and one that is refused refuses all.
        checked = try_join_all(keepers.iter_mut().map(Keeper::check_twin)) => drop(checked?),
    }
    let mut running = JoinSet::new();
    for keeper in keepers {
        running.spawn(keeper.run());
    }
    until.await;
    // That there is no sender is the sign to end.
    drop(stopping);
    while let Some(ended) = running.join_next().await {
        if let Err(error) = ended {
            tracing::error!(error = %chain(&error), "a keeper has ended early");
        }
    }
    Ok(())
}

/// Does one look of a duty, with its lease, and waits for what the look has begun.
///
/// # Errors
///
/// [`KeeperError::TwinAlive`] if Dagster's own daemon of the duty lives; [`KeeperError::OtherLeader`] if another keeper does
/// it; [`KeeperError::Instance`] if the look failed.
// facade: skip
#[tracing::instrument(level = "debug", skip_all)]
pub async fn keep_once(
    ops: Arc<dyn KeeperOps>,
    duty: Arc<dyn Duty>,
    options: KeeperOptions,
) -> Result<Look, KeeperError> {
    let id = ops.ids().uuid().to_string();
    let (_stopping, stop) = watch::channel(());
    let mut keeper = Keeper::new(Arc::clone(&ops), Arc::clone(&duty), &id, options, stop);
    keeper.check_twin().await?;
    let other = |holder| KeeperError::OtherLeader { daemon_type: duty.daemon_type(), holder };
    let lease = match keeper.seat.take(&*ops).await? {
        Taking::Taken(lease) => lease,
        Taking::HeldBy(holder) => return Err(other(holder.to_string())),
    };
    let looking = async {
        let look = duty.look(&lease).await;
        duty.finish().await;
        look
    };
    let looked = tokio::select! {
        looked = looking => looked.map_err(KeeperError::from),
        () = keeper.renew(&lease) => Err(other("another keeper".to_owned())),
    };
    release(&*ops, &lease).await?;
    looked
}

/// The keeper of one duty.
struct Keeper {
    ops: Arc<dyn KeeperOps>,
    daemon_type: DaemonType,
    id: String,
    options: KeeperOptions,
    stop: watch::Receiver<()>,
    seat: Seat,
    looks: Looks,
    twin: TwinWatch,
    errors: Errors,
}

impl Keeper {
    fn new(
        ops: Arc<dyn KeeperOps>,
        duty: Arc<dyn Duty>,
        id: &str,
        options: KeeperOptions,
        stop: watch::Receiver<()>,
    ) -> Self {
        let times = options.times;
        let daemon_type = duty.daemon_type();
        Self {
            ops,
            id: id.to_owned(),
            stop,
            seat: Seat::new(daemon_type.clone(), id, KeeperProcess::this(), times),
            looks: Looks::new(duty, times),
            twin: TwinWatch::new(times.twin_silence),
            errors: Errors::default(),
            daemon_type,
            options,
        }
    }

    /// Waits until it is sure that Dagster's own daemon does not live.
    async fn check_twin(&mut self) -> Result<(), KeeperError> {
        let deadline = Instant::now() + self.options.times.patience;
        let mut is_told = false;
        loop {
            match self.look_for_twin().await {
                Ok((Twin::Silent, _)) => return Ok(()),
                Ok((Twin::Suspect, _)) if self.options.twin_check == TwinCheck::Wait => {
                    if !is_told {
                        tracing::warn!(
                            daemon_type = %self.daemon_type,
                            "Dagster's own daemon has left a heartbeat lately; this keeper waits for up to {} s to see \
                             whether it is alive",
                            self.options.times.twin_silence.as_secs_f64()
                        );
                        is_told = true;
                    }
                }
                Ok((_, heartbeat)) => return Err(self.twin_alive(heartbeat)),
                // A storage that is away for a moment is not the end of a daemon that is about to start.
                Err(error) if error.is_temporary() && Instant::now() < deadline => {
                    tracing::warn!(error = %chain(&error), "the storage is away; it is tried again");
                }
                Err(error) => return Err(error.into()),
            }
            sleep(self.options.times.look_every).await;
        }
    }

    fn twin_alive(&self, heartbeat: Option<DaemonHeartbeat>) -> KeeperError {
        let now = timestamp_of(self.ops.clock().now());
        let (daemon_id, at) = heartbeat
            .map_or((None, now), |heartbeat| (heartbeat.daemon_id, heartbeat.timestamp.as_f64()));
        KeeperError::TwinAlive {
            daemon_type: self.daemon_type.clone(),
            daemon_id: daemon_id.unwrap_or_default(),
            age_seconds: (now - at).max(0.0),
        }
    }

    async fn look_for_twin(&mut self) -> Result<(Twin, Option<DaemonHeartbeat>), StorageError> {
        // Whoever holds the lease, or held it last, is no twin.
        self.seat.holder(&*self.ops).await?;
        let heartbeat = heartbeat::last(&*self.ops, &self.daemon_type).await?;
        let now = timestamp_of(self.ops.clock().now());
        let twin = self.twin.look(heartbeat.as_ref(), self.seat.known_ids(), now);
        Ok((twin, heartbeat))
    }

    /// Waits and leads, in turn, until it is asked to end.
    async fn run(mut self) {
        let mut said = None;
        let mut failed: Option<Instant> = None;
        loop {
            let taking = tokio::select! {
                biased;
                () = stopped(&mut self.stop) => return,
                taking = self.seat.take(&*self.ops) => taking,
            };
            match taking {
                Ok(Taking::Taken(lease)) => {
                    (said, failed) = (None, None);
                    self.lead(&lease).await;
                }
                Ok(Taking::HeldBy(holder)) => {
                    failed = None;
                    if said.as_ref() != Some(&holder) {
                        tracing::info!(daemon_type = %self.daemon_type, "{holder} leads; this keeper waits");
                        said = Some(holder);
                    }
                }
                Err(error) => {
                    if failed.is_none_or(|at| at.elapsed() >= REMIND_EVERY) {
                        let daemon_type = &self.daemon_type;
                        tracing::warn!(%daemon_type, error = %chain(&error), "the lease cannot be looked at");
                        failed = Some(Instant::now());
                    }
                }
            }
            tokio::select! {
                biased;
                () = stopped(&mut self.stop) => return,
                () = sleep(self.options.times.look_every) => {}
            }
        }
    }

    /// Leads until the lease is lost or the keeper is asked to end.
    async fn lead(&mut self, lease: &Lease) {
        tracing::info!(daemon_type = %self.daemon_type, epoch = lease.epoch(), "this keeper leads");
        self.looks.begin();
        let (ops, options) = (Arc::clone(&self.ops), self.options.clone());
        let daemon_type = self.daemon_type.clone();
        let renewing = renew_until_lost(&*ops, &daemon_type, &options, lease);
        let is_asked_to_end = tokio::select! {
            () = renewing => false,
            () = self.work(lease) => true,
        };
        lease.end();
        if !is_asked_to_end {
            tracing::warn!(daemon_type = %self.daemon_type, "this keeper does not lead any more");
            return;
        }
        match timeout(options.times.lost_after, release(&*ops, lease)).await {
            Ok(Ok(())) => tracing::info!(daemon_type = %self.daemon_type, "this keeper has ended"),
            // Others take it when it has given no sign for long.
            Ok(Err(error)) => {
                tracing::warn!(daemon_type = %self.daemon_type, error = %chain(&error), "the lease is not released");
            }
            Err(_) => {
                tracing::warn!(daemon_type = %self.daemon_type, "the lease is not released in time");
            }
        }
    }

    async fn renew(&self, lease: &Lease) {
        renew_until_lost(&*self.ops, &self.daemon_type, &self.options, lease).await;
    }

    /// Looks and leaves heartbeats until the keeper is asked to end, and ends what is in flight.
    async fn work(&mut self, lease: &Lease) {
        let mut next_heartbeat = Instant::now();
        let mut said: Option<Instant> = None;
        // Nothing is begun before it is known that Dagster's own daemon does not do the duty.
        lease.pause(true);
        loop {
            tokio::select! {
                biased;
                () = stopped(&mut self.stop) => break,
                () = sleep_until(next_heartbeat) => {
                    let pause = self.beat(lease, &mut said).await;
                    next_heartbeat = Instant::now() + pause;
                }
                errors = self.looks.advance(lease) => {
                    let now = timestamp_of(self.ops.clock().now());
                    errors.into_iter().rev().for_each(|error| self.errors.add(now, error));
                }
            }
        }
        lease.end();
        self.looks.finish(self.options.grace).await;
    }

    /// Leaves a heartbeat, unless Dagster's own daemon lives or the looks are stuck. Returns when the next one is due.
    async fn beat(&mut self, lease: &Lease, said: &mut Option<Instant>) -> Duration {
        let times = self.options.times;
        let beating = async {
            let (twin, heartbeat) = self.look_for_twin().await?;
            if twin != Twin::Silent {
                lease.pause(true);
                if said.is_none_or(|at| at.elapsed() >= REMIND_EVERY) {
                    let error = self.twin_alive(heartbeat);
                    tracing::warn!("this keeper pauses. {error}");
                    *said = Some(Instant::now());
                }
                return Ok(times.look_every);
            }
            *said = None;
            lease.pause(false);
            if self.looks.are_stuck() {
                tracing::error!(daemon_type = %self.daemon_type, "the last look does not end; no heartbeat is left");
                return Ok(times.heartbeat_every);
            }
            if !lease.may_begin() {
                // The lease may be lost. A heartbeat would be taken for one of Dagster's own daemon.
                return Ok(times.look_every);
            }
            let now = timestamp_of(self.ops.clock().now());
            let errors = self.errors.recent(now);
            let heartbeat = DaemonHeartbeat::new(self.daemon_type.clone(), &self.id, now, errors);
            self.ops.daemon_store().add_daemon_heartbeat(&heartbeat).await?;
            Ok::<_, StorageError>(times.heartbeat_every)
        };
        match timeout(times.lost_after, beating).await {
            Ok(Ok(pause)) => pause,
            Ok(Err(error)) => {
                tracing::warn!(daemon_type = %self.daemon_type, error = %chain(&error), "no heartbeat is left");
                times.renew_every
            }
            Err(_) => times.renew_every,
        }
    }
}

/// Gives signs until the lease is lost, or may be.
async fn renew_until_lost(
    ops: &dyn KeeperOps,
    daemon_type: &DaemonType,
    options: &KeeperOptions,
    lease: &Lease,
) {
    let times = options.times;
    let mut next = Instant::now() + times.renew_every;
    loop {
        sleep_until(next).await;
        next = Instant::now() + times.renew_every;
        match timeout(times.renew_every, renew(ops, lease)).await {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => return,
            Ok(Err(error)) => {
                tracing::warn!(%daemon_type, error = %chain(&error), "the lease is not renewed");
            }
            Err(_) => tracing::warn!(%daemon_type, "the lease is not renewed in time"),
        }
        if lease.may_be_lost() {
            return;
        }
    }
}

/// Waits until the keepers are asked to end.
async fn stopped(stop: &mut watch::Receiver<()>) {
    // The sender sends nothing; that it is dropped is the message.
    while stop.changed().await.is_ok() {}
}
