//! Whether a server takes one identity for another: one, none and another ask it in every order,
//! with sessions and connections of their own, and each must get the same wherever it stands.

mod report;
mod verdict;

use std::rc::Rc;

use crate::config::{IdentityConfig, TlsVersions};
use crate::error::{Cause, TlsFault};
use crate::identity::x509::Summary;
use crate::identity::{LoadError, Material};
use crate::upstream::connect::{OurCertificate, TlsVersion};

pub use report::{json, text};
pub use verdict::Confusion;

use super::Probe;
use super::attempt::Attempt;
use super::target::{Known, Target};

/// How often each asks within one order: in full, and with its own session.
const ROUNDS: usize = 2;

/// The name of the one without a certificate.
const NONE: &str = "none";

/// What came of it.
#[derive(Debug)]
pub struct Isolation {
    /// The upstream.
    pub url: String,
    /// Who asked.
    pub names: Vec<String>,
    /// One for each version of TLS.
    pub trials: Vec<Trial>,
    /// What is wrong; `None`: they are kept apart.
    pub confusion: Option<Confusion>,
}

/// All orders with one version of TLS.
#[derive(Debug)]
pub struct Trial {
    /// Which version.
    pub version: TlsVersion,
    /// Why it was not tried, or not to its end.
    pub left_out: Option<String>,
    /// Everything that was asked, in the order in which it was.
    pub visits: Vec<Visit>,
}

/// One question of one identity.
#[derive(Debug, Clone)]
pub struct Visit {
    /// Which order it belongs to: indices of [`Isolation::names`].
    pub order: Rc<[usize]>,
    /// The first time or the next, from 0.
    pub round: usize,
    /// Who asked: an index of [`Isolation::names`].
    pub who: usize,
    /// It resumed its own session.
    pub resumed: bool,
    /// What it got.
    pub outcome: Outcome,
    /// Whose certificates the body shows: indices of [`Isolation::names`].
    pub shown: Vec<usize>,
}

/// What somebody got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// An answer of this status.
    Status(u16),
    /// None; the cause's name.
    Failed(&'static str),
}

/// One who asks.
struct Caller {
    target: Target,
    material: Material,
}

impl Probe {
    /// Has `identities`, which have certificates, and one without ask `target` in every order.
    ///
    /// # Errors
    /// Whose files are missing or bad.
    pub async fn isolate<'a>(
        &self,
        target: &Target,
        identities: &[&'a IdentityConfig],
    ) -> Result<Isolation, (&'a IdentityConfig, LoadError)> {
        let mut callers = Vec::new();
        for identity in identities {
            let caller = self.caller(target, identity);
            callers.push(caller.map_err(|error| (*identity, error))?);
        }
        if let Some(first) = callers.first() {
            let none = first.without_certificate();
            callers.insert(1, none);
        }
        let mut trials = Vec::new();
        for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
            trials.push(self.trial(&callers, version).await);
        }
        let names: Vec<_> = callers
            .iter()
            .map(|caller| caller.target.identity.name.clone())
            .collect();
        Ok(Isolation {
            url: target.url.clone(),
            confusion: verdict::of(&names, &trials),
            names,
            trials,
        })
    }

    fn caller(&self, target: &Target, identity: &IdentityConfig) -> Result<Caller, LoadError> {
        let mut target = target.clone();
        target.identity = identity.clone();
        let material = Material::read(identity, &self.roots)?;
        Ok(Caller { target, material })
    }

    async fn trial(&self, callers: &[Caller], version: TlsVersion) -> Trial {
        let mut trial = Trial {
            version,
            left_out: callers.iter().find_map(|caller| caller.forbids(version)),
            visits: Vec::new(),
        };
        if trial.left_out.is_some() {
            return trial;
        }
        for order in orders(callers.len()) {
            let known: Result<Vec<_>, _> = callers
                .iter()
                .map(|caller| self.known(caller, version))
                .collect();
            let known = match known {
                Ok(known) => known,
                Err(error) => {
                    trial.left_out = Some(error.to_string());
                    return trial;
                }
            };
            let order: Rc<[usize]> = order.into();
            for (round, who) in
                (0..ROUNDS).flat_map(|round| order.iter().map(move |who| (round, *who)))
            {
                let attempt = Attempt::ask(&callers[who].target, &known[who], &self.dialer).await;
                if trial.visits.is_empty()
                    && let Some(why) = out_of_reach(&attempt)
                {
                    trial.left_out = Some(why);
                    return trial;
                }
                trial.visits.push(Visit {
                    order: Rc::clone(&order),
                    round,
                    who,
                    resumed: attempt.facts.resumed,
                    outcome: outcome(&attempt),
                    shown: shown(&attempt, callers),
                });
            }
        }
        trial
    }

    /// A fresh epoch for each order.
    fn known(&self, caller: &Caller, version: TlsVersion) -> Result<Known, LoadError> {
        let mut config = caller.target.identity.clone();
        config.versions = match version {
            TlsVersion::Tls12 => TlsVersions::Only12,
            TlsVersion::Tls13 => TlsVersions::Only13,
        };
        Known::new(&config, caller.material.clone(), self)
    }
}

impl Caller {
    /// The same, to the same servers, without a certificate.
    fn without_certificate(&self) -> Self {
        let mut target = self.target.clone();
        target.identity.name = String::from(NONE);
        Self {
            target,
            material: self.material.without_certificate(),
        }
    }

    fn certificate(&self) -> Option<&Summary> {
        let credentials = self.material.credentials.as_ref();
        credentials.map(|credentials| &credentials.leaf)
    }

    fn forbids(&self, version: TlsVersion) -> Option<String> {
        let identity = &self.target.identity;
        let forbidden = match version {
            TlsVersion::Tls12 => TlsVersions::Only13,
            TlsVersion::Tls13 => TlsVersions::Only12,
        };
        let name = &identity.name;
        (identity.versions == forbidden)
            .then(|| format!("not tried, tls={forbidden} of identity {name:?} rules it out"))
    }
}

/// Why nothing can be learnt of a version of TLS, from the first attempt with it.
fn out_of_reach(attempt: &Attempt) -> Option<String> {
    let cause = attempt.failure.as_ref()?;
    match cause {
        Cause::Alert(alert) if alert.name == "protocol_version" => {
            Some(String::from("not spoken by the server"))
        }
        Cause::Tls(TlsFault::Incompatible(_)) => Some(String::from("not spoken by the server")),
        // What follows our certificate, or its absence, is an outcome.
        _ if attempt.shook_hands() || attempt.facts.certificate != OurCertificate::NotAsked => None,
        other => {
            let failure = crate::error::Failure::from(other.clone());
            Some(format!("no connection: {failure}"))
        }
    }
}

fn outcome(attempt: &Attempt) -> Outcome {
    match (&attempt.answer, &attempt.failure) {
        (Some(answer), _) => Outcome::Status(answer.status),
        (None, Some(cause)) => Outcome::Failed(cause.label()),
        (None, None) => Outcome::Failed("nothing"),
    }
}

/// Whose certificates the body of an answer shows.
fn shown(attempt: &Attempt, callers: &[Caller]) -> Vec<usize> {
    let Some(answer) = &attempt.answer else {
        return Vec::new();
    };
    let body = plain(&String::from_utf8_lossy(&answer.body));
    let is_shown = |caller: &Caller| {
        let certificate = caller.certificate();
        certificate.is_some_and(|certificate| shows(&body, &plain(common_name(certificate))))
    };
    let all = callers.iter().enumerate();
    all.filter(|(_, caller)| is_shown(caller))
        .map(|(who, _)| who)
        .collect()
}

/// `CN=…` of a subject, or all of one that has none: servers differ in how they write the rest.
fn common_name(certificate: &Summary) -> &str {
    let mut parts = certificate.subject.split(',');
    let name = parts.find(|part| part.starts_with("CN="));
    name.unwrap_or(&certificate.subject)
}

/// `CN = a` and `CN=a` are the same.
fn plain(text: &str) -> String {
    let parts: Vec<_> = text.split('=').map(|part| part.trim_matches(' ')).collect();
    parts.join("=")
}

/// Whether `body` has `name` in it, and not as the start of a longer one.
fn shows(body: &str, name: &str) -> bool {
    let goes_on = |c: char| c.is_alphanumeric() || "._-".contains(c);
    !name.is_empty()
        && body
            .match_indices(name)
            .any(|(at, _)| !body[at + name.len()..].starts_with(goes_on))
}

/// All orders of so many.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let shorter = orders(count - 1);
    let with_last = |order: Vec<usize>| {
        (0..count).map(move |at| {
            let mut order = order.clone();
            order.insert(at, count - 1);
            order
        })
    };
    let mut all: Vec<_> = shorter.into_iter().flat_map(with_last).collect();
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_have_six_orders_and_two_have_two() {
        assert_eq!(orders(2), [[0, 1], [1, 0]]);
        let three = orders(3);
        assert_eq!(three.len(), 6);
        assert_eq!(three[0], [0, 1, 2]);
        assert_eq!(three[5], [2, 1, 0]);
        let mut distinct = three.clone();
        distinct.dedup();
        assert_eq!(distinct, three);
    }

    #[test]
    fn a_name_is_shown_however_it_is_written_and_never_as_a_part_of_another() {
        let body = plain("subject: O = Acme, CN = meter-1\nCN=other");
        assert!(shows(&body, "CN=meter-1"));
        assert!(shows(&body, "CN=other"));
        assert!(shows(&plain("CN=meter 1 2\n"), "CN=meter"));
        assert!(!shows(&plain("CN=meter 1 2\n"), "CN=meter1"));
        assert!(!shows(&body, "CN=meter"));
        assert!(!shows(&body, "CN=oth"));
        assert!(!shows(&body, ""));
    }
}
