//! What the files of an identity hold: read, understood, and not in use yet.

use std::env;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::server::VerifierBuilderError;

use super::pem::{self, Credentials, Crls, FileError, Roots};
use super::verify::Trust;
use crate::config::{Anchors, IdentityConfig};

/// Everything that an identity's files say, at one reading.
#[derive(Debug, Clone)]
pub struct Material {
    /// Our certificate chain and its key; `None`: TLS without a client certificate.
    pub credentials: Option<Credentials>,
    /// Whom it trusts; `None`: pins stand in their place.
    pub roots: Option<Roots>,
    /// What its authorities took back.
    pub crls: Crls,
    /// What follows from those two and the pins. It is made where files are read: revocation lists
    /// are gone through for it, and requests must not wait for that.
    pub(super) trust: Trust,
}

impl Material {
    /// Reads the files of `config`.
    ///
    /// # Errors
    /// Which file is missing or bad, and why; or there is nothing to trust.
    pub fn read(config: &IdentityConfig, default_roots: &DefaultRoots) -> Result<Self, LoadError> {
        let credentials = match &config.cert {
            Some(cert) => Some(pem::load_credentials(cert, config.key.as_deref())?),
            None => None,
        };
        let roots = match &config.anchors {
            Anchors::File(file) => Some(pem::load_roots(Some(file))?),
            Anchors::Default => Some(default_roots.get()?),
            Anchors::Pins => None,
        };
        let crls = pem::load_crls(&config.crls)?;
        let trust = trust(config, roots.as_ref(), &crls)?;
        Ok(Self {
            credentials,
            roots,
            crls,
            trust,
        })
    }

    /// The same, without a certificate of our own.
    pub fn without_certificate(&self) -> Self {
        Self {
            credentials: None,
            ..self.clone()
        }
    }

    /// Whether nothing that was read here differs from `other`: the key is that of the chain's
    /// first certificate.
    pub fn is_same(&self, other: &Self) -> bool {
        let chain = |material: &Self| {
            let credentials = material.credentials.as_ref();
            credentials.map(|credentials| Arc::clone(&credentials.certified))
        };
        let same_chain = match (chain(self), chain(other)) {
            (Some(one), Some(other)) => one.cert == other.cert,
            (None, None) => true,
            _ => false,
        };
        let same_anchors = match (&self.roots, &other.roots) {
            (Some(one), Some(other)) => same_roots(&one.store, &other.store),
            (None, None) => true,
            _ => false,
        };
        same_chain && same_anchors && self.crls == other.crls
    }

    /// What is not as it should be, but works.
    pub fn warnings(&self) -> impl Iterator<Item = &pem::Warning> {
        let own = self.credentials.iter();
        own.flat_map(|credentials| &credentials.warnings)
            .chain(self.roots.iter().flat_map(|roots| &roots.warnings))
    }
}

fn trust(
    config: &IdentityConfig,
    roots: Option<&Roots>,
    crls: &Crls,
) -> Result<Trust, VerifierBuilderError> {
    // Of signatures alone: in which order ciphers are offered makes no difference here.
    let provider = Arc::new(ring::default_provider());
    let pins = config.pins.clone();
    match roots {
        Some(roots) => Trust::in_roots(Arc::clone(&roots.store), crls.clone(), pins, &provider),
        None => Ok(Trust::in_pins(pins, &provider)),
    }
}

fn same_roots(one: &Arc<RootCertStore>, other: &Arc<RootCertStore>) -> bool {
    Arc::ptr_eq(one, other) || one.roots == other.roots
}

impl IdentityConfig {
    /// Every file that the identity is made of. Without `ca=` those of the default roots are
    /// [`DefaultRoots::files`].
    pub fn files(&self) -> Vec<PathBuf> {
        let ca = match &self.anchors {
            Anchors::File(file) => Some(file),
            Anchors::Default | Anchors::Pins => None,
        };
        let own = self.cert.iter().chain(&self.key);
        own.chain(ca).chain(&self.crls).cloned().collect()
    }
}

/// Roots of identities without `ca=`: read once for all of them.
#[derive(Debug)]
pub struct DefaultRoots {
    file: Option<PathBuf>,
    read: Mutex<Read>,
}

#[derive(Debug, Default)]
struct Read {
    roots: Option<Roots>,
    /// The files may have changed since.
    stale: bool,
}

impl DefaultRoots {
    /// `--ca FILE`, or the system's bundle.
    pub fn new(file: Option<PathBuf>) -> Self {
        Self {
            file,
            read: Mutex::default(),
        }
    }

    /// The roots, read now if they were not yet, or are stale. Roots that turn out to be the same
    /// are still held once only.
    ///
    /// # Errors
    /// Why they cannot be read.
    pub fn get(&self) -> Result<Roots, FileError> {
        let mut read = self.lock();
        if let (Some(roots), false) = (&read.roots, read.stale) {
            return Ok(roots.clone());
        }
        let fresh = pem::load_roots(self.file.as_deref())?;
        let roots = match read.roots.take() {
            Some(held) if same_roots(&held.store, &fresh.store) => held,
            _ => fresh,
        };
        *read = Read {
            roots: Some(roots.clone()),
            stale: false,
        };
        Ok(roots)
    }

    /// Has them read again when they are asked for next.
    pub fn expire(&self) {
        self.lock().stale = true;
    }

    /// The files whose change makes another reading worth it: `--ca`, or what the system's bundle
    /// is read from.
    pub fn files(&self) -> Vec<PathBuf> {
        match &self.file {
            Some(file) => vec![file.clone()],
            None => system_files(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Read> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where rustls-native-certs reads.
fn system_files() -> Vec<PathBuf> {
    let file = env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let folders = env::var_os("SSL_CERT_DIR");
    let folders: Vec<_> = folders
        .iter()
        .flat_map(|folders| env::split_paths(folders))
        .collect();
    if file.is_some() || !folders.is_empty() {
        return file.into_iter().chain(folders).collect();
    }
    let found = openssl_probe::probe();
    found.cert_file.into_iter().chain(found.cert_dir).collect()
}

/// Why an identity's files cannot be used.
#[derive(Debug)]
pub enum LoadError {
    /// A file is missing or bad.
    File(FileError),
    /// There is nothing to trust, or to go by.
    Trust(VerifierBuilderError),
    /// TLS cannot be set up this way.
    Tls(rustls::Error),
    /// The system gave no thread to read them with.
    NoThread,
}

impl LoadError {
    /// Whether a file is not there yet, as opposed to bad.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::File(error) if error.is_missing())
    }
}

impl From<FileError> for LoadError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

impl From<VerifierBuilderError> for LoadError {
    fn from(error: VerifierBuilderError) -> Self {
        Self::Trust(error)
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::Trust(VerifierBuilderError::NoRootAnchors) => {
                f.write_str("no roots to trust; give some with ca= or --ca")
            }
            Self::Trust(error) => error.fmt(f),
            Self::Tls(error) => write!(f, "TLS cannot be set up: {error}"),
            Self::NoThread => f.write_str(
                "the system gave no thread to read its files with; raise the limit on processes (ulimit -u)",
            ),
        }
    }
}
