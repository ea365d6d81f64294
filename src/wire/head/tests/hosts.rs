//! Host, which a request needs once (RFC 9112 §3.2).

use super::read_request;
use crate::error::Violation::{HostValue, NoHost, TwoHosts};

/// The section, a Host value, the one right outcome in origin-form.
const HOSTS: &[(&str, &[u8], bool)] = &[
    ("9110 7.2", b"a", true),
    ("9110 7.2", b"a.example:8080", true),
    ("9110 7.2", b"A_b-c~d.example.", true),
    ("9110 7.2", b"127.0.0.1:1", true),
    ("9110 7.2", b"[::1]", true),
    ("9110 7.2", b"[2001:db8::1]:65535", true),
    ("3986 3.2.2", b"[::ffff:1.2.3.4]:80", true),
    ("3986 3.2.2", b"[1:2:3:4:5:6:7::]:80", true),
    ("3986 3.2.3", b"a:", true),
    ("9112 3.2", b"", false),
    ("9112 3.2", b":80", false),
    ("9112 3.2", b"a b", false),
    ("9112 3.2", b"a/b", false),
    ("9112 3.2", b"a?b", false),
    ("9112 3.2", b"a#b", false),
    ("9112 3.2", b"u@a", false),
    ("9112 3.2", b"a\\b", false),
    ("9112 3.2", b"a\tb", false),
    ("9112 3.2", b"\xc3\xa4.example", false),
    ("9112 3.2", b"a%00b", false),
    ("9112 3.2", b"a:b", false),
    ("9112 3.2", b"a:80:80", false),
    ("9112 3.2", b"a:+80", false),
    ("9112 3.2", b"a:65536", false),
    ("9112 3.2", b"a:000080", false),
    ("9112 3.2", b"::1", false),
    ("9112 3.2", b"[::1", false),
    ("9112 3.2", b"[]", false),
    ("9112 3.2", b"[a]", false),
    ("9112 3.2", b"[::1]a", false),
    ("6874 2", b"[fe80::1%25eth0]", false),
    ("9112 3.2", b"http://a", false),
];

#[test]
fn a_host_value_has_one_outcome() {
    for (section, host, valid) in HOSTS {
        for version in [b"1.0", b"1.1"] {
            let bytes = [
                b"GET / HTTP/",
                &version[..],
                b"\r\nHost: ",
                host,
                b"\r\n\r\n",
            ]
            .concat();
            let expected = if *valid { Ok(()) } else { Err(HostValue) };
            let read = read_request(&bytes).map(|_| ());
            assert_eq!(read, expected, "RFC {section}: {}", host.escape_ascii());
        }
    }
}

#[test]
fn a_host_is_needed_in_1_1_only() {
    assert_eq!(read_request(b"GET / HTTP/1.1\r\n\r\n"), Err(NoHost));
    assert_eq!(read_request(b"GET http://a/ HTTP/1.1\r\n\r\n"), Err(NoHost));
    assert!(read_request(b"GET / HTTP/1.0\r\n\r\n").is_ok());
    assert_eq!(
        read_request(b"GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"),
        Err(TwoHosts)
    );
}

#[test]
fn an_empty_host_is_accepted_where_the_target_names_one() {
    assert!(read_request(b"GET http://a/ HTTP/1.1\r\nHost:\r\n\r\n").is_ok());
    assert!(read_request(b"CONNECT a:1 HTTP/1.1\r\nHost:\r\n\r\n").is_ok());
    assert_eq!(
        read_request(b"OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n"),
        Err(HostValue)
    );
    assert_eq!(
        read_request(b"GET http://a/ HTTP/1.1\r\nHost: :1\r\n\r\n"),
        Err(HostValue)
    );
}
