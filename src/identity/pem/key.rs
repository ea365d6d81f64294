//! One private key: loaded, or why not.

use std::sync::Arc;

use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::SigningKey;
use rustls_pemfile::Item;

use super::error::Cause;
use super::sections::{Block, Kind};
use crate::identity::x509::Algorithm;
use crate::identity::x509::der::{self, Reader};

/// The only private key among these blocks.
///
/// # Errors
/// None or several, or why it does not load.
pub fn only_key(blocks: &[Block<'_>]) -> Result<Arc<dyn SigningKey>, Cause> {
    let mut keys = blocks.iter().filter(|block| block.kind == Kind::PrivateKey);
    let Some(key) = keys.next() else {
        return Err(no_key(blocks));
    };
    match keys.count() {
        0 => load(key),
        others => Err(Cause::SeveralKeys { count: others + 1 }),
    }
}

fn no_key(blocks: &[Block<'_>]) -> Cause {
    match blocks.iter().map(|block| &block.kind).max() {
        Some(kind) => Cause::NoKey(kind.clone()),
        None => Cause::Empty,
    }
}

fn load(block: &Block<'_>) -> Result<Arc<dyn SigningKey>, Cause> {
    if block.label == "ENCRYPTED PRIVATE KEY" || block.has_encryption_header() {
        return Err(Cause::Encrypted);
    }
    let der: PrivateKeyDer<'static> = match block.label {
        "OPENSSH PRIVATE KEY" => return Err(Cause::OpenSsh),
        "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => match block.decode()? {
            Item::Pkcs8Key(key) => key.into(),
            Item::Pkcs1Key(key) => key.into(),
            Item::Sec1Key(key) => key.into(),
            _ => return Err(Cause::BadKey),
        },
        other => return Err(Cause::UnsupportedKey(unsupported(other))),
    };
    any_supported_type(&der).map_err(|_| diagnose(&der).unwrap_or(Cause::BadKey))
}

fn unsupported(label: &str) -> Algorithm {
    let name = label.strip_suffix(" PRIVATE KEY").unwrap_or(label);
    Algorithm::Other(name.to_owned())
}

/// Why ring refused a key; `None` when that does not show.
fn diagnose(der: &PrivateKeyDer<'_>) -> Option<Cause> {
    match der {
        PrivateKeyDer::Pkcs1(key) => diagnose_rsa(key.secret_pkcs1_der()),
        PrivateKeyDer::Sec1(key) => diagnose_ec(key.secret_sec1_der(), None),
        PrivateKeyDer::Pkcs8(key) => diagnose_pkcs8(key.secret_pkcs8_der()),
        _ => None,
    }
}

/// PrivateKeyInfo (RFC 5208 §5): version, algorithm, key.
fn diagnose_pkcs8(der: &[u8]) -> Option<Cause> {
    let mut info = Reader(der::only(der::SEQUENCE, der)?);
    info.take(der::INTEGER)?;
    let algorithm = Algorithm::of(info.take(der::SEQUENCE)?)?;
    let key = info.take(der::OCTET_STRING)?;
    match algorithm {
        Algorithm::Rsa => diagnose_rsa(key),
        Algorithm::Ed25519 => None,
        Algorithm::P256 | Algorithm::P384 | Algorithm::ExplicitEc => {
            diagnose_ec(key, Some(algorithm))
        }
        Algorithm::Other(_) => Some(Cause::UnsupportedKey(algorithm)),
    }
}

/// RSAPrivateKey (RFC 8017 §A.1.2): version, modulus, public exponent, and the rest.
fn diagnose_rsa(der: &[u8]) -> Option<Cause> {
    const LEAST_EXPONENT_BITS: usize = 17;
    let mut key = Reader(der::only(der::SEQUENCE, der)?);
    key.take(der::INTEGER)?;
    let bits = der::bits(key.take(der::INTEGER)?);
    let exponent = key.take(der::INTEGER)?;
    // ring: 2048 to 4096 bits, each prime a multiple of 512.
    if !(2048..=4096).contains(&bits) || !bits.is_multiple_of(1024) {
        return Some(Cause::RsaSize { bits });
    }
    (der::bits(exponent) < LEAST_EXPONENT_BITS).then_some(Cause::RsaExponent)
}

/// ECPrivateKey (RFC 5915 §3): version, key, \[0\] parameters, \[1\] public key, both optional; in a
/// PrivateKeyInfo the curve is outside.
fn diagnose_ec(der: &[u8], outside: Option<Algorithm>) -> Option<Cause> {
    let mut key = Reader(der::only(der::SEQUENCE, der)?);
    key.take(der::INTEGER)?;
    key.take(der::OCTET_STRING)?;
    let inside = key.take(der::context(0)).and_then(Algorithm::of_curve);
    match outside.or(inside) {
        Some(Algorithm::ExplicitEc) => return Some(Cause::EcExplicit),
        Some(algorithm @ Algorithm::Other(_)) => return Some(Cause::UnsupportedKey(algorithm)),
        _ => {}
    }
    let Some(public) = key.take(der::context(1)) else {
        return Some(Cause::EcWithoutPublicKey);
    };
    match der::only(der::BIT_STRING, public)? {
        [0, 0x02 | 0x03, ..] => Some(Cause::EcCompressed),
        _ => None,
    }
}
