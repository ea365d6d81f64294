use super::super::Framing;
use super::super::Framing::{Chunked, Length, UntilClose};
use super::read_response;
use crate::error::Violation::{self, *};
use crate::limits;

/// The section of an RFC, a status line without CRLF, the one right outcome.
type Line = (&'static str, &'static [u8], Result<u16, Violation>);
/// The section, the start of a status line, whole field lines, the one right outcome.
type FieldLines = (
    &'static str,
    &'static str,
    &'static str,
    Result<Framing, Violation>,
);

const LINES: &[Line] = &[
    ("9112 4", b"HTTP/1.1 200 OK", Ok(200)),
    ("9112 4", b"HTTP/1.0 200 OK", Ok(200)),
    ("9112 4", b"HTTP/1.1 200 ", Ok(200)),
    ("9112 4", b"HTTP/1.1 200", Ok(200)),
    ("9112 4", b"HTTP/1.1 404 Not  Found\t(really)", Ok(404)),
    ("9112 4", b"HTTP/1.1 200 \xc3\xa4", Ok(200)),
    ("9112 4", b"HTTP/1.1 200  OK", Ok(200)),
    ("9110 15", b"HTTP/1.1 100 Continue", Ok(100)),
    ("9110 15", b"HTTP/1.1 599 Odd", Ok(599)),
    ("9110 15", b"HTTP/1.1 099 Odd", Err(StatusCode)),
    ("9110 15", b"HTTP/1.1 000 Odd", Err(StatusCode)),
    ("9110 15", b"HTTP/1.1 600 Odd", Err(StatusCode)),
    ("9110 15", b"HTTP/1.1 999 Odd", Err(StatusCode)),
    ("9112 4", b"HTTP/1.1 2000 OK", Err(StatusLine)),
    ("9112 4", b"HTTP/1.1 20 OK", Err(StatusLine)),
    ("9112 4", b"HTTP/1.1 2x0 OK", Err(StatusLine)),
    ("9112 4", b"HTTP/1.1 +20 OK", Err(StatusLine)),
    ("9112 4", b"HTTP/1.1  200 OK", Err(StatusLine)),
    ("9112 4", b"HTTP/1.1\t200 OK", Err(StatusLine)),
    ("9112 4", b"HTTP/1.1 200\tOK", Err(StatusLine)),
    ("9112 4", b"HTTP/1.1 200OK", Err(StatusLine)),
    ("9112 4", b"HTTP/1.1", Err(StatusLine)),
    ("9112 4", b"HTTP/1.1 ", Err(StatusLine)),
    ("9112 4", b" HTTP/1.1 200 OK", Err(StatusLine)),
    ("9112 4", b"http/1.1 200 OK", Err(StatusLine)),
    ("9112 4", b"ICY 200 OK", Err(StatusLine)),
    ("9112 4", b"SSH-2.0-OpenSSH_9.2", Err(StatusLine)),
    ("9112 4", b"", Err(StatusLine)),
    ("9112 2.3", b"HTTP/1.2 200 OK", Err(Version)),
    ("9112 2.3", b"HTTP/2 200", Err(Version)),
    ("9112 2.3", b"HTTP/0.9 200 OK", Err(Version)),
    ("9112 2.2", b"HTTP/1.1 200 O\0K", Err(ControlByte)),
    ("9112 2.2", b"HTTP/1.1 200 O\x7fK", Err(ControlByte)),
    ("9112 2.2", b"HTTP/1.1 200 O\rK", Err(BareCr)),
    ("9112 2.2", b"HTTP/1.1 200 OK\n", Err(BareLf)),
    ("9113 4.1", b"\0\0\x12\x04\0\0\0\0\0", Err(ControlByte)),
    ("8446 5.1", b"\x15\x03\x03\0\x02\x02\x28", Err(ControlByte)),
    ("8446 5.1", b"\x16\x03\x03\0\x02", Err(StatusLine)),
];

const FIELDS: &[FieldLines] = &[
    ("9112 6.3", "1.1 200", "", Ok(UntilClose)),
    ("9112 6.3", "1.0 200", "", Ok(UntilClose)),
    (
        "9112 6.3",
        "1.1 200",
        "Content-Length: 3\r\n",
        Ok(Length(3)),
    ),
    (
        "9112 6.3",
        "1.0 200",
        "Content-Length: 3\r\n",
        Ok(Length(3)),
    ),
    (
        "9112 6.3",
        "1.1 200",
        "Transfer-Encoding: CHUNKED\r\n",
        Ok(Chunked),
    ),
    (
        "9112 3.2",
        "1.1 200",
        "Host: a\r\nHost: b\r\nExpect: x\r\n",
        Ok(UntilClose),
    ),
    (
        "9110 15.4.5",
        "1.1 304",
        "Content-Length: 3\r\n",
        Ok(Length(3)),
    ),
    (
        "9112 6.1",
        "1.1 304",
        "Transfer-Encoding: chunked\r\n",
        Ok(Chunked),
    ),
    ("9110 15.3.5", "1.1 204", "", Ok(UntilClose)),
    (
        "9110 8.6",
        "1.1 204",
        "Content-Length: 0\r\n",
        Ok(Length(0)),
    ),
    (
        "9110 8.6",
        "1.1 204",
        "Content-Length: 1\r\n",
        Err(LengthWithoutBody),
    ),
    (
        "9110 8.6",
        "1.1 100",
        "Content-Length: 0\r\n",
        Ok(Length(0)),
    ),
    (
        "9110 8.6",
        "1.1 100",
        "Content-Length: 1\r\n",
        Err(LengthWithoutBody),
    ),
    (
        "9110 8.6",
        "1.1 101",
        "Content-Length: 9\r\n",
        Err(LengthWithoutBody),
    ),
    (
        "9112 6.1",
        "1.1 204",
        "Transfer-Encoding: chunked\r\n",
        Err(TransferEncodingWithoutBody),
    ),
    (
        "9112 6.1",
        "1.1 199",
        "Transfer-Encoding: chunked\r\n",
        Err(TransferEncodingWithoutBody),
    ),
    (
        "9112 6.1",
        "1.1 101",
        "Transfer-Encoding: chunked\r\n",
        Err(TransferEncodingWithoutBody),
    ),
    (
        "9112 6.1",
        "1.1 200",
        "Transfer-Encoding: gzip\r\n",
        Err(TransferEncoding),
    ),
    (
        "9112 6.1",
        "1.1 200",
        "Transfer-Encoding: gzip, chunked\r\n",
        Err(TransferEncoding),
    ),
    (
        "9112 6.1",
        "1.1 200",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        Err(TwoTransferEncodings),
    ),
    (
        "9112 6.1",
        "1.0 200",
        "Transfer-Encoding: chunked\r\n",
        Err(TransferEncodingIn10),
    ),
    (
        "9112 6.3",
        "1.1 200",
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        Err(LengthAndChunked),
    ),
    (
        "9112 6.3",
        "1.1 200",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        Err(LengthAndChunked),
    ),
    (
        "9112 6.3",
        "1.1 200",
        "Content-Length: 3\r\nContent-Length: 3\r\n",
        Err(TwoLengths),
    ),
    (
        "9112 6.3",
        "1.1 200",
        "Content-Length: 3,3\r\n",
        Err(TwoLengths),
    ),
    (
        "9110 8.6",
        "1.1 200",
        "Content-Length: three\r\n",
        Err(LengthValue),
    ),
    ("9112 5.2", "1.1 200", "X: a\r\n b\r\n", Err(ObsFold)),
    ("9112 2.2", "1.1 200", " X: a\r\n", Err(ObsFold)),
    ("9112 5.1", "1.1 200", "X : a\r\n", Err(SpaceBeforeColon)),
    ("9112 5", "1.1 200", "X\r\n", Err(NoColon)),
    ("9110 5.1", "1.1 200", ": a\r\n", Err(EmptyName)),
    ("9110 5.1", "1.1 200", "X@: a\r\n", Err(NameByte)),
    ("9112 2.2", "1.1 200", "X: a\n", Err(BareLf)),
    ("9112 2.2", "1.1 200", "X: a\rb\r\n", Err(BareCr)),
    ("9110 5.5", "1.1 200", "X: a\0\r\n", Err(ControlByte)),
];

#[test]
fn a_status_line_has_one_outcome() {
    for (section, line, expected) in LINES {
        let bytes = [line, &b"\r\nServer: x\r\n\r\n"[..]].concat();
        let status = read_response(&bytes).map(|head| head.status);
        assert_eq!(status, *expected, "RFC {section}: {}", line.escape_ascii());
    }
}

#[test]
fn field_lines_have_one_outcome() {
    for (section, start, fields, expected) in FIELDS {
        let bytes = format!("HTTP/{start} Reason\r\n{fields}\r\n");
        let framing = read_response(bytes.as_bytes()).map(|head| head.framing);
        assert_eq!(framing, *expected, "RFC {section}: {start} {fields:?}");
    }
}

#[test]
fn a_connection_closes_when_it_says_so_or_is_1_0() {
    let close = |version: &str, fields: &str| {
        let head = format!("HTTP/{version} 200 OK\r\n{fields}\r\n");
        read_response(head.as_bytes()).unwrap().close
    };
    assert!(!close("1.1", ""));
    assert!(close("1.1", "Connection: x, Close\r\n"));
    assert!(close("1.0", ""));
    assert!(!close("1.0", "Connection: keep-alive\r\n"));
}

#[test]
fn keep_alive_tells_a_timeout_only_when_it_is_a_number() {
    let timeout = |value: &str| {
        let head = format!("HTTP/1.1 200 OK\r\nKeep-Alive: {value}\r\n\r\n");
        read_response(head.as_bytes()).unwrap().keep_alive_timeout
    };
    assert_eq!(timeout("timeout=5"), Some(5));
    assert_eq!(timeout("max=100, Timeout=60"), Some(60));
    assert_eq!(timeout("timeout=60\r\nKeep-Alive: timeout=5"), Some(5));
    assert_eq!(timeout("timeout=5\r\nKeep-Alive: timeout=60"), Some(5));
    for other in [
        "",
        "timeout",
        "timeout=",
        "timeout=-1",
        "timeout=5s",
        "xtimeout=5",
        "max=3",
    ] {
        assert_eq!(timeout(other), None, "{other}");
    }
    assert_eq!(timeout("timeout=99999999999999999999"), None);
}

#[test]
fn the_hundred_and_first_field_is_refused() {
    let head = |count| format!("HTTP/1.1 200 OK\r\n{}\r\n", "a:\r\n".repeat(count));
    assert!(read_response(head(limits::FIELDS_MAX).as_bytes()).is_ok());
    let over = read_response(head(limits::FIELDS_MAX + 1).as_bytes());
    assert_eq!(over, Err(TooManyFields));
}

#[test]
fn every_byte_of_a_response_may_change_and_is_refused_or_read_as_others_read_it() {
    let good = b"HTTP/1.1 200 OK\r\nServer: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    for at in 0..good.len() {
        for byte in 0..=255 {
            let mut bytes = good.to_vec();
            bytes[at] = byte;
            // Comparing is part of reading; either outcome is fine.
            let _ = read_response(&bytes);
        }
    }
}
