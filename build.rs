//! What the program knows about its own making: the date before which a clock cannot be right, the
//! target and the profile.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    if let Err(unknown) = look_at_capacities() {
        println!("cargo::error={unknown}");
    }
    match build_date() {
        Ok(date) => println!("cargo::rustc-env=EGRET_BUILD_DATE={date}"),
        Err(cause) => println!("cargo::error={cause}"),
    }
    let target = std::env::var("TARGET").unwrap_or_default();
    println!("cargo::rustc-env=EGRET_TARGET={target}");
    println!("cargo::rustc-env=EGRET_PROFILE={}", profile());
}

/// The file whose capacities the environment may set, each by `option_env!("EGRET_...")`.
const LIMITS: &str = include_str!("src/limits.rs");

/// Variables that begin alike and are the scripts', the tests', or what this sets itself: cargo hands
/// those on to programs that it runs.
const NO_CAPACITIES: [&str; 5] = [
    "EGRET_CROSS_DIR",
    "EGRET_SEED",
    "EGRET_BUILD_DATE",
    "EGRET_TARGET",
    "EGRET_PROFILE",
];

/// A capacity that is misspelt would not be set, and nobody would know. Cargo calls this anew only
/// when a variable changes that is spelt well.
fn look_at_capacities() -> Result<(), String> {
    let marked = LIMITS.split("option_env!(\"").skip(1);
    let capacities: Vec<_> = marked.filter_map(|text| text.split('"').next()).collect();
    for name in &capacities {
        println!("cargo::rerun-if-env-changed={name}");
    }
    let unknown = std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| name.starts_with("EGRET_") && !NO_CAPACITIES.contains(&name.as_str()))
        .find(|name| !capacities.contains(&name.as_str()));
    let known = capacities.join(", ");
    unknown.map_or(Ok(()), |name| {
        Err(format!("{name} is no capacity; there are: {known}"))
    })
}

/// The profile by its own name. Cargo says only which of `debug` and `release` it descends from, but
/// the folder in which a script writes is `.../PROFILE/build/egret-1234/out`.
fn profile() -> String {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    let folder = out.ancestors().nth(3).and_then(Path::file_name);
    folder.map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// Seconds since 1970: what the packager says, else when the commit was made, else when the sources
/// were written (`git archive` gives every file the date of the commit).
fn build_date() -> Result<u64, &'static str> {
    if let Ok(text) = std::env::var("SOURCE_DATE_EPOCH") {
        return text
            .parse()
            .map_err(|_| "SOURCE_DATE_EPOCH must be seconds since 1970");
    }
    commit_date()
        .or_else(source_date)
        .ok_or("no build date: set SOURCE_DATE_EPOCH to seconds since 1970")
}

/// A repository further up is somebody else's: only one that begins here counts.
fn commit_date() -> Option<u64> {
    if !Path::new(".git").exists() {
        return None;
    }
    for path in [".git/HEAD", ".git/refs/heads"] {
        // A path that does not exist would make cargo run this script at every build.
        if Path::new(path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    let log = Command::new("git")
        .args(["log", "-1", "--format=%ct"])
        .output()
        .ok()?;
    String::from_utf8(log.stdout).ok()?.trim().parse().ok()
}

fn source_date() -> Option<u64> {
    println!("cargo::rerun-if-changed=Cargo.toml");
    let written = Path::new("Cargo.toml").metadata().ok()?.modified().ok()?;
    Some(written.duration_since(UNIX_EPOCH).ok()?.as_secs())
}
