//! Requests whose lines are not those of HTTP/1.1, or too large.

/// The columns are those of [`crate::requests`].
pub const TABLE: &str = r"
400     | 0   | RFC 9112 5.2     | GET §/bad HTTP/1.1⏎Host: x⏎X: a⏎\tb⏎⏎
400     | 0   | RFC 9112 2.2     | GET §/bad HTTP/1.1⏎ Host: x⏎⏎
400     | 0   | RFC 9112 2.2     | GET §/bad HTTP/1.1\nHost: x⏎⏎
400     | 0   | RFC 9112 2.2     | GET §/bad HTTP/1.1\nHost: x\n\n
400     | 0   | RFC 9112 2.2     | GET §/bad HTTP/1.1⏎Host: x\nX: y⏎⏎
400     | 0   | RFC 9112 2.2     | GET §/bad HTTP/1.1⏎Host: x⏎\n
400     | 0   | RFC 9112 2.2     | GET §/bad HTTP/1.1⏎Host: x\n⏎
400     | 0   | RFC 9112 2.2     | GET §/bad HTTP/1.1⏎Host: x⏎X: a\rb⏎⏎
400     | 0   | RFC 9112 2.2     | GET §/bad\r HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 2.2     | GET §/bad HTTP/1.1\r⏎Host: x⏎⏎
400     | 0   | RFC 9112 2.2     | ⏎⏎GET §/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 2.2     | \nGET §/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 5.5     | GET §/bad HTTP/1.1⏎Host: x⏎X: a\0b⏎⏎
400     | 0   | RFC 9110 5.1     | GET §/bad HTTP/1.1⏎Host: x⏎X\0: a⏎⏎
400     | 0   | RFC 9110 5.5     | GET §/bad HTTP/1.1⏎Host: x⏎X: \x7f⏎⏎
400     | 0   | RFC 9110 5.5     | GET §/bad HTTP/1.1⏎Host: x⏎X: \x01⏎⏎
400     | 0   | RFC 9112 5       | GET §/bad HTTP/1.1⏎Host: x⏎no colon⏎⏎
400     | 0   | RFC 9112 5       | GET §/bad HTTP/1.1⏎Host: x⏎nocolon⏎⏎
400     | 0   | RFC 9110 5.1     | GET §/bad HTTP/1.1⏎Host: x⏎: no name⏎⏎
400     | 0   | RFC 9110 5.1     | GET §/bad HTTP/1.1⏎Host: x⏎X(Y: z⏎⏎
400     | 0   | RFC 9110 5.1     | GET §/bad HTTP/1.1⏎Host: x⏎X@: z⏎⏎
400     | 0   | RFC 9110 5.1     | GET §/bad HTTP/1.1⏎Host: x⏎\xc3\xa9: z⏎⏎
400     | 0   | RFC 9112 5.1     | GET §/bad HTTP/1.1⏎Host: x⏎X Y: z⏎⏎
400     | 0   | RFC 9112 3       | GET §/bad⏎⏎
400     | 0   | RFC 9112 3       | GET §/bad⏎
400     | 0   | RFC 9112 3       | GET⏎⏎
400     | 0   | RFC 9112 3       | GET  §/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3       | GET §/bad  HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3       | GET §/bad HTTP/1.1 ⏎Host: x⏎⏎
400     | 0   | RFC 9112 3       | GET §/bad HTTP/1.1 x⏎Host: x⏎⏎
400     | 0   | RFC 9112 3       | GET\t§/bad\tHTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3       |  GET §/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3       |  §/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 9.1     | G@T §/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 9.1     | {X*33} §/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 2.3     | GET §/bad HTTP/1.2⏎Host: x⏎⏎
400     | 0   | RFC 9112 2.3     | GET §/bad HTTP/2.0⏎Host: x⏎⏎
400     | 0   | RFC 9112 2.3     | GET §/bad HTTP/0.9⏎Host: x⏎⏎
400     | 0   | RFC 9112 2.3     | GET §/bad HTTP/1.10⏎Host: x⏎⏎
400     | 0   | RFC 9112 2.3     | GET §/bad HTTP/01.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 2.3     | GET §/bad http/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 2.3     | GET §/bad ICAP/1.0⏎Host: x⏎⏎
400     | 0   | RFC 9113 3.4     | PRI * HTTP/2.0⏎⏎SM⏎⏎\0\0\0\x04\0\0\0\0\0
400     | 0   | RFC 8446 5.1     | \x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03{\x5a*32}
414     | 0   | RFC 9110 15.5.15 | GET /{a*8192} HTTP/1.1⏎Host: x⏎⏎
414     | 0   | RFC 9110 15.5.15 | GET /{a*20000}
414     | 0   | RFC 9112 3       | {X*20000}
431     | 0   | RFC 6585 5       | GET §/bad HTTP/1.1⏎Host: x⏎X: {a*17000}⏎⏎
431     | 0   | RFC 6585 5       | GET §/bad HTTP/1.1⏎Host: x⏎{X: aaaaaaaaaaaa⏎*1100}⏎
431     | 0   | RFC 6585 5       | GET §/bad HTTP/1.1⏎Host: x⏎{a*40000}
431     | 0   | RFC 6585 5       | GET §/bad HTTP/1.1⏎Host: x⏎{X: y⏎*100}⏎
400     | 0   | RFC 9110 5.1     | GET §/bad HTTP/1.1⏎Host: x⏎(x): y⏎⏎
400     | 0   | RFC 9110 5.1     | GET §/bad HTTP/1.1⏎Host: x⏎=x: y⏎⏎
400     | 0   | RFC 9110 5.1     | GET §/bad HTTP/1.1⏎Host: x⏎X;: y⏎⏎
400     | 0   | RFC 9110 5.1     | GET §/bad HTTP/1.1⏎Host: x⏎\x22X\x22: y⏎⏎
400     | 0   | RFC 9110 5.1     | GET §/bad HTTP/1.1⏎Host: x⏎X/Y: z⏎⏎
400     | 0   | RFC 9110 5.1     | GET §/bad HTTP/1.1⏎Host: x⏎[X]: y⏎⏎
400     | 0   | RFC 9110 5.1     | GET §/bad HTTP/1.1⏎Host: x⏎X\x7f: y⏎⏎
400     | 0   | RFC 9110 5.1     | GET §/bad HTTP/1.1⏎Host: x⏎X\x80: y⏎⏎
400     | 0   | RFC 9110 5.1     | GET §/bad HTTP/1.1⏎Host: x⏎X,Y: z⏎⏎
400     | 0   | RFC 9112 5.2     | GET §/bad HTTP/1.1⏎Host: x⏎ ⏎⏎
400     | 0   | RFC 9112 5.2     | GET §/bad HTTP/1.1⏎Host: x⏎\t⏎⏎
400     | 0   | RFC 9112 5.2     | GET §/bad HTTP/1.1⏎Host: x⏎X: y⏎ : z⏎⏎
400     | 0   | RFC 9112 5       | GET §/bad HTTP/1.1⏎Host: x⏎X⏎: y⏎⏎
400     | 0   | RFC 9112 5.1     | GET §/bad HTTP/1.1⏎Host: x⏎X\t: y⏎⏎
400     | 0   | RFC 9112 2.2     | GET §/bad HTTP/1.1⏎Host: x⏎X: y\r⏎⏎
400     | 0   | RFC 9112 2.2     | GET §/bad HTTP/1.1⏎Host: x⏎\rX: y⏎⏎
400     | 0   | RFC 9112 2.2     | GET §/bad HTTP/1.1⏎Host: x⏎\nX: y⏎⏎
400     | 0   | RFC 9112 2.2     | GET §/bad HTTP/1.1⏎Host: x⏎X: y\n\nGET §/smuggled HTTP/1.1\nHost: x⏎⏎
400     | 0   | RFC 9110 5.5     | GET §/bad HTTP/1.1⏎Host: x⏎X: \x1f⏎⏎
400     | 0   | RFC 9110 5.5     | GET §/bad HTTP/1.1⏎Host: x⏎X: y\x0c⏎⏎
400     | 0   | RFC 9110 5.5     | GET §/bad HTTP/1.1⏎Host: x⏎X: \0⏎⏎
400     | 0   | RFC 9112 5       | GET §/bad HTTP/1.1⏎Host: x⏎GET §/smuggled HTTP/1.1⏎⏎
400     | 0   | RFC 9112 5       | GET §/bad HTTP/1.1⏎Host: x⏎HTTP/1.1 200 OK⏎⏎
400     | 0   | RFC 9112 3       | GET\x0b§/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3       | GET\xa0§/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 9.1     | \xef\xbb\xbfGET §/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 9.1     | GET,POST §/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 9.1     | \x22GET\x22 §/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 9.1     | GET: §/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 9.1     | GE\0T §/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 2.3     | GET §/bad HTTP/1,1⏎Host: x⏎⏎
400     | 0   | RFC 9112 2.3     | GET §/bad HTTP/1.1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 2.3     | GET §/bad HTTP/11⏎Host: x⏎⏎
400     | 0   | RFC 9112 2.3     | GET §/bad HTTP/1.⏎Host: x⏎⏎
400     | 0   | RFC 9112 2.3     | GET §/bad HTTP/1.1HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 2.3     | GET §/bad HTTPS/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 2.3     | GET §/bad HTTP/-1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 2.3     | GET §/bad HTTP/3⏎Host: x⏎⏎
400     | 0   | RFC 9112 2.3     | GET §/bad Http/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3       | GET §/bad HTTP/ 1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3       | GET §/bad HTTP /1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3       | GET §/bad HTTP/1.1\t⏎Host: x⏎⏎
400     | 0   | RFC 9110 5.5     | GET §/bad HTTP/1.1\x0b⏎Host: x⏎⏎
400     | 0   | RFC 9112 3       | GET §/bad ⏎Host: x⏎⏎
400     | 0   | RFC 9112 3       | GET HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3       | GET  HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 9.1     | HTTP/1.1 200 OK⏎Content-Length: 0⏎⏎
400     | 0   | RFC 9112 3       | : x⏎⏎
400     | 0   | RFC 9112 3       | Host: x⏎⏎
400     | 0   | RFC 9112 2.2     | {⏎*50}GET §/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 2.2     | \rGET §/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 2.2     | ⏎ GET §/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 2.2     | \0GET §/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 2.2     | PROXY TCP4 192.0.2.1 192.0.2.2 1 80⏎GET §/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 2.2     | ⏎⏎\0⏎QUIT\n\x21\x11\0\0
400     | 0   | RFC 1928 3       | \x05\x01\0
400     | 0   | RFC 8446 5.1     | \x80\x2e\x01\x03\x01\0\x15\0\0⏎
400     | 0   | RFC 4253 4.2     | SSH-2.0-OpenSSH_9.2⏎
400     | 0   | RFC 9113 3.4     | PRI * HTTP/1.1⏎⏎SM⏎⏎
431     | 0   | RFC 6585 5       | GET §/bad HTTP/1.1⏎Host: x⏎{aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: y⏎*99}{x*9000}: y⏎⏎
431     | 0   | RFC 6585 5       | GET §/bad HTTP/1.1⏎Host: {x*20000}⏎⏎
414     | 0   | RFC 9110 15.5.15 | GET §/bad?{a=b&*3000} HTTP/1.1⏎Host: x⏎⏎
";
