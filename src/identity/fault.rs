//! Why a server's certificate is not trusted, in terms that a person can act on. Nothing is
//! decided here: what the verifier found is looked for once more, to name it.

use std::iter;

use ring::digest::{SHA256, digest};
use rustls::pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use rustls::{CertRevocationListError, CertificateError};
use webpki::{BorrowedCertRevocationList, CertRevocationList, EndEntityCert, RevocationReason};

use super::pem::{Crl, Crls};
use super::x509;
use crate::config::Pin;
use crate::error::CertificateFault;

/// What a server presented, and what it was held against.
pub(super) struct Presented<'a> {
    /// Its own certificate.
    pub(super) end_entity: &'a CertificateDer<'a>,
    /// Those that it sent with it.
    pub(super) intermediates: &'a [CertificateDer<'a>],
    /// Who it should be.
    pub(super) name: &'a ServerName<'a>,
    /// When.
    pub(super) now: UnixTime,
}

/// The pin of a SubjectPublicKeyInfo, tag included.
pub fn pin_of(spki: &[u8]) -> Pin {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, spki).as_ref());
    Pin::new(hash)
}

impl<'a> Presented<'a> {
    /// Everything it sent, its own certificate first.
    pub(super) fn certificates(&self) -> impl Iterator<Item = &'a CertificateDer<'a>> {
        iter::once(self.end_entity).chain(self.intermediates)
    }

    /// Unix seconds.
    pub(super) fn now(&self) -> i64 {
        seconds(self.now)
    }

    /// When the first of the lists ends that tell of these certificates, in unix seconds.
    pub(super) fn next_update(&self, crls: &Crls) -> Option<i64> {
        self.lists(crls)
            .filter_map(|crl| crl.summary.next_update)
            .min()
    }

    /// What `error` means to a person, where a chain had to lead to `roots`.
    pub(super) fn fault(
        &self,
        error: &CertificateError,
        roots: &[TrustAnchor<'_>],
        crls: &Crls,
    ) -> CertificateFault {
        match error {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                self.wrong_name()
            }
            CertificateError::UnknownIssuer => CertificateFault::UnknownIssuer {
                issuer: self.last_issuer(),
            },
            CertificateError::BadSignature => CertificateFault::BadSignature {
                issuer: self.last_issuer(),
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
            CertificateError::Revoked => self.revoked(crls),
            CertificateError::UnknownRevocationStatus => self.uncovered(crls),
            CertificateError::ExpiredRevocationListContext { next_update, .. } => {
                self.expired_crl(*next_update, crls)
            }
            CertificateError::Other(other)
                if matches!(
                    other.0.downcast_ref(),
                    Some(webpki::Error::CaUsedAsEndEntity)
                ) =>
            {
                self.self_signed(roots)
            }
            CertificateError::Expired => CertificateFault::Expired {
                not_after: String::from("its end date"),
                now: text(self.now),
            },
            other => CertificateFault::Unusable(other.to_string()),
        }
    }

    /// What is wrong with the revocation list that a certificate was looked for in.
    pub(super) fn crl_fault(&self, why: &CertRevocationListError, crls: &Crls) -> CertificateFault {
        let mut issuers: Vec<String> = Vec::new();
        for crl in self.lists(crls) {
            if !issuers.contains(&crl.summary.issuer) {
                issuers.push(crl.summary.issuer.clone());
            }
        }
        CertificateFault::CrlUnusable {
            issuers,
            why: match why {
                CertRevocationListError::BadSignature => {
                    String::from("it was not signed with the key of that CA")
                }
                CertRevocationListError::IssuerInvalidForCrl => {
                    String::from("that CA may not make one, its keyUsage lacks cRLSign")
                }
                other => format!("{other:?}"),
            },
        }
    }

    fn wrong_name(&self) -> CertificateFault {
        CertificateFault::WrongName {
            expected: self.name.to_str().into_owned(),
            presented: x509::summarize(self.end_entity).map_or(Vec::new(), |leaf| leaf.sans),
        }
    }

    fn self_signed(&self, roots: &[TrustAnchor<'_>]) -> CertificateFault {
        let Ok(spki) = x509::spki(self.end_entity) else {
            return CertificateFault::Unusable(String::from("its key cannot be read"));
        };
        let key = x509::der::only(x509::der::SEQUENCE, spki);
        let is_its = |root: &TrustAnchor<'_>| Some(root.subject_public_key_info.as_ref()) == key;
        CertificateFault::SelfSigned {
            pin: pin_of(spki).to_string(),
            is_root: roots.iter().any(is_its),
        }
    }

    /// The server's certificate and the issuers that it sent, as far as one leads to the next.
    fn path(&self) -> Vec<&'a CertificateDer<'a>> {
        let mut path = vec![self.end_entity];
        let mut current = self.end_entity;
        // Each certificate leads one step up; a chain that goes in circles ends with its length.
        for _ in self.intermediates {
            let Ok(wanted) = x509::issuer(current) else {
                break;
            };
            let is_wanted = |der: &&CertificateDer<'_>| {
                der.as_ref() != current.as_ref() && x509::subject(der) == Ok(wanted)
            };
            let Some(next) = self.intermediates.iter().find(is_wanted) else {
                break;
            };
            path.push(next);
            current = next;
        }
        path
    }

    /// The issuer that no root and no certificate of the chain is.
    fn last_issuer(&self) -> String {
        let last = self.path().last().copied();
        issuer_name(last.unwrap_or(self.end_entity))
    }

    /// The first certificate on the way to a root that a list revokes.
    fn revoked(&self, crls: &Crls) -> CertificateFault {
        let found = self
            .path()
            .into_iter()
            .find_map(|der| crls.iter().find_map(|crl| revocation(der, crl)));
        found.unwrap_or_else(|| CertificateFault::Unusable(String::from("it is revoked")))
    }

    /// The first certificate on the way to a root that no list is about.
    fn uncovered(&self, crls: &Crls) -> CertificateFault {
        let lacks = |der: &&CertificateDer<'_>| !crls.iter().any(|crl| is_by_issuer_of(der, crl));
        let first = self.path().into_iter().find(|der| lacks(der));
        let der = first.unwrap_or(self.end_entity);
        CertificateFault::NoCrl {
            issuer: issuer_name(der),
            subject: subject_name(der),
        }
    }

    fn expired_crl(&self, next_update: UnixTime, crls: &Crls) -> CertificateFault {
        let until = Some(seconds(next_update));
        let issuer = self
            .lists(crls)
            .find(|crl| crl.summary.next_update == until)
            .map(|crl| crl.summary.issuer.clone());
        CertificateFault::CrlExpired {
            issuer: issuer.unwrap_or_else(|| self.last_issuer()),
            next_update: text(next_update),
            now: text(self.now),
        }
    }

    /// The lists of those who issued something on the way to a root.
    fn lists<'b>(&self, crls: &'b Crls) -> impl Iterator<Item = &'b Crl> {
        let path = self.path();
        crls.iter()
            .filter(move |crl| path.iter().any(|der| is_by_issuer_of(der, crl)))
    }
}

fn is_by_issuer_of(certificate: &CertificateDer<'_>, crl: &Crl) -> bool {
    let Ok(certificate) = EndEntityCert::try_from(certificate) else {
        return false;
    };
    opened(crl).is_some_and(|list| list.issuer() == certificate.issuer())
}

fn revocation(der: &CertificateDer<'_>, crl: &Crl) -> Option<CertificateFault> {
    let certificate = EndEntityCert::try_from(der).ok()?;
    let list = opened(crl).filter(|list| list.issuer() == certificate.issuer())?;
    let revoked = list.find_serial(certificate.serial()).ok().flatten()?;
    Some(CertificateFault::Revoked {
        subject: subject_name(der),
        serial: hexadecimal(certificate.serial()),
        issuer: crl.summary.issuer.clone(),
        when: text(revoked.revocation_date),
        why: revoked.reason_code.map(reason),
    })
}

fn opened(crl: &Crl) -> Option<CertRevocationList<'_>> {
    let list = BorrowedCertRevocationList::from_der(&crl.der).ok()?;
    Some(list.into())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// The name of a reason in RFC 5280 §5.3.1.
fn reason(code: RevocationReason) -> &'static str {
    match code {
        RevocationReason::Unspecified => "unspecified",
        RevocationReason::KeyCompromise => "keyCompromise",
        RevocationReason::CaCompromise => "cACompromise",
        RevocationReason::AffiliationChanged => "affiliationChanged",
        RevocationReason::Superseded => "superseded",
        RevocationReason::CessationOfOperation => "cessationOfOperation",
        RevocationReason::CertificateHold => "certificateHold",
        RevocationReason::RemoveFromCrl => "removeFromCRL",
        RevocationReason::PrivilegeWithdrawn => "privilegeWithdrawn",
        RevocationReason::AaCompromise => "aACompromise",
    }
}

fn issuer_name(der: &CertificateDer<'_>) -> String {
    named(x509::issuer(der))
}

fn subject_name(der: &CertificateDer<'_>) -> String {
    named(x509::subject(der))
}

fn named(name: Result<&[u8], x509::Malformed>) -> String {
    match name {
        Ok(name) => x509::name(name),
        Err(_) => String::from("of a certificate that cannot be read"),
    }
}

fn seconds(time: UnixTime) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

fn text(time: UnixTime) -> String {
    x509::utc(seconds(time))
}
