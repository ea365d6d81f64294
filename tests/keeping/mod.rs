//! What the tests of reloads share: an egret whose identity `x` has files that change, and what its
//! log says of them.

// Each test program uses a part of it.
#![allow(dead_code)]

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::support::certs::Leaf;
use crate::support::client;
use crate::support::egret::{Builder, Egret};
use crate::support::upstream::{Seen, Upstream};
use crate::support::world::World;

pub const EGRET: &str = env!("CARGO_BIN_EXE_egret");

/// Only a signal has files looked at.
pub const NEVER: &str = "0";
/// Files are looked at all the time.
pub const OFTEN: &str = "10ms";

/// What the log says at `--log debug` when egret saw files that do not load yet.
pub const UNSETTLED: &str = "identity \"x\": its files may yet be in the middle of a change: ";
pub const FAILED: &str = "reload of identity \"x\" failed, keeping epoch ";

/// A place for requests as the identity `x`.
pub struct Setting {
    pub egret: Egret,
    pub upstream: Upstream,
    pub world: World,
}

/// Starts egret with the identity `x` of this option, whose files are there.
pub fn start(world: World, identity: &str, interval: &str) -> Setting {
    start_with(world, identity, |egret| {
        egret.option("--reload-interval", interval)
    })
}

pub fn start_with(world: World, identity: &str, with: impl FnOnce(Builder) -> Builder) -> Setting {
    age(world.dir.path());
    let upstream = world.upstream().start();
    let egret = Egret::builder(EGRET)
        .ca(&world.ca)
        .option("--log", "debug")
        .identity(identity)
        .route(&format!("to={},identity=x", upstream.url()));
    Setting {
        egret: with(egret).start(),
        upstream,
        world,
    }
}

/// Makes the files of a folder look as if they had been there for long: what was just written is
/// read again even if it looks the same.
fn age(folder: &Path) {
    let long_ago = SystemTime::now() - Duration::from_secs(3600);
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            age(&path);
        } else {
            let file = File::options().write(true).open(path);
            let aged = file.and_then(|file| file.set_modified(long_ago));
            aged.expect("a time");
        }
    }
}

impl Setting {
    /// What the upstream saw of a request.
    pub fn ask(&self) -> Seen {
        let answer = client::get(self.egret.addr(0), "/");
        assert_eq!(answer.status, 200, "{}", answer.text());
        self.upstream.last().expect("the request that was answered")
    }

    /// Requests come as this subject, and the log has told of so many epochs and failures of `x`.
    pub fn is_now(&self, subject: &str, epoch: u32, failures: usize) {
        assert_eq!(self.ask().client_subject.as_deref(), Some(subject));
        let reloads = self.count("reloaded identity \"x\": epoch ");
        let told = (reloads, self.count(FAILED));
        assert_eq!(told, (epoch as usize - 1, failures));
    }

    pub fn count(&self, part: &str) -> usize {
        let log = self.egret.log();
        log.lines().filter(|line| line.contains(part)).count()
    }

    pub fn wait_for_epoch(&self, epoch: u32) {
        let line = format!("reloaded identity \"x\": epoch {epoch}, ");
        self.egret.wait_line(&line);
    }

    pub fn wait_for_lines(&self, part: &str, count: usize) {
        let has = |line: &&String| line.contains(part);
        self.egret
            .wait_log(|lines| lines.iter().filter(has).count() >= count);
    }
}

pub fn device(world: &World, name: &str) -> Leaf {
    world.devices.client(name)
}

/// Certificate and key as one text.
pub fn device_in_one(world: &World, name: &str) -> String {
    let leaf = device(world, name);
    leaf.cert_pem + &leaf.key_pem
}
