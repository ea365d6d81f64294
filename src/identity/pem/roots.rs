//! Whom we trust: a CA file, or the system's bundle.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

use super::error::{Cause, FileError};
use super::file::PemFile;
use super::warning::Warning;

/// Certificates that a server's chain may end in.
#[derive(Debug, Clone)]
pub struct Roots {
    /// They; at least one.
    pub store: Arc<RootCertStore>,
    /// How many there are.
    pub count: usize,
    /// What is not as it should be, but works.
    pub warnings: Vec<Warning>,
}

/// Reads the roots of a CA file, or the system's (`SSL_CERT_FILE` and `SSL_CERT_DIR`, else the
/// places where distributions keep them).
///
/// # Errors
/// [`FileError`]: why the file does not load, or that the system has no roots.
pub fn load_roots(file: Option<&Path>) -> Result<Roots, FileError> {
    match file {
        Some(path) => parse_roots(&PemFile::read(path)?),
        None => load_system_roots(),
    }
}

/// [`load_roots`] of bytes.
///
/// # Errors
/// As [`load_roots`].
pub fn parse_roots(file: &PemFile) -> Result<Roots, FileError> {
    let certificates = super::certificates(&file.bytes).map_err(|cause| file.error(cause))?;
    let certificates = certificates.into_iter().map(|(_, certificate)| certificate);
    let (store, skipped) = collect(certificates).ok_or_else(|| file.error(Cause::NoUsableRoot))?;
    let warning = (skipped > 0).then(|| Warning::RootsSkipped {
        path: file.path.clone(),
        count: skipped,
    });
    Ok(Roots {
        count: store.len(),
        store: Arc::new(store),
        warnings: warning.into_iter().collect(),
    })
}

/// What the system's bundle holds beside its roots is its packager's business: no warnings.
fn load_system_roots() -> Result<Roots, FileError> {
    let found = rustls_native_certs::load_native_certs();
    let (store, _) = collect(found.certs).ok_or_else(|| FileError {
        path: system_place(),
        cause: Cause::NoSystemRoots,
    })?;
    Ok(Roots {
        count: store.len(),
        store: Arc::new(store),
        warnings: Vec::new(),
    })
}

/// Where the system's roots are looked for first, for messages.
fn system_place() -> PathBuf {
    env::var_os("SSL_CERT_FILE")
        .or_else(|| env::var_os("SSL_CERT_DIR"))
        .map_or_else(|| PathBuf::from("/etc/ssl/certs"), PathBuf::from)
}

/// The roots, if any, and how many certificates cannot be one: an odd certificate in a bundle of a
/// hundred does not take the others along.
fn collect(
    certificates: impl IntoIterator<Item = CertificateDer<'static>>,
) -> Option<(RootCertStore, usize)> {
    let mut store = RootCertStore::empty();
    let (count, skipped) = store.add_parsable_certificates(certificates);
    (count > 0).then_some((store, skipped))
}
