//! Keeps what time changes: certificate files are looked at again, their dates compared with the
//! clock, and the clock with the day on which the program was made.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

use super::notify::Manager;
use super::run::StartError;
use crate::check::{self, Stage};
use crate::identity::clock::{Clock, is_set, unix_seconds};
use crate::identity::{DefaultRoots, Epoch, Identity, Reload, x509};
use crate::limits;

/// The identities in use, and what they are judged by.
pub(super) struct Keeper {
    identities: Vec<Rc<Identity>>,
    roots: Arc<DefaultRoots>,
    clock: Arc<dyn Clock>,
    /// `--reload-interval`; `None`: only on SIGHUP.
    interval: Option<Duration>,
    /// Somebody asked for a reload.
    asked: Notify,
    /// What was said last of the dates of each identity.
    said: RefCell<Vec<Option<Said>>>,
    /// What was said last of the clock.
    clock_was_set: Cell<bool>,
}

/// What was said of dates in one epoch of an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Said {
    epoch: u32,
    /// Of the certificate.
    stage: Option<Stage>,
    /// Revocation lists that hold no more.
    expired: usize,
}

impl Keeper {
    pub(super) fn new(
        identities: Vec<Rc<Identity>>,
        roots: DefaultRoots,
        clock: Arc<dyn Clock>,
        interval: Option<Duration>,
    ) -> Self {
        Self {
            said: RefCell::new(vec![None; identities.len()]),
            identities,
            roots: Arc::new(roots),
            clock,
            interval,
            asked: Notify::new(),
            clock_was_set: Cell::new(true),
        }
    }

    /// Reads all files for the first time.
    ///
    /// # Errors
    /// When no identity can work because of files that are there and bad.
    pub(super) fn load_all(&self) -> Result<(), StartError> {
        let mut hopeless = true;
        for identity in &self.identities {
            match identity.load(&self.roots, &self.clock) {
                Ok(epoch) => {
                    hopeless = false;
                    announce(&identity.config.name, &epoch);
                }
                Err(error) => {
                    hopeless &= !error.is_missing();
                    ::log::error!(
                        "identity {:?} is not available: {error}",
                        identity.config.name
                    );
                }
            }
        }
        self.watch_time();
        match hopeless {
            true => Err(StartError::NoIdentity),
            false => Ok(()),
        }
    }

    /// What people see of a service: how many identities can be used.
    pub(super) fn status(&self) -> String {
        let works = |identity: &&Rc<Identity>| identity.current().is_ok();
        let working = self.identities.iter().filter(works).count();
        let all = self.identities.len();
        format!("serving; {working} of {all} identities available")
    }

    /// SIGHUP: the files are to be looked at now.
    pub(super) fn ask(&self) {
        self.asked.notify_one();
    }

    /// Goes on for ever.
    pub(super) async fn keep(self: Rc<Self>, manager: Rc<Manager>) {
        let mut looked = Instant::now();
        loop {
            let next_look = async {
                match self.interval {
                    Some(interval) => sleep_until(looked + interval).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.asked.notified() => {
                    manager.reloading();
                    self.reload(true).await;
                    manager.ready(self.status());
                }
                () = next_look => {
                    let former = self.status();
                    self.reload(false).await;
                    if self.status() != former {
                        manager.status(self.status());
                    }
                }
                () = sleep(self.next_time()) => {
                    self.watch_time();
                    continue;
                }
            }
            looked = Instant::now();
            self.watch_time();
        }
    }

    /// Looks at the files of all identities. A line for each tells what came of it, if anything
    /// did or somebody `asked`.
    async fn reload(&self, asked: bool) {
        let deadline = Instant::now() + limits::RELOAD_PATIENCE;
        let mut left: Vec<&Rc<Identity>> = self.identities.iter().collect();
        while !left.is_empty() {
            let patient = Instant::now() < deadline;
            let mut unsettled = Vec::new();
            self.roots.expire();
            for identity in left {
                let reload = identity.reload(&self.roots, &self.clock, asked, patient);
                let reload = reload.await;
                tell(identity, &reload);
                if let Reload::Unsettled(_) = reload {
                    unsettled.push(identity);
                }
            }
            left = unsettled;
            if !left.is_empty() {
                sleep(limits::RELOAD_STEP).await;
            }
        }
    }

    fn next_time(&self) -> Duration {
        match self.clock.time() {
            Some(_) => limits::DATES_INTERVAL,
            None => limits::CLOCK_INTERVAL,
        }
    }

    /// Says what is new about the clock and the dates of our certificates, and closes what ended
    /// with one.
    fn watch_time(&self) {
        let now = self.clock.now();
        self.watch_clock(now);
        if !is_set(now) {
            // Nothing is known of dates meanwhile, and what was said of them stays said.
            return;
        }
        let mut said = self.said.borrow_mut();
        for (identity, said) in self.identities.iter().zip(said.iter_mut()) {
            identity.close_ended();
            if let Ok(epoch) = identity.current() {
                let former = said.filter(|said| said.epoch == epoch.number);
                let now = Some(now);
                *said = Some(watch_dates(&identity.config.name, &epoch, former, now));
            }
        }
    }

    fn watch_clock(&self, now: SystemTime) {
        let is_set = is_set(now);
        if self.clock_was_set.replace(is_set) == is_set {
            return;
        }
        let now = x509::utc(unix_seconds(now));
        match is_set {
            true => ::log::info!("the clock is set: {now}"),
            false => ::log::warn!(
                "the clock is not set, it shows {now}: requests are 503 until it is (ntpd, chrony)"
            ),
        }
    }
}

/// Says what is new since `former` about the dates of what an epoch was made of.
fn watch_dates(name: &str, epoch: &Epoch, former: Option<Said>, now: Option<SystemTime>) -> Said {
    let certificate = epoch.certificate();
    let warning = certificate.and_then(|certificate| check::date_warning(certificate, now));
    let expired = check::crl_warnings(&epoch.material().crls, now);
    let said = Said {
        epoch: epoch.number,
        stage: warning.map(|warning| warning.stage()),
        expired: expired.len(),
    };
    if let Some(warning) = warning.filter(|_| former.and_then(|former| former.stage) != said.stage)
    {
        ::log::warn!("identity {name:?}: {warning}");
    }
    for warning in expired
        .iter()
        .skip(former.map_or(0, |former| former.expired))
    {
        ::log::warn!("identity {name:?}: {warning}");
    }
    said
}

/// One line of what became of an identity's files.
fn tell(identity: &Identity, reload: &Reload) {
    let name = &identity.config.name;
    match reload {
        Reload::Untouched => {}
        Reload::Unsettled(error) => {
            ::log::debug!(
                "identity {name:?}: its files may yet be in the middle of a change: {error}"
            );
        }
        Reload::Unchanged(epoch) => {
            ::log::info!(
                "identity {name:?} unchanged, keeping epoch {}",
                epoch.number
            );
        }
        Reload::Loaded(epoch) => {
            identity.counters.reloads.add_one();
            warn(name, epoch);
            let description = describe(epoch);
            ::log::info!(
                "reloaded identity {name:?}: epoch {}, {description}",
                epoch.number
            );
        }
        Reload::Failed(error) => {
            identity.counters.failed_reloads.add_one();
            match identity.current() {
                Ok(epoch) => ::log::error!(
                    "reload of identity {name:?} failed, keeping epoch {}: {error}",
                    epoch.number
                ),
                Err(_) => ::log::error!("identity {name:?} is not available: {error}"),
            }
        }
    }
}

fn announce(name: &str, epoch: &Epoch) {
    warn(name, epoch);
    ::log::info!("identity {name:?}: {}", describe(epoch));
}

fn warn(name: &str, epoch: &Epoch) {
    for warning in epoch.material().warnings() {
        ::log::warn!("identity {name:?}: {warning}");
    }
}

fn describe(epoch: &Epoch) -> String {
    let trusts = trusts(epoch);
    match epoch.certificate() {
        None => format!("no certificate, {trusts}"),
        Some(certificate) => format!(
            "{} by {}, valid to {}, {}, {trusts}",
            certificate.subject,
            certificate.issuer,
            x509::utc(certificate.not_after),
            certificate.key,
        ),
    }
}

fn trusts(epoch: &Epoch) -> String {
    let material = epoch.material();
    match (&material.roots, material.crls.iter().count()) {
        (None, _) => String::from("pinned keys in place of roots"),
        (Some(roots), 0) => format!("{} roots", roots.count),
        (Some(roots), lists) => format!("{} roots, {lists} revocation lists", roots.count),
    }
}
