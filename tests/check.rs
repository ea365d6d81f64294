//! `egret check`: what it says of files and options, and that it opens nothing.

mod support;

use std::net::TcpListener;
use std::time::Duration;

use support::certs::{Ca, Dir, Leaf, Spec};
use support::egret::{Builder, Egret, Finished};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

struct World {
    dir: Dir,
    ca: Ca,
}

impl World {
    fn new() -> Self {
        Self {
            dir: Dir::new(),
            ca: Ca::new("devices"),
        }
    }

    /// `egret check` with default roots that are good.
    fn check(&self) -> Builder {
        check().ca(&self.dir.ca("ca", &self.ca))
    }

    fn identity(&self, name: &str, spec: &Spec) -> String {
        self.dir.identity(name, &self.ca.issue(spec))
    }

    /// What check says of one identity with this certificate.
    fn check_of(&self, spec: &Spec) -> Finished {
        let identity = self.identity("x", spec);
        let check = self.check().identity(&identity);
        check.route("to=https://a.example,identity=x").run()
    }
}

fn check() -> Builder {
    Egret::builder(env!("CARGO_BIN_EXE_egret")).arg("check")
}

/// The lines of stderr, which must all be egret's.
fn errors(finished: &Finished) -> Vec<&str> {
    let line = |line| {
        str::strip_prefix(line, "egret: ").unwrap_or_else(|| panic!("whose line is {line:?}?"))
    };
    finished.stderr.lines().map(line).collect()
}

#[track_caller]
fn assert_good(finished: &Finished) {
    assert_eq!(finished.code(), Some(0), "{finished:?}");
    assert!(finished.stderr.is_empty(), "{}", finished.stderr);
}

#[track_caller]
fn assert_bad(finished: &Finished, code: i32, parts: &[&str]) {
    assert_eq!(finished.code(), Some(code), "{finished:?}");
    assert!(finished.stdout.is_empty(), "{}", finished.stdout);
    let errors = errors(finished);
    assert_eq!(errors.len(), parts.len(), "{errors:#?}");
    for (error, part) in errors.iter().zip(parts) {
        assert!(error.contains(part), "{error:?} does not say {part:?}");
    }
}

/// The line of a report that has this in it.
#[track_caller]
fn line<'a>(finished: &'a Finished, part: &str) -> &'a str {
    let found = finished.stdout.lines().find(|line| line.contains(part));
    found.unwrap_or_else(|| panic!("nothing of {part:?} in\n{}", finished.stdout))
}

#[test]
fn the_reference_case_is_told_in_eighty_columns() {
    let world = World::new();
    let finished = world
        .check()
        .identity(&world.identity("client", &Spec::client("client")))
        .identity(&world.identity("another", &Spec::client("another")))
        .arg("--route=127.0.0.1:8080,to=https://certauth.example,identity=client")
        .arg("--route=127.0.0.1:8081,to=https://certauth.example,identity=another")
        .arg("--route=127.0.0.1:8082,to=https://certauth.example,identity=none")
        .run();
    assert_good(&finished);
    for part in [
        "127.0.0.1:8081, at most 85 clients",
        "every path to https://certauth.example as another",
        "CN=another",
        "CN=devices",
        "ends in 36",
        "P-256",
        "no client certificate",
        "1.2 or 1.3, ALPN http/1.1, sessions of 16 upstreams",
        "at most      16 connections, 32 requests waiting",
    ] {
        line(&finished, part);
    }
    let own = |line: &&str| !line.contains(world.dir.path().to_str().unwrap());
    for line in finished.stdout.lines().filter(own) {
        assert!(
            line.chars().count() <= 80 && line == line.trim_end(),
            "{line}"
        );
    }
}

#[test]
fn a_route_tells_what_it_does_in_another_way_than_most() {
    let world = World::new();
    let route = "to=https://192.0.2.1:8443/b,identity=none,path=/a,strip=yes,sni=s.example,\
                 verify=v.example,host=h.example,via=off,redirects=keep,response-timeout=5s,\
                 from=127.0.0.0/8,clients=7";
    let finished = world.check().route(route).run();
    assert_good(&finished);
    for part in [
        "at most 7 clients",
        "/a to https://192.0.2.1:8443/b as none",
        "/a is taken off",
        "SNI s.example",
        "the server must be v.example",
        "Host h.example",
        "no Via",
        "redirects are left",
        "response timeout 5s",
        "from 127.0.0.0/8",
    ] {
        line(&finished, part);
    }
    let plain = world
        .check()
        .route("to=https://a.example,identity=none")
        .run();
    for part in ["SNI", "must be", "Host ", "Via", "redirects", "taken off"] {
        assert!(!plain.stdout.contains(part), "{part}: {}", plain.stdout);
    }
}

#[test]
fn forward_rules_are_shown_and_counted_like_routes() {
    let world = World::new();
    let finished = world
        .check()
        .route("to=https://a.example,identity=none")
        .arg("--forward=127.0.0.1:3128,to=*.example,identity=none,tunnel=on")
        .arg("--forward=unix:egret.sock,to=*,identity=none,uid=7,mode=0600")
        .run();
    assert_good(&finished);
    for part in [
        "127.0.0.1:3128, at most 85 clients",
        "forward to *.example as none, CONNECT permitted",
        "unix:egret.sock, at most 85 clients",
        "mode 0600, group as we have",
        "forward to * as none",
        "for clients from uid 7",
        "routes and rules             3 x",
        "--tunnel-idle",
    ] {
        line(&finished, part);
    }
}

#[test]
fn memory_is_the_sum_of_its_lines_and_follows_the_options() {
    let world = World::new();
    let total = |clients: &str| {
        let route = format!("to=https://a.example,identity=none,clients={clients}");
        let finished = world.check().route(&route).run();
        assert_good(&finished);
        let mebibytes = |line: &str| {
            let (number, unit) = line.rsplit_once(' ').expect("a number and a unit");
            let number: f64 = number.rsplit(' ').next().unwrap().parse().unwrap();
            number / if unit == "KiB" { 1024.0 } else { 1.0 }
        };
        let lines = finished.stdout.lines().filter(|line| line.contains(" x "));
        let sum: f64 = lines.map(mebibytes).sum();
        let total = mebibytes(line(&finished, "all together"));
        assert!((sum - total).abs() < 1.0, "{sum} {}", finished.stdout);
        total
    };
    let (one, many) = (total("1"), total("101"));
    let client = egret::limits::CLIENT_BYTES as f64 / f64::from(1 << 20);
    assert!((many - one - 100.0 * client).abs() < 0.3, "{one} {many}");
}

#[test]
fn every_fault_of_every_file_is_told_at_once() {
    let world = World::new();
    let leaf = world.ca.client("x");
    let other = world.dir.write("other.key", &world.ca.client("y").key_pem);
    let cert = world.dir.write("x.crt", &leaf.cert_pem);
    let noise = world.dir.write("noise", "noise");
    let finished = check()
        .identity("gone,cert=gone.crt,key=gone.key,ca=gone.ca")
        .identity(&format!(
            "pair,cert={},key={}",
            cert.display(),
            other.display()
        ))
        .identity(&format!(
            "noise,cert={},ca={}",
            cert.display(),
            noise.display()
        ))
        .ca("gone.roots")
        .route("to=https://a.example,identity=gone")
        .run();
    let parts = [
        "--identity \"gone,cert=gone.crt,key=gone.key,ca=gone.ca\": gone.crt: no such file",
        "gone.key: no such file",
        "gone.ca: no such file",
        "is not the key of the certificate",
        "no private key, but a certificate",
        "noise: has no -----BEGIN line",
        "--ca: gone.roots: no such file",
    ];
    assert_bad(&finished, 3, &parts);
}

#[test]
fn faults_of_options_and_of_files_are_told_together() {
    let finished = check()
        .identity("x,cert=gone.crt")
        .identity("ill,cert=unread.crt,tls=1.1")
        .ca("gone.roots")
        .route("to=http://a.example,identity=x")
        .run();
    let parts = [
        "tls=1.1",
        "must be https://",
        "gone.crt: no such file",
        "gone.roots: no such file",
    ];
    assert_bad(&finished, 2, &parts);
}

#[test]
fn run_with_bad_options_leaves_files_alone() {
    let run = Egret::builder(env!("CARGO_BIN_EXE_egret")).identity("x,cert=gone.crt");
    let finished = run.route("to=http://a.example,identity=x").run();
    assert_bad(&finished, 2, &["must be https://"]);
}

#[test]
fn a_certificate_out_of_its_time_is_a_fault_of_its_file() {
    let world = World::new();
    let expired = world.check_of(&Spec::client("x").expired());
    assert_bad(&expired, 3, &["its certificate expired on "]);
    assert!(expired.stderr.contains("24 hours ago by our clock ("));
    assert!(expired.stderr.contains("); have a new one issued"));
    let early = world.check_of(&Spec::client("x").not_yet_valid());
    assert_bad(&early, 3, &["its certificate is not valid before "]);
}

#[test]
fn a_certificate_that_ends_soon_is_warned_of() {
    let world = World::new();
    let soon = world.check_of(&Spec::client("x").expires_in(DAY / 4));
    assert_eq!(soon.code(), Some(0));
    let warning = "warning: identity \"x\": its certificate expires on ";
    assert!(errors(&soon)[0].starts_with(warning), "{}", soon.stderr);
    assert_good(&world.check_of(&Spec::client("x").expires_in(31 * DAY * 2)));
}

#[test]
fn an_identity_of_no_route_is_checked_and_warned_of() {
    let world = World::new();
    let route = "to=https://a.example,identity=none";
    let identity = world.identity("x", &Spec::client("x"));
    let finished = world.check().identity(&identity).route(route).run();
    assert_eq!(finished.code(), Some(0));
    assert!(errors(&finished)[0].contains("identity \"x\": no route uses it"));
    let finished = world.check().identity("x,cert=gone.crt").route(route).run();
    assert_bad(&finished, 3, &["gone.crt: no such file"]);
}

#[test]
fn roots_that_no_identity_needs_may_be_missing() {
    let world = World::new();
    let ca = world.dir.ca("own", &world.ca);
    let route = "to=https://a.example,identity=x";
    let own = check()
        .identity(&format!("x,ca={ca}"))
        .ca("gone")
        .route(route);
    assert_good(&own.run());
    let missing = check().identity("x").ca("gone").route(route);
    assert_bad(&missing.run(), 3, &["--ca: gone: no such file"]);
}

#[test]
fn a_system_without_roots_says_what_to_install() {
    let world = World::new();
    let empty = world.dir.path().to_str().unwrap();
    let finished = check()
        .env(
            "SSL_CERT_FILE",
            &world.dir.file("gone").display().to_string(),
        )
        .env("SSL_CERT_DIR", empty)
        .route("to=https://a.example,identity=none")
        .run();
    assert_bad(&finished, 3, &["install the package ca-certificates"]);
}

#[test]
fn no_secret_is_printed() {
    let world = World::new();
    let leaf: Leaf = world.ca.client("x");
    let identity = world.dir.identity("x", &leaf);
    let check = world.check().identity(&identity);
    let finished = check.route("to=https://a.example,identity=x").run();
    assert_good(&finished);
    for line in leaf.key_pem.lines().filter(|line| !line.starts_with('-')) {
        assert!(!finished.stdout.contains(line));
    }
}

#[test]
fn nothing_is_opened() {
    let world = World::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let listen = taken.local_addr().expect("its address").to_string();
    let check = world.check();
    let route = "to=https://name.invalid,identity=none";
    assert_good(&check.route_at(&listen, route).run());
}

const PROFILE: &str = match cfg!(debug_assertions) {
    true => ", debug)",
    false => ", release)",
};

#[test]
fn the_version_tells_target_profile_and_capacities() {
    let finished = Egret::builder(env!("CARGO_BIN_EXE_egret"))
        .arg("--version")
        .run();
    assert_good(&finished);
    let first = line(&finished, "egret");
    assert!(first.starts_with(concat!("egret ", env!("CARGO_PKG_VERSION"), " (")));
    assert!(first.contains(std::env::consts::ARCH) && first.contains(PROFILE));
    line(&finished, "1024 clients, 64 routes, 16 identities");
    line(
        &finished,
        "64 connections, 256 requests waiting, TLS sessions of 64 upstreams",
    );
}

#[test]
fn admin_is_shown_with_those_it_admits_and_what_it_may_take() {
    let world = World::new();
    let checked = world
        .check()
        .route("to=https://a.example,identity=none")
        .option("--admin", "0.0.0.0:9180,from=192.168.0.0/16")
        .run();
    assert_good(&checked);
    let shown = "  0.0.0.0:9180, at most 4 clients\n    --admin: metrics, health, the status page\n      \
                 for clients from 192.168.0.0/16\n";
    assert!(checked.stdout.contains(shown), "{}", checked.stdout);
    let memory = "  clients of --admin           4 x   120 KiB =    480 KiB\n";
    assert!(checked.stdout.contains(memory), "{}", checked.stdout);
    let without = world.check().route("to=https://a.example,identity=none");
    assert!(!without.run().stdout.contains("--admin"));
}
