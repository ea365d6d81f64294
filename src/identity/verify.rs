//! Whom we trust: the server's chain, bounded and checked, and its key where it is pinned.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::{ParsedCertificate, VerifierBuilderError};
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};

use super::fault::{Presented, pin_of};
use super::pem::Crls;
use super::x509;
use crate::config::{Host, Pin};
use crate::error::CertificateFault;
use crate::limits;
use crate::upstream::connect::{self, TlsVersion, Validity};

/// Whom one epoch trusts, ready to verify with.
#[derive(Debug, Clone)]
pub struct Trust(Arc<Terms>);

/// What a server must fulfil.
#[derive(Debug)]
struct Terms {
    /// `None`: the server's key must be a pinned one, and no chain vouches for it.
    chain: Option<Arc<WebPkiServerVerifier>>,
    /// Of the chain.
    roots: Arc<RootCertStore>,
    /// Of the chain.
    crls: Crls,
    /// Empty: a chain alone is enough.
    pins: Vec<Pin>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Trust {
    /// Trust in `roots`, less what `crls` take back; the server's key must be one of `pins`, if
    /// there are any.
    ///
    /// # Errors
    /// When there are no roots, or a revocation list is of no use.
    pub fn in_roots(
        roots: Arc<RootCertStore>,
        crls: Crls,
        pins: Vec<Pin>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, VerifierBuilderError> {
        let chain =
            WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(provider))
                .with_crls(crls.iter().map(|crl| crl.der.clone()))
                .enforce_revocation_expiration()
                .build()?;
        Ok(Self(Arc::new(Terms {
            chain: Some(chain),
            roots,
            crls,
            pins,
            algorithms: provider.signature_verification_algorithms,
        })))
    }

    /// Trust in servers that have the key of one of `pins`, whoever certified it.
    pub fn in_pins(pins: Vec<Pin>, provider: &CryptoProvider) -> Self {
        Self(Arc::new(Terms {
            chain: None,
            roots: Arc::new(RootCertStore::empty()),
            crls: Crls::default(),
            pins,
            algorithms: provider.signature_verification_algorithms,
        }))
    }

    /// A verifier; `name` is verified in place of the name that TLS was given.
    pub fn verifier(&self, name: Option<&Host>) -> Arc<dyn ServerCertVerifier> {
        let name = name.and_then(|name| match name {
            Host::Ip(address) => Some(ServerName::from(*address)),
            Host::Name(name) => ServerName::try_from(name.clone()).ok(),
        });
        Arc::new(Verifier {
            terms: Arc::clone(&self.0),
            name,
        })
    }
}

/// Why a server is not trusted: for people, and for the alert that it gets.
fn untrusted(fault: CertificateFault, error: CertificateError) -> Error {
    connect::note(|facts| facts.fault = Some(fault));
    Error::InvalidCertificate(error)
}

impl Terms {
    fn judge(&self, presented: &Presented<'_>, ocsp: &[u8]) -> Result<(), Error> {
        within_size(presented)?;
        match &self.chain {
            Some(chain) => {
                self.vouched_for(chain, presented, ocsp)?;
                match self.pins.is_empty() {
                    true => Ok(()),
                    false => self.pinned(presented).map(drop),
                }
            }
            None => {
                let certificate = self.pinned(presented)?;
                within_dates(presented)?;
                verify_server_name(&certificate, presented.name)
                    .map_err(|error| self.explain(error, presented))
            }
        }
    }

    fn vouched_for(
        &self,
        chain: &WebPkiServerVerifier,
        presented: &Presented<'_>,
        ocsp: &[u8],
    ) -> Result<(), Error> {
        let Presented {
            end_entity,
            intermediates,
            name,
            now,
        } = presented;
        match chain.verify_server_cert(end_entity, intermediates, name, ocsp, *now) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.explain(error, presented)),
        }
    }

    /// The server's certificate, if its key is a pinned one. Others that it sends with it say
    /// nothing: everybody has them.
    fn pinned<'a>(&self, presented: &Presented<'a>) -> Result<ParsedCertificate<'a>, Error> {
        let certificate = ParsedCertificate::try_from(presented.end_entity)
            .map_err(|error| self.explain(error, presented))?;
        let key = pin_of(&certificate.subject_public_key_info());
        if self.pins.contains(&key) {
            return Ok(certificate);
        }
        let presented = key.to_string();
        Err(untrusted(
            CertificateFault::NotPinned { presented },
            CertificateError::ApplicationVerificationFailure,
        ))
    }

    fn explain(&self, error: Error, presented: &Presented<'_>) -> Error {
        match error {
            Error::InvalidCertificate(why) => {
                untrusted(presented.fault(&why, &self.roots.roots, &self.crls), why)
            }
            Error::InvalidCertRevocationList(why) => untrusted(
                presented.crl_fault(&why, &self.crls),
                CertificateError::UnknownRevocationStatus,
            ),
            other => untrusted(
                CertificateFault::Unusable(other.to_string()),
                CertificateError::BadEncoding,
            ),
        }
    }
}

fn within_size(presented: &Presented<'_>) -> Result<(), Error> {
    let bytes = presented.certificates().map(|der| der.len()).sum();
    let limit = limits::CHAIN_MAX;
    if bytes <= limit {
        return Ok(());
    }
    Err(untrusted(
        CertificateFault::ChainTooLarge { bytes, limit },
        CertificateError::Other(OtherError(Arc::new(ChainTooLarge))),
    ))
}

/// The dates of a certificate that no chain vouches for. rustls reads dates only along a chain;
/// who has the pinned key could write others, so that nothing but a mistake is found here.
fn within_dates(presented: &Presented<'_>) -> Result<(), Error> {
    let Ok((not_before, not_after)) = x509::validity(presented.end_entity) else {
        let why = String::from("its dates cannot be read");
        let error = CertificateError::BadEncoding;
        return Err(untrusted(CertificateFault::Unusable(why), error));
    };
    let now = presented.now();
    if now < not_before {
        let fault = CertificateFault::NotYetValid {
            not_before: x509::utc(not_before),
            now: x509::utc(now),
        };
        return Err(untrusted(fault, CertificateError::NotValidYet));
    }
    if now > not_after {
        let fault = CertificateFault::Expired {
            not_after: x509::utc(not_after),
            now: x509::utc(now),
        };
        return Err(untrusted(fault, CertificateError::Expired));
    }
    Ok(())
}

#[derive(Debug)]
struct Verifier {
    terms: Arc<Terms>,
    name: Option<ServerName<'static>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let presented = Presented {
            end_entity,
            intermediates,
            name: self.name.as_ref().unwrap_or(server_name),
            now,
        };
        note_chain(&presented);
        self.terms.judge(&presented, ocsp_response)?;
        note_validity(&presented, &self.terms.crls);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        connect::note(|facts| facts.version = Some(TlsVersion::Tls12));
        verify_tls12_signature(message, certificate, signed, &self.terms.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        connect::note(|facts| facts.version = Some(TlsVersion::Tls13));
        verify_tls13_signature(message, certificate, signed, &self.terms.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.terms.algorithms.supported_schemes()
    }
}

/// For a probe, what the server presents, trusted or not.
fn note_chain(presented: &Presented<'_>) {
    connect::note(|facts| {
        if let Some(details) = &mut facts.details {
            details.chain = presented.certificates().map(|der| der.to_vec()).collect();
        }
    });
}

/// Nothing that is verified here is believed for longer than the certificate, and the lists that
/// do not revoke it, say.
fn note_validity(presented: &Presented<'_>, crls: &Crls) {
    if let Ok((not_before, not_after)) = x509::validity(presented.end_entity) {
        let covered = presented.next_update(crls).unwrap_or(i64::MAX);
        let valid = Validity::new(not_before, not_after.min(covered));
        connect::note(|facts| facts.valid = valid);
    }
}

/// What rustls carries; people read [`CertificateFault::ChainTooLarge`].
#[derive(Debug)]
struct ChainTooLarge;

impl fmt::Display for ChainTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the chain is too large")
    }
}

impl std::error::Error for ChainTooLarge {}
