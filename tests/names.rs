//! Names and the system's resolver: found, not found, silent, and back again.

mod support;

use std::time::{Duration, Instant};

use support::client::{Client, get};
use support::dns::{Dns, Mode};
use support::egret::{Builder, Egret};
use support::snapshot::Snapshot;
use support::upstream::Upstream;
use support::wait_until;
use support::world::World;

const EGRET: &str = env!("CARGO_BIN_EXE_egret");

fn egret(world: &World) -> Builder {
    Egret::builder(EGRET)
        .ca(&world.ca)
        .env("RES_OPTIONS", "timeout:1 attempts:1")
}

/// A route to `upstream` by a name that only a name server knows.
fn by_name(name: &str, upstream: &Upstream) -> String {
    let port = upstream.port();
    format!("to=https://{name}:{port},identity=none,verify=localhost")
}

#[test]
fn a_name_that_is_not_found_is_a_502_that_says_so() {
    let world = World::new();
    let egret = egret(&world)
        .route("to=https://no-such-name.invalid,identity=none")
        .start();
    let mut client = Client::connect(egret.addr(0));
    for _ in 0..2 {
        let failed = client.get("/").expect("an answer");
        assert_eq!(failed.status, 502);
        let text = failed.text();
        let start = "502 no-such-name.invalid: the name was not found: ";
        assert!(text.starts_with(start), "{text}");
        let proxy_status = failed.header("proxy-status").unwrap_or_default();
        assert!(
            proxy_status.starts_with("egret; error=dns_error; "),
            "{proxy_status}"
        );
    }
}

#[test]
fn a_name_that_comes_to_exist_is_used_at_once() {
    let Some(dns) = Dns::start(Mode::NotFound) else {
        return;
    };
    let world = World::new();
    let upstream = world.upstream().start();
    let egret = dns
        .asked_by(egret(&world).route(&by_name("cloud.test", &upstream)))
        .start();
    assert_eq!(get(egret.addr(0), "/").status, 502);
    dns.set(Mode::Found);
    let answer = get(egret.addr(0), "/");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.echo("sni").as_deref(), Some("cloud.test"));
    assert_eq!(upstream.seen().len(), 1);
}

#[test]
fn while_dns_is_silent_requests_end_in_504_and_heal_when_it_speaks() {
    let Some(dns) = Dns::start(Mode::Silent) else {
        return;
    };
    let world = World::new();
    let upstream = world.upstream().start();
    let egret = dns
        .asked_by(egret(&world).route(&by_name("cloud.test", &upstream)))
        .option("--connect-timeout", "300ms")
        .start();
    let began = Instant::now();
    let failed = get(egret.addr(0), "/");
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert_eq!(failed.status, 504);
    assert!(
        failed.text().contains("DNS did not answer in time"),
        "{}",
        failed.text()
    );
    let proxy_status = failed.header("proxy-status").unwrap_or_default();
    assert!(proxy_status.starts_with("egret; error=dns_timeout; "));
    dns.set(Mode::Found);
    // The lookup under way has to end first.
    wait_until("it answers", || get(egret.addr(0), "/").status == 200);
    assert_eq!(upstream.seen().len(), 1);
}

#[test]
fn names_that_hang_take_two_threads_and_delay_no_address() {
    let Some(dns) = Dns::start(Mode::Silent) else {
        return;
    };
    let world = World::new();
    let upstream = world.upstream().start();
    let address = format!("to=https://127.0.0.1:{},identity=none", upstream.port());
    let mut builder = egret(&world).route(&address);
    for number in 1..=8 {
        builder = builder.route(&by_name(&format!("name{number}.test"), &upstream));
    }
    let egret = dns.asked_by(builder).start();
    assert_eq!(get(egret.addr(0), "/").status, 200);
    assert_eq!(egret.threads(), 1, "an address needs no lookup");
    let mut clients: Vec<_> = (1..=8).map(|n| Client::connect(egret.addr(n))).collect();
    for client in &mut clients {
        client
            .write_raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            .expect("written");
    }
    wait_until("two lookups run", || egret.threads() == 3);
    let began = Instant::now();
    assert_eq!(get(egret.addr(0), "/").status, 200);
    assert!(
        began.elapsed() < Duration::from_millis(800),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(egret.threads(), 3);
    dns.set(Mode::Found);
    for client in &mut clients {
        // The first two have failed, the others were looked up later.
        let status = client.read_response().expect("an answer").status;
        assert!([200, 502].contains(&status), "{status}");
    }
    wait_until("no lookup runs", || egret.threads() == 1);
}

#[test]
fn while_two_names_hang_a_new_one_waits_for_connect_timeout_and_known_ones_go_on() {
    let Some(dns) = Dns::start(Mode::Found) else {
        return;
    };
    let world = World::new();
    let upstream = world.upstream().start();
    let egret = dns
        .asked_by(egret(&world))
        .env("RES_OPTIONS", "timeout:15 attempts:1")
        .option("--connect-timeout", "400ms")
        .option("--upstream-idle", "0")
        .route(&by_name("known.test", &upstream))
        .route(&by_name("hangs1.test", &upstream))
        .route(&by_name("hangs2.test", &upstream))
        .route(&by_name("new.test", &upstream))
        .start();
    assert_eq!(get(egret.addr(0), "/").status, 200);
    dns.set(Mode::Silent);
    let hanging = [1, 2].map(|number| {
        let mut client = Client::connect(egret.addr(number));
        let written = client.write_raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        written.expect("written");
        client
    });
    wait_until("two lookups run", || egret.threads() == 3);
    let began = Instant::now();
    let failed = get(egret.addr(3), "/");
    assert!(began.elapsed() >= Duration::from_millis(400));
    assert_eq!(failed.status, 504, "{}", failed.text());
    let proxy_status = failed.header("proxy-status").unwrap_or_default();
    assert!(proxy_status.starts_with("egret; error=dns_timeout; "));
    assert_eq!(get(egret.addr(0), "/").status, 200);
    assert_eq!(egret.threads(), 3, "both lookups still run");
    for mut client in hanging {
        assert_eq!(client.read_response().expect("an answer").status, 504);
    }
}

#[test]
fn the_last_good_answer_is_used_logged_and_counted_while_dns_fails() {
    let Some(dns) = Dns::start(Mode::Found) else {
        return;
    };
    let world = World::new();
    let upstream = world.upstream().start();
    let egret = dns
        .asked_by(egret(&world))
        .option("--connect-timeout", "2s")
        .option("--upstream-idle", "0")
        .route(&by_name("cloud.test", &upstream))
        .start();
    assert_eq!(get(egret.addr(0), "/").status, 200);
    dns.set(Mode::Silent);
    // The answer is fresh for some seconds.
    let stood_in = "cloud.test: DNS does not answer; using its addresses of ";
    wait_until("an older answer stands in", || {
        assert_eq!(get(egret.addr(0), "/").status, 200);
        egret.log().contains(stood_in)
    });
    for _ in 0..3 {
        assert_eq!(get(egret.addr(0), "/").status, 200);
    }
    assert_eq!(egret.log().matches("using its addresses").count(), 1);
    let stale = Snapshot::of(&egret).value("dns", "stale");
    assert!(stale.parse::<u32>().expect("a number") >= 4, "{stale}");
    dns.set(Mode::Found);
    wait_until("it is fresh again", || {
        assert_eq!(get(egret.addr(0), "/").status, 200);
        egret.log().contains("cloud.test: DNS answers again")
    });
}
