//! Whether egret can do its work, and why not.

use std::fmt;
use std::rc::Rc;
use std::time::SystemTime;

use crate::check::date_warning;
use crate::identity::clock::{Clock, unix_seconds};
use crate::identity::{Identity, x509};

/// What stands against it, and what will.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// Why it is not ready.
    pub(super) faults: Vec<String>,
    /// What is to be put right while it is.
    pub(super) notes: Vec<String>,
}

impl Health {
    /// Of a process that has these identities, and may be `stopping`.
    pub(super) fn of(identities: &[Rc<Identity>], clock: &dyn Clock, stopping: bool) -> Self {
        let mut health = Self::default();
        if stopping {
            health.faults.push(String::from("stopping"));
        }
        if clock.time().is_none() {
            let now = x509::utc(unix_seconds(clock.now()));
            let fault = format!("clock is not set: it shows {now} (ntpd, chrony)");
            health.faults.push(fault);
        }
        for identity in identities {
            health.look_at(identity, clock.time());
        }
        health
    }

    fn look_at(&mut self, identity: &Identity, now: Option<SystemTime>) {
        let name = &identity.config.name;
        let fault = identity.fault();
        let Ok(epoch) = identity.current() else {
            let why = fault.unwrap_or_else(|| String::from("its files were not read yet"));
            let fault = format!("identity {name:?}: not available: {why}");
            return self.faults.push(fault);
        };
        let number = epoch.number;
        let kept = fault
            .map(|why| format!("identity {name:?}: reload failed, keeping epoch {number}: {why}"));
        self.notes.extend(kept);
        let certificate = epoch.certificate();
        if let Some(warning) = certificate.and_then(|one| date_warning(one, now)) {
            let told = match warning.is_invalid() {
                true => &mut self.faults,
                false => &mut self.notes,
            };
            told.push(format!("identity {name:?}: {warning}"));
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.faults.is_empty()
    }
}

/// A line for each, and one before them.
impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.is_ready() {
            true => "ready\n",
            false => "not ready\n",
        })?;
        let mut lines = self.faults.iter().chain(&self.notes);
        lines.try_for_each(|line| writeln!(f, "{line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::clock::Stopped;

    #[test]
    fn who_has_no_clock_is_not_ready_and_says_what_it_shows() {
        let health = Health::of(&[], &Stopped(SystemTime::UNIX_EPOCH), false);
        assert_eq!(
            health.to_string(),
            "not ready\nclock is not set: it shows 1970-01-01T00:00:00Z (ntpd, chrony)\n"
        );
    }

    #[test]
    fn who_stops_is_not_ready() {
        let clock = Stopped(SystemTime::now());
        assert_eq!(Health::of(&[], &clock, false).to_string(), "ready\n");
        assert_eq!(
            Health::of(&[], &clock, true).to_string(),
            "not ready\nstopping\n"
        );
    }
}
