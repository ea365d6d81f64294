//! The end-to-end harness: certificates, a TLS upstream that echoes what it saw, the egret process
//! and a raw client. Every wait has a deadline, and none is a sleep.

// Each test program uses a part of it.
#![allow(dead_code, unused_imports)]

pub mod black_hole;
pub mod certs;
pub mod client;
pub mod crl;
pub mod dns;
pub mod egret;
pub mod gate;
pub mod json;
pub mod logger;
pub mod pin;
pub mod snapshot;
pub mod upstream;
pub mod world;

use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long anything in a test may take before the test fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until what nobody announces, as a number in /proc, is so; panics after [`PATIENCE`].
pub fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < deadline, "it did not come to that: {what}");
        sleep(Duration::from_millis(5));
    }
}

/// Says why a test cannot be run here, where not every system lets a test do what it needs. In CI
/// that is a failure.
pub fn leave_out(why: &str) {
    assert!(
        std::env::var_os("CI").is_none(),
        "not left out in CI: {why}"
    );
    eprintln!("left out: {why}");
}
