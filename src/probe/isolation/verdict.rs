//! Whether what callers got shows that a server confuses them.

use std::fmt;

use super::{Outcome, Trial, Visit};
use crate::upstream::connect::TlsVersion;

/// How a server confuses those who ask it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confusion {
    /// It showed somebody the certificate of another.
    Shows {
        /// With this version.
        version: TlsVersion,
        /// To whom.
        to: String,
        /// Whose certificate.
        whose: String,
        /// In this order.
        order: String,
    },
    /// It answered the same question of the same identity in two ways.
    Differs {
        /// With this version.
        version: TlsVersion,
        /// Whom.
        who: String,
        /// Once so.
        one: String,
        /// And so another time.
        other: String,
    },
    /// There is nothing to go by.
    NothingLearnt(String),
    /// Everybody got the same, so that nobody can be seen to be taken for another.
    Indistinct,
}

impl fmt::Display for Confusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const REMEDY: &str = "turn its session cache and session tickets off, and look for a proxy before it that shares connections";
        match self {
            Self::Shows {
                version,
                to,
                whose,
                order,
            } => write!(
                f,
                "the server confuses identities: with TLS {version} it took {to} for {whose} ({order}); {REMEDY}"
            ),
            Self::Differs {
                version,
                who,
                one,
                other,
            } => write!(
                f,
                "the server does not answer {who} alike: with TLS {version} it got {one} and {other}; {REMEDY}"
            ),
            Self::NothingLearnt(why) => write!(
                f,
                "nothing can be said, no version of TLS brought an answer ({why}); probe without --isolation for what is wrong"
            ),
            Self::Indistinct => f.write_str(
                "nothing can be said, everybody gets the same answer and none shows whose certificate the server saw; name a URL whose answer does"
            ),
        }
    }
}

/// What is wrong; `None`: they are kept apart.
pub(super) fn of(names: &[String], trials: &[Trial]) -> Option<Confusion> {
    if trials.iter().all(|trial| trial.visits.is_empty()) {
        let why = trials.iter().filter_map(|trial| trial.left_out.as_deref());
        let why: Vec<_> = why.collect();
        return Some(Confusion::NothingLearnt(why.join(", ")));
    }
    trials
        .iter()
        .find_map(|trial| shows(names, trial).or_else(|| differs(names, trial)))
        .or_else(|| {
            trials
                .iter()
                .all(is_uniform)
                .then_some(Confusion::Indistinct)
        })
}

fn is_uniform(trial: &Trial) -> bool {
    let told = |visit: &Visit| (visit.outcome.clone(), visit.shown.clone());
    let mut all = trial.visits.iter().map(told);
    let first = all.next();
    all.all(|visit| first.as_ref() == Some(&visit))
}

fn shows(names: &[String], trial: &Trial) -> Option<Confusion> {
    let is_wrong = |visit: &&Visit| !visit.shown.is_empty() && !visit.shown.contains(&visit.who);
    let visit = trial.visits.iter().find(is_wrong)?;
    let whose = visit.shown.first()?;
    Some(Confusion::Shows {
        version: trial.version,
        to: names[visit.who].clone(),
        whose: names[*whose].clone(),
        order: place(names, visit),
    })
}

fn differs(names: &[String], trial: &Trial) -> Option<Confusion> {
    let told = |visit: &Visit| (visit.outcome.clone(), visit.shown.clone());
    trial.visits.iter().find_map(|visit| {
        let first = trial.visits.iter().find(|one| one.who == visit.who)?;
        (told(first) != told(visit)).then(|| Confusion::Differs {
            version: trial.version,
            who: names[visit.who].clone(),
            one: described(names, first),
            other: described(names, visit),
        })
    })
}

fn described(names: &[String], visit: &Visit) -> String {
    format!("{} ({})", got(names, visit), place(names, visit))
}

/// What somebody got, and whose certificate it shows.
pub(super) fn got(names: &[String], visit: &Visit) -> String {
    let outcome = match &visit.outcome {
        Outcome::Status(status) => status.to_string(),
        Outcome::Failed(cause) => (*cause).to_owned(),
    };
    let shown: Vec<&str> = visit.shown.iter().map(|who| names[*who].as_str()).collect();
    match shown.is_empty() {
        true => outcome,
        false => format!("{outcome} as {}", shown.join("+")),
    }
}

/// In which order, and how.
fn place(names: &[String], visit: &Visit) -> String {
    let order: Vec<&str> = visit.order.iter().map(|who| names[*who].as_str()).collect();
    let how = match (visit.round, visit.resumed) {
        (0, _) => "",
        (_, true) => ", session resumed",
        (_, false) => ", second time",
    };
    format!("in the order {}{how}", order.join(", "))
}
