//! The wall clock: a board that boots in 1970, dates that are still to come, and dates that pass.
//! libfaketime shows egret another time than the upstream has.
#![cfg(feature = "peers")]

mod peers;
mod support;

use std::time::{Instant, SystemTime};

use peers::clock::{
    Clock, DAY, HOUR, SECOND, UNSET, after, ask, assert_clock, assert_not_set, dates, egret_on,
    lines_with, look_again, present,
};
use support::certs::Spec;
use support::client;
use support::upstream::{ClientAuth, Upstream};
use support::world::World;

const EGRET: &str = env!("CARGO_BIN_EXE_egret");

#[test]
fn a_board_in_1970_refuses_requests_until_its_clock_is_set_and_says_each_once() {
    let (world, clock) = (World::new(), Clock::new());
    clock.unset();
    let upstream = Upstream::builder(&world.servers.server(&["localhost"])).start();
    // It has something to say of its certificate, once there is a date to say it of.
    let spec = Spec::client("x").expires_in(15 * DAY + 12 * HOUR);
    let egret = egret_on(&clock, EGRET, &world)
        .identity(&world.device_of("x", &spec))
        .route(&format!("to={},identity=x", upstream.url()))
        .start();
    egret.wait_line(UNSET);
    for _ in 0..3 {
        assert_not_set(&client::get(egret.addr(0), "/"));
    }
    look_again(&egret, "x", 1);
    assert_eq!(lines_with(&egret, "the clock is"), 1, "{}", egret.log());
    assert_eq!(lines_with(&egret, "its certificate"), 0, "{}", egret.log());
    assert_eq!(upstream.state(|state| state.accepted), 0);

    clock.set(present());
    ask(&upstream, egret.addr(0));
    let set = Instant::now();
    let line = egret.wait_line("the clock is set: ");
    assert!(set.elapsed() < 5 * SECOND, "its interval is a second");
    assert_clock(after(&line, "the clock is set: "), present() - 5 * SECOND);
    let warning = egret.wait_line("identity \"x\": its certificate expires on ");
    assert!(warning.contains(", in 5 days by our clock"), "{warning}");
    look_again(&egret, "x", 1);
    assert_eq!(lines_with(&egret, "the clock is"), 2, "{}", egret.log());
}

#[test]
fn a_server_certificate_of_an_hour_ago_is_not_valid_yet_on_a_clock_a_day_behind() {
    let (world, clock) = (World::new(), Clock::new());
    let behind = present() - DAY;
    clock.set(behind);
    let spec = Spec::server(&["localhost"]).valid(present() - HOUR, present() + 90 * DAY);
    let leaf = world.servers.issue(&spec);
    let upstream = Upstream::builder(&leaf).start();
    let egret = egret_on(&clock, EGRET, &world)
        .route(&format!("to={},identity=none", upstream.url()))
        .start();
    let answer = client::get(egret.addr(0), "/");
    let text = answer.text();
    assert_eq!(answer.status, 502, "{text}");
    assert_eq!(after(&text, "it is not valid before "), dates(&leaf).0);
    assert_clock(after(&text, "and our clock says "), behind);
    let status = answer.header("proxy-status").unwrap_or_default();
    assert!(status.contains("error=tls_certificate_error"), "{status}");
    clock.set(present());
    ask(&upstream, egret.addr(0));
}

#[test]
fn our_certificate_that_is_not_valid_yet_is_a_warning_and_for_the_server_to_judge() {
    let (world, clock) = (World::new(), Clock::new());
    clock.set(present());
    let server = world.servers.server(&["localhost"]);
    let young = Spec::client("young").valid(present() + HOUR, present() + 90 * DAY);
    let young = world.devices.issue(&young);
    // One judges it, by a clock that is still further behind; one does not ask for it.
    let strict = Upstream::builder(&server).requires(&world.devices).start();
    let careless = Upstream::builder(&server).client_auth(ClientAuth::NotAsked);
    let careless = careless.start();
    let egret = egret_on(&clock, EGRET, &world)
        .identity(&world.dir.identity("young", &young))
        .identity(&world.device("grown"))
        .route(&format!("to={},identity=young", strict.url()))
        .route(&format!("to={},identity=grown", strict.url()))
        .route(&format!("to={},identity=young", careless.url()))
        .start();
    let warning = egret.wait_line("identity \"young\": its certificate is not valid before ");
    assert!(warning.contains("Z warn "), "{warning}");
    assert_eq!(
        after(&warning, "is not valid before ").trim_end_matches(','),
        dates(&young).0
    );
    let shown = after(&warning, "by our clock (").trim_end_matches(')');
    assert_clock(shown, present() - 10 * SECOND);
    assert!(
        warning.ends_with("wait, or set the clock right"),
        "{warning}"
    );

    let refused = client::get(egret.addr(0), "/");
    assert_eq!(refused.status, 502);
    let said = refused.text();
    let expected = "refused our certificate \"young\": TLS alert certificate_expired";
    assert!(said.contains(expected), "{said}");
    let seen = ask(&strict, egret.addr(1));
    assert_eq!(seen.client_subject.as_deref(), Some("CN=grown"));
    // It does not keep a connection from being used again either.
    for request in 1..=2 {
        assert_eq!(ask(&careless, egret.addr(2)).request, request);
    }

    look_again(&egret, "young", 1);
    assert_eq!(
        lines_with(&egret, "is not valid before"),
        1,
        "{}",
        egret.log()
    );
    clock.set(present() + 2 * HOUR);
    look_again(&egret, "young", 1);
    assert_eq!(lines_with(&egret, "its certificate"), 1, "{}", egret.log());
}

#[test]
fn notices_of_the_end_come_30_and_7_and_1_days_before_it_and_at_it_once_each() {
    const NEAR: &str = "identity \"x\": its certificate expires on ";
    const OVER: &str = "identity \"x\": its certificate expired on ";
    let (world, clock) = (World::new(), Clock::new());
    clock.set(present());
    let end = SystemTime::now() + 365 * DAY;
    let spec = Spec::client("x").valid(SystemTime::now(), end);
    let egret = egret_on(&clock, EGRET, &world)
        .identity(&world.device_of("x", &spec))
        .route("to=https://localhost:1,identity=x")
        // The dates are looked at whenever the files are.
        .option("--reload-interval", "100ms")
        .start();
    look_again(&egret, "x", 1);
    assert_eq!(lines_with(&egret, NEAR), 0, "{}", egret.log());
    let stages = [
        (31 * DAY, 0, 0, ""),
        (30 * DAY - HOUR, 1, 0, "in 29 days"),
        (8 * DAY, 1, 0, ""),
        (7 * DAY - HOUR, 2, 0, "in 6 days"),
        (2 * DAY, 2, 0, ""),
        (DAY - HOUR / 2, 3, 0, "in 23 hours"),
        (HOUR / 2, 3, 0, ""),
    ];
    for (left, near, over, told) in stages {
        clock.set(end - left);
        egret.wait_log(|lines| lines.iter().filter(|line| line.contains(NEAR)).count() == near);
        look_again(&egret, "x", 1);
        let counts = (lines_with(&egret, NEAR), lines_with(&egret, OVER));
        assert_eq!(counts, (near, over), "{}", egret.log());
        assert!(egret.log().contains(told), "{}", egret.log());
    }
    clock.set(end + HOUR);
    let line = egret.wait_line(OVER);
    assert!(line.contains(", 60 minutes ago by our clock ("), "{line}");
    // A clock that is lost for a moment is no reason to say it again.
    clock.unset();
    egret.wait_line(UNSET);
    look_again(&egret, "x", 1);
    clock.set(end + HOUR);
    egret.wait_line("the clock is set: ");
    look_again(&egret, "x", 1);
    let counts = (lines_with(&egret, NEAR), lines_with(&egret, OVER));
    assert_eq!(counts, (3, 1), "{}", egret.log());
}
