//! One epoch of an identity: everything that was made from one reading of its files.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use rustls::client::{ResolvesClientCert, Resumption, TicketRequest};
use rustls::crypto::{CryptoProvider, ring};
use rustls::sign::CertifiedKey;
use rustls::{
    CipherSuite, ClientConfig, KeyLog, SignatureScheme, SupportedCipherSuite,
    SupportedProtocolVersion, version,
};

use super::Pooled;
use super::clock::{Clock, VerifierTime, since_1970};
use super::keylog::KeyLogFile;
use super::material::{LoadError, Material};
use super::sessions::Sessions;
use super::verify::Trust;
use super::x509;
use crate::config::{IdentityConfig, TlsVersions};
use crate::error::Cause;
use crate::limits::TICKETS_PER_UPSTREAM;
use crate::upstream::Upstream;
use crate::upstream::connect::{self, Connection, OurCertificate, Validity};
use crate::upstream::pool::Idle;

/// Client configuration, session slots and idle connections that belong together. Nothing of one
/// epoch is ever used by another, or by another identity: it is owned here and has no other key.
#[derive(Debug)]
pub struct Epoch {
    /// Counts from 1 in each identity.
    pub number: u32,
    /// TLS sessions.
    pub sessions: Sessions,
    material: Material,
    clock: Arc<dyn Clock>,
    /// Idle connections.
    pub(super) idle: RefCell<Idle<Rc<Upstream>, Pooled>>,
    /// A connection became idle.
    pub(super) freed: Notify,
    /// Another epoch took its place, or the program stops: nothing is kept any more.
    pub(super) retired: Cell<bool>,
}

impl Epoch {
    /// Makes all that follows from `material`.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(
        config: &IdentityConfig,
        material: Material,
        clock: &Arc<dyn Clock>,
        key_log: Option<&Arc<KeyLogFile>>,
        number: u32,
    ) -> Result<Rc<Self>, LoadError> {
        let provider = Arc::new(provider(has_aes_instructions()));
        let trust = material.trust.clone();
        let certified = material.credentials.as_ref();
        let certified = certified.map(|credentials| Arc::clone(&credentials.certified));
        let mut base = client_config(config, &trust, provider, certified, clock)?;
        if let Some(key_log) = key_log {
            base.key_log = Arc::clone(key_log) as Arc<dyn KeyLog>;
        }
        Ok(Rc::new(Self {
            number,
            sessions: Sessions::new(base, trust, config.sessions),
            material,
            clock: Arc::clone(clock),
            idle: RefCell::default(),
            freed: Notify::new(),
            retired: Cell::new(false),
        }))
    }

    /// What its files held.
    pub fn material(&self) -> &Material {
        &self.material
    }

    /// Our certificate, for people.
    pub fn certificate(&self) -> Option<&x509::Summary> {
        let credentials = self.material.credentials.as_ref();
        credentials.map(|credentials| &credentials.leaf)
    }

    /// How many roots it trusts; pins in their place are none.
    pub fn roots(&self) -> usize {
        self.material.roots.as_ref().map_or(0, |roots| roots.count)
    }

    /// When our certificate is valid. Whether it is valid yet, the server judges.
    pub fn valid(&self) -> Validity {
        let end = |certificate: &x509::Summary| Validity::until(certificate.not_after);
        self.certificate().map_or(Validity::ALWAYS, end)
    }

    /// How long the certificates are still valid that `connection` was made with, if they are.
    pub(super) fn left(&self, connection: &Connection) -> Option<Duration> {
        connection.facts().valid.left(since_1970(self.clock.now()))
    }

    /// The time by the wall clock, since 1970.
    ///
    /// # Errors
    /// The clock is not set: a request may have waited while it was lost.
    pub fn time(&self) -> Result<Duration, Cause> {
        self.clock.time().map(since_1970).ok_or(Cause::ClockNotSet)
    }

    /// Idle connections held.
    pub fn idle(&self) -> usize {
        self.idle.borrow().len()
    }

    /// Ends the epoch: its sessions are dropped, its idle connections close, and none comes back.
    /// Tells how many closed.
    pub(super) fn retire(&self) -> usize {
        self.retired.set(true);
        self.sessions.end();
        std::iter::from_fn(|| self.take_oldest()).count()
    }

    /// The connection that has been idle longest. What is dropped must be dropped outside the
    /// table's borrow: a permit that comes free may be granted at once.
    pub(super) fn take_oldest(&self) -> Option<Pooled> {
        self.idle.borrow_mut().take_oldest()
    }

    /// When the first idle connection's time is over.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.idle.borrow().next_expiry()
    }

    /// A connection that has been idle for too long.
    pub(super) fn take_expired(&self, now: Instant) -> Option<Pooled> {
        self.idle.borrow_mut().take_expired(now)
    }

    /// An idle connection whose certificates are not valid now.
    pub(super) fn take_ended(&self) -> Option<Pooled> {
        let has_ended = |pooled: &Pooled| self.left(&pooled.connection).is_none();
        self.idle.borrow_mut().take_where(has_ended)
    }
}

fn client_config(
    config: &IdentityConfig,
    trust: &Trust,
    provider: Arc<CryptoProvider>,
    certified: Option<Arc<CertifiedKey>>,
    clock: &Arc<dyn Clock>,
) -> Result<ClientConfig, LoadError> {
    let time = Arc::new(VerifierTime(Arc::clone(clock)));
    let mut base = ClientConfig::builder_with_details(provider, time)
        .with_protocol_versions(versions(config.versions))
        .map_err(LoadError::Tls)?
        .dangerous()
        .with_custom_certificate_verifier(trust.verifier(None))
        .with_client_cert_resolver(Arc::new(OneCertificate(certified)));
    base.alpn_protocols = config
        .alpn
        .iter()
        .map(|protocol| protocol.clone().into_bytes())
        .collect();
    // Sessions are kept in slots: rustls's own table would stay empty.
    base.resumption = Resumption::disabled();
    // More than are kept would be thrown away.
    base.send_ticket_request = Some(TicketRequest {
        new_session_count: TICKETS_PER_UPSTREAM as u8,
        resumption_count: 1,
    });
    Ok(base)
}

static BOTH: [&SupportedProtocolVersion; 2] = [&version::TLS13, &version::TLS12];

fn versions(versions: TlsVersions) -> &'static [&'static SupportedProtocolVersion] {
    match versions {
        TlsVersions::Both => &BOTH,
        TlsVersions::Only13 => &BOTH[..1],
        TlsVersions::Only12 => &BOTH[1..],
    }
}

/// The one certificate of an identity, or none. Knows which handshake asks: the one being polled.
#[derive(Debug)]
struct OneCertificate(Option<Arc<CertifiedKey>>);

impl ResolvesClientCert for OneCertificate {
    fn resolve(
        &self,
        authorities: &[&[u8]],
        schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        let fits = |certified: &&Arc<CertifiedKey>| certified.key.choose_scheme(schemes).is_some();
        let sent = self.0.as_ref().filter(fits);
        connect::note(|facts| {
            facts.certificate = match sent {
                Some(_) => OurCertificate::Sent,
                None => OurCertificate::NotSent,
            };
            if let Some(details) = &mut facts.details {
                details.authorities = authorities.iter().map(|name| name.to_vec()).collect();
            }
        });
        sent.map(Arc::clone)
    }

    fn has_certs(&self) -> bool {
        self.0.is_some()
    }
}

/// ring, with the cipher first that a machine with or without AES instructions computes fastest.
fn provider(aes: bool) -> CryptoProvider {
    let mut provider = ring::default_provider();
    provider
        .cipher_suites
        .sort_by_key(|suite| cipher_rank(suite, aes));
    provider
}

/// Where a suite stands in our offer: ChaCha20-Poly1305 first where AES is computed without
/// instructions for it, which ring never uses on 32-bit ARM.
fn cipher_rank(suite: &SupportedCipherSuite, aes: bool) -> (bool, u8) {
    use CipherSuite::*;
    let cipher = match suite.suite() {
        TLS13_CHACHA20_POLY1305_SHA256
        | TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
        | TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 => 3 * u8::from(aes),
        TLS13_AES_128_GCM_SHA256
        | TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
        | TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => 1,
        _ => 2,
    };
    (suite.tls13().is_none(), cipher)
}

#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
fn has_aes_instructions() -> bool {
    std::arch::is_x86_feature_detected!("aes")
}

#[cfg(target_arch = "aarch64")]
fn has_aes_instructions() -> bool {
    std::arch::is_aarch64_feature_detected!("aes")
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64")))]
fn has_aes_instructions() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(aes: bool) -> Vec<String> {
        let name = |suite: &rustls::SupportedCipherSuite| format!("{:?}", suite.suite());
        provider(aes).cipher_suites.iter().map(name).collect()
    }

    #[test]
    fn with_aes_instructions_aes_128_is_offered_first() {
        assert_eq!(
            offered(true),
            [
                "TLS13_AES_128_GCM_SHA256",
                "TLS13_AES_256_GCM_SHA384",
                "TLS13_CHACHA20_POLY1305_SHA256",
                "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
                "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
                "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
                "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
                "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
            ]
        );
    }

    #[test]
    fn without_aes_instructions_chacha20_is_offered_first() {
        assert_eq!(
            offered(false),
            [
                "TLS13_CHACHA20_POLY1305_SHA256",
                "TLS13_AES_128_GCM_SHA256",
                "TLS13_AES_256_GCM_SHA384",
                "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
                "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
                "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
                "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
                "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            ]
        );
    }
}
