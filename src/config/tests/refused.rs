//! The exact words for each mistake in one option.

use super::{PIN, ROUTE, errors};

#[test]
fn a_wrong_route_is_refused_in_these_words() {
    let table = [
        (
            "8080,to=http://x,identity=none",
            "upstream must be https://",
        ),
        (
            "8080,to=https://,identity=none",
            "to=https://: host is missing",
        ),
        (
            "8080,to=https://a/..,identity=none",
            "to=https://a/..: path must have no . or .. segment",
        ),
        (
            "8080,to=https://b\u{fc}cher.example,identity=none",
            "to=https://b\u{fc}cher.example: host must be ASCII; give its A-label, such as \
             xn--bcher-kva.example",
        ),
        (
            "8080,to=https://u@a,identity=none",
            "to=https://u@a: user and password are not supported; take them away",
        ),
        (
            "8080,identity=none",
            "to= is missing; add to=https://HOST, where requests go",
        ),
        (
            "8080,to=https://a",
            "identity= is missing; choose as whom to send: identity=NAME, or identity=none for \
             no certificate",
        ),
        (
            "8080,to=https://a,identity=x",
            "identity=x: no --identity has this name; there are: none (built in), meter",
        ),
        (
            "8080,to=https://a,identity=none,pth=/x",
            "pth= is unknown; did you mean path=? allowed: to=, identity=, path=, strip=, sni=, \
             verify=, host=, redirects=, via=, origins=, response-timeout=, \
             clients=, from=, uid=, mode=, group=",
        ),
        (
            "8080,to=https://a,identity=none, path=/x",
            "\" path\" has a blank too many; did you mean path=? allowed: to=, identity=, path=, \
              strip=, sni=, verify=, host=, redirects=, via=, origins=, response-timeout=, \
              clients=, from=, uid=, mode=, group=",
        ),
        (
            "8080,to=https://a,identity=none,x",
            "\"x\" is not KEY=VALUE; a comma separates, a value holds none",
        ),
        (
            "8080,to=https://a,identity=none,",
            "a comma has nothing behind it; take it away, or the blank after it",
        ),
        (
            "8080,to=https://a,to=https://b,identity=none",
            "to= is given more than once; give it once",
        ),
        (
            "8080,to=https://a,identity=none,strip=yes",
            "strip= needs path=; add it, or leave strip= out",
        ),
        (
            "8080,to=https://a,identity=none,path=/a,strip=true",
            "strip=true: must be yes or no",
        ),
        (
            "8080,to=https://a,identity=none,path=a",
            "path=a: path must begin with /",
        ),
        (
            "8080,to=https://a,identity=none,sni=10.0.0.1",
            "sni=10.0.0.1: must be a DNS name; TLS sends no server name for an address, leave \
             sni= out",
        ),
        (
            "8080,to=https://a,identity=none,verify=",
            "verify=: host is missing",
        ),
        (
            "8080,to=https://a,identity=none,host=a b",
            "host=a b: host must not contain ' '",
        ),
        (
            "8080,to=https://a,identity=none,redirects=no",
            "redirects=no: must be keep or rewrite",
        ),
        (
            "8080,to=https://a,identity=none,via=no",
            "via=no: must be on or off",
        ),
        (
            "8080,to=https://a,identity=none,response-timeout=0",
            "response-timeout=0: must be more than 0",
        ),
        (
            "8080,to=https://a,identity=none,response-timeout=25h",
            "response-timeout=25h: must be a duration: 500ms, 5s or 2m, a bare number is seconds",
        ),
        (
            "8080,to=https://a,identity=none,response-timeout=1441m",
            "response-timeout=1441m: is above the maximum of 1440m",
        ),
        (
            "8080,to=https://a,identity=none,clients=0",
            "clients=0: must be at least 1",
        ),
        (
            "8080,to=https://a,identity=none,clients=1025",
            "clients=1025: is above the maximum of 1024",
        ),
        (
            "8080,to=https://a,identity=none,from=10.0.0.1/8",
            "from=10.0.0.1/8: is no first address of a range; write 10.0.0.0/8, or 10.0.0.1 alone",
        ),
        (
            "8080,to=https://a,identity=none,uid=0",
            "uid= is for unix: and systemd: only, as TCP does not tell who a peer is; listen \
             there, or admit peers by from=",
        ),
        (
            "8080,to=https://a,identity=none,mode=0660",
            "mode= is for unix: only; leave it out, or listen on unix:PATH",
        ),
        (
            "8080,to=https://a,identity=none,group=x",
            "group= is for unix: only; leave it out, or listen on unix:PATH",
        ),
        (
            "8080,to=https://a,identity=none,origins=all",
            "origins=all: must be any",
        ),
        (
            "unix:,to=https://a,identity=none",
            "unix: must be followed by a path, such as /run/egret.sock",
        ),
        (
            "unix:@x,to=https://a,identity=none",
            "unix: abstract sockets (@) are open to every local user; name a path",
        ),
        (
            "unix:/x,to=https://a,identity=none,from=::1",
            "from= is not for unix:, whose peers have no address; admit them by uid=, mode= or \
             group=",
        ),
        (
            "unix:/x,to=https://a,identity=none,uid=root",
            "uid=root: must be a user's number; run: id -u NAME",
        ),
        (
            "unix:/x,to=https://a,identity=none,mode=1777",
            "mode=1777: must be octal permission bits, 0 to 0777",
        ),
        (
            "unix:/x,to=https://a,identity=none,group=",
            "group=: must name a group",
        ),
        (
            "systemd:a:b,to=https://a,identity=none",
            "systemd: must be followed by a FileDescriptorName=: 1 to 255 printable ASCII \
             characters without :",
        ),
        (
            "systemd:x,to=https://a,identity=none,group=x",
            "group= is for unix: only; leave it out, or listen on unix:PATH",
        ),
        (
            "localhost:80,to=https://a,identity=none",
            "must listen on an address, not a name: PORT (for localhost), IP:PORT or [IPV6]:PORT",
        ),
        (
            "to=https://a,to=https://a,identity=none",
            "must begin with LISTEN: PORT (at most 65535), IP:PORT, [IPV6]:PORT, unix:PATH or systemd:NAME",
        ),
        (
            "99999,to=https://a,identity=none",
            "must begin with LISTEN: PORT (at most 65535), IP:PORT, [IPV6]:PORT, unix:PATH or systemd:NAME",
        ),
        (
            "[::]:80,to=https://a,identity=none",
            "[::]:80 is open to other machines; add from=CIDR for those that may use it, or \
             listen on 127.0.0.1",
        ),
    ];
    for (text, problem) in table {
        let given = ["--identity", "meter", "--route", text];
        assert_eq!(errors(&given), [format!("--route {text:?}: {problem}")]);
    }
}

#[test]
fn a_wrong_identity_is_refused_in_these_words() {
    let table = [
        ("", "must begin with a NAME of 1 to 64 of A-Z a-z 0-9 . _ -"),
        (
            "a b",
            "must begin with a NAME of 1 to 64 of A-Z a-z 0-9 . _ -",
        ),
        (
            "cert=a.crt",
            "must begin with a NAME of 1 to 64 of A-Z a-z 0-9 . _ -",
        ),
        ("x,cert=", "cert=: must name a file"),
        ("x,key=a.key", "key= needs cert=; add it, or leave key= out"),
        (
            "x,ca=pin",
            "ca=pin trusts no key but those of pin=; add pin=sha256/BASE64 of the server's key",
        ),
        (
            "x,pin=sha256/AAAA=",
            "pin=sha256/AAAA=: must be sha256/ and the base64 of 32 bytes, as openssl tells them \
             (see README)",
        ),
        ("x,crl=", "crl=: must name a file"),
        (
            "x,crl=1,crl=2,crl=3,crl=4,crl=5,crl=6,crl=7,crl=8,crl=9",
            "9 crl=, the maximum is 8",
        ),
        ("x,tls=1.1", "tls=1.1: must be 1.2 or 1.3"),
        (
            "x,alpn=a b",
            "alpn=a b: must be at most 255 visible ASCII characters",
        ),
        ("x,connections=0", "connections=0: must be at least 1"),
        (
            "x,connections=65",
            "connections=65: is above the maximum of 64",
        ),
        ("x,connections=+1", "connections=+1: must be a whole number"),
        ("x,waiting=257", "waiting=257: is above the maximum of 256"),
        ("x,sessions=65", "sessions=65: is above the maximum of 64"),
        (
            "x,crt=a",
            "crt= is unknown; did you mean cert=? allowed: cert=, key=, ca=, pin=, crl=, tls=, \
             alpn=, connections=, waiting=, sessions=",
        ),
        (
            "none,cert=a",
            "cert= cannot be set on the built-in none, only connections=, waiting= and \
             sessions=; choose another name",
        ),
        (
            "meter",
            "there is an identity of this name already; choose another name",
        ),
    ];
    for (text, problem) in table {
        let given = ["--identity", "meter", "--identity", text, "--route", ROUTE];
        assert_eq!(errors(&given), [format!("--identity {text:?}: {problem}")]);
    }
}

#[test]
fn pins_in_place_of_a_chain_exclude_what_needs_one() {
    let told = |keys: &str| {
        let text = format!("x,{keys}");
        let told = errors(&["--identity", &text, "--route", ROUTE]);
        let start = format!("--identity {text:?}: ");
        let told = told.iter().map(|line| line.replace(&start, ""));
        told.collect::<Vec<_>>()
    };
    assert_eq!(told(&format!("ca=pin,{PIN}")), [""; 0]);
    assert_eq!(
        told(&format!("crl=a,{PIN},ca=pin")),
        ["ca=pin leaves no chain that crl= could be about; leave crl= out, or give ca=FILE"]
    );
    assert_eq!(told(&[PIN; 9].join(",")), ["9 pin=, the maximum is 8"]);
    for keys in ["ca=pin", PIN, "crl=a"] {
        let text = format!("none,{keys}");
        let told = errors(&["--identity", &text, "--route", ROUTE]);
        assert!(
            told[0].contains("cannot be set on the built-in none"),
            "{told:?}"
        );
    }
}

#[test]
fn another_wrong_option_is_refused_in_these_words() {
    let table = [
        ("--ca", "", "must name a file"),
        ("--max-clients", "0", "must be at least 1"),
        ("--max-clients", "1025", "is above the maximum of 1024"),
        ("--max-clients", "many", "must be a whole number"),
        ("--max-header", "33k", "is above the maximum of 32k"),
        ("--max-header", "1", "must be at least 1k"),
        ("--max-header", "1g", "must be a size: 16384, 16k or 1m"),
        ("--max-body", "0", "must be at least 1"),
        ("--connect-timeout", "0", "must be more than 0"),
        ("--header-timeout", "0", "must be more than 0"),
        ("--wait-timeout", "0", "must be more than 0"),
        ("--response-timeout", "0", "must be more than 0"),
        ("--idle-timeout", "0", "must be more than 0"),
        ("--tunnel-idle", "0", "must be more than 0"),
        (
            "--upstream-idle",
            "99999999999999999999999s",
            "is above the maximum of 1440m",
        ),
        (
            "--drain-timeout",
            "soon",
            "must be a duration: 500ms, 5s or 2m, a bare number is seconds",
        ),
        (
            "--log",
            "loud",
            "must be off, error, warn, info, debug or trace",
        ),
    ];
    for (option, text, problem) in table {
        let given = [option, text, "--route", ROUTE];
        assert_eq!(errors(&given), [format!("{option} {text:?}: {problem}")]);
    }
}
