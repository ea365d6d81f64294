//! `egret probe`: looks at one upstream after the other and tells what it found.

use std::cell::RefCell;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::run::{StartError, open_key_log, runtime};
use super::{BAD_FILES, DONE, FAILED, complain, privacy, say};
use crate::check::{self, Fault};
use crate::config::{Compared, Config, IdentityConfig, ProbePlan, ProbeTarget};
use crate::identity::clock::SystemClock;
use crate::identity::{DefaultRoots, LoadError};
use crate::json::Json;
use crate::limits;
use crate::probe::report::{self, Sheet};
use crate::probe::{Probe, Target, isolation};
use crate::upstream::connect::Dialer;
use crate::upstream::resolver::{Resolver, System};

/// Does as planned and prints what was found, for people or as `json`; tells the exit code.
pub(super) fn main(config: &Config, plan: &ProbePlan, json: bool) -> u8 {
    crate::log::init(config.log, None);
    privacy::keep_memory_private();
    match look(config, plan, json) {
        Ok(code) => code,
        Err(error) => {
            complain(&[&error]);
            error.exit_code()
        }
    }
}

fn look(config: &Config, plan: &ProbePlan, json: bool) -> Result<u8, StartError> {
    let key_log = config.keylog.as_deref().map(open_key_log).transpose()?;
    let mut session = Session {
        config,
        probe: Probe {
            dialer: dialer(config),
            roots: DefaultRoots::new(config.ca.clone()),
            clock: Arc::new(SystemClock),
            key_log,
        },
        json,
        reports: Vec::new(),
        faults: Vec::new(),
        good: true,
    };
    runtime()?.block_on(session.run(plan));
    Ok(session.end(plan))
}

/// What is looked at, and what was found so far.
struct Session<'a> {
    config: &'a Config,
    probe: Probe,
    json: bool,
    reports: Vec<Json>,
    faults: Vec<Fault>,
    good: bool,
}

impl Session<'_> {
    async fn run(&mut self, plan: &ProbePlan) {
        match plan {
            ProbePlan::Each(targets) => {
                for target in targets {
                    self.examine(target).await;
                }
            }
            ProbePlan::Isolate(all) => {
                for compared in all {
                    self.isolate(compared).await;
                }
            }
        }
    }

    async fn examine(&mut self, target: &ProbeTarget) {
        match self.probe.examine(self.config, target).await {
            Ok(finding) => {
                let json = || report::json(&finding);
                let text = |sheet: &mut Sheet| report::text(&finding, sheet);
                self.tell(finding.diagnosis.is_none(), json, text);
            }
            Err(error) => self.fault(self.config.identity(target.identity), error),
        }
    }

    async fn isolate(&mut self, compared: &Compared) {
        let target = Target::new(self.config, &compared.target);
        let identities = compared.identities.iter();
        let identities: Vec<_> = identities.map(|id| self.config.identity(*id)).collect();
        match self.probe.isolate(&target, &identities).await {
            Ok(found) => {
                let json = || isolation::json(&found);
                let text = |sheet: &mut Sheet| isolation::text(&found, sheet);
                self.tell(found.confusion.is_none(), json, text);
            }
            Err((identity, error)) => self.fault(identity, error),
        }
    }

    /// A report for people is printed at once: one that takes long must not keep back another.
    fn tell(&mut self, good: bool, json: impl FnOnce() -> Json, text: impl FnOnce(&mut Sheet)) {
        self.good &= good;
        if self.json {
            self.reports.push(json());
            return;
        }
        let mut sheet = Sheet::new(report::wants_colour());
        text(&mut sheet);
        self.good &= say(&format!("{}\n", sheet.into_text())) == DONE;
    }

    /// All that is wrong with the files of an identity that did not load, as `check` tells it. Dates
    /// are none of it: the server judges.
    fn fault(&mut self, identity: &IdentityConfig, error: LoadError) {
        let mut all = check::faults(&[identity], Some(&self.probe.roots), None);
        if all.is_empty() {
            all.push(Fault::of(identity, error));
        }
        for fault in all {
            if !self.faults.contains(&fault) {
                self.faults.push(fault);
            }
        }
    }

    fn end(mut self, plan: &ProbePlan) -> u8 {
        if self.json {
            let name = match plan {
                ProbePlan::Each(_) => "probes",
                ProbePlan::Isolate(_) => "isolation",
            };
            let whole = Json::Object(vec![(name, Json::List(self.reports))]);
            self.good &= say(&format!("{whole}\n")) == DONE;
        }
        complain(&self.faults);
        match (self.faults.is_empty(), self.good) {
            (false, _) => BAD_FILES,
            (true, true) => DONE,
            (true, false) => FAILED,
        }
    }
}

fn dialer(config: &Config) -> Dialer {
    let timeouts = config.timeouts;
    Dialer {
        resolver: Resolver::new(Arc::new(System), timeouts.connect),
        handshakes: Semaphore::new(limits::HANDSHAKES_MAX),
        listeners: RefCell::default(),
        connect_timeout: timeouts.connect,
        wait_timeout: timeouts.wait,
        upstream_idle: timeouts.upstream_idle,
    }
}
