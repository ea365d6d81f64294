//! What is learnt of a connection while it is made, and who writes it down.

use std::cell::RefCell;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::{ClientConnection, HandshakeKind, ProtocolVersion};

use super::{Ending, Validity};
use crate::error::{Cause, CertificateFault};

/// What happened on the way to a connection, as far as it came.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// What became of our certificate. A resumed handshake does not ask for it: its owner knows
    /// what became of it in the full one.
    pub certificate: OurCertificate,
    /// When the server's certificate is valid, and the lists that do not revoke it. A resumed
    /// handshake does not see it, as above.
    pub valid: Validity,
    /// The session was resumed.
    pub resumed: bool,
    /// TLS version. Where a handshake failed it is known from the server's signature on.
    pub version: Option<TlsVersion>,
    /// Cipher suite, by its name in the registry.
    pub cipher: Option<&'static str>,
    /// Key exchange group, by its name in the registry.
    pub group: Option<&'static str>,
    /// ALPN protocol that the server chose.
    pub alpn: Option<Vec<u8>>,
    /// Why the server's certificate was not trusted.
    pub fault: Option<CertificateFault>,
    /// The address that answered.
    pub dialled: Option<SocketAddr>,
    /// How long each step took that came to its end.
    pub took: Took,
    /// What costs memory and only a probe looks at; `None`: it is not kept.
    pub details: Option<Box<Details>>,
}

/// How long the steps of a connection took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Took {
    /// From the name to addresses.
    pub resolve: Option<Duration>,
    /// From addresses to a TCP connection.
    pub dial: Option<Duration>,
    /// TLS, the wait for a place among the handshakes included.
    pub handshake: Option<Duration>,
}

/// What only a probe wants to know.
#[derive(Debug, Clone, Default)]
pub struct Details {
    /// What DNS said.
    pub addresses: Vec<IpAddr>,
    /// The server's certificates as it presented them, DER.
    pub chain: Vec<Vec<u8>>,
    /// The names, DER, of the authorities whose certificates the server says it takes.
    pub authorities: Vec<Vec<u8>>,
}

/// The version of TLS that is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsVersion {
    /// 1.2.
    Tls12,
    /// 1.3, where the server judges our certificate after the handshake.
    Tls13,
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls12 => "1.2",
            Self::Tls13 => "1.3",
        })
    }
}

/// What became of our certificate in a full handshake.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OurCertificate {
    /// The server sent no CertificateRequest.
    #[default]
    NotAsked,
    /// It did, and there was none, or none of a kind that it takes.
    NotSent,
    /// It did, and got it.
    Sent,
}

impl OurCertificate {
    /// What a connection that ended this way, once the server could judge, says of us; `None`:
    /// nothing.
    pub fn judged_by(self, ending: &Ending) -> Option<Cause> {
        match (self, ending) {
            (Self::Sent, Ending::Alert(alert)) => Some(Cause::CertificateRefused(*alert)),
            (Self::Sent, Ending::Closed) => Some(Cause::ClosedAfterCertificate),
            (Self::NotSent, Ending::Alert(alert)) => Some(Cause::CertificateMissing(*alert)),
            (Self::NotSent, Ending::Closed) => Some(Cause::ClosedWithoutCertificate),
            _ => None,
        }
    }
}

impl Facts {
    /// Facts that will hold [`Details`] too.
    pub fn detailed() -> Self {
        Self {
            details: Some(Box::default()),
            ..Self::default()
        }
    }

    /// Whether the server judges our certificate only after the handshake.
    pub fn is_tls13(&self) -> bool {
        self.version == Some(TlsVersion::Tls13)
    }

    /// What a handshake that succeeded came to.
    pub(super) fn settle(&mut self, session: &ClientConnection) {
        let suite = session.negotiated_cipher_suite();
        let group = session.negotiated_key_exchange_group();
        self.resumed = session.handshake_kind() == Some(HandshakeKind::Resumed);
        self.version = match session.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => Some(TlsVersion::Tls13),
            _ => Some(TlsVersion::Tls12),
        };
        self.cipher = suite.and_then(|suite| suite.suite().as_str());
        self.group = group.and_then(|group| group.name().as_str());
        self.alpn = session.alpn_protocol().map(<[u8]>::to_vec);
    }
}

/// Facts that are being gathered. Whoever opens a connection keeps a hold of them, so that they
/// are there also when it fails, or is given up.
pub type Gathering = Rc<RefCell<Facts>>;

thread_local! {
    /// The handshake that is being polled. The resolver of client certificates and the verifier
    /// are shared by all handshakes of an identity and get no connection argument.
    static CURRENT: RefCell<Option<Gathering>> = const { RefCell::new(None) };
}

/// Writes down something about the handshake that is being polled now.
pub fn note(write: impl FnOnce(&mut Facts)) {
    CURRENT.with_borrow(|current| {
        if let Some(facts) = current {
            write(&mut facts.borrow_mut());
        }
    });
}

/// A handshake whose facts are gathered while it is polled.
pub(super) struct Observed<F> {
    pub(super) handshake: F,
    pub(super) facts: Gathering,
}

impl<F: Future + Unpin> Future for Observed<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let former = CURRENT.replace(Some(Rc::clone(&self.facts)));
        let polled = Pin::new(&mut self.handshake).poll(cx);
        CURRENT.set(former);
        polled
    }
}
