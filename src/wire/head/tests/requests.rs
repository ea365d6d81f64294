use super::super::Framing::{Chunked, Length, None as NoBody};
use super::super::TargetForm::{Absolute, Asterisk, Authority, Origin};
use super::super::{Framing, TargetForm as Form};
use super::{read_request, with_fields};
use crate::error::Violation::{self, *};
use crate::limits;

/// The section of an RFC, a request line without CRLF, the one right outcome.
type Line = (&'static str, &'static [u8], Result<Form, Violation>);
/// The section, whole field lines of a POST that has a Host, the one right outcome.
type FieldLines = (&'static str, &'static [u8], Result<Framing, Violation>);

const LINES: &[Line] = &[
    ("9112 3.2.1", b"GET / HTTP/1.1", Ok(Origin)),
    ("9112 3.2.1", b"GET /a/b?c=d&e=%20 HTTP/1.1", Ok(Origin)),
    ("9112 3.2.1", b"GET // HTTP/1.1", Ok(Origin)),
    ("9112 3.2.1", b"GET /../%2e%2e/ HTTP/1.1", Ok(Origin)),
    ("9112 3.2.1", b"GET /?? HTTP/1.1", Ok(Origin)),
    ("9112 3.2.1", b"GET /http://a/b HTTP/1.1", Ok(Origin)),
    ("9112 2.3", b"GET / HTTP/1.0", Ok(Origin)),
    ("9110 9.1", b"get / HTTP/1.1", Ok(Origin)),
    ("9110 9.1", b"M-SEARCH / HTTP/1.1", Ok(Origin)),
    ("9110 9.1", b"!#$%&'*+-.^_`|~09azAZ / HTTP/1.1", Ok(Origin)),
    (
        "9110 9.1",
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345 / HTTP/1.1",
        Ok(Origin),
    ),
    (
        "9110 9.1",
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456 / HTTP/1.1",
        Err(Method),
    ),
    ("9110 9.1", b"G(T / HTTP/1.1", Err(Method)),
    ("9110 9.1", b"G\xc3\x84T / HTTP/1.1", Err(Method)),
    ("9110 9.1", b"GET,/ HTTP/1.1", Err(Method)),
    ("3986 2.2", b"GET /\"\\^`{|} HTTP/1.1", Ok(Origin)),
    ("3986 2.2", b"GET /a<b> HTTP/1.1", Ok(Origin)),
    ("3986 2.2", b"GET /a?<> HTTP/1.1", Ok(Origin)),
    ("3986 2.2", b"GET /a?\\^`{|} HTTP/1.1", Ok(Origin)),
    ("3986 2.2", b"GET /a?\" HTTP/1.1", Ok(Origin)),
    ("3986 2.2", b"GET /{\"a\":[1]} HTTP/1.1", Ok(Origin)),
    ("3986 2.1", b"GET /%zz% HTTP/1.1", Ok(Origin)),
    ("3986 3.5", b"GET /a#b HTTP/1.1", Err(Fragment)),
    ("3986 3.5", b"GET # HTTP/1.1", Err(Fragment)),
    ("3986 3.5", b"GET http://a/#b HTTP/1.1", Err(Fragment)),
    ("9112 3.2", b"GET /\x80 HTTP/1.1", Err(TargetByte)),
    ("9112 3.2", b"GET /\xc3\xa4 HTTP/1.1", Err(TargetByte)),
    ("9112 3.2", b"GET \xff HTTP/1.1", Err(TargetByte)),
    ("9112 2.2", b"GET /\x00 HTTP/1.1", Err(ControlByte)),
    ("9112 2.2", b"GET /\x7f HTTP/1.1", Err(ControlByte)),
    ("9112 2.2", b"GET /\x0b HTTP/1.1", Err(ControlByte)),
    ("9112 3", b"GET  / HTTP/1.1", Err(RequestLine)),
    ("9112 3", b"GET /  HTTP/1.1", Err(RequestLine)),
    ("9112 3", b"GET\t/ HTTP/1.1", Err(RequestLine)),
    ("9112 3", b"GET /\tHTTP/1.1", Err(RequestLine)),
    ("9112 3", b"GET / HTTP/1.1 ", Err(RequestLine)),
    ("9112 3", b"GET / HTTP/1.1\t", Err(RequestLine)),
    ("9112 3", b" GET / HTTP/1.1", Err(RequestLine)),
    ("9112 3", b"GET /a b HTTP/1.1", Err(RequestLine)),
    ("9112 3", b"GET HTTP/1.1", Err(Http09)),
    ("9112 3", b"GET", Err(RequestLine)),
    ("9112 3", b"GET ", Err(RequestLine)),
    ("9112 3", b"GET / ", Err(RequestLine)),
    ("9112 3", b"", Err(RequestLine)),
    ("9112 3", b"GET /", Err(Http09)),
    ("9112 2.3", b"GET / HTTP/0.9", Err(Version)),
    ("9112 2.3", b"GET / HTTP/1.2", Err(Version)),
    ("9112 2.3", b"GET / HTTP/2.0", Err(Version)),
    ("9112 2.3", b"GET / HTTP/1.11", Err(Version)),
    ("9112 2.3", b"GET / HTTP/1", Err(Version)),
    ("9112 2.3", b"GET / HTTP/01.1", Err(Version)),
    ("9112 2.3", b"GET / http/1.1", Err(Version)),
    ("9112 2.3", b"GET / HTTPS/1.1", Err(Version)),
    ("9112 2.3", b"GET / ICY/1.1", Err(Version)),
    ("9113 3.4", b"PRI * HTTP/2.0", Err(Http2Preface)),
    ("9112 3.2.2", b"GET http://a HTTP/1.1", Ok(Absolute)),
    ("9112 3.2.2", b"GET http://a/ HTTP/1.1", Ok(Absolute)),
    ("9112 3.2.2", b"GET HTTP://a:80/b?c HTTP/1.1", Ok(Absolute)),
    ("9112 3.2.2", b"GET https://a?b HTTP/1.1", Ok(Absolute)),
    (
        "9112 3.2.2",
        b"GET http://[::1]:8080/ HTTP/1.1",
        Ok(Absolute),
    ),
    ("9112 3.2.2", b"GET http://a:/ HTTP/1.1", Ok(Absolute)),
    ("9112 3.2.2", b"GET ftp://a/ HTTP/1.1", Ok(Absolute)),
    ("9112 3.2.2", b"OPTIONS http://a HTTP/1.1", Ok(Absolute)),
    ("9112 3.2.2", b"GET http://a/<> HTTP/1.1", Ok(Absolute)),
    ("9110 4.2.1", b"GET http:///b HTTP/1.1", Err(TargetForm)),
    ("9110 4.2.1", b"GET http://:80/ HTTP/1.1", Err(TargetForm)),
    ("9110 4.2.4", b"GET http://u@a/ HTTP/1.1", Err(TargetForm)),
    ("9110 4.2.4", b"GET http://u:p@a/ HTTP/1.1", Err(TargetForm)),
    ("3986 3.2.2", b"GET http://a%2eb/ HTTP/1.1", Err(TargetForm)),
    (
        "5890 2.3.2.1",
        b"GET http://b\xc3\xbc.a/ HTTP/1.1",
        Err(HostNotAscii),
    ),
    (
        "5890 2.3.2.1",
        b"GET http://b%C3%BC.a?/ HTTP/1.1",
        Err(HostNotAscii),
    ),
    (
        "5890 2.3.2.1",
        b"GET http://\xfc HTTP/1.1",
        Err(HostNotAscii),
    ),
    (
        "5890 2.3.2.1",
        b"CONNECT b\xc3\xbc:443 HTTP/1.1",
        Err(HostNotAscii),
    ),
    (
        "9112 3.2",
        b"GET http://a/\xc3\xbc HTTP/1.1",
        Err(TargetByte),
    ),
    ("9112 3.2", b"GET /a://\xc3\xbc HTTP/1.1", Err(TargetByte)),
    ("3986 3.2.2", b"GET http://a\\b/ HTTP/1.1", Err(TargetForm)),
    ("3986 3.2.2", b"GET http://[::1/ HTTP/1.1", Err(TargetForm)),
    ("3986 3.2.3", b"GET http://a:b/ HTTP/1.1", Err(TargetForm)),
    (
        "3986 3.2.3",
        b"GET http://a:65536/ HTTP/1.1",
        Err(TargetForm),
    ),
    ("3986 3.1", b"GET 1http://a/ HTTP/1.1", Err(TargetForm)),
    ("3986 3.1", b"GET ht_tp://a/ HTTP/1.1", Err(TargetForm)),
    ("9112 3.2", b"GET a HTTP/1.1", Err(TargetForm)),
    ("9112 3.2", b"GET ?a HTTP/1.1", Err(TargetForm)),
    ("9112 3.2", b"GET http:/a HTTP/1.1", Err(TargetForm)),
    ("9112 3.2.3", b"GET a:443 HTTP/1.1", Err(TargetForm)),
    ("9112 3.2.3", b"CONNECT a:443 HTTP/1.1", Ok(Authority)),
    (
        "9112 3.2.3",
        b"CONNECT [2001:db8::1]:443 HTTP/1.1",
        Ok(Authority),
    ),
    ("9112 3.2.3", b"CONNECT a HTTP/1.1", Err(TargetForm)),
    ("9110 9.3.6", b"CONNECT a: HTTP/1.1", Err(TargetForm)),
    ("9110 9.3.6", b"CONNECT a:99999 HTTP/1.1", Err(TargetForm)),
    ("9110 9.3.6", b"CONNECT u@a:443 HTTP/1.1", Err(TargetForm)),
    ("9112 3.2.3", b"CONNECT / HTTP/1.1", Err(TargetForm)),
    (
        "9112 3.2.3",
        b"CONNECT http://a:443/ HTTP/1.1",
        Err(TargetForm),
    ),
    ("9112 3.2.4", b"OPTIONS * HTTP/1.1", Ok(Asterisk)),
    ("9112 3.2.4", b"GET * HTTP/1.1", Err(TargetForm)),
    ("9112 3.2.4", b"OPTIONS ** HTTP/1.1", Err(TargetForm)),
];

const FIELDS: &[FieldLines] = &[
    ("9112 6.3", b"", Ok(NoBody)),
    ("9112 5", b"X: y\r\n", Ok(NoBody)),
    ("9112 5", b"X:\r\n", Ok(NoBody)),
    ("9112 5", b"X:y\r\n", Ok(NoBody)),
    ("9112 5.1", b"X: \t y z \t\r\n", Ok(NoBody)),
    ("9110 5.5", b"X: a\tb\r\n", Ok(NoBody)),
    ("9110 5.5", b"X: \x80\xff\r\n", Ok(NoBody)),
    ("9110 5.1", b"!#$%&'*+-.^_`|~09aZ: y\r\n", Ok(NoBody)),
    ("9110 5.5", b"X: a:b::c\r\n", Ok(NoBody)),
    ("9110 5.5", b"X: a\0b\r\n", Err(ControlByte)),
    ("9110 5.5", b"X: a\x01b\r\n", Err(ControlByte)),
    ("9110 5.5", b"X: a\x0bb\r\n", Err(ControlByte)),
    ("9110 5.5", b"X: a\x7fb\r\n", Err(ControlByte)),
    ("9110 5.5", b"X: a\x1b\r\n", Err(ControlByte)),
    ("9112 2.2", b"X: a\n", Err(BareLf)),
    ("9112 2.2", b"X: a\nY: b\r\n", Err(BareLf)),
    ("9112 2.2", b"X: a\rb\r\n", Err(BareCr)),
    ("9112 2.2", b"X: a\r\r\n", Err(BareCr)),
    ("9112 2.2", b"\rX: a\r\n", Err(BareCr)),
    ("9112 5.2", b"X: a\r\n b\r\n", Err(ObsFold)),
    ("9112 5.2", b"X: a\r\n\tb\r\n", Err(ObsFold)),
    ("9112 5.2", b"X: a\r\n \r\n", Err(ObsFold)),
    ("9112 2.2", b" X: a\r\n", Err(ObsFold)),
    ("9112 5.1", b"X : a\r\n", Err(SpaceBeforeColon)),
    ("9112 5.1", b"X\t: a\r\n", Err(SpaceBeforeColon)),
    ("9112 5.1", b"Content-Length : 5\r\n", Err(SpaceBeforeColon)),
    ("9112 5.1", b"X Y: a\r\n", Err(SpaceBeforeColon)),
    ("9112 5", b"X\r\n", Err(NoColon)),
    ("9112 5", b"X\n", Err(BareLf)),
    ("9110 5.1", b": a\r\n", Err(EmptyName)),
    ("9110 5.1", b"X(: a\r\n", Err(NameByte)),
    ("9110 5.1", b"(X: a\r\n", Err(NameByte)),
    ("9110 5.1", b"X\xe4: a\r\n", Err(NameByte)),
    ("9110 5.1", b"\"X\": a\r\n", Err(NameByte)),
    ("9110 5.1", b"X\0: a\r\n", Err(ControlByte)),
    ("9112 6.3", b"Content-Length: 0\r\n", Ok(Length(0))),
    ("9112 6.3", b"Content-Length: 5\r\n", Ok(Length(5))),
    ("9112 6.3", b"CONTENT-LENGTH:5 \t\r\n", Ok(Length(5))),
    ("9110 8.6", b"Content-Length: 0005\r\n", Ok(Length(5))),
    (
        "9110 8.6",
        b"Content-Length: 18446744073709551613\r\n",
        Ok(Length(u64::MAX - 2)),
    ),
    (
        "9110 8.6",
        b"Content-Length: 18446744073709551614\r\n",
        Err(LengthValue),
    ),
    (
        "9110 8.6",
        b"Content-Length: 18446744073709551616\r\n",
        Err(LengthValue),
    ),
    (
        "9110 8.6",
        b"Content-Length: 99999999999999999999999\r\n",
        Err(LengthValue),
    ),
    ("9110 8.6", b"Content-Length:\r\n", Err(LengthValue)),
    ("9110 8.6", b"Content-Length: +5\r\n", Err(LengthValue)),
    ("9110 8.6", b"Content-Length: -5\r\n", Err(LengthValue)),
    ("9110 8.6", b"Content-Length: 5 5\r\n", Err(LengthValue)),
    ("9110 8.6", b"Content-Length: 0x5\r\n", Err(LengthValue)),
    ("9110 8.6", b"Content-Length: 5.0\r\n", Err(LengthValue)),
    ("9110 8.6", b"Content-Length: 5_0\r\n", Err(LengthValue)),
    ("9110 8.6", b"Content-Length: \"5\"\r\n", Err(LengthValue)),
    ("9110 8.6", b"Content-Length: \xb2\r\n", Err(LengthValue)),
    ("9112 6.3", b"Content-Length: 5, 5\r\n", Err(TwoLengths)),
    ("9112 6.3", b"Content-Length: 5,\r\n", Err(TwoLengths)),
    (
        "9112 6.3",
        b"Content-Length: 5\r\nContent-Length: 5\r\n",
        Err(TwoLengths),
    ),
    (
        "9112 6.3",
        b"Content-Length: 5\r\nX: y\r\ncontent-length: 6\r\n",
        Err(TwoLengths),
    ),
    ("9112 6.3", b"Transfer-Encoding: chunked\r\n", Ok(Chunked)),
    ("9112 7", b"transfer-encoding:\tChUnKeD \r\n", Ok(Chunked)),
    (
        "9112 6.3",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        Err(LengthAndChunked),
    ),
    (
        "9112 6.3",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        Err(LengthAndChunked),
    ),
    (
        "9112 6.3",
        b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
        Err(LengthAndChunked),
    ),
    (
        "9112 6.1",
        b"Transfer-Encoding: gzip, chunked\r\n",
        Err(TransferEncoding),
    ),
    (
        "9112 6.1",
        b"Transfer-Encoding: chunked, chunked\r\n",
        Err(TransferEncoding),
    ),
    (
        "9112 6.1",
        b"Transfer-Encoding: chunked, gzip\r\n",
        Err(TransferEncoding),
    ),
    (
        "9112 6.1",
        b"Transfer-Encoding: chunked,\r\n",
        Err(TransferEncoding),
    ),
    (
        "9112 6.1",
        b"Transfer-Encoding: , chunked\r\n",
        Err(TransferEncoding),
    ),
    (
        "9112 6.1",
        b"Transfer-Encoding: identity\r\n",
        Err(TransferEncoding),
    ),
    ("9112 6.1", b"Transfer-Encoding:\r\n", Err(TransferEncoding)),
    (
        "9112 6.1",
        b"Transfer-Encoding: xchunked\r\n",
        Err(TransferEncoding),
    ),
    (
        "9112 6.1",
        b"Transfer-Encoding: chunkedx\r\n",
        Err(TransferEncoding),
    ),
    (
        "9112 6.1",
        b"Transfer-Encoding: \"chunked\"\r\n",
        Err(TransferEncoding),
    ),
    (
        "9112 6.1",
        b"Transfer-Encoding: chunked;a=b\r\n",
        Err(TransferEncoding),
    ),
    (
        "9112 6.1",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        Err(TwoTransferEncodings),
    ),
    (
        "9112 6.1",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n",
        Err(TwoTransferEncodings),
    ),
    (
        "9112 6.1",
        b"Transfer_Encoding: gzip\r\nXransfer-Encoding: a\r\n",
        Ok(NoBody),
    ),
    ("9112 3.2", b"host: a\r\n", Err(TwoHosts)),
    ("9112 3.2", b"HOST: b\r\n", Err(TwoHosts)),
    ("9112 3.2", b"Host:\r\n", Err(TwoHosts)),
];

#[test]
fn a_request_line_has_one_outcome() {
    for (section, line, expected) in LINES {
        let bytes = [line, &b"\r\nHost: a\r\n\r\n"[..]].concat();
        let form = read_request(&bytes).map(|head| head.form);
        assert_eq!(form, *expected, "RFC {section}: {}", line.escape_ascii());
    }
}

#[test]
fn field_lines_have_one_outcome() {
    for (section, fields, expected) in FIELDS {
        let framing = read_request(&with_fields(fields)).map(|head| head.framing);
        assert_eq!(
            framing,
            *expected,
            "RFC {section}: {}",
            fields.escape_ascii()
        );
    }
}

#[test]
fn field_lines_before_host_have_the_same_outcome() {
    for (section, fields, expected) in FIELDS {
        let bytes = [b"POST / HTTP/1.1\r\n", *fields, b"Host: a\r\n\r\n"].concat();
        let framing = read_request(&bytes).map(|head| head.framing);
        assert_eq!(
            framing,
            *expected,
            "RFC {section}: {}",
            fields.escape_ascii()
        );
    }
}

#[test]
fn transfer_encoding_in_1_0_is_refused() {
    let bytes = b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(read_request(bytes), Err(TransferEncodingIn10));
    let bytes = b"POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\n";
    assert_eq!(read_request(bytes).map(|head| head.framing), Ok(Length(3)));
}

#[test]
fn connect_announces_no_body() {
    let read = |fields: &[u8]| {
        let head = [b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n", fields, b"\r\n"].concat();
        read_request(&head).map(|head| head.framing)
    };
    assert_eq!(read(b""), Ok(NoBody));
    assert_eq!(read(b"Content-Length: 0\r\n"), Ok(Length(0)));
    assert_eq!(read(b"Content-Length: 1\r\n"), Err(BodyOnConnect));
    assert_eq!(read(b"Transfer-Encoding: chunked\r\n"), Err(BodyOnConnect));
}

#[test]
fn an_expectation_is_100_continue_or_another() {
    let read = |fields: &[u8]| {
        let head = read_request(&with_fields(fields)).unwrap();
        (head.expect_continue, head.other_expectation)
    };
    assert_eq!(read(b""), (false, false));
    assert_eq!(read(b"Expect: 100-continue\r\n"), (true, false));
    assert_eq!(read(b"expect:100-CONTINUE\r\n"), (true, false));
    assert_eq!(read(b"Expect:\r\n"), (false, true));
    assert_eq!(read(b"Expect: 100-continue, x\r\n"), (false, true));
    assert_eq!(
        read(b"Expect: 100-continue\r\nExpect: x=y\r\n"),
        (true, true)
    );
    let old = b"POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n";
    assert!(!read_request(old).unwrap().expect_continue);
}

#[test]
fn a_connection_closes_when_it_says_so_or_is_1_0() {
    let close = |version: &str, fields: &str| {
        let head = format!("GET / HTTP/{version}\r\nHost: a\r\n{fields}\r\n");
        read_request(head.as_bytes()).unwrap().close
    };
    assert!(!close("1.1", ""));
    assert!(!close("1.1", "Connection: keep-alive\r\n"));
    assert!(!close("1.1", "Connection: closed, x-close\r\n"));
    assert!(close("1.1", "connection: Upgrade ,\tCLOSE\r\n"));
    assert!(close(
        "1.1",
        "Connection: close\r\nConnection: keep-alive\r\n"
    ));
    assert!(close(
        "1.1",
        "Connection: keep-alive\r\nConnection: close\r\n"
    ));
    assert!(close("1.0", ""));
    assert!(!close("1.0", "Connection: Keep-Alive\r\n"));
    assert!(close("1.0", "Connection: keep-alive, close\r\n"));
}

#[test]
fn the_ranges_cut_the_request_line() {
    let bytes = b"DELETE /a?b HTTP/1.1\r\nHost: a\r\n\r\n";
    let head = read_request(bytes).unwrap();
    assert_eq!(&bytes[head.method], b"DELETE");
    assert_eq!(&bytes[head.target], b"/a?b");
}

#[test]
fn the_hundred_and_first_field_is_refused() {
    let fields = |count| with_fields("a:\r\n".repeat(count).as_bytes());
    assert!(read_request(&fields(limits::FIELDS_MAX - 1)).is_ok());
    assert_eq!(
        read_request(&fields(limits::FIELDS_MAX)),
        Err(TooManyFields)
    );
}

#[test]
fn every_byte_of_a_request_may_change_and_is_refused_or_read_as_hyper_reads_it() {
    let good =
        b"PUT /a?b HTTP/1.1\r\nHost: a:1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    for at in 0..good.len() {
        for byte in 0..=255 {
            let mut bytes = good.to_vec();
            bytes[at] = byte;
            // Comparing is part of reading; either outcome is fine.
            let _ = read_request(&bytes);
        }
    }
}
