//! Requests that look odd and have one meaning only, and what of them goes out.

/// The columns are those of [`crate::requests`]; `keeps` or `ends` says what becomes of the
/// client's connection, and what goes out stands after `⇒`. `here` keeps it: nothing goes out.
pub const TABLE: &str = r"
200   | keeps | RFC 9112 2.2     | ⏎GET §/x HTTP/1.1⏎Host: x⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎⏎
200   | keeps | RFC 9110 9.1     | get §/x HTTP/1.1⏎Host: x⏎⏎ ⇒ get /x HTTP/1.1⏎host: ¤⏎⏎
200   | keeps | RFC 9110 9.1     | {X*32} §/x HTTP/1.1⏎Host: x⏎⏎ ⇒ {X*32} /x HTTP/1.1⏎host: ¤⏎⏎
200   | keeps | RFC 9110 9.1     | !#$%&'*+-.^_`|~0 §/x HTTP/1.1⏎Host: x⏎⏎ ⇒ !#$%&'*+-.^_`|~0 /x HTTP/1.1⏎host: ¤⏎⏎
200   | keeps | RFC 9110 9.3.2   | HEAD §/x HTTP/1.1⏎Host: x⏎⏎ ⇒ HEAD /x HTTP/1.1⏎host: ¤⏎⏎
200   | keeps | RFC 9110 9.3.8   | TRACE §/x HTTP/1.1⏎Host: x⏎⏎ ⇒ TRACE /x HTTP/1.1⏎host: ¤⏎⏎
200   | keeps | RFC 9110 7.6.2   | GET §/x HTTP/1.1⏎Host: x⏎Max-Forwards: 0⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎max-forwards: 0⏎⏎
200   | keeps | RFC 9110 7.6.2   | OPTIONS §/x HTTP/1.1⏎Host: x⏎Max-Forwards: 10⏎⏎ ⇒ OPTIONS /x HTTP/1.1⏎host: ¤⏎max-forwards: 9⏎⏎
200   | keeps | RFC 9110 7.6.2   | TRACE §/x HTTP/1.1⏎Host: x⏎Max-Forwards: 1⏎⏎ ⇒ TRACE /x HTTP/1.1⏎host: ¤⏎max-forwards: 0⏎⏎
200   | keeps | RFC 9110 7.6.2   | OPTIONS §/x HTTP/1.1⏎Host: x⏎Max-Forwards: +0⏎⏎ ⇒ OPTIONS /x HTTP/1.1⏎host: ¤⏎max-forwards: +0⏎⏎
200   | here  | RFC 9110 7.6.2   | OPTIONS §/x HTTP/1.1⏎Host: x⏎Max-Forwards: 0⏎⏎
200   | here  | RFC 9110 7.6.2   | TRACE §/x HTTP/1.1⏎Host: x⏎Max-Forwards: 00⏎⏎
200/- | keeps | RFC 9112 3.2.1   | GET //x/y HTTP/1.1⏎Host: x⏎⏎ ⇒ GET //x/y HTTP/1.1⏎host: ¤⏎⏎
200/- | keeps | RFC 9112 3.2.1   | GET /../x HTTP/1.1⏎Host: x⏎⏎ ⇒ GET /../x HTTP/1.1⏎host: ¤⏎⏎
200/- | keeps | RFC 9112 3.2.1   | GET /http://x/ HTTP/1.1⏎Host: x⏎⏎ ⇒ GET /http://x/ HTTP/1.1⏎host: ¤⏎⏎
200/- | keeps | RFC 9112 3.2.4   | OPTIONS * HTTP/1.1⏎Host: x⏎⏎ ⇒ OPTIONS * HTTP/1.1⏎host: ¤⏎⏎
200   | keeps | RFC 3986 3.3     | GET §/%00%0d%0a HTTP/1.1⏎Host: x⏎⏎ ⇒ GET /%00%0d%0a HTTP/1.1⏎host: ¤⏎⏎
200   | keeps | RFC 3986 3.3     | GET §/a%2F..%2f%zz HTTP/1.1⏎Host: x⏎⏎ ⇒ GET /a%2F..%2f%zz HTTP/1.1⏎host: ¤⏎⏎
200   | keeps | RFC 3986 3.3     | GET §/:@!$&'()*+,;=-._~ HTTP/1.1⏎Host: x⏎⏎ ⇒ GET /:@!$&'()*+,;=-._~ HTTP/1.1⏎host: ¤⏎⏎
200   | keeps | RFC 3986 2.2     | GET §/\x5c|^[] HTTP/1.1⏎Host: x⏎⏎ ⇒ GET /\x5c|^[] HTTP/1.1⏎host: ¤⏎⏎
200   | keeps | RFC 3986 3.4     | GET §/x?y?z&http://u@h/ HTTP/1.1⏎Host: x⏎⏎ ⇒ GET /x?y?z&http://u@h/ HTTP/1.1⏎host: ¤⏎⏎
200   | keeps | RFC 3986 3.4     | GET §/x? HTTP/1.1⏎Host: x⏎⏎ ⇒ GET /x? HTTP/1.1⏎host: ¤⏎⏎
-/200 | keeps | RFC 9112 3.2.2   | GET http://¤ HTTP/1.1⏎Host: x⏎⏎ ⇒ GET / HTTP/1.1⏎host: ¤⏎⏎
-/200 | keeps | RFC 9112 3.2.2   | GET http://¤?y HTTP/1.1⏎Host: x⏎⏎ ⇒ GET /?y HTTP/1.1⏎host: ¤⏎⏎
-/200 | keeps | RFC 9112 3.2.2   | GET http://¤//x/../y HTTP/1.1⏎Host: x⏎⏎ ⇒ GET //x/../y HTTP/1.1⏎host: ¤⏎⏎
-/200 | keeps | RFC 9112 3.2.2   | GET https://¤/x HTTP/1.1⏎Host: x⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎⏎
-/200 | keeps | RFC 9110 4.2.3   | GET HTTP://LocalHost:‡/X HTTP/1.1⏎Host: x⏎⏎ ⇒ GET /X HTTP/1.1⏎host: ¤⏎⏎
-/200 | keeps | RFC 9110 4.2.3   | GET http://localhost.:‡/x HTTP/1.1⏎Host: x⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎⏎
-/200 | keeps | RFC 9112 3.2.4   | OPTIONS http://¤ HTTP/1.1⏎Host: x⏎⏎ ⇒ OPTIONS * HTTP/1.1⏎host: ¤⏎⏎
-/200 | keeps | RFC 9112 3.2.4   | OPTIONS http://¤/ HTTP/1.1⏎Host: x⏎⏎ ⇒ OPTIONS / HTTP/1.1⏎host: ¤⏎⏎
-/200 | keeps | RFC 9112 3.2.2   | GET http://¤/x HTTP/1.1⏎Host: evil.example⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎⏎
-/200 | keeps | RFC 9112 3.2     | GET http://¤/x HTTP/1.1⏎Host:⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎⏎
200/- | keeps | RFC 9110 7.2     | GET /x HTTP/1.1⏎Host: evil.example⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎⏎
200   | keeps | RFC 3986 3.2.2   | GET §/x HTTP/1.1⏎Host: x,y⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎⏎
200   | keeps | RFC 3986 3.2.3   | GET §/x HTTP/1.1⏎hOST:\tx:\t⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎⏎
200   | keeps | RFC 3986 3.2.2   | GET §/x HTTP/1.1⏎Host: [2001:db8::1]:80⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎⏎
200   | ends  | RFC 9112 9.3     | GET §/x HTTP/1.0⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎⏎
200   | ends  | RFC 9112 9.3     | GET §/x HTTP/1.0⏎Host: x⏎Connection: x⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎⏎
200   | keeps | RFC 9112 9.3     | GET §/x HTTP/1.0⏎Connection: Keep-Alive⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎⏎
200   | ends  | RFC 9112 9.3     | GET §/x HTTP/1.0⏎Connection: keep-alive, close⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎⏎
200   | ends  | RFC 9112 9.6     | GET §/x HTTP/1.1⏎Host: x⏎Connection: close⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎⏎
200   | ends  | RFC 9112 9.6     | GET §/x HTTP/1.1⏎Host: x⏎Connection: Close, x⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎⏎
200   | ends  | RFC 9112 9.6     | GET §/x HTTP/1.1⏎Host: x⏎Connection: x ,\tclose⏎X: y⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎⏎
200   | ends  | RFC 9112 9.6     | GET §/x HTTP/1.1⏎Host: x⏎Connection: keep-alive⏎Connection: close⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎⏎
200   | ends  | RFC 9112 9.6     | POST §/x HTTP/1.1⏎Host: x⏎Connection: close⏎Content-Length: 5⏎⏎hello ⇒ POST /x HTTP/1.1⏎host: ¤⏎content-length: 5⏎⏎hello
200   | keeps | RFC 9110 7.6.1   | GET §/x HTTP/1.1⏎Host: x⏎Connection: \x22close\x22⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎⏎
200   | keeps | RFC 9110 7.6.1   | GET §/x HTTP/1.1⏎Host: x⏎Connection: host⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎⏎
200   | keeps | RFC 9110 7.6.1   | POST §/x HTTP/1.1⏎Host: x⏎Connection: content-length⏎Content-Length: 5⏎⏎hello ⇒ POST /x HTTP/1.1⏎host: ¤⏎content-length: 5⏎⏎hello
200   | keeps | RFC 9110 7.6.1   | POST §/x HTTP/1.1⏎Host: x⏎Connection: transfer-encoding⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎⏎ ⇒ POST /x HTTP/1.1⏎host: ¤⏎transfer-encoding: chunked⏎⏎5⏎hello⏎0⏎⏎
200   | keeps | RFC 9110 7.6.1   | GET §/x HTTP/1.1⏎Host: x⏎Connection: A, keep-alive⏎Connection: c⏎A: 1⏎B: 2⏎C: 3⏎Keep-Alive: timeout=5⏎Proxy-Connection: close⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎b: 2⏎⏎
200   | keeps | RFC 9110 11.7.1  | GET §/x HTTP/1.1⏎Host: x⏎Proxy-Authorization: Basic eDp5⏎Authorization: Basic eDp5⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎authorization: Basic eDp5⏎⏎
200   | keeps | RFC 9110 10.1.4  | GET §/x HTTP/1.1⏎Host: x⏎TE: chunked, gzip⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎⏎
200   | keeps | RFC 9110 10.1.4  | GET §/x HTTP/1.1⏎Host: x⏎TE: gzip, Trailers⏎Connection: TE⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎te: trailers⏎connection: te⏎⏎
200   | keeps | RFC 9113 3.1     | GET §/x HTTP/1.1⏎Host: x⏎Connection: Upgrade, HTTP2-Settings⏎Upgrade: h2c⏎HTTP2-Settings: AAMAAABk⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎⏎
200   | keeps | RFC 9113 3.1     | POST §/x HTTP/1.1⏎Host: x⏎Connection: Upgrade⏎Upgrade: h2c⏎Content-Length: 5⏎⏎hello ⇒ POST /x HTTP/1.1⏎host: ¤⏎content-length: 5⏎⏎hello
200   | keeps | RFC 9110 7.8     | GET §/x HTTP/1.1⏎Host: x⏎Connection: upgrade⏎Upgrade: H2C, TLS/1.3, HTTP/2.0, websocket⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎upgrade: websocket⏎connection: upgrade⏎⏎
200   | keeps | RFC 9110 7.8     | GET §/x HTTP/1.1⏎Host: x⏎Upgrade: websocket⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎⏎
200   | ends  | RFC 9110 7.8     | GET §/x HTTP/1.0⏎Host: x⏎Connection: upgrade⏎Upgrade: websocket⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎⏎
200   | keeps | RFC 9110 7.8     | POST §/x HTTP/1.1⏎Host: x⏎Connection: upgrade⏎Upgrade: websocket⏎Content-Length: 5⏎⏎hello ⇒ POST /x HTTP/1.1⏎host: ¤⏎content-length: 5⏎⏎hello
200   | keeps | RFC 9110 8.6     | POST §/x HTTP/1.1⏎Host: x⏎Content-Length:\t5 \t⏎⏎hello ⇒ POST /x HTTP/1.1⏎host: ¤⏎content-length: 5⏎⏎hello
200   | keeps | RFC 9110 8.6     | POST §/x HTTP/1.1⏎Host: x⏎content-length:{0*40}5⏎⏎hello ⇒ POST /x HTTP/1.1⏎host: ¤⏎content-length: {0*40}5⏎⏎hello
200   | keeps | RFC 9110 8.6     | POST §/x HTTP/1.1⏎Host: x⏎Content-Length: 0⏎⏎ ⇒ POST /x HTTP/1.1⏎host: ¤⏎content-length: 0⏎⏎
200   | keeps | RFC 9110 9.3.1   | GET §/x HTTP/1.1⏎Host: x⏎Content-Length: 5⏎⏎hello ⇒ GET /x HTTP/1.1⏎host: ¤⏎content-length: 5⏎⏎hello
200   | keeps | RFC 9110 9.3.1   | GET §/x HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎transfer-encoding: chunked⏎⏎5⏎hello⏎0⏎⏎
200   | keeps | RFC 9110 9.3.2   | HEAD §/x HTTP/1.1⏎Host: x⏎Content-Length: 5⏎⏎hello ⇒ HEAD /x HTTP/1.1⏎host: ¤⏎content-length: 5⏎⏎hello
200   | keeps | RFC 9110 5.1     | POST §/x HTTP/1.1⏎Host: x⏎Content-Length: 5⏎Transfer_Encoding: chunked⏎⏎hello ⇒ POST /x HTTP/1.1⏎host: ¤⏎content-length: 5⏎transfer_encoding: chunked⏎⏎hello
200   | keeps | RFC 9110 5.1     | GET §/x HTTP/1.1⏎Host: x⏎Content_Length: 5⏎X-Content-Length: 5⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎content_length: 5⏎x-content-length: 5⏎⏎
200   | keeps | RFC 9112 6.1     | POST §/x HTTP/1.1⏎Host: x⏎tRANSFER-eNCODING:\tChunKED \t⏎⏎5⏎hello⏎0⏎⏎ ⇒ POST /x HTTP/1.1⏎host: ¤⏎transfer-encoding: chunked⏎⏎5⏎hello⏎0⏎⏎
200   | keeps | RFC 9112 7.1     | POST §/x HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎0000000000000005⏎hello⏎A⏎0123456789⏎000⏎⏎ ⇒ POST /x HTTP/1.1⏎host: ¤⏎transfer-encoding: chunked⏎⏎f⏎hello0123456789⏎0⏎⏎
200   | keeps | RFC 9112 7.1     | POST §/x HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎0⏎⏎⏎0⏎⏎ ⇒ POST /x HTTP/1.1⏎host: ¤⏎transfer-encoding: chunked⏎⏎5⏎0⏎⏎⏎0⏎⏎
200   | keeps | RFC 9112 7.1.1   | POST §/x HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5;a=b; c=\x22d;\x5c\x22 e\x22⏎hello⏎0;z⏎⏎ ⇒ POST /x HTTP/1.1⏎host: ¤⏎transfer-encoding: chunked⏎⏎5⏎hello⏎0⏎⏎
200   | keeps | RFC 9112 7.1.2   | POST §/x HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎X: y⏎⏎ ⇒ POST /x HTTP/1.1⏎host: ¤⏎transfer-encoding: chunked⏎⏎5⏎hello⏎0⏎⏎
200   | keeps | RFC 9112 7.1.2   | POST §/x HTTP/1.1⏎Host: x⏎Trailer: X⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎X: y⏎Z: z⏎⏎ ⇒ POST /x HTTP/1.1⏎host: ¤⏎trailer: X⏎transfer-encoding: chunked⏎⏎5⏎hello⏎0⏎x: y⏎⏎
200   | keeps | RFC 9112 6       | POST §/x HTTP/1.1⏎Host: x⏎Content-Length: 35⏎⏎GET /smuggled HTTP/1.1⏎Host: x⏎⏎ ⇒ POST /x HTTP/1.1⏎host: ¤⏎content-length: 35⏎⏎GET /smuggled HTTP/1.1⏎Host: x⏎⏎
200   | keeps | RFC 9112 6       | POST §/x HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎23⏎GET /smuggled HTTP/1.1⏎Host: x⏎⏎⏎0⏎⏎ ⇒ POST /x HTTP/1.1⏎host: ¤⏎transfer-encoding: chunked⏎⏎23⏎GET /smuggled HTTP/1.1⏎Host: x⏎⏎⏎0⏎⏎
200   | keeps | RFC 9110 10.1.1  | POST §/x HTTP/1.1⏎Host: x⏎Expect: 100-Continue⏎Content-Length: 5⏎⏎hello ⇒ POST /x HTTP/1.1⏎host: ¤⏎expect: 100-Continue⏎content-length: 5⏎⏎hello
200   | keeps | RFC 9110 5.5     | GET §/x HTTP/1.1⏎Host: x⏎A:⏎B: \xff\x80 c\td \t⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎a: ⏎b: \xff\x80 c\td⏎⏎
200   | keeps | RFC 9110 5.1     | GET §/x HTTP/1.1⏎Host: x⏎!#$%&'*+-.^_`|~0: 1⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎!#$%&'*+-.^_`|~0: 1⏎⏎
200   | keeps | RFC 9110 5.3     | GET §/x HTTP/1.1⏎Host: x⏎Cookie: a⏎Cookie: b⏎⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎cookie: a⏎cookie: b⏎⏎
200   | keeps | RFC 6585 5       | GET §/x HTTP/1.1⏎Host: x⏎{A: b⏎*99}⏎ ⇒ GET /x HTTP/1.1⏎host: ¤⏎{a: b⏎*99}⏎
200   | keeps | RFC 9112 9.3.2   | $1$2$3$4 ⇒ GET /1 HTTP/1.1⏎host: ¤⏎⏎GET /2 HTTP/1.1⏎host: ¤⏎⏎POST /3 HTTP/1.1⏎host: ¤⏎content-length: 5⏎⏎threePOST /4 HTTP/1.1⏎host: ¤⏎transfer-encoding: chunked⏎⏎4⏎four⏎0⏎⏎
200   | keeps | RFC 9112 9.3.2   | POST §/x HTTP/1.1⏎Host: x⏎Content-Length: 0⏎⏎⏎GET §/y HTTP/1.1⏎Host: x⏎⏎ ⇒ POST /x HTTP/1.1⏎host: ¤⏎content-length: 0⏎⏎GET /y HTTP/1.1⏎host: ¤⏎⏎
200   | ends  | RFC 9112 9.6     | $1$3GET §/x HTTP/1.1⏎Host: x⏎Connection: close⏎⏎ ⇒ GET /1 HTTP/1.1⏎host: ¤⏎⏎POST /3 HTTP/1.1⏎host: ¤⏎content-length: 5⏎⏎threeGET /x HTTP/1.1⏎host: ¤⏎⏎
";
