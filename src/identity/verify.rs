//! Whom we trust: the server's chain, bounded and checked; and why it failed, for people.

use std::fmt;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::VerifierBuilderError;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};

use super::x509;
use crate::config::Host;
use crate::error::CertificateFault;
use crate::limits;
use crate::upstream::connect::{self, TlsVersion};

/// The roots of one epoch, ready to verify with.
#[derive(Debug, Clone)]
pub struct Trust(Arc<WebPkiServerVerifier>);

impl Trust {
    /// Trust in `roots`.
    ///
    /// # Errors
    /// When there are no roots.
    pub fn new(
        roots: Arc<RootCertStore>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, VerifierBuilderError> {
        WebPkiServerVerifier::builder_with_provider(roots, provider)
            .build()
            .map(Self)
    }

    /// A verifier; `name` is verified in place of the name that TLS was given.
    pub fn verifier(&self, name: Option<&Host>) -> Arc<dyn ServerCertVerifier> {
        let name = name.and_then(|name| match name {
            Host::Ip(address) => Some(ServerName::from(*address)),
            Host::Name(name) => ServerName::try_from(name.clone()).ok(),
        });
        Arc::new(Verifier {
            chain: Arc::clone(&self.0),
            name,
        })
    }
}

#[derive(Debug)]
struct Verifier {
    chain: Arc<WebPkiServerVerifier>,
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
        note_chain(end_entity, intermediates);
        let bytes = end_entity.len() + intermediates.iter().map(|der| der.len()).sum::<usize>();
        if bytes > limits::CHAIN_MAX {
            let limit = limits::CHAIN_MAX;
            let fault = CertificateFault::ChainTooLarge { bytes, limit };
            let error = CertificateError::Other(OtherError(Arc::new(ChainTooLarge)));
            return Err(explained(fault, error));
        }
        let name = self.name.as_ref().unwrap_or(server_name);
        self.chain
            .verify_server_cert(end_entity, intermediates, name, ocsp_response, now)
            .map_err(|error| match error {
                Error::InvalidCertificate(why) => {
                    explained(fault(&why, end_entity, intermediates, name, now), why)
                }
                other => other,
            })
            .inspect(|_| note_end(end_entity))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        connect::note(|facts| facts.version = Some(TlsVersion::Tls12));
        self.chain
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        connect::note(|facts| facts.version = Some(TlsVersion::Tls13));
        self.chain
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// Nothing that is verified here is believed for longer than the certificate says.
fn note_end(end_entity: &CertificateDer<'_>) {
    if let Ok(not_after) = x509::not_after(end_entity) {
        connect::note(|facts| facts.not_after = not_after);
    }
}

/// For a probe, what the server presents, trusted or not.
fn note_chain(end_entity: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>]) {
    connect::note(|facts| {
        if let Some(details) = &mut facts.details {
            let all = std::iter::once(end_entity).chain(intermediates);
            details.chain = all.map(|der| der.to_vec()).collect();
        }
    });
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

fn explained(fault: CertificateFault, error: CertificateError) -> Error {
    connect::note(|facts| facts.fault = Some(fault));
    Error::InvalidCertificate(error)
}

fn fault(
    error: &CertificateError,
    end_entity: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    name: &ServerName<'_>,
    now: UnixTime,
) -> CertificateFault {
    match error {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            CertificateFault::WrongName {
                expected: name.to_str().into_owned(),
                presented: x509::summarize(end_entity).map_or(Vec::new(), |leaf| leaf.sans),
            }
        }
        CertificateError::UnknownIssuer => CertificateFault::UnknownIssuer {
            issuer: last_issuer(end_entity, intermediates),
        },
        CertificateError::BadSignature => CertificateFault::BadSignature {
            issuer: last_issuer(end_entity, intermediates),
        },
        CertificateError::ExpiredContext { time, not_after } => CertificateFault::Expired {
            not_after: text(*not_after),
            now: text(*time),
        },
        CertificateError::NotValidYetContext { time, not_before } => {
            CertificateFault::NotYetValid {
                not_before: text(*not_before),
                now: text(*time),
            }
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            CertificateFault::WrongPurpose
        }
        // webpki's error is not reachable by type here.
        CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            CertificateFault::SelfSigned
        }
        CertificateError::Expired => CertificateFault::Expired {
            not_after: String::from("its end date"),
            now: text(now),
        },
        other => CertificateFault::Unusable(other.to_string()),
    }
}

/// The issuer that no root and no certificate of the chain is.
fn last_issuer(end_entity: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>]) -> String {
    let mut current = end_entity.as_ref();
    // Each certificate leads one step up; a chain that goes in circles ends with its length.
    for _ in intermediates {
        let Ok(wanted) = x509::issuer(current) else {
            break;
        };
        let next = intermediates
            .iter()
            .find(|der| der.as_ref() != current && x509::subject(der) == Ok(wanted));
        match next {
            Some(der) => current = der,
            None => break,
        }
    }
    match x509::issuer(current) {
        Ok(issuer) => x509::name(issuer),
        Err(_) => String::from("of a certificate that cannot be read"),
    }
}

fn text(time: UnixTime) -> String {
    x509::utc(i64::try_from(time.as_secs()).unwrap_or(i64::MAX))
}
