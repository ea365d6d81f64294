//! Heads of answers that are not HTTP/1.1: 502.

/// The columns are those of [`crate::upstreams`].
pub const TABLE: &str = r"
502   | GET  | RFC 9112 6.3   | HTTP/1.1 200 OK⏎Content-Length: 5⏎Transfer-Encoding: chunked⏎⏎0⏎⏎
502   | GET  | RFC 9112 6.3   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎Content-Length: 5⏎⏎0⏎⏎
502   | GET  | RFC 9112 6.3   | HTTP/1.1 200 OK⏎Content-Length: 5⏎Content-Length: 5⏎⏎hello
502   | GET  | RFC 9112 6.3   | HTTP/1.1 200 OK⏎Content-Length: 5⏎Content-Length: 6⏎⏎hello!
502   | GET  | RFC 9112 6.3   | HTTP/1.1 200 OK⏎Content-Length: 5, 5⏎⏎hello
502   | GET  | RFC 9110 8.6   | HTTP/1.1 200 OK⏎Content-Length: +5⏎⏎hello
502   | GET  | RFC 9110 8.6   | HTTP/1.1 200 OK⏎Content-Length: -1⏎⏎hello
502   | GET  | RFC 9110 8.6   | HTTP/1.1 200 OK⏎Content-Length: five⏎⏎hello
502   | GET  | RFC 9110 8.6   | HTTP/1.1 200 OK⏎Content-Length:⏎⏎hello
502   | GET  | RFC 9110 8.6   | HTTP/1.1 200 OK⏎Content-Length: 18446744073709551621⏎⏎hello
502   | GET  | RFC 9110 8.6   | HTTP/1.1 204 No Content⏎Content-Length: 5⏎⏎hello
502   | GET  | RFC 9112 6.1   | HTTP/1.1 204 No Content⏎Transfer-Encoding: chunked⏎⏎0⏎⏎
502   | GET  | RFC 9112 6.1   | HTTP/1.1 103 Early Hints⏎Transfer-Encoding: chunked⏎⏎HTTP/1.1 200 OK⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 6.1   | HTTP/1.1 200 OK⏎Transfer-Encoding: gzip⏎⏎hello
502   | GET  | RFC 9112 6.1   | HTTP/1.1 200 OK⏎Transfer-Encoding: gzip, chunked⏎⏎0⏎⏎
502   | GET  | RFC 9112 6.1   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked, chunked⏎⏎0⏎⏎
502   | GET  | RFC 9112 6.1   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎Transfer-Encoding: chunked⏎⏎0⏎⏎
502   | GET  | RFC 9112 6.1   | HTTP/1.1 200 OK⏎Transfer-Encoding: identity⏎⏎hello
502   | GET  | RFC 9112 6.1   | HTTP/1.0 200 OK⏎Transfer-Encoding: chunked⏎⏎0⏎⏎
502   | GET  | RFC 9112 2.2   | HTTP/1.1 200 OK\nContent-Length: 0⏎⏎
502   | GET  | RFC 9112 2.2   | HTTP/1.1 200 OK\nContent-Length: 0\n\n
502   | GET  | RFC 9112 2.2   | HTTP/1.1 200 OK⏎X: y\nContent-Length: 0⏎⏎
502   | GET  | RFC 9112 2.2   | HTTP/1.1 200 OK⏎Content-Length: 0⏎\n
502   | GET  | RFC 9112 2.2   | HTTP/1.1 200 OK⏎X: y\rz⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9110 5.5   | HTTP/1.1 200 OK⏎X: y\0z⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9110 5.5   | HTTP/1.1 200 OK⏎X: \x1b[31m⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 4     | HTTP/1.1 200 O\0K⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 5.2   | HTTP/1.1 200 OK⏎X: y⏎ z⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 5.2   | HTTP/1.1 200 OK⏎Transfer-Encoding:⏎\tchunked⏎⏎0⏎⏎
502   | GET  | RFC 9112 5.1   | HTTP/1.1 200 OK⏎Content-Length : 0⏎⏎
502   | GET  | RFC 9112 5     | HTTP/1.1 200 OK⏎nocolon⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9110 5.1   | HTTP/1.1 200 OK⏎: y⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9110 5.1   | HTTP/1.1 200 OK⏎X(y): z⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 4     | HTTP/1.1 20 OK⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 4     | HTTP/1.1 2000 OK⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 4     | HTTP/1.1 abc OK⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 4     | HTTP/1.1  200 OK⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 4     | HTTP/1.1⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 4     | HTTP/1.1 ⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 4     | HTTP/1.1 200OK⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 4     | ⏎HTTP/1.1 200 OK⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9110 15    | HTTP/1.1 099 Low⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9110 15    | HTTP/1.1 600 High⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 2.3   | HTTP/2.0 200 OK⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 2.3   | HTTP/1.2 200 OK⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 2.3   | HTTP/0.9 200 OK⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 2.3   | http/1.1 200 OK⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 4     | ICY 200 OK⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 4     | <html>hello</html>⏎
502   | GET  | RFC 9112 4     | SSH-2.0-OpenSSH_9.2⏎
502   | GET  | RFC 9113 3.4   | \0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80\0\x04\0\x01\0\0\0\x05\0\xff\xff\xff
502   | GET  | RFC 9113 3.4   | PRI * HTTP/2.0⏎⏎SM⏎⏎
502   | GET  | RFC 9110 15.2.2 | HTTP/1.1 101 Switching Protocols⏎Connection: upgrade⏎Upgrade: x⏎⏎
502   | GET  | RFC 9110 15.2  | {HTTP/1.1 102 Processing⏎⏎*17}
502   | GET  | RFC 6585 5     | HTTP/1.1 200 OK⏎X: {a*40000}⏎Content-Length: 0⏎⏎
502   | GET  | RFC 6585 5     | HTTP/1.1 200 OK⏎{X: aaaaaaaaaa⏎*4000}
502   | GET  | RFC 6585 5     | HTTP/1.1 200 OK⏎{a*40000}
502   | GET  | RFC 6585 5     | HTTP/1.1 200 {a*40000}
502   | GET  | RFC 6585 5     | HTTP/1.1 200 OK⏎{X: y⏎*100}Content-Length: 0⏎⏎
502   | GET  | RFC 9112 4     | HTTP/1.1 200 OK⏎HTTP/1.1 200 OK⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 4     | HTTP/1.1\t200\tOK⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 4     | HTTP/1.1 +20 OK⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 4     |  HTTP/1.1 200 OK⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 4     | HTTP/1.1 \xb2\xb0\xb0 OK⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 4     | 200 OK⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 4     | HTTP/1.1 200\tOK⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 4     | GET / HTTP/1.1⏎Host: x⏎⏎
502   | GET  | RFC 9112 2.3   | HTTP/1.10 200 OK⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 2.3   | HTTP/3 200 OK⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 2.3   | HTTP/1,1 200 OK⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9110 15    | HTTP/1.1 000 Zero⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9110 15    | HTTP/1.1 999 Max⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9110 5.1   | HTTP/1.1 200 OK⏎X\0: y⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9110 5.1   | HTTP/1.1 200 OK⏎\xc3\xa9: y⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 5.1   | HTTP/1.1 200 OK⏎X Y: z⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 5.1   | HTTP/1.1 200 OK⏎Transfer-Encoding\t: chunked⏎⏎0⏎⏎
502   | GET  | RFC 9112 2.2   | HTTP/1.1 200 OK⏎X: y\r⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 2.2   | HTTP/1.1 200 OK\r\r⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 2.2   | \rHTTP/1.1 200 OK⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9110 5.5   | HTTP/1.1 200 OK⏎X: y\x0b⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9110 5.5   | HTTP/1.1 200 OK⏎X: \x7f⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 5.2   | HTTP/1.1 200 OK⏎ X: y⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9112 5.2   | HTTP/1.1 200 OK⏎Content-Length: 0⏎ ⏎⏎
502   | GET  | RFC 9110 8.6   | HTTP/1.1 200 OK⏎Content-Length: 0x5⏎⏎hello
502   | GET  | RFC 9110 8.6   | HTTP/1.1 200 OK⏎Content-Length: 5 5⏎⏎hello
502   | GET  | RFC 9110 8.6   | HTTP/1.1 200 OK⏎Content-Length: 5\xa0⏎⏎hello
502   | GET  | RFC 9110 8.6   | HTTP/1.1 200 OK⏎Content-Length: 5;⏎⏎hello
502   | GET  | RFC 9110 8.6   | HTTP/1.1 200 OK⏎Content-Length: 18446744073709551615⏎⏎hello
502   | GET  | RFC 9112 6.3   | HTTP/1.1 200 OK⏎Content-Length: 0⏎content-length: 5⏎⏎hello
502   | GET  | RFC 9112 6.3   | HTTP/1.1 304 Not Modified⏎Content-Length: 5⏎Transfer-Encoding: chunked⏎⏎
502   | GET  | RFC 9112 6.3   | HTTP/1.1 200 OK⏎Content-Length: 5⏎X: y⏎TRANSFER-ENCODING: Chunked⏎⏎0⏎⏎
502   | GET  | RFC 9112 6.1   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked, gzip⏎⏎hello
502   | GET  | RFC 9112 6.1   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked;⏎⏎0⏎⏎
502   | GET  | RFC 9112 6.1   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked\xa0⏎⏎0⏎⏎
502   | GET  | RFC 9110 5.5   | HTTP/1.1 200 OK⏎Transfer-Encoding: chunked\x0b⏎⏎0⏎⏎
502   | GET  | RFC 9112 6.1   | HTTP/1.1 200 OK⏎Transfer-Encoding:⏎⏎hello
502   | GET  | RFC 9112 6.1   | HTTP/1.1 304 Not Modified⏎Transfer-Encoding: gzip⏎⏎
502   | GET  | RFC 9110 8.6   | HTTP/1.1 100 Continue⏎Content-Length: 5⏎⏎helloHTTP/1.1 200 OK⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9110 15.2  | HTTP/1.1 100 Continue⏎⏎helloHTTP/1.1 200 OK⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9110 15.2  | HTTP/1.1 103 Early Hints⏎Link: y⏎⏎\nHTTP/1.1 200 OK⏎Content-Length: 0⏎⏎
502   | GET  | RFC 9110 15.2  | {HTTP/1.1 100 Continue⏎⏎*1000}
502   | GET  | RFC 9110 15.2.2 | HTTP/1.1 101 Switching Protocols⏎Connection: upgrade⏎Upgrade: h2c⏎⏎\0\0\0\x04\0\0\0\0\0
502   | GET  | RFC 6585 5     | HTTP/1.1 200 OK⏎{a*33000}: y⏎Content-Length: 0⏎⏎
502   | GET  | RFC 8446 5.1   | \x16\x03\x03\0\x01\0
502   | GET  | RFC 5321 4.2   | 220 mail.example ESMTP⏎
502   | HEAD | RFC 9112 6.3   | HTTP/1.1 200 OK⏎Content-Length: 5⏎Transfer-Encoding: chunked⏎⏎
502   | HEAD | RFC 9110 8.6   | HTTP/1.1 200 OK⏎Content-Length: x⏎⏎
";
