//! Requests whose client ends in the middle: nobody is answered, and nothing of them is taken for
//! the whole.

/// The columns are those of [`crate::requests`].
pub const TABLE: &str = r"
000 | gone | RFC 9112 8       | G
000 | gone | RFC 9112 8       | GET §/bad HTTP/1.1
000 | gone | RFC 9112 8       | GET §/bad HTTP/1.1⏎Host: x⏎
000 | gone | RFC 9112 8       | GET §/bad HTTP/1.1⏎Host: x⏎\r
000 | gone | RFC 9112 8       | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: 5⏎⏎
000 | gone | RFC 9112 8       | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: 5⏎⏎hell
000 | gone | RFC 9112 8       | POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: 18446744073709551613⏎⏎hello
000 | gone | RFC 9112 8       | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎
000 | gone | RFC 9112 8       | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5
000 | gone | RFC 9112 8       | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎
000 | gone | RFC 9112 8       | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0
000 | gone | RFC 9112 8       | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎
000 | gone | RFC 9112 8       | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎X: y⏎
000 | gone | RFC 9112 8       | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎{f*16}⏎hello
";
