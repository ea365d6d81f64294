//! libfaketime: the wall clock of an egret, set by a test while it runs. Timeouts do not see it.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::certs::Dir;
use crate::support::egret::Builder;

/// A clock that a test sets. At first it is right. (An egret that is killed leaves two files of
/// libfaketime's in /dev/shm, of 40 bytes together.)
pub struct Clock {
    dir: Dir,
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock {
    /// A clock that is right.
    pub fn new() -> Self {
        let clock = Self { dir: Dir::new() };
        clock.set(SystemTime::now());
        clock
    }

    /// It shows `time` now, and goes on from there. Whoever looks next sees it.
    pub fn set(&self, time: SystemTime) {
        let now = SystemTime::now();
        let offset = match time.duration_since(now) {
            Ok(ahead) => format!("+{}", ahead.as_secs_f64()),
            Err(behind) => format!("-{}", behind.duration().as_secs_f64()),
        };
        self.dir.write("offset", &offset);
    }

    /// As on a board without a battery that was switched on just now.
    pub fn unset(&self) {
        self.set(UNIX_EPOCH + Duration::from_secs(10));
    }

    /// Gives it to an egret.
    pub fn of(&self, egret: Builder) -> Builder {
        egret
            .env("LD_PRELOAD", &library().display().to_string())
            .env(
                "FAKETIME_TIMESTAMP_FILE",
                &self.dir.file("offset").display().to_string(),
            )
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("NO_FAKE_STAT", "1")
    }
}

/// Where Debian has it.
fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").expect("/usr/lib").flatten();
    let files = folders.map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    let mut found = files.filter(|file| file.exists());
    found
        .next()
        .expect("libfaketime: apt-get install libfaketime")
}
