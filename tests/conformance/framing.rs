//! Requests whose body could end in more than one place.

/// The columns are those of [`crate::requests`].
pub const TABLE: &str = r"
400     | 0   | RFC 9112 6.3     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: 5⏎Transfer-Encoding: chunked⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.3     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎Content-Length: 5⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.3     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎Content-Length: 0⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.3     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: 5⏎Content-Length: 5⏎⏎hello
400     | 0   | RFC 9112 6.3     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: 5⏎Content-Length: 6⏎⏎hello!
400     | 0   | RFC 9112 6.3     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: 5, 5⏎⏎hello
400     | 0   | RFC 9110 8.6     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: +5⏎⏎hello
400     | 0   | RFC 9110 8.6     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: -1⏎⏎
400     | 0   | RFC 9110 8.6     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: 0x5⏎⏎hello
400     | 0   | RFC 9110 8.6     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: 5 5⏎⏎hello
400     | 0   | RFC 9110 8.6     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length:⏎⏎hello
400     | 0   | RFC 9110 8.6     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: 5;⏎⏎hello
400     | 0   | RFC 9110 8.6     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: 18446744073709551615⏎⏎hello
400     | 0   | RFC 9110 8.6     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: 18446744073709551621⏎⏎hello
400     | 0   | RFC 9112 6.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: gzip, chunked⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked, identity⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: identity⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: xchunked⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked;q=1⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked,⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: 'chunked'⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding:⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎Transfer-Encoding: chunked⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎Transfer-Encoding: identity⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.1     | POST §/bad HTTP/1.0⏎Host: x⏎Transfer-Encoding: chunked⏎⏎0⏎⏎
400     | 0   | RFC 9110 5.5     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: \x0bchunked⏎⏎0⏎⏎
400     | 0   | RFC 9112 5.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding : chunked⏎⏎0⏎⏎
400     | 0   | RFC 9112 5.1     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length\t: 5⏎⏎hello
400     | 0   | RFC 9112 5.2     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding:⏎ chunked⏎⏎0⏎⏎
400     | 0   | RFC 9112 2.2     | GET §/bad HTTP/1.1⏎Host: x⏎X: a\rTransfer-Encoding: chunked⏎⏎
400     | 0   | RFC 9110 9.3.6   | CONNECT x:443 HTTP/1.1⏎Host: x:443⏎Content-Length: 5⏎⏎hello
417     | 0   | RFC 9110 10.1.1  | POST §/bad HTTP/1.1⏎Host: x⏎Expect: 200-ok⏎Content-Length: 5⏎⏎
417     | 0   | RFC 9110 10.1.1  | POST §/bad HTTP/1.1⏎Host: x⏎Expect: 100-continue, x⏎Content-Length: 5⏎⏎
400     | 0   | RFC 9112 6.3     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: 6⏎Transfer-Encoding: identity⏎⏎hello!
400     | 0   | RFC 9112 6.3     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: 5⏎X: y⏎TRANSFER-ENCODING: Chunked⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.3     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: 5⏎content-length: 5⏎⏎hello
400     | 0   | RFC 9112 6.3     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: 5⏎X: y⏎CONTENT-LENGTH: 0⏎⏎hello
400     | 0   | RFC 9112 6.3     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: 0⏎Content-Length: 5⏎⏎hello
400     | 0   | RFC 9112 6.3     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: 5,6⏎⏎hello
400     | 0   | RFC 9110 8.6     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: 5,⏎⏎hello
400     | 0   | RFC 9110 8.6     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: ,5⏎⏎hello
400     | 0   | RFC 9110 8.6     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: \x225\x22⏎⏎hello
400     | 0   | RFC 9110 8.6     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: 5.0⏎⏎hello
400     | 0   | RFC 9110 8.6     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: 5e0⏎⏎hello
400     | 0   | RFC 9110 8.6     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: 1_0⏎⏎hello
400     | 0   | RFC 9110 8.6     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: 5h⏎⏎hello
400     | 0   | RFC 9110 8.6     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: a⏎⏎hello
400     | 0   | RFC 9110 8.6     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: 5\xa0⏎⏎hello
400     | 0   | RFC 9110 8.6     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: \xef\xbc\x95⏎⏎hello
400     | 0   | RFC 9110 8.6     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: {9*30}⏎⏎hello
400     | 0   | RFC 9110 8.6     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: -0⏎⏎
400     | 0   | RFC 9110 5.5     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: 5\x0b⏎⏎hello
400     | 0   | RFC 9110 5.5     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: 5\0⏎⏎hello
400     | 0   | RFC 9112 2.2     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: 5\r⏎⏎hello
400     | 0   | RFC 9112 5.2     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: 1⏎ 0⏎⏎hello
400     | 0   | RFC 9112 5.1     | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length : 5⏎⏎hello
400     | 0   | RFC 9112 5.1     | POST §/bad HTTP/1.1⏎Host: x⏎ Content-Length: 5⏎⏎hello
400     | 0   | RFC 9112 6.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: identity, chunked⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked, chunked⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: ,chunked⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked;⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked chunked⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: \x22chunked\x22⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: x-chunked⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunk⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked\xa0⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked\x85⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: \xef\xbb\xbfchunked⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chun\xc4\xb7ed⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: trailers, chunked⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: deflate⏎⏎0⏎⏎
400     | 0   | RFC 9110 5.5     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked\x0b⏎⏎0⏎⏎
400     | 0   | RFC 9110 5.5     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked\x0c⏎⏎0⏎⏎
400     | 0   | RFC 9110 5.5     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked\0⏎⏎0⏎⏎
400     | 0   | RFC 9110 5.5     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: \0chunked⏎⏎0⏎⏎
400     | 0   | RFC 9112 2.2     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: \rchunked⏎⏎0⏎⏎
400     | 0   | RFC 9112 2.2     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked\r⏎⏎0⏎⏎
400     | 0   | RFC 9112 2.2     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: \nchunked⏎⏎0⏎⏎
400     | 0   | RFC 9112 5.2     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎ , identity⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎TRANSFER-ENCODING: chunked⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: identity⏎Transfer-Encoding: chunked⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎Transfer-encoding: x⏎⏎0⏎⏎
400     | 0   | RFC 9112 5.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding\t: chunked⏎⏎0⏎⏎
400     | 0   | RFC 9110 5.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding\x0b: chunked⏎⏎0⏎⏎
400     | 0   | RFC 9110 5.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding\0: chunked⏎⏎0⏎⏎
400     | 0   | RFC 9110 5.1     | POST §/bad HTTP/1.1⏎Host: x⏎\x0bTransfer-Encoding: chunked⏎⏎0⏎⏎
400     | 0   | RFC 9110 5.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding\xa0: chunked⏎⏎0⏎⏎
400     | 0   | RFC 9112 5       | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding⏎: chunked⏎⏎0⏎⏎
400     | 0   | RFC 9112 5.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer Encoding: chunked⏎⏎0⏎⏎
400     | 0   | RFC 9112 5.2     | POST §/bad HTTP/1.1⏎Host: x⏎X: y⏎\tTransfer-Encoding: chunked⏎⏎0⏎⏎
400     | 0   | RFC 9112 2.2     | POST §/bad HTTP/1.1⏎Host: x⏎X: y⏎\rTransfer-Encoding: chunked⏎⏎0⏎⏎
400     | 0   | RFC 9112 2.2     | POST §/bad HTTP/1.1⏎Host: x⏎X: y\nTransfer-Encoding: chunked⏎⏎0⏎⏎
400     | 0   | RFC 9112 2.2     | POST §/bad HTTP/1.1⏎Host: x⏎X: y\r\rTransfer-Encoding: chunked⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.3     | GET §/bad HTTP/1.1⏎Host: x⏎Content-Length: 4⏎Transfer-Encoding: chunked⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.1     | POST §/bad HTTP/1.0⏎Host: x⏎Connection: keep-alive⏎Transfer-Encoding: chunked⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.1     | POST §/bad HTTP/1.1⏎Host: x⏎Connection: transfer-encoding⏎Transfer-Encoding: gzip, chunked⏎⏎0⏎⏎
400     | 0   | RFC 9112 6.3     | POST §/bad HTTP/1.1⏎Host: x⏎Connection: content-length⏎Content-Length: 5⏎Transfer-Encoding: chunked⏎⏎0⏎⏎
400     | 0   | RFC 9110 9.3.6   | CONNECT x:443 HTTP/1.1⏎Host: x:443⏎Transfer-Encoding: chunked⏎⏎0⏎⏎
417     | 0   | RFC 9110 10.1.1  | POST §/bad HTTP/1.1⏎Host: x⏎Expect: 100-continue⏎Expect: x⏎Content-Length: 5⏎⏎
417     | 0   | RFC 9110 10.1.1  | POST §/bad HTTP/1.1⏎Host: x⏎Expect: 100-continue;x⏎Content-Length: 5⏎⏎
";
