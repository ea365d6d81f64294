//! `--syslog`: both logs as datagrams to /dev/log.

mod support;

use support::client;
use support::egret::{Builder, Egret};
use support::logger::{Logger, logging_to};
use support::world::World;

fn logging(world: &World, path: &str) -> Option<Builder> {
    let egret = Egret::builder(env!("CARGO_BIN_EXE_egret")).ca(&world.ca);
    logging_to(egret, path)
}

#[test]
fn lines_go_to_the_systems_logger_with_facility_and_priority() {
    let world = World::new();
    let logger = Logger::start(&world.dir);
    let Some(egret) = logging(&world, &logger.path.display().to_string()) else {
        return;
    };
    let listen = world.dir.path().join("egret.sock");
    let mut egret = egret
        .arg("--access-log")
        .arg(&format!(
            "--route=unix:{},to=https://127.0.0.1:1,identity=none",
            listen.display()
        ))
        .spawn();
    let ready = logger.wait_line("listening on");
    assert!(
        ready.starts_with(&format!("<30>egret[{}]: listening on ", egret.pid())),
        "{ready}"
    );
    let answer = client::Client::connect_unix(&listen).get("/");
    assert_eq!(answer.expect("an answer").status, 502);
    assert!(logger.wait_line("GET /: 502").starts_with("<28>egret["));
    let access = logger.wait_line("status=502");
    assert!(access.starts_with("<30>egret["), "{access}");
    assert!(access.contains(" cause=connect_refused") && !access.contains("time="));
    egret.signal("TERM");
    assert_eq!(egret.wait_exit().code(), Some(0));
    assert_eq!(egret.log(), "");
    assert_eq!(egret.access_log(), Vec::<String>::new());
}

#[test]
fn without_a_logger_lines_go_to_standard_error() {
    let world = World::new();
    let Some(egret) = logging(&world, "/nowhere") else {
        return;
    };
    let egret = egret.route("to=https://127.0.0.1:1,identity=none").start();
    let line = egret.wait_line("listening on");
    assert!(line.starts_with("egret: listening on "), "{line}");
    assert!(
        line.contains("(/dev/log: No such file or directory"),
        "{line}"
    );
}
