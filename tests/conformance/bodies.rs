//! Answers whose head is good, and what becomes of them.

/// The columns are those of [`crate::upstreams`].
pub const TABLE: &str = r"
cut   | GET  | RFC 9112 7.1   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖g⏎hello⏎0⏎⏎
cut   | GET  | RFC 9112 7.1   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖0x5⏎hello⏎0⏎⏎
cut   | GET  | RFC 9112 7.1   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖-5⏎hello⏎0⏎⏎
cut   | GET  | RFC 9112 7.1   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖ 5⏎hello⏎0⏎⏎
cut   | GET  | RFC 9112 7.1   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖5 ⏎hello⏎0⏎⏎
cut   | GET  | RFC 9112 7.1   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖⏎hello⏎0⏎⏎
cut   | GET  | RFC 9112 7.1   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖00000000000000005⏎hello⏎0⏎⏎
cut   | GET  | RFC 9112 2.2   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖5\nhello⏎0⏎⏎
cut   | GET  | RFC 9112 2.2   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖5\rhello⏎0⏎⏎
cut   | GET  | RFC 9112 7.1   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖5⏎hello!⏎0⏎⏎
cut   | GET  | RFC 9112 7.1   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖5⏎hello\n0⏎⏎
cut   | GET  | RFC 9112 7.1   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖5⏎hello0⏎⏎
cut   | GET  | RFC 9112 7.1.1 | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖5;{a*2000}
cut   | GET  | RFC 9112 7.1.1 | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖{1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa⏎x⏎*100}
cut   | GET  | RFC 9112 7.1.1 | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖5;a\0b⏎hello⏎0⏎⏎
cut   | GET  | RFC 9110 6.5.1 | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖0⏎Content-Length: 4⏎⏎
cut   | GET  | RFC 9110 6.5.1 | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖0⏎Transfer-Encoding: chunked⏎⏎
cut   | GET  | RFC 9112 5.2   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖0⏎X: y⏎ z⏎⏎
cut   | GET  | RFC 9112 2.2   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖0⏎X: y\n⏎
cut   | GET  | RFC 9112 2.2   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖0⏎\n
cut   | GET  | RFC 6585 5     | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖0⏎X: {a*9000}
cut   | GET  | RFC 6585 5     | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖0⏎{X: y⏎*101}⏎
cut   | GET  | RFC 9112 7.1   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖+5⏎hello⏎0⏎⏎
cut   | GET  | RFC 9112 7.1   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖0_5⏎hello⏎0⏎⏎
cut   | GET  | RFC 9112 7.1   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖{f*17}⏎hello⏎0⏎⏎
cut   | GET  | RFC 9112 7.1   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖5⏎hel⏎0⏎⏎
cut   | GET  | RFC 9112 7.1   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖5⏎hello⏎⏎0⏎⏎
cut   | GET  | RFC 9112 7.1.1 | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖5;a=\x22⏎\x22⏎hello⏎0⏎⏎
cut   | GET  | RFC 9112 7.1.1 | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖5 ;a⏎hello⏎0⏎⏎
cut   | GET  | RFC 9112 2.2   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖5;a\nb⏎hello⏎0⏎⏎
cut   | GET  | RFC 9112 2.2   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖5⏎hello⏎0⏎\r\r
cut   | GET  | RFC 9112 5     | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖0⏎HTTP/1.1 200 OK⏎Content-Length: 6⏎⏎poison
cut   | GET  | RFC 9112 5.1   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖0⏎X : y⏎⏎
cut   | GET  | RFC 9110 5.5   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖0⏎X: \0⏎⏎
cut   | GET  | RFC 9110 6.5.1 | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎good⏎‖0⏎Connection: close⏎⏎
kept  | GET  | RFC 9112 6.3   | HTTP/1.1 200 OK⏎Content-Length: 2⏎⏎ok ⇒ HTTP/1.1 200 OK⏎content-length: 2⏎⏎ok
kept  | GET  | RFC 9112 4     | HTTP/1.1 200⏎Content-Length: 2⏎⏎ok ⇒ HTTP/1.1 200 ⏎content-length: 2⏎⏎ok
kept  | GET  | RFC 9112 4     | HTTP/1.1 200 ⏎Content-Length: 2⏎⏎ok ⇒ HTTP/1.1 200 ⏎content-length: 2⏎⏎ok
kept  | GET  | RFC 9112 4     | HTTP/1.1 200 \xff \ty⏎Content-Length: 2⏎⏎ok ⇒ HTTP/1.1 200 ⏎content-length: 2⏎⏎ok
kept  | GET  | RFC 9110 15    | HTTP/1.1 599 ?⏎Content-Length: 2⏎⏎ok ⇒ HTTP/1.1 599 ?⏎content-length: 2⏎⏎ok
kept  | GET  | RFC 9110 8.6   | HTTP/1.1 200 OK⏎content-length:\t{0*40}2 ⏎⏎ok ⇒ HTTP/1.1 200 OK⏎content-length: {0*40}2⏎⏎ok
kept  | GET  | RFC 9110 7.6.1 | HTTP/1.1 200 OK⏎Connection: content-length, a⏎A: 1⏎B: 2⏎Content-Length: 2⏎⏎ok ⇒ HTTP/1.1 200 OK⏎content-length: 2⏎b: 2⏎⏎ok
kept  | GET  | RFC 9110 7.8   | HTTP/1.1 200 OK⏎Connection: upgrade⏎Upgrade: h2c⏎Content-Length: 2⏎⏎ok ⇒ HTTP/1.1 200 OK⏎content-length: 2⏎⏎ok
kept  | GET  | RFC 9112 6.1   | HTTP/1.1 200 OK⏎tRANSFER-eNCODING: ChunKED⏎⏎002;a=b;c=\x22d\x22⏎ok⏎0⏎⏎ ⇒ HTTP/1.1 200 OK⏎transfer-encoding: chunked⏎⏎2⏎ok⏎0⏎⏎
kept  | GET  | RFC 9112 7.1.2 | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎2⏎ok⏎0⏎X: y⏎⏎ ⇒ HTTP/1.1 200 OK⏎transfer-encoding: chunked⏎⏎2⏎ok⏎0⏎⏎
kept  | GET  | RFC 9112 6.3   | HTTP/1.1 204 No Content⏎⏎ ⇒ HTTP/1.1 204 No Content⏎⏎
kept  | GET  | RFC 9110 8.6   | HTTP/1.1 204 No Content⏎Content-Length: 0⏎⏎ ⇒ HTTP/1.1 204 No Content⏎⏎
kept  | GET  | RFC 9110 15.4.5 | HTTP/1.1 304 Not Modified⏎Content-Length: 6⏎⏎ ⇒ HTTP/1.1 304 Not Modified⏎content-length: 6⏎⏎
kept  | GET  | RFC 9112 6.3   | HTTP/1.1 304 Not Modified⏎Transfer-Encoding: chunked⏎⏎ ⇒ HTTP/1.1 304 Not Modified⏎⏎
kept  | HEAD | RFC 9110 9.3.2 | HTTP/1.1 200 OK⏎Content-Length: 6⏎⏎ ⇒ HTTP/1.1 200 OK⏎content-length: 6⏎⏎
kept  | HEAD | RFC 9110 9.3.2 | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎ ⇒ HTTP/1.1 200 OK⏎⏎
kept  | HEAD | RFC 9110 9.3.2 | HTTP/1.1 200 OK⏎⏎ ⇒ HTTP/1.1 200 OK⏎⏎
kept  | GET  | RFC 9110 15.2  | {HTTP/1.1 102 Processing⏎⏎*16}HTTP/1.1 200 OK⏎Content-Length: 2⏎⏎ok ⇒ HTTP/1.1 200 OK⏎content-length: 2⏎⏎ok
kept  | GET  | RFC 9110 15.2.1 | HTTP/1.1 100 Continue⏎X: y⏎⏎HTTP/1.1 103 Early Hints⏎Link: y⏎⏎HTTP/1.1 200 OK⏎Content-Length: 2⏎⏎ok ⇒ HTTP/1.1 200 OK⏎content-length: 2⏎⏎ok
ended | GET  | RFC 9112 9.6   | HTTP/1.1 200 OK⏎Connection: x, Close⏎Content-Length: 2⏎⏎ok ⇒ HTTP/1.1 200 OK⏎content-length: 2⏎⏎ok
ended | GET  | RFC 9112 9.3   | HTTP/1.0 200 OK⏎Content-Length: 2⏎⏎ok ⇒ HTTP/1.1 200 OK⏎content-length: 2⏎⏎ok
ended | GET  | RFC 9112 9.3   | HTTP/1.0 200 OK⏎Connection: keep-alive⏎Content-Length: 2⏎⏎ok ⇒ HTTP/1.1 200 OK⏎content-length: 2⏎⏎ok
ended | GET  | RFC 2068 19.7.1 | HTTP/1.1 200 OK⏎Keep-Alive: timeout=1⏎Content-Length: 2⏎⏎ok ⇒ HTTP/1.1 200 OK⏎content-length: 2⏎⏎ok
ended | GET  | RFC 9112 6.3   | HTTP/1.1 200 OK⏎⏎ok␄ ⇒ HTTP/1.1 200 OK⏎transfer-encoding: chunked⏎⏎2⏎ok⏎0⏎⏎
ended | GET  | RFC 9112 6.3   | HTTP/1.1 200 OK⏎Content-Length: 2⏎⏎okHTTP/1.1 200 OK⏎Content-Length: 6⏎⏎poison ⇒ HTTP/1.1 200 OK⏎content-length: 2⏎⏎ok
ended | GET  | RFC 9112 6.3   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎2⏎ok⏎0⏎⏎HTTP/1.1 200 OK⏎Content-Length: 6⏎⏎poison ⇒ HTTP/1.1 200 OK⏎transfer-encoding: chunked⏎⏎2⏎ok⏎0⏎⏎
ended | GET  | RFC 9112 6.3   | HTTP/1.1 200 OK⏎Content-Length: 0⏎⏎HTTP/1.1 200 OK⏎Content-Length: 6⏎⏎poison ⇒ HTTP/1.1 200 OK⏎content-length: 0⏎⏎
ended | GET  | RFC 9112 6.3   | HTTP/1.1 204 No Content⏎⏎HTTP/1.1 200 OK⏎Content-Length: 6⏎⏎poison ⇒ HTTP/1.1 204 No Content⏎⏎
ended | GET  | RFC 9112 6.3   | HTTP/1.1 304 Not Modified⏎Content-Length: 6⏎⏎poison ⇒ HTTP/1.1 304 Not Modified⏎content-length: 6⏎⏎
ended | HEAD | RFC 9110 9.3.2 | HTTP/1.1 200 OK⏎Content-Length: 6⏎⏎poison ⇒ HTTP/1.1 200 OK⏎content-length: 6⏎⏎
ended | HEAD | RFC 9110 9.3.2 | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎6⏎poison⏎0⏎⏎ ⇒ HTTP/1.1 200 OK⏎⏎
ended | POST | RFC 9112 6.3   | HTTP/1.1 200 OK⏎Content-Length: 2⏎⏎ok⏎ ⇒ HTTP/1.1 200 OK⏎content-length: 2⏎⏎ok
";
