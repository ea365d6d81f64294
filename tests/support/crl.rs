//! Revocation lists, made at run time.

use std::time::{Duration, SystemTime};

use rcgen::{
    CertificateRevocationList, CertificateRevocationListParams, KeyIdMethod, RevocationReason,
    RevokedCertParams, SerialNumber,
};
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::certs::{Ca, Leaf};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What a revocation list is to be.
#[derive(Debug, Clone)]
pub struct Crl {
    revoked: Vec<RevokedCertParams>,
    this_update: SystemTime,
    next_update: SystemTime,
}

impl Default for Crl {
    /// One that revokes nothing and holds from yesterday until tomorrow.
    fn default() -> Self {
        let now = SystemTime::now();
        Self {
            revoked: Vec::new(),
            this_update: now - DAY,
            next_update: now + DAY,
        }
    }
}

impl Crl {
    /// With this certificate.
    pub fn revoke(self, certificate: &CertificateDer<'_>) -> Self {
        self.entry(&serial(certificate), None)
    }

    /// With the first certificate of this chain.
    pub fn revoke_leaf(self, leaf: &Leaf) -> Self {
        self.revoke(&leaf.chain()[0])
    }

    /// With this certificate, since its key is no secret any more.
    pub fn revoke_for_key(self, certificate: &CertificateDer<'_>) -> Self {
        let why = RevocationReason::KeyCompromise;
        self.entry(&serial(certificate), Some(why))
    }

    /// With certificates of these serial numbers.
    pub fn revoke_serials(self, serials: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let entry = |crl: Self, serial: Vec<u8>| crl.entry(&serial, None);
        serials.into_iter().fold(self, entry)
    }

    fn entry(mut self, serial: &[u8], why: Option<RevocationReason>) -> Self {
        self.revoked.push(RevokedCertParams {
            serial_number: SerialNumber::from_slice(serial),
            revocation_time: self.this_update.into(),
            reason_code: why,
            invalidity_date: None,
        });
        self
    }

    /// Made so long ago.
    pub fn made_ago(self, ago: Duration) -> Self {
        Self {
            this_update: SystemTime::now() - ago,
            ..self
        }
    }

    /// It holds for so long from now.
    pub fn expires_in(self, left: Duration) -> Self {
        Self {
            next_update: SystemTime::now() + left,
            ..self
        }
    }

    /// It held until yesterday.
    pub fn expired(self) -> Self {
        let now = SystemTime::now();
        Self {
            this_update: now - 7 * DAY,
            next_update: now - DAY,
            ..self
        }
    }

    /// Signed by this authority.
    pub fn of(self, ca: &Ca) -> CertificateRevocationList {
        let params = CertificateRevocationListParams {
            this_update: self.this_update.into(),
            next_update: self.next_update.into(),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: self.revoked,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(ca.issuer()).expect("a revocation list")
    }

    /// The same, PEM.
    pub fn pem_of(self, ca: &Ca) -> String {
        self.of(ca).pem().expect("PEM")
    }
}

/// A certificate's serial number as it stands there.
pub fn serial(certificate: &CertificateDer<'_>) -> Vec<u8> {
    let (_, certificate) = X509Certificate::from_der(certificate).expect("a certificate");
    certificate.raw_serial().to_vec()
}
