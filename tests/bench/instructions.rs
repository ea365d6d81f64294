//! The instructions that egret takes for one small request, as callgrind counts them: a run of so
//! many requests, one of twice as many, and the difference. What it takes to start, to connect and
//! to stop is in neither.
//!
//! `make instructions`; needs nginx, as the cloud, and valgrind. Fails when egret takes more than a
//! tenth more than `instructions.txt` says. `RECORD=1` writes that file anew, `COMPARE=1` counts
//! nginx and HAProxy too. Programs given as arguments, other builds of egret, are counted in place
//! of it and held to nothing.

// These three are the bench's: here, a part of them is used.
#[allow(dead_code)]
mod cloud;
#[allow(dead_code)]
mod load;
#[path = "../peers/mod.rs"]
mod peers;
#[allow(dead_code)]
mod proxies;
#[path = "../support/mod.rs"]
mod support;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use cloud::{Site, Upstream};
use load::{Client, SMALL};
use peers::version::{installed, version};
use proxies::{Job, Kind, Proxy, release};
use support::certs::Dir;

/// Requests of the shorter run. All go over one connection: nothing is left to chance then.
const REQUESTS: u64 = 2_000;
/// How much more than recorded is too much.
const TOLERANCE: f64 = 1.1;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    match instructions() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("instructions: {error}");
            ExitCode::FAILURE
        }
    }
}

fn instructions() -> Result<()> {
    let valgrind = installed("valgrind", "--version").ok_or("valgrind is not installed")?;
    // What the cloud answers counts too: it is always the same one.
    installed("nginx", "-v").ok_or("nginx, the cloud here, is not installed")?;
    let site = Site::start()?;
    let builds: Vec<PathBuf> = env::args().skip(1).map(PathBuf::from).collect();
    if !builds.is_empty() {
        for build in builds {
            let name = build.display().to_string();
            println!("{name}: {:.0}", each(&site, &Kind::Egret(build))?);
        }
        return Ok(());
    }
    let egret = each(&site, &Kind::Egret(release()?))?;
    println!("egret: {egret:.0} instructions a request");
    if env::var_os("COMPARE").is_some() {
        for kind in [Kind::Nginx, Kind::Haproxy] {
            println!("{}: {:.0}", kind.name(), each(&site, &kind)?);
        }
    }
    match env::var_os("RECORD") {
        Some(_) => record(egret, &valgrind),
        None => compare(egret),
    }
}

/// Instructions of one request.
fn each(site: &Site, kind: &Kind) -> Result<f64> {
    let (once, twice) = (run(site, kind, REQUESTS)?, run(site, kind, 2 * REQUESTS)?);
    let more = twice.checked_sub(once);
    let more = more.ok_or_else(|| format!("{once} for {REQUESTS} requests, {twice} for twice"))?;
    Ok(more as f64 / REQUESTS as f64)
}

/// Instructions from a start to the end with so many requests between them.
fn run(site: &Site, kind: &Kind, requests: u64) -> Result<u64> {
    let dir = Dir::new();
    let out = |pid: &str| dir.file(&format!("callgrind.{pid}"));
    let through = format!(
        r#"exec valgrind --tool=callgrind --callgrind-out-file={} "$0" "$@""#,
        out("%p").display()
    );
    let job = Job {
        site,
        to: &[Upstream::Kept],
        clients: None,
        through: Some(&through),
    };
    let mut proxy = Proxy::start(kind, &job);
    let pid = proxy.pid().to_string();
    let mut client = Client::connect(proxy.addr(0))?;
    for _ in 0..requests {
        client.ask(SMALL)?;
    }
    drop(client);
    proxy.stop();
    total(&out(&pid))
}

/// What callgrind wrote as the sum of all.
fn total(file: &Path) -> Result<u64> {
    let text = fs::read_to_string(file)?;
    let mut sums = text.lines().filter_map(|line| line.strip_prefix("totals:"));
    let sum = sums.next_back().ok_or("callgrind wrote no totals")?;
    Ok(sum.trim().parse()?)
}

fn recorded_in() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/instructions.txt")
}

fn compare(egret: f64) -> Result<()> {
    let text = fs::read_to_string(recorded_in());
    let text = text.map_err(|error| format!("what was recorded: {error}"))?;
    let recorded: f64 = text.lines().next().unwrap_or_default().parse()?;
    let percent = (egret / recorded - 1.0) * 100.0;
    println!("recorded: {recorded:.0} ({percent:+.1} %)");
    if egret <= recorded * TOLERANCE {
        return Ok(());
    }
    Err(format!(
        "{egret:.0} instructions a request are too many, {percent:.1} % more than recorded; if they \
         are worth it: make instructions RECORD=1"
    )
    .into())
}

/// Valgrind passes on the instructions of the processor that it knows itself; ring and OpenSSL
/// choose among them.
fn record(egret: f64, valgrind: &str) -> Result<()> {
    let cpu = fs::read_to_string("/proc/cpuinfo")?;
    let flags = cpu.lines().find(|line| line.starts_with("flags"));
    let flags: Vec<&str> = flags.unwrap_or_default().split_whitespace().collect();
    let known = ["aes", "pclmulqdq", "avx", "avx2", "bmi2", "adx"];
    let known: Vec<&str> = known
        .into_iter()
        .filter(|name| flags.contains(name))
        .collect();
    let text = format!(
        "{egret:.0}\ninstructions a small request, by `make instructions RECORD=1`\n{}\n{valgrind}\n\
         {} with {}\n",
        version("rustc", "--version"),
        env::consts::ARCH,
        known.join(", "),
    );
    Ok(fs::write(recorded_in(), text)?)
}
