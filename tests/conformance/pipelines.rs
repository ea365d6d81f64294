//! Good requests, and behind them one that is none.

/// The columns are those of [`crate::requests`].
pub const TABLE: &str = r"
400     | 1   | RFC 9112 6.3     | $1POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: 5⏎Transfer-Encoding: chunked⏎⏎0⏎⏎
400     | 2   | RFC 9112 2.2     | $1$2GET §/bad HTTP/1.1⏎Host: x\n⏎
400     | 3   | RFC 9112 3.2     | $1$2$3GET §/bad HTTP/1.1⏎⏎
400     | 4   | RFC 9112 3       | $1$2$3$4GET §/bad⏎⏎
400     | 4   | RFC 9112 2.3     | $1$2$3$4GET §/bad HTTP/3⏎⏎
400     | 3   | RFC 9112 6.3     | $1$2$3left over from a body⏎⏎
400     | 4   | RFC 9112 7.1     | $1$2$3$4⏎⏎GET §/bad HTTP/1.1⏎Host: x⏎⏎
400     | 1   | RFC 8446 5.1     | $1\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03
414     | 2   | RFC 9110 15.5.15 | $1$2GET /{a*9000} HTTP/1.1⏎Host: x⏎⏎
431     | 3   | RFC 6585 5       | $1$2$3GET §/bad HTTP/1.1⏎Host: x⏎X: {a*40000}
417     | 4   | RFC 9110 10.1.1  | $1$2$3$4POST §/bad HTTP/1.1⏎Host: x⏎Expect: more⏎Content-Length: 5⏎⏎
405/403 | 1   | RFC 9110 9.3.6   | $1CONNECT x:443 HTTP/1.1⏎Host: x⏎⏎
400     | 4   | RFC 9112 7.1     | $1$2$3$40⏎⏎
400     | 3   | RFC 9112 6.3     | $1$2$3extra 
400     | 3   | RFC 9112 6.3     | $1$2$3\0
400     | 4   | RFC 9112 2.2     | $1$2$3$4\nGET §/bad HTTP/1.1⏎Host: x⏎⏎
400     | 4   | RFC 9112 2.2     | $1$2$3$4⏎\rGET §/bad HTTP/1.1⏎Host: x⏎⏎
400     | 1   | RFC 9113 3.4     | $1PRI * HTTP/2.0⏎⏎SM⏎⏎
400     | 2   | RFC 9112 3       | $1$2HTTP/1.1 200 OK⏎Content-Length: 0⏎⏎
400     | 3   | RFC 9112 3.2     | $1$2$3GET bad HTTP/1.1⏎Host: x⏎⏎
400     | 3   | RFC 9112 6.1     | $1$2$3POST §/bad HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked, x⏎⏎0⏎⏎
400     | 1   | RFC 9110 8.6     | $1POST §/bad HTTP/1.1⏎Host: x⏎Content-Length: -5⏎⏎
414     | 4   | RFC 9110 15.5.15 | $1$2$3$4GET §/{a*9000}
400/403 | 2   | RFC 9110 15.5.4  | $1$2GET http://x/bad HTTP/1.1⏎Host: x⏎⏎
405/403 | 4   | RFC 9110 9.3.6   | $1$2$3$4CONNECT ¤ HTTP/1.1⏎Host: x⏎⏎
";
