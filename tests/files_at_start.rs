//! Files that are missing or bad when egret starts: who serves all the same, who does not and why,
//! and that repaired files are found without a signal.

mod support;

use std::fs;

use support::certs::Leaf;
use support::client;
use support::egret::{Builder, Egret};
use support::wait_until;
use support::world::World;

const EGRET: &str = env!("CARGO_BIN_EXE_egret");

fn egret(interval: &str) -> Builder {
    Egret::builder(EGRET).option("--reload-interval", interval)
}

/// What can be wrong with `two.crt` and `two.key`, and what egret says of it.
const FAULTS: [(&str, Fault, &str); 6] = [
    ("no certificate", Fault::NoCert, "two.crt: no such file"),
    ("no key", Fault::NoKey, "two.key: no such file"),
    ("an empty key", Fault::EmptyKey, "two.key: is empty"),
    (
        "half a certificate",
        Fault::HalfCert,
        "two.crt: truncated: ",
    ),
    ("half a key", Fault::HalfKey, "two.key: truncated: "),
    (
        "another's key",
        Fault::OtherKey,
        "two.key: this key (P-256) is not the key of ",
    ),
];

#[derive(Debug, Clone, Copy)]
enum Fault {
    NoCert,
    NoKey,
    EmptyKey,
    HalfCert,
    HalfKey,
    OtherKey,
}

impl Fault {
    fn is_missing(self) -> bool {
        matches!(self, Self::NoCert | Self::NoKey)
    }

    /// Spoils the files of the identity `two`.
    fn spoil(self, world: &World, good: &Leaf) {
        let half = |text: &str| text[..text.len() / 2].to_owned();
        let remove = |name: &str| fs::remove_file(world.dir.file(name)).expect("removed");
        let write = |name: &str, text: &str| drop(world.dir.write(name, text));
        match self {
            Self::NoCert => remove("two.crt"),
            Self::NoKey => remove("two.key"),
            Self::EmptyKey => write("two.key", ""),
            Self::HalfCert => write("two.crt", &half(&good.cert_pem)),
            Self::HalfKey => write("two.key", &half(&good.key_pem)),
            Self::OtherKey => write("two.key", &world.devices.client("two").key_pem),
        }
    }
}

#[test]
fn of_three_identities_one_is_503_with_the_reason_and_comes_alive_when_repaired() {
    for (what, fault, reason) in FAULTS {
        let world = World::new();
        let upstream = world.upstream().start();
        let good = world.devices.client("two");
        let options = [
            world.device("one"),
            world.dir.identity("two", &good),
            world.device("three"),
        ];
        fault.spoil(&world, &good);
        let mut builder = egret("10ms").ca(&world.ca);
        for (name, option) in ["one", "two", "three"].iter().zip(&options) {
            let to = format!("to={},identity={name}", upstream.url());
            builder = builder.identity(option).route(&to);
        }
        let egret = builder.start();
        let ask = |n: usize| client::get(egret.addr(n), "/");
        let subject = |n: usize| ask(n).echo("client_subject");
        let line = egret.wait_line("identity \"two\" is not available: ");
        assert!(line.contains(reason), "{what}: {line}");
        let refused = ask(1);
        assert_eq!(refused.status, 503, "{what}");
        let text = refused.text();
        assert!(text.starts_with("503 identity \"two\": not available: "));
        assert!(text.contains(reason), "{what}: {text}");
        assert_eq!(subject(0).as_deref(), Some("CN=one"));
        assert_eq!(subject(2).as_deref(), Some("CN=three"));
        assert_eq!(upstream.seen().len(), 2, "nothing is sent as `two`");

        world.dir.identity("two", &good);
        egret.wait_line("reloaded identity \"two\": epoch 1, CN=two ");
        assert_eq!(subject(1).as_deref(), Some("CN=two"));
        let lines = egret.log();
        let told = lines
            .lines()
            .filter(|line| line.contains("\"two\" is not available"));
        assert_eq!(told.count(), 1, "{what}: {lines}");
    }
}

#[test]
fn the_only_identity_with_bad_files_ends_the_start_with_3_and_with_missing_ones_it_waits() {
    for (what, fault, reason) in FAULTS {
        let world = World::new();
        let good = world.devices.client("two");
        let option = world.dir.identity("two", &good);
        fault.spoil(&world, &good);
        let upstream = world.upstream().start();
        let builder = egret("10ms").ca(&world.ca).identity(&option);
        let builder = builder.route(&format!("to={},identity=two", upstream.url()));
        if !fault.is_missing() {
            let ended = builder.run();
            assert_eq!(ended.code(), Some(3), "{what}");
            assert!(ended.stderr.contains(reason), "{what}: {}", ended.stderr);
            continue;
        }
        let egret = builder.start();
        assert_eq!(client::get(egret.addr(0), "/").status, 503, "{what}");
        world.dir.identity("two", &good);
        wait_until("it serves", || {
            client::get(egret.addr(0), "/").status == 200
        });
        let seen = upstream.last().expect("a request");
        assert_eq!(seen.client_subject.as_deref(), Some("CN=two"));
    }
}

#[test]
fn one_identity_that_waits_is_reason_enough_to_start_beside_one_that_is_bad() {
    let world = World::new();
    let waits = world.dir.file("waits.crt");
    let bad = world.dir.write("bad.crt", "not a certificate\n");
    let mut egret = egret("60s")
        .ca(&world.ca)
        .identity(&format!("waits,cert={}", waits.display()))
        .identity(&format!("bad,cert={}", bad.display()))
        .route("to=https://localhost:1,identity=waits")
        .route("to=https://localhost:1,identity=bad")
        .start();
    for (n, reason) in [(0, "waits.crt: no such file"), (1, "bad.crt: ")] {
        let refused = client::get(egret.addr(n), "/");
        assert_eq!(refused.status, 503);
        assert!(refused.text().contains(reason), "{}", refused.text());
    }
    egret.signal("TERM");
    assert_eq!(egret.wait_exit().code(), Some(0));
}

#[test]
fn roots_that_are_missing_are_waited_for_and_bad_ones_end_the_start() {
    let world = World::new();
    let upstream = world.upstream().start();
    let file = world.dir.file("late.crt");
    let to = format!("to={},identity=none", upstream.url());
    let builder = egret("10ms").ca(&file.display().to_string()).route(&to);
    let egret = builder.clone().start();
    let refused = client::get(egret.addr(0), "/");
    assert_eq!(refused.status, 503);
    let reason = "late.crt: no such file";
    assert!(refused.text().contains(reason), "{}", refused.text());
    world.dir.ca("late", &world.servers);
    egret.wait_line("reloaded identity \"none\": epoch 1, no certificate, 1 roots");
    assert_eq!(client::get(egret.addr(0), "/").status, 200);

    world.dir.write("late.crt", "not a certificate\n");
    let ended = builder.run();
    assert_eq!(ended.code(), Some(3));
    assert!(ended.stderr.contains("late.crt: "), "{}", ended.stderr);
}
