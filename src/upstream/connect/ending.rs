//! How a TLS stream ended, and what its last bytes said.

use std::io;

use rustls::{AlertDescription, PeerMisbehaved};

use super::Stream;
use crate::error::{Alert, TlsFault};
use crate::limits;

/// How a TLS stream ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ending {
    /// The peer sent an alert.
    Alert(Alert),
    /// The peer's certificate did not verify; in rustls' words.
    Certificate(String),
    /// The peer broke the protocol, or has too little in common with us.
    Tls(TlsFault),
    /// Our clock was lost on the way.
    NoTime,
    /// A reset, or an end without notice.
    Closed,
}

/// What `error`, from a TLS stream, says.
pub(super) fn ending(error: &io::Error) -> Ending {
    let tls = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(error) => tls_ending(error),
        None if is_end(error.kind()) => Ending::Closed,
        // rustls reports some of its own limits as plain errors.
        None => Ending::Tls(TlsFault::Other(error.to_string())),
    }
}

fn is_end(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::*;
    matches!(
        kind,
        ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof | NotConnected | TimedOut
    )
}

fn tls_ending(error: &rustls::Error) -> Ending {
    match error {
        rustls::Error::AlertReceived(description) => Ending::Alert(alert(*description)),
        rustls::Error::InvalidCertificate(why) => Ending::Certificate(why.to_string()),
        rustls::Error::InvalidMessage(_) => Ending::Tls(TlsFault::NotTls),
        rustls::Error::PeerIncompatible(_) => {
            Ending::Tls(TlsFault::Incompatible(error.to_string()))
        }
        rustls::Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedApplicationProtocol) => {
            Ending::Tls(TlsFault::UnofferedProtocol(error.to_string()))
        }
        rustls::Error::FailedToGetCurrentTime => Ending::NoTime,
        other => Ending::Tls(TlsFault::Other(other.to_string())),
    }
}

/// What lay unread in the socket of a stream that failed.
pub(super) struct LastWords {
    /// Something of a response was among it.
    pub(super) responded: bool,
    /// How the stream ended.
    pub(super) ending: Ending,
}

pub(super) fn last_words(stream: &mut Stream) -> LastWords {
    let (tcp, session) = stream.get_mut();
    let socket = socket2::SockRef::from(&*tcp);
    let mut last = LastWords {
        responded: false,
        ending: Ending::Closed,
    };
    for _ in 0..limits::LAST_READS {
        if !matches!(session.read_tls(&mut &*socket), Ok(1..)) {
            break;
        }
        match session.process_new_packets() {
            Ok(state) => last.responded |= state.plaintext_bytes_to_read() > 0,
            Err(error) => {
                last.ending = tls_ending(&error);
                break;
            }
        }
    }
    last
}

/// The alert's code and its name in RFC 8446 §6 and its predecessors.
fn alert(description: AlertDescription) -> Alert {
    let code = u8::from(description);
    let name = match code {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        _ => "of an unknown kind",
    };
    Alert { code, name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_lost_in_a_handshake_is_told_as_such() {
        let error = io::Error::other(rustls::Error::FailedToGetCurrentTime);
        assert_eq!(ending(&error), Ending::NoTime);
    }
}
