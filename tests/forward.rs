//! A forward listener: which rule takes a destination, what goes out, and what is refused.

mod support;

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use support::certs::{Ca, Dir};
use support::client::{Client, Response, get, send};
use support::egret::{Builder, Egret};
use support::upstream::{Reply, Upstream};

const EGRET: &str = env!("CARGO_BIN_EXE_egret");
const LISTEN: &str = "127.0.0.1:0";

fn egret() -> Builder {
    Egret::builder(EGRET)
}

/// An upstream on 127.0.0.1 and ::1 that asks for certificates, and files for two identities.
struct World {
    dir: Dir,
    servers: Ca,
    clients: Ca,
    upstream: Upstream,
}

impl World {
    fn new() -> Self {
        let servers = Ca::new("servers");
        let clients = Ca::new("clients");
        let upstream = Upstream::builder(&servers.server(&["localhost", "127.0.0.1", "::1"]))
            .bind(IpAddr::from(Ipv6Addr::UNSPECIFIED))
            .requests(&clients)
            .start();
        Self {
            dir: Dir::new(),
            servers,
            clients,
            upstream,
        }
    }

    fn egret(&self) -> Builder {
        let identity = |name| self.dir.identity(name, &self.clients.client(name));
        egret()
            .ca(&self.dir.ca("servers", &self.servers))
            .identity(&identity("client"))
            .identity(&identity("another"))
    }

    /// `http://HOST:PORT/path` of the upstream.
    fn url(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.upstream.port())
    }
}

/// An egret with a rule for each of these, in order. The identity of the n-th has no files: its
/// 503 names the rule that took a request, and no network is needed.
fn rules(patterns: &[&str]) -> Egret {
    let mut builder = egret().option("--log", "debug");
    for (number, pattern) in patterns.iter().enumerate() {
        builder = builder
            .identity(&format!("rule-{number},cert=/nonexistent/{number}.crt"))
            .forward_at(LISTEN, &format!("to={pattern},identity=rule-{number}"));
    }
    builder.start()
}

/// Which rule took the target, by that 503.
fn taken_by(egret: &Egret, target: &str) -> Option<usize> {
    let response = get(egret.addr(0), target);
    let text = response.text();
    match response.status {
        403 => {
            assert!(text.contains("no --forward rule takes"), "{text}");
            None
        }
        503 => {
            let (_, rest) = text.split_once("\"rule-").expect("the rule's identity");
            let (number, _) = rest.split_once('"').expect("the end of its name");
            Some(number.parse().expect("a number"))
        }
        _ => panic!("{target}: {text}"),
    }
}

fn assert_taken(patterns: &[&str], rows: &[(&str, Option<usize>)]) {
    let egret = rules(patterns);
    for (target, rule) in rows {
        assert_eq!(taken_by(&egret, target), *rule, "{target} by {patterns:?}");
    }
}

fn assert_refused(response: &Response, status: u16, part: &str) {
    let text = response.text();
    assert_eq!(response.status, status, "{text}");
    assert!(text.contains(part), "{part:?} is not in {text:?}");
    assert!(response.header("proxy-status").is_some(), "{text}");
}

#[test]
fn an_exact_rule_takes_its_host_and_no_other() {
    assert_taken(
        &["cloud.example", "Other.Example."],
        &[
            ("http://cloud.example/x", Some(0)),
            ("http://cloud.example", Some(0)),
            ("http://cloud.example?q", Some(0)),
            ("HTTP://CLOUD.Example/x", Some(0)),
            ("http://cloud.example./x", Some(0)),
            ("https://cloud.example/x", Some(0)),
            ("http://other.example/x", Some(1)),
            ("http://cloud.example.evil/x", None),
            ("http://evil-cloud.example/x", None),
            ("http://a.cloud.example/x", None),
            ("http://example/x", None),
            ("http://127.0.0.1/cloud.example", None),
            ("http://evil.example/?http://cloud.example/", None),
            ("http://evil.example?@cloud.example", None),
        ],
    );
}

#[test]
fn a_suffix_takes_what_is_below_it_and_neither_itself_nor_a_name_that_ends_alike() {
    assert_taken(
        &["*.cloud.example"],
        &[
            ("http://a.cloud.example/", Some(0)),
            ("http://A.b.Cloud.EXAMPLE./", Some(0)),
            ("http://cloud.example/", None),
            ("http://cloud.example./", None),
            ("http://evil-cloud.example/", None),
            ("http://evilcloud.example/", None),
            ("http://a.cloud.example.evil/", None),
            ("http://a.cloud.example:8443/", None),
        ],
    );
}

#[test]
fn a_rule_without_a_port_means_443_and_a_star_means_any() {
    assert_taken(
        &["cloud.example", "cloud.example:8443", "any.example:*"],
        &[
            ("http://cloud.example/", Some(0)),
            ("http://cloud.example:/", Some(0)),
            ("http://cloud.example:80/", Some(0)),
            ("http://cloud.example:443/", Some(0)),
            ("https://cloud.example:80/", Some(0)),
            ("http://cloud.example:08443/", Some(1)),
            ("http://cloud.example:8443/", Some(1)),
            ("http://cloud.example:8444/", None),
            ("http://any.example/", Some(2)),
            ("http://any.example:1/", Some(2)),
            ("http://any.example:65535/", Some(2)),
        ],
    );
}

#[test]
fn addresses_are_compared_as_addresses_however_they_are_written() {
    assert_taken(
        &["[2001:DB8::1]", "192.0.2.1", "[::ffff:192.0.2.9]:*"],
        &[
            ("http://[2001:db8::1]/", Some(0)),
            ("http://[2001:0db8:0:0::0001]:443/", Some(0)),
            ("http://[2001:db8::2]/", None),
            ("http://192.0.2.1/", Some(1)),
            ("http://[::ffff:192.0.2.1]/", Some(1)),
            ("http://192.0.2.9:1/", Some(2)),
            ("http://192.0.2.2/", None),
        ],
    );
}

#[test]
fn the_first_rule_that_takes_a_destination_decides() {
    assert_taken(
        &["a.cloud.example", "*.cloud.example:*", "*", "*:8443"],
        &[
            ("http://a.cloud.example/", Some(0)),
            ("http://a.cloud.example:8443/", Some(1)),
            ("http://b.cloud.example/", Some(1)),
            ("http://other.example/", Some(2)),
            ("http://[::1]/", Some(2)),
            ("http://192.0.2.1/", Some(2)),
            ("http://other.example:8443/", Some(3)),
            ("http://other.example:8444/", None),
        ],
    );
    // The same rules in another order decide otherwise.
    assert_taken(
        &["*:*", "a.cloud.example"],
        &[("http://a.cloud.example/", Some(0))],
    );
}

#[test]
fn a_rule_that_does_not_admit_the_peer_is_passed_over() {
    let egret = egret()
        .identity("far,cert=/nonexistent/far.crt")
        .identity("near,cert=/nonexistent/near.crt")
        .forward_at(LISTEN, "to=a.example,identity=far,from=192.0.2.0/24")
        .forward_at(LISTEN, "to=*,identity=near,from=127.0.0.0/8")
        .forward_at(LISTEN, "to=b.example:8443,identity=far,from=192.0.2.0/24")
        .start();
    let near = get(egret.addr(0), "http://a.example/");
    assert_refused(&near, 503, "identity \"near\"");
    let nobody = get(egret.addr(0), "http://b.example:8443/");
    assert_refused(&nobody, 403, "from this peer");
}

#[test]
fn without_a_rule_it_is_403_and_the_rules_are_in_the_log() {
    let egret = rules(&["a.example", "*.b.example:8443"]);
    let refused = get(egret.addr(0), "http://c.example:99/");
    assert_refused(
        &refused,
        403,
        "no --forward rule takes c.example:99 from this peer",
    );
    let status = refused.header("proxy-status").unwrap_or_default();
    assert!(status.contains("error=http_request_denied"), "{status}");
    egret.wait_line("no rule takes c.example:99 from 127.0.0.1");
    egret.wait_line("  --forward 127.0.0.1:0,to=a.example,identity=rule-0");
    egret.wait_line("  --forward 127.0.0.1:0,to=*.b.example:8443,identity=rule-1");
    // Nothing is wrong with the connection: the next request is answered on its own merits.
    assert_eq!(taken_by(&egret, "http://a.example/"), Some(0));
}

#[test]
fn a_target_that_names_no_host_is_400_and_says_why() {
    let egret = rules(&["*:*"]);
    for (target, part) in [
        ("/x", "http_proxy is set to this address"),
        ("ftp://a.example/x", "must begin with http:// or https://"),
        ("ws://a.example/x", "must begin with http:// or https://"),
        ("http://user@a.example/", "without user"),
        ("http://user:secret@a.example/", "without user"),
        ("http://@a.example/", "without user"),
        ("http:///x", "absolute URI"),
        ("http://", "absolute URI"),
        ("http:a.example/", "absolute URI"),
        ("a.example/x", "absolute URI"),
        ("http://::1/", "absolute URI"),
        ("http://[::1/", "absolute URI"),
        ("http://[::1]x/", "absolute URI"),
        ("http://[fe80::1%25eth0]/", "absolute URI"),
        ("http://a.example:x/", "absolute URI"),
        ("http://a.example:65536/", "absolute URI"),
        ("http://a.example:0/", "port must be 1 to 65535"),
        ("http://.example/", "parts between dots"),
        ("http://a..example/", "parts between dots"),
        ("http://-a.example/", "hyphen"),
        ("http://a.example../", "parts between dots"),
        ("http://1.2.3/", "no IPv4 address"),
        ("http://0x7f000001/", "no IPv4 address"),
        ("http://2130706433/", "no IPv4 address"),
        ("http://a*b.example/", "must not contain"),
        ("http://a.example/#x", "leave the fragment out"),
        ("http://b%C3%BCcher.example/", "A-label"),
        ("http://b\u{fc}cher.example/", "A-label"),
        ("http://xn--bcher-kva.b\u{fc}cher", "A-label"),
        ("http://a.example/b\u{fc}cher", "percent-encode"),
    ] {
        let response = get(egret.addr(0), target);
        let text = response.text();
        assert_eq!(response.status, 400, "{target}: {text}");
        assert!(text.contains(part), "{target}: {text}");
        assert!(!text.contains("secret"), "{target}: {text}");
    }
    let options = send(egret.addr(0), b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_refused(&options, 400, "http_proxy is set to this address");
    assert_eq!(
        taken_by(&egret, "http://xn--bcher-kva.example/"),
        Some(0),
        "an A-label is fine"
    );
}

#[test]
fn a_request_goes_out_as_https_with_the_identity_of_its_rule() {
    let world = World::new();
    let egret = world
        .egret()
        .forward_at(LISTEN, "to=localhost:*,identity=client")
        .start();
    for scheme in ["http", "HTTP", "https"] {
        let authority = format!("localhost:{}", world.upstream.port());
        let target = format!("{scheme}://{authority}/a%2Fb/../c?x=1;y=%20&z=http://b/");
        let response = get(egret.addr(0), &target);
        assert_eq!(response.status, 200, "{}", response.text());
        let echo = |field| response.echo(field).unwrap_or_default();
        assert_eq!(echo("client_subject"), "CN=client");
        assert_eq!(echo("sni"), "localhost");
        assert_eq!(echo("host"), authority);
        assert_eq!(echo("target"), "/a%2Fb/../c?x=1;y=%20&z=http://b/");
    }
}

#[test]
fn the_targets_authority_wins_over_host_and_credentials_for_the_proxy_stay_here() {
    let world = World::new();
    let egret = world
        .egret()
        .forward_at(LISTEN, "to=localhost:*,identity=none")
        .start();
    let fields = [
        ("Host", "evil.example"),
        ("Proxy-Connection", "keep-alive"),
        ("Proxy-Authorization", "Basic c2VjcmV0"),
        ("X-Kept", "yes"),
    ];
    let target = world.url("LocalHost.", "/");
    let mut client = Client::connect(egret.addr(0));
    let response = client.request("GET", &target, &fields, b"");
    let response = response.expect("an answer");
    let host = format!("localhost:{}", world.upstream.port());
    assert_eq!(response.echo("host"), Some(host));
    assert_eq!(response.echoed_header("x-kept").as_deref(), Some("yes"));
    for name in ["proxy-connection", "proxy-authorization"] {
        assert_eq!(response.echoed_header(name), None, "{name}");
    }
    let old = format!("GET {target} HTTP/1.0\r\n\r\n");
    let response = send(egret.addr(0), old.as_bytes());
    assert_eq!(response.echo("target").as_deref(), Some("/"));
}

#[test]
fn a_target_without_a_path_is_a_slash_and_for_options_an_asterisk() {
    let world = World::new();
    let egret = world
        .egret()
        .forward_at(LISTEN, "to=localhost:*,identity=none")
        .start();
    for (method, path, sent) in [
        ("GET", "", "/"),
        ("GET", "?q", "/?q"),
        ("OPTIONS", "", "*"),
        ("OPTIONS", "/", "/"),
        ("OPTIONS", "?q", "/?q"),
    ] {
        let mut client = Client::connect(egret.addr(0));
        let target = world.url("localhost", path);
        let response = client.request(method, &target, &[], b"");
        let echo = response.expect("an answer").echo("target");
        assert_eq!(echo.as_deref(), Some(sent), "{method} {target}");
    }
}

#[test]
fn no_port_and_port_80_are_443() {
    // Nobody listens there: the refusal says where the connection was to go.
    let egret = egret()
        .forward_at(LISTEN, "to=127.77.77.77,identity=none")
        .start();
    for target in [
        "http://127.77.77.77/",
        "http://127.77.77.77:80/",
        "https://127.77.77.77/",
    ] {
        let refused = get(egret.addr(0), target);
        let text = "502 127.77.77.77: 127.77.77.77:443 refused the connection";
        assert_refused(&refused, 502, text);
    }
}

#[test]
fn its_own_listeners_are_a_loop_by_whatever_name() {
    let egret = egret()
        .forward_at("0", "to=*:*,identity=none,tunnel=on")
        .forward_at(
            "0.0.0.0:0",
            "to=*:*,identity=none,tunnel=on,from=127.0.0.0/8",
        )
        .route("to=https://localhost:1,identity=none")
        .start();
    let [both, all, route] = [0, 1, 2].map(|n| egret.addr(n));
    let listener = SocketAddr::from(([127, 0, 0, 1], both.port()));
    for destination in [
        format!("127.0.0.1:{}", both.port()),
        format!("localhost:{}", both.port()),
        format!("LOCALHOST.:{}", both.port()),
        format!("[::1]:{}", both.port()),
        format!("[::ffff:127.0.0.1]:{}", both.port()),
        format!("127.0.0.1:{}", all.port()),
        format!("127.0.0.5:{}", all.port()),
        format!("0.0.0.0:{}", all.port()),
        format!("0.0.0.0:{}", both.port()),
        format!("[::]:{}", both.port()),
        route.to_string(),
    ] {
        let response = get(listener, &format!("http://{destination}/"));
        assert_refused(&response, 508, "leads back to this egret");
        let connect = format!("CONNECT {destination} HTTP/1.1\r\nHost: x\r\n\r\n");
        let response = send(listener, connect.as_bytes());
        assert_refused(&response, 508, "leads back to this egret");
    }
}

#[test]
fn redirects_lead_back_through_the_rules_that_would_take_them() {
    let world = World::new();
    let port = world.upstream.port();
    world.upstream.answer(|seen| {
        let location = seen.header("x-location").unwrap_or_default();
        Reply::status(302)
            .header("Location", location)
            .header("Content-Location", location)
    });
    let egret = world
        .egret()
        .forward_at(LISTEN, "to=localhost:*,identity=none")
        .forward_at(LISTEN, "to=127.0.0.1:*,identity=none,redirects=keep")
        .forward_at(LISTEN, "to=far.example,identity=none")
        .forward_at(LISTEN, "to=denied.example,identity=none,from=192.0.2.1")
        .start();
    let redirected = |host: &str, location: &str| {
        let fields = [("X-Location", location)];
        let mut client = Client::connect(egret.addr(0));
        let response = client.request("GET", &world.url(host, "/"), &fields, b"");
        let response = response.expect("a redirect");
        let location = response.header("location").map(str::to_owned);
        assert_eq!(response.header("content-location"), location.as_deref());
        location.unwrap_or_default()
    };
    let own = format!("https://localhost:{port}/a?b#c");
    let back = format!("http://localhost:{port}/a?b#c");
    for (location, expected) in [
        (own.as_str(), back.as_str()),
        ("HTTPS://Far.Example/x", "http://far.example/x"),
        ("https://far.example:443", "http://far.example"),
        ("https://far.example?x", "http://far.example?x"),
        ("https://far.example:8443/", "https://far.example:8443/"),
        ("https://denied.example/", "https://denied.example/"),
        ("https://other.example/", "https://other.example/"),
        ("https://u@far.example/", "https://u@far.example/"),
        // http://localhost:80/ would go to 443.
        ("https://localhost:80/x", "https://localhost:80/x"),
        ("http://far.example/x", "http://far.example/x"),
        ("/x", "/x"),
        ("//far.example/x", "//far.example/x"),
    ] {
        assert_eq!(redirected("localhost", location), expected);
    }
    assert_eq!(redirected("127.0.0.1", &own), own, "redirects=keep");
}
