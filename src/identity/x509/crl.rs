//! Revocation lists for people (RFC 5280 §5.1): whose they are and how long they hold.

use super::der::{self, Reader, Value};
use super::{Malformed, name, time};

/// What a revocation list says, beside whom it revokes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrlSummary {
    /// The authority that made it, in the order of RFC 2253.
    pub issuer: String,
    /// X.509 version, 1 or 2.
    pub version: u8,
    /// When it was made, unix seconds.
    pub this_update: i64,
    /// When there is another one at the latest, unix seconds, if it says so.
    pub next_update: Option<i64>,
}

/// Reads a DER revocation list for people.
///
/// # Errors
/// [`Malformed`]: it is not one.
pub fn summarize_crl(der: &[u8]) -> Result<CrlSummary, Malformed> {
    let fields = Fields::read(der).ok_or(Malformed)?;
    fields.summarize().ok_or(Malformed)
}

/// Whether `der` begins as a revocation list does; what follows it does not matter.
pub fn is_crl(der: &[u8]) -> bool {
    summarize_crl(der).is_ok()
}

/// The first parts of a TBSCertList (RFC 5280 §5.1.2).
struct Fields<'a> {
    version: u8,
    issuer: Value<'a>,
    this_update: Value<'a>,
    next_update: Option<Value<'a>>,
}

impl<'a> Fields<'a> {
    fn read(der: &'a [u8]) -> Option<Self> {
        let mut list = Reader(Reader(der).take(der::SEQUENCE)?);
        let mut tbs = Reader(list.take(der::SEQUENCE)?);
        let version = match tbs.take(der::INTEGER) {
            Some(version) => version.first()?.checked_add(1)?,
            None => 1,
        };
        tbs.take(der::SEQUENCE)?;
        Some(Self {
            version,
            issuer: tbs.any()?,
            this_update: tbs.any()?,
            next_update: tbs.any(),
        })
    }

    fn summarize(&self) -> Option<CrlSummary> {
        let time = |value: &Value<'_>| time::parse(value.tag, value.content);
        Some(CrlSummary {
            issuer: name::read(self.issuer.whole)?,
            version: self.version,
            this_update: time(&self.this_update)?,
            next_update: self.next_update.as_ref().and_then(time),
        })
    }
}
