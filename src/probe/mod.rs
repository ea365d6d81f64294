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

use crate::config::{Config, ProbeTarget};
use crate::identity::clock::Clock;
use crate::identity::{DefaultRoots, KeyLogFile, LoadError};
use crate::upstream::connect::Dialer;

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
    /// `--keylog`.
    pub key_log: Option<Arc<KeyLogFile>>,
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
        let known = Known::load(&target.identity, self)?;
        let first = Attempt::ask(&target, &known, &self.dialer).await;
        let second = match &first.answer {
            Some(_) => Some(Attempt::connect(&target, &known, &self.dialer).await),
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
            now: self.clock.time(),
        })
    }
}
