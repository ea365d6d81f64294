//! Certificates for people: who, for which names, from when to when, with which key.
//!
//! Nothing here decides about trust; that is rustls' verifier. Everything returned prints.

pub mod algorithm;
mod crl;
pub mod der;
mod name;
mod time;

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

pub use algorithm::Algorithm;
pub use crl::{CrlSummary, is_crl, summarize_crl};
pub use name::{name, organisation, printable};
pub use time::{relative, utc};

use der::{Reader, Value};

/// What a certificate says (RFC 5280 §4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Whom it is for, in the order of RFC 2253; may be empty.
    pub subject: String,
    /// Who issued it, in the same order.
    pub issuer: String,
    /// Subject alternative names as openssl shows them: `DNS:a.example`, `IP:192.0.2.1`, `URI:…`.
    pub sans: Vec<String>,
    /// Valid from, unix seconds.
    pub not_before: i64,
    /// Valid to, unix seconds.
    pub not_after: i64,
    /// The kind of its key: `RSA 2048`, `P-256`.
    pub key: String,
    /// X.509 version, 1 to 3.
    pub version: u8,
    /// Whether basicConstraints says that it may issue others.
    pub is_ca: bool,
    /// Whether issuer and subject are the same name.
    pub self_issued: bool,
}

/// Bytes that are no X.509 certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a readable X.509 certificate")
    }
}

impl std::error::Error for Malformed {}

/// Reads a DER certificate for people.
///
/// # Errors
/// [`Malformed`]: it is not one, or bytes follow it.
pub fn summarize(der: &[u8]) -> Result<Summary, Malformed> {
    let fields = Fields::read(der).ok_or(Malformed)?;
    fields.summarize().ok_or(Malformed)
}

/// The SubjectPublicKeyInfo of a DER certificate, tag included (what a pin is the hash of).
///
/// # Errors
/// [`Malformed`]: it is no certificate, or bytes follow it.
pub fn spki(der: &[u8]) -> Result<&[u8], Malformed> {
    Fields::read(der)
        .map(|fields| fields.spki.whole)
        .ok_or(Malformed)
}

/// The issuer's name in a DER certificate, tag included, as a server names the CAs it accepts.
///
/// # Errors
/// [`Malformed`]: it is no certificate, or bytes follow it.
pub fn issuer(der: &[u8]) -> Result<&[u8], Malformed> {
    Fields::read(der)
        .map(|fields| fields.issuer.whole)
        .ok_or(Malformed)
}

/// The subject's name in a DER certificate, tag included.
///
/// # Errors
/// [`Malformed`]: it is no certificate, or bytes follow it.
pub fn subject(der: &[u8]) -> Result<&[u8], Malformed> {
    Fields::read(der)
        .map(|fields| fields.subject.whole)
        .ok_or(Malformed)
}

/// From when to when a DER certificate is valid, both in unix seconds.
///
/// # Errors
/// [`Malformed`]: it is no certificate, or bytes follow it.
pub fn validity(der: &[u8]) -> Result<(i64, i64), Malformed> {
    let fields = Fields::read(der).ok_or(Malformed)?;
    fields.validity().ok_or(Malformed)
}

/// Whether a DER certificate says where that of its issuer is to be had (RFC 5280 §4.2.2.1).
pub fn says_where_its_issuer_is(der: &[u8]) -> bool {
    const CA_ISSUERS: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02];
    let places = || {
        let access = Fields::read(der)?.extension(AUTHORITY_INFO_ACCESS)?;
        der::values(der::only(der::SEQUENCE, access)?)
    };
    let is_place = |place: &Value<'_>| Reader(place.content).take(der::OID) == Some(CA_ISSUERS);
    places().is_some_and(|places| places.iter().any(is_place))
}

/// A SubjectPublicKeyInfo, taken apart (RFC 5280 §4.1.2.7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey<'a> {
    /// Its kind.
    pub algorithm: Algorithm,
    /// The key itself: an RSAPublicKey, a curve's point, 32 bytes of Ed25519.
    pub key: &'a [u8],
}

impl<'a> PublicKey<'a> {
    /// Reads a SubjectPublicKeyInfo, tag included.
    pub fn read(spki: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(der::only(der::SEQUENCE, spki)?);
        let algorithm = Algorithm::of(reader.take(der::SEQUENCE)?)?;
        // The first byte counts the unused bits of the last; there are none in a key.
        let (0, key) = reader.take(der::BIT_STRING)?.split_first()? else {
            return None;
        };
        Some(Self { algorithm, key })
    }

    fn rsa_bits(&self) -> Option<usize> {
        let modulus = Reader(der::only(der::SEQUENCE, self.key)?).take(der::INTEGER)?;
        Some(der::bits(modulus))
    }
}

impl fmt::Display for PublicKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.algorithm, self.rsa_bits()) {
            (Algorithm::Rsa, Some(bits)) => write!(f, "RSA {bits}"),
            (algorithm, _) => algorithm.fmt(f),
        }
    }
}

/// The parts of a TBSCertificate (RFC 5280 §4.1.1).
struct Fields<'a> {
    version: u8,
    issuer: Value<'a>,
    not_before: Value<'a>,
    not_after: Value<'a>,
    subject: Value<'a>,
    spki: Value<'a>,
    extensions: Vec<Value<'a>>,
}

impl<'a> Fields<'a> {
    fn read(der: &'a [u8]) -> Option<Self> {
        let mut certificate = Reader(der::only(der::SEQUENCE, der)?);
        let mut tbs = Reader(certificate.take(der::SEQUENCE)?);
        certificate.take(der::SEQUENCE)?;
        certificate.take(der::BIT_STRING)?;

        let version = match tbs.take(der::context(0)) {
            Some(version) => der::only(der::INTEGER, version)?.first()?.checked_add(1)?,
            None => 1,
        };
        tbs.take(der::INTEGER)?;
        tbs.take(der::SEQUENCE)?;
        let issuer = tbs.any()?;
        let mut validity = Reader(tbs.take(der::SEQUENCE)?);
        let (not_before, not_after) = (validity.any()?, validity.any()?);
        let subject = tbs.any()?;
        let spki = tbs.any()?;
        tbs.take(ISSUER_UNIQUE_ID);
        tbs.take(SUBJECT_UNIQUE_ID);
        let extensions = match tbs.take(der::context(3)) {
            Some(extensions) => der::values(der::only(der::SEQUENCE, extensions)?)?,
            None => Vec::new(),
        };
        Some(Self {
            version,
            issuer,
            not_before,
            not_after,
            subject,
            spki,
            extensions,
        })
    }

    fn validity(&self) -> Option<(i64, i64)> {
        let time = |value: &Value<'_>| time::parse(value.tag, value.content);
        Some((time(&self.not_before)?, time(&self.not_after)?))
    }

    fn summarize(&self) -> Option<Summary> {
        let (not_before, not_after) = self.validity()?;
        Some(Summary {
            subject: name::read(self.subject.whole)?,
            issuer: name::read(self.issuer.whole)?,
            sans: match self.extension(SUBJECT_ALT_NAME) {
                Some(names) => read_sans(names)?,
                None => Vec::new(),
            },
            not_before,
            not_after,
            key: PublicKey::read(self.spki.whole)?.to_string(),
            version: self.version,
            is_ca: self.extension(BASIC_CONSTRAINTS).is_some_and(says_ca),
            self_issued: self.issuer.whole == self.subject.whole,
        })
    }

    /// The DER inside the extension of this type.
    fn extension(&self, oid: &[u8]) -> Option<&'a [u8]> {
        self.extensions.iter().find_map(|extension| {
            let mut reader = Reader(extension.content);
            if reader.take(der::OID)? != oid {
                return None;
            }
            reader.take(BOOLEAN);
            reader.take(der::OCTET_STRING)
        })
    }
}

const BOOLEAN: u8 = 0x01;
const ISSUER_UNIQUE_ID: u8 = 0x81;
const SUBJECT_UNIQUE_ID: u8 = 0x82;
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const AUTHORITY_INFO_ACCESS: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];

fn says_ca(constraints: &[u8]) -> bool {
    der::only(der::SEQUENCE, constraints)
        .and_then(|fields| Reader(fields).take(BOOLEAN))
        .is_some_and(|ca| ca != [0])
}

fn read_sans(names: &[u8]) -> Option<Vec<String>> {
    let names = der::values(der::only(der::SEQUENCE, names)?)?;
    Some(names.into_iter().map(read_san).collect())
}

/// One GeneralName (RFC 5280 §4.2.1.6).
fn read_san(san: Value<'_>) -> String {
    match san.tag {
        0x81 => format!("email:{}", printable(san.content)),
        0x82 => format!("DNS:{}", printable(san.content)),
        0x86 => format!("URI:{}", printable(san.content)),
        0x87 => format!("IP:{}", read_ip(san.content)),
        0x88 => format!("RID:{}", der::dotted(san.content)),
        0xa4 => format!("DirName:{}", name(san.content)),
        _ => "othername".to_owned(),
    }
}

fn read_ip(bytes: &[u8]) -> String {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Ipv4Addr::from(v4).to_string();
    }
    match <[u8; 16]>::try_from(bytes) {
        Ok(v6) => Ipv6Addr::from(v6).to_string(),
        Err(_) => "unreadable address".to_owned(),
    }
}

#[cfg(test)]
mod tests;
