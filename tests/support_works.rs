//! The harness itself, proven without egret: a rustls client talks to the upstream directly.

mod support;

use std::io::ErrorKind;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::{Resumption as ClientResumption, Tls12Resumption};
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use support::PATIENCE;
use support::certs::{Ca, Dir, KeyKind, Leaf, Spec};
use support::client::{Client, Failure, Response};
use support::egret::Egret;
use support::gate::Gate;
use support::upstream::{
    Builder, ClientAuth, OnAccept, ReadBody, Reply, Resumption, Seen, Step, Upstream, Versions,
    checksum, roots,
};

type Tls = StreamOwned<ClientConnection, TcpStream>;

/// Two authorities, and a client configuration that trusts the first.
struct World {
    servers: Ca,
    clients: Ca,
}

impl World {
    fn new() -> Self {
        Self {
            servers: Ca::new("servers"),
            clients: Ca::new("clients"),
        }
    }

    fn upstream(&self) -> Builder {
        Upstream::builder(&self.servers.server(&["localhost", "127.0.0.1"]))
    }

    fn client(&self, leaf: Option<&Leaf>) -> Arc<ClientConfig> {
        let mut store = RootCertStore::empty();
        store.add(self.servers.der()).expect("a root");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(store);
        let mut config = match leaf {
            Some(leaf) => builder
                .with_client_auth_cert(leaf.chain(), leaf.key())
                .expect("a certificate"),
            None => builder.with_no_client_auth(),
        };
        config.resumption = ClientResumption::in_memory_sessions(8)
            .tls12_resumption(Tls12Resumption::SessionIdOrTickets);
        Arc::new(config)
    }
}

fn connect(upstream: &Upstream, config: &Arc<ClientConfig>) -> Client<Tls> {
    let tcp = TcpStream::connect(upstream.addr()).expect("a connection");
    tcp.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    tcp.set_nodelay(true).expect("nodelay");
    let name = ServerName::try_from("localhost").expect("a name");
    let tls = ClientConnection::new(Arc::clone(config), name).expect("a client");
    Client::over(StreamOwned::new(tls, tcp))
}

fn get(upstream: &Upstream, config: &Arc<ClientConfig>) -> Response {
    connect(upstream, config).get("/").expect("a response")
}

/// Whether the first and the second connection of one client are resumptions.
fn resumptions(versions: Versions, resumption: Resumption) -> (Option<String>, Option<String>) {
    let world = World::new();
    let upstream = world
        .upstream()
        .versions(versions)
        .resumption(resumption)
        .start();
    let client = world.client(None);
    (
        get(&upstream, &client).echo("resumed"),
        get(&upstream, &client).echo("resumed"),
    )
}

fn full_then(second: bool) -> (Option<String>, Option<String>) {
    (Some("false".to_owned()), Some(second.to_string()))
}

#[test]
fn tls12_tickets_are_resumed() {
    assert_eq!(
        resumptions(Versions::Only12, Resumption::Tickets),
        full_then(true)
    );
}

#[test]
fn tls12_session_ids_are_resumed() {
    assert_eq!(
        resumptions(Versions::Only12, Resumption::SessionIds),
        full_then(true)
    );
}

#[test]
fn tls13_tickets_are_resumed() {
    assert_eq!(
        resumptions(Versions::Only13, Resumption::Tickets),
        full_then(true)
    );
}

#[test]
fn tls13_sessions_kept_by_the_server_are_resumed() {
    assert_eq!(
        resumptions(Versions::Only13, Resumption::SessionIds),
        full_then(true)
    );
}

#[test]
fn nothing_is_resumed_where_nobody_remembers() {
    assert_eq!(
        resumptions(Versions::Only12, Resumption::None),
        full_then(false)
    );
    assert_eq!(
        resumptions(Versions::Only13, Resumption::None),
        full_then(false)
    );
}

#[test]
fn handshakes_are_counted_and_a_restart_forgets_sessions_but_not_what_was_seen() {
    let world = World::new();
    let mut upstream = world.upstream().start();
    let client = world.client(None);
    get(&upstream, &client);
    get(&upstream, &client);
    assert_eq!(
        (upstream.full_handshakes(), upstream.resumed_handshakes()),
        (1, 1)
    );
    upstream.wait_until(|state| state.open == 0);
    let port = upstream.port();
    upstream.stop();
    assert!(TcpStream::connect(upstream.addr()).is_err());
    upstream.restart().expect("the same port");
    get(&upstream, &client);
    assert_eq!(
        (upstream.full_handshakes(), upstream.resumed_handshakes()),
        (2, 1)
    );
    assert_eq!(
        (
            upstream.port(),
            upstream.connections(),
            upstream.seen().len()
        ),
        (port, 3, 3)
    );
}

#[test]
fn the_clients_subject_is_seen_and_stays_with_its_session() {
    let world = World::new();
    let middle = world.clients.intermediate("middle");
    for (versions, resumption) in [
        (Versions::Only12, Resumption::SessionIds),
        (Versions::Only12, Resumption::Tickets),
        (Versions::Only13, Resumption::SessionIds),
        (Versions::Only13, Resumption::Tickets),
    ] {
        let upstream = world
            .upstream()
            .versions(versions)
            .resumption(resumption)
            .requests(&world.clients)
            .start();
        for kind in [KeyKind::P256, KeyKind::P384, KeyKind::Ed25519] {
            let leaf = middle.issue(&Spec::client("client").key(kind));
            let client = world.client(Some(&leaf));
            for resumed in ["false", "true"] {
                let response = get(&upstream, &client);
                assert_eq!(
                    response.echo("client_subject").as_deref(),
                    Some("CN=client")
                );
                assert_eq!(response.echo("client_issuer").as_deref(), Some("CN=middle"));
                assert_eq!(response.echo("resumed").as_deref(), Some(resumed));
            }
        }
        assert_eq!(
            get(&upstream, &world.client(None)).echo("client_subject"),
            None
        );
        let offered = upstream.state(|state| state.offered.clone());
        assert_eq!(offered, vec![Some("CN=client".to_owned()); 3]);
    }
}

#[test]
fn a_certificate_that_is_not_acceptable_is_answered_with_an_alert() {
    let world = World::new();
    let good = world.clients.client("client");
    let stranger = Ca::new("strangers").client("client");
    let old = world.clients.issue(&Spec::client("client").expired());
    let early = world.clients.issue(&Spec::client("client").not_yet_valid());
    let required = world.upstream().requires(&world.clients);
    let unnamed = ClientAuth::RequiredUnnamed(roots(&[&world.clients]));
    let unnamed = world.upstream().client_auth(unnamed);
    let refused = ClientAuth::Refused(CertificateError::Revoked);
    let refused = world.upstream().client_auth(refused);
    for (upstream, leaf, alert) in [
        (&required, Some(&old), "CertificateExpired"),
        (&required, Some(&early), "CertificateExpired"),
        (&required, None, "CertificateRequired"),
        (&unnamed, Some(&stranger), "UnknownCA"),
        (&refused, Some(&good), "CertificateRevoked"),
    ] {
        let upstream = upstream.clone().versions(Versions::Only13).start();
        let failure = connect(&upstream, &world.client(leaf))
            .get("/")
            .expect_err("an alert");
        let said = format!("{failure:?}");
        assert!(said.contains(alert), "{alert}: {said}");
        // The alert is out before it is recorded.
        upstream.wait_until(|state| state.failures.len() == 1);
        assert_eq!(upstream.connections(), 0);
    }
}

#[test]
fn the_raw_head_is_kept_byte_for_byte() {
    let world = World::new();
    let upstream = world.upstream().alpn(&["http/1.1"]).start();
    let head =
        b"POST /a%2F..?x=# HTTP/1.1\r\nhOsT: x\r\nX-A:1\r\nx-a:  2 \r\nContent-Length: 3\r\n\r\n";
    let mut client = connect(&upstream, &world.client(None));
    client
        .write_raw(&[head.as_slice(), b"abc"].concat())
        .expect("written");
    let response = client.read_response().expect("a response");
    let seen = upstream.last().expect("a request");
    assert_eq!(seen.raw_head, head);
    assert_eq!(seen.headers[1..3], [pair("X-A", "1"), pair("x-a", "2")]);
    assert_eq!(
        (seen.body.as_slice(), seen.count("x-A")),
        (b"abc".as_slice(), 2)
    );
    assert_eq!(seen.body_checksum, checksum(b"abc"));
    assert_eq!(response.echo("target").as_deref(), Some("/a%2F..?x=#"));
    assert_eq!(response.echo("sni").as_deref(), Some("localhost"));
    assert_eq!(response.echo("body").as_deref(), Some("abc"));
    assert_eq!(response.echoed_header("HOST").as_deref(), Some("x"));
    assert_eq!(response.echoed_headers(), seen.headers);
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn requests_of_one_connection_are_numbered() {
    let world = World::new();
    let upstream = world.upstream().start();
    let mut client = connect(&upstream, &world.client(None));
    for number in ["1", "2", "3"] {
        let response = client.get("/").expect("a response");
        assert_eq!(response.echo("request").as_deref(), Some(number));
        assert_eq!(response.echo("connection").as_deref(), Some("1"));
    }
    let response = client
        .request("GET", "/", &[("Connection", "close")], b"")
        .expect("the last");
    assert_eq!(response.echo("request").as_deref(), Some("4"));
    assert!(client.read_to_end().expect("an end").is_empty());
    drop(client);
    upstream.wait_until(|state| state.open == 0);
}

#[test]
fn chunks_and_trailers_go_both_ways() {
    let world = World::new();
    let upstream = world
        .upstream()
        .handler(|seen| match seen.method.as_str() {
            "POST" => Reply::echo(seen),
            _ => Reply::status(200).chunked_with_trailers(&[b"one ", b"two"], &[("X-Sum", "7")]),
        })
        .start();
    let mut client = connect(&upstream, &world.client(None));
    let chunks = b"3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nX-End: yes\r\n\r\n";
    let framing = [("Transfer-Encoding", "chunked")];
    let response = client
        .request("POST", "/", &framing, chunks)
        .expect("a response");
    assert_eq!(response.echo("body").as_deref(), Some("abcde"));
    let seen = upstream.last().expect("a request");
    assert!(seen.complete);
    assert_eq!(seen.trailers, [pair("X-End", "yes")]);
    let response = client.get("/").expect("a response");
    assert_eq!(
        (response.text().as_str(), response.trailers),
        ("one two", vec![pair("X-Sum", "7")])
    );
    let response = client.request("HEAD", "/", &[], b"").expect("a response");
    assert_eq!((response.status, response.body.len()), (200, 0));
}

#[test]
fn a_script_waits_for_its_gate_and_ends_the_connection_its_own_way() {
    let world = World::new();
    let upstream = world.upstream().start();
    for end in [Step::Close, Step::Cut, Step::Reset] {
        let gate = Gate::new();
        let script = vec![
            Step::Mark("waiting"),
            Step::WaitFor(Arc::clone(&gate)),
            Step::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc".to_vec()),
            end.clone(),
        ];
        upstream.answer(move |_| Reply::script(script.clone()));
        let mut client = connect(&upstream, &world.client(None));
        client
            .write_raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            .expect("written");
        upstream.wait_until(|state| state.marks.len() == state.seen.len());
        gate.open();
        let head = client.read_head().map(|head| head.status);
        let last = client.read_to_end().map_err(|error| error.kind());
        match (end, head, last) {
            (Step::Close, Ok(200), Ok(rest)) => assert_eq!(rest, b"abc"),
            (Step::Cut, Ok(200), Err(ErrorKind::UnexpectedEof)) => {}
            // A reset may overtake the bytes before it.
            (Step::Reset, _, Err(ErrorKind::ConnectionReset)) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_body_that_ends_early_is_truncated() {
    let world = World::new();
    let upstream = world.upstream().start();
    let part = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc";
    upstream.answer(move |_| Reply::raw(part).then(Step::Close));
    match connect(&upstream, &world.client(None)).get("/") {
        Err(Failure::Truncated(part)) => assert_eq!(part.body, b"abc"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_hook_decides_about_each_connection() {
    let world = World::new();
    let upstream = world
        .upstream()
        .on_accept(|number| match number {
            1 => OnAccept::Close,
            2 => OnAccept::Reset,
            3 => OnAccept::Bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
            4 => OnAccept::CloseAfterHandshake,
            5 => OnAccept::CutAfterHandshake,
            6 => OnAccept::ResetAfterHandshake,
            _ => OnAccept::Serve,
        })
        .start();
    let client = world.client(None);
    for _ in 0..6 {
        let failure = connect(&upstream, &client).get("/").expect_err("no answer");
        assert!(!matches!(failure, Failure::Timeout), "{failure}");
    }
    assert_eq!(get(&upstream, &client).status, 200);
    upstream.wait_until(|state| state.accepted == 7 && state.connections() == 4);
}

#[test]
fn a_connection_that_stalls_is_open_until_the_upstream_stops() {
    let world = World::new();
    let mut upstream = world.upstream().on_accept(|_| OnAccept::Stall).start();
    let mut client = Client::connect(upstream.addr());
    upstream.wait_until(|state| state.open == 1);
    upstream.stop();
    assert_eq!(upstream.open_connections(), 0);
    assert!(client.read_to_end().expect("an end").is_empty());
}

#[test]
fn a_silent_connection_is_closed_after_its_idle_time() {
    let world = World::new();
    let upstream = world.upstream().idle(Duration::from_millis(50)).start();
    let mut client = connect(&upstream, &world.client(None));
    client.get("/").expect("a response");
    assert!(client.read_to_end().expect("a clean end").is_empty());
}

#[test]
fn a_body_is_asked_for_with_100_continue() {
    let world = World::new();
    let headers = [("Expect", "100-continue")];
    let upstream = world.upstream().start();
    let mut client = connect(&upstream, &world.client(None));
    let response = client
        .request("PUT", "/", &headers, b"abc")
        .expect("a response");
    assert_eq!(response.interim, [100]);
    let silent = world.upstream().sends_continue(false).start();
    let mut client = connect(&silent, &world.client(None));
    let response = client
        .request("PUT", "/", &headers, b"abc")
        .expect("a response");
    assert!(response.interim.is_empty());
}

#[test]
fn an_answer_may_come_before_the_body() {
    let world = World::new();
    let upstream = world.upstream().read_body(ReadBody::AfterReply).start();
    upstream.answer(|seen: &Seen| Reply::json(413, seen));
    let mut client = connect(&upstream, &world.client(None));
    client
        .write_raw(b"PUT / HTTP/1.1\r\nContent-Length: 3\r\n\r\n")
        .expect("written");
    assert_eq!(client.read_response().expect("an early answer").status, 413);
    assert!(!upstream.last().expect("a request").complete);
    client.write_raw(b"abc").expect("written");
    upstream.wait_until(|state| state.seen[0].complete);
}

#[test]
fn an_upgraded_connection_echoes() {
    let world = World::new();
    let upstream = world.upstream().start();
    upstream.answer(|_| Reply::status(101).header("Upgrade", "x").then(Step::Echo));
    let mut client = connect(&upstream, &world.client(None));
    let headers = [("Connection", "upgrade"), ("Upgrade", "x")];
    assert_eq!(
        client
            .request("GET", "/", &headers, b"")
            .expect("an upgrade")
            .status,
        101
    );
    client.write_raw(b"ping").expect("written");
    assert_eq!(client.read_exact(4).expect("an echo"), b"ping");
}

#[test]
fn a_process_is_followed_through_its_log_to_its_end() {
    let script = "trap 'echo bye >&2; exit 0' TERM
        echo 'x listening on 127.0.0.1:4711 (--route 127.0.0.1:0,to=x,identity=a)' >&2
        echo accessed
        while :; do :; done";
    let mut process = Egret::builder("sh")
        .arg("-c")
        .arg(script)
        .route_at("127.0.0.1:0", "to=x,identity=a")
        .route_at("127.0.0.1:0", "path=/b,to=x,identity=a")
        .start();
    assert_eq!(process.addr(0).port(), 4711);
    assert_eq!(process.addr(1).port(), 4711);
    process.wait_access_log(|lines| lines == ["accessed"]);
    assert!(process.rss_kib() > 0 && process.threads() == 1 && process.descriptors() >= 3);
    process.signal("TERM");
    assert_eq!(process.wait_exit().code(), Some(0));
    assert_eq!(process.wait_line("bye"), "bye");
}

#[test]
fn a_folder_is_gone_with_its_owner() {
    let dir = Dir::new();
    let option = dir.identity("client", &Ca::new("ca").client("client"));
    assert!(option.starts_with("client,cert=/") && option.ends_with("/client.key"));
    let path = dir.path().to_owned();
    assert!(path.join("client.key").exists());
    drop(dir);
    assert!(!path.exists());
}
