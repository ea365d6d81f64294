//! The end-to-end harness: certificates, a TLS upstream that echoes what it saw, the egret process
//! and a raw client. Every wait has a deadline, and none is a sleep.

// Each test program uses a part of it.
#![allow(dead_code, unused_imports)]

pub mod certs;
pub mod client;
pub mod egret;
pub mod gate;
pub mod json;
pub mod upstream;
pub mod world;

use std::time::Duration;

/// How long anything in a test may take before the test fails.
pub const PATIENCE: Duration = Duration::from_secs(20);
