//! libfaketime: the wall clock of an egret, set by a test while it runs, and what egret says of it.
//! Timeouts do not see it.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::egret::identity::x509;

use crate::support::certs::{Dir, Leaf};
use crate::support::client::{self, Response};
use crate::support::egret::{Builder, Egret};
use crate::support::gate::Gate;
use crate::support::upstream::{Reply, Seen, Step, Upstream};
use crate::support::world::World;

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

pub const SECOND: Duration = Duration::from_secs(1);
pub const HOUR: Duration = Duration::from_secs(60 * 60);
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What the log says of [`Clock::unset`].
pub const UNSET: &str = "the clock is not set, it shows 1970-01-01T00:00:1";

/// The present of these tests lies some days ahead: one may go back from it without meeting the day
/// on which egret was built. No upstream asks for a certificate, since it would judge it by its own
/// clock, if the test does not say so.
pub fn present() -> SystemTime {
    SystemTime::now() + 10 * DAY
}

/// `program` on that clock, in that world.
pub fn egret_on(clock: &Clock, program: &str, world: &World) -> Builder {
    clock.of(Egret::builder(program).ca(&world.ca))
}

/// A request that is answered, as the upstream saw it.
pub fn ask(upstream: &Upstream, listener: SocketAddr) -> Seen {
    let answer = client::get(listener, "/");
    assert_eq!(answer.status, 200, "{}", answer.text());
    upstream.last().expect("the request that was answered")
}

/// How many lines of its log have this in them.
pub fn lines_with(egret: &Egret, part: &str) -> usize {
    let log = egret.log();
    log.lines().filter(|line| line.contains(part)).count()
}

/// Has egret look at files and dates once more, twice, so that the first is over.
pub fn look_again(egret: &Egret, name: &str, epoch: u32) {
    let unchanged = format!("identity {name:?} unchanged, keeping epoch {epoch}");
    for _ in 0..2 {
        let known = lines_with(egret, &unchanged);
        egret.signal("HUP");
        let count = |lines: &[String]| lines.iter().filter(|l| l.contains(&unchanged)).count();
        egret.wait_log(|lines| count(lines) > known);
    }
}

/// As certificates and messages have it.
pub fn utc(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).expect("after 1970");
    x509::utc(i64::try_from(since.as_secs()).expect("a date"))
}

/// What stands in a text after `words`, up to a space or the end of the sentence.
pub fn after<'a>(text: &'a str, words: &str) -> &'a str {
    let (_, rest) = text
        .split_once(words)
        .unwrap_or_else(|| panic!("no {words:?} in {text:?}"));
    rest.split([' ', ';', '\n']).next().unwrap_or_default()
}

/// The clock that a message tells is that of egret, which was set to `time` lately.
pub fn assert_clock(told: &str, time: SystemTime) {
    let lately = utc(time)..=utc(time + 60 * SECOND);
    assert!(
        lately.contains(&told.to_owned()),
        "{told} is not in {lately:?}"
    );
}

/// When a certificate is valid, as messages have it.
pub fn dates(leaf: &Leaf) -> (String, String) {
    let leaf = x509::summarize(&leaf.chain()[0]).expect("a certificate");
    (x509::utc(leaf.not_before), x509::utc(leaf.not_after))
}

/// The answer to a request while the clock is not set.
pub fn assert_not_set(answer: &Response) {
    assert_eq!(answer.status, 503);
    assert_eq!(
        answer.text(),
        "503 clock is not set; no certificate can be checked before it is (ntpd, chrony)\n"
    );
    assert_eq!(answer.header("retry-after"), Some("1"));
    let status = answer.header("proxy-status").unwrap_or_default();
    assert!(
        status.starts_with("egret; error=proxy_configuration_error"),
        "{status}"
    );
}

/// Answers to `/held` wait for the gate.
pub fn hold(upstream: &Upstream) -> Arc<Gate> {
    let gate = Gate::new();
    let held = Arc::clone(&gate);
    upstream.answer(move |seen| match seen.target.as_str() {
        "/held" => Reply::script(vec![
            Step::WaitFor(Arc::clone(&held)),
            Step::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()),
        ]),
        _ => Reply::echo(seen),
    });
    gate
}
