//! What happens to nginx while egret has connections to it: idle ones are closed under us, it is
//! reloaded, and it is restarted.
#![cfg(feature = "peers")]

mod peers;
mod support;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use peers::cloud::Cloud;
use peers::nginx::Nginx;
use support::PATIENCE;
use support::client;
use support::egret::Egret;

fn egret(cloud: &Cloud) -> Egret {
    egret_with(cloud, &[])
}

fn egret_with(cloud: &Cloud, options: &[(&str, &str)]) -> Egret {
    let mut builder = Egret::builder(env!("CARGO_BIN_EXE_egret"))
        .ca(&cloud.ca())
        .identity(&cloud.identity("client"))
        .route(&cloud.to("client"));
    for (option, value) in options {
        builder = builder.option(option, value);
    }
    builder.start()
}

/// All that nginx logged so far: it logs requests in order, so one more is sent and waited for.
fn whole_log(nginx: &Nginx, addr: SocketAddr) -> Vec<String> {
    let before = nginx.access_log_now().len();
    let last = format!("/last/{before}");
    assert_eq!(client::get(addr, &last).status, 200);
    nginx.access_log_with(&format!(" {last} "))
}

/// Requests with so many clients at once, again and again for that long.
fn storm(addr: SocketAddr, clients: usize, lasts: Duration) {
    let end = Instant::now() + lasts;
    thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(|| {
                while Instant::now() < end {
                    assert_all_good(addr);
                }
            });
        }
    });
}

fn assert_all_good(addr: SocketAddr) {
    let response = client::get(addr, "/");
    assert_eq!(response.status, 200, "{}", response.text());
    assert_eq!(response.echo("subject").as_deref(), Some("CN=client"));
}

/// The connections that nginx numbered in its log.
fn connections(nginx: &Nginx) -> BTreeSet<String> {
    let number = |line: &String| line.split(' ').nth(2).unwrap_or_default().to_owned();
    nginx.access_log_now().iter().map(number).collect()
}

#[test]
fn no_request_fails_while_nginx_closes_idle_connections_under_us() {
    let cloud = Cloud::new();
    // It says nothing of the time to its clients, so egret keeps connections for longer.
    let nginx = cloud.start("keepalive_timeout 40ms;");
    let mut egret = egret(&cloud);
    let end = Instant::now() + Duration::from_secs(3);
    let mut pause = 30;
    while Instant::now() < end {
        // Several connections, of which all but one lie idle around the time nginx gives them.
        thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| assert_all_good(egret.addr(0)));
            }
        });
        let idle_until = Instant::now() + Duration::from_millis(pause);
        while Instant::now() < idle_until {
            assert_all_good(egret.addr(0));
        }
        pause = if pause < 50 { pause + 2 } else { 30 };
    }
    assert!(connections(&nginx).len() > 20, "nginx closed nothing");
    egret.signal("TERM");
    egret.wait_exit();
    let counters = egret.wait_line(" requests, ");
    assert!(counters.contains(" 0 failures"), "{counters}");
}

#[test]
fn where_nginx_closes_instead_of_answering_a_get_is_sent_twice_and_a_post_once() {
    let cloud = Cloud::new();
    // 444 is nginx' word for closing without a response.
    let nginx = cloud.start("location /gone { return 444; }");
    let (pooling, fresh) = (
        egret(&cloud),
        egret_with(&cloud, &[("--upstream-idle", "0")]),
    );
    let cases = [
        (&pooling, "GET", 2),
        (&pooling, "POST", 1),
        (&fresh, "GET", 1),
        (&fresh, "POST", 1),
    ];
    for (n, (egret, method, times)) in cases.into_iter().enumerate() {
        assert_all_good(egret.addr(0));
        let request = format!("{method} /gone/{n} HTTP/1.1\r\nHost: x\r\n\r\n");
        let response = client::send(egret.addr(0), request.as_bytes());
        assert_eq!(response.status, 502, "{}", response.text());
        let told = response.header("proxy-status").unwrap_or_default();
        assert!(told.contains("error=connection_terminated"), "{told}");
        let gone = format!(" /gone/{n} ");
        let log = whole_log(&nginx, egret.addr(0));
        let arrived = log.iter().filter(|line| line.contains(&gone)).count();
        assert_eq!(arrived, times, "{method} {n}: {log:#?}");
    }
}

#[test]
fn a_connection_that_nginx_ends_after_three_requests_is_not_used_for_a_fourth() {
    let cloud = Cloud::new();
    let nginx = cloud.start("keepalive_requests 3;");
    let mut egret = egret(&cloud);
    for _ in 0..30 {
        assert_all_good(egret.addr(0));
    }
    assert_eq!(nginx.access_log(30).len(), 30);
    assert_eq!(connections(&nginx).len(), 10);
    egret.signal("TERM");
    egret.wait_exit();
    let counters = egret.wait_line(" requests, ");
    assert!(counters.contains(" 0 retried"), "{counters}");
    assert!(counters.contains("upstream_closes=10"), "{counters}");
}

#[test]
fn no_request_fails_while_nginx_is_reloaded() {
    let cloud = Cloud::new();
    let server = cloud.server("");
    let nginx = Nginx::start(&server);
    let egret = egret(&cloud);
    thread::scope(|scope| {
        scope.spawn(|| storm(egret.addr(0), 4, Duration::from_secs(2)));
        for _ in 0..5 {
            nginx.reload(&server);
        }
    });
    assert!(connections(&nginx).len() >= 5, "no reload closed anything");
}

#[test]
fn a_restart_of_nginx_is_502_while_it_is_down_and_heals_by_itself() {
    let cloud = Cloud::new();
    let mut nginx = cloud.start("");
    let egret = egret(&cloud);
    assert_all_good(egret.addr(0));
    nginx.stop();
    let down = client::get(egret.addr(0), "/");
    assert_eq!(down.status, 502, "{}", down.text());
    let told = down.header("proxy-status").unwrap_or_default().to_owned();
    assert!(told.contains("error=connection_refused"), "{told}");
    nginx.start_again();
    // Its ticket keys are new ones: our session is worth nothing, and that is no failure.
    assert_all_good(egret.addr(0));
    assert_all_good(egret.addr(0));
}

#[test]
fn restarts_between_requests_go_unnoticed_and_leave_no_descriptors_behind() {
    let cloud = Cloud::new();
    let mut nginx = cloud.start("");
    let egret = egret(&cloud);
    for _ in 0..10 {
        assert_all_good(egret.addr(0));
        nginx.stop();
        nginx.start_again();
        // The pooled connection is dead, and found to be so before it is used.
        assert_all_good(egret.addr(0));
    }
    let deadline = Instant::now() + PATIENCE;
    while egret.descriptors() > 16 && Instant::now() < deadline {
        thread::yield_now();
    }
    assert!(egret.descriptors() <= 16, "dead connections stay open");
}
