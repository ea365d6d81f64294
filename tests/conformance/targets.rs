//! Requests that do not say clearly where they go.

/// The columns are those of [`crate::requests`].
pub const TABLE: &str = r"
400     | 0   | RFC 9112 3.2     | GET §/bad\0 HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad it HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad#part HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad?a#b?c HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad\xc3\xa9 HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad<script> HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad?a=\x22b\x22 HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3.2     | GET bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3.2     | GET * HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3.2     | GET x:80 HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3.2     | GET \x5cbad HTTP/1.1⏎Host: x⏎⏎
400/403 | 0   | RFC 9112 3.2.1   | GET http://x/bad HTTP/1.1⏎Host: x⏎⏎
400/403 | 0   | RFC 9112 3.2.1   | GET https://x/bad HTTP/1.1⏎Host: x⏎⏎
400/403 | 0   | RFC 9112 3.2.1   | GET HTTP://x HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 4.2.4   | GET http://me@x/bad HTTP/1.1⏎Host: x⏎⏎
405/403 | 0   | RFC 9110 9.3.6   | CONNECT x:443 HTTP/1.1⏎Host: x:443⏎⏎
400     | 0   | RFC 9110 9.3.6   | CONNECT x HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 9.3.6   | CONNECT §/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: x⏎Host: x⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: x⏎Host: y⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.0⏎Host: x⏎hOST: y⏎⏎
400/-   | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host:⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: x y⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: x/y⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: me@x⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: x:65536⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: [::1⏎⏎
-/400   | 0   | RFC 9112 3.2.2   | GET /bad HTTP/1.1⏎Host: x⏎⏎
-/400   | 0   | RFC 9112 3.2.2   | GET //¤/bad HTTP/1.1⏎Host: x⏎⏎
-/400   | 0   | RFC 9112 3.2.2   | GET /../bad HTTP/1.1⏎Host: x⏎⏎
-/400   | 0   | RFC 9112 3.2.4   | OPTIONS * HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3.2     | GET ?bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3.2     | GET ¤/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3.2     | GET localhost HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3.2     | GET bad/../bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 4.2.1   | GET http:///bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 4.2.1   | GET http:// HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 4.2.1   | GET http://?bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3.2.2   | GET http:/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3.2.2   | GET http:bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3.2.2   | GET http:/\x5c¤/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3.2.2   | GET ://¤/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 4.2.1   | GET http://:80/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3.2.2   | GET ftp://¤/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3.2.2   | GET ws://¤/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3.2.2   | GET file:///etc/passwd HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3.2.2   | GET 1http://¤/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3.2.2   | GET h\x7ftp://¤/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3.2     | GET http://¤/bad#part HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3.2     | GET http://¤#@x/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 4.2.4   | GET http://u:p@¤/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 4.2.4   | GET http://@¤/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 4.2.4   | GET http://¤@x/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 4.2.4   | GET http://x:80@¤:80/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 4.2.1   | GET http://x\x5c@¤/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 4.2.1   | GET http://¤\x5cbad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 4.2.1   | GET http://local%68ost/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 4.2.1   | GET http://localhost%00.x/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 4.2.1   | GET http://l\xc3\xb6calhost/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 4.2.1   | GET http://<localhost>/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 4.2.1   | GET http://localhost:65536/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 4.2.1   | GET http://localhost:+80/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 4.2.1   | GET http://localhost:-1/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 4.2.1   | GET http://localhost:0/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 4.2.1   | GET http://localhost:80:80/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 4.2.1   | GET http://localhost:x/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 4.2.1   | GET http://localhost:%38%30/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 6874 2       | GET http://[::1%25lo]/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 3986 3.2.2   | GET http://[::1/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 3986 3.2.2   | GET http://[::1]x/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 3986 3.2.2   | GET http://::1/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 3986 3.2.2   | GET http://[v1.x]/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 3986 3.2.2   | GET http://[127.0.0.1]/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 3986 7.4     | GET http://127.1/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 3986 7.4     | GET http://2130706433/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 3986 7.4     | GET http://0x7f.0.0.1/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 3986 7.4     | GET http://0177.0.0.1/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 1035 2.3.4   | GET http://localhost../bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 1035 2.3.4   | GET http://.localhost/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 1035 2.3.4   | GET http://local,host/bad HTTP/1.1⏎Host: x⏎⏎
400/403 | 0   | RFC 9110 15.5.4  | GET http://127.0.0.1/bad HTTP/1.1⏎Host: x⏎⏎
400/403 | 0   | RFC 9110 15.5.4  | GET http://[::1]/bad HTTP/1.1⏎Host: x⏎⏎
400/403 | 0   | RFC 9110 15.5.4  | GET http://[::ffff:127.0.0.1]/bad HTTP/1.1⏎Host: x⏎⏎
400/403 | 0   | RFC 9110 15.5.4  | GET http://evil-localhost/bad HTTP/1.1⏎Host: x⏎⏎
400/403 | 0   | RFC 9110 15.5.4  | GET http://localhost.evil.example/bad HTTP/1.1⏎Host: x⏎⏎
400/403 | 0   | RFC 9110 15.5.4  | GET http://x.localhost/bad HTTP/1.1⏎Host: x⏎⏎
405/403 | 0   | RFC 9110 9.3.6   | CONNECT ¤ HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 9.3.6   | CONNECT http://¤/bad HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 9.3.6   | CONNECT u@¤ HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 9.3.6   | CONNECT localhost: HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 9.3.6   | CONNECT localhost:https HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 9.3.6   | CONNECT * HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9110 9.3.6   | CONNECT ¤/ HTTP/1.1⏎Host: x⏎⏎
405/403 | 0   | RFC 9110 9.3.6   | CONNECT [::1]:443 HTTP/1.1⏎Host: x⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: x:80:80⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: x:+80⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: x:-1⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: x:80a⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: x:000080⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: ::1⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: [::1]x⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: [fe80::1%25eth0]⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: [::1%lo]⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: x%00⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: x%2e⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: x\ty⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: x#y⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: x?y⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: x\x5cy⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: http://x⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: http://x/⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: \x22x\x22⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: x\xc3\xa9⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: <x>⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: :80⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: @x⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: x@⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: []⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.0⏎Host: x/y⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎host: x⏎X: y⏎HOST: x⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: x⏎Host:⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎Host: x, y z⏎⏎
400     | 0   | RFC 9112 3.2     | GET §/bad HTTP/1.1⏎X-Forwarded-Host: x⏎⏎
400     | 0   | RFC 9112 5.1     | GET §/bad HTTP/1.1⏎Host : x⏎⏎
400     | 0   | RFC 9112 5.2     | GET §/bad HTTP/1.1⏎X: y⏎ Host: x⏎⏎
";
