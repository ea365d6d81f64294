//! Why a server's certificate is not trusted.

use std::fmt;

/// Names of a server's certificate that an error lists.
const NAMES_SHOWN: usize = 5;

/// The fault, with what a person needs to act on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateFault {
    /// No root leads to it.
    UnknownIssuer {
        /// The issuer that the last certificate of the chain names.
        issuer: String,
    },
    /// It is signed with another key than that of the root of this name.
    BadSignature {
        /// The issuer that the last certificate of the chain names.
        issuer: String,
    },
    /// It is a self-signed certificate authority and stands as a server.
    SelfSigned {
        /// The pin of its key.
        pin: String,
        /// Whether it is one of the roots.
        is_root: bool,
    },
    /// Its key is none of the pinned ones.
    NotPinned {
        /// The pin of its key.
        presented: String,
    },
    /// It, or an issuer that the server sent with it, is revoked.
    Revoked {
        /// Which of them.
        subject: String,
        /// Its serial number, in hexadecimal digits.
        serial: String,
        /// Whose list says so.
        issuer: String,
        /// Since then (UTC text).
        when: String,
        /// The reason that the list gives, as RFC 5280 names it.
        why: Option<&'static str>,
    },
    /// No revocation list tells whether it, or an issuer sent with it, is revoked.
    NoCrl {
        /// Whose list is wanted.
        issuer: String,
        /// The certificate that it should be about.
        subject: String,
    },
    /// The revocation list held until then (UTC text) and does no more.
    CrlExpired {
        /// Whose list it is.
        issuer: String,
        /// nextUpdate.
        next_update: String,
        /// Our clock.
        now: String,
    },
    /// The revocation list is none that can be gone by.
    CrlUnusable {
        /// Whose list it is, or may be.
        issuers: Vec<String>,
        /// What is wrong with it.
        why: String,
    },
    /// It is for other names.
    WrongName {
        /// The name that was to be verified.
        expected: String,
        /// The names it is for.
        presented: Vec<String>,
    },
    /// It was valid until then (UTC text) and is no more.
    Expired {
        /// notAfter.
        not_after: String,
        /// Our clock.
        now: String,
    },
    /// It will be valid only from then on (UTC text).
    NotYetValid {
        /// notBefore.
        not_before: String,
        /// Our clock.
        now: String,
    },
    /// The chain is larger than egret keeps.
    ChainTooLarge {
        /// Bytes presented.
        bytes: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// It is not for TLS servers (extended key usage).
    WrongPurpose,
    /// It is broken, or signed in a way that is not supported; what the verifier says.
    Unusable(String),
}

impl fmt::Display for CertificateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownIssuer { issuer } => write!(
                f,
                "no root leads to its issuer {issuer:?}; give that CA's certificate with ca= or --ca (or the server must send its intermediates)"
            ),
            Self::BadSignature { issuer } => write!(
                f,
                "it was not signed by the CA that is trusted under the name {issuer:?}; give the server's present CA with ca="
            ),
            Self::SelfSigned { pin, is_root: true } => write!(
                f,
                "it is a self-signed CA certificate used as a server's; trust its key in place of ca=FILE: ca=pin,pin={pin}"
            ),
            Self::SelfSigned {
                pin,
                is_root: false,
            } => write!(
                f,
                "it is a self-signed CA certificate used as a server's, and no root; if it is that of the right server, trust its key: ca=pin,pin={pin}"
            ),
            Self::NotPinned { presented } => write!(
                f,
                "its key is none of those of pin=; if it is that of the right server, add pin={presented}"
            ),
            Self::Revoked {
                subject,
                serial,
                issuer,
                when,
                why,
            } => {
                write!(f, "{subject:?} (serial {serial}) is revoked since {when}")?;
                if let Some(why) = why {
                    write!(f, " ({why})")?;
                }
                write!(
                    f,
                    ", says the revocation list of {issuer:?}; the server needs another certificate"
                )
            }
            Self::NoCrl { issuer, subject } => write!(
                f,
                "no revocation list of {issuer:?} tells of {subject:?}; give that CA's with crl= (each CA of a chain needs one)"
            ),
            Self::CrlExpired {
                issuer,
                next_update,
                now,
            } => write!(
                f,
                "the revocation list of {issuer:?} expired at {next_update} and our clock says {now}; put that CA's new one in its file"
            ),
            Self::CrlUnusable { issuers, why } => write!(
                f,
                "the revocation list of {} is of no use: {why}; put that CA's own one in its file",
                quoted(issuers)
            ),
            Self::WrongName {
                expected,
                presented,
            } => {
                write!(f, "it is not for {expected:?} but for ")?;
                match presented.as_slice() {
                    [] => f.write_str("no name at all")?,
                    names => {
                        let (shown, more) = names.split_at(names.len().min(NAMES_SHOWN));
                        f.write_str(&shown.join(", "))?;
                        if !more.is_empty() {
                            write!(f, " and {} more", more.len())?;
                        }
                    }
                }
                f.write_str("; use one of these in to=, or verify=NAME")
            }
            Self::Expired { not_after, now } => {
                write!(f, "it expired at {not_after} and our clock says {now}; have it renewed, or check the device's clock")
            }
            Self::NotYetValid { not_before, now } => write!(
                f,
                "it is not valid before {not_before} and our clock says {now}; check the device's clock"
            ),
            Self::ChainTooLarge { bytes, limit } => {
                write!(
                    f,
                    "its chain has {bytes} bytes, and {limit} is the most that is kept; have the server send fewer certificates"
                )
            }
            Self::WrongPurpose => {
                f.write_str("it is not for TLS servers (extendedKeyUsage lacks serverAuth); have one issued that is")
            }
            Self::Unusable(why) => write!(
                f,
                "it cannot be verified ({why}); have the server's certificate issued anew"
            ),
        }
    }
}

fn quoted(names: &[String]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("{name:?}")).collect();
    quoted.join(" or ")
}
