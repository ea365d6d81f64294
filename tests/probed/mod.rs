//! `egret probe` run to its end, and what it found.

// Each test program uses a part of it.
#![allow(dead_code)]

use crate::support::egret::{Builder, Egret, Finished};
use crate::support::json::Value;
use crate::support::world::World;

/// `egret probe`, to be given its options.
pub fn probe() -> Builder {
    Egret::builder(env!("CARGO_BIN_EXE_egret")).arg("probe")
}

/// `egret probe` of that URL, with or without keys behind it, as identity `x`, a device of that world
/// whose servers are trusted.
pub fn as_x(world: &World, url: &str) -> Builder {
    probe()
        .arg(&format!("{url},identity=x"))
        .ca(&world.ca)
        .identity(&world.device("x"))
}

/// The report of a probe, as JSON.
pub fn report(probe: Builder) -> (Option<i32>, Vec<Value>) {
    let finished = probe.arg("--json").run();
    let json = parsed(&finished);
    let probes = json.get("probes").expect("probes").elements().to_vec();
    (finished.code(), probes)
}

/// What a probe wrote, as JSON; panics when it is none.
pub fn parsed(finished: &Finished) -> Value {
    assert_eq!(finished.stderr, "");
    let json = Value::parse(&finished.stdout);
    json.unwrap_or_else(|| panic!("no JSON: {}", finished.stdout))
}

/// The text of a field below others, as `tls.version`; `None` for null.
pub fn field(report: &Value, path: &str) -> Option<String> {
    let mut value = report;
    for name in path.split('.') {
        value = value
            .get(name)
            .unwrap_or_else(|| panic!("no {name} of {path} in {report}"));
    }
    value.text()
}

/// What is wrong, as it is told.
#[derive(Debug)]
pub struct Problem {
    pub code: String,
    pub text: String,
    pub report: Value,
}

/// The one thing that is wrong with the one upstream; panics when there is none, or more.
pub fn problem(probe: Builder) -> Problem {
    let (code, mut reports) = report(probe);
    assert_eq!(reports.len(), 1, "{reports:?}");
    let report = reports.remove(0);
    assert_eq!(code, Some(1), "{report}");
    assert_eq!(field(&report, "good").as_deref(), Some("false"));
    Problem {
        code: field(&report, "problem.code").expect("a code"),
        text: field(&report, "problem.text").expect("a text"),
        report,
    }
}

/// This must be the one thing that is wrong, in exactly these words.
pub fn assert_problem(probe: Builder, code: &str, text: &str) -> Value {
    let problem = problem(probe);
    assert_eq!((problem.code.as_str(), problem.text.as_str()), (code, text));
    problem.report
}

/// Nothing must be wrong.
pub fn assert_good(probe: Builder) -> Value {
    let (code, mut reports) = report(probe);
    assert_eq!((code, reports.len()), (Some(0), 1), "{reports:?}");
    let report = reports.remove(0);
    assert_eq!(field(&report, "good").as_deref(), Some("true"));
    assert_eq!(field(&report, "problem"), None);
    report
}
