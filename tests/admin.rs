//! `--admin`: who is told, whether egret is ready, and what it counts.

mod support;

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use support::certs::Spec;
use support::client::{Client, Response, get};
use support::egret::{Builder, Egret};
use support::gate::Gate;
use support::upstream::{Reply, Resumption, Step, Upstream};
use support::wait_until;
use support::world::World;

const EGRET: &str = env!("CARGO_BIN_EXE_egret");
const ADMIN: &str = "127.0.0.9:0";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn egret(world: &World) -> Builder {
    Egret::builder(EGRET).ca(&world.ca).admin_at(ADMIN)
}

/// With a route that nothing is asked of.
fn idle(world: &World) -> Egret {
    egret(world)
        .route("to=https://localhost:1,identity=none")
        .start()
}

/// An upstream that answers when the gate opens.
fn waiting(world: &World, gate: &Arc<Gate>) -> Upstream {
    let answer = Step::Bytes(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec());
    let steps = vec![Step::WaitFor(Arc::clone(gate)), answer];
    let upstream = world.upstream();
    upstream
        .handler(move |_| Reply::script(steps.clone()))
        .start()
}

/// A client whose request is there, and not answered.
fn busy(egret: &Egret, upstream: &Upstream) -> Client<TcpStream> {
    let mut client = Client::connect(egret.addr(0));
    client
        .write_raw(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .expect("written");
    upstream.wait_until(|state| state.seen.len() == 1);
    client
}

fn with_fields(egret: &Egret, target: &str, fields: &[(&str, &str)]) -> Response {
    let mut client = Client::connect(egret.admin());
    client
        .request("GET", target, fields, &[])
        .expect("an answer")
}

/// The value of a sample of `/metrics`, by its name and labels as they stand there.
fn metric(egret: &Egret, sample: &str) -> f64 {
    let text = get(egret.admin(), "/metrics").text();
    let line = text.lines().find_map(|line| line.strip_prefix(sample));
    let value = line.and_then(|rest| rest.strip_prefix(' ')?.parse().ok());
    value.unwrap_or_else(|| panic!("no {sample} in\n{text}"))
}

fn ready(egret: &Egret) -> (u16, String) {
    let answer = get(egret.admin(), "/readyz");
    (answer.status, answer.text())
}

#[test]
fn it_is_alive_and_ready_and_says_so() {
    let world = World::new();
    let egret = idle(&world);
    let alive = get(egret.admin(), "/healthz");
    assert_eq!((alive.status, alive.text().as_str()), (200, "ok\n"));
    assert_eq!(ready(&egret), (200, String::from("ready\n")));
    assert_eq!(metric(&egret, "egret_ready"), 1.0);
    assert_eq!(metric(&egret, "egret_clock_set"), 1.0);
}

#[test]
fn every_answer_is_for_this_moment_and_for_nobody_elses_page() {
    let world = World::new();
    let egret = idle(&world);
    for target in ["/", "/status.json", "/metrics", "/healthz", "/readyz", "/x"] {
        let answer = get(egret.admin(), target);
        assert_eq!(answer.status, if target == "/x" { 404 } else { 200 });
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
}

#[test]
fn only_get_and_head_are_answered() {
    let world = World::new();
    let egret = idle(&world);
    let mut client = Client::connect(egret.admin());
    let full = client.get("/healthz?x=y").expect("an answer");
    let head = client.request("HEAD", "/healthz", &[], &[]).expect("one");
    assert_eq!((head.status, head.text().as_str()), (200, ""));
    assert_eq!(head.header("content-length"), full.header("content-length"));
    for method in ["POST", "DELETE", "OPTIONS"] {
        let refused = client.request(method, "/healthz", &[], &[]).expect("one");
        assert_eq!(refused.status, 405, "{method}");
        assert_eq!(refused.header("allow"), Some("GET, HEAD"));
    }
}

#[test]
fn a_body_is_not_read() {
    let world = World::new();
    let egret = idle(&world);
    let mut client = Client::connect(egret.admin());
    let answer = client.request("POST", "/", &[("Content-Length", "9000000")], b"x");
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 405);
    assert_eq!(answer.header("connection"), Some("close"));
}

#[test]
fn a_page_of_another_origin_or_of_a_rebound_name_is_told_nothing() {
    let world = World::new();
    let egret = idle(&world);
    let own = format!("http://{}", egret.admin());
    let host = egret.admin().to_string();
    for fields in [
        &[("Host", host.as_str()), ("Sec-Fetch-Site", "cross-site")][..],
        &[("Host", &host), ("Origin", "http://evil.example")],
        &[
            ("Host", "rebound.example"),
            ("Sec-Fetch-Site", "same-origin"),
        ],
        &[("Host", "rebound.example"), ("User-Agent", "Mozilla/5.0")],
    ] {
        for target in ["/", "/status.json", "/metrics", "/healthz"] {
            let answer = with_fields(&egret, target, fields);
            assert_eq!(answer.status, 403, "{fields:?} {target}");
            assert!(answer.text().starts_with("not for web pages of another"));
        }
    }
    for fields in [
        &[("Host", host.as_str()), ("Sec-Fetch-Site", "none")][..],
        &[
            ("Host", &host),
            ("Origin", &own),
            ("Sec-Fetch-Site", "same-origin"),
        ],
        &[
            ("Host", "device.lan:9180"),
            ("User-Agent", "Prometheus/2.42.0"),
        ],
    ] {
        assert_eq!(
            with_fields(&egret, "/metrics", fields).status,
            200,
            "{fields:?}"
        );
    }
}

#[test]
fn who_is_not_admitted_is_told_nothing() {
    let world = World::new();
    let egret = Egret::builder(EGRET)
        .ca(&world.ca)
        .route("to=https://localhost:1,identity=none")
        .admin_at("127.0.0.9:0,from=192.0.2.0/24")
        .start();
    assert_eq!(get(egret.admin(), "/metrics").status, 403);
}

#[test]
fn a_unix_socket_has_its_mode_and_asks_no_host() {
    let world = World::new();
    let path = world.dir.file("admin.sock");
    let egret = Egret::builder(EGRET)
        .ca(&world.ca)
        .route("to=https://localhost:1,identity=none")
        .admin_at(&format!("unix:{},mode=0600", path.display()))
        .start();
    let mut client = Client::connect_unix(&path);
    let fields = [("Host", "x"), ("User-Agent", "Mozilla/5.0")];
    let answer = client.request("GET", "/readyz", &fields, &[]);
    assert_eq!(answer.expect("an answer").status, 200);
    let mode = fs::metadata(&path).expect("a socket").mode();
    assert_eq!(mode & 0o777, 0o600);
    egret.signal("TERM");
    wait_until("the socket's file is gone", || !path.exists());
}

#[test]
fn its_places_are_its_own_and_the_oldest_idle_client_makes_room() {
    let world = World::new();
    let gate = Gate::new();
    let upstream = waiting(&world, &gate);
    let egret = egret(&world)
        .option("--max-clients", "1")
        .route(&format!("to={},identity=none", upstream.url()))
        .start();
    let mut busy = busy(&egret, &upstream);
    let mut clients: Vec<_> = (0..6).map(|_| Client::connect(egret.admin())).collect();
    for client in &mut clients[2..] {
        assert_eq!(client.get("/healthz").expect("an answer").status, 200);
    }
    assert!(clients[0].get("/healthz").is_err(), "it made room");
    let listen = format!("{{listener=\"{ADMIN}\"}}");
    assert_eq!(metric(&egret, &format!("egret_clients_max{listen}")), 4.0);
    gate.open();
    assert_eq!(busy.read_response().expect("an answer").status, 204);
}

#[test]
fn an_identity_that_is_not_available_is_named_with_the_reason() {
    let world = World::new();
    let good = world.device("good");
    let egret = egret(&world)
        .identity(&good)
        .identity("meter,cert=/no/such.crt")
        .route("to=https://localhost:1,identity=good")
        .route("to=https://localhost:1,identity=meter")
        .start();
    let (status, text) = ready(&egret);
    assert_eq!(status, 503);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "not ready");
    let start = "identity \"meter\": not available: /no/such.crt: ";
    assert!(lines[1].starts_with(start), "{text}");
    assert_eq!(lines.len(), 2, "{text}");
    let value = |name: &str, identity: &str| {
        metric(
            &egret,
            &format!("egret_identity_{name}{{identity=\"{identity}\"}}"),
        )
    };
    assert_eq!(value("available", "meter"), 0.0);
    assert_eq!(value("files_good", "meter"), 0.0);
    assert_eq!(value("available", "good"), 1.0);
    assert_eq!(value("epoch", "good"), 1.0);
    assert_eq!(get(egret.admin(), "/healthz").status, 200);
}

#[test]
fn an_expired_certificate_is_not_ready_and_one_near_its_end_is_told_of() {
    let world = World::new();
    let state = |spec: Spec| {
        let identity = world.device_of("x", &spec);
        let egret = egret(&world)
            .identity(&identity)
            .route("to=https://localhost:1,identity=x")
            .start();
        ready(&egret)
    };
    let (status, text) = state(Spec::client("x").expired());
    assert_eq!(status, 503);
    assert!(
        text.contains("\nidentity \"x\": its certificate expired on "),
        "{text}"
    );
    let (status, text) = state(Spec::client("x").not_yet_valid());
    assert_eq!(status, 503);
    assert!(
        text.contains("\nidentity \"x\": its certificate is not valid before "),
        "{text}"
    );
    let now = SystemTime::now();
    let (status, text) = state(Spec::client("x").valid(now - 300 * DAY, now + 5 * DAY));
    assert_eq!(status, 200);
    let start = "ready\nidentity \"x\": its certificate expires on ";
    assert!(text.starts_with(start), "{text}");
}

#[test]
fn a_reload_that_failed_is_told_of_and_the_old_epoch_is_ready() {
    let world = World::new();
    let identity = world.device("x");
    let egret = egret(&world)
        .identity(&identity)
        .option("--reload-interval", "0")
        .route("to=https://localhost:1,identity=x")
        .start();
    world.dir.write("x.key", "no key");
    egret.signal("HUP");
    egret.wait_line("reload of identity \"x\" failed");
    let (status, text) = ready(&egret);
    assert_eq!(status, 200);
    let start = "ready\nidentity \"x\": reload failed, keeping epoch 1: ";
    assert!(text.starts_with(start), "{text}");
    let reloads = "egret_identity_reloads_total{identity=\"x\",outcome=";
    assert_eq!(metric(&egret, &format!("{reloads}\"failed\"}}")), 1.0);
    assert_eq!(
        metric(&egret, "egret_identity_files_good{identity=\"x\"}"),
        0.0
    );
    world.device("x");
    egret.signal("HUP");
    egret.wait_line("reloaded identity \"x\": epoch 2");
    assert_eq!(ready(&egret), (200, String::from("ready\n")));
    assert_eq!(metric(&egret, &format!("{reloads}\"loaded\"}}")), 1.0);
    assert_eq!(metric(&egret, "egret_identity_epoch{identity=\"x\"}"), 2.0);
}

#[test]
fn while_it_stops_it_is_not_ready() {
    let world = World::new();
    let gate = Gate::new();
    let upstream = waiting(&world, &gate);
    let mut egret = egret(&world)
        .route(&format!("to={},identity=none", upstream.url()))
        .start();
    let mut busy = busy(&egret, &upstream);
    let mut admin = Client::connect(egret.admin());
    assert_eq!(admin.get("/readyz").expect("an answer").status, 200);
    egret.signal("TERM");
    egret.wait_line("stopping");
    let stopping = admin.get("/readyz").expect("an answer");
    assert_eq!(stopping.status, 503);
    assert_eq!(stopping.text(), "not ready\nstopping\n");
    assert_eq!(admin.get("/healthz").expect("an answer").status, 200);
    gate.open();
    assert_eq!(busy.read_response().expect("an answer").status, 204);
    // Who only watches is not waited for.
    assert_eq!(egret.wait_exit().code(), Some(0));
}

#[test]
fn requests_failures_and_handshakes_are_counted_where_they_were() {
    let world = World::new();
    let upstream = world
        .upstream()
        .handler(|seen| match seen.target.as_str() {
            "/missing" => Reply::status(404).body("none"),
            "/close" => Reply::echo(seen).close(),
            "/cut" => Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx").close(),
            _ => Reply::echo(seen),
        })
        .resumption(Resumption::Tickets)
        .start();
    let egret = egret(&world)
        .identity(&world.device("x"))
        .route_at("127.0.0.1:0", &format!("to={},identity=x", upstream.url()))
        .route_at(
            "127.0.0.2:0",
            "to=https://127.0.0.1:1,identity=none,path=/dead",
        )
        .start();
    let mut client = Client::connect(egret.addr(0));
    for target in ["/", "/missing", "/close", "/"] {
        client
            .request("PUT", target, &[], b"12345")
            .expect("an answer");
    }
    let cut = client.get("/cut");
    assert!(cut.is_err());
    assert_eq!(get(egret.addr(1), "/dead/x").status, 502);
    assert_eq!(get(egret.addr(1), "/").status, 404);
    let of = |name: &str, labels: &str| metric(&egret, &format!("egret_{name}{{{labels}}}"));
    let first = "route=\"127.0.0.1:0\"";
    wait_until("the last record is closed", || {
        of("requests_total", &format!("{first},status=\"2xx\"")) == 4.0
    });
    assert_eq!(
        of("requests_total", &format!("{first},status=\"4xx\"")),
        1.0
    );
    assert_eq!(of("received_bytes_total", first), 20.0);
    assert_eq!(of("request_duration_seconds_count", first), 5.0);
    assert_eq!(
        of("failures_total", &format!("{first},cause=\"incomplete\"")),
        1.0
    );
    let dead = "route=\"127.0.0.2:0/dead\"";
    assert_eq!(
        of(
            "failures_total",
            &format!("{dead},cause=\"connect_refused\"")
        ),
        1.0
    );
    assert_eq!(of("requests_total", "route=\"none\",status=\"4xx\""), 1.0);
    let identity = "identity=\"x\"";
    let handshakes = |kind| of("handshakes_total", &format!("{identity},kind=\"{kind}\""));
    assert_eq!(handshakes("full") as u64, upstream.full_handshakes());
    assert_eq!(handshakes("resumed") as u64, upstream.resumed_handshakes());
    assert_eq!(of("handshake_duration_seconds_count", identity), 2.0);
    let closes = format!("{identity},reason=\"upstream_closes\"");
    assert_eq!(of("connections_not_kept_total", &closes), 1.0);
    let requests = |from| {
        of(
            "upstream_requests_total",
            &format!("{identity},connection=\"{from}\""),
        )
    };
    assert_eq!((requests("new"), requests("reused")), (2.0, 3.0));
}

#[test]
fn it_tells_when_the_certificate_ends_and_what_the_process_uses() {
    let world = World::new();
    let end = SystemTime::now() + 100 * DAY;
    let spec = Spec::client("x").valid(SystemTime::now() - 300 * DAY, end);
    let egret = egret(&world)
        .identity(&world.device_of("x", &spec))
        .route("to=https://localhost:1,identity=x")
        .start();
    let seconds = |time: SystemTime| {
        let since = time.duration_since(SystemTime::UNIX_EPOCH);
        since.expect("after 1970").as_secs_f64()
    };
    let told = metric(
        &egret,
        "egret_certificate_not_after_timestamp_seconds{identity=\"x\"}",
    );
    assert!((told - seconds(end)).abs() <= 1.0, "{told}");
    let started = metric(&egret, "process_start_time_seconds");
    assert!(
        (seconds(SystemTime::now()) - started).abs() < 20.0,
        "{started}"
    );
    assert_eq!(metric(&egret, "process_start_time_seconds"), started);
    let resident = metric(&egret, "process_resident_memory_bytes");
    let known = (egret.rss_kib() * 1024) as f64;
    assert!((resident - known).abs() < known / 4.0, "{resident}");
    let open = metric(&egret, "process_open_fds");
    // The connection of the one who asked is closed by now, or is not.
    assert!((egret.descriptors() as f64 - open).abs() <= 1.0);
}
