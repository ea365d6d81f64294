//! What an authority took back: revocation lists, PEM or DER, several in a file.

use std::cmp::Reverse;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateRevocationListDer;
use rustls_pemfile::Item;
use webpki::{BorrowedCertRevocationList, Error};

use super::error::{Cause, CrlFault, FileError, Foreign};
use super::file::PemFile;
use super::sections::{Block, Kind, blocks};
use crate::identity::x509::der::{self, Reader};
use crate::identity::x509::{CrlSummary, is_crl, summarize_crl};
use crate::limits::CRL_FILE_MAX;

/// A revocation list that a verifier takes.
#[derive(Clone, PartialEq, Eq)]
pub struct Crl {
    /// It.
    pub der: CertificateRevocationListDer<'static>,
    /// For people.
    pub summary: CrlSummary,
    /// How many certificates it revokes.
    pub revoked: usize,
}

/// The revocation lists of an identity, the newest first: of several lists of one authority a
/// verifier goes by the first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Crls(Arc<[Crl]>);

impl Crls {
    /// Each.
    pub fn iter(&self) -> impl Iterator<Item = &Crl> {
        self.0.iter()
    }

    /// Bytes of them all.
    pub fn bytes(&self) -> usize {
        self.iter().map(|crl| crl.der.len()).sum()
    }
}

impl fmt::Debug for Crl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, {} revoked", self.summary, self.revoked)
    }
}

/// Reads files of revocation lists, at most [`CRL_FILE_MAX`] bytes each.
///
/// # Errors
/// [`FileError`]: which of the files does not load and why.
pub fn load_crls(files: &[PathBuf]) -> Result<Crls, FileError> {
    let mut all = Vec::new();
    for file in files {
        all.extend(load(file)?);
    }
    all.sort_by_key(|crl| Reverse(crl.summary.this_update));
    Ok(Crls(all.into()))
}

/// Everything that is wrong with these files; [`load_crls`] stops at the first fault.
pub fn crl_faults(files: &[PathBuf]) -> Vec<FileError> {
    files.iter().filter_map(|file| load(file).err()).collect()
}

fn load(file: &Path) -> Result<Vec<Crl>, FileError> {
    parse_crls(&PemFile::read_up_to(CRL_FILE_MAX, file)?)
}

/// The revocation lists in these bytes, at least one, in their order.
///
/// # Errors
/// As [`load_crls`].
pub fn parse_crls(file: &PemFile) -> Result<Vec<Crl>, FileError> {
    let lists = match is_crl(&file.bytes) {
        true => binary(&file.bytes),
        false => armoured(&file.bytes).map_err(|cause| without_pem(cause, &file.bytes)),
    };
    let check = |(position, der)| check(der).map_err(|fault| Cause::BadCrl { position, fault });
    lists
        .and_then(|lists| (1..).zip(lists).map(check).collect())
        .map_err(|cause| file.error(cause))
}

type Lists = Vec<CertificateRevocationListDer<'static>>;

/// Of a DER file, which may hold one after the other.
fn binary(file: &[u8]) -> Result<Lists, Cause> {
    let mut reader = Reader(file);
    let mut lists = Lists::new();
    while !reader.is_empty() {
        let list = reader.any().filter(|value| value.tag == der::SEQUENCE);
        let list = list.ok_or(Cause::BadCrl {
            position: lists.len() + 1,
            fault: CrlFault::Damaged,
        })?;
        lists.push(list.whole.to_vec().into());
    }
    Ok(lists)
}

/// Of a PEM file.
fn armoured(file: &[u8]) -> Result<Lists, Cause> {
    let blocks = blocks(file)?;
    let crls = blocks.iter().filter(|block| block.kind == Kind::Crl);
    let lists: Lists = crls.map(decode).collect::<Result<_, _>>()?;
    match lists.is_empty() {
        true => Err(no_crl(&blocks)),
        false => Ok(lists),
    }
}

/// What a file without PEM is where DER would do too.
fn without_pem(cause: Cause, file: &[u8]) -> Cause {
    match cause {
        Cause::NotPem(Foreign::DerCertificate) => Cause::NoCrl(Kind::Certificate),
        Cause::NotPem(Foreign::DerKey) => Cause::NoCrl(Kind::PrivateKey),
        Cause::NotPem(Foreign::Unknown) if file.first() == Some(&der::SEQUENCE) => Cause::BadCrl {
            position: 1,
            fault: CrlFault::Damaged,
        },
        other => other,
    }
}

fn decode(block: &Block<'_>) -> Result<CertificateRevocationListDer<'static>, Cause> {
    match block.decode()? {
        Item::Crl(der) => Ok(der),
        _ => Err(Cause::BadBase64 { line: block.line }),
    }
}

fn no_crl(blocks: &[Block<'_>]) -> Cause {
    match blocks.iter().map(|block| &block.kind).max() {
        Some(kind) => Cause::NoCrl(kind.clone()),
        None => Cause::Empty,
    }
}

/// Whether a verifier takes it, which must not turn out in a handshake.
fn check(der: CertificateRevocationListDer<'static>) -> Result<Crl, CrlFault> {
    let summary = summarize_crl(&der).map_err(|_| CrlFault::Damaged)?;
    if summary.version < 2 {
        return Err(CrlFault::OldVersion);
    }
    if summary.next_update.is_none() {
        return Err(CrlFault::Endless);
    }
    let revoked = revoked(&der).map_err(|error| fault_of(&error))?;
    Ok(Crl {
        der,
        summary,
        revoked,
    })
}

fn revoked(der: &[u8]) -> Result<usize, Error> {
    let list = BorrowedCertRevocationList::from_der(der)?;
    let mut count = 0;
    for revoked in &list {
        revoked?;
        count += 1;
    }
    Ok(count)
}

fn fault_of(error: &Error) -> CrlFault {
    match error {
        Error::UnsupportedDeltaCrl => CrlFault::Delta,
        Error::UnsupportedIndirectCrl => CrlFault::Indirect,
        Error::UnsupportedRevocationReasonsPartitioning
        | Error::UnsupportedCrlIssuingDistributionPoint => CrlFault::Partial,
        Error::BadDer | Error::BadDerTime | Error::TrailingData(_) => CrlFault::Damaged,
        other => CrlFault::Unsupported(other.to_string()),
    }
}

#[cfg(test)]
mod tests;
