//! What can be wrong between us and a server: a name for programs, and a sentence for people that
//! ends with what to change.

use std::fmt;

use crate::config::TlsVersions;
use crate::error::{Alert, Cause, Failure};

/// Names that a sentence lists.
const NAMES_SHOWN: usize = 5;

/// What is wrong. One thing is said of an upstream: what stands first in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Diagnosis {
    /// DNS has no address; its words, which say what to do.
    NameNotFound(String),
    /// DNS did not answer in time.
    DnsSilent,
    /// Nothing listens at this address.
    Refused(String),
    /// No way to the address; the system's words, which say what to do.
    Unroutable(String),
    /// Packets to this port vanish.
    Blackholed(u16),
    /// The port speaks HTTP without TLS.
    PlainHttp,
    /// The port speaks something else.
    NotTls,
    /// The server closes in the handshake, without a word.
    ClosesInHandshake,
    /// The server says nothing, or not all, in the handshake.
    StallsInHandshake,
    /// No version or no cipher in common.
    NothingInCommon {
        /// What the server or the library said.
        said: String,
        /// What `tls=` allows.
        versions: TlsVersions,
    },
    /// No protocol in common.
    Alpn {
        /// What `alpn=` offers.
        offered: Option<String>,
        /// What the server did.
        said: String,
    },
    /// No root leads to the server's certificate.
    UnknownIssuer {
        /// The issuer that lacks.
        issuer: String,
        /// The roots in use.
        roots: String,
    },
    /// A root has the issuer's name and another key.
    OtherKey {
        /// The issuer.
        issuer: String,
        /// The roots in use.
        roots: String,
    },
    /// The server leaves out a certificate between its own and a root.
    MissingIntermediate {
        /// Whose certificate lacks.
        issuer: String,
        /// The roots in use.
        roots: String,
    },
    /// The server's certificate is its own issuer.
    SelfSigned {
        /// `sha256/…` of its key.
        pin: String,
    },
    /// The server's key is none of the pinned ones.
    NotPinned {
        /// `sha256/…` of its key.
        pin: String,
    },
    /// The server's certificate, or one above it, is revoked; which, since when, and what to do.
    Revoked(String),
    /// The server's certificate is for other names.
    WrongName {
        /// The name that was verified.
        expected: String,
        /// The names it is for, as openssl shows them.
        names: Vec<String>,
    },
    /// The server's certificate is over.
    Expired {
        /// Its last moment.
        not_after: String,
        /// Our clock.
        now: String,
    },
    /// The server's certificate is still to come.
    NotYetValid {
        /// Its first moment.
        not_before: String,
        /// Our clock.
        now: String,
    },
    /// The server's certificate cannot be trusted for another reason; which, and what to do.
    Untrusted(String),
    /// Another SNI brings another virtual host, whose certificate is right.
    OtherHost {
        /// What was sent.
        sent: Option<String>,
        /// What would be right.
        better: Option<String>,
    },
    /// The server knows no virtual host of the name that was sent.
    UnknownHost {
        /// What was sent.
        sent: Option<String>,
    },
    /// 421: to the application SNI and Host are two things.
    Misdirected {
        /// What was sent as SNI.
        sent: Option<String>,
        /// What was sent as Host.
        host: String,
    },
    /// There is a certificate, and the server did not ask for it.
    NotAsked {
        /// Whose.
        identity: String,
        /// What it does without SNI.
        without_sni: WithoutSni,
    },
    /// The server wants a certificate and the identity has none.
    CertificateRequired {
        /// Which one.
        identity: String,
        /// What the server did.
        how: Refusal,
    },
    /// The server wants a certificate, and takes none of the kind of ours.
    KindNotTaken {
        /// The kind of our key.
        key: String,
        /// What the server did.
        how: Refusal,
    },
    /// The server named the authorities it takes, and ours is not among them.
    IssuerNotNamed {
        /// Who issued ours.
        issuer: String,
        /// Whom it takes.
        named: Vec<String>,
        /// What the server did.
        how: Refusal,
    },
    /// The server refused our certificate.
    CertificateRefused {
        /// Whose.
        identity: String,
        /// Who issued it.
        issuer: String,
        /// What the server did.
        how: Refusal,
    },
    /// TLS is well, and the application says 403.
    Forbidden {
        /// Whose certificate was sent, if one was.
        sent_as: Option<String>,
        /// What was asked for.
        path: String,
    },
    /// The request got no answer in time.
    NoAnswer,
    /// The connection ended before the answer.
    ClosedBeforeAnswer,
    /// The answer is not HTTP; what is wrong with it.
    NotHttp(String),
    /// The first connection is good, and the next one is not; what was wrong with it.
    SecondFailed(String),
    /// Our clock cannot be right.
    ClockNotSet,
    /// Anything else; what it was, and what to do.
    Other(String),
}

/// What a server that asked for no certificate does without SNI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithoutSni {
    /// It asks.
    Asks,
    /// It does not ask either.
    DoesNotAsk,
    /// Nobody knows: none was sent in the first place, or the connection fails.
    Unknown,
}

/// How a server refused a certificate, or the lack of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// By an alert.
    Alert(Alert),
    /// By ending the connection.
    Closed,
    /// By an answer of this status.
    Status(u16),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alert(alert) => write!(f, "TLS alert {}", alert.name),
            Self::Closed => f.write_str("it closed the connection"),
            Self::Status(status) => write!(f, "it answered {status}"),
        }
    }
}

impl Refusal {
    /// What to change about a certificate, issued by `issuer`, that was refused this way.
    fn remedy(self, issuer: &str) -> String {
        let Self::Alert(alert) = self else {
            return format!(
                "have the server trust {issuer:?} and admit this certificate, or use another; its log says why"
            );
        };
        match alert.name {
            "unknown_ca" => {
                return format!(
                    "have the server trust {issuer:?}, or use a certificate of a CA that it trusts"
                );
            }
            "bad_certificate" => {
                "compare cert= with what was issued, or have a new certificate issued"
            }
            "unsupported_certificate" => {
                "have one issued that is for TLS clients (extendedKeyUsage clientAuth)"
            }
            "certificate_expired" => {
                "have a new certificate issued, or the server's clock set right"
            }
            "certificate_revoked" => "have a new certificate issued",
            "certificate_unknown" | "access_denied" => "have the server admit this certificate",
            _ => "read the server's log for why, and have it admit this certificate or use another",
        }
        .to_owned()
    }
}

impl Diagnosis {
    /// The second connection failed this way.
    pub fn second_failed(cause: Cause) -> Self {
        Self::SecondFailed(Failure::from(cause).to_string())
    }

    /// A name for programs that never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NameNotFound(_) => "name_not_found",
            Self::DnsSilent => "dns_silent",
            Self::Refused(_) => "refused",
            Self::Unroutable(_) => "unroutable",
            Self::Blackholed(_) => "blackholed",
            Self::PlainHttp => "plain_http",
            Self::NotTls => "not_tls",
            Self::ClosesInHandshake => "closes_in_handshake",
            Self::StallsInHandshake => "stalls_in_handshake",
            Self::NothingInCommon { .. } => "nothing_in_common",
            Self::Alpn { .. } => "alpn",
            Self::UnknownIssuer { .. } => "unknown_issuer",
            Self::OtherKey { .. } => "issuer_has_other_key",
            Self::MissingIntermediate { .. } => "missing_intermediate",
            Self::SelfSigned { .. } => "self_signed",
            Self::NotPinned { .. } => "not_pinned",
            Self::Revoked(_) => "revoked",
            Self::WrongName { .. } => "wrong_name",
            Self::Expired { .. } => "expired",
            Self::NotYetValid { .. } => "not_yet_valid",
            Self::Untrusted(_) => "untrusted",
            Self::OtherHost { .. } => "other_virtual_host",
            Self::UnknownHost { .. } => "unknown_virtual_host",
            Self::Misdirected { .. } => "misdirected",
            Self::NotAsked { .. } => "certificate_not_asked_for",
            Self::CertificateRequired { .. } => "certificate_required",
            Self::KindNotTaken { .. } => "certificate_kind_not_taken",
            Self::IssuerNotNamed { .. } => "issuer_not_named",
            Self::CertificateRefused { .. } => "certificate_refused",
            Self::Forbidden { .. } => "forbidden",
            Self::NoAnswer => "no_answer",
            Self::ClosedBeforeAnswer => "closed_before_answer",
            Self::NotHttp(_) => "not_http",
            Self::SecondFailed(_) => "second_connection_failed",
            Self::ClockNotSet => "clock_not_set",
            Self::Other(_) => "other",
        }
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameNotFound(why) => write!(f, "the name was not found: {why}"),
            Self::DnsSilent => f.write_str("DNS did not answer in time; check the device's name servers in /etc/resolv.conf"),
            Self::Refused(address) => write!(f, "{address} refuses connections: nothing listens there, or a firewall says no; start the server, or correct host and port"),
            Self::Unroutable(why) | Self::Other(why) => f.write_str(why),
            Self::Blackholed(port) => write!(f, "no TCP connection in time: packets vanish; let TCP port {port} through the firewall, or correct host and port"),
            Self::PlainHttp => f.write_str("the port speaks plain HTTP, not TLS; use the port on which the server speaks https, mostly 443 or 8443"),
            Self::NotTls => f.write_str("what listens there speaks neither TLS nor HTTP; correct the port"),
            Self::ClosesInHandshake => f.write_str("the server closes the connection in the TLS handshake without a word; correct the port if it speaks no TLS, else read the server's log for why"),
            Self::StallsInHandshake => f.write_str("TCP connects and the TLS handshake does not finish in time; correct the port if it speaks no TLS, else look for what drops large packets on the way (MTU), or raise --connect-timeout"),
            Self::NothingInCommon { said, versions } => {
                write!(f, "no TLS version or cipher in common ({said}; TLS {versions} was offered); ")?;
                f.write_str(match versions {
                    TlsVersions::Both => "have the server speak TLS 1.2 or 1.3 with ECDHE and AES-GCM or ChaCha20-Poly1305",
                    TlsVersions::Only12 | TlsVersions::Only13 => "take tls= off the identity, so that 1.2 and 1.3 are offered",
                })
            }
            Self::Alpn { offered: Some(offered), said } => write!(f, "the server does not take the ALPN protocol {offered:?} ({said}); set alpn= to the one that it wants, or to nothing to offer none"),
            Self::Alpn { offered: None, said } => write!(f, "the server wants an ALPN protocol and none was offered ({said}); set alpn= to the one that it wants"),
            Self::UnknownIssuer { issuer, roots } => write!(f, "none of {roots} leads to the issuer {issuer:?}; give that CA's certificate with ca= or --ca (or have the server send its intermediates)"),
            Self::OtherKey { issuer, roots } => write!(f, "one of {roots} is named {issuer:?}, and its key did not sign the server's certificate; give that CA's present certificate with ca="),
            Self::MissingIntermediate { issuer, roots } => write!(f, "the server leaves out the intermediate certificate {issuer:?}, without which none of {roots} is reached; have the server send its whole chain"),
            Self::SelfSigned { pin } => write!(f, "the server's certificate is self-signed; if it is the right server's, set ca=pin,pin={pin}"),
            Self::NotPinned { pin } => write!(f, "the server's key is none of those of pin=; if it is the right server's, add pin={pin}"),
            Self::Revoked(why) => write!(f, "the server presents a revoked certificate: {why}"),
            Self::WrongName { expected, names } => {
                write!(f, "the server's certificate is not for {expected:?} but for {}; ", listed(names))?;
                match names.iter().find_map(|name| usable_name(name)) {
                    Some(name) => write!(f, "use that name in the URL, or set verify={name}, or sni={name} to ask the server for it too"),
                    None => f.write_str("have one issued for that name, or correct it in the URL, verify= or sni="),
                }
            }
            Self::Expired { not_after, now } => write!(f, "the server's certificate expired at {not_after} and our clock says {now}; have it renewed, or set our clock right"),
            Self::NotYetValid { not_before, now } => write!(f, "the server's certificate is not valid before {not_before} and our clock says {now}; set our clock right (ntpd, chrony)"),
            Self::Untrusted(why) => write!(f, "the server's certificate is not trusted: {why}"),
            Self::OtherHost { sent, better } => {
                write!(f, "{} selects another virtual host, and {} the right one; ", sni(sent), sni(better))?;
                match better {
                    Some(better) => write!(f, "set sni={better}"),
                    None => f.write_str("have the server know the name, or correct it in the URL or sni="),
                }
            }
            Self::UnknownHost { sent } => write!(f, "the server has no virtual host for {} (TLS alert unrecognized_name); correct the name in the URL, or set sni= to one that it has", sni(sent)),
            Self::Misdirected { sent, host } => write!(f, "{} selects another virtual host than Host {host} (it answered 421); make sni= and host= the same name", sni(sent)),
            Self::NotAsked { identity, without_sni } => {
                write!(f, "the server asked for no certificate, and that of {identity:?} was not sent; ")?;
                f.write_str(match without_sni {
                    WithoutSni::Asks => "without SNI it asks: correct the name in the URL or sni=, or have it ask on this virtual host too",
                    WithoutSni::DoesNotAsk => "without SNI it does not ask either: have it ask for client certificates, or use identity=none",
                    WithoutSni::Unknown => "have it ask for client certificates, or use identity=none",
                })
            }
            Self::CertificateRequired { identity, how } => write!(f, "the server requires a client certificate and identity {identity:?} has none ({how}); use an identity with cert="),
            Self::KindNotTaken { key, how } => write!(f, "the server requires a client certificate and takes none with a key of our kind, {key} ({how}); have one issued for another kind of key (RSA, P-256, P-384 or Ed25519)"),
            Self::IssuerNotNamed { issuer, named, how } => write!(f, "our certificate is issued by {issuer:?}, and the server takes those of {} ({how}); use a certificate of one of these, or have the server trust our CA too", listed(named)),
            Self::CertificateRefused { identity, issuer, how } => write!(f, "the server refused our certificate {identity:?} ({how}); {}", how.remedy(issuer)),
            Self::Forbidden { sent_as: Some(identity), path } => write!(f, "TLS accepted our certificate {identity:?}, and the application answered 403 to GET {path}; have the application permit this identity, or probe a path that it permits"),
            Self::Forbidden { sent_as: None, path } => write!(f, "no certificate was sent, and the application answered 403 to GET {path}; use an identity that it permits, or probe a path that it permits"),
            Self::NoAnswer => f.write_str("the connection is good and the request got no answer in time; probe a path that answers, or raise --response-timeout"),
            Self::ClosedBeforeAnswer => f.write_str("the server closed the connection before it answered; read the server's log for why"),
            Self::NotHttp(why) => write!(f, "what the server answered is not proper HTTP/1.1 ({why}); correct the port, or have the server mended"),
            Self::SecondFailed(why) => write!(f, "the first connection is good and the next one failed ({why}); probe again, and if it stays so set sessions=0"),
            Self::ClockNotSet => f.write_str("our clock is not set, so that no certificate can be checked; set it (ntpd, chrony)"),
        }
    }
}

fn sni(name: &Option<String>) -> String {
    match name {
        Some(name) => format!("SNI {name}"),
        None => String::from("no SNI"),
    }
}

fn listed(names: &[String]) -> String {
    let (shown, more) = names.split_at(names.len().min(NAMES_SHOWN));
    match (shown, more) {
        ([], _) => String::from("no name at all"),
        (shown, []) => shown.join(", "),
        (shown, more) => format!("{} and {} more", shown.join(", "), more.len()),
    }
}

/// What of a certificate's names can stand in an option.
fn usable_name(name: &str) -> Option<&str> {
    let host = name.strip_prefix("DNS:")?;
    (!host.starts_with('*')).then_some(host)
}
