//! What can go wrong in TLS beside certificates.

use std::fmt;

/// A TLS alert (RFC 8446 §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alert {
    /// AlertDescription.
    pub code: u8,
    /// Its name in the RFC.
    pub name: &'static str,
}

impl Alert {
    /// What to change, where the alert alone tells.
    pub(super) fn remedy(self) -> &'static str {
        match self.name {
            "protocol_version" => "; it speaks another TLS version than tls= allows",
            "unrecognized_name" => "; it knows no such server name, see sni=",
            "no_application_protocol" => "; it speaks another protocol, see alpn=",
            _ => "",
        }
    }
}

/// A failure of TLS that is neither an alert nor about a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsFault {
    /// What the server sent is not TLS.
    NotTls,
    /// The server closed in the handshake, without a word.
    ClosedInHandshake,
    /// The server chose HTTP/2, which `alpn=` offered.
    Http2,
    /// The server chose a protocol that was not offered; in rustls' words.
    UnofferedProtocol(String),
    /// Server and we have no version, cipher or group in common; in rustls' words.
    Incompatible(String),
    /// Anything else; what it was.
    Other(String),
}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotTls => "the server does not speak TLS on this port",
            Self::ClosedInHandshake => {
                "the server closed the connection in the handshake; check that the port speaks TLS"
            }
            Self::Http2 => "the server chose HTTP/2, which is not spoken here; use alpn=http/1.1",
            Self::UnofferedProtocol(why) | Self::Incompatible(why) | Self::Other(why) => why,
        })
    }
}
