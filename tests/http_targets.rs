//! Where a target leads, that it passes byte for byte, and the way back for redirects.

mod http;
mod support;

use http::{World, assert_ours, setup};
use support::client::{self, Response};
use support::upstream::{Reply, Seen};

/// Sends exactly this target.
fn get(world: &World, target: &str) -> Response {
    let request = format!("GET {target} HTTP/1.1\r\nHost: device:8080\r\n\r\n");
    client::send(world.addr(), request.as_bytes())
}

/// Targets that are odd, some of them against RFC 3986, and mean something to somebody.
const ODD: [&str; 50] = [
    "/",
    "//",
    "//x",
    "///x//",
    "//x:80@y/",
    "/a//b",
    "/.",
    "/..",
    "/a/./b",
    "/a/../../b",
    "/%2e%2E/%2F%5c",
    "/%",
    "/%4",
    "/%zz",
    "/%00",
    "/%C3%A9%c3%a9",
    "/a%20b+c",
    "/?",
    "/??",
    "/?a=b&c=d&a=e",
    "/?a?b/../c",
    "/?%",
    "/?%23",
    "/?[x]={y}|z\\^`",
    "/?http://x/y",
    "/?'",
    "/a?",
    "/a;b=c;d",
    "/;",
    "/:",
    "/a:b@c",
    "/@",
    "/~user/",
    "/!$&'()*+,;=",
    "/a'b\"c",
    "/{a}",
    "/[a]",
    "/a|b",
    "/a\\b",
    "/a^b_c",
    "/http://x/y",
    "/https:/x",
    "/*",
    "/index.html",
    "/a.b-c_d~e",
    "/0",
    "/&",
    "/=",
    "/a?b=c;d=e",
    "/a?b=\\",
];

#[test]
fn odd_targets_pass_byte_for_byte() {
    let world = setup().start();
    let long = format!("/{}?{}", "a".repeat(4000), "b".repeat(4190));
    assert_eq!(long.len(), 8192);
    for target in ODD.into_iter().chain([long.as_str()]) {
        let response = get(&world, target);
        assert_eq!(response.status, 200, "{target}: {}", response.text());
        assert_eq!(world.last().target, target);
        let line = format!("GET {target} HTTP/1.1\r\n");
        assert!(
            world.last().raw_head.starts_with(line.as_bytes()),
            "{target}"
        );
    }
}

#[test]
fn every_printable_byte_passes_as_it_is_or_is_refused() {
    let world = setup().start();
    for place in ["/a{}b", "/a?b{}c"] {
        for byte in b'!'..=b'~' {
            let mark = world.mark();
            let target = place.replace("{}", &char::from(byte).to_string());
            let response = get(&world, &target);
            let seen = world.seen_since(mark);
            if response.status == 200 {
                assert_eq!(seen[0].target, target);
            } else {
                assert_ours(&response, 400, "http_request_error", &target);
                assert!(seen.is_empty(), "{target}");
                assert!(b"#<>`\"".contains(&byte), "{target} could pass");
            }
        }
    }
}

#[test]
fn options_may_ask_about_the_server_as_a_whole() {
    let world = setup().start();
    let request = b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_eq!(client::send(world.addr(), request).status, 200);
    assert!(world.last().raw_head.starts_with(b"OPTIONS * HTTP/1.1\r\n"));
    let by_path = setup().route(",path=/a").start();
    let response = client::send(by_path.addr(), request);
    assert_ours(&response, 404, "destination_not_found", "OPTIONS *");
}

#[test]
fn the_prefix_of_the_url_goes_before_the_target() {
    let world = setup().route("/pre/fix").start();
    for (target, sent) in [
        ("/", "/pre/fix/"),
        ("/x", "/pre/fix/x"),
        ("/?q", "/pre/fix/?q"),
        ("//x", "/pre/fix//x"),
        ("/../x", "/pre/fix/../x"),
    ] {
        get(&world, target);
        assert_eq!(world.last().target, sent);
    }
}

#[test]
fn the_longest_path_on_a_segment_boundary_chooses_the_route() {
    let world = setup()
        .route("/one,path=/a")
        .route("/two,path=/a/b/,strip=yes")
        .route("/three,path=/ab,strip=yes")
        .route(",path=/c%20d,strip=yes")
        .start();
    for (target, sent) in [
        ("/a", "/one/a"),
        ("/a/", "/one/a/"),
        ("/a?q", "/one/a?q"),
        ("/a/bc", "/one/a/bc"),
        ("/a/B", "/one/a/B"),
        ("/a/c/a/b", "/one/a/c/a/b"),
        ("/a?/a/b", "/one/a?/a/b"),
        ("/a?x=/../%2f\\", "/one/a?x=/../%2f\\"),
        ("/a/...", "/one/a/..."),
        ("/a/.b/c./%2e%2e%2e", "/one/a/.b/c./%2e%2e%2e"),
        ("/a/b", "/two"),
        ("/a/b/", "/two/"),
        ("/a/b?q", "/two?q"),
        ("/a/b/c?q", "/two/c?q"),
        ("/ab", "/three"),
        ("/ab/x", "/three/x"),
        ("/c%20d", "/"),
        ("/c%20d?q", "/?q"),
        ("/c%20d/x", "/x"),
    ] {
        assert_eq!(get(&world, target).status, 200, "{target}");
        assert_eq!(world.last().target, sent, "{target}");
    }
    for target in [
        "/", "/abc", "/A", "/b", "/?/a", "/x/a", "//a", "/a;x", "/c", "/c%20",
    ] {
        let mark = world.mark();
        assert_ours(&get(&world, target), 404, "destination_not_found", target);
        assert_eq!(world.mark(), mark, "{target}");
    }
}

#[test]
fn a_route_without_a_path_takes_what_no_other_takes() {
    let world = setup().route("/rest").route("/one,path=/a").start();
    for (target, sent) in [("/a/x", "/one/a/x"), ("/ab", "/rest/ab"), ("/", "/rest/")] {
        get(&world, target);
        assert_eq!(world.last().target, sent);
    }
}

#[test]
fn a_path_that_can_be_read_in_two_ways_is_refused_where_paths_choose() {
    let world = setup().route("/rest").route("/one,path=/a").start();
    for target in [
        "/a/../b",
        "/a/..",
        "/..",
        "/.",
        "/./a",
        "/a/.",
        "/a/./b",
        "/a/..?q",
        "/a/%2e%2e/b",
        "/a/%2E%2E",
        "/a/.%2e/b",
        "/%2e./b",
        "/a/%2e",
        "/a%2fb",
        "/a%2Fb",
        "/x%2F..%2fa",
        "/a%5cb",
        "/a/..%5Cb",
        "/a\\b",
        "/a/..\\b",
        "/a/..;x/b",
        "/a/.;/b",
        "/a/%2e%2e;x=y/b",
    ] {
        let mark = world.mark();
        assert_ours(&get(&world, target), 400, "http_request_error", target);
        assert_eq!(world.mark(), mark, "{target}");
    }
}

/// What becomes of `Location: sent` (and of Content-Location) for a client that calls `device:8080`.
fn located(world: &World, sent: &str) -> String {
    let location = sent.replace("UP", &world.authority());
    let sent = location.clone();
    world.upstream.answer(move |_: &Seen| {
        Reply::status(302)
            .header("Location", &sent)
            .header("Content-Location", &sent)
    });
    let path = if world.egret.log().contains("path=/a") {
        "/a"
    } else {
        "/"
    };
    let response = get(world, path);
    assert_eq!(response.status, 302);
    let got = response.header("location").expect("Location");
    assert_eq!(response.header("content-location"), Some(got), "{location}");
    got.replace(&world.authority(), "UP")
}

#[test]
fn redirects_to_the_routes_own_upstream_lead_back_to_the_listener() {
    let world = setup().start();
    for (sent, got) in [
        ("https://UP/x", "http://device:8080/x"),
        (
            "https://UP/x?y=https://UP/#z",
            "http://device:8080/x?y=https://UP/#z",
        ),
        ("https://UP", "http://device:8080/"),
        ("https://UP?q", "http://device:8080/?q"),
        ("https://UP#f", "http://device:8080/#f"),
        ("//UP/x", "http://device:8080/x"),
        ("/x", "/x"),
        ("x", "x"),
        ("../x", "../x"),
        ("?q", "?q"),
        ("", ""),
        ("http://UP/x", "http://UP/x"),
        ("https://other.example/x", "https://other.example/x"),
        ("//other.example/x", "//other.example/x"),
        ("https://localhost/x", "https://localhost/x"),
        ("https://localhost:1/x", "https://localhost:1/x"),
        ("https://UP@evil.example/x", "https://UP@evil.example/x"),
        ("https://UP.evil.example/x", "https://UP.evil.example/x"),
        ("https://UP\\evil/x", "https://UP\\evil/x"),
        ("https:/UP/x", "https:/UP/x"),
        ("urn:UP", "urn:UP"),
        ("///UP/x", "///UP/x"),
    ] {
        assert_eq!(located(&world, sent), got, "{sent}");
    }
    let loud = format!("HTTPS://LOCALHOST:{}/x", world.upstream.port());
    assert_eq!(located(&world, &loud), "http://device:8080/x");
}

#[test]
fn the_prefix_of_the_url_is_taken_off_redirects() {
    let world = setup().route("/pre").start();
    for (sent, got) in [
        ("/pre/x", "/x"),
        ("/pre/", "/"),
        ("/pre", "/"),
        ("/pre?q", "/?q"),
        ("https://UP/pre/x", "http://device:8080/x"),
        ("https://UP/pre", "http://device:8080/"),
        ("/pre//evil.example/", "http://device:8080//evil.example/"),
        ("/pre/\\evil.example/", "http://device:8080/\\evil.example/"),
        ("/prefix", "/prefix"),
        ("/other", "/other"),
        ("https://UP/prefix", "https://UP/prefix"),
        ("https://UP/", "https://UP/"),
    ] {
        assert_eq!(located(&world, sent), got, "{sent}");
    }
}

#[test]
fn a_stripped_path_is_put_back_on_redirects() {
    let world = setup().route("/pre,path=/a,strip=yes").start();
    for (sent, got) in [
        ("/pre/x", "/a/x"),
        ("/pre", "/a"),
        ("/pre?q", "/a?q"),
        ("/x", "/x"),
        ("https://UP/pre/x", "http://device:8080/a/x"),
        ("https://UP/x", "https://UP/x"),
    ] {
        assert_eq!(located(&world, sent), got, "{sent}");
    }
}

#[test]
fn a_redirect_out_of_the_routes_path_is_left_alone() {
    let world = setup().route(",path=/a").start();
    for (sent, got) in [
        ("https://UP/a/x", "http://device:8080/a/x"),
        ("https://UP/a", "http://device:8080/a"),
        ("https://UP/b", "https://UP/b"),
        ("https://UP/ab", "https://UP/ab"),
    ] {
        assert_eq!(located(&world, sent), got, "{sent}");
    }
}

#[test]
fn the_name_in_host_is_the_upstreams_too() {
    let world = setup().route(",host=Api.example").start();
    for (sent, got) in [
        ("https://api.example/x", "http://device:8080/x"),
        ("https://api.example:443/x", "http://device:8080/x"),
        ("https://UP/x", "http://device:8080/x"),
        ("https://api.example:444/x", "https://api.example:444/x"),
    ] {
        assert_eq!(located(&world, sent), got, "{sent}");
    }
}

#[test]
fn redirects_keep_leaves_all_of_them_alone() {
    let world = setup().route("/pre,redirects=keep").start();
    for sent in ["https://UP/pre/x", "/pre/x", "//UP/pre"] {
        assert_eq!(located(&world, sent), sent);
    }
}

#[test]
fn a_client_that_names_no_host_is_led_to_the_listeners_address() {
    let world = setup().start();
    let location = format!("{}/x", world.upstream.url());
    world
        .upstream
        .answer(move |_| Reply::status(201).header("Location", &location));
    let response = client::send(world.addr(), b"POST / HTTP/1.0\r\n\r\n");
    let expected = format!("http://{}/x", world.addr());
    assert_eq!(response.header("location"), Some(expected.as_str()));
    let response = client::send(world.addr(), b"POST / HTTP/1.0\r\nHost: [::1]:80\r\n\r\n");
    assert_eq!(response.header("location"), Some("http://[::1]:80/x"));
}
