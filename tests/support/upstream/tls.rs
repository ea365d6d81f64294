//! The TLS side of an upstream.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{
    NoServerSessionStorage, ProducesTickets, ServerSessionMemoryCache, StoresServerSessions,
    WebPkiClientVerifier,
};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig,
    SignatureScheme, SupportedProtocolVersion,
};

use super::offers::Watched;
use super::state::Shared;
use crate::support::certs::Leaf;

/// TLS versions spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versions {
    Both,
    Only12,
    Only13,
}

impl Versions {
    fn list(self) -> Vec<&'static SupportedProtocolVersion> {
        match self {
            Self::Both => vec![&rustls::version::TLS12, &rustls::version::TLS13],
            Self::Only12 => vec![&rustls::version::TLS12],
            Self::Only13 => vec![&rustls::version::TLS13],
        }
    }
}

/// How sessions are remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resumption {
    /// The client keeps them, encrypted for us.
    Tickets,
    /// We keep them: session ids in TLS 1.2, tickets that name an entry of ours in 1.3.
    SessionIds,
    /// As [`Resumption::Tickets`], but each is so many bytes larger, and none is ever taken back.
    LargeTickets(usize),
    /// Nobody does.
    None,
}

/// Whether a client is asked for a certificate, and of which authorities it must be.
#[derive(Debug, Clone)]
pub enum ClientAuth {
    NotAsked,
    /// It may have none.
    Requested(Vec<CertificateDer<'static>>),
    Required(Vec<CertificateDer<'static>>),
    /// As required, but no authority is named in the request.
    RequiredUnnamed(Vec<CertificateDer<'static>>),
    /// Asks, and refuses whatever comes for this reason, with the TLS alert that belongs to it.
    Refused(CertificateError),
}

#[derive(Clone)]
pub(super) struct Tls {
    pub(super) leaf: Leaf,
    pub(super) versions: Versions,
    pub(super) resumption: Resumption,
    pub(super) tickets: usize,
    pub(super) client_auth: ClientAuth,
    pub(super) alpn: Vec<Vec<u8>>,
    pub(super) record_size: Option<usize>,
}

impl Tls {
    pub(super) fn new(leaf: &Leaf) -> Self {
        Self {
            leaf: leaf.clone(),
            versions: Versions::Both,
            resumption: Resumption::Tickets,
            tickets: 2,
            client_auth: ClientAuth::NotAsked,
            alpn: Vec::new(),
            record_size: None,
        }
    }

    /// A new configuration, with no session remembered.
    pub(super) fn config(&self, shared: &Arc<Shared>) -> Arc<ServerConfig> {
        let provider = Arc::new(ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&self.versions.list())
            .expect("versions that the provider knows")
            .with_client_cert_verifier(verifier(&self.client_auth, &provider))
            .with_single_cert(self.leaf.chain(), self.leaf.key())
            .expect("a certificate that fits its key");
        config.alpn_protocols = self.alpn.clone();
        config.max_fragment_size = self.record_size;
        config.send_tls13_tickets = self.tickets;
        match self.resumption {
            Resumption::Tickets => {
                let ticketer = ring::Ticketer::new().expect("random numbers");
                config.ticketer = Watched::new(ticketer, shared);
                config.session_storage = Arc::new(NoServerSessionStorage {});
            }
            Resumption::LargeTickets(padding) => {
                config.ticketer = Arc::new(LargeTickets(padding));
                config.session_storage = Arc::new(NoServerSessionStorage {});
            }
            Resumption::SessionIds => {
                let cache: Arc<dyn StoresServerSessions> = ServerSessionMemoryCache::new(256);
                config.session_storage = Watched::new(cache, shared);
            }
            Resumption::None => {
                config.session_storage = Arc::new(NoServerSessionStorage {});
                config.send_tls13_tickets = 0;
            }
        }
        Arc::new(config)
    }
}

#[derive(Debug)]
struct LargeTickets(usize);

impl ProducesTickets for LargeTickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        3600
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        Some(vec![b'x'; plain.len() + self.0])
    }

    fn decrypt(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

fn verifier(auth: &ClientAuth, provider: &Arc<CryptoProvider>) -> Arc<dyn ClientCertVerifier> {
    let of = |roots: &[CertificateDer<'static>]| {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(roots.iter().cloned());
        WebPkiClientVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider))
    };
    let built = match auth {
        ClientAuth::NotAsked => return WebPkiClientVerifier::no_client_auth(),
        ClientAuth::Refused(reason) => {
            return Arc::new(RefuseAll {
                reason: reason.clone(),
                provider: Arc::clone(provider),
            });
        }
        ClientAuth::Requested(roots) => of(roots).allow_unauthenticated().build(),
        ClientAuth::Required(roots) => of(roots).build(),
        ClientAuth::RequiredUnnamed(roots) => of(roots).clear_root_hint_subjects().build(),
    };
    built.expect("roots of client certificates")
}

/// Finds the same fault with every certificate.
#[derive(Debug)]
struct RefuseAll {
    reason: CertificateError,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for RefuseAll {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Err(Error::InvalidCertificate(self.reason.clone()))
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
