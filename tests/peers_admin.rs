//! What Prometheus says of `/metrics`: its own tool, and the parser of its Python client.
#![cfg(feature = "peers")]

mod support;

use std::io::Write;
use std::process::{Command, Stdio};

use support::client::{Client, get};
use support::egret::Egret;
use support::upstream::Resumption;
use support::world::World;

const EGRET: &str = env!("CARGO_BIN_EXE_egret");

/// Reads the text strictly, and prints each sample.
const PARSER: &str = r#"
import sys
from prometheus_client.parser import text_string_to_metric_families
seen, families = set(), set()
for family in text_string_to_metric_families(sys.stdin.read()):
    assert family.name not in families, f"{family.name} twice"
    assert family.documentation and family.type in ("counter", "gauge", "histogram"), family
    families.add(family.name)
    for sample in family.samples:
        key = (sample.name, tuple(sorted(sample.labels.items())))
        assert key not in seen, f"{key} twice"
        seen.add(key)
        print(sample.name, dict(sorted(sample.labels.items())), float(sample.value))
"#;

/// `/metrics` of an egret with all kinds of routes to which much happened.
fn metrics() -> String {
    let world = World::new();
    let upstream = world.upstream().resumption(Resumption::Tickets).start();
    let socket = world.dir.file("a \"b\" \\ c");
    let to = format!("to={},identity=x", upstream.url());
    let egret = Egret::builder(EGRET)
        .ca(&world.ca)
        .identity(&world.device("x"))
        .identity("broken,cert=/no/such")
        .route_at("127.0.0.1:0", &to)
        .route_at(
            "127.0.0.1:0",
            "to=https://127.0.0.1:1,identity=none,path=/dead",
        )
        .route_at(
            &format!("unix:{}", socket.display()),
            &format!("{to},uid=1"),
        )
        .route_at(
            &format!("unix:{}", socket.display()),
            &format!("{to},uid=0"),
        )
        .forward_at("127.0.0.2:0", "to=*.cloud.example,identity=broken")
        .forward_at("127.0.0.2:0", "to=*.cloud.example,identity=broken")
        .admin_at("127.0.0.9:0")
        .start();
    for target in ["/", "/dead/x", "/a/../b"] {
        let mut client = Client::connect(egret.addr(0));
        client.get(target).expect("an answer");
    }
    let mut client = Client::connect(egret.addr(4));
    client.get("http://a.cloud.example/").expect("an answer");
    let answer = get(egret.admin(), "/metrics");
    let kind = answer.header("content-type");
    assert_eq!(kind, Some("text/plain; version=0.0.4; charset=utf-8"));
    answer.text()
}

/// What a program says to this input, if it is content.
fn content(program: &str, arguments: &[&str], input: &str) -> Result<String, String> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}, which .ci/run installs: {error}"));
    let mut stdin = child.stdin.take().expect("a pipe");
    // Who has seen enough does not read on.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("an end");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(text(&output.stdout) + &text(&output.stderr)),
    }
}

fn has(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
    quiet
        .args(arguments)
        .status()
        .is_ok_and(|status| status.success())
}

#[test]
fn promtool_has_nothing_to_say() {
    if !has("promtool", &["--version"]) {
        return support::leave_out("promtool is missing (Debian: prometheus)");
    }
    let check = |text: &str| content("promtool", &["check", "metrics"], text);
    let text = metrics();
    assert_eq!(check(&text), Ok(String::new()), "{text}");
    let worse = text.replacen("_total", "_number", 3);
    assert!(check(&worse).is_err());
}

#[test]
fn the_python_client_reads_every_sample_once() {
    if !has("python3", &["-c", "import prometheus_client"]) {
        return support::leave_out("prometheus_client is missing (pip install prometheus_client)");
    }
    let parse = |text: &str| content("python3", &["-c", PARSER], text);
    let text = metrics();
    let samples = parse(&text).unwrap_or_else(|why| panic!("{why}\n{text}"));
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(samples.lines().count(), lines.count());
    for sample in [
        "egret_requests_total {'route': '127.0.0.1:0', 'status': '2xx'} 1.0",
        "egret_failures_total {'cause': 'connect_refused', 'route': '127.0.0.1:0/dead'} 1.0",
        "egret_failures_total {'cause': 'identity_unavailable', 'route': '127.0.0.2:0 *.cloud.example'} 1.0",
        "egret_handshakes_total {'identity': 'x', 'kind': 'full'} 1.0",
        "egret_identity_available {'identity': 'broken'} 0.0",
    ] {
        assert!(
            samples.lines().any(|line| line == sample),
            "{sample} in {samples}"
        );
    }
    assert!(samples.contains(r#"a "b" \\ c#2"#), "{samples}");
    let twice = format!("{text}egret_ready 1\n");
    assert!(parse(&twice).is_err());
}
