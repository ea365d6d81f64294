//! Fields on their way through: which stay on one hop, which are added, and that all others pass
//! as they are.

mod http;
mod support;

use http::bytes::bytes;
use http::{World, assert_ours, setup};
use support::client::{self, Response};
use support::upstream::{Reply, Seen};

/// What comes back for a request written as [`bytes`] has it.
fn ask(world: &World, request: &str) -> Response {
    client::send(world.addr(), &bytes(request))
}

#[test]
fn fields_of_one_hop_stay_on_it() {
    let world = setup().start();
    world.upstream.answer(|seen| {
        Reply::echo(seen)
            .header("Connection", "X-Down, keep-alive, Set-Cookie-Not")
            .header("X-Down", "1")
            .header("Set-Cookie-Not", "1")
            .header("Keep-Alive", "timeout=100")
            .header("Proxy-Connection", "keep-alive")
            .header("Upgrade", "h2c")
            .header("X-Stays", "1")
    });
    let request = "GET / HTTP/1.1⏎Host: x⏎Connection: x-up, Keep-Alive,, ,TE⏎X-Up: 1⏎X-Up: 2⏎\
                   Keep-Alive: timeout=5⏎Proxy-Connection: keep-alive⏎TE: gzip⏎Upgrade: h2c⏎\
                   HTTP2-Settings: AAMAAABkAAQAAP__⏎Connection: HTTP2-Settings⏎\
                   Proxy-Authorization: Basic eDp5⏎X-Stays: 1⏎⏎";
    let response = ask(&world, request);
    let seen = world.last();
    let names: Vec<_> = seen
        .headers
        .iter()
        .map(|(name, _)| name.to_lowercase())
        .collect();
    assert_eq!(sorted(names), ["host", "via", "x-stays"]);
    let names: Vec<_> = response
        .headers
        .iter()
        .map(|(name, _)| name.to_lowercase())
        .collect();
    assert_eq!(
        sorted(names),
        ["content-length", "content-type", "via", "x-stays"]
    );
}

#[test]
fn connection_cannot_name_what_frames_or_routes_a_message() {
    let world = setup().start();
    let request = "POST / HTTP/1.1⏎Host: x⏎Connection: host, content-length, via, cookie⏎\
                   Cookie: a=b⏎Content-Length: 2⏎⏎ok";
    let response = ask(&world, request);
    assert_eq!(response.echo("body").as_deref(), Some("ok"));
    let seen = world.last();
    assert_eq!(seen.header("host"), Some(world.authority().as_str()));
    assert_eq!(seen.count("via"), 1);
    assert_eq!(seen.count("cookie"), 0);
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

#[test]
fn fields_pass_as_they_are_and_those_of_one_name_in_their_order() {
    let world = setup().start();
    world.upstream.answer(|seen| {
        Reply::echo(seen)
            .header("Set-Cookie", "b=2; Path=/")
            .header("X-One", "")
            .header("Set-Cookie", "a=1, x")
            .header("Set-Cookie", "b=2; Path=/")
            .header("Server", "s/1 (a; b)")
    });
    let request = "GET / HTTP/1.1⏎Host: x⏎Cookie: z=1⏎X-A: 2⏎x-b: \\\x22q\\\x22, w⏎X-A:⏎cookie: a=2⏎x-a: \t1 \t⏎\
                   User-Agent: me⏎Accept-Encoding: br⏎X-Forwarded-For: 10.0.0.1⏎⏎";
    let response = ask(&world, &request.replace("\\\x22", "\\x22"));
    let values = |headers: &[(String, String)], name: &str| -> Vec<String> {
        let of_name = headers
            .iter()
            .filter(|(field, _)| field.eq_ignore_ascii_case(name));
        of_name.map(|(_, value)| value.clone()).collect()
    };
    let seen = world.last();
    assert_eq!(values(&seen.headers, "x-a"), ["2", "", "1"]);
    assert_eq!(values(&seen.headers, "cookie"), ["z=1", "a=2"]);
    assert_eq!(values(&seen.headers, "x-b"), ["\"q\", w"]);
    assert_eq!(values(&seen.headers, "user-agent"), ["me"]);
    assert_eq!(values(&seen.headers, "accept-encoding"), ["br"]);
    assert_eq!(values(&seen.headers, "x-forwarded-for"), ["10.0.0.1"]);
    assert_eq!(seen.headers.len(), 11, "{:?}", seen.headers);
    let cookies = ["b=2; Path=/", "a=1, x", "b=2; Path=/"];
    assert_eq!(values(&response.headers, "set-cookie"), cookies);
    assert_eq!(values(&response.headers, "server"), ["s/1 (a; b)"]);
    assert_eq!(values(&response.headers, "x-one"), [""]);
    assert_eq!(response.headers.len(), 8, "{:?}", response.headers);
}

#[test]
fn bytes_beyond_ascii_pass_in_values() {
    let world = setup().start();
    world.upstream.answer(|seen| {
        let value = seen.raw_head.clone();
        let start = value
            .windows(5)
            .position(|window| window == b"x-a: ")
            .expect("X-A")
            + 5;
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-B: ";
        Reply::raw([head, &value[start..start + 5], b"\r\n\r\n"].concat())
    });
    let response = ask(&world, "GET / HTTP/1.1⏎Host: x⏎X-A: \\xe9\\xff\tb\\x80⏎⏎");
    let value = b"x-b: \xe9\xff\tb\x80\r\n";
    let head = &response.raw_head;
    assert!(
        head.windows(value.len())
            .any(|window| window.eq_ignore_ascii_case(value))
    );
}

#[test]
fn every_method_and_status_passes() {
    let world = setup().start();
    world.upstream.answer(|seen| {
        let status = seen
            .target
            .trim_start_matches('/')
            .parse()
            .expect("a status");
        Reply::json(status, seen)
    });
    let mut client = world.client();
    for method in [
        "GET",
        "POST",
        "PATCH",
        "PROPFIND",
        "M-SEARCH",
        "x",
        "VERSION-CONTROL",
        "get",
    ] {
        let response = client.request(method, "/200", &[], b"").expect(method);
        assert_eq!(response.echo("method").as_deref(), Some(method));
    }
    for status in [
        200, 206, 299, 301, 400, 404, 407, 413, 421, 426, 451, 500, 502, 508, 599,
    ] {
        let response = client.get(&format!("/{status}")).expect("a response");
        assert_eq!(response.status, status);
        assert_eq!(
            response.header("proxy-status"),
            None,
            "{status} is the upstream's"
        );
    }
}

fn own_name(seen: &Seen) -> String {
    let via = seen.header("via").expect("Via");
    let name = via.strip_prefix("1.1 ").expect("version 1.1").to_owned();
    let digits = name.strip_prefix("egret-").expect("egret");
    assert!(
        digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_hexdigit()),
        "{name}"
    );
    name
}

#[test]
fn via_is_added_both_ways_behind_that_of_others() {
    let world = setup().start();
    world
        .upstream
        .answer(|seen| Reply::echo(seen).header("Via", "1.1 cloud"));
    ask(&world, "GET / HTTP/1.1⏎Host: x⏎⏎");
    let name = own_name(&world.last());
    let response = ask(&world, "GET / HTTP/1.0⏎Via: 1.1 a⏎Via: 1.0 b (c)⏎⏎");
    let vias = |headers: &[(String, String)]| -> Vec<String> {
        let fields = headers
            .iter()
            .filter(|(field, _)| field.eq_ignore_ascii_case("via"));
        fields.map(|(_, value)| value.clone()).collect()
    };
    let up = [
        "1.1 a".to_owned(),
        "1.0 b (c)".to_owned(),
        format!("1.0 {name}"),
    ];
    assert_eq!(vias(&world.last().headers), up);
    assert_eq!(
        vias(&response.headers),
        ["1.1 cloud".to_owned(), format!("1.1 {name}")]
    );
}

#[test]
fn via_off_adds_nothing() {
    let world = setup().route(",via=off").start();
    let response = ask(&world, "GET / HTTP/1.1⏎Host: x⏎Via: 1.1 a⏎⏎");
    assert_eq!(response.header("via"), None);
    let seen = world.last();
    assert_eq!((seen.count("via"), seen.header("via")), (1, Some("1.1 a")));
}

#[test]
fn a_request_that_has_been_here_before_is_508() {
    let world = setup().start();
    ask(&world, "GET / HTTP/1.1⏎Host: x⏎⏎");
    let name = own_name(&world.last());
    let other = setup().start();
    for via in [
        format!("1.1 {name}"),
        format!("1.0 a, HTTP/1.1 {} (x), 1.1 b", name.to_uppercase()),
    ] {
        let mut client = world.client();
        let response = client
            .request("POST", "/", &[("Via", &via)], b"body")
            .expect(&via);
        assert_ours(&response, 508, "proxy_loop_detected", &via);
        // Another egret is no loop.
        let fields = [("Via", via.as_str())];
        let response = other
            .client()
            .request("GET", "/", &fields, b"")
            .expect(&via);
        assert_eq!(response.status, 200);
    }
    assert_eq!(world.mark(), 1, "a loop goes no further");
}

#[test]
fn host_follows_the_url_unless_the_route_says_otherwise() {
    let named = setup().route(",host=api.example:8443").start();
    let kept = setup().route(",host=keep").start();
    let plain = setup().start();
    let requests = [
        (
            "GET / HTTP/1.1⏎Host: device.local:8080⏎⏎",
            Some("device.local:8080"),
        ),
        ("GET / HTTP/1.0⏎Host: device.local⏎⏎", Some("device.local")),
        ("GET / HTTP/1.0⏎⏎", None),
    ];
    for (request, host) in requests {
        for (world, expected) in [
            (&named, "api.example:8443"),
            (&plain, plain.authority().as_str()),
            (&kept, host.unwrap_or(&kept.authority())),
        ] {
            ask(world, request);
            let seen = world.last();
            assert_eq!(
                (seen.count("host"), seen.header("host")),
                (1, Some(expected)),
                "{request}"
            );
            let first = seen.headers.first().map(|(name, _)| name.to_lowercase());
            assert_eq!(
                first.as_deref(),
                Some("host"),
                "RFC 9110 7.2 wants it first"
            );
        }
    }
}
