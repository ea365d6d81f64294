//! TLS to the upstream: names, versions, protocols, keys and chains that work.

mod support;

use std::net::{IpAddr, Ipv6Addr};

use support::certs::{KeyKind, Leaf, Spec};
use support::client::{self, Response};
use support::egret::{self, Egret};
use support::upstream::{Seen, Upstream, Versions};
use support::world::World;

const VERSIONS: [Versions; 2] = [Versions::Only12, Versions::Only13];

fn egret(world: &World) -> egret::Builder {
    Egret::builder(env!("CARGO_BIN_EXE_egret")).ca(&world.ca)
}

/// One request through a listener of its own; the answer.
fn answer(world: &World, route: &str) -> Response {
    let egret = egret(world)
        .route(&format!("{route},identity=none"))
        .start();
    client::get(egret.addr(0), "/")
}

/// One request that must be answered by the upstream; what that saw.
fn seen(world: &World, upstream: &Upstream, route: &str) -> Seen {
    let answer = answer(world, route);
    assert_eq!(answer.status, 200, "{route}: {}", answer.text());
    upstream.last().expect("the request that was answered")
}

/// One request that must fail because the upstream's certificate has another name.
fn misnamed(world: &World, route: &str, expected: &str, presented: &str) {
    let answer = answer(world, route);
    assert_eq!(answer.status, 502, "{route}");
    let text = format!("is not for {expected:?} but for {presented}; use one of these in to=");
    assert!(answer.text().contains(&text), "{route}: {}", answer.text());
}

/// An upstream with a certificate for these names alone.
fn named(world: &World, names: &[&str]) -> Upstream {
    Upstream::builder(&world.servers.server(names)).start()
}

#[test]
fn sni_host_and_verified_name_follow_the_url() {
    let world = World::new();
    let upstream = named(&world, &["localhost"]);
    let port = upstream.port();
    for host in ["localhost", "LocalHost"] {
        let seen = seen(&world, &upstream, &format!("to=https://{host}:{port}"));
        assert_eq!(seen.sni.as_deref(), Some("localhost"));
        let sent = seen.header("host").map(str::to_ascii_lowercase);
        assert_eq!(sent, Some(format!("localhost:{port}")));
    }
    let upstream = named(&world, &["other.example"]);
    let route = format!("to={}", upstream.url());
    misnamed(&world, &route, "localhost", "DNS:other.example");
    assert!(upstream.seen().is_empty());
}

#[test]
fn sni_is_sent_and_verified_in_place_of_the_host() {
    let world = World::new();
    let upstream = named(&world, &["other.example"]);
    let to = upstream.url();
    let seen = seen(&world, &upstream, &format!("to={to},sni=other.example"));
    assert_eq!(seen.sni.as_deref(), Some("other.example"));
    assert_eq!(seen.header("host"), Some(&to["https://".len()..]));
    let upstream = named(&world, &["localhost"]);
    let route = format!("to={},sni=other.example", upstream.url());
    misnamed(&world, &route, "other.example", "DNS:localhost");
}

#[test]
fn verify_is_verified_and_nothing_else() {
    let world = World::new();
    let upstream = named(&world, &["other.example"]);
    let to = upstream.url();
    let seen = seen(&world, &upstream, &format!("to={to},verify=other.example"));
    assert_eq!(seen.sni.as_deref(), Some("localhost"));
    assert_eq!(seen.header("host"), Some(&to["https://".len()..]));
    let route = format!("to={to},verify=third.example");
    misnamed(&world, &route, "third.example", "DNS:other.example");
}

#[test]
fn sni_and_verify_together_are_each_what_they_say() {
    let world = World::new();
    let upstream = named(&world, &["third.example"]);
    let both = "sni=other.example,verify=third.example";
    let route = format!("to={},{both}", upstream.url());
    let seen = seen(&world, &upstream, &route);
    assert_eq!(seen.sni.as_deref(), Some("other.example"));
    let route = format!("to={},sni=third.example,verify=x.example", upstream.url());
    misnamed(&world, &route, "x.example", "DNS:third.example");
}

#[test]
fn an_address_may_be_verified_for_a_name_and_a_name_for_an_address() {
    let world = World::new();
    let upstream = named(&world, &["127.0.0.1"]);
    let route = format!("to={},verify=127.0.0.1", upstream.url());
    let by_name = seen(&world, &upstream, &route);
    assert_eq!(by_name.sni.as_deref(), Some("localhost"));
    let route = format!("to={},verify=127.0.0.2", upstream.url());
    misnamed(&world, &route, "127.0.0.2", "IP:127.0.0.1");
    let upstream = named(&world, &["other.example"]);
    let by_address = format!(
        "to=https://127.0.0.1:{},verify=other.example",
        upstream.port()
    );
    assert_eq!(seen(&world, &upstream, &by_address).sni, None);
}

#[test]
fn host_changes_the_host_field_alone() {
    let world = World::new();
    let upstream = named(&world, &["localhost"]);
    let to = upstream.url();
    for (option, sent) in [
        ("host=virtual.example", "virtual.example"),
        ("host=virtual.example:8443", "virtual.example:8443"),
        // What the client says.
        ("host=keep", "localhost"),
    ] {
        let seen = seen(&world, &upstream, &format!("to={to},{option}"));
        assert_eq!(seen.header("host"), Some(sent), "{option}");
        assert_eq!(seen.count("host"), 1, "{option}");
        assert_eq!(seen.sni.as_deref(), Some("localhost"), "{option}");
    }
}

#[test]
fn an_address_is_verified_as_such_and_never_sent_as_sni() {
    let world = World::new();
    for versions in VERSIONS {
        for (address, url) in [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")] {
            let ip: IpAddr = address.parse().expect("an address");
            let builder = Upstream::builder(&world.servers.server(&[address]));
            let upstream = match builder.bind(ip).versions(versions).try_start() {
                // There are machines without IPv6.
                Err(_) if ip == Ipv6Addr::LOCALHOST => continue,
                started => started.expect("an upstream that listens"),
            };
            let authority = format!("{url}:{}", upstream.port());
            let seen = seen(&world, &upstream, &format!("to=https://{authority}"));
            assert_eq!(seen.sni, None);
            assert_eq!(seen.header("host"), Some(authority.as_str()));
        }
    }
    let upstream = named(&world, &["localhost"]);
    let route = format!("to=https://127.0.0.1:{}", upstream.port());
    misnamed(&world, &route, "127.0.0.1", "DNS:localhost");
}

#[test]
fn tls_means_exactly_that_version() {
    let world = World::new();
    for (offered, spoken, protocol) in [
        ("", Versions::Both, Some("TLSv1.3")),
        ("", Versions::Only12, Some("TLSv1.2")),
        ("", Versions::Only13, Some("TLSv1.3")),
        (",tls=1.2", Versions::Both, Some("TLSv1.2")),
        (",tls=1.3", Versions::Both, Some("TLSv1.3")),
        (",tls=1.2", Versions::Only13, None),
        (",tls=1.3", Versions::Only12, None),
    ] {
        let upstream = world.upstream().versions(spoken).start();
        let egret = egret(&world)
            .identity(&format!("{}{offered}", world.device("x")))
            .route(&format!("to={},identity=x", upstream.url()))
            .start();
        let answer = client::get(egret.addr(0), "/");
        assert_eq!(answer.echo("protocol").as_deref(), protocol);
        if protocol.is_none() {
            let status = answer.header("proxy-status").unwrap_or_default();
            let alert = "error=tls_alert_received; alert-id=70; alert-message=\"protocol_version\"";
            assert!(status.contains(alert), "{offered}: {status}");
            let text = answer.text();
            let sentence = "ended the TLS handshake: TLS alert protocol_version";
            assert!(text.contains(sentence), "{text}");
        }
    }
}

#[test]
fn alpn_is_http_1_1_unless_another_or_none_is_asked_for() {
    let world = World::new();
    for versions in VERSIONS {
        for (option, taken, chosen) in [
            ("", "http/1.1", Some("http/1.1")),
            (",alpn=http/1.1", "http/1.1", Some("http/1.1")),
            (
                ",alpn=x-amzn-http-ca",
                "x-amzn-http-ca",
                Some("x-amzn-http-ca"),
            ),
            // A server that would take it is not offered any.
            (",alpn=", "http/1.1", None),
        ] {
            let upstream = world.upstream().versions(versions).alpn(&[taken]).start();
            let egret = egret(&world)
                .identity(&format!("x{option}"))
                .route(&format!("to={},identity=x", upstream.url()))
                .start();
            let answer = client::get(egret.addr(0), "/");
            assert_eq!(answer.status, 200, "{option}: {}", answer.text());
            assert_eq!(answer.echo("alpn").as_deref(), chosen, "{option}");
        }
        let upstream = world.upstream().versions(versions).alpn(&["mqtt"]).start();
        let answer = answer(&world, &format!("to={}", upstream.url()));
        let status = answer.header("proxy-status").unwrap_or_default();
        assert!(
            status.contains("alert-id=120; alert-message=\"no_application_protocol\""),
            "{status}"
        );
    }
}

#[test]
fn every_kind_of_key_signs_for_us() {
    let world = World::new();
    for versions in VERSIONS {
        let upstream = world.upstream().versions(versions).start();
        for kind in [KeyKind::P256, KeyKind::P384, KeyKind::Ed25519] {
            let egret = egret(&world)
                .identity(&world.device_of("x", &Spec::client("x").key(kind)))
                .route(&format!("to={},identity=x", upstream.url()))
                .start();
            let answer = client::get(egret.addr(0), "/");
            let subject = answer.echo("client_subject");
            assert_eq!(subject.as_deref(), Some("CN=x"), "{kind:?}");
        }
    }
}

#[test]
fn every_kind_of_server_key_is_verified() {
    let world = World::new();
    for versions in VERSIONS {
        for kind in [KeyKind::P256, KeyKind::P384, KeyKind::Ed25519] {
            let leaf = world.servers.issue(&Spec::server(&["localhost"]).key(kind));
            let upstream = Upstream::builder(&leaf).versions(versions).start();
            seen(&world, &upstream, &format!("to={}", upstream.url()));
        }
    }
}

/// The leaf alone.
fn without_intermediates(leaf: &Leaf) -> Leaf {
    let end = "-----END CERTIFICATE-----";
    let (first, _) = leaf.cert_pem.split_once(end).expect("a certificate");
    Leaf {
        cert_pem: format!("{first}{end}\n"),
        key_pem: leaf.key_pem.clone(),
    }
}

#[test]
fn our_intermediates_are_sent() {
    let world = World::new();
    let issuing = world.devices.intermediate("middle").intermediate("issuing");
    let leaf = issuing.client("x");
    for versions in VERSIONS {
        // It knows the root alone.
        let upstream = world
            .upstream()
            .versions(versions)
            .requires(&world.devices)
            .start();
        let egret = egret(&world)
            .identity(&world.dir.identity("x", &leaf))
            .identity(&world.dir.identity("short", &without_intermediates(&leaf)))
            .route(&format!("to={},identity=x", upstream.url()))
            .route(&format!("to={},identity=short", upstream.url()))
            .start();
        let answer = client::get(egret.addr(0), "/");
        assert_eq!(answer.echo("client_subject").as_deref(), Some("CN=x"));
        assert_eq!(answer.echo("client_issuer").as_deref(), Some("CN=issuing"));
        let answer = client::get(egret.addr(1), "/");
        let text = answer.text();
        let sentence = "refused our certificate \"short\": TLS alert unknown_ca";
        assert!(text.contains(sentence), "{text}");
    }
}

#[test]
fn a_server_must_send_its_intermediates() {
    let world = World::new();
    let issuing = world.servers.intermediate("middle").intermediate("issuing");
    let leaf = issuing.server(&["localhost"]);
    for versions in VERSIONS {
        let upstream = Upstream::builder(&leaf).versions(versions).start();
        seen(&world, &upstream, &format!("to={}", upstream.url()));
        let short = without_intermediates(&leaf);
        let upstream = Upstream::builder(&short).versions(versions).start();
        let text = answer(&world, &format!("to={}", upstream.url())).text();
        let sentence = "no root leads to its issuer \"CN=issuing\"; give that CA's certificate \
             with ca= or --ca (or the server must send its intermediates)";
        assert!(text.contains(sentence), "{text}");
    }
}
