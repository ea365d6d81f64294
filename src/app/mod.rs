//! Wiring: options become identities, routes and listeners; signals stop and reload them.

mod heap;
mod keeper;
mod listen;
mod notify;
mod pidfile;
mod privacy;
mod probe;
mod run;
mod signals;
mod snapshot;
mod trim;

pub use heap::Heap;

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use crate::check::{self, Fault};
use crate::config::{self, Config, Rejected};
use crate::flags::{self, Parsed};
use crate::identity::DefaultRoots;
use crate::identity::clock::{Clock, SystemClock};
use crate::limits;
use crate::log::{DEV_LOG, Syslog};

/// A clean stop.
pub const DONE: u8 = 0;
/// A failure at run time.
pub const FAILED: u8 = 1;
/// The options are wrong.
pub const BAD_OPTIONS: u8 = 2;
/// The files are wrong.
pub const BAD_FILES: u8 = 3;

/// Runs the command line `arguments`, without the program's name, and tells the exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    match flags::parse(arguments) {
        Parsed::Help => say(&flags::help()),
        Parsed::Version => say(&version()),
        Parsed::Run(flags) => match config::build(&flags) {
            Ok(config) => start(config),
            Err(rejected) => refuse(&rejected, &[]),
        },
        Parsed::Check(flags) => match config::build(&flags) {
            Ok(config) => check(&config),
            Err(rejected) => refuse(&rejected, &check_files(&rejected)),
        },
        Parsed::Probe { flags, target } => match config::build_probe(&flags, target.as_deref()) {
            Ok((config, plan)) => probe::main(&config, &plan, flags.options.json),
            Err(rejected) => refuse(&rejected, &[]),
        },
    }
}

fn start(config: Config) -> u8 {
    let syslog = config.syslog.then(|| Arc::new(Syslog::at(DEV_LOG)));
    crate::log::init(config.log, syslog.clone());
    privacy::keep_memory_private();
    match run::until_stopped(config, syslog) {
        Ok(()) => DONE,
        Err(error) => {
            ::log::error!("{error}");
            error.exit_code()
        }
    }
}

fn refuse(rejected: &Rejected, faults: &[Fault]) -> u8 {
    complain(&rejected.errors);
    complain(faults);
    BAD_OPTIONS
}

/// Prints what was asked for. `print!` would panic where the reader is gone.
fn say(text: &str) -> u8 {
    let mut out = io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => DONE,
        Err(_) => FAILED,
    }
}

fn complain(lines: &[impl fmt::Display]) {
    for line in lines {
        // Nobody may be there to read it; the exit code says it too.
        let _gone = writeln!(io::stderr(), "egret: {line}");
    }
}

fn version() -> String {
    format!(
        "egret {} ({}, {})\n\
         at most {} clients, {} routes, {} identities, and for each identity\n\
         {} connections, {} requests waiting, TLS sessions of {} upstreams;\n\
         {} TLS handshakes, {} host names, {} lookups waiting for {} threads\n",
        env!("CARGO_PKG_VERSION"),
        env!("EGRET_TARGET"),
        env!("EGRET_PROFILE"),
        limits::CLIENTS_MAX,
        limits::ROUTES_MAX,
        limits::IDENTITIES_MAX,
        limits::CONNECTIONS_MAX,
        limits::WAITING_MAX,
        limits::SESSIONS_MAX,
        limits::HANDSHAKES_MAX,
        limits::DNS_NAMES,
        limits::DNS_QUEUE,
        limits::DNS_THREADS,
    )
}

fn check(config: &Config) -> u8 {
    privacy::keep_memory_private();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    match check::examine(config, &clock) {
        Ok(report) => {
            say(&report.to_string());
            let warnings = report.warnings().into_iter();
            complain(
                &warnings
                    .map(|text| format!("warning: {text}"))
                    .collect::<Vec<_>>(),
            );
            DONE
        }
        Err(faults) => {
            complain(&faults);
            BAD_FILES
        }
    }
}

/// The files of what can be understood of options that are wrong: all mistakes in one go.
fn check_files(rejected: &Rejected) -> Vec<Fault> {
    let roots = rejected.ca.clone().map(|ca| DefaultRoots::new(Some(ca)));
    let identities: Vec<_> = rejected.identities.iter().collect();
    check::faults(&identities, roots.as_ref(), SystemClock.time())
}
