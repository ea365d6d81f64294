//! What works today and should be put right all the same.

use std::fmt;
use std::path::PathBuf;

use super::Link;
use super::error::{Shown, Word};
use super::file::PemFile;
use crate::identity::x509;

/// A fault that does not stop a load. Displays as one line: cause and remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// Every user of the machine can read the key.
    KeyReadableByAll {
        /// Its file.
        path: PathBuf,
    },
    /// A certificate of our chain is of X.509 version 1 or 2: openssl accepts that of a client,
    /// webpki and with it every server in Rust does not.
    OldVersion {
        /// Its file.
        path: PathBuf,
        /// Which certificate of the file, counted from 1.
        position: usize,
        /// Its version.
        version: u8,
    },
    /// A certificate of our chain is not the issuer of the one before it (RFC 5246 §7.4.2).
    ChainBroken {
        /// Its file.
        path: PathBuf,
        /// Which certificate of the file, counted from 1.
        position: usize,
    },
    /// Roots that cannot be used were left out.
    RootsSkipped {
        /// Their file.
        path: PathBuf,
        /// How many.
        count: usize,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyReadableByAll { path } => write!(
                f,
                "{}: every user can read the private key; run: chmod o-rwx {}",
                Shown(path),
                Word(path)
            ),
            Self::OldVersion {
                path,
                position,
                version,
            } => write!(
                f,
                "{}: certificate {position} is X.509 version {version}, which many servers refuse; \
                 have it issued with extensions: openssl x509 -req -extfile FILE, where FILE says \
                 basicConstraints=CA:FALSE",
                Shown(path)
            ),
            Self::ChainBroken { path, position } => write!(
                f,
                "{}: certificate {position} did not issue the one before it; \
                 order them from our own to the CA, and leave out others",
                Shown(path)
            ),
            Self::RootsSkipped { path, count } => write!(
                f,
                "{}: {count} certificates cannot serve as roots and are left out",
                Shown(path)
            ),
        }
    }
}

/// Looks for what could be better in credentials that load.
pub(super) fn about(chain: &[Link], cert: &PemFile, key: &PemFile) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if key.readable_by_all {
        warnings.push(Warning::KeyReadableByAll {
            path: key.path.clone(),
        });
    }
    for (position, link) in (1..).zip(chain) {
        if link.summary.version < 3 {
            warnings.push(Warning::OldVersion {
                path: cert.path.clone(),
                position,
                version: link.summary.version,
            });
        }
    }
    for (position, (issued, issuer)) in (2..).zip(chain.iter().zip(chain.iter().skip(1))) {
        if x509::issuer(&issued.der) != x509::subject(&issuer.der) {
            warnings.push(Warning::ChainBroken {
                path: cert.path.clone(),
                position,
            });
        }
    }
    warnings
}
