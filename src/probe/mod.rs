//! `egret probe`: what happens on the wire between us and an upstream, what is wrong, and what to
//! change. It connects as `run` does, and never from a pool.

mod attempt;
mod diagnose;
mod diagnosis;
pub mod isolation;
pub mod report;
mod target;

use std::sync::Arc;
use std::time::SystemTime;

use tokio::time::Instant;

use crate::config::{Config, ProbeTarget};
use crate::error::Cause;
use crate::identity::clock::{Clock, unix_seconds};
use crate::identity::{DefaultRoots, LoadError};
use crate::upstream::connect::{Dialer, Facts};

pub use attempt::{Answer, Attempt};
pub use diagnosis::{Diagnosis, Refusal, WithoutSni};
pub use isolation::Isolation;
pub use target::{Known, Target};

use diagnose::Physician;

/// What was found out about one upstream, as one identity.
#[derive(Debug)]
pub struct Finding {
    /// What was looked at.
    pub target: Target,
    /// What the identity's files say.
    pub known: Known,
    /// The first connection, and the request on it.
    pub first: Attempt,
    /// The second one, made once the first one's request was answered: tickets come late.
    pub second: Option<Attempt>,
    /// What is wrong; `None`: all is good.
    pub diagnosis: Option<Diagnosis>,
    /// Our clock, unless it is not set.
    pub now: Option<SystemTime>,
}

/// What looks at upstreams.
pub struct Probe {
    /// How connections are made.
    pub dialer: Dialer,
    /// Roots of identities without `ca=`.
    pub roots: DefaultRoots,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
}

impl Probe {
    /// Looks at one upstream.
    ///
    /// # Errors
    /// Which file of the identity is missing or bad.
    pub async fn examine(
        &self,
        config: &Config,
        target: &ProbeTarget,
    ) -> Result<Finding, LoadError> {
        let target = Target::new(config, target);
        let known = Known::load(&target.identity, &self.roots, &self.clock)?;
        let now = self.clock.time();
        let first = match now {
            Some(_) => self.ask(&target, &known).await,
            None => Attempt {
                facts: Facts::detailed(),
                failure: Some(Cause::ClockNotSet),
                answer: None,
            },
        };
        let second = match &first.answer {
            Some(_) => Some(self.connect(&target, &known).await),
            None => None,
        };
        let physician = Physician {
            target: &target,
            known: &known,
            dialer: &self.dialer,
            attempt: &first,
        };
        let diagnosis = match (physician.diagnose().await, &second) {
            (Some(diagnosis), _) => Some(diagnosis),
            (None, Some(second)) => second.failure.clone().map(Diagnosis::second_failed),
            (None, None) => None,
        };
        Ok(Finding {
            target,
            known,
            first,
            second,
            diagnosis,
            now,
        })
    }

    async fn ask(&self, target: &Target, known: &Known) -> Attempt {
        let slot = known
            .epoch
            .sessions
            .slot(&target.upstream, Instant::now(), self.wall());
        Attempt::ask(target, known, &slot, &self.dialer).await
    }

    async fn connect(&self, target: &Target, known: &Known) -> Attempt {
        let slot = known
            .epoch
            .sessions
            .slot(&target.upstream, Instant::now(), self.wall());
        Attempt::connect(&target.upstream, known, &slot, &self.dialer).await
    }

    fn wall(&self) -> i64 {
        unix_seconds(self.clock.now())
    }
}
