//! `pin=` beside a chain and in its place: what passes, what is said of the rest, and that a
//! session or a connection of a neighbour never stands in for the server's key.

mod support;
mod trusting;

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, ServerConnection};
use support::certs::{Ca, Leaf, Spec};
use support::client;
use support::egret::Egret;
use support::pin::pin;
use support::upstream::{Resumption, Versions};
use support::world::World;
use trusting::{MODES, Neighbours, VERSIONS, egret, server, trusted};

#[track_caller]
fn untrusted(world: &World, leaf: &Leaf, keys: &str, sentence: &str) {
    trusting::untrusted(world, leaf, keys, &[sentence]);
}

/// A certificate authority that stands as a server.
fn own_authority() -> Leaf {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).expect("a certificate");
    Leaf {
        cert_pem: certificate.pem(),
        key_pem: key.serialize_pem(),
    }
}

/// The pin of a key that no server has.
fn other_pin() -> String {
    pin(&own_authority())
}

fn not_pinned(leaf: &Leaf) -> String {
    let pin = pin(leaf);
    format!("its key is none of those of pin=; if it is that of the right server, add pin={pin}\n")
}

// ---- beside a chain ----

#[test]
fn one_of_several_pins_is_enough() {
    let world = World::new();
    let leaf = world.servers.issue(&server());
    let (right, other) = (pin(&leaf), other_pin());
    trusted(&world, &leaf, &format!("pin={right}"));
    trusted(&world, &leaf, &format!("pin={other},pin={right}"));
    let bare = right.trim_end_matches('=');
    trusted(&world, &leaf, &format!("pin={bare}"));
}

#[test]
fn another_key_is_refused_and_its_pin_is_said() {
    let world = World::new();
    let leaf = world.servers.issue(&server());
    let other = format!("pin={}", other_pin());
    untrusted(&world, &leaf, &other, &not_pinned(&leaf));
}

#[test]
fn a_pin_is_no_reason_to_trust_what_the_chain_does_not() {
    let world = World::new();
    let of = |leaf: &Leaf| format!("pin={}", pin(leaf));
    let stranger = Ca::new("strangers").issue(&server());
    untrusted(&world, &stranger, &of(&stranger), "no root leads to its");
    let old = world.servers.issue(&server().expired());
    untrusted(&world, &old, &of(&old), "it expired at 20");
    let other = world.servers.server(&["other.example"]);
    untrusted(&world, &other, &of(&other), "it is not for \"localhost\"");
}

#[test]
fn a_pinned_certificate_behind_another_servers_says_nothing() {
    let world = World::new();
    let pinned = world.servers.issue(&server());
    let keys = format!("pin={}", pin(&pinned));
    let mut other = world.servers.issue(&server());
    other.cert_pem += &pinned.cert_pem;
    untrusted(&world, &other, &keys, &not_pinned(&other));
    let mut other = Leaf::self_signed(&server());
    other.cert_pem += &pinned.cert_pem;
    let in_place = format!("ca=pin,{keys}");
    untrusted(&world, &other, &in_place, &not_pinned(&other));
}

#[test]
fn the_key_of_an_issuer_is_not_that_of_the_server() {
    let world = World::new();
    let intermediate = world.servers.intermediate("intermediate");
    let leaf = intermediate.issue(&server());
    let issuer = Leaf {
        cert_pem: intermediate.pem(),
        key_pem: String::new(),
    };
    for place in ["", "ca=pin,"] {
        let keys = format!("{place}pin={}", pin(&issuer));
        untrusted(&world, &leaf, &keys, &not_pinned(&leaf));
    }
}

// ---- in place of a chain ----

#[test]
fn a_self_signed_server_is_trusted_by_its_key_alone() {
    let world = World::new();
    for leaf in [Leaf::self_signed(&server()), own_authority()] {
        trusted(&world, &leaf, &format!("ca=pin,pin={}", pin(&leaf)));
        let other = format!("ca=pin,pin={}", other_pin());
        untrusted(&world, &leaf, &other, &not_pinned(&leaf));
    }
}

#[test]
fn a_server_of_any_authority_is_trusted_by_its_key_alone() {
    let world = World::new();
    let leaf = Ca::new("strangers").issue(&server());
    trusted(&world, &leaf, &format!("ca=pin,pin={}", pin(&leaf)));
}

#[test]
fn no_root_helps_where_pins_stand_in_their_place() {
    let world = World::new();
    let leaf = world.servers.issue(&server());
    trusted(&world, &leaf, "alpn=http/1.1");
    let other = format!("ca=pin,pin={}", other_pin());
    untrusted(&world, &leaf, &other, &not_pinned(&leaf));
}

#[test]
fn name_and_dates_of_a_pinned_server_are_checked() {
    let world = World::new();
    let table = [
        (
            Spec::server(&["one.example"]),
            "it is not for \"localhost\" but for DNS:one.example",
        ),
        (
            Spec::server(&[]),
            "it is not for \"localhost\" but for no name at all",
        ),
        (server().expired(), "it expired at 20"),
        (server().not_yet_valid(), "it is not valid before 20"),
    ];
    for (spec, sentence) in table {
        let leaf = Leaf::self_signed(&spec);
        let keys = format!("ca=pin,pin={}", pin(&leaf));
        untrusted(&world, &leaf, &keys, sentence);
    }
}

#[test]
fn a_chain_over_sixteen_kibibytes_is_not_kept_for_the_sake_of_a_pin() {
    let world = World::new();
    let mut leaf = Leaf::self_signed(&server());
    let keys = format!("ca=pin,pin={}", pin(&leaf));
    leaf.cert_pem += &world.servers.pem().repeat(60);
    untrusted(&world, &leaf, &keys, "and 16384 is the most that is kept");
}

#[test]
fn the_error_for_a_self_signed_authority_says_what_to_write_instead() {
    let world = World::new();
    let leaf = own_authority();
    let ca = world.dir.write("own.crt", &leaf.cert_pem);
    let start = "it is a self-signed CA certificate used as a server's";
    let keys = format!("ca=pin,pin={}", pin(&leaf));
    let sentence = format!("{start}; trust its key in place of ca=FILE: {keys}\n");
    let ca = format!("ca={}", ca.display());
    untrusted(&world, &leaf, &ca, &sentence);
    trusted(&world, &leaf, &keys);
    // Of one that nobody vouched for it is said with care.
    let sentence =
        format!("{start}, and no root; if it is that of the right server, trust its key: {keys}\n");
    untrusted(&world, &leaf, "alpn=http/1.1", &sentence);
}

/// A server with this certificate and another key: whoever saw the certificate can be it. Its
/// thread tells whether it was sent anything.
fn impostor(leaf: &Leaf, versions: Versions) -> (u16, thread::JoinHandle<bool>) {
    let provider = Arc::new(ring::default_provider());
    let key = provider
        .key_provider
        .load_private_key(own_authority().key());
    let certified = CertifiedKey::new(leaf.chain(), key.expect("a key"));
    let version = match versions {
        Versions::Only12 => &rustls::version::TLS12,
        _ => &rustls::version::TLS13,
    };
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .expect("a version")
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let server = thread::spawn(move || {
        let (mut tcp, _) = listener.accept().expect("a client");
        let mut tls = ServerConnection::new(Arc::new(config)).expect("a connection");
        let mut stream = rustls::Stream::new(&mut tls, &mut tcp);
        let read = stream.read(&mut [0; 1]);
        let _ = stream.flush();
        read.is_ok_and(|count| count > 0)
    });
    (port, server)
}

#[test]
fn who_shows_a_pinned_certificate_must_have_its_key() {
    let world = World::new();
    let leaf = world.servers.issue(&server());
    let places = VERSIONS.map(|versions| [("", versions), ("ca=pin,", versions)]);
    for (place, versions) in places.into_iter().flatten() {
        let (port, server) = impostor(&leaf, versions);
        let egret = egret(&world)
            .identity(&format!("x,{place}pin={}", pin(&leaf)))
            .route(&format!("to=https://localhost:{port},identity=x"))
            .start();
        let trusts = match place {
            "" => "no certificate, 1 roots",
            _ => "no certificate, pinned keys in place of roots",
        };
        egret.wait_line(trusts);
        let answer = client::get(egret.addr(0), "/");
        let text = answer.text();
        assert_eq!(answer.status, 502, "{text}");
        assert!(text.contains("its certificate is not trusted: "), "{text}");
        assert!(!server.join().expect("the server"), "it was sent a request");
    }
}

// ---- isolation ----

/// Identities without a pin, with the upstream's beside a chain and in place of one, and both with
/// another.
fn isolated(upstream_idle: &str, mode: (Versions, Resumption)) {
    let world = World::new();
    let leaf = world.servers.issue(&server());
    let (right, other) = (pin(&leaf), other_pin());
    let identities = [
        ("plain", String::from("alpn=http/1.1")),
        ("beside", format!("pin={right}")),
        ("instead", format!("ca=pin,pin={right}")),
        ("strict", format!("pin={other}")),
        ("strict-instead", format!("ca=pin,pin={other}")),
    ];
    let neighbours = Neighbours::start(&world, &leaf, upstream_idle, mode, &identities);
    let mut owners = HashMap::new();
    for round in 0..3 {
        for way in [0, 1, 2] {
            for strict in [3, 4] {
                neighbours.assert_refused(strict, "none of those of pin=");
            }
            let seen = neighbours.assert_served(way, round);
            let owner = *owners.entry(seen.connection).or_insert(way);
            assert_eq!(owner, way, "a neighbour's connection: {seen:?}");
        }
    }
}

#[test]
fn sessions_of_an_identity_without_a_pin_are_never_resumed_by_one_that_has_one() {
    for mode in MODES {
        isolated("0", mode);
    }
}

#[test]
fn connections_of_an_identity_without_a_pin_are_never_used_by_one_that_has_one() {
    for mode in MODES {
        isolated("30s", mode);
    }
}

// ---- check ----

#[test]
fn check_tells_of_pins_and_needs_no_roots_where_they_stand_in_their_place() {
    let world = World::new();
    let nowhere = world.dir.file("nowhere").display().to_string();
    let (one, two) = (other_pin(), other_pin());
    let report = |keys: &str| {
        let check = Egret::builder(env!("CARGO_BIN_EXE_egret"))
            .env("SSL_CERT_FILE", &nowhere)
            .env("SSL_CERT_DIR", &nowhere)
            .arg("check")
            .identity(&format!("x,{keys}"));
        let ended = check.route("to=https://a.example,identity=x").run();
        assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
        ended.stdout
    };
    let instead = report(&format!("ca=pin,pin={one},pin={two}"));
    let told = "\n    trusts       2 pinned keys, and no roots\n";
    assert!(instead.contains(told), "{instead}");
    let beside = report(&format!("ca={},pin={one}", world.ca));
    let told = format!(
        "\n    trusts       1 root in {}\n    and only     1 pinned key\n",
        world.ca
    );
    assert!(beside.contains(&told), "{beside}");
}
