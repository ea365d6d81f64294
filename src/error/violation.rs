//! What can be wrong with an HTTP/1 message: one closed enum, one line of text each.

use std::fmt;

/// A rule of HTTP/1 that a message breaks. Such a message is refused, never repaired.
///
/// The text is printable ASCII without quotes and backslashes, so that it can stand in a
/// structured header field (RFC 9651 §3.3.3) as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Violation {
    /// A line ends in LF alone (RFC 9112 §2.2).
    BareLf,
    /// A CR without LF (RFC 9112 §2.2).
    BareCr,
    /// A control byte other than HTAB (RFC 9110 §5.5).
    ControlByte,
    /// A field line starts with a blank (RFC 9112 §5.2).
    ObsFold,
    /// A blank in a field name or before its colon (RFC 9112 §5.1).
    SpaceBeforeColon,
    /// A field line without a colon (RFC 9112 §5).
    NoColon,
    /// A field line that starts with its colon (RFC 9110 §5.1).
    EmptyName,
    /// A field name that is not a token (RFC 9110 §5.1).
    NameByte,
    /// More fields than [`crate::limits::FIELDS_MAX`] (RFC 6585 §5).
    TooManyFields,
    /// A head over its limit (RFC 6585 §5).
    HeadTooLarge,
    /// The message ends inside its head (RFC 9112 §8).
    Incomplete,
    /// A TLS ClientHello where HTTP is spoken.
    TlsOnPlainPort,
    /// The preface of HTTP/2 (RFC 9113 §3.4).
    Http2Preface,
    /// A request line without a version, as in HTTP/0.9 (RFC 9112 §3).
    Http09,
    /// A request line that is not `method SP target SP version` (RFC 9112 §3).
    RequestLine,
    /// A method that is not a token, or too long a one (RFC 9110 §9.1).
    Method,
    /// A target over its limit (RFC 9110 §15.5.15).
    TargetTooLong,
    /// A byte that no target can have (RFC 9112 §3.2).
    TargetByte,
    /// A host in a target that is not in ASCII, plain or percent-encoded (RFC 5890 §2.3.2.1).
    HostNotAscii,
    /// `#` in a target (RFC 9112 §3.2).
    Fragment,
    /// A target whose form does not suit the method (RFC 9112 §3.2).
    TargetForm,
    /// A version that is neither HTTP/1.0 nor HTTP/1.1 (RFC 9112 §2.3).
    Version,
    /// HTTP/1.1 without Host (RFC 9112 §3.2).
    NoHost,
    /// Two Host fields (RFC 9112 §3.2).
    TwoHosts,
    /// A Host that names no host (RFC 9112 §3.2).
    HostValue,
    /// Two Content-Length fields, or two values in one (RFC 9112 §6.3).
    TwoLengths,
    /// A Content-Length that is not a number (RFC 9110 §8.6).
    LengthValue,
    /// Content-Length and Transfer-Encoding together (RFC 9112 §6.3).
    LengthAndChunked,
    /// A Transfer-Encoding other than `chunked` (RFC 9112 §6.1).
    TransferEncoding,
    /// Two Transfer-Encoding fields (RFC 9112 §6.1).
    TwoTransferEncodings,
    /// Transfer-Encoding in HTTP/1.0 (RFC 9112 §6.1).
    TransferEncodingIn10,
    /// A body after CONNECT (RFC 9110 §9.3.6).
    BodyOnConnect,
    /// A body over `--max-body` (RFC 9110 §15.5.14).
    BodyTooLarge,
    /// A first line of a response that is not a status line (RFC 9112 §4).
    StatusLine,
    /// A status outside 100 to 599 (RFC 9110 §15).
    StatusCode,
    /// A 101 that no request asked for (RFC 9110 §15.2.2).
    UnaskedUpgrade,
    /// More interim responses than [`crate::limits::INTERIM_MAX`] before the final one
    /// (RFC 9110 §15.2).
    TooManyInterim,
    /// A length in a response that has no body (RFC 9110 §8.6).
    LengthWithoutBody,
    /// Transfer-Encoding in a response that has no body (RFC 9112 §6.1).
    TransferEncodingWithoutBody,
    /// Bytes of a body where none is due (RFC 9112 §11.2); no message is known that gets here.
    Framing,
    /// A chunk size that is not 1 to 16 hex digits (RFC 9112 §7.1).
    ChunkSize,
    /// Chunk data that is not followed by CRLF (RFC 9112 §7.1).
    ChunkEnd,
    /// A chunk extension whose quotes do not end on its line (RFC 9112 §7.1.1).
    ChunkQuote,
    /// A chunk-size line over its limit (RFC 9112 §7.1.1).
    ChunkLineTooLong,
    /// Chunk extensions over their limit (RFC 9112 §7.1.1).
    ChunkExtensionsTooLong,
    /// A trailer section over its limit (RFC 9112 §7.1.2).
    TrailersTooLarge,
    /// A trailer field that frames or routes a message (RFC 9110 §6.5.1).
    TrailerField,
}

impl Violation {
    /// What is wrong, and what to do: one line, lower case.
    pub fn text(self) -> &'static str {
        use Violation::*;
        match self {
            BareLf => "a line ends in a bare LF; end lines with CRLF (RFC 9112 2.2)",
            BareCr => "a CR stands without LF; end lines with CRLF (RFC 9112 2.2)",
            ControlByte => {
                "a control byte in the head or a trailer; remove or encode it (RFC 9110 5.5)"
            }
            ObsFold => {
                "a header line starts with a blank; send each field on one line (RFC 9112 5.2)"
            }
            SpaceBeforeColon => {
                "a blank in a field name or before its colon; remove it (RFC 9112 5.1)"
            }
            NoColon => "a header line has no colon; send name: value (RFC 9112 5)",
            EmptyName => {
                "a header line has no name before its colon; name the field (RFC 9110 5.1)"
            }
            NameByte => {
                "a field name holds a byte that no name can have; use letters, digits and hyphens (RFC 9110 5.1)"
            }
            TooManyFields => "too many header fields; send at most 100 (RFC 6585 5)",
            HeadTooLarge => {
                "the head is over its limit (--max-header for requests, 32k for responses); send fewer or shorter fields (RFC 6585 5)"
            }
            Incomplete => {
                "the message ends inside its head; send the head up to its empty line (RFC 9112 8)"
            }
            TlsOnPlainPort => {
                "a TLS handshake on a port for plain HTTP; use http:// here, egret adds TLS itself"
            }
            Http2Preface => {
                "HTTP/2 on a port for HTTP/1.1; turn prior knowledge of HTTP/2 off (RFC 9113 3.3)"
            }
            Http09 => "a request line without a version (HTTP/0.9); send HTTP/1.1 (RFC 9112 3)",
            RequestLine => {
                "the request line is not method, target and version with one space between; correct it (RFC 9112 3)"
            }
            Method => "the method is not a token of at most 32 bytes; correct it (RFC 9110 9.1)",
            TargetTooLong => {
                "the request target is too long; send at most 8192 bytes, and less than --max-header (RFC 9110 15.5.15)"
            }
            TargetByte => {
                "a control or non-ASCII byte in the target; percent-encode it (RFC 9112 3.2)"
            }
            HostNotAscii => {
                "the target's host is not in ASCII; send its A-label, such as xn--bcher-kva.example (RFC 5890 2.3.2.1)"
            }
            Fragment => "a # in the target; leave the fragment out or send %23 (RFC 9112 3.2)",
            TargetForm => {
                "the target is ill-formed or does not suit the method; send /path, an absolute URI (http://HOST:PORT/path) without user and with a port up to 65535, HOST:PORT for CONNECT or * for OPTIONS (RFC 9112 3.2)"
            }
            Version => {
                "the version is neither HTTP/1.1 nor HTTP/1.0; speak HTTP/1.1 (RFC 9112 2.3)"
            }
            NoHost => "no Host in an HTTP/1.1 request; send one (RFC 9112 3.2)",
            TwoHosts => "two Host fields; send one (RFC 9112 3.2)",
            HostValue => "the Host field names no host; send host or host:port (RFC 9112 3.2)",
            TwoLengths => "more than one Content-Length; send one (RFC 9112 6.3)",
            LengthValue => {
                "the Content-Length is not a plain decimal number below 2^64-2; correct it (RFC 9110 8.6)"
            }
            LengthAndChunked => {
                "Content-Length and Transfer-Encoding together; send one of them (RFC 9112 6.3)"
            }
            TransferEncoding => {
                "a Transfer-Encoding other than chunked; send chunked or a Content-Length (RFC 9112 6.1)"
            }
            TwoTransferEncodings => "two Transfer-Encoding fields; send one (RFC 9112 6.1)",
            TransferEncodingIn10 => {
                "Transfer-Encoding in HTTP/1.0; send a Content-Length or speak HTTP/1.1 (RFC 9112 6.1)"
            }
            BodyOnConnect => "a body announced with CONNECT; leave it out (RFC 9110 9.3.6)",
            BodyTooLarge => {
                "the body is larger than --max-body allows; send less or raise it (RFC 9110 15.5.14)"
            }
            StatusLine => {
                "the answer does not start with an HTTP/1 status line; make sure that an HTTP/1.1 server listens there (RFC 9112 4)"
            }
            StatusCode => "the status is outside 100 to 599; correct the server (RFC 9110 15)",
            UnaskedUpgrade => {
                "a 101 that no request asked for; correct the server (RFC 9110 15.2.2)"
            }
            TooManyInterim => {
                "more than 16 interim responses before the final one; correct the server (RFC 9110 15.2)"
            }
            Framing => {
                "the end of the body is not clear; frame it by Content-Length or chunked (RFC 9112 11.2)"
            }
            LengthWithoutBody => {
                "a Content-Length above 0 in a 1xx or 204 response; leave it out (RFC 9110 8.6)"
            }
            TransferEncodingWithoutBody => {
                "Transfer-Encoding in a 1xx or 204 response; leave it out (RFC 9112 6.1)"
            }
            ChunkSize => {
                "a chunk size is not 1 to 16 hex digits; correct the chunked coding (RFC 9112 7.1)"
            }
            ChunkEnd => {
                "chunk data is not followed by CRLF; correct the chunked coding (RFC 9112 7.1)"
            }
            ChunkQuote => {
                "a chunk extension opens quotes that its line does not close; close them (RFC 9112 7.1.1)"
            }
            ChunkLineTooLong => {
                "a chunk-size line is longer than 1024 bytes; leave chunk extensions out (RFC 9112 7.1.1)"
            }
            ChunkExtensionsTooLong => {
                "the chunk extensions of one message are longer than 4096 bytes; leave them out (RFC 9112 7.1.1)"
            }
            TrailersTooLarge => {
                "the trailer section is larger than 8192 bytes; send fewer or shorter trailers (RFC 9112 7.1.2)"
            }
            TrailerField => {
                "a trailer frames or routes the message; send that field in the head (RFC 9110 6.5.1)"
            }
        }
    }

    /// The status that answers it when a client is at fault (RFC 9110 §15.5). An upstream's
    /// fault is 502, whatever this says.
    pub fn status(self) -> u16 {
        match self {
            Violation::TargetTooLong => 414,
            Violation::BodyTooLarge => 413,
            Violation::HeadTooLarge | Violation::TooManyFields | Violation::TrailersTooLarge => 431,
            _ => 400,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for Violation {}

#[cfg(test)]
mod tests {
    use super::Violation::{self, *};
    use crate::limits;

    const ALL: [Violation; 47] = [
        BareLf,
        BareCr,
        ControlByte,
        ObsFold,
        SpaceBeforeColon,
        NoColon,
        EmptyName,
        NameByte,
        TooManyFields,
        HeadTooLarge,
        Incomplete,
        TlsOnPlainPort,
        Http2Preface,
        Http09,
        RequestLine,
        Method,
        TargetTooLong,
        TargetByte,
        HostNotAscii,
        Fragment,
        TargetForm,
        Version,
        NoHost,
        TwoHosts,
        HostValue,
        TwoLengths,
        LengthValue,
        LengthAndChunked,
        TransferEncoding,
        TwoTransferEncodings,
        TransferEncodingIn10,
        BodyOnConnect,
        BodyTooLarge,
        StatusLine,
        StatusCode,
        UnaskedUpgrade,
        TooManyInterim,
        Framing,
        LengthWithoutBody,
        TransferEncodingWithoutBody,
        ChunkSize,
        ChunkEnd,
        ChunkQuote,
        ChunkLineTooLong,
        ChunkExtensionsTooLong,
        TrailersTooLarge,
        TrailerField,
    ];

    #[test]
    fn a_text_can_stand_in_a_structured_field() {
        for violation in ALL {
            let text = violation.text();
            let fits = |b: u8| (b' '..=b'~').contains(&b) && b != b'"' && b != b'\\';
            assert!(text.bytes().all(fits), "{text}");
            assert!(text.contains("; "), "no remedy: {text}");
            assert!(!text.ends_with('.'), "{text}");
        }
    }

    #[test]
    fn no_two_violations_share_a_text() {
        for (at, one) in ALL.iter().enumerate() {
            assert!(
                ALL[at + 1..].iter().all(|other| other.text() != one.text()),
                "{one}"
            );
        }
    }

    #[test]
    fn a_text_names_the_limit_in_force() {
        let rows = [
            (TooManyFields, limits::FIELDS_MAX),
            (HeadTooLarge, limits::UPSTREAM_HEAD_MAX / 1024),
            (Method, limits::METHOD_MAX),
            (TargetTooLong, limits::TARGET_MAX),
            (TooManyInterim, limits::INTERIM_MAX),
            (ChunkLineTooLong, limits::CHUNK_LINE_MAX),
            (ChunkExtensionsTooLong, limits::CHUNK_EXTENSIONS_MAX),
            (TrailersTooLarge, limits::TRAILERS_MAX),
        ];
        for (violation, limit) in rows {
            assert!(violation.text().contains(&limit.to_string()), "{violation}");
        }
    }

    #[test]
    fn only_sizes_have_a_status_of_their_own() {
        let own = |v: &Violation| v.status() != 400;
        let sizes = [
            TooManyFields,
            HeadTooLarge,
            TargetTooLong,
            BodyTooLarge,
            TrailersTooLarge,
        ];
        assert!(ALL.iter().filter(|v| own(v)).eq(sizes.iter()));
    }
}
