//! Options, files of them, targets.

/// A word a line.
pub const OPTIONS: &[&str] = &[
    "--route=8080,to=https://a.example/p,identity=none,path=/x,strip=yes\n--identity\nn,cert=c,key=k,ca=pin,\
     pin=sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,crl=f,tls=1.2,alpn=x,connections=3,waiting=2,\
     sessions=1\n--forward\nunix:/s,to=*.a.example:*,identity=n,tunnel=on,uid=5,mode=0660,group=g\n\
     --admin=[::1]:9000,from=10.0.0.0/8\n--max-header=20k",
    "probe\nhttps://a.example:8443,identity=n\n--identity=n,cert=c,key=k\n--json\n--isolation",
    "check\n--connect-timeout=500ms\n--log=debug\n--access-log\n--syslog\n--keylog=f\n--pidfile=p\n\
     --upstream-idle=0\n--reload-interval=0\n--max-clients=9\n--max-body=1m",
    "--route\n[::]:80,to=https://[::1]:8443,identity=none,from=fe80::/10,sni=a,verify=b,host=keep,\
     redirects=keep,via=off,origins=any,response-timeout=2m,clients=7\n--route=systemd:x,to=https://b,\
     identity=none\n--ca=x\n--drain-timeout=1\n--header-timeout=1s\n--wait-timeout=0\n--idle-timeout=1d",
];

/// Files of options.
pub const OPTION_FILES: &[&str] = &[
    "# all\n--route \"8080,to=https://a.example,identity=none\"\n--ca 'a b' # rest\n--log=inf\\\no\n",
    "\u{feff}--ca \"\\\"\\$x\" a\\ b\r\n--log 'info\n",
    "--identity a,cert=c,\\\r\nkey=k\n\n\t--access-log\n@other\n",
    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
];

/// A target, a Location, a pattern and an authority.
pub const TARGETS: &[&str] = &[
    "/a/c?x=1\nhttps://up.example/x/c#f\n*.wild.example:*\nA.wild.example:8443",
    "/a/b/%2e%2e/z\n/base/z\n[::1]:8443\n[::ffff:127.0.0.1]:",
    "https://a.wild.example:99/x?y\n//up.example:443/base?q\n*:443\nexact.example.",
    "http://exact.example:80?q\nhttps://up.example\nexact.example\nEXACT.example:443",
    "http://[::1]:8443/\n/x//evil.example\n127.0.0.1:*\n127.0.0.1:1",
    "/A/b;x/..;/c\n/base//x\n*\n[2001:db8::1]",
];

/// Answers to a request for an upgrade: the first byte says that it is one.
pub const UPGRADES: &[&str] = &[
    "(HTTP/1.1 101 Switching Protocols⏎Upgrade: websocket⏎Connection: upgrade⏎⏎hello",
    "(HTTP/1.1 101 Switching Protocols⏎Upgrade: other⏎Connection: upgrade⏎⏎hello",
    "(HTTP/1.1 100 Continue⏎⏎HTTP/1.1 200 OK⏎Content-Length: 2⏎Connection: x⏎X: y⏎⏎ok",
];
