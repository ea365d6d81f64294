//! What is measured of whom, and how often.

use std::error::Error;

use crate::cloud::{Site, Upstream};
use crate::process::Cores;
use crate::proxies::{Job, Kind, Proxy};
use crate::sheet::Sheet;

pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How long everything takes.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Of what is quick.
    pub rounds: usize,
    /// Small requests of a round, of all clients together.
    pub requests: usize,
    /// Requests of a round of which each costs a handshake.
    pub handshakes: usize,
    /// Of what takes seconds.
    pub long_rounds: usize,
}

pub const QUICK: Plan = Plan {
    rounds: 3,
    requests: 2_048,
    handshakes: 200,
    long_rounds: 1,
};

pub const WHOLE: Plan = Plan {
    rounds: 19,
    requests: 4_096,
    handshakes: 400,
    long_rounds: 3,
};

impl Plan {
    pub fn describe(&self) -> String {
        let Self {
            rounds,
            requests,
            handshakes,
            long_rounds,
        } = self;
        format!(
            "{rounds} of {requests} small requests or {handshakes} handshakes, {long_rounds} of memory"
        )
    }
}

/// All that measuring needs.
pub struct Bench {
    pub site: Site,
    pub kinds: Vec<Kind>,
    /// What they are called.
    pub names: Vec<String>,
    pub plan: Plan,
    pub cores: Cores,
}

impl Bench {
    /// Starts a proxy on the proxies' core.
    pub fn start(&self, kind: &Kind, job: &Job) -> Result<Proxy> {
        self.cores.on_proxys(|| Proxy::start(kind, job))
    }

    /// [`Bench::start`] of each.
    pub fn start_all(&self, job: &Job) -> Result<Vec<Proxy>> {
        let starts = self.kinds.iter().map(|kind| self.start(kind, job));
        starts.collect()
    }

    /// A table with a column for each.
    pub fn sheet(&self, title: &'static str) -> Sheet {
        Sheet::new(title, &self.names)
    }

    /// With one listener, and clients as many as it takes by default.
    pub fn usual(&self) -> Job<'_> {
        Job {
            site: &self.site,
            to: &[Upstream::Kept],
            clients: None,
            through: None,
        }
    }

    /// Whose turn it is in that round: nobody is always the first.
    pub fn turns(&self, round: usize) -> impl Iterator<Item = usize> + use<> {
        let count = self.kinds.len();
        (0..count).map(move |n| (n + round) % count)
    }
}
