use super::super::*;
use super::{MAX, scan_all_ways, scan_in_pieces};
use crate::error::Violation::*;

const GOOD: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn scan(bytes: &[u8]) -> Result<Option<usize>, Violation> {
    scan_all_ways(Scanner::request, bytes, MAX)
}

#[test]
fn a_head_ends_at_its_empty_line() {
    assert_eq!(scan(GOOD), Ok(Some(GOOD.len())));
    let pipelined = [GOOD, b"body\0\n"].concat();
    let mut scanner = Scanner::request();
    assert_eq!(scanner.scan(&pipelined, MAX), Ok(Some(GOOD.len())));
    let answer = b"HTTP/1.1 200 OK\r\n\r\n";
    assert_eq!(
        scan_all_ways(Scanner::response, answer, MAX),
        Ok(Some(answer.len()))
    );
}

#[test]
fn every_prefix_of_a_head_asks_for_more() {
    for end in 0..GOOD.len() {
        assert_eq!(scan(&GOOD[..end]), Ok(None), "{end}");
        assert_eq!(
            scan_in_pieces(Scanner::request(), &GOOD[..end], [], MAX),
            Ok(None)
        );
    }
}

#[test]
fn what_can_never_be_a_head_is_refused_before_its_end() {
    let rows: [(&[u8], Violation); 16] = [
        (b"GET / HTTP/1.1\n", BareLf),
        (b"GET / HTTP/1.1\rX", BareCr),
        (b"GET /\n", BareLf),
        (b"GET /\r\n", Http09),
        (b"GET / HTTP/1.1\r\nHost: a\n", BareLf),
        (b"GET / HTTP/1.1\r\nHost: a\ra", BareCr),
        (b"GET / HTTP/1.1\r\nHost: \0", ControlByte),
        (b"\n", BareLf),
        (b"\r\n", RequestLine),
        (b"\0", ControlByte),
        (b"\x80.\x01\x03\x01", ControlByte),
        (b"\x16\x03\x01\x02\0\x01\0", TlsOnPlainPort),
        (b"\x16\x02", ControlByte),
        (b"PRI * HTTP/2.0\r\n", Http2Preface),
        (b"GET / HTTP/3.0\r\n", Version),
        (b"USER anonymous\r\n", Http09),
    ];
    for (bytes, expected) in rows {
        assert_eq!(scan(bytes), Err(expected), "{}", bytes.escape_ascii());
    }
}

#[test]
fn the_first_byte_of_a_tls_handshake_waits_for_the_second() {
    assert_eq!(scan(b"\x16"), Ok(None));
}

#[test]
fn a_head_may_be_as_large_as_the_limit_and_no_larger() {
    for beyond in [&b""[..], b"x", b"\n\r\0"] {
        let bytes = [GOOD, beyond].concat();
        let scan = |max| scan_all_ways(Scanner::request, &bytes, max);
        assert_eq!(scan(GOOD.len()), Ok(Some(GOOD.len())));
        for max in 16..GOOD.len() {
            assert_eq!(scan(max), Err(HeadTooLarge), "{max}");
        }
    }
}

#[test]
fn a_first_line_over_the_limit_is_a_target_too_long() {
    for max in 1..16 {
        assert_eq!(
            scan_all_ways(Scanner::request, GOOD, max),
            Err(TargetTooLong),
            "{max}"
        );
    }
    let answer = b"HTTP/1.1 200 OK\r\n\r\n";
    assert_eq!(
        scan_all_ways(Scanner::response, answer, 9),
        Err(HeadTooLarge)
    );
}

#[test]
fn a_target_has_a_limit_of_its_own() {
    let read = |length| {
        let target = "x".repeat(length - 1);
        let bytes = format!("GET /{target} HTTP/1.1\r\nHost: a\r\n\r\n");
        let max = limits::HEAD_MAX;
        let bytewise = scan_in_pieces(Scanner::request(), bytes.as_bytes(), 0..bytes.len(), max);
        let whole = scan_in_pieces(Scanner::request(), bytes.as_bytes(), [], max);
        assert_eq!(bytewise, whole, "{length}");
        whole.map(|end| end == Some(bytes.len()))
    };
    assert_eq!(read(limits::TARGET_MAX), Ok(true));
    for over in [1, 2, 28, 29, 30, 31, 5000] {
        assert_eq!(read(limits::TARGET_MAX + over), Err(TargetTooLong));
    }
}

#[test]
fn an_endless_target_is_refused_without_the_rest_of_the_head() {
    let bytes = [b"GET /", &[b'x'; REQUEST_LINE_MAX][..]].concat();
    let mut scanner = Scanner::request();
    assert_eq!(
        scanner.scan(&bytes[..REQUEST_LINE_MAX - 1], limits::HEAD_MAX),
        Ok(None)
    );
    assert_eq!(scanner.scan(&bytes, limits::HEAD_MAX), Err(TargetTooLong));
}

#[test]
fn one_empty_line_before_a_request_is_skipped() {
    assert_eq!(skip_empty_line(b""), None);
    assert_eq!(skip_empty_line(b"\r"), None);
    assert_eq!(skip_empty_line(b"\r\n"), Some(2));
    assert_eq!(skip_empty_line(b"\r\n\r\nGET"), Some(2));
    assert_eq!(skip_empty_line(b"GET"), Some(0));
    assert_eq!(skip_empty_line(b"\n"), Some(0));
    assert_eq!(skip_empty_line(b"\rG"), Some(0));
}

#[test]
fn a_head_that_is_cut_anywhere_is_incomplete() {
    for end in 0..GOOD.len() {
        assert_eq!(
            request(&GOOD[..end], |_, _| Ok(())).map(|_| ()),
            Err(Incomplete),
            "{end}"
        );
    }
}

#[test]
fn any_bytes_at_all_are_read_without_a_panic() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed as usize
    };
    let pieces: [&[u8]; 12] = [
        b"GET ",
        b"/",
        b" ",
        b"HTTP/1.1",
        b"\r\n",
        b"\r",
        b"\n",
        b"\t",
        b"Host",
        b": ",
        b"[::1]",
        b"\x16\x03",
    ];
    for _ in 0..20_000 {
        let bytes: Vec<u8> = (0..next() % 12)
            .flat_map(|_| pieces[next() % 12].to_vec())
            .collect();
        let _ = scan(&bytes);
        let _ = (
            request(&bytes, |_, _| Ok(())),
            response(&bytes, |_, _| Ok(())),
        );
    }
}
