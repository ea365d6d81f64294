//! What `egret probe` says is wrong with a server's certificate: exactly one thing, in words that end
//! with what to change.

mod probed;
mod support;

use probed::{as_x, assert_good, assert_problem, field, probe, problem};
use support::certs::{Ca, Leaf, Spec};
use support::crl::Crl;
use support::upstream::{Upstream, Versions};
use support::world::World;

/// What is said of an upstream with this certificate, in both versions of TLS.
fn untrusted(world: &World, leaf: &Leaf, code: &str, text: &str) {
    for versions in [Versions::Only12, Versions::Only13] {
        let builder = Upstream::builder(leaf).versions(versions);
        let upstream = builder.requests(&world.devices).start();
        let report = assert_problem(as_x(world, &upstream.url()), code, text);
        assert_eq!(field(&report, "server.trusted").as_deref(), Some("false"));
        assert!(field(&report, "server.fault").is_some());
        let chain = report.get("server").and_then(|server| server.get("chain"));
        let presented = chain.expect("a chain").elements().len();
        assert_eq!(presented, leaf.chain().len());
        assert!(upstream.seen().is_empty(), "a request was sent");
    }
}

fn server() -> Spec {
    Spec::server(&["localhost"])
}

#[test]
fn an_authority_that_we_do_not_know() {
    let world = World::new();
    let leaf = Ca::new("strangers").server(&["localhost"]);
    let text = format!(
        "none of the roots in {} leads to the issuer \"CN=strangers\"; give that CA's certificate \
         with ca= or --ca (or have the server send its intermediates)",
        world.ca
    );
    untrusted(&world, &leaf, "unknown_issuer", &text);
    // The one that lacks is above an intermediate that the server sends.
    let leaf = Ca::of("Strangers", "root").intermediate("issuing");
    let text = text.replace("CN=strangers", "O=Strangers,CN=root");
    untrusted(
        &world,
        &leaf.server(&["localhost"]),
        "unknown_issuer",
        &text,
    );
}

#[test]
fn roots_of_an_identity_are_named_as_its_own_and_those_of_the_system_as_such() {
    let world = World::new();
    let upstream = Upstream::builder(&Ca::new("strangers").server(&["localhost"])).start();
    let own = world.dir.ca("own", &world.devices);
    for (identity, roots) in [
        (format!("y,ca={own}"), format!("the roots in {own}")),
        ("y".to_owned(), String::from("the system's roots")),
    ] {
        let probe = probe().arg(&upstream.url()).identity(&identity);
        let problem = problem(probe.env("SSL_CERT_FILE", &world.ca));
        let start = format!("none of {roots} leads to the issuer \"CN=strangers\"; ");
        assert!(problem.text.starts_with(&start), "{}", problem.text);
    }
}

#[test]
fn an_authority_of_the_same_name_with_another_key() {
    let world = World::new();
    let leaf = Ca::new("servers").server(&["localhost"]);
    let text = format!(
        "one of the roots in {} is named \"CN=servers\", and its key did not sign the server's \
         certificate; give that CA's present certificate with ca=",
        world.ca
    );
    untrusted(&world, &leaf, "issuer_has_other_key", &text);
}

#[test]
fn an_intermediate_that_the_server_leaves_out() {
    let world = World::new();
    let text = |name: &str, ca: &str| {
        format!(
            "the server leaves out the intermediate certificate {name:?}, without which none of \
             the roots in {ca} is reached; have the server send its whole chain"
        )
    };
    // The certificate says where that of its issuer is.
    let issuing = world.servers.intermediate("issuing");
    let leaf = issuing.issue(&server().issuer_is_at("http://ca.example/issuing.crt"));
    let said = text("CN=issuing", &world.ca);
    untrusted(&world, &leaf.clone().alone(), "missing_intermediate", &said);
    let upstream = Upstream::builder(&leaf).requests(&world.devices).start();
    assert_good(as_x(&world, &upstream.url()));
    // A root is of the same organisation.
    let root = Ca::of("Acme", "root");
    let leaf = root
        .intermediate_of("Acme", "issuing")
        .server(&["localhost"]);
    let upstream = Upstream::builder(&leaf.alone()).start();
    let ca = world.dir.ca("acme", &root);
    assert_problem(
        probe().arg(&upstream.url()).ca(&ca),
        "missing_intermediate",
        &text("O=Acme,CN=issuing", &ca),
    );
}

#[test]
fn a_certificate_for_other_names() {
    let world = World::new();
    let names = ["one.example", "two.example", "192.0.2.7"];
    let leaf = world.servers.server(&names);
    let text = "the server's certificate is not for \"localhost\" but for DNS:one.example, \
         DNS:two.example, IP:192.0.2.7; use that name in the URL, or set verify=one.example, or \
         sni=one.example to ask the server for it too";
    untrusted(&world, &leaf, "wrong_name", text);
    // What it says to do is right.
    let upstream = Upstream::builder(&leaf).requests(&world.devices).start();
    for key in ["verify", "sni"] {
        let url = format!("{},{key}=one.example", upstream.url());
        assert_good(
            probe()
                .arg(&format!("{url},identity=x"))
                .ca(&world.ca)
                .identity(&world.device("x")),
        );
    }
    let nameless = world.servers.server(&[]);
    let text = "the server's certificate is not for \"localhost\" but for no name at all; have one \
         issued for that name, or correct it in the URL, verify= or sni=";
    untrusted(&world, &nameless, "wrong_name", text);
}

/// A text with THEN and NOW in place of its two dates.
fn undated(text: &str) -> String {
    let is_date = |word: &str| word.len() == 20 && word.starts_with("20") && word.ends_with('Z');
    let mut names = ["THEN", "NOW"].into_iter();
    let words = text.split(' ').map(|word| {
        let bare = word.trim_end_matches(';');
        match is_date(bare) {
            true => word.replace(bare, names.next().unwrap_or("MORE")),
            false => word.to_owned(),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_certificate_out_of_its_time() {
    let world = World::new();
    for (spec, code, text) in [
        (
            server().expired(),
            "expired",
            "the server's certificate expired at THEN and our clock says NOW; have it renewed, or \
             set our clock right",
        ),
        (
            server().not_yet_valid(),
            "not_yet_valid",
            "the server's certificate is not valid before THEN and our clock says NOW; set our \
             clock right (ntpd, chrony)",
        ),
    ] {
        for versions in [Versions::Only12, Versions::Only13] {
            let leaf = world.servers.issue(&spec);
            let upstream = Upstream::builder(&leaf).versions(versions).start();
            let problem = problem(probe().arg(&upstream.url()).ca(&world.ca));
            assert_eq!(problem.code, code);
            assert_eq!(undated(&problem.text), text);
        }
    }
}

#[test]
fn a_certificate_that_is_for_clients() {
    let world = World::new();
    let leaf = world.servers.client("localhost");
    let text = "the server's certificate is not trusted: it is not for TLS servers \
         (extendedKeyUsage lacks serverAuth); have one issued that is";
    untrusted(&world, &leaf, "untrusted", text);
}

/// The value of `pin=` in a text.
fn pin(text: &str) -> &str {
    let (_, rest) = text.split_once("pin=sha256/").expect("a pin");
    rest.split([' ', ';', ',']).next().unwrap_or_default()
}

#[test]
fn a_self_signed_certificate_is_told_with_the_pin_that_makes_it_good() {
    let world = World::new();
    let leaf = Leaf::self_signed(&server());
    let upstream = Upstream::builder(&leaf).requests(&world.devices).start();
    let told = problem(as_x(&world, &upstream.url())).text;
    let pin = pin(&told);
    let text = format!(
        "the server's certificate is self-signed; if it is the right server's, set \
         ca=pin,pin=sha256/{pin}"
    );
    untrusted(&world, &leaf, "self_signed", &text);
    let pinned = |pin: &str| {
        let identity = format!("{},ca=pin,pin=sha256/{pin}", world.device("x"));
        probe().arg(&upstream.url()).identity(&identity)
    };
    let report = assert_good(pinned(pin));
    assert_eq!(field(&report, "server.roots"), None);
    // Another key is told with the pin of the one presented.
    let other = "A".repeat(43) + "=";
    assert_problem(
        pinned(&other),
        "not_pinned",
        &format!(
            "the server's key is none of those of pin=; if it is the right server's, add \
             pin=sha256/{pin}"
        ),
    );
}

#[test]
fn a_certificate_that_is_revoked() {
    let world = World::new();
    let leaf = world.servers.issue(&server());
    let list = |crl: Crl| world.dir.write("servers.crl", &crl.pem_of(&world.servers));
    let with = |list: &std::path::Path| {
        let identity = format!("{},crl={}", world.device("x"), list.display());
        move |url: &str| probe().arg(url).identity(&identity)
    };
    for versions in [Versions::Only12, Versions::Only13] {
        let builder = Upstream::builder(&leaf).versions(versions);
        let upstream = builder.requests(&world.devices).start();
        let revoked = list(Crl::default().revoke_leaf(&leaf));
        let problem = problem(with(&revoked)(&upstream.url()).ca(&world.ca));
        assert_eq!(problem.code, "revoked");
        let start = "the server presents a revoked certificate: \"CN=localhost\" (serial ";
        assert!(problem.text.starts_with(start), "{}", problem.text);
        let end =
            "says the revocation list of \"CN=servers\"; the server needs another certificate";
        assert!(problem.text.ends_with(end), "{}", problem.text);
        assert_good(with(&list(Crl::default()))(&upstream.url()).ca(&world.ca));
    }
}
