//! What the program knows about its own making: the date before which a clock cannot be right, the
//! target and the profile.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    match build_date() {
        Ok(date) => println!("cargo::rustc-env=EGRET_BUILD_DATE={date}"),
        Err(cause) => println!("cargo::error={cause}"),
    }
    let target = std::env::var("TARGET").unwrap_or_default();
    println!("cargo::rustc-env=EGRET_TARGET={target}");
    println!("cargo::rustc-env=EGRET_PROFILE={}", profile());
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
