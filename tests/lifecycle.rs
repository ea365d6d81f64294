//! Start, stop and what happens between: draining, upstreams that come and go, threads, listeners,
//! and who is let in.

mod support;

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};
use support::client::{Client, get};
use support::egret::{Builder, Egret};
use support::gate::Gate;
use support::upstream::{Reply, Seen, Step, Upstream};
use support::world::World;
use support::{leave_out, wait_until};

const EGRET: &str = env!("CARGO_BIN_EXE_egret");
const LENGTH: u64 = 5_000_000;

fn egret(world: &World, to: &str) -> Builder {
    Egret::builder(EGRET)
        .ca(&world.ca)
        .route(&format!("to={to},identity=none"))
}

/// Answers with a head and a part of the body, and with the rest when the gate opens.
fn in_two_parts(gate: &Arc<Gate>) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n").into_bytes();
    let gate = Arc::clone(gate);
    move |seen| match seen.target.as_str() {
        "/long" => Reply::script(vec![
            Step::Bytes(head.clone()),
            Step::Fill(1000),
            Step::WaitFor(Arc::clone(&gate)),
            Step::Fill(LENGTH - 1000),
        ]),
        "/late" => Reply::script(vec![
            Step::WaitFor(Arc::clone(&gate)),
            Step::Bytes(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
        ]),
        _ => Reply::echo(seen),
    }
}

fn ask(addr: SocketAddr, target: &str) -> Client<TcpStream> {
    let mut client = Client::connect(addr);
    let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n");
    client.write_raw(request.as_bytes()).expect("written");
    client
}

/// An egret with a request that waits for its head, one in the middle of its body, and a client
/// that is idle.
struct Busy {
    gate: Arc<Gate>,
    egret: Egret,
    late: Client<TcpStream>,
    long: Client<TcpStream>,
    idle: Client<TcpStream>,
    upstream: Upstream,
}

fn busy(world: &World, drain_timeout: &str) -> Busy {
    let gate = Gate::new();
    let upstream = world.upstream().handler(in_two_parts(&gate)).start();
    let egret = egret(world, &upstream.url())
        .option("--drain-timeout", drain_timeout)
        .start();
    let addr = egret.addr(0);
    let mut idle = Client::connect(addr);
    let (late, mut long) = (ask(addr, "/late"), ask(addr, "/long"));
    upstream.wait_until(|state| state.seen.len() == 2);
    long.read_head().expect("a head");
    // A third connection upstream, which then lies idle.
    idle.get("/").expect("an answer");
    assert_eq!(upstream.open_connections(), 3);
    Busy {
        gate,
        egret,
        late,
        long,
        idle,
        upstream,
    }
}

// ---- stopping ----

fn drains_on(signal: &str) {
    let world = World::new();
    let mut busy = busy(&world, "5m");
    busy.egret.signal(signal);
    assert_eq!(busy.idle.read_to_end().expect("an end in order"), b"");
    busy.egret.wait_line("stopping: 3 client connections open");
    busy.upstream.wait_until(|state| state.open == 2);
    let refused = Client::try_connect(busy.egret.addr(0))
        .err()
        .map(|e| e.kind());
    assert_eq!(refused, Some(ErrorKind::ConnectionRefused));
    // A reload would be out of place now, and must not end anything.
    busy.egret.signal("HUP");
    busy.gate.open();
    let late = busy.late.read_response().expect("an answer");
    assert_eq!(
        (late.status, late.header("connection")),
        (204, Some("close"))
    );
    let body = busy
        .long
        .read_exact(LENGTH as usize)
        .expect("the whole body");
    assert_eq!(body.len() as u64, LENGTH);
    assert_eq!(busy.long.read_to_end().expect("an end in order"), b"");
    assert_eq!(busy.egret.wait_exit().code(), Some(0));
    assert!(
        busy.egret
            .log()
            .contains("identity \"none\": 3 requests, 0 failures")
    );
    assert!(
        !busy.egret.log().contains("reloaded"),
        "{}",
        busy.egret.log()
    );
}

#[test]
fn sigterm_lets_requests_in_flight_finish_and_nothing_new_begin() {
    drains_on("TERM");
}

#[test]
fn sigint_lets_requests_in_flight_finish_and_nothing_new_begin() {
    drains_on("INT");
}

#[test]
fn draining_ends_after_its_time_and_cuts_off_what_is_left() {
    let world = World::new();
    let mut busy = busy(&world, "300ms");
    let began = Instant::now();
    busy.egret.signal("TERM");
    assert_eq!(busy.egret.wait_exit().code(), Some(0));
    assert!(began.elapsed() >= Duration::from_millis(300));
    busy.egret.wait_line("cut off after --drain-timeout");
    let end = busy.long.read_exact(LENGTH as usize);
    assert!(end.is_err(), "a body that was cut off must not look whole");
    assert!(busy.late.read_response().is_err());
}

#[test]
fn a_second_signal_ends_at_once() {
    let world = World::new();
    for (first, second) in [("TERM", "TERM"), ("INT", "TERM"), ("TERM", "INT")] {
        let mut busy = busy(&world, "5m");
        busy.egret.signal(first);
        busy.egret.wait_line("stopping: 3 client connections open");
        busy.egret.signal(second);
        assert_eq!(busy.egret.wait_exit().code(), Some(0));
        busy.egret.wait_line("stopped at once");
    }
}

#[test]
fn clients_that_hold_on_to_an_idle_connection_do_not_hold_up_the_stop() {
    let world = World::new();
    let upstream = world.upstream().start();
    let mut egret = egret(&world, &upstream.url())
        .option("--drain-timeout", "5m")
        .start();
    let descriptors = egret.descriptors();
    let mut clients = [egret.addr(0); 3].map(Client::connect);
    clients[0].get("/").expect("an answer");
    clients[1]
        .write_raw(b"GET / HTTP/1.1\r\nHo")
        .expect("written");
    // Three clients and a connection to the upstream.
    wait_until("all are there", || egret.descriptors() == descriptors + 4);
    egret.signal("TERM");
    assert_eq!(egret.wait_exit().code(), Some(0));
}

#[test]
fn a_request_that_arrived_before_the_stop_is_answered() {
    let world = World::new();
    let gate = Gate::new();
    let upstream = world.upstream().handler(in_two_parts(&gate)).start();
    let mut egret = egret(&world, &upstream.url()).start();
    let mut client = Client::connect(egret.addr(0));
    assert_eq!(client.get("/").expect("an answer").status, 200);
    egret.pause();
    let request = b"GET /late HTTP/1.1\r\nHost: x\r\n\r\n";
    client.write_raw(request).expect("written");
    egret.signal("TERM");
    egret.resume();
    egret.wait_line("stopping: 1 client connections open");
    gate.open();
    let late = client.read_response().expect("an answer");
    assert_eq!(
        (late.status, late.header("connection")),
        (204, Some("close"))
    );
    assert_eq!(egret.wait_exit().code(), Some(0));
}

// ---- what start-up leaves behind ----

#[test]
fn what_start_up_needed_of_its_files_is_given_back_and_egret_goes_on() {
    if !Path::new("/proc/self/smaps").exists() {
        return leave_out("this kernel does not tell which pages are whose");
    }
    let world = World::new();
    let upstream = world.upstream().start();
    let egret = egret(&world, &upstream.url()).start();
    wait_until("a third of what was resident is given back", || {
        egret.rss_kib() * 3 < egret.peak_rss_kib() * 2
    });
    assert_eq!(get(egret.addr(0), "/").status, 200);
}

// ---- upstreams that come and go ----

#[test]
fn an_upstream_that_is_down_at_start_is_a_502_until_it_comes() {
    let world = World::new();
    let mut upstream = world.upstream().start();
    upstream.stop();
    let egret = egret(&world, &upstream.url()).start();
    for _ in 0..2 {
        let failed = get(egret.addr(0), "/");
        assert_eq!(failed.status, 502);
        let text = failed.text();
        assert!(
            text.contains("refused the connection; nothing listens"),
            "{text}"
        );
        let proxy_status = failed.header("proxy-status").unwrap_or_default();
        assert!(proxy_status.starts_with("egret; error=connection_refused; "));
    }
    upstream.restart().expect("the same port");
    assert_eq!(get(egret.addr(0), "/").status, 200);
}

#[test]
fn an_upstream_that_goes_down_and_comes_back_is_used_again() {
    let world = World::new();
    let mut upstream = world.upstream().start();
    let egret = egret(&world, &upstream.url()).start();
    let mut client = Client::connect(egret.addr(0));
    for round in 1..=3 {
        assert_eq!(client.get("/").expect("an answer").status, 200);
        upstream.stop();
        assert_eq!(client.get("/").expect("an answer").status, 502);
        assert_eq!(upstream.connections(), round);
        upstream.restart().expect("the same port");
    }
}

// ---- listeners ----

#[test]
fn a_port_in_use_ends_the_start_with_a_line_that_names_it() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port();
    let route = format!("127.0.0.1:{port},to=https://localhost:1,identity=none");
    let world = World::new();
    let ended = Egret::builder(EGRET)
        .ca(&world.ca)
        .option("--route", &route)
        .run();
    assert_eq!(ended.code(), Some(1));
    let line = ended.stderr.lines().last().unwrap_or_default();
    let expected = format!(
        "--route \"{route}\": cannot listen on 127.0.0.1:{port}: another program has it; \
         stop that one (ss -ltnp shows it) or choose another port"
    );
    assert!(line.ends_with(&expected), "{line}");
}

fn both_loopbacks(egret: &Egret) -> Vec<SocketAddr> {
    let lines = egret.log();
    let addresses = lines.lines().filter_map(|line| {
        let (_, rest) = line.split_once("listening on ")?;
        rest.split(' ').next()?.parse().ok()
    });
    addresses.collect()
}

#[test]
fn a_bare_port_listens_on_both_loopback_addresses() {
    let world = World::new();
    let upstream = world.upstream().start();
    let to = format!("to={},identity=none", upstream.url());
    let builder = Egret::builder(EGRET).ca(&world.ca);
    let egret = builder.route_at("0", &to).start();
    let mut lines = 0;
    egret.wait_log(|log| {
        lines = log
            .iter()
            .filter(|line| line.contains("listening on"))
            .count();
        lines == 2
    });
    let addresses = both_loopbacks(&egret);
    let ips: Vec<_> = addresses.iter().map(SocketAddr::ip).collect();
    assert_eq!(
        ips,
        [
            IpAddr::from(Ipv4Addr::LOCALHOST),
            Ipv6Addr::LOCALHOST.into()
        ]
    );
    assert_ne!(addresses[0].port(), 0);
    assert_eq!(addresses[0].port(), addresses[1].port());
    for address in addresses {
        assert_eq!(get(address, "/").status, 200);
    }
}

#[test]
fn without_ipv6_a_bare_port_listens_on_the_other_loopback_address() {
    // A network of its own, whose loopback has no ::1; not every system lets a test have one.
    let alone = "ip link set lo up && echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6";
    let can = std::process::Command::new("unshare")
        .args(["-rn", "sh", "-c", alone])
        .output();
    if !can.is_ok_and(|output| output.status.success()) {
        support::leave_out("unshare or ip does not do it here");
        return;
    }
    let world = World::new();
    let mut egret = Egret::builder("unshare")
        .arg("-rn")
        .arg("sh")
        .arg("-c")
        .arg(&format!("{alone} && exec \"$0\" \"$@\""))
        .arg(EGRET)
        .ca(&world.ca)
        .route_at("0", "to=https://localhost:1,identity=none")
        .start();
    egret.wait_line("no IPv6 here: listening on 127.0.0.1 only");
    egret.signal("TERM");
    assert_eq!(egret.wait_exit().code(), Some(0));
    assert_eq!(both_loopbacks(&egret).len(), 1);
}

// ---- who is let in ----

fn get_from(source: Ipv4Addr, addr: SocketAddr) -> support::client::Response {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let source = SocketAddr::from((source, 0));
    socket.bind(&source.into()).expect("a source");
    socket.connect(&addr.into()).expect("a connection");
    socket
        .set_read_timeout(Some(support::PATIENCE))
        .expect("patience");
    Client::over(TcpStream::from(socket))
        .get("/")
        .expect("an answer")
}

#[test]
fn a_peer_outside_of_from_is_refused_and_logged_once() {
    let world = World::new();
    let upstream = world.upstream().start();
    let to = format!(
        "to={},identity=none,from=127.0.0.2,from=127.1.0.0/16",
        upstream.url()
    );
    let egret = Egret::builder(EGRET).ca(&world.ca).route(&to).start();
    let addr = egret.addr(0);
    for _ in 0..3 {
        let refused = get_from([127, 0, 0, 3].into(), addr);
        assert_eq!(refused.status, 403);
        assert!(
            refused.text().contains("127.0.0.3 is not admitted here"),
            "{}",
            refused.text()
        );
        let proxy_status = refused.header("proxy-status").unwrap_or_default();
        assert!(proxy_status.starts_with("egret; error=http_request_denied; "));
        assert_eq!(get_from([127, 0, 0, 2].into(), addr).status, 200);
        assert_eq!(get_from([127, 1, 2, 3].into(), addr).status, 200);
    }
    assert_eq!(get_from([127, 0, 0, 4].into(), addr).status, 403);
    let lines = |peer: &str| {
        let log = egret.log();
        let told = log
            .lines()
            .filter(|line| line.contains(&format!(" {peer} is not admitted")));
        told.map(|line| line.contains(" warn ")).collect::<Vec<_>>()
    };
    egret.wait_line("127.0.0.4 is not admitted");
    assert_eq!(
        (lines("127.0.0.3"), lines("127.0.0.4")),
        (vec![true], vec![true])
    );
    assert_eq!(upstream.seen().len(), 6);
}
