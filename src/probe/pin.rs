//! The pin of a server's key, as `pin=` takes it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};

use crate::identity::x509;

/// `sha256/…` of the key of a DER certificate.
pub(super) fn of(certificate: &[u8]) -> Option<String> {
    let spki = x509::spki(certificate).ok()?;
    let hash = digest(&SHA256, spki);
    Some(format!("sha256/{}", STANDARD.encode(hash)))
}
