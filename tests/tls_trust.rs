//! Server certificates that are not trusted, and roots that are not there: the status, the error
//! type and a sentence that says what to do. Nothing of a request is ever sent then.

mod support;

use std::time::SystemTime;

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use support::certs::{Ca, Leaf, Spec};
use support::client::{self, Response};
use support::egret::{self, Egret};
use support::upstream::{Upstream, Versions};
use support::world::World;

const VERSIONS: [Versions; 2] = [Versions::Only12, Versions::Only13];

fn binary() -> egret::Builder {
    Egret::builder(env!("CARGO_BIN_EXE_egret"))
}

/// The answer must be an error of ours about the upstream's certificate, and this its sentence.
fn assert_untrusted(answer: &Response, upstream: &Upstream, sentence: &str) {
    let authority = &upstream.url()["https://".len()..];
    let text = answer.text();
    let start = format!("502 {authority}: its certificate is not trusted: ");
    assert_eq!(answer.status, 502, "{text}");
    assert!(text.starts_with(&start), "{text}");
    assert!(text.contains(sentence), "{sentence:?} is not in: {text}");
    assert!(text.ends_with('\n') && text.lines().count() == 1, "{text}");
    let status = answer.header("proxy-status").unwrap_or_default();
    let error = "egret; error=tls_certificate_error; details=\"";
    assert!(status.starts_with(error), "{status}");
    assert!(upstream.seen().is_empty(), "a request was sent");
}

/// Asks an upstream with this certificate, which is not to be trusted, in both TLS versions, and
/// checks that it is asked once each.
fn untrusted(world: &World, leaf: &Leaf, ca: &str, sentence: &str) {
    for versions in VERSIONS {
        let upstream = Upstream::builder(leaf)
            .versions(versions)
            .requests(&world.devices)
            .start();
        let egret = binary()
            .ca(ca)
            .identity(&world.device("x"))
            .route(&format!("to={},identity=x", upstream.url()))
            .start();
        assert_untrusted(&client::get(egret.addr(0), "/"), &upstream, sentence);
        upstream.wait_until(|state| state.failures.len() == 1);
        assert_eq!(upstream.state(|state| state.accepted), 1, "asked again");
        egret.wait_line(sentence.split(';').next().unwrap_or_default());
    }
}

/// The counter-check: with another certificate the same way works.
fn trusted(leaf: &Leaf, ca: &str) {
    for versions in VERSIONS {
        let upstream = Upstream::builder(leaf).versions(versions).start();
        let egret = binary()
            .ca(ca)
            .route(&format!("to={},identity=none", upstream.url()))
            .start();
        let answer = client::get(egret.addr(0), "/");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

fn server() -> Spec {
    Spec::server(&["localhost"])
}

#[test]
fn an_expired_certificate_is_told_with_its_date_and_our_clock() {
    let world = World::new();
    let leaf = world.servers.issue(&server().expired());
    untrusted(&world, &leaf, &world.ca, "it expired at 20");
    untrusted(&world, &leaf, &world.ca, "and our clock says 20");
    trusted(&world.servers.issue(&server()), &world.ca);
}

#[test]
fn a_certificate_that_is_not_valid_yet_points_at_the_clock() {
    let world = World::new();
    let leaf = world.servers.issue(&server().not_yet_valid());
    untrusted(&world, &leaf, &world.ca, "it is not valid before 20");
    untrusted(&world, &leaf, &world.ca, "; check the device's clock");
}

#[test]
fn an_unknown_authority_is_named() {
    let world = World::new();
    let leaf = Ca::new("strangers").server(&["localhost"]);
    let sentence = "no root leads to its issuer \"CN=strangers\"; give that CA's certificate with \
         ca= or --ca (or the server must send its intermediates)";
    untrusted(&world, &leaf, &world.ca, sentence);
}

#[test]
fn an_authority_of_the_same_name_and_another_key_is_not_trusted() {
    let world = World::new();
    let leaf = Ca::new("servers").server(&["localhost"]);
    let sentence = "it was not signed by the CA that is trusted under the name \"CN=servers\"; give \
         the server's present CA with ca=";
    untrusted(&world, &leaf, &world.ca, sentence);
}

#[test]
fn a_wrong_name_is_told_with_the_right_ones() {
    let world = World::new();
    let leaf = world.servers.server(&["one.example", "192.0.2.7"]);
    let sentence = "it is not for \"localhost\" but for DNS:one.example, IP:192.0.2.7; use one of \
         these in to=, or verify=NAME";
    untrusted(&world, &leaf, &world.ca, sentence);
    let leaf = world.servers.server(&[]);
    let sentence = "it is not for \"localhost\" but for no name at all";
    untrusted(&world, &leaf, &world.ca, sentence);
}

#[test]
fn a_certificate_for_clients_is_none_for_a_server() {
    let world = World::new();
    let leaf = world.servers.client("localhost");
    let sentence = "it is not for TLS servers (extendedKeyUsage lacks serverAuth)";
    untrusted(&world, &leaf, &world.ca, sentence);
}

#[test]
fn a_self_signed_authority_that_stands_as_a_server_is_told() {
    let world = World::new();
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).expect("a certificate");
    let leaf = Leaf {
        cert_pem: certificate.pem(),
        key_pem: key.serialize_pem(),
    };
    let ca = world.dir.write("own.crt", &leaf.cert_pem);
    let sentence = "it is a self-signed CA certificate used as a server's";
    untrusted(&world, &leaf, &ca.display().to_string(), sentence);
}

#[test]
fn a_chain_over_sixteen_kibibytes_is_not_kept() {
    let world = World::new();
    let leaf = world.servers.server(&["localhost"]);
    let ballast = world.servers.pem();
    let bytes = |count: usize| {
        let der = |leaf: &Leaf| leaf.chain().iter().map(|der| der.len()).sum::<usize>();
        der(&leaf) + count * world.servers.der().len()
    };
    let with = |count: usize| Leaf {
        cert_pem: leaf.cert_pem.clone() + &ballast.repeat(count),
        key_pem: leaf.key_pem.clone(),
    };
    let most = (0..).take_while(|count| bytes(*count) <= 16 * 1024).count() - 1;
    trusted(&with(most), &world.ca);
    let over = bytes(most + 1);
    let sentence = format!("its chain has {over} bytes, and 16384 is the most that is kept");
    untrusted(&world, &with(most + 1), &world.ca, &sentence);
}

#[test]
fn sessions_of_a_former_server_certificate_do_not_vouch_for_its_successor() {
    let world = World::new();
    let mut upstream = Upstream::builder(&world.servers.issue(&server())).start();
    let egret = binary()
        .ca(&world.ca)
        .option("--upstream-idle", "0")
        .route(&format!("to={},identity=none", upstream.url()))
        .start();
    for resumed in ["false", "true"] {
        let answer = client::get(egret.addr(0), "/");
        assert_eq!(answer.echo("resumed").as_deref(), Some(resumed));
    }
    let expired = world.servers.issue(&server().expired());
    upstream.change(|builder| builder.certificate(&expired));
    upstream.restart().expect("the same port");
    let answer = client::get(egret.addr(0), "/");
    assert_eq!(answer.status, 502);
    assert!(answer.text().contains("it expired at"), "{}", answer.text());
}

/// An egret whose system has no roots, nor any other way to them.
fn rootless(world: &World) -> egret::Builder {
    let nowhere = world.dir.file("nowhere");
    let nowhere = nowhere.display().to_string();
    binary()
        .env("SSL_CERT_FILE", &format!("{nowhere}.crt"))
        .env("SSL_CERT_DIR", &nowhere)
}

#[test]
fn without_roots_an_identity_is_not_available_and_the_others_are() {
    let world = World::new();
    let upstream = world.upstream().start();
    let to = upstream.url();
    let egret = rootless(&world)
        .identity(&world.device("bare"))
        .identity(&format!("{},ca={}", world.device("own"), world.ca))
        .route(&format!("to={to},identity=bare"))
        .route(&format!("to={to},identity=own"))
        .start();
    let why = "nowhere.crt: no CA certificates of the system there; install the package \
         ca-certificates, set SSL_CERT_FILE, or give --ca FILE or ca=FILE";
    let line = egret.wait_line("identity \"bare\" is not available: ");
    assert!(line.ends_with(why), "{line}");
    let answer = client::get(egret.addr(0), "/");
    assert_eq!(answer.status, 503);
    let text = answer.text();
    let start = "503 identity \"bare\": not available: ";
    assert!(
        text.starts_with(start) && text.trim_end().ends_with(why),
        "{text}"
    );
    let status = answer.header("proxy-status").unwrap_or_default();
    assert!(
        status.starts_with("egret; error=proxy_configuration_error; "),
        "{status}"
    );
    assert!(answer.header("retry-after").is_some());
    assert!(upstream.state(|state| state.accepted) == 0);
    let answer = client::get(egret.addr(1), "/");
    assert_eq!(answer.echo("client_subject").as_deref(), Some("CN=own"));
}

#[test]
fn roots_that_come_later_are_used_after_a_reload() {
    let world = World::new();
    let upstream = world.upstream().start();
    let egret = rootless(&world)
        .route(&format!("to={},identity=none", upstream.url()))
        .start();
    assert_eq!(client::get(egret.addr(0), "/").status, 503);
    world.dir.write("nowhere.crt", &world.servers.pem());
    egret.signal("HUP");
    egret.wait_line("reloaded identity \"none\": epoch 1");
    assert_eq!(client::get(egret.addr(0), "/").status, 200);
}

#[test]
fn roots_are_the_systems_unless_ca_says_otherwise() {
    let world = World::new();
    let strangers = Ca::new("strangers");
    let system = world.dir.ca("system", &strangers);
    let leaf = strangers.server(&["localhost"]);
    let ours = world.upstream().start();
    let theirs = Upstream::builder(&leaf).start();
    let identities = format!("pinned,ca={}", world.ca);
    let route = |upstream: &Upstream, name: &str| format!("to={},identity={name}", upstream.url());
    for (ca, expected) in [(false, [502, 200, 200, 502]), (true, [200, 502, 200, 502])] {
        let builder = match ca {
            false => binary(),
            true => binary().ca(&world.ca),
        };
        let egret = builder
            .env("SSL_CERT_FILE", &system)
            .identity(&identities)
            .route(&route(&ours, "none"))
            .route(&route(&theirs, "none"))
            .route(&route(&ours, "pinned"))
            .route(&route(&theirs, "pinned"))
            .start();
        let statuses = [0, 1, 2, 3].map(|index| client::get(egret.addr(index), "/").status);
        assert_eq!(statuses, expected, "--ca: {ca}");
    }
}

#[test]
fn a_certificate_is_judged_by_the_time_of_now() {
    let world = World::new();
    let now = SystemTime::now();
    let minute = std::time::Duration::from_secs(60);
    let fresh = server().valid(now - minute, now + minute);
    trusted(&world.servers.issue(&fresh), &world.ca);
}
