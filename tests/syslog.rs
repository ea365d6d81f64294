//! `--syslog`: both logs as datagrams to /dev/log.

mod support;

use std::os::unix::net::UnixDatagram;
use std::process::Command;

use support::client;
use support::egret::{Builder, Egret};
use support::world::World;

/// A logger, and where it listens.
struct Logger {
    socket: UnixDatagram,
    path: String,
}

impl Logger {
    fn start(world: &World) -> Self {
        let path = world.dir.path().join("log");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket
            .set_read_timeout(Some(support::PATIENCE))
            .expect("a timeout");
        let path = path.display().to_string();
        Self { socket, path }
    }

    /// The next line that has this in it.
    fn wait_line(&self, part: &str) -> String {
        let mut bytes = [0; 4096];
        loop {
            let count = self.socket.recv(&mut bytes).expect("a line");
            let line = String::from_utf8_lossy(&bytes[..count]).into_owned();
            if line.contains(part) {
                return line;
            }
        }
    }
}

/// An egret whose /dev/log is that one; `None`, after a word about it, where a test may not have
/// a mount of its own.
fn logging(world: &World, path: &str) -> Option<Builder> {
    let can = Command::new("unshare").args(["-m", "true"]).status();
    if !can.is_ok_and(|status| status.success()) {
        support::leave_out("this user may not have a mount of its own");
        return None;
    }
    let script = format!(
        "exec unshare -m sh -c 'mount -t tmpfs none /dev && ln -s {path} /dev/log && exec \"$0\" \"$@\"' \"$0\" \"$@\""
    );
    Some(
        Egret::builder(env!("CARGO_BIN_EXE_egret"))
            .ca(&world.ca)
            .arg("--syslog")
            .through_shell(&script),
    )
}

#[test]
fn lines_go_to_the_systems_logger_with_facility_and_priority() {
    let world = World::new();
    let logger = Logger::start(&world);
    let Some(egret) = logging(&world, &logger.path) else {
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
