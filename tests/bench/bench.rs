//! egret beside nginx and HAProxy doing the same: a client certificate, the server verified by
//! name, SNI, TLS 1.3 with AES-128-GCM, connections kept on both sides, one worker. Each proxy has
//! one core, the clients and the cloud another; they take turns in each round. Prints Markdown, and
//! leaves it and all values in target/bench.md and target/bench.json.
//!
//! `make bench`; needs two cores, root and a release build of egret. nginx is the cloud too, and
//! the tests' stand-in where it is not installed. `QUICK=1` takes fewer rounds, `RECORD=1` puts the
//! tables into the README, `ONLY=memory` (or another of the rooms) makes but one. Programs given as
//! arguments, other builds of egret, are compared in place of the three.

mod bulk;
mod cloud;
mod handshakes;
mod load;
mod machine;
mod memory;
#[path = "../peers/mod.rs"]
mod peers;
mod plan;
mod process;
mod proxies;
mod report;
mod requests;
mod sheet;
mod start;
#[path = "../support/mod.rs"]
mod support;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use cloud::Site;
use peers::version::installed;
use plan::{Bench, QUICK, Result, WHOLE};
use process::{Cores, raise_descriptors};
use proxies::{Kind, release};
use report::Report;
use sheet::Sheet;

/// What measures a part.
type Room = fn(&Bench) -> Result<Vec<Sheet>>;

const ROOMS: [(&str, Room); 5] = [
    ("requests", requests::measure),
    ("handshakes", handshakes::measure),
    ("bulk", bulk::measure),
    ("memory", memory::measure),
    ("start", start::measure),
];

fn main() -> ExitCode {
    match bench() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn bench() -> Result<()> {
    let records = env::var_os("RECORD").is_some();
    if records {
        assert_whole()?;
    }
    let kinds = kinds()?;
    raise_descriptors()?;
    let cores = Cores::divide()?;
    let is_quick = env::var_os("QUICK").is_some();
    let mut facts = machine::facts(cores)?;
    let names = names(&kinds);
    facts.extend(names.iter().cloned().zip(kinds.iter().map(Kind::version)));
    let bench = Bench {
        site: Site::start()?,
        names,
        kinds,
        plan: if is_quick { QUICK } else { WHOLE },
        cores,
    };
    facts.push(("cloud".to_owned(), bench.site.server.name()));
    facts.push(("rounds".to_owned(), bench.plan.describe()));
    let sheets = measure(&bench)?;
    // The ratios are to nginx, or to the first of several builds.
    let reference = bench.kinds.iter().position(|kind| *kind == Kind::Nginx);
    let report = Report {
        facts,
        sheets,
        reference: reference.unwrap_or_default(),
    };
    report.publish(records)
}

/// The README has all tables, each of the three proxies.
fn assert_whole() -> Result<()> {
    match env::var_os("ONLY").is_some() || env::args_os().len() > 1 {
        true => Err(
            "RECORD=1 puts all tables of the three proxies into the README; \
             leave out ONLY= and the programs to compare"
                .into(),
        ),
        false => Ok(()),
    }
}

/// Who is compared: the builds given, or the three proxies as far as they are installed.
fn kinds() -> Result<Vec<Kind>> {
    let builds: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    if !builds.is_empty() {
        return Ok(builds.into_iter().map(Kind::Egret).collect());
    }
    let mut kinds = vec![Kind::Egret(release()?)];
    for (kind, program) in [(Kind::Nginx, "nginx"), (Kind::Haproxy, "haproxy")] {
        match installed(program, "-v") {
            Some(_) => kinds.push(kind),
            None => eprintln!("bench: {program} is not installed, and left out"),
        }
    }
    Ok(kinds)
}

/// The tables, or those of [`ROOMS`] that `ONLY` names.
fn measure(bench: &Bench) -> Result<Vec<Sheet>> {
    let only = env::var("ONLY").ok();
    let mut sheets = Vec::new();
    for (name, measure) in ROOMS {
        if only.as_deref().is_none_or(|only| only == name) {
            eprintln!("bench: {name}");
            sheets.extend(measure(bench)?);
        }
    }
    Ok(sheets)
}

/// Builds are told apart by where they are.
fn names(kinds: &[Kind]) -> Vec<String> {
    let egrets = kinds.iter().filter(|kind| matches!(kind, Kind::Egret(_)));
    let are_builds = egrets.count() > 1;
    let name = |kind: &Kind| match kind {
        Kind::Egret(program) if are_builds => program.display().to_string(),
        kind => kind.name(),
    };
    kinds.iter().map(name).collect()
}
