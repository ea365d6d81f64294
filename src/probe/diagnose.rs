//! From what happened to what is wrong. Where one connection leaves it open, another one is made
//! that differs in the one thing that matters.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::attempt::{Answer, Attempt};
use super::diagnosis::{Diagnosis, Refusal, WithoutSni};
use super::target::{Known, Target};
use crate::error::{Alert, Cause, CertificateFault, Failure, Phase, TlsFault};
use crate::identity::{pin_of, x509};
use crate::upstream::Upstream;
use crate::upstream::connect::{self, Dialer, OurCertificate};

/// What nginx answers, with 400, where a client certificate is wanted and there is none.
const NGINX_NO_CERTIFICATE: &[u8] = b"No required SSL certificate was sent";
/// What nginx answers, with 400, where a client certificate does not verify.
const NGINX_BAD_CERTIFICATE: &[u8] = b"The SSL certificate error";

/// Looks for what is wrong with one upstream.
pub(super) struct Physician<'a> {
    pub(super) target: &'a Target,
    pub(super) known: &'a Known,
    pub(super) dialer: &'a Dialer,
    pub(super) attempt: &'a Attempt,
}

impl Physician<'_> {
    /// What is wrong; `None`: all is good.
    pub(super) async fn diagnose(&self) -> Option<Diagnosis> {
        match (&self.attempt.failure, &self.attempt.answer) {
            (Some(cause), _) => Some(self.of_failure(cause).await),
            (None, Some(answer)) => self.of_answer(answer).await,
            (None, None) => None,
        }
    }

    async fn of_failure(&self, cause: &Cause) -> Diagnosis {
        match cause {
            Cause::Dns(why) => Diagnosis::NameNotFound(why.clone()),
            Cause::DnsTimeout => Diagnosis::DnsSilent,
            Cause::ConnectRefused(address) => Diagnosis::Refused(address.clone()),
            Cause::Unroutable(why) => Diagnosis::Unroutable(why.clone()),
            Cause::ConnectFailed(why) => {
                Diagnosis::Unroutable(format!("{why}; check host, port and firewalls"))
            }
            Cause::ConnectTimeout(Phase::Tcp) => Diagnosis::Blackholed(self.target.upstream.port),
            Cause::ConnectTimeout(Phase::Tls) => Diagnosis::StallsInHandshake,
            Cause::Certificate(fault) => self.of_certificate(fault).await,
            Cause::Alert(alert) => self.of_alert(*alert),
            Cause::Tls(fault) => self.of_tls(fault).await,
            Cause::CertificateRefused(alert) => self.refused(Refusal::Alert(*alert)),
            Cause::ClosedAfterCertificate => self.refused(Refusal::Closed),
            Cause::CertificateMissing(alert) => self.missing(Refusal::Alert(*alert)),
            Cause::ClosedWithoutCertificate => self.missing(Refusal::Closed),
            Cause::ResponseTimeout(_) | Cause::WriteTimeout(_) => Diagnosis::NoAnswer,
            Cause::Terminated | Cause::Incomplete => Diagnosis::ClosedBeforeAnswer,
            Cause::BadResponse(violation) => Diagnosis::NotHttp(violation.to_string()),
            Cause::ClockNotSet => Diagnosis::ClockNotSet,
            other => Diagnosis::Other(Failure::from(other.clone()).to_string()),
        }
    }

    async fn of_answer(&self, answer: &Answer) -> Option<Diagnosis> {
        let holds = |text: &[u8]| answer.body.windows(text.len()).any(|part| part == text);
        let how = Refusal::Status(answer.status);
        let asked = self.attempt.facts.certificate;
        match answer.status {
            400 if holds(NGINX_NO_CERTIFICATE) => Some(self.missing(how)),
            400 if holds(NGINX_BAD_CERTIFICATE) => Some(self.refused(how)),
            _ if self.known.certificate().is_some() && asked == OurCertificate::NotAsked => {
                Some(Diagnosis::NotAsked {
                    identity: self.target.identity.name.clone(),
                    without_sni: self.without_sni().await,
                })
            }
            421 => Some(Diagnosis::Misdirected {
                sent: self.target.sni(),
                host: self.target.host.clone(),
            }),
            403 => Some(self.unnamed(how).unwrap_or(Diagnosis::Forbidden {
                sent_as: (asked == OurCertificate::Sent).then(|| self.target.identity.name.clone()),
                path: self.target.path().to_owned(),
            })),
            _ => None,
        }
    }

    fn of_alert(&self, alert: Alert) -> Diagnosis {
        let said = format!("TLS alert {}", alert.name);
        match alert.name {
            "unrecognized_name" => Diagnosis::UnknownHost {
                sent: self.target.sni(),
            },
            "no_application_protocol" => self.alpn(said),
            "protocol_version" | "insufficient_security" => self.nothing_in_common(said),
            // Before the server has said anything of itself it is about what we offer.
            "handshake_failure" if self.chain().is_empty() => self.nothing_in_common(said),
            _ => Diagnosis::Other(format!(
                "the server ended the TLS handshake ({said}); read the server's log for why"
            )),
        }
    }

    async fn of_tls(&self, fault: &TlsFault) -> Diagnosis {
        match fault {
            TlsFault::NotTls | TlsFault::ClosedInHandshake if self.speaks_plain_http().await => {
                Diagnosis::PlainHttp
            }
            TlsFault::NotTls => Diagnosis::NotTls,
            TlsFault::ClosedInHandshake => Diagnosis::ClosesInHandshake,
            TlsFault::Http2 => self.alpn(String::from("it chose h2, which is not spoken here")),
            TlsFault::UnofferedProtocol(_) => self.alpn(String::from("it chose another")),
            TlsFault::Incompatible(why) => self.nothing_in_common(why.clone()),
            TlsFault::Other(why) => {
                Diagnosis::Other(format!("TLS failed: {why}; read the server's log for why"))
            }
        }
    }

    async fn of_certificate(&self, fault: &CertificateFault) -> Diagnosis {
        let roots = self.target.roots();
        match (fault.clone(), self.self_signed_pin()) {
            (CertificateFault::UnknownIssuer { .. }, Some(pin))
            | (CertificateFault::SelfSigned { pin, .. }, _) => Diagnosis::SelfSigned { pin },
            (other, _) => self.of_other(other, roots).await,
        }
    }

    async fn of_other(&self, fault: CertificateFault, roots: String) -> Diagnosis {
        match fault {
            CertificateFault::UnknownIssuer { issuer } => match self.lacks_intermediate() {
                true => Diagnosis::MissingIntermediate { issuer, roots },
                false => Diagnosis::UnknownIssuer { issuer, roots },
            },
            CertificateFault::BadSignature { issuer } => Diagnosis::OtherKey { issuer, roots },
            CertificateFault::WrongName {
                expected,
                presented,
            } => match self.other_sni().await {
                Some(better) => Diagnosis::OtherHost {
                    sent: self.target.sni(),
                    better,
                },
                None => Diagnosis::WrongName {
                    expected,
                    names: presented,
                },
            },
            CertificateFault::NotPinned { presented } => Diagnosis::NotPinned { pin: presented },
            CertificateFault::Revoked { .. } => Diagnosis::Revoked(fault.to_string()),
            CertificateFault::Expired { not_after, now } => Diagnosis::Expired { not_after, now },
            CertificateFault::NotYetValid { not_before, now } => {
                Diagnosis::NotYetValid { not_before, now }
            }
            other => Diagnosis::Untrusted(other.to_string()),
        }
    }

    fn nothing_in_common(&self, said: String) -> Diagnosis {
        Diagnosis::NothingInCommon {
            said,
            versions: self.target.identity.versions,
        }
    }

    fn alpn(&self, said: String) -> Diagnosis {
        Diagnosis::Alpn {
            offered: self.target.identity.alpn.clone(),
            said,
        }
    }

    /// The server got our certificate and does not like it.
    fn refused(&self, how: Refusal) -> Diagnosis {
        self.unnamed(how)
            .unwrap_or_else(|| Diagnosis::CertificateRefused {
                identity: self.target.identity.name.clone(),
                issuer: self.issuer(),
                how,
            })
    }

    /// The server got no certificate and wants one.
    fn missing(&self, how: Refusal) -> Diagnosis {
        match self.known.certificate() {
            Some(ours) => Diagnosis::KindNotTaken {
                key: ours.key.clone(),
                how,
            },
            None => Diagnosis::CertificateRequired {
                identity: self.target.identity.name.clone(),
                how,
            },
        }
    }

    /// A refusal that follows from the authorities that the server named.
    fn unnamed(&self, how: Refusal) -> Option<Diagnosis> {
        let named = &self.attempt.facts.details.as_deref()?.authorities;
        (self.known.is_named(named) == Some(false)).then(|| Diagnosis::IssuerNotNamed {
            issuer: self.issuer(),
            named: named.iter().map(|name| x509::name(name)).collect(),
            how,
        })
    }

    fn issuer(&self) -> String {
        let ours = self.known.certificate();
        ours.map_or(String::new(), |ours| ours.issuer.clone())
    }

    fn chain(&self) -> &[Vec<u8>] {
        let details = self.attempt.facts.details.as_deref();
        details.map_or(&[], |details| &details.chain)
    }

    /// The pin of a server's certificate that is its own issuer.
    fn self_signed_pin(&self) -> Option<String> {
        let leaf = self.chain().first()?;
        let is_own_issuer = x509::summarize(leaf).is_ok_and(|leaf| leaf.self_issued);
        let key = x509::spki(leaf).ok().filter(|_| is_own_issuer)?;
        Some(pin_of(key).to_string())
    }

    /// Whether what lacks is probably the server's to send: the last certificate is of somebody of
    /// the same organisation as a root, or the only one says where that of its issuer is to be had.
    fn lacks_intermediate(&self) -> bool {
        let [.., last] = self.chain() else {
            return false;
        };
        let (Ok(issuer), Ok(subject)) = (x509::issuer(last), x509::subject(last)) else {
            return false;
        };
        let theirs = x509::organisation(issuer);
        let is_same = |root: Vec<u8>| theirs.is_some() && x509::organisation(&root) == theirs;
        let is_alone = self.chain().len() == 1;
        issuer != subject
            && (is_alone && x509::says_where_its_issuer_is(last) || self.known.roots().any(is_same))
    }

    /// An SNI other than the one sent that brings the right certificate; `Some(None)`: none at all.
    async fn other_sni(&self) -> Option<Option<String>> {
        let sent = self.target.sni();
        let upstream = &self.target.upstream;
        let hosts = [upstream.host.name(), upstream.verify.name()];
        let names = hosts
            .into_iter()
            .flatten()
            .map(|name| Some(name.to_owned()));
        let mut tried = vec![sent];
        for name in names.chain([None]) {
            if tried.contains(&name) {
                continue;
            }
            if self.with_sni(name.clone()).await.succeeded() {
                return Some(name);
            }
            tried.push(name);
        }
        None
    }

    /// The same connection with another SNI; the same name is verified.
    async fn with_sni(&self, sni: Option<String>) -> Attempt {
        let sends_sni = sni.is_some();
        let upstream = Upstream {
            sni,
            ..self.target.upstream.clone()
        };
        Attempt::apart(&upstream, sends_sni, self.known, self.dialer).await
    }

    async fn without_sni(&self) -> WithoutSni {
        if self.target.sni().is_none() {
            return WithoutSni::Unknown;
        }
        let attempt = self.with_sni(None).await;
        match (attempt.facts.certificate, attempt.shook_hands()) {
            (OurCertificate::Sent | OurCertificate::NotSent, _) => WithoutSni::Asks,
            (OurCertificate::NotAsked, true) => WithoutSni::DoesNotAsk,
            (OurCertificate::NotAsked, false) => WithoutSni::Unknown,
        }
    }

    /// Asks in the clear, and sends nothing of the identity.
    async fn speaks_plain_http(&self) -> bool {
        let upstream = &self.target.upstream;
        let open = connect::open_plain(&upstream.host, upstream.port, self.dialer);
        let Ok(mut stream) = open.await else {
            return false;
        };
        let host = &self.target.host;
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let mut start = [0; 5];
        let exchange = async {
            stream.write_all(request.as_bytes()).await?;
            stream.read_exact(&mut start).await
        };
        let answered = timeout(self.dialer.connect_timeout, exchange).await;
        matches!(answered, Ok(Ok(_))) && &start == b"HTTP/"
    }
}
