//! What came of it, for people and for programs.

use super::verdict::got;
use super::{Isolation, Outcome, Trial, Visit};
use crate::json::Json;
use crate::probe::report::{Sheet, Tone};

/// The report on one upstream.
pub fn text(isolation: &Isolation, sheet: &mut Sheet) {
    let names = isolation.names.join(", ");
    sheet.title(&format!("{} as {names}, in every order", isolation.url));
    for trial in &isolation.trials {
        let label = format!("TLS {}", trial.version);
        match &trial.left_out {
            Some(why) => sheet.row(&label, why),
            None => table(&isolation.names, trial, &label, sheet),
        }
    }
    match &isolation.confusion {
        None => sheet.toned(
            "good",
            "the server keeps them apart: each is answered alike in every order",
            Tone::Good,
        ),
        Some(confusion) => sheet.toned("problem", &confusion.to_string(), Tone::Bad),
    }
}

/// A line for each order and round.
fn table(names: &[String], trial: &Trial, label: &str, sheet: &mut Sheet) {
    let mut label = label;
    let same = |one: &Visit, other: &Visit| one.order == other.order && one.round == other.round;
    for line in trial.visits.chunk_by(same) {
        let cells = line
            .iter()
            .map(|visit| format!("{} {}", names[visit.who], got(names, visit)));
        let cells: Vec<_> = cells.collect();
        let again = match line {
            [first, ..] if first.round == 0 => "",
            all if all.iter().all(|visit| visit.resumed) => "again, resumed: ",
            all if all.iter().any(|visit| visit.resumed) => "again, some resumed: ",
            _ => "again: ",
        };
        sheet.row(label, &format!("{again}{}", cells.join("; ")));
        label = "";
    }
}

/// The same as JSON, a promise as that of a finding.
pub fn json(isolation: &Isolation) -> Json {
    let problem = isolation.confusion.as_ref();
    let trials = isolation.trials.iter();
    Json::Object(vec![
        ("url", isolation.url.as_str().into()),
        ("identities", Json::list(isolation.names.iter().cloned())),
        ("good", problem.is_none().into()),
        ("problem", problem.map(ToString::to_string).into()),
        (
            "trials",
            Json::List(trials.map(|one| trial(&isolation.names, one)).collect()),
        ),
    ])
}

fn trial(names: &[String], trial: &Trial) -> Json {
    let visits = trial.visits.iter().map(|one| visit(names, one));
    Json::Object(vec![
        ("tls", trial.version.to_string().into()),
        ("left_out", trial.left_out.clone().into()),
        ("visits", Json::List(visits.collect())),
    ])
}

fn visit(names: &[String], visit: &Visit) -> Json {
    let named = |all: &[usize]| Json::list(all.iter().map(|who| names[*who].clone()));
    let (status, failure) = match &visit.outcome {
        Outcome::Status(status) => (Some(f64::from(*status)), None),
        Outcome::Failed(cause) => (None, Some(*cause)),
    };
    Json::Object(vec![
        ("order", named(&visit.order)),
        ("again", (visit.round > 0).into()),
        ("identity", names[visit.who].as_str().into()),
        ("resumed", visit.resumed.into()),
        ("status", status.into()),
        ("failure", failure.into()),
        ("shown_as", named(&visit.shown)),
    ])
}
