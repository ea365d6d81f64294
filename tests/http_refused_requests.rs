//! Requests that are not HTTP/1.1, or can be read in two ways, are refused and never repaired:
//! the client gets one answer of ours and the end, the upstream nothing of them.

mod http;
mod support;

use http::bytes::{Row, bytes, rows, short};
use http::{World, assert_ours, seed, setup, step};
use support::client;
use support::upstream::Seen;

/// The status; the rule; how many good requests came before (`$1` to `$4`), and `cut` where the
/// head was good, so that the upstream may have seen the start of it; the bytes.
const TABLE: &str = r"
400 | RFC 9112 6.3   | 0   | POST /bad HTTP/1.1⏎Host: x⏎Content-Length: 5⏎Transfer-Encoding: chunked⏎⏎0⏎⏎
400 | RFC 9112 6.3   | 0   | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎Content-Length: 5⏎⏎0⏎⏎
400 | RFC 9112 6.3   | 0   | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎Content-Length: 0⏎⏎0⏎⏎
400 | RFC 9112 6.3   | 0   | POST /bad HTTP/1.1⏎Host: x⏎Content-Length: 5⏎Content-Length: 5⏎⏎hello
400 | RFC 9112 6.3   | 0   | POST /bad HTTP/1.1⏎Host: x⏎Content-Length: 5⏎Content-Length: 6⏎⏎hello!
400 | RFC 9112 6.3   | 0   | POST /bad HTTP/1.1⏎Host: x⏎Content-Length: 5, 5⏎⏎hello
400 | RFC 9110 8.6   | 0   | POST /bad HTTP/1.1⏎Host: x⏎Content-Length: +5⏎⏎hello
400 | RFC 9110 8.6   | 0   | POST /bad HTTP/1.1⏎Host: x⏎Content-Length: -1⏎⏎
400 | RFC 9110 8.6   | 0   | POST /bad HTTP/1.1⏎Host: x⏎Content-Length: 0x5⏎⏎hello
400 | RFC 9110 8.6   | 0   | POST /bad HTTP/1.1⏎Host: x⏎Content-Length: 5 5⏎⏎hello
400 | RFC 9110 8.6   | 0   | POST /bad HTTP/1.1⏎Host: x⏎Content-Length:⏎⏎hello
400 | RFC 9110 8.6   | 0   | POST /bad HTTP/1.1⏎Host: x⏎Content-Length: 5;⏎⏎hello
400 | RFC 9110 8.6   | 0   | POST /bad HTTP/1.1⏎Host: x⏎Content-Length: 18446744073709551615⏎⏎hello
400 | RFC 9110 8.6   | 0   | POST /bad HTTP/1.1⏎Host: x⏎Content-Length: 18446744073709551621⏎⏎hello
400 | RFC 9112 6.1   | 0   | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: gzip, chunked⏎⏎0⏎⏎
400 | RFC 9112 6.1   | 0   | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked, identity⏎⏎0⏎⏎
400 | RFC 9112 6.1   | 0   | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: identity⏎⏎0⏎⏎
400 | RFC 9112 6.1   | 0   | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: xchunked⏎⏎0⏎⏎
400 | RFC 9112 6.1   | 0   | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked;q=1⏎⏎0⏎⏎
400 | RFC 9112 6.1   | 0   | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked,⏎⏎0⏎⏎
400 | RFC 9112 6.1   | 0   | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: 'chunked'⏎⏎0⏎⏎
400 | RFC 9112 6.1   | 0   | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding:⏎⏎0⏎⏎
400 | RFC 9112 6.1   | 0   | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎Transfer-Encoding: chunked⏎⏎0⏎⏎
400 | RFC 9112 6.1   | 0   | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎Transfer-Encoding: identity⏎⏎0⏎⏎
400 | RFC 9112 6.1   | 0   | POST /bad HTTP/1.0⏎Host: x⏎Transfer-Encoding: chunked⏎⏎0⏎⏎
400 | RFC 9110 5.5   | 0   | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: \x0bchunked⏎⏎0⏎⏎
400 | RFC 9112 5.1   | 0   | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding : chunked⏎⏎0⏎⏎
400 | RFC 9112 5.1   | 0   | POST /bad HTTP/1.1⏎Host: x⏎Content-Length\t: 5⏎⏎hello
400 | RFC 9112 5.2   | 0   | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding:⏎ chunked⏎⏎0⏎⏎
400 | RFC 9112 5.2   | 0   | GET /bad HTTP/1.1⏎Host: x⏎X: a⏎\tb⏎⏎
400 | RFC 9112 2.2   | 0   | GET /bad HTTP/1.1⏎ Host: x⏎⏎
400 | RFC 9112 2.2   | 0   | GET /bad HTTP/1.1\nHost: x⏎⏎
400 | RFC 9112 2.2   | 0   | GET /bad HTTP/1.1\nHost: x\n\n
400 | RFC 9112 2.2   | 0   | GET /bad HTTP/1.1⏎Host: x\nX: y⏎⏎
400 | RFC 9112 2.2   | 0   | GET /bad HTTP/1.1⏎Host: x⏎\n
400 | RFC 9112 2.2   | 0   | GET /bad HTTP/1.1⏎Host: x\n⏎
400 | RFC 9112 2.2   | 0   | GET /bad HTTP/1.1⏎Host: x⏎X: a\rb⏎⏎
400 | RFC 9112 2.2   | 0   | GET /bad HTTP/1.1⏎Host: x⏎X: a\rTransfer-Encoding: chunked⏎⏎
400 | RFC 9112 2.2   | 0   | GET /bad\r HTTP/1.1⏎Host: x⏎⏎
400 | RFC 9112 2.2   | 0   | GET /bad HTTP/1.1\r⏎Host: x⏎⏎
400 | RFC 9112 2.2   | 0   | ⏎⏎GET /bad HTTP/1.1⏎Host: x⏎⏎
400 | RFC 9112 2.2   | 0   | \nGET /bad HTTP/1.1⏎Host: x⏎⏎
400 | RFC 9110 5.5   | 0   | GET /bad HTTP/1.1⏎Host: x⏎X: a\0b⏎⏎
400 | RFC 9110 5.1   | 0   | GET /bad HTTP/1.1⏎Host: x⏎X\0: a⏎⏎
400 | RFC 9112 3.2   | 0   | GET /bad\0 HTTP/1.1⏎Host: x⏎⏎
400 | RFC 9110 5.5   | 0   | GET /bad HTTP/1.1⏎Host: x⏎X: \x7f⏎⏎
400 | RFC 9110 5.5   | 0   | GET /bad HTTP/1.1⏎Host: x⏎X: \x01⏎⏎
400 | RFC 9112 5     | 0   | GET /bad HTTP/1.1⏎Host: x⏎no colon⏎⏎
400 | RFC 9112 5     | 0   | GET /bad HTTP/1.1⏎Host: x⏎nocolon⏎⏎
400 | RFC 9110 5.1   | 0   | GET /bad HTTP/1.1⏎Host: x⏎: no name⏎⏎
400 | RFC 9110 5.1   | 0   | GET /bad HTTP/1.1⏎Host: x⏎X(Y: z⏎⏎
400 | RFC 9110 5.1   | 0   | GET /bad HTTP/1.1⏎Host: x⏎X@: z⏎⏎
400 | RFC 9110 5.1   | 0   | GET /bad HTTP/1.1⏎Host: x⏎\xc3\xa9: z⏎⏎
400 | RFC 9112 5.1   | 0   | GET /bad HTTP/1.1⏎Host: x⏎X Y: z⏎⏎
400 | RFC 9112 3     | 0   | GET /bad⏎⏎
400 | RFC 9112 3     | 0   | GET /bad⏎
400 | RFC 9112 3     | 0   | GET⏎⏎
400 | RFC 9112 3     | 0   | GET  /bad HTTP/1.1⏎Host: x⏎⏎
400 | RFC 9112 3     | 0   | GET /bad  HTTP/1.1⏎Host: x⏎⏎
400 | RFC 9112 3     | 0   | GET /bad HTTP/1.1 ⏎Host: x⏎⏎
400 | RFC 9112 3     | 0   | GET /bad HTTP/1.1 x⏎Host: x⏎⏎
400 | RFC 9112 3     | 0   | GET\t/bad\tHTTP/1.1⏎Host: x⏎⏎
400 | RFC 9112 3     | 0   |  GET /bad HTTP/1.1⏎Host: x⏎⏎
400 | RFC 9112 3     | 0   |  /bad HTTP/1.1⏎Host: x⏎⏎
400 | RFC 9112 3.2   | 0   | GET /bad it HTTP/1.1⏎Host: x⏎⏎
400 | RFC 9110 9.1   | 0   | G@T /bad HTTP/1.1⏎Host: x⏎⏎
400 | RFC 9110 9.1   | 0   | {X*33} /bad HTTP/1.1⏎Host: x⏎⏎
400 | RFC 9112 2.3   | 0   | GET /bad HTTP/1.2⏎Host: x⏎⏎
400 | RFC 9112 2.3   | 0   | GET /bad HTTP/2.0⏎Host: x⏎⏎
400 | RFC 9112 2.3   | 0   | GET /bad HTTP/0.9⏎Host: x⏎⏎
400 | RFC 9112 2.3   | 0   | GET /bad HTTP/1.10⏎Host: x⏎⏎
400 | RFC 9112 2.3   | 0   | GET /bad HTTP/01.1⏎Host: x⏎⏎
400 | RFC 9112 2.3   | 0   | GET /bad http/1.1⏎Host: x⏎⏎
400 | RFC 9112 2.3   | 0   | GET /bad ICAP/1.0⏎Host: x⏎⏎
400 | RFC 9113 3.4   | 0   | PRI * HTTP/2.0⏎⏎SM⏎⏎\0\0\0\x04\0\0\0\0\0
400 | RFC 8446 5.1   | 0   | \x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03{\x5a*32}
400 | RFC 9112 3.2   | 0   | GET /bad#part HTTP/1.1⏎Host: x⏎⏎
400 | RFC 9112 3.2   | 0   | GET /bad?a#b?c HTTP/1.1⏎Host: x⏎⏎
400 | RFC 9112 3.2   | 0   | GET /bad\xc3\xa9 HTTP/1.1⏎Host: x⏎⏎
400 | RFC 9112 3.2   | 0   | GET /bad<script> HTTP/1.1⏎Host: x⏎⏎
400 | RFC 9112 3.2   | 0   | GET /bad?a=\x22b\x22 HTTP/1.1⏎Host: x⏎⏎
400 | RFC 9112 3.2   | 0   | GET bad HTTP/1.1⏎Host: x⏎⏎
400 | RFC 9112 3.2   | 0   | GET * HTTP/1.1⏎Host: x⏎⏎
400 | RFC 9112 3.2   | 0   | GET x:80 HTTP/1.1⏎Host: x⏎⏎
400 | RFC 9112 3.2   | 0   | GET \x5cbad HTTP/1.1⏎Host: x⏎⏎
400 | RFC 9112 3.2.1 | 0   | GET http://x/bad HTTP/1.1⏎Host: x⏎⏎
400 | RFC 9112 3.2.1 | 0   | GET https://x/bad HTTP/1.1⏎Host: x⏎⏎
400 | RFC 9112 3.2.1 | 0   | GET HTTP://x HTTP/1.1⏎Host: x⏎⏎
400 | RFC 9110 4.2.4 | 0   | GET http://me@x/bad HTTP/1.1⏎Host: x⏎⏎
405 | RFC 9110 9.3.6 | 0   | CONNECT x:443 HTTP/1.1⏎Host: x:443⏎⏎
400 | RFC 9110 9.3.6 | 0   | CONNECT x HTTP/1.1⏎Host: x⏎⏎
400 | RFC 9110 9.3.6 | 0   | CONNECT /bad HTTP/1.1⏎Host: x⏎⏎
400 | RFC 9110 9.3.6 | 0   | CONNECT x:443 HTTP/1.1⏎Host: x:443⏎Content-Length: 5⏎⏎hello
400 | RFC 9112 3.2   | 0   | GET /bad HTTP/1.1⏎⏎
400 | RFC 9112 3.2   | 0   | GET /bad HTTP/1.1⏎Host: x⏎Host: x⏎⏎
400 | RFC 9112 3.2   | 0   | GET /bad HTTP/1.1⏎Host: x⏎Host: y⏎⏎
400 | RFC 9112 3.2   | 0   | GET /bad HTTP/1.0⏎Host: x⏎hOST: y⏎⏎
400 | RFC 9112 3.2   | 0   | GET /bad HTTP/1.1⏎Host:⏎⏎
400 | RFC 9112 3.2   | 0   | GET /bad HTTP/1.1⏎Host: x y⏎⏎
400 | RFC 9112 3.2   | 0   | GET /bad HTTP/1.1⏎Host: x/y⏎⏎
400 | RFC 9112 3.2   | 0   | GET /bad HTTP/1.1⏎Host: me@x⏎⏎
400 | RFC 9112 3.2   | 0   | GET /bad HTTP/1.1⏎Host: x:65536⏎⏎
400 | RFC 9112 3.2   | 0   | GET /bad HTTP/1.1⏎Host: [::1⏎⏎
417 | RFC 9110 10.1.1 | 0  | POST /bad HTTP/1.1⏎Host: x⏎Expect: 200-ok⏎Content-Length: 5⏎⏎
417 | RFC 9110 10.1.1 | 0  | POST /bad HTTP/1.1⏎Host: x⏎Expect: 100-continue, x⏎Content-Length: 5⏎⏎
414 | RFC 9110 15.5.15 | 0 | GET /{a*8192} HTTP/1.1⏎Host: x⏎⏎
414 | RFC 9110 15.5.15 | 0 | GET /{a*20000}
414 | RFC 9112 3     | 0   | {X*20000}
431 | RFC 6585 5     | 0   | GET /bad HTTP/1.1⏎Host: x⏎X: {a*17000}⏎⏎
431 | RFC 6585 5     | 0   | GET /bad HTTP/1.1⏎Host: x⏎{X: aaaaaaaaaaaa⏎*1100}⏎
431 | RFC 6585 5     | 0   | GET /bad HTTP/1.1⏎Host: x⏎{a*40000}
431 | RFC 6585 5     | 0   | GET /bad HTTP/1.1⏎Host: x⏎{X: y⏎*100}⏎
400 | RFC 9112 7.1   | cut | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎g⏎hello⏎0⏎⏎
400 | RFC 9112 7.1   | cut | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎0x5⏎hello⏎0⏎⏎
400 | RFC 9112 7.1   | cut | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎-5⏎hello⏎0⏎⏎
400 | RFC 9112 7.1   | cut | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎+5⏎hello⏎0⏎⏎
400 | RFC 9112 7.1   | cut | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎ 5⏎hello⏎0⏎⏎
400 | RFC 9112 7.1   | cut | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5 ⏎hello⏎0⏎⏎
400 | RFC 9112 7.1   | cut | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5_⏎hello⏎0⏎⏎
400 | RFC 9112 7.1   | cut | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎⏎hello⏎0⏎⏎
400 | RFC 9112 7.1   | cut | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎;a=b⏎hello⏎0⏎⏎
400 | RFC 9112 7.1   | cut | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎00000000000000005⏎hello⏎0⏎⏎
400 | RFC 9112 7.1   | cut | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎10000000000000005⏎hello⏎0⏎⏎
400 | RFC 9112 2.2   | cut | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5\nhello⏎0⏎⏎
400 | RFC 9112 2.2   | cut | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5\rhello⏎0⏎⏎
400 | RFC 9112 7.1   | cut | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello!⏎0⏎⏎
400 | RFC 9112 7.1   | cut | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello\n0⏎⏎
400 | RFC 9112 7.1   | cut | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello\r0⏎⏎
400 | RFC 9112 7.1   | cut | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello0⏎⏎
400 | RFC 9112 7.1.1 | cut | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5;{a*2000}
400 | RFC 9112 7.1.1 | cut | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎{1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa⏎x⏎*100}
400 | RFC 9112 7.1.1 | cut | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5;a\0b⏎hello⏎0⏎⏎
400 | RFC 9112 7.1.1 | cut | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5;a\nb⏎hello⏎0⏎⏎
400 | RFC 9110 6.5.1 | cut | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎Content-Length: 5⏎⏎
400 | RFC 9110 6.5.1 | cut | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎Transfer-Encoding: chunked⏎⏎
400 | RFC 9110 6.5.1 | cut | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎Host: y⏎⏎
400 | RFC 9112 5.2   | cut | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎X: y⏎ z⏎⏎
400 | RFC 9112 2.2   | cut | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎X: y\n⏎
400 | RFC 9112 5.1   | cut | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎X : y⏎⏎
400 | RFC 9112 7.1.2 | cut | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎nocolon⏎⏎
431 | RFC 6585 5     | cut | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎X: {a*9000}
431 | RFC 6585 5     | cut | POST /bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎{X: y⏎*101}⏎
400 | RFC 9112 6.3   | 1   | $1POST /bad HTTP/1.1⏎Host: x⏎Content-Length: 5⏎Transfer-Encoding: chunked⏎⏎0⏎⏎
400 | RFC 9112 2.2   | 2   | $1$2GET /bad HTTP/1.1⏎Host: x\n⏎
400 | RFC 9112 3.2   | 3   | $1$2$3GET /bad HTTP/1.1⏎⏎
400 | RFC 9112 3     | 4   | $1$2$3$4GET /bad⏎⏎
400 | RFC 9112 2.3   | 4   | $1$2$3$4GET /bad HTTP/3⏎⏎
400 | RFC 9112 6.3   | 3   | $1$2$3left over from a body⏎⏎
400 | RFC 9112 7.1   | 4   | $1$2$3$4⏎⏎GET /bad HTTP/1.1⏎Host: x⏎⏎
400 | RFC 8446 5.1   | 1   | $1\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03
414 | RFC 9110 15.5.15 | 2 | $1$2GET /{a*9000} HTTP/1.1⏎Host: x⏎⏎
431 | RFC 6585 5     | 3   | $1$2$3GET /bad HTTP/1.1⏎Host: x⏎X: {a*40000}
417 | RFC 9110 10.1.1 | 4   | $1$2$3$4POST /bad HTTP/1.1⏎Host: x⏎Expect: more⏎Content-Length: 5⏎⏎
405 | RFC 9110 9.3.6 | 1   | $1CONNECT x:443 HTTP/1.1⏎Host: x⏎⏎
";

const GOOD: [(&str, &str, &[u8]); 4] = [
    ("$1", "GET /1 HTTP/1.1⏎Host: x⏎⏎", b""),
    ("$2", "GET /2 HTTP/1.1⏎Host: x⏎⏎", b""),
    (
        "$3",
        "POST /3 HTTP/1.1⏎Host: x⏎Content-Length: 5⏎⏎three",
        b"three",
    ),
    (
        "$4",
        "POST /4 HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎4⏎four⏎0⏎⏎",
        b"four",
    ),
];

/// What a confused reader might take for a request of its own.
const SMUGGLED: &[u8] = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

/// One row, read.
struct Case {
    name: String,
    status: u16,
    /// How many good requests come first.
    good: usize,
    /// The upstream may have seen the start of it.
    cut: bool,
    bytes: Vec<u8>,
}

impl Case {
    fn new(row: &Row) -> Self {
        let [status, rule, saw] = row.columns[..] else {
            panic!("{row:?}");
        };
        let request = GOOD
            .iter()
            .fold(row.text.to_owned(), |text, (name, good, _)| {
                text.replace(name, good)
            });
        Self {
            name: format!("{rule}: {}", short(row.text)),
            status: status.parse().expect("a status"),
            good: saw.parse().unwrap_or(0),
            cut: saw == "cut",
            bytes: [&bytes(&request), SMUGGLED].concat(),
        }
    }

    fn error(&self) -> &'static str {
        match self.status {
            405 => "http_request_denied",
            _ => "http_request_error",
        }
    }

    /// Sends it in two pieces and looks at all that comes back.
    fn converse(&self, world: &World, split: usize) {
        let name = &self.name;
        let mut client = world.client();
        let (first, second) = self.bytes.split_at(split);
        for piece in [first, second] {
            // The answer may come, and the connection end, before all is sent.
            let _ = client.write_raw(piece);
        }
        for (number, (_, _, body)) in (1..).zip(&GOOD[..self.good]) {
            let response = client.read_response().expect(name);
            assert_eq!(response.status, 200, "{name}");
            assert_eq!(
                response.echo("target"),
                Some(format!("/{number}")),
                "{name}"
            );
            assert_eq!(
                response.echo("body").map(String::into_bytes).as_deref(),
                Some(*body),
                "{name}"
            );
        }
        let refusal = client.read_response().expect(name);
        assert_ours(&refusal, self.status, self.error(), name);
        assert_eq!(refusal.header("connection"), Some("close"), "{name}");
        assert_eq!(client.read_to_end().expect(name), b"", "{name}");
    }

    /// Exactly the good requests, and never the whole of another.
    fn check(&self, seen: &[Seen]) {
        let whole: Vec<_> = seen.iter().filter(|seen| seen.complete).collect();
        let targets: Vec<_> = whole.iter().map(|seen| seen.target.as_str()).collect();
        let good: Vec<_> = (1..=self.good).map(|number| format!("/{number}")).collect();
        assert_eq!(targets, good, "{}", self.name);
        for (seen, (_, _, body)) in whole.iter().zip(&GOOD) {
            assert_eq!(seen.body, *body, "{}", self.name);
        }
        let most = whole.len() + usize::from(self.cut);
        assert!(seen.len() <= most, "{}: {seen:?}", self.name);
    }
}

fn cases() -> Vec<Case> {
    rows(TABLE).iter().map(Case::new).collect()
}

/// Every connection of the upstream has ended: nothing more can arrive there.
fn settle(world: &World) {
    world.upstream.wait_until(|state| state.open == 0);
}

#[test]
fn what_is_not_http_is_refused_and_never_reaches_the_upstream() {
    let seed = seed();
    let mut random = seed;
    println!("seed {seed}");
    let world = setup().option("--upstream-idle", "0").start();
    let cases = cases();
    assert!(cases.len() >= 80);
    for case in &cases {
        for split in [0, step(&mut random) % case.bytes.len()] {
            let mark = world.mark();
            case.converse(&world, split);
            settle(&world);
            case.check(&world.seen_since(mark));
        }
        let next = client::get(world.addr(), "/next");
        assert_eq!(
            next.echo("target").as_deref(),
            Some("/next"),
            "{}",
            case.name
        );
        settle(&world);
    }
}
