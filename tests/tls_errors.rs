//! What is said when TLS with the upstream fails: the refusals that TLS 1.3 tells late, alerts in
//! the handshake, silence and closed doors. Nothing of it is tried twice.

mod support;

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustls::CertificateError;
use socket2::SockRef;
use support::certs::{Ca, Leaf, Spec};
use support::client::{self, Client, Response};
use support::egret::{self, Egret};
use support::upstream::{ClientAuth, OnAccept, Reply, Seen, Step, Upstream, Versions, roots};
use support::world::World;

const VERSIONS: [Versions; 2] = [Versions::Only12, Versions::Only13];

/// How an upstream may end a connection without a word about it. A TLS 1.2 handshake ends with the
/// server's words, so that a reset right behind them is part of it.
const ENDS: [(Versions, OnAccept); 5] = [
    (Versions::Only12, OnAccept::CloseAfterHandshake),
    (Versions::Only12, OnAccept::CutAfterHandshake),
    (Versions::Only13, OnAccept::CloseAfterHandshake),
    (Versions::Only13, OnAccept::CutAfterHandshake),
    (Versions::Only13, OnAccept::ResetAfterHandshake),
];

fn egret(world: &World) -> egret::Builder {
    Egret::builder(env!("CARGO_BIN_EXE_egret")).ca(&world.ca)
}

/// One route as `x`, with the certificate `CN=x`, one as `bare`, which has none, and one as `none`.
fn as_all(world: &World, upstream: &Upstream) -> egret::Builder {
    let identities = egret(world).identity(&world.device("x")).identity("bare");
    ["x", "bare", "none"]
        .iter()
        .fold(identities, |egret, name| {
            egret.route(&format!("to={},identity={name}", upstream.url()))
        })
}

/// A request with that method, and a body where there may be one.
fn send(listener: SocketAddr, method: &str) -> Response {
    let body: &[u8] = if method == "GET" { b"" } else { b"body" };
    let answer = Client::connect(listener).request(method, "/", &[], body);
    answer.expect("an answer")
}

/// The status, the start of Proxy-Status, and the sentence that follows the upstream's name.
fn assert_error(answer: &Response, status: u16, error: &str, sentence: &str) {
    let text = answer.text();
    assert_eq!(answer.status, status, "{text}");
    let (_, said) = text.split_once(": ").unwrap_or_default();
    assert!(said.starts_with(sentence), "{sentence:?} is not: {text}");
    assert!(text.ends_with('\n') && text.lines().count() == 1, "{text}");
    let proxy_status = answer.header("proxy-status").unwrap_or_default();
    let start = format!("egret; error={error}; ");
    assert!(proxy_status.starts_with(&start), "{proxy_status}");
}

fn alert(code: u8, name: &str) -> String {
    format!("tls_alert_received; alert-id={code}; alert-message=\"{name}\"")
}

const TERMINATED: &str = "connection_terminated";

/// What an upstream asks for, what it gets, and the alert that it finds for it.
fn refusals(world: &World) -> [(ClientAuth, Leaf, u8, &'static str); 4] {
    let required = || ClientAuth::RequiredUnnamed(roots(&[&world.devices]));
    let stranger = Ca::new("strangers").client("x");
    let old = world.devices.issue(&Spec::client("x").expired());
    let good = || world.devices.client("x");
    let revoked = ClientAuth::Refused(CertificateError::Revoked);
    let unreadable = ClientAuth::Refused(CertificateError::BadEncoding);
    [
        (required(), stranger, 48, "unknown_ca"),
        (required(), old, 45, "certificate_expired"),
        (revoked, good(), 44, "certificate_revoked"),
        (unreadable, good(), 42, "bad_certificate"),
    ]
}

#[test]
fn a_refused_certificate_is_told_by_its_alert_and_not_sent_again() {
    let world = World::new();
    for versions in VERSIONS {
        for (auth, leaf, code, name) in refusals(&world) {
            let builder = world.upstream().versions(versions);
            let upstream = builder.client_auth(auth).start();
            let egret = egret(&world)
                .identity(&world.dir.identity("x", &leaf))
                .route(&format!("to={},identity=x", upstream.url()))
                .start();
            let sentence = format!(
                "refused our certificate \"x\": TLS alert {name}; run: egret probe {},identity=x\n",
                upstream.url()
            );
            for (tries, method) in (1..).zip(["GET", "POST", "PUT"]) {
                let answer = send(egret.addr(0), method);
                assert_error(&answer, 502, &alert(code, name), &sentence);
                upstream.wait_until(|state| state.failures.len() == tries);
                assert_eq!(upstream.state(|state| state.accepted), tries as u64);
            }
            assert!(upstream.seen().is_empty());
            egret.wait_line("(certificate_refused)");
        }
    }
}

#[test]
fn an_identity_without_a_certificate_is_told_that_one_is_wanted() {
    let world = World::new();
    for (versions, code, name) in [
        (Versions::Only12, 116, "certificate_required"),
        (Versions::Only13, 116, "certificate_required"),
    ] {
        let builder = world.upstream().versions(versions);
        let upstream = builder.requires(&world.devices).start();
        let egret = as_all(&world, &upstream).start();
        for (index, identity) in [(1, "bare"), (2, "none")] {
            let sentence = format!(
                "asked for a client certificate and identity {identity:?} sent none: TLS alert \
                 {name}; use an identity whose cert= the server takes"
            );
            for method in ["GET", "POST"] {
                let before = upstream.state(|state| state.accepted);
                let answer = send(egret.addr(index), method);
                assert_error(&answer, 502, &alert(code, name), &sentence);
                assert_eq!(upstream.state(|state| state.accepted), before + 1);
            }
        }
        egret.wait_line("(certificate_missing)");
        assert_eq!(send(egret.addr(0), "GET").status, 200);
    }
}

#[test]
fn an_end_right_after_our_certificate_is_probably_a_refusal() {
    let world = World::new();
    for (versions, end) in ENDS[2..].iter().cloned() {
        let builder = world.upstream().versions(versions);
        let upstream = builder.on_accept(move |_| end.clone()).start();
        let egret = as_all(&world, &upstream).start();
        for method in ["GET", "POST"] {
            for (index, sentence) in [
                "closed right after our certificate \"x\"; it probably refused it",
                "asked for a client certificate, got none from identity \"bare\" and closed; use \
                 an identity whose cert= the server takes",
                "asked for a client certificate, got none from identity \"none\" and closed; use \
                 an identity whose cert= the server takes",
            ]
            .into_iter()
            .enumerate()
            {
                let before = upstream.state(|state| state.accepted);
                let answer = send(egret.addr(index), method);
                assert_error(&answer, 502, TERMINATED, sentence);
                assert_eq!(upstream.state(|state| state.accepted), before + 1);
            }
        }
        egret.wait_line("(closed_after_certificate)");
        egret.wait_line("(closed_without_certificate)");
    }
}

#[test]
fn an_end_after_the_handshake_is_no_refusal_when_no_certificate_was_asked_for() {
    let world = World::new();
    for (versions, end) in ENDS {
        let upstream = world
            .upstream()
            .versions(versions)
            .client_auth(ClientAuth::NotAsked)
            .on_accept(move |_| end.clone())
            .start();
        let egret = as_all(&world, &upstream).start();
        for index in [0, 1, 2] {
            let answer = send(egret.addr(index), "GET");
            let sentence = "closed the connection before it answered\n";
            assert_error(&answer, 502, TERMINATED, sentence);
        }
        assert_eq!(upstream.state(|state| state.accepted), 3);
    }
}

#[test]
fn in_tls12_a_certificate_was_judged_before_the_handshake_ended() {
    let world = World::new();
    for (versions, end) in ENDS[..2].iter().cloned() {
        let builder = world.upstream().versions(versions);
        let upstream = builder.on_accept(move |_| end.clone()).start();
        let egret = as_all(&world, &upstream).start();
        let sentence = "closed the connection before it answered\n";
        assert_error(&send(egret.addr(0), "GET"), 502, TERMINATED, sentence);
    }
}

#[test]
fn a_resumed_session_remembers_what_became_of_our_certificate() {
    let world = World::new();
    let plain = "closed the connection before it answered\n";
    let missing = "asked for a client certificate, got none from identity";
    let refused =
        "closed right after our certificate \"x\"; it probably refused it; run: egret probe ";
    for (auth, sentences) in [
        (
            ClientAuth::Requested(roots(&[&world.devices])),
            [refused, missing, missing],
        ),
        (ClientAuth::NotAsked, [plain; 3]),
    ] {
        let upstream = world
            .upstream()
            .client_auth(auth)
            .on_accept(|number| match number {
                1..=3 => OnAccept::Serve,
                _ => OnAccept::ResetAfterHandshake,
            })
            .start();
        let builder = as_all(&world, &upstream).option("--upstream-idle", "0");
        let egret = builder.start();
        for index in [0, 1, 2] {
            assert_eq!(send(egret.addr(index), "GET").status, 200);
        }
        for (index, sentence) in sentences.into_iter().enumerate() {
            assert_error(&send(egret.addr(index), "GET"), 502, TERMINATED, sentence);
        }
        assert_eq!(upstream.resumed_handshakes(), 3);
    }
}

/// Answers the first request of each connection and ends that at the next, the `end` way.
fn once(end: Step) -> impl Fn(&Seen) -> Reply + Send + Sync {
    move |seen| match seen.request {
        1 => Reply::echo(seen),
        _ => Reply::script(vec![end.clone()]),
    }
}

#[test]
fn the_end_of_a_pooled_connection_is_not_blamed_on_the_certificate() {
    let world = World::new();
    for versions in VERSIONS {
        for end in [Step::Reset, Step::Cut, Step::Close] {
            let builder = world.upstream().versions(versions);
            let upstream = builder.requires(&world.devices).handler(once(end)).start();
            let egret = as_all(&world, &upstream).start();
            assert_eq!(send(egret.addr(0), "GET").status, 200);
            // Bytes of it were sent: a POST, with a body or without, is not sent twice.
            for (connections, body) in [(1, "body"), (2, "")] {
                let mut client = Client::connect(egret.addr(0));
                let answer = client.request("POST", "/", &[], body.as_bytes());
                let sentence = "closed the connection before it answered\n";
                assert_error(&answer.expect("an answer"), 502, TERMINATED, sentence);
                assert_eq!(upstream.connections(), connections);
                assert_eq!(send(egret.addr(0), "GET").status, 200);
            }
            // A GET is.
            assert_eq!(upstream.connections(), 3);
            assert_eq!(send(egret.addr(0), "GET").status, 200);
            assert_eq!(upstream.connections(), 4);
        }
    }
}

/// A way to `upstream` that resets the client's side as soon as the upstream has ended its own, as
/// a server does that closes with unread bytes.
fn resetting(upstream: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let addr = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(upstream).expect("the upstream");
            thread::spawn(move || relay(Arc::new(client), Arc::new(server)));
        }
    });
    addr
}

fn relay(client: Arc<TcpStream>, server: Arc<TcpStream>) {
    let up = {
        let (client, server) = (Arc::clone(&client), Arc::clone(&server));
        thread::spawn(move || io::copy(&mut &*client, &mut &*server).is_ok())
    };
    let down = io::copy(&mut &*server, &mut &*client);
    let reset = SockRef::from(&*client).set_linger(Some(Duration::ZERO));
    // Wakes the other direction, and sends nothing.
    let woken = client.shutdown(Shutdown::Read);
    let _over = (up.join(), down, reset, woken);
}

#[test]
fn an_alert_is_read_although_a_reset_cut_the_upload_off() {
    let world = World::new();
    let stranger = Ca::new("strangers").client("x");
    let auth = ClientAuth::RequiredUnnamed(roots(&[&world.devices]));
    let upstream = world.upstream().client_auth(auth).start();
    let port = resetting(upstream.addr()).port();
    let egret = egret(&world)
        .identity(&world.dir.identity("x", &stranger))
        .route(&format!("to=https://localhost:{port},identity=x"))
        .start();
    for body in [0, 1, 100_000, 4_000_000].repeat(5) {
        let answer = Client::connect(egret.addr(0)).request("POST", "/", &[], &vec![b'x'; body]);
        let sentence = "refused our certificate \"x\": TLS alert unknown_ca";
        let answer = answer.expect("an answer");
        assert_error(&answer, 502, &alert(48, "unknown_ca"), sentence);
    }
    assert_eq!(upstream.state(|state| state.accepted), 20);
}

#[test]
fn a_handshake_that_stalls_times_out() {
    let world = World::new();
    let upstream = world.upstream().on_accept(|_| OnAccept::Stall).start();
    let egret = as_all(&world, &upstream)
        .option("--connect-timeout", "200ms")
        .start();
    let sentence = "the TLS handshake did not finish in time (--connect-timeout); check that \
         the port speaks TLS; run: egret probe https://localhost:";
    let answer = send(egret.addr(0), "GET");
    assert_error(&answer, 504, "connection_timeout", sentence);
    assert_eq!(upstream.state(|state| state.accepted), 1);
    // Nobody waits for it any more.
    upstream.wait_until(|state| state.open == 1);
    egret.wait_line("(connect_timeout)");
}

#[test]
fn silence_after_the_handshake_is_no_fault_of_tls() {
    let world = World::new();
    let stall = |_| OnAccept::StallAfterHandshake;
    let upstream = world.upstream().on_accept(stall).start();
    let egret = as_all(&world, &upstream)
        .option("--response-timeout", "200ms")
        .start();
    let answer = send(egret.addr(0), "GET");
    assert_error(&answer, 504, "http_response_timeout", "no answer for 200ms");
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn a_port_that_does_not_speak_tls_is_told() {
    let world = World::new();
    let closed = "TLS failed: the server closed the connection in the handshake; check that \
         the port speaks TLS; run: egret probe https://localhost:";
    let plain = "TLS failed: the server does not speak TLS on this port";
    let http = b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec();
    for (on_accept, sentence) in [(OnAccept::Close, closed), (OnAccept::Bytes(http), plain)] {
        let builder = world.upstream();
        let upstream = builder.on_accept(move |_| on_accept.clone()).start();
        let egret = as_all(&world, &upstream).start();
        for (index, method) in [(0, "GET"), (2, "POST")] {
            let answer = send(egret.addr(index), method);
            assert_error(&answer, 502, "tls_protocol_error", sentence);
        }
        assert_eq!(upstream.state(|state| state.accepted), 2);
    }
}

#[test]
fn a_reset_at_once_is_a_refused_connection_or_the_end_of_a_handshake() {
    let world = World::new();
    let upstream = world.upstream().on_accept(|_| OnAccept::Reset).start();
    let egret = as_all(&world, &upstream).start();
    for _ in 0..10 {
        let answer = send(egret.addr(0), "GET");
        // Whether it comes before or after TCP counts as connected is up to the kernel.
        let status = answer.header("proxy-status").unwrap_or_default();
        match status.contains("connection_refused") {
            true => assert_error(&answer, 502, "connection_refused", "127.0.0.1:"),
            false => assert_error(&answer, 502, "tls_protocol_error", "TLS failed: "),
        }
    }
}

#[test]
fn a_closed_port_is_told_and_heals_when_it_opens() {
    let world = World::new();
    let mut upstream = world.upstream().start();
    upstream.stop();
    let egret = as_all(&world, &upstream).start();
    let answer = send(egret.addr(0), "GET");
    assert_error(&answer, 502, "connection_refused", "");
    let text = answer.text();
    let refused = format!("{} refused the connection", upstream.addr());
    // localhost may have two addresses, and the one that is told may be the other.
    let other = format!("[::1]:{} refused the connection", upstream.port());
    assert!(text.contains(&refused) || text.contains(&other), "{text}");
    upstream.restart().expect("the same port");
    assert_eq!(send(egret.addr(0), "GET").status, 200);
}

#[test]
fn a_name_without_an_address_is_told_once() {
    let world = World::new();
    let egret = egret(&world)
        .route("to=https://nobody.invalid,identity=none")
        .start();
    let answer = client::get(egret.addr(0), "/");
    assert_error(&answer, 502, "dns_error", "the name was not found: DNS ");
    let text = answer.text();
    assert!(text.starts_with("502 nobody.invalid: "), "{text}");
    assert_eq!(text.matches("; check ").count(), 1, "{text}");
}
