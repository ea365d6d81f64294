use super::*;
use crate::config::destination;

/// Whether a pattern takes a destination, as a client names it; no port is 443.
fn matches(pattern: &str, text: &str) -> bool {
    let (host, port) = destination(text, Some(443)).unwrap();
    Pattern::parse(pattern).unwrap().matches(&host, port)
}

#[test]
fn a_pattern_takes_these_destinations_and_not_those() {
    let table: &[(&str, &[&str], &[&str])] = &[
        (
            "iot.example",
            &["iot.example", "IoT.Example.", "iot.example:443"],
            &[
                "iot.example:444",
                "a.iot.example",
                "example",
                "eiot.example",
            ],
        ),
        (
            "IOT.Example.",
            &["iot.example", "iot.EXAMPLE."],
            &["iot.example.net"],
        ),
        ("iot.example:443", &["iot.example"], &["iot.example:80"]),
        (
            "iot.example:8443",
            &["iot.example:8443"],
            &["iot.example", "iot.example:443"],
        ),
        (
            "iot.example:*",
            &["iot.example", "iot.example:1", "iot.example:65535"],
            &["x.iot.example:1"],
        ),
        (
            "*.example",
            &["a.example", "a.b.example", "A.EXAMPLE.", "x-y.example:443"],
            &[
                "example",
                "example.",
                "evil-example",
                "evilexample",
                "a.example:444",
                "a.example.net",
                "example.a",
                "10.0.0.1",
                "[::1]",
            ],
        ),
        (
            "*.Iot.Example.:8443",
            &["a.iot.example:8443", "b.a.IOT.example.:8443"],
            &["a.iot.example", "iot.example:8443", "evil-iot.example:8443"],
        ),
        ("*.example:*", &["a.example:1"], &["example:1"]),
        (
            "*",
            &["a", "a.b", "10.0.0.1", "[::1]", "a:443"],
            &["a:80", "[::1]:80"],
        ),
        ("*:80", &["a:80", "[::1]:80"], &["a", "a:8080"]),
        ("*:*", &["a:80", "10.0.0.1:1", "[::1]"], &[]),
        (
            "10.0.0.1",
            &["10.0.0.1", "[::ffff:10.0.0.1]"],
            &["10.0.0.2"],
        ),
        (
            "[2001:DB8::1]",
            &["[2001:db8::1]", "[2001:db8:0:0::1]:443"],
            &["[2001:db8::1]:80", "[2001:db8::2]"],
        ),
        ("[::1]:*", &["[::1]:9", "[0::1]"], &["[::2]:9"]),
        (
            "xn--bcher-kva.example",
            &["XN--BCHER-KVA.example"],
            &["bcher.example"],
        ),
    ];
    for (pattern, taken, left) in table {
        for text in *taken {
            assert!(matches(pattern, text), "{pattern} takes {text}");
        }
        for text in *left {
            assert!(!matches(pattern, text), "{pattern} leaves {text}");
        }
    }
}

#[test]
fn a_pattern_is_shown_in_its_shortest_form() {
    let table = [
        ("A.:443", "a"),
        ("a:080", "a:80"),
        ("a:*", "a:*"),
        ("*", "*"),
        ("*:443", "*"),
        ("*:*", "*:*"),
        ("*.Example.", "*.example"),
        ("*.a.b:8443", "*.a.b:8443"),
        ("[2001:DB8:0::1]", "[2001:db8::1]"),
        ("[::1]:1", "[::1]:1"),
        ("[::ffff:10.0.0.1]:1", "10.0.0.1:1"),
    ];
    for (text, shown) in table {
        let pattern = Pattern::parse(text).unwrap();
        assert_eq!(pattern.to_string(), shown, "{text}");
        assert_eq!(Pattern::parse(shown), Ok(pattern), "{text}");
    }
}

#[test]
fn what_is_no_pattern_is_refused_with_its_reason() {
    let host = Fault::Host;
    let table = [
        ("", Fault::Pattern),
        (":443", Fault::Pattern),
        ("*.", Fault::Pattern),
        ("**", Fault::Pattern),
        ("*example", Fault::Pattern),
        ("*-x.example", Fault::Pattern),
        ("a.*.example", Fault::Pattern),
        ("a.*", Fault::Pattern),
        ("a*.example", Fault::Pattern),
        ("*.*.example", Fault::Pattern),
        ("*.*", Fault::Pattern),
        ("*.10.0.0.1", Fault::Pattern),
        ("*.[::1]", Fault::Pattern),
        ("*..", Fault::Pattern),
        ("*..a", host(HostFault::Label(String::new()))),
        ("a..", host(HostFault::Label(String::new()))),
        ("*.0.0.1", host(HostFault::Ipv4)),
        (".example", host(HostFault::Label(String::new()))),
        ("https://a", Fault::PatternUrl),
        ("a/", Fault::PatternUrl),
        ("10.0.0.0/8", Fault::PatternUrl),
        ("u@a", host(HostFault::UserInfo)),
        ("b\u{fc}cher.example", host(HostFault::NotAscii)),
        ("*.b\u{fc}cher.example", host(HostFault::NotAscii)),
        ("a b", host(HostFault::Character(' '))),
        ("::1", host(HostFault::Brackets)),
        ("[::1", host(HostFault::Ipv6)),
        ("[fe80::1%eth0]", host(HostFault::Ipv6)),
        ("300.1.1.1", host(HostFault::Ipv4)),
        ("a:", Fault::PatternPort),
        ("a:0", Fault::PatternPort),
        ("a:65536", Fault::PatternPort),
        ("a:+80", Fault::PatternPort),
        ("a:8*", Fault::PatternPort),
        ("*:x", Fault::PatternPort),
        ("a:**", Fault::PatternPort),
        ("a:b:*", host(HostFault::Brackets)),
        ("::1:*", host(HostFault::Brackets)),
    ];
    for (text, fault) in table {
        assert_eq!(Pattern::parse(text), Err(fault), "{text}");
    }
}
