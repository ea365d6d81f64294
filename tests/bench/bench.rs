//! egret beside nginx and HAProxy doing the same: a client certificate, the server verified by name,
//! SNI, TLS 1.3 with AES-128-GCM, connections kept on both sides, one worker. Each proxy has one
//! core, the clients and the cloud another; they take turns in each round. Prints Markdown, and
//! leaves it and all values in target/bench.md and target/bench.json.
//!
//! `make bench`; needs two cores, root, nginx (it is the cloud too) and a release build of egret.
//! `QUICK=1` takes fewer rounds. Programs given as arguments, other builds of egret, are compared in
//! place of the three.

mod bulk;
mod handshakes;
mod load;
mod machine;
mod memory;
#[path = "../peers/mod.rs"]
mod peers;
mod plan;
mod process;
mod proxies;
mod requests;
mod sheet;
mod sink;
mod site;
mod start;
#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use peers::version::installed;
use plan::{Bench, QUICK, Result, WHOLE};
use process::{Cores, raise_descriptors};
use proxies::{Kind, release, small_build, target};
use sheet::Sheet;
use site::Site;
use support::json::Value;

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
    let kinds = kinds()?;
    raise_descriptors()?;
    let cores = Cores::divide()?;
    let is_quick = env::var_os("QUICK").is_some();
    let mut facts = machine::facts(&kinds, cores)?;
    let bench = Bench {
        site: Site::start(sink::start()?)?,
        kinds,
        plan: if is_quick { QUICK } else { WHOLE },
        cores,
    };
    facts.push(("rounds".to_owned(), bench.plan.describe()));
    let sheets = measure(&bench)?;
    // The ratios are to nginx, or to the first of several builds.
    let reference = bench.kinds.iter().position(|kind| *kind == Kind::Nginx);
    report(&facts, &sheets, reference.unwrap_or_default())
}

/// Who is compared: the builds given, or the three proxies as far as they are installed.
fn kinds() -> Result<Vec<Kind>> {
    installed("nginx", "-v").ok_or("nginx, which is the cloud here, is not installed")?;
    let builds: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    if !builds.is_empty() {
        return Ok(builds.into_iter().map(Kind::Egret).collect());
    }
    let mut kinds = vec![Kind::Egret(release()?), Kind::Nginx];
    match installed("haproxy", "-v") {
        Some(_) => kinds.push(Kind::Haproxy),
        None => eprintln!("HAProxy is not installed, and left out"),
    }
    Ok(kinds)
}

fn measure(bench: &Bench) -> Result<Vec<Sheet>> {
    let names = names(&bench.kinds);
    let sheet = |title| Sheet::new(title, &names);
    let mut kept = sheet("small requests, clients keep their connections");
    let mut new = sheet("small requests, each on a connection of its own");
    let mut handshakes = sheet("handshakes with the cloud");
    let mut bulk = sheet("large bodies");
    let mut memory = sheet("memory");
    let mut start = sheet("start and size");
    memory::measure(bench, small_build()?.as_deref(), &mut memory)?;
    requests::measure(bench, &mut kept, &mut new)?;
    handshakes::measure(bench, &mut handshakes)?;
    handshakes::measure_burst(bench, &mut handshakes)?;
    bulk::measure(bench, &mut bulk)?;
    start::measure(bench, &mut start)?;
    Ok(vec![kept, new, handshakes, bulk, memory, start])
}

/// Builds are told apart by where they are.
fn names(kinds: &[Kind]) -> Vec<String> {
    let egrets = kinds.iter().filter(|kind| matches!(kind, Kind::Egret(_)));
    let are_many = egrets.count() > 1;
    let name = |kind: &Kind| match kind {
        Kind::Egret(program) if are_many => program.display().to_string(),
        kind => kind.name(),
    };
    kinds.iter().map(name).collect()
}

fn report(facts: &[(String, String)], sheets: &[Sheet], reference: usize) -> Result<()> {
    let mut text = String::new();
    for (name, value) in facts {
        text += &format!("* {name}: {value}\n");
    }
    for sheet in sheets {
        text += &format!("\n{}", sheet.markdown(reference));
    }
    print!("{text}");
    let facts = facts
        .iter()
        .map(|(name, value)| (name.clone(), Value::Text(value.clone())));
    let tables = sheets.iter().map(|sheet| sheet.json(reference));
    let all = Value::Object(vec![
        ("run".to_owned(), Value::Object(facts.collect())),
        ("tables".to_owned(), Value::List(tables.collect())),
    ]);
    let target = target()?;
    write(&target.join("bench.md"), &text)?;
    write(&target.join("bench.json"), &format!("{all}\n"))
}

fn write(path: &Path, text: &str) -> Result<()> {
    let written = fs::write(path, text);
    written.map_err(|error| format!("{}: {error}", path.display()).into())
}
