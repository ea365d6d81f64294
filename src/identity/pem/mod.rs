//! Files become certificates and keys here; no other room knows PEM.
//!
//! Reading a file and understanding its bytes are apart: [`PemFile::read`] does the one,
//! [`parse_credentials`], [`parse_roots`] and [`parse_crls`] the other, on any bytes. Dates never
//! stop a load.

mod crl;
mod error;
mod file;
mod key;
mod roots;
mod sections;
mod warning;

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::sign::{CertifiedKey, SigningKey};
use rustls_pemfile::Item;

pub use crl::{Crl, Crls, crl_faults, load_crls, parse_crls};
pub use error::{Cause, CrlFault, FileError, Foreign};
pub use file::PemFile;
pub use roots::{Roots, load_roots, parse_roots};
pub use sections::Kind;
pub use warning::Warning;

use crate::identity::x509::{self, Algorithm, PublicKey};
use crate::limits::OWN_CHAIN_CERTS_MAX;
use sections::{Block, blocks};

/// Who we are to a server: a certificate chain and the key of its first certificate.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// What rustls sends and signs with; the chain has at least one certificate.
    pub certified: Arc<CertifiedKey>,
    /// Our own certificate, for people.
    pub leaf: x509::Summary,
    /// What is not as it should be, but works.
    pub warnings: Vec<Warning>,
}

/// Reads a certificate chain and its key, which is in the file of the certificate if not given.
///
/// # Errors
/// [`FileError`]: which of the files does not load and why, or that they do not belong together.
pub fn load_credentials(cert: &Path, key: Option<&Path>) -> Result<Credentials, FileError> {
    let cert_file = PemFile::read(cert)?;
    match key {
        Some(key) if key != cert => parse_credentials(&cert_file, &PemFile::read(key)?),
        _ => parse_credentials(&cert_file, &cert_file),
    }
}

/// Everything that is wrong with these files; [`load_credentials`] stops at the first fault.
pub fn credential_faults(cert: &Path, key: Option<&Path>) -> Vec<FileError> {
    let Err(first) = load_credentials(cert, key) else {
        return Vec::new();
    };
    let unseen = key.filter(|key| *key != cert && first.path == cert);
    let second = unseen.and_then(|key| PemFile::read(key).and_then(|key| signer(&key)).err());
    [Some(first), second].into_iter().flatten().collect()
}

/// [`load_credentials`] of bytes; both may be the same file.
///
/// # Errors
/// As [`load_credentials`].
pub fn parse_credentials(cert: &PemFile, key: &PemFile) -> Result<Credentials, FileError> {
    let chain = parse_chain(&cert.bytes).map_err(|cause| cert.error(cause))?;
    let signer = signer(key)?;
    let leaf = find_leaf(&chain, signer.as_ref(), cert, key)?.clone();
    let warnings = warning::about(&chain, cert, key);
    let chain = chain.into_iter().map(|link| link.der).collect();
    Ok(Credentials {
        certified: Arc::new(CertifiedKey::new(chain, signer)),
        leaf,
        warnings,
    })
}

fn signer(key: &PemFile) -> Result<Arc<dyn SigningKey>, FileError> {
    blocks(&key.bytes)
        .and_then(|blocks| key::only_key(&blocks))
        .map_err(|cause| key.error(cause))
}

/// One certificate of our chain.
struct Link {
    der: CertificateDer<'static>,
    summary: x509::Summary,
}

/// Our chain, at least one certificate, in the order of the file.
fn parse_chain(file: &[u8]) -> Result<Vec<Link>, Cause> {
    let mut chain = Vec::new();
    for (line, der) in certificates(file)? {
        let summary = x509::summarize(&der).map_err(|_| Cause::BadCertificate { line })?;
        chain.push(Link { der, summary });
    }
    match chain.len() {
        count if count > OWN_CHAIN_CERTS_MAX => Err(Cause::TooManyCertificates { count }),
        _ => Ok(chain),
    }
}

/// The certificates of a file, at least one, each with its line; what is inside is not looked at.
fn certificates(file: &[u8]) -> Result<Vec<(usize, CertificateDer<'static>)>, Cause> {
    let blocks = blocks(file)?;
    let mut certificates = Vec::new();
    for block in &blocks {
        if block.kind != Kind::Certificate {
            continue;
        }
        match block.decode()? {
            Item::X509Certificate(certificate) => certificates.push((block.line, certificate)),
            _ => return Err(Cause::BadCertificate { line: block.line }),
        }
    }
    match certificates.is_empty() {
        true => Err(no_certificate(&blocks)),
        false => Ok(certificates),
    }
}

fn no_certificate(blocks: &[Block<'_>]) -> Cause {
    match blocks.iter().map(|block| &block.kind).max() {
        Some(kind) => Cause::NoCertificate(kind.clone()),
        None => Cause::Empty,
    }
}

/// The first certificate, which must be that of the key.
fn find_leaf<'a>(
    chain: &'a [Link],
    signer: &dyn SigningKey,
    cert: &PemFile,
    key: &PemFile,
) -> Result<&'a x509::Summary, FileError> {
    let public = signer.public_key();
    let public = public.as_ref().and_then(|spki| PublicKey::read(spki));
    let is_own = |link: &Link| match &public {
        Some(public) => is_key_of(public, &link.der),
        // A key that does not tell its public half cannot be compared; ring's all tell.
        None => true,
    };
    match chain.iter().enumerate().find(|(_, link)| is_own(link)) {
        Some((0, leaf)) => Ok(&leaf.summary),
        Some((position, link)) => Err(cert.error(Cause::LeafNotFirst {
            position: position + 1,
            count: chain.len(),
            subject: link.summary.subject.clone(),
        })),
        None => Err(key.error(Cause::Mismatch {
            cert: cert.path.clone(),
            cert_key: chain
                .first()
                .map(|link| link.summary.key.clone())
                .unwrap_or_default(),
            key: public.map(|public| public.to_string()).unwrap_or_default(),
        })),
    }
}

/// Whether a certificate is for this key, however it writes it: some name no curve, some compress.
fn is_key_of(public: &PublicKey<'_>, certificate: &CertificateDer<'_>) -> bool {
    let certified = x509::spki(certificate).ok().and_then(PublicKey::read);
    certified.is_some_and(|certified| {
        (certified.algorithm == public.algorithm || certified.algorithm == Algorithm::ExplicitEc)
            && compressed(&certified) == compressed(public)
    })
}

/// A key in a form that has one spelling: a curve's point becomes its x and the parity of its y
/// (SEC 1 §2.3.3).
fn compressed(public: &PublicKey<'_>) -> Vec<u8> {
    match (&public.algorithm, public.key) {
        (Algorithm::Rsa | Algorithm::Ed25519 | Algorithm::Other(_), key) => key.to_vec(),
        (_, [0x04, point @ ..]) => {
            let (x, y) = point.split_at(point.len() / 2);
            let parity = y.last().map_or(0, |byte| byte & 1);
            [&[0x02 | parity][..], x].concat()
        }
        (_, key) => key.to_vec(),
    }
}

#[cfg(test)]
mod tests;
