//! What `--keylog` is for: tshark reads the traffic of the test's own loopback connections.

mod support;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use support::client;
use support::egret::Egret;
use support::upstream::{Reply, Versions};
use support::world::World;

/// A capture of one port on the loopback interface.
struct Capture {
    dumpcap: Child,
    file: String,
}

impl Capture {
    /// `None`, after a word about it, where there is no dumpcap or it may not capture.
    fn start(world: &World, port: u16) -> Option<Self> {
        let file = world
            .dir
            .path()
            .join("traffic.pcapng")
            .display()
            .to_string();
        let filter = format!("tcp port {port}");
        let started = Command::new("dumpcap")
            .args(["-i", "lo", "-f", &filter, "-w", &file])
            .stderr(Stdio::piped())
            .spawn();
        let Ok(mut dumpcap) = started else {
            support::leave_out("dumpcap is not here");
            return None;
        };
        let lines = BufReader::new(dumpcap.stderr.take().expect("a pipe")).lines();
        let mut said = lines.map_while(Result::ok);
        // It says where it writes when it captures.
        if !said.by_ref().any(|line| line.starts_with("File: ")) {
            support::leave_out("this user may not capture");
            return None;
        }
        // The rest of it must have a reader.
        std::thread::spawn(move || said.for_each(drop));
        Some(Self { dumpcap, file })
    }

    /// What tshark reads of it with these keys: a field of each frame that has it.
    fn read(&self, keys: &str, field: &str) -> String {
        let output = Command::new("tshark")
            .args(["-r", &self.file, "-o", &format!("tls.keylog_file:{keys}")])
            .args(["-d", "tcp.port==1-65535,tls"])
            .args(["-Y", field, "-T", "fields", "-e", field])
            .output()
            .expect("tshark, which comes with dumpcap");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let _ = self.dumpcap.kill();
        let _ = self.dumpcap.wait();
    }
}

#[test]
fn tshark_reads_captured_traffic_with_the_secrets_and_not_without() {
    for versions in [Versions::Only12, Versions::Only13] {
        let world = World::new();
        let upstream = world.upstream().versions(versions).start();
        upstream.answer(|_| {
            Reply::status(200)
                .header("x-answer", "seen")
                .body("an answer")
        });
        let Some(capture) = Capture::start(&world, upstream.port()) else {
            return;
        };
        let keys = world.dir.path().join("keys").display().to_string();
        let egret = Egret::builder(env!("CARGO_BIN_EXE_egret"))
            .ca(&world.ca)
            .option("--keylog", &keys)
            .route(&format!("to={},identity=none", upstream.url()))
            .start();
        assert_eq!(client::get(egret.addr(0), "/a/secret/path").status, 200);
        // The capture may lag behind.
        support::wait_until("the request is read", || {
            let targets = capture.read(&keys, "http.request.uri");
            targets.contains("/a/secret/path")
        });
        support::wait_until("the answer is read", || {
            let fields = capture.read(&keys, "http.response.line");
            fields.contains("x-answer: seen")
        });
        println!(
            "{versions:?}: tshark reads GET {} and {}",
            capture.read(&keys, "http.request.uri").trim(),
            capture.read(&keys, "http.response.line").trim()
        );
        assert_eq!(capture.read("/dev/null", "http.request.uri"), "");
    }
}
