//! The identity isolation matrix: who asks (no certificate, A, B, A rotated, A with other roots,
//! another pin, another SNI, another verified name), where, over which kind of TLS session, with
//! connections kept or not, by a route or a forward rule, one after the other and 32 at once. Each
//! cell asserts on the certificate that the cloud saw, and on reuse within one way in the same run:
//! a proxy that reuses nothing would prove nothing.
//!
//! `make isolation`; drives nginx and HAProxy too where they are installed, and prints what is true
//! of them. Ends with 1 when a cell of egret's is wrong.

mod haproxy;
mod nginx;
#[path = "../peers/mod.rs"]
mod peers;
mod play;
mod proxy;
mod site;
#[path = "../support/mod.rs"]
mod support;
mod table;
mod ways;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use haproxy::HaproxyKind;
use nginx::NginxKind;
use peers::version::installed;
use play::{Play, Tally};
use proxy::{EgretKind, Kind};
use site::Site;
use table::Outcome;
use ways::{Door, Mode, Way};

const LEGEND: &str = "\
ok       each request arrived as its own identity, and nothing could be reused
ok+      so it did, and connections or sessions were reused within one way
refused  no request went out, as it must be
COLD     something of its own could have been reused, and was not
LEAK     a request went out as somebody else, or over what belongs to another way
FAIL     a request was not answered, or not refused by the proxy itself
one client after the other / 32 at once, where the two differ
";

fn main() -> ExitCode {
    match matrix() {
        Ok(0) => ExitCode::SUCCESS,
        Ok(faults) => {
            eprintln!("isolation: {faults} cells of egret's are wrong");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("isolation: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints the tables; gives the cells of egret's that are wrong.
fn matrix() -> io::Result<usize> {
    let program = program()?;
    let site = Site::new()?;
    println!("{LEGEND}");
    let mut faults = 0;
    for door in [Door::Route, Door::Forward] {
        let program = &program;
        let outcome = go_through(&site, &EgretKind { program, door });
        println!("{}", outcome.print());
        faults += outcome.faults();
    }
    for kind in others() {
        println!("{}", go_through(&site, kind.as_ref()).print());
    }
    Ok(faults)
}

/// The other proxies that are installed.
fn others() -> Vec<Box<dyn Kind>> {
    let mut kinds: Vec<Box<dyn Kind>> = Vec::new();
    match installed("nginx", "-v") {
        Some(_) => {
            for is_shared in [true, false] {
                kinds.push(Box::new(NginxKind { is_shared }));
            }
        }
        None => support::leave_out("nginx is not installed"),
    }
    match installed("haproxy", "-v") {
        Some(_) => kinds.push(Box::new(HaproxyKind)),
        None => support::leave_out("haproxy is not installed"),
    }
    kinds
}

fn go_through(site: &Site, kind: &dyn Kind) -> Outcome {
    let ways: Vec<Way> = Way::all()
        .into_iter()
        .filter(|way| kind.has(*way))
        .collect();
    let columns = Mode::all().into_iter();
    Outcome {
        name: kind.name(),
        promises_reuse: kind.promises_reuse(),
        columns: columns
            .map(|mode| (mode, column(site, kind, &ways, mode)))
            .collect(),
        ways: ways.clone(),
    }
}

/// Each pair of ways is met in both orders by a cold proxy: forwards, and backwards.
fn column(site: &Site, kind: &dyn Kind, ways: &[Way], mode: Mode) -> Vec<[Tally; 2]> {
    let forwards: Vec<usize> = (0..ways.len()).collect();
    let backwards: Vec<usize> = forwards.iter().rev().copied().collect();
    let mut in_order = Play::new(site, kind, ways, mode).in_order(&forwards);
    let second = Play::new(site, kind, ways, mode).in_order(&backwards);
    for (tally, more) in in_order.iter_mut().zip(second) {
        tally.add(more);
    }
    let at_once = Play::new(site, kind, ways, mode).at_once();
    in_order
        .into_iter()
        .zip(at_once)
        .map(|(one, other)| [one, other])
        .collect()
}

/// The egret to drive: the first argument, or the one that was built beside this program.
fn program() -> io::Result<PathBuf> {
    if let Some(program) = std::env::args_os().nth(1) {
        return Ok(program.into());
    }
    let this = std::env::current_exe()?;
    let target = this.parent().and_then(Path::parent);
    let program = target
        .map(|target| target.join("egret"))
        .unwrap_or_default();
    match program.exists() {
        true => Ok(program),
        false => Err(io::Error::other(format!(
            "{} is not there; run `make isolation`",
            program.display()
        ))),
    }
}
