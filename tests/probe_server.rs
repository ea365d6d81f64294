//! What `egret probe` says is wrong on the way to a server and with the server itself: exactly one
//! thing, in words that end with what to change.

mod probed;
mod support;

use probed::{Problem, as_x, assert_good, assert_problem, field, probe, problem};
use ring::digest::{SHA256, digest};
use support::black_hole::BlackHole;
use support::certs::{Ca, Leaf, Spec};
use support::upstream::{OnAccept, Reply, Step, Upstream, Versions};
use support::world::World;
use x509_parser::prelude::{FromDer, X509Certificate};

// ---- the way there ----

#[test]
fn a_name_that_dns_does_not_have() {
    let world = World::new();
    let problem = problem(as_x(&world, "https://nobody.invalid"));
    assert_eq!(problem.code, "name_not_found");
    // What DNS says depends on where the test runs.
    let start = "the name was not found: DNS ";
    assert!(problem.text.starts_with(start), "{}", problem.text);
    assert!(problem.text.contains("; check "), "{}", problem.text);
}

#[test]
fn a_port_where_nothing_listens() {
    let world = World::new();
    let mut upstream = world.upstream().start();
    upstream.stop();
    let address = upstream.addr();
    let report = assert_problem(
        as_x(&world, &format!("https://{address}")),
        "refused",
        &format!(
            "{address} refuses connections: nothing listens there, or a firewall says no; start \
             the server, or correct host and port"
        ),
    );
    assert_eq!(field(&report, "dial.address"), None);
}

#[test]
fn packets_that_vanish() {
    let world = World::new();
    let hole = BlackHole::new();
    let url = hole.url();
    let (_, port) = url.rsplit_once(':').expect("a port");
    assert_problem(
        as_x(&world, &url).option("--connect-timeout", "300ms"),
        "blackholed",
        &format!(
            "no TCP connection in time: packets vanish; let TCP port {port} through the firewall, \
             or correct host and port"
        ),
    );
}

/// An upstream that does this with each connection.
fn misbehaving(world: &World, what: OnAccept) -> Upstream {
    world.upstream().on_accept(move |_| what.clone()).start()
}

#[test]
fn plain_http_on_the_port() {
    let world = World::new();
    let http = OnAccept::Bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec());
    let upstream = misbehaving(&world, http);
    let report = assert_problem(
        as_x(&world, &upstream.url()),
        "plain_http",
        "the port speaks plain HTTP, not TLS; use the port on which the server speaks https, \
         mostly 443 or 8443",
    );
    let dialled = field(&report, "dial.address");
    assert_eq!(dialled, Some(upstream.addr().to_string()));
    assert_eq!(field(&report, "tls.ms"), None);
}

#[test]
fn something_else_on_the_port() {
    let world = World::new();
    let ssh = OnAccept::Bytes(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec());
    let upstream = misbehaving(&world, ssh);
    assert_problem(
        as_x(&world, &upstream.url()),
        "not_tls",
        "what listens there speaks neither TLS nor HTTP; correct the port",
    );
}

#[test]
fn a_server_that_closes_in_the_handshake() {
    let world = World::new();
    let upstream = misbehaving(&world, OnAccept::Close);
    assert_problem(
        as_x(&world, &upstream.url()),
        "closes_in_handshake",
        "the server closes the connection in the TLS handshake without a word; correct the port \
         if it speaks no TLS, else read the server's log for why",
    );
}

#[test]
fn a_server_that_stalls_in_the_handshake() {
    let world = World::new();
    let upstream = misbehaving(&world, OnAccept::Stall);
    assert_problem(
        as_x(&world, &upstream.url()).option("--connect-timeout", "300ms"),
        "stalls_in_handshake",
        "TCP connects and the TLS handshake does not finish in time; correct the port if it speaks \
         no TLS, else look for what drops large packets on the way (MTU), or raise \
         --connect-timeout",
    );
}

// ---- what both sides speak ----

#[test]
fn no_version_of_tls_in_common() {
    let world = World::new();
    for (versions, tls) in [(Versions::Only12, "1.3"), (Versions::Only13, "1.2")] {
        let upstream = world.upstream().versions(versions).start();
        let identity = format!("y,tls={tls}");
        assert_problem(
            probe()
                .arg(&upstream.url())
                .ca(&world.ca)
                .identity(&identity),
            "nothing_in_common",
            &format!(
                "no TLS version or cipher in common (TLS alert protocol_version; TLS {tls} was \
                 offered); take tls= off the identity, so that 1.2 and 1.3 are offered"
            ),
        );
        assert_good(as_x(&world, &upstream.url()));
    }
}

#[test]
fn an_alpn_protocol_that_the_server_does_not_take() {
    let world = World::new();
    let upstream = world.upstream().alpn(&["x-amzn-http-ca"]).start();
    assert_problem(
        as_x(&world, &upstream.url()),
        "alpn",
        "the server does not take the ALPN protocol \"http/1.1\" (TLS alert \
         no_application_protocol); set alpn= to the one that it wants, or to nothing to offer none",
    );
    let with = |alpn: &str| {
        let identity = format!("y,alpn={alpn}");
        probe()
            .arg(&upstream.url())
            .ca(&world.ca)
            .identity(&identity)
    };
    let report = assert_good(with("x-amzn-http-ca"));
    assert_eq!(
        field(&report, "tls.alpn").as_deref(),
        Some("x-amzn-http-ca")
    );
    let report = assert_good(with(""));
    assert_eq!(field(&report, "tls.alpn_offered"), None);
}

#[test]
fn a_server_that_takes_an_offer_of_http_2() {
    let world = World::new();
    let upstream = world.upstream().alpn(&["h2"]).start();
    assert_problem(
        probe()
            .arg(&upstream.url())
            .ca(&world.ca)
            .identity("y,alpn=h2"),
        "alpn",
        "the server does not take the ALPN protocol \"h2\" (it chose h2, which is not spoken here); \
         set alpn= to the one that it wants, or to nothing to offer none",
    );
}

// ---- its certificate ----

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
fn a_self_signed_certificate_is_told_with_its_pin() {
    let world = World::new();
    let leaf = Leaf::self_signed(&server());
    let chain = leaf.chain();
    let (_, certificate) = X509Certificate::from_der(&chain[0]).expect("a certificate");
    let pin = base64(digest(&SHA256, certificate.public_key().raw).as_ref());
    let text = format!(
        "the server's certificate is self-signed; if it is the right server's, set \
         ca=pin,pin=sha256/{pin}"
    );
    untrusted(&world, &leaf, "self_signed", &text);
}

/// RFC 4648 §4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let byte = |n: usize| u32::from(three.get(n).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let at = (bits >> (18 - 6 * digit)) & 63;
            match digit <= three.len() {
                true => text.push(char::from(DIGITS[at as usize])),
                false => text.push('='),
            }
        }
    }
    text
}

// ---- its answer ----

/// What is wrong with a server that is well and answers with this script.
fn answering(steps: Vec<Step>) -> Problem {
    let world = World::new();
    let upstream = world.upstream().start();
    upstream.answer(move |_| Reply::script(steps.clone()));
    let probe = probe().arg(&upstream.url()).ca(&world.ca);
    problem(probe.option("--response-timeout", "300ms"))
}

#[test]
fn an_answer_that_does_not_come() {
    let problem = answering(vec![Step::Stall]);
    assert_eq!(problem.code, "no_answer");
    assert_eq!(
        problem.text,
        "the connection is good and the request got no answer in time; probe a path that answers, \
         or raise --response-timeout"
    );
    assert!(field(&problem.report, "tls.ms").is_some());
}

#[test]
fn an_answer_that_is_not_http() {
    let ftp = Step::Bytes(b"220 ftp.example ready\r\n\r\n".to_vec());
    let problem = answering(vec![ftp, Step::Close]);
    assert_eq!(problem.code, "not_http");
    let start = "what the server answered is not proper HTTP/1.1 (";
    assert!(problem.text.starts_with(start), "{}", problem.text);
    let end = "); correct the port, or have the server mended";
    assert!(problem.text.ends_with(end), "{}", problem.text);
}

#[test]
fn a_connection_that_ends_before_the_answer() {
    let world = World::new();
    let upstream = Upstream::builder(&world.servers.server(&["localhost"])).start();
    upstream.answer(|_| Reply::script(vec![Step::Close]));
    assert_problem(
        probe().arg(&upstream.url()).ca(&world.ca),
        "closed_before_answer",
        "the server closed the connection before it answered; read the server's log for why",
    );
}

#[test]
fn a_host_that_leads_to_another_virtual_host_than_sni() {
    let world = World::new();
    let upstream = world.upstream().handler(|_| Reply::status(421)).start();
    assert_problem(
        probe()
            .arg(&format!("{},host=b.example", upstream.url()))
            .ca(&world.ca),
        "misdirected",
        "SNI localhost selects another virtual host than Host b.example (it answered 421); make \
         sni= and host= the same name",
    );
}

#[test]
fn a_second_connection_that_fails() {
    let world = World::new();
    let once = |number| match number {
        1 => OnAccept::Serve,
        _ => OnAccept::Close,
    };
    let upstream = world.upstream().on_accept(once).start();
    assert_problem(
        as_x(&world, &upstream.url()),
        "second_connection_failed",
        "the first connection is good and the next one failed (TLS failed: the server closed the \
         connection in the handshake; check that the port speaks TLS); probe again, and if it stays so \
         set sessions=0",
    );
}
