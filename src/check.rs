//! What `egret check` prints: what would run, and the most memory that it can take.

use std::time::SystemTime;

use crate::config::Config;
use crate::identity::x509::Summary;

/// Prints the report and tells the exit code.
pub fn report(_config: &Config, _now: SystemTime) -> u8 {
    0
}

/// What is to be said of our certificate's dates.
pub fn date_warning(_certificate: &Summary, _now: Option<SystemTime>) -> Option<String> {
    None
}
