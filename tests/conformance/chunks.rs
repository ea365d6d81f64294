//! Requests whose chunked body is none: the head was good and may have gone out.

/// The columns are those of [`crate::requests`].
pub const TABLE: &str = r"
400     | cut | RFC 9112 7.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎g⏎hello⏎0⏎⏎
400     | cut | RFC 9112 7.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎0x5⏎hello⏎0⏎⏎
400     | cut | RFC 9112 7.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎-5⏎hello⏎0⏎⏎
400     | cut | RFC 9112 7.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎+5⏎hello⏎0⏎⏎
400     | cut | RFC 9112 7.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎ 5⏎hello⏎0⏎⏎
400     | cut | RFC 9112 7.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5 ⏎hello⏎0⏎⏎
400     | cut | RFC 9112 7.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5_⏎hello⏎0⏎⏎
400     | cut | RFC 9112 7.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎⏎hello⏎0⏎⏎
400     | cut | RFC 9112 7.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎;a=b⏎hello⏎0⏎⏎
400     | cut | RFC 9112 7.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎00000000000000005⏎hello⏎0⏎⏎
400     | cut | RFC 9112 7.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎10000000000000005⏎hello⏎0⏎⏎
400     | cut | RFC 9112 2.2     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5\nhello⏎0⏎⏎
400     | cut | RFC 9112 2.2     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5\rhello⏎0⏎⏎
400     | cut | RFC 9112 7.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello!⏎0⏎⏎
400     | cut | RFC 9112 7.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello\n0⏎⏎
400     | cut | RFC 9112 7.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello\r0⏎⏎
400     | cut | RFC 9112 7.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello0⏎⏎
400     | cut | RFC 9112 7.1.1   | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5;{a*2000}
400     | cut | RFC 9112 7.1.1   | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎{1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa⏎x⏎*100}
400     | cut | RFC 9112 7.1.1   | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5;a\0b⏎hello⏎0⏎⏎
400     | cut | RFC 9112 7.1.1   | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5;a\nb⏎hello⏎0⏎⏎
400     | cut | RFC 9110 6.5.1   | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎Content-Length: 5⏎⏎
400     | cut | RFC 9110 6.5.1   | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎Transfer-Encoding: chunked⏎⏎
400     | cut | RFC 9110 6.5.1   | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎Host: y⏎⏎
400     | cut | RFC 9112 5.2     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎X: y⏎ z⏎⏎
400     | cut | RFC 9112 2.2     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎X: y\n⏎
400     | cut | RFC 9112 5.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎X : y⏎⏎
400     | cut | RFC 9112 7.1.2   | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎nocolon⏎⏎
431     | cut | RFC 6585 5       | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎X: {a*9000}
431     | cut | RFC 6585 5       | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎{X: y⏎*101}⏎
400     | cut | RFC 9112 7.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎\r5⏎hello⏎0⏎⏎
400     | cut | RFC 9112 2.2     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎\n5⏎hello⏎0⏎⏎
400     | cut | RFC 9112 2.2     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5\r\r\nhello⏎0⏎⏎
400     | cut | RFC 9112 7.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎0_5⏎hello⏎0⏎⏎
400     | cut | RFC 9112 7.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5 5⏎hello⏎0⏎⏎
400     | cut | RFC 9112 7.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5,5⏎hello⏎0⏎⏎
400     | cut | RFC 9112 7.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5h⏎hello⏎0⏎⏎
400     | cut | RFC 9112 7.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎\x225\x22⏎hello⏎0⏎⏎
400     | cut | RFC 9112 7.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5\0⏎hello⏎0⏎⏎
400     | cut | RFC 9112 7.1.1   | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5\t;a⏎hello⏎0⏎⏎
400     | cut | RFC 9112 7.1.1   | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5 ;a⏎hello⏎0⏎⏎
400     | cut | RFC 9112 7.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎\xef\xbc\x95⏎hello⏎0⏎⏎
400     | cut | RFC 9112 7.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎{0*17}⏎⏎
400     | cut | RFC 9112 7.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎{f*17}⏎hello⏎0⏎⏎
400     | cut | RFC 9112 7.1.1   | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5;a=\x22b⏎hello⏎0⏎⏎
400     | cut | RFC 9112 7.1.1   | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5;a=\x22b\x5c\x22⏎hello⏎0⏎⏎
400     | cut | RFC 9112 7.1.1   | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5;a=\x22⏎\x22⏎hello⏎0⏎⏎
400     | cut | RFC 9112 2.2     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5;a\rb⏎hello⏎0⏎⏎
400     | cut | RFC 9112 2.2     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5;a\n⏎hello⏎0⏎⏎
400     | cut | RFC 9112 7.1.1   | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5;\x7f⏎hello⏎0⏎⏎
400     | cut | RFC 9112 7.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hel⏎0⏎⏎
400     | cut | RFC 9112 7.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello\r\rX
400     | cut | RFC 9112 7.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎⏎0⏎⏎
400     | cut | RFC 9112 7.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎-0⏎⏎
400     | cut | RFC 9112 7.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0 ⏎⏎
400     | cut | RFC 9112 7.1.2   | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎
400     | cut | RFC 9112 7.1.2   | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎X: y⏎
400     | cut | RFC 9110 5.1     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎: y⏎⏎
400     | cut | RFC 9110 5.5     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎X: \0⏎⏎
400     | cut | RFC 9112 2.2     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎X: y\rz⏎⏎
400     | cut | RFC 9112 2.2     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎\n
400     | cut | RFC 9112 2.2     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎\r\r
400     | cut | RFC 9112 5.2     | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎ X: y⏎⏎
400     | cut | RFC 9110 6.5.1   | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎CONTENT-LENGTH: 0⏎⏎
400     | cut | RFC 9110 6.5.1   | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎TE: trailers⏎⏎
400     | cut | RFC 9110 6.5.1   | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎Connection: close⏎⏎
400     | cut | RFC 9110 6.5.1   | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎Trailer: x⏎⏎
400     | cut | RFC 9110 6.5.1   | POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎Upgrade: x⏎⏎
";
