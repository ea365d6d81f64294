//! The end-to-end run that every cross-built binary passes, under its emulator where it needs one:
//!
//! `cargo run --example e2e -- [--cipher NAME] BINARY [EMULATOR WORD...]`
//!
//! Two words in front make other runs of it: with `--at-2040` the emulator shows a clock in 2040,
//! and with `--without-aes` a 64-bit ARM processor without AES instructions.

mod no_aes;
#[path = "../support/mod.rs"]
mod support;

use std::io::ErrorKind;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use support::certs::{Dir, Spec};
use support::client::{Client, Response, send};
use support::dns::{Dns, Mode};
use support::egret::{Builder, Egret};
use support::gate::Gate;
use support::upstream::{Reply, Seen, Step, Upstream, Versions, checksum};
use support::wait_until;
use support::world::World;

const USAGE: &str =
    "e2e: usage: e2e [--at-2040|--without-aes] [--cipher NAME] BINARY [EMULATOR WORD...]";

const MIB_10: usize = 10 * 1024 * 1024;

/// Each listener: its identity, and the subject that the cloud must see.
const LISTENERS: [(&str, Option<&str>); 3] = [
    ("client", Some("CN=client")),
    ("another", Some("CN=another")),
    ("stranger", None),
];

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1).peekable();
    let at_2040 = words.next_if_eq("--at-2040").is_some();
    let without_aes = words.next_if_eq("--without-aes").is_some();
    let cipher = words.next_if_eq("--cipher").and_then(|_| words.next());
    let Some(program) = words.next() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let binary = Binary {
        program,
        emulator: words.collect::<Vec<_>>().join(" "),
    };
    if at_2040 {
        in_2040(&binary);
        return ExitCode::SUCCESS;
    }
    if without_aes {
        for versions in [Versions::Only12, Versions::Only13] {
            chosen_without_aes(&binary, versions, cipher.as_deref());
        }
        return ExitCode::SUCCESS;
    }
    for (tls, protocol) in [("1.2", "TLSv1.2"), ("1.3", "TLSv1.3")] {
        reference_case(&binary, tls, protocol);
        println!("{protocol}: three listeners, each its own identity; reused, then resumed");
    }
    for versions in [Versions::Only12, Versions::Only13] {
        chosen_by_the_server(&binary, versions, cipher.as_deref());
    }
    bodies(&binary);
    println!("10 MiB each way arrive as they were sent");
    by_a_name_server(&binary);
    drain(&binary);
    println!("SIGTERM: the request in flight is answered, nothing new begins, exit code 0");
    ExitCode::SUCCESS
}

/// The program, and the words before it that make it run here.
struct Binary {
    program: String,
    emulator: String,
}

impl Binary {
    fn egret(&self, world: &World) -> Builder {
        Egret::builder(&self.program)
            .through_shell(&format!("exec {} \"$0\" \"$@\"", self.emulator))
            .ca(&world.ca)
    }
}

/// Two certificates and none, with `tls=`, and what the cloud saw and counted of each listener.
fn reference_case(binary: &Binary, tls: &str, protocol: &str) {
    let world = World::new();
    let cloud = world.upstream().handler(close_on_goodbye).start();
    let mut builder = binary.egret(&world);
    for (name, subject) in LISTENERS {
        let files = match subject {
            Some(_) => world.device(name),
            None => name.to_owned(),
        };
        builder = builder
            .identity(&format!("{files},tls={tls}"))
            .route(&format!("to={},identity={name}", cloud.url()));
    }
    let egret = builder.start();

    // What each listener is asked, on which of its connections that arrives, as which request on
    // it, and whether the session is resumed.
    let rounds = [
        ("/", "1", "false"),
        ("/goodbye", "2", "false"),
        ("/", "1", "true"),
    ];
    let mut connections: Vec<[String; 3]> = Vec::new();
    for (target, request, resumed) in rounds {
        let seen: Vec<Response> = (0..LISTENERS.len())
            .map(|n| send(egret.addr(n), &get(target)))
            .collect();
        for ((name, subject), answer) in LISTENERS.iter().zip(&seen) {
            let echo = |field| answer.echo(field);
            assert_eq!(answer.status, 200, "{name}: {}", answer.text());
            assert_eq!(echo("client_subject").as_deref(), *subject, "{name}");
            assert_eq!(echo("protocol").as_deref(), Some(protocol), "{name}");
            assert_eq!(echo("sni").as_deref(), Some("localhost"), "{name}");
            assert_eq!(echo("request").as_deref(), Some(request), "{name} {target}");
            assert_eq!(echo("resumed").as_deref(), Some(resumed), "{name} {target}");
        }
        let numbers = [0, 1, 2].map(|n| seen[n].echo("connection").unwrap_or_default());
        connections.push(numbers);
    }
    // The second request of each listener came on the connection of its first.
    assert_eq!(connections[0], connections[1]);
    assert_eq!(cloud.full_handshakes(), 3);
    assert_eq!(cloud.resumed_handshakes(), 3);
    assert_eq!(cloud.state(|state| state.accepted), 6);
}

fn close_on_goodbye(seen: &Seen) -> Reply {
    let reply = Reply::echo(seen);
    match seen.target.as_str() {
        "/goodbye" => reply.close(),
        _ => reply,
    }
}

fn get(target: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").into_bytes()
}

/// An identity without `tls=` follows a server that speaks one version; the cipher is the one that
/// the machine computes fastest, as far as `--cipher` says which that is.
fn chosen_by_the_server(binary: &Binary, versions: Versions, cipher: Option<&str>) {
    let world = World::new();
    let cloud = world.upstream().versions(versions).start();
    let egret = binary
        .egret(&world)
        .route(&format!("to={},identity=none", cloud.url()))
        .start();
    let answer = send(egret.addr(0), &get("/"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let chosen = answer.echo("cipher").unwrap_or_default();
    let wanted = cipher.unwrap_or_default();
    assert!(chosen.contains(wanted), "{chosen}, not {wanted}");
    println!("{versions:?}: {chosen}");
}

/// The same on a processor that computes AES slowly.
fn chosen_without_aes(binary: &Binary, versions: Versions, cipher: Option<&str>) {
    let dir = Dir::new();
    let socket = dir.file("debugger");
    let binary = Binary {
        program: binary.program.clone(),
        emulator: format!("{} -g {}", binary.emulator, socket.display()),
    };
    let debugger = std::thread::spawn(move || no_aes::pretend(&socket));
    chosen_by_the_server(&binary, versions, cipher);
    debugger.join().expect("a debugger that was let in");
}

/// Bytes that differ from place to place, and are no text.
fn pattern() -> Vec<u8> {
    (0..MIB_10 as u32)
        .map(|n| 0x80 | (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

fn bodies(binary: &Binary) {
    let world = World::new();
    let body = Arc::new(pattern());
    let sent = Arc::clone(&body);
    let cloud = world
        .upstream()
        .handler(move |seen| match seen.target.as_str() {
            "/down" => Reply::status(200).body(sent.as_slice()),
            _ => Reply::status(204),
        })
        .start();
    let egret = binary
        .egret(&world)
        .identity(&world.device("client"))
        .route(&format!("to={},identity=client", cloud.url()))
        .start();
    let mut client = Client::connect(egret.addr(0));

    let down = client.get("/down").expect("an answer");
    assert_eq!(down.status, 200);
    // Not assert_eq: it would print both.
    assert!(down.body == *body, "the body that came is another");

    let up = client
        .request("POST", "/up", &[], &body)
        .expect("an answer");
    assert_eq!(up.status, 204);
    let seen = cloud.last().expect("a request");
    assert!(seen.complete);
    assert_eq!(seen.body_length, MIB_10 as u64);
    assert_eq!(seen.body_checksum, checksum(&body));
}

/// The other runs find `localhost` in /etc/hosts; here a name server is asked, where the user who
/// runs this may start one.
fn by_a_name_server(binary: &Binary) {
    let Some(dns) = Dns::start(Mode::Found) else {
        return;
    };
    let world = World::new();
    let cloud = world.upstream().start();
    let builder = binary.egret(&world).route(&format!(
        "to=https://other.example:{},identity=none",
        cloud.port()
    ));
    let egret = dns.asked_by(builder).start();
    let answer = send(egret.addr(0), &get("/"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.echo("sni").as_deref(), Some("other.example"));
    println!("a name that only a name server knows is found");
}

fn drain(binary: &Binary) {
    let world = World::new();
    let gate = Gate::new();
    let waits = Arc::clone(&gate);
    let cloud = world
        .upstream()
        .handler(move |_| {
            Reply::script(vec![
                Step::WaitFor(Arc::clone(&waits)),
                Step::Bytes(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
            ])
        })
        .start();
    let mut egret = binary
        .egret(&world)
        .option("--drain-timeout", "5m")
        .route(&format!("to={},identity=none", cloud.url()))
        .start();
    let mut client = Client::connect(egret.addr(0));
    client.write_raw(&get("/late")).expect("written");
    cloud.wait_until(|state| state.seen.len() == 1);

    egret.signal("TERM");
    egret.wait_line("stopping: 1 client connection");
    // The listener closes after that line.
    wait_until("new connections are refused", || {
        let refused = Client::try_connect(egret.addr(0)).err();
        refused.is_some_and(|error| error.kind() == ErrorKind::ConnectionRefused)
    });
    gate.open();
    let answer = client.read_response().expect("an answer");
    assert_eq!(answer.status, 204);
    assert_eq!(egret.wait_exit().code(), Some(0));
}

/// After the last second that 32 bits can count: a certificate until 2049 loads and is sent, and
/// the server's is judged by the date there.
fn in_2040(binary: &Binary) {
    let world = World::new();
    let before = SystemTime::now() - Duration::from_secs(24 * 60 * 60);
    let until_2049 = |spec: Spec| spec.valid(before, date(2049));
    let leaf = |until| {
        let spec = Spec::server(&["localhost"]).valid(before, until);
        world.servers.issue(&spec)
    };
    let start = |until| {
        Upstream::builder(&leaf(until))
            .requires(&world.devices)
            .start()
    };
    let (good, ended) = (start(date(2049)), start(date(2039)));
    let egret = binary
        .egret(&world)
        .identity(&world.device_of("client", &until_2049(Spec::client("client"))))
        .route(&format!("to={},identity=client", good.url()))
        .route(&format!("to={},identity=client", ended.url()))
        .start();

    let answer = send(egret.addr(0), &get("/"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.echo("client_subject").as_deref(), Some("CN=client"));
    // The proof that the clock is where it should be.
    let answer = send(egret.addr(1), &get("/"));
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert!(answer.text().contains("expired"), "{}", answer.text());
    println!("in 2040 a certificate until 2049 is good, and one until 2039 is not");
}

/// The first day of a year after 2000.
fn date(year: u64) -> SystemTime {
    let years = year - 1970;
    // No century without a leap year comes in between: 1972 was the first one.
    let days = years * 365 + (years + 1) / 4;
    UNIX_EPOCH + Duration::from_secs(days * 24 * 60 * 60)
}
