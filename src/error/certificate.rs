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
    SelfSigned,
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
            Self::SelfSigned => f.write_str(
                "it is a self-signed CA certificate used as a server's; issue a server certificate from it",
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
                write!(f, "it expired at {not_after} and our clock says {now}")
            }
            Self::NotYetValid { not_before, now } => write!(
                f,
                "it is not valid before {not_before} and our clock says {now}; check the device's clock"
            ),
            Self::ChainTooLarge { bytes, limit } => {
                write!(f, "its chain has {bytes} bytes, and {limit} is the most that is kept")
            }
            Self::WrongPurpose => {
                f.write_str("it is not for TLS servers (extendedKeyUsage lacks serverAuth)")
            }
            Self::Unusable(why) => write!(
                f,
                "it cannot be verified ({why}); have the server's certificate issued anew"
            ),
        }
    }
}
