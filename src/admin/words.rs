//! What is shown of facts, to people and in JSON alike.

use std::time::SystemTime;

use crate::identity::clock::unix_seconds;
use crate::identity::x509;
use crate::upstream::Upstream;
use crate::upstream::connect::OurCertificate;

/// What became of our certificate.
pub(super) fn certificate(ours: OurCertificate) -> &'static str {
    match ours {
        OurCertificate::NotAsked => "not asked for",
        OurCertificate::NotSent => "asked for, none sent",
        OurCertificate::Sent => "asked for and sent",
    }
}

/// Host and port.
pub(super) fn upstream(upstream: &Upstream) -> String {
    format!("{}:{}", upstream.host, upstream.port)
}

/// `2026-01-31T12:00:00Z`.
pub(super) fn time(time: SystemTime) -> String {
    x509::utc(unix_seconds(time))
}

/// `3 minutes ago`.
pub(super) fn ago(then: SystemTime, now: SystemTime) -> String {
    x509::relative(unix_seconds(then), unix_seconds(now))
}
