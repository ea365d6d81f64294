//! What `egret probe` says is wrong with our certificate in a server's eyes: exactly one thing, in
//! words that end with what to change.

mod probed;
mod support;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use probed::{as_x, assert_good, assert_problem, field, probe};
use rustls::CertificateError;
use support::certs::{Ca, Spec};
use support::upstream::{ClientAuth, OnAccept, Reply, Versions, roots};
use support::world::World;

const VERSIONS: [Versions; 2] = [Versions::Only12, Versions::Only13];

#[test]
fn a_certificate_that_is_not_asked_for() {
    let world = World::new();
    let asks_nobody = || world.upstream().client_auth(ClientAuth::NotAsked);
    for versions in VERSIONS {
        let upstream = asks_nobody().versions(versions).start();
        let report = assert_problem(
            as_x(&world, &upstream.url()),
            "certificate_not_asked_for",
            "the server asked for no certificate, and that of \"x\" was not sent; without SNI it \
             does not ask either: have it ask for client certificates, or use identity=none",
        );
        assert_eq!(
            field(&report, "certificate.asked").as_deref(),
            Some("false")
        );
        assert_eq!(field(&report, "certificate.sent").as_deref(), Some("false"));
        // The two connections of every probe, and one without SNI.
        upstream.wait_until(|state| state.connections() == 3);
    }
    let upstream = asks_nobody().start();
    assert_problem(
        as_x(&world, &format!("https://{}", upstream.addr())),
        "certificate_not_asked_for",
        "the server asked for no certificate, and that of \"x\" was not sent; have it ask for \
         client certificates, or use identity=none",
    );
}

#[test]
fn an_issuer_that_is_not_among_the_authorities_of_the_server() {
    let world = World::new();
    let stranger = Ca::new("strangers").client("x");
    let x = world.dir.identity("x", &stranger);
    for versions in VERSIONS {
        let builder = world.upstream().versions(versions);
        let upstream = builder.requires(&world.devices).start();
        let report = assert_problem(
            probe().arg(&upstream.url()).ca(&world.ca).identity(&x),
            "issuer_not_named",
            "our certificate is issued by \"CN=strangers\", and the server takes those of \
             CN=devices (TLS alert unknown_ca); use a certificate of one of these, or have the \
             server trust our CA too",
        );
        assert_eq!(
            field(&report, "certificate.named").as_deref(),
            Some("false")
        );
        assert_eq!(field(&report, "certificate.sent").as_deref(), Some("true"));
        let accepted = field(&report, "certificate.accepted");
        assert_eq!(accepted.as_deref(), Some("false"));
    }
}

#[test]
fn an_issuer_whose_own_issuer_is_among_them_is_good() {
    let world = World::new();
    let leaf = world.devices.intermediate("plant").client("x");
    let upstream = world.upstream().start();
    let report = assert_good(
        probe()
            .arg(&upstream.url())
            .ca(&world.ca)
            .identity(&world.dir.identity("x", &leaf)),
    );
    assert_eq!(field(&report, "certificate.named").as_deref(), Some("true"));
}

#[test]
fn a_certificate_that_is_required_and_not_there() {
    let world = World::new();
    for versions in VERSIONS {
        let builder = world.upstream().versions(versions);
        let upstream = builder.requires(&world.devices).start();
        for identity in ["none", "bare"] {
            let url = format!("{},identity={identity}", upstream.url());
            let report = assert_problem(
                probe().arg(&url).ca(&world.ca).identity("bare"),
                "certificate_required",
                &format!(
                    "the server requires a client certificate and identity {identity:?} has none \
                     (TLS alert certificate_required); use an identity with cert="
                ),
            );
            assert_eq!(field(&report, "certificate.asked").as_deref(), Some("true"));
        }
    }
}

#[test]
fn a_certificate_that_is_required_and_not_there_and_nothing_is_said() {
    let world = World::new();
    let upstream = world
        .upstream()
        .versions(Versions::Only13)
        .on_accept(|_| OnAccept::ResetAfterHandshake)
        .start();
    assert_problem(
        probe().arg(&upstream.url()).ca(&world.ca),
        "certificate_required",
        "the server requires a client certificate and identity \"none\" has none (it closed the \
         connection); use an identity with cert=",
    );
}

#[test]
fn a_certificate_that_the_server_refuses_by_an_alert() {
    let world = World::new();
    let unnamed = ClientAuth::RequiredUnnamed(roots(&[&Ca::new("others")]));
    let refused = ClientAuth::Refused;
    for (auth, alert, remedy) in [
        (
            unnamed,
            "unknown_ca",
            "have the server trust \"CN=devices\", or use a certificate of a CA that it trusts",
        ),
        (
            refused(CertificateError::BadEncoding),
            "bad_certificate",
            "compare cert= with what was issued, or have a new certificate issued",
        ),
        (
            refused(CertificateError::Expired),
            "certificate_expired",
            "have a new certificate issued, or the server's clock set right",
        ),
        (
            refused(CertificateError::InvalidPurpose),
            "unsupported_certificate",
            "have one issued that is for TLS clients (extendedKeyUsage clientAuth)",
        ),
        (
            refused(CertificateError::Revoked),
            "certificate_revoked",
            "have a new certificate issued",
        ),
        (
            refused(CertificateError::ApplicationVerificationFailure),
            "access_denied",
            "have the server admit this certificate",
        ),
    ] {
        for versions in VERSIONS {
            let builder = world.upstream().versions(versions);
            let upstream = builder.client_auth(auth.clone()).start();
            let report = assert_problem(
                as_x(&world, &upstream.url()),
                "certificate_refused",
                &format!("the server refused our certificate \"x\" (TLS alert {alert}); {remedy}"),
            );
            let accepted = field(&report, "certificate.accepted");
            assert_eq!(accepted.as_deref(), Some("false"));
            assert!(upstream.seen().is_empty());
        }
    }
}

#[test]
fn our_own_certificate_that_has_expired_is_sent_and_the_server_judges() {
    let world = World::new();
    let auth = ClientAuth::RequiredUnnamed(roots(&[&world.devices]));
    let upstream = world.upstream().client_auth(auth).start();
    let x = world.device_of("x", &Spec::client("x").expired());
    assert_problem(
        probe().arg(&upstream.url()).ca(&world.ca).identity(&x),
        "certificate_refused",
        "the server refused our certificate \"x\" (TLS alert certificate_expired); have a new \
         certificate issued, or the server's clock set right",
    );
}

/// A way to a TLS 1.2 server on which our second flight, which has our certificate in it, is
/// answered with this alert.
fn alerting(upstream: SocketAddr, alert: u8) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(upstream).expect("the upstream");
            thread::spawn(move || answer_with(alert, client, server));
        }
    });
    address
}

/// What a TLS 1.2 server says last in its first flight (RFC 5246 §7.4.5).
const SERVER_HELLO_DONE: [u8; 4] = [14, 0, 0, 0];

fn answer_with(alert: u8, mut client: TcpStream, mut server: TcpStream) -> std::io::Result<()> {
    let mut bytes = [0; 16 * 1024];
    let read = client.read(&mut bytes)?;
    server.write_all(&bytes[..read])?;
    let mut flight = Vec::new();
    while !flight.ends_with(&SERVER_HELLO_DONE) {
        let read = server.read(&mut bytes)?;
        flight.extend_from_slice(&bytes[..read]);
        client.write_all(&bytes[..read])?;
    }
    // Its certificate is the first message of ours.
    client.read_exact(&mut bytes[..6])?;
    assert_eq!((bytes[0], bytes[5]), (22, 11), "a Certificate");
    client.write_all(&[21, 3, 3, 0, 2, 2, alert])?;
    client.shutdown(Shutdown::Write)?;
    while client.read(&mut bytes)? > 0 {}
    Ok(())
}

#[test]
fn a_certificate_that_the_server_refuses_by_an_alert_that_says_little() {
    let world = World::new();
    let upstream = world
        .upstream()
        .versions(Versions::Only12)
        .client_auth(ClientAuth::RequiredUnnamed(roots(&[&world.devices])))
        .start();
    let port = alerting(upstream.addr(), 40).port();
    let report = assert_problem(
        as_x(&world, &format!("https://localhost:{port}")),
        "certificate_refused",
        "the server refused our certificate \"x\" (TLS alert handshake_failure); read the server's \
         log for why, and have it admit this certificate or use another",
    );
    assert_eq!(field(&report, "tls.version").as_deref(), Some("1.2"));
}

#[test]
fn a_certificate_that_the_server_refuses_by_the_end_of_the_connection() {
    let world = World::new();
    for end in [
        OnAccept::ResetAfterHandshake,
        OnAccept::CutAfterHandshake,
        OnAccept::CloseAfterHandshake,
    ] {
        let upstream = world
            .upstream()
            .versions(Versions::Only13)
            .on_accept(move |_| end.clone())
            .start();
        let report = assert_problem(
            as_x(&world, &upstream.url()),
            "certificate_refused",
            "the server refused our certificate \"x\" (it closed the connection); have the server \
             trust \"CN=devices\" and admit this certificate, or use another; its log says why",
        );
        let accepted = field(&report, "certificate.accepted");
        assert_eq!(accepted.as_deref(), Some("false"));
    }
}

#[test]
fn a_certificate_that_tls_accepts_and_the_application_does_not() {
    let world = World::new();
    for versions in VERSIONS {
        let builder = world.upstream().versions(versions);
        let upstream = builder.handler(|_| Reply::status(403)).start();
        let report = assert_problem(
            as_x(&world, &format!("{}/p", upstream.url())),
            "forbidden",
            "TLS accepted our certificate \"x\", and the application answered 403 to GET /p; have \
             the application permit this identity, or probe a path that it permits",
        );
        let accepted = field(&report, "certificate.accepted");
        assert_eq!(accepted.as_deref(), Some("true"));
        assert_eq!(field(&report, "request.status").as_deref(), Some("403"));
        assert_problem(
            probe().arg(&upstream.url()).ca(&world.ca),
            "forbidden",
            "no certificate was sent, and the application answered 403 to GET /; use an identity \
             that it permits, or probe a path that it permits",
        );
    }
}

#[test]
fn other_answers_of_the_application_are_its_own_business() {
    let world = World::new();
    for status in [204, 302, 401, 404, 500, 503] {
        let builder = world.upstream();
        let upstream = builder.handler(move |_| Reply::status(status)).start();
        let report = assert_good(as_x(&world, &upstream.url()));
        let told = field(&report, "request.status");
        assert_eq!(told, Some(status.to_string()));
    }
}
