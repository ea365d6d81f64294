//! `crl=`: what is revoked is refused, what no list tells of too, and a list that came with a
//! reload counts for those who were trusted before it.

mod support;

use std::fs;
use std::time::Duration;

use support::certs::{Ca, Dir, Leaf, Spec};
use support::client::{self, Response};
use support::crl::{Crl, serial};
use support::egret::{self, Egret, Finished};
use support::upstream::{Resumption, Upstream, Versions};
use support::world::World;

const VERSIONS: [Versions; 2] = [Versions::Only12, Versions::Only13];
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn egret(world: &World) -> egret::Builder {
    Egret::builder(env!("CARGO_BIN_EXE_egret")).ca(&world.ca)
}

fn server() -> Spec {
    Spec::server(&["localhost"])
}

/// `crl=` of a file with this text.
fn crl(dir: &Dir, name: &str, pem: &str) -> String {
    format!("crl={}", dir.write(name, pem).display())
}

/// `crl=` of a file with these bytes.
fn binary(dir: &Dir, name: &str, der: &[u8]) -> String {
    let path = dir.file(name);
    fs::write(&path, der).expect("a file");
    format!("crl={}", path.display())
}

/// What an identity of these keys gets from an upstream with that certificate, in both versions.
fn ask(world: &World, leaf: &Leaf, keys: &str) -> [Response; 2] {
    VERSIONS.map(|versions| {
        let upstream = Upstream::builder(leaf).versions(versions).start();
        let egret = egret(world)
            .identity(&format!("x,{keys}"))
            .route(&format!("to={},identity=x", upstream.url()))
            .start();
        let answer = client::get(egret.addr(0), "/");
        let expected = usize::from(answer.status == 200);
        assert_eq!(upstream.seen().len(), expected, "{}", answer.text());
        answer
    })
}

#[track_caller]
fn trusted(world: &World, leaf: &Leaf, keys: &str) {
    for answer in ask(world, leaf, keys) {
        assert_eq!(answer.status, 200, "{keys}: {}", answer.text());
    }
}

/// The answer must be an error of ours about the upstream's certificate, and have these parts.
#[track_caller]
fn untrusted(world: &World, leaf: &Leaf, keys: &str, parts: &[&str]) {
    for answer in ask(world, leaf, keys) {
        let text = answer.text();
        assert_eq!(answer.status, 502, "{keys}: {text}");
        assert!(text.contains("its certificate is not trusted: "), "{text}");
        for part in parts {
            assert!(text.contains(part), "{part:?} is not in: {text}");
        }
        let status = answer.header("proxy-status").unwrap_or_default();
        assert!(status.contains("error=tls_certificate_error"), "{status}");
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

#[test]
fn a_revoked_server_is_refused_with_serial_date_and_reason() {
    let world = World::new();
    let leaf = world.servers.issue(&server());
    let number = hexadecimal(&serial(&leaf.chain()[0]));
    let list = Crl::default().revoke_for_key(&leaf.chain()[0]);
    let list = list.of(&world.servers);
    for keys in [
        crl(&world.dir, "a.pem", &list.pem().expect("PEM")),
        binary(&world.dir, "a.der", list.der()),
    ] {
        let start = format!("trusted: \"CN=localhost\" (serial {number}) is revoked since 20");
        let end = "Z (keyCompromise), says the revocation list of \"CN=servers\"; the server \
             needs another certificate\n";
        untrusted(&world, &leaf, &keys, &[&start, end]);
        trusted(&world, &world.servers.issue(&server()), &keys);
    }
    trusted(&world, &leaf, "alpn=http/1.1");
}

#[test]
fn a_reason_that_is_not_given_is_not_told() {
    let world = World::new();
    let leaf = world.servers.issue(&server());
    let list = Crl::default().revoke_leaf(&leaf).pem_of(&world.servers);
    let keys = crl(&world.dir, "a.pem", &list);
    let told = "Z, says the revocation list of \"CN=servers\"; ";
    untrusted(&world, &leaf, &keys, &[told]);
}

/// A server below three authorities.
struct Chain {
    world: World,
    middle: Ca,
    low: Ca,
    leaf: Leaf,
}

impl Chain {
    fn new() -> Self {
        let world = World::new();
        let middle = world.servers.intermediate("middle");
        let low = middle.intermediate("low");
        let leaf = low.issue(&server());
        Self {
            world,
            middle,
            low,
            leaf,
        }
    }

    /// One list of each authority, in files of their own.
    fn keys(&self, root: Crl, middle: Crl, low: Crl) -> [String; 3] {
        [
            ("root", root.pem_of(&self.world.servers)),
            ("middle", middle.pem_of(&self.middle)),
            ("low", low.pem_of(&self.low)),
        ]
        .map(|(name, pem)| crl(&self.world.dir, name, &pem))
    }

    fn trusted(&self, keys: &[String]) {
        trusted(&self.world, &self.leaf, &keys.join(","));
    }

    #[track_caller]
    fn untrusted(&self, keys: &[String], parts: &[&str]) {
        untrusted(&self.world, &self.leaf, &keys.join(","), parts);
    }
}

#[test]
fn every_certificate_of_a_chain_is_looked_for() {
    let chain = Chain::new();
    let none = Crl::default;
    chain.trusted(&chain.keys(none(), none(), none()));
    let revoked = |name: &str| format!("trusted: \"CN={name}\" (serial ");
    let keys = chain.keys(none(), none(), none().revoke_leaf(&chain.leaf));
    chain.untrusted(&keys, &[&revoked("localhost")]);
    let keys = chain.keys(none(), none().revoke(&chain.low.der()), none());
    chain.untrusted(&keys, &[&revoked("low")]);
    let keys = chain.keys(none().revoke(&chain.middle.der()), none(), none());
    chain.untrusted(&keys, &[&revoked("middle")]);
    // A serial number says nothing about the certificates of another authority.
    chain.trusted(&chain.keys(none().revoke_leaf(&chain.leaf), none(), none()));
}

#[test]
fn an_authority_without_a_list_is_named() {
    let chain = Chain::new();
    let none = Crl::default;
    let keys = chain.keys(none(), none(), none());
    for (left_out, authority, subject) in [
        (0, "servers", "middle"),
        (1, "middle", "low"),
        (2, "low", "localhost"),
    ] {
        let mut keys = keys.to_vec();
        keys.remove(left_out);
        let told = format!(
            "no revocation list of \"CN={authority}\" tells of \"CN={subject}\"; give that CA's \
             with crl= (each CA of a chain needs one)\n"
        );
        chain.untrusted(&keys, &[&told]);
    }
}

#[test]
fn several_lists_may_share_a_file() {
    let chain = Chain::new();
    let lists = [
        Crl::default().of(&chain.world.servers),
        Crl::default().of(&chain.middle),
        Crl::default().revoke_leaf(&chain.leaf).of(&chain.low),
    ];
    let pem: String = lists.iter().map(|list| list.pem().expect("PEM")).collect();
    let der: Vec<u8> = lists.iter().flat_map(|list| list.der().to_vec()).collect();
    let dir = &chain.world.dir;
    for keys in [crl(dir, "all.pem", &pem), binary(dir, "all.der", &der)] {
        let told = ["trusted: \"CN=localhost\" (serial "];
        untrusted(&chain.world, &chain.leaf, &keys, &told);
        trusted(&chain.world, &chain.low.issue(&server()), &keys);
    }
}

#[test]
fn an_expired_list_is_refused_with_its_authority_its_end_and_our_clock() {
    let chain = Chain::new();
    let none = Crl::default;
    let told = |name: &str, keys: &[String]| {
        let start = format!("trusted: the revocation list of \"CN={name}\" expired at 20");
        let end = "Z; put that CA's new one in its file\n";
        chain.untrusted(keys, &[&start, "Z and our clock says 20", end]);
    };
    told("low", &chain.keys(none(), none(), none().expired()));
    told("middle", &chain.keys(none(), none().expired(), none()));
}

#[test]
fn a_list_that_its_authority_did_not_sign_is_of_no_use() {
    let world = World::new();
    let leaf = world.servers.issue(&server());
    let list = Crl::default().pem_of(&Ca::new("servers"));
    let told = "the revocation list of \"CN=servers\" is of no use: it was not signed with the key \
         of that CA; put that CA's own one in its file\n";
    untrusted(&world, &leaf, &crl(&world.dir, "a", &list), &[told]);
}

#[test]
fn of_two_lists_of_one_authority_the_newer_one_counts() {
    let world = World::new();
    let leaf = world.servers.issue(&server());
    let old = || Crl::default().made_ago(3 * DAY);
    let new = || Crl::default().made_ago(2 * DAY);
    let in_both_orders = |old: Crl, new: Crl| {
        let old = crl(&world.dir, "old", &old.pem_of(&world.servers));
        let new = crl(&world.dir, "new", &new.pem_of(&world.servers));
        [format!("{old},{new}"), format!("{new},{old}")]
    };
    for keys in in_both_orders(old(), new().revoke_leaf(&leaf)) {
        untrusted(&world, &leaf, &keys, &["is revoked since 20"]);
    }
    for keys in in_both_orders(old().revoke_leaf(&leaf), new()) {
        trusted(&world, &leaf, &keys);
    }
}

// ---- over time ----

const MODES: [(Versions, Resumption); 3] = [
    (Versions::Only12, Resumption::SessionIds),
    (Versions::Only12, Resumption::Tickets),
    (Versions::Only13, Resumption::Tickets),
];

/// An upstream, and an egret that goes there with the list in `a.crl`.
struct Listed {
    world: World,
    leaf: Leaf,
    upstream: Upstream,
    egret: Egret,
}

impl Listed {
    fn start(list: Crl, upstream_idle: &str, mode: (Versions, Resumption)) -> Self {
        let world = World::new();
        let leaf = world.servers.issue(&server());
        let upstream = Upstream::builder(&leaf)
            .versions(mode.0)
            .resumption(mode.1)
            .start();
        let keys = crl(&world.dir, "a.crl", &list.pem_of(&world.servers));
        let egret = egret(&world)
            .option("--upstream-idle", upstream_idle)
            .identity(&format!("x,{keys}"))
            .route(&format!("to={},identity=x", upstream.url()))
            .start();
        Self {
            world,
            leaf,
            upstream,
            egret,
        }
    }

    fn ask(&self) -> Response {
        client::get(self.egret.addr(0), "/")
    }

    /// Puts another list in the place of the first.
    fn replace(&self, list: Crl, epoch: u32) {
        crl(&self.world.dir, "a.crl", &list.pem_of(&self.world.servers));
        self.egret.signal("HUP");
        let line = format!("reloaded identity \"x\": epoch {epoch}");
        self.egret.wait_line(&line);
    }

    /// Two requests; the second one has a session or a connection to use.
    #[track_caller]
    fn assert_reuse(&self) {
        for _ in 0..2 {
            let answer = self.ask();
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        let seen = self.upstream.last().expect("a request");
        assert!(seen.resumed || seen.request > 1, "{seen:?}");
    }
}

#[test]
fn a_server_that_a_new_list_revokes_is_refused_whatever_session_or_connection_there_was() {
    for upstream_idle in ["0", "30s"] {
        for mode in MODES {
            let listed = Listed::start(Crl::default(), upstream_idle, mode);
            listed.assert_reuse();
            listed.replace(Crl::default().revoke_leaf(&listed.leaf), 2);
            let before = listed.upstream.seen().len();
            for _ in 0..2 {
                let answer = listed.ask();
                assert_eq!(answer.status, 502, "{}", answer.text());
                assert!(answer.text().contains("is revoked since 20"));
            }
            let after = listed.upstream.seen().len();
            assert_eq!(after, before, "a request went out");
            // And back: it was the list alone.
            listed.replace(Crl::default(), 3);
            listed.assert_reuse();
        }
    }
}

#[test]
fn sessions_and_connections_end_with_the_list_that_did_not_revoke_their_server() {
    for upstream_idle in ["0", "30s"] {
        let list = Crl::default().expires_in(Duration::from_secs(3));
        let listed = Listed::start(list, upstream_idle, MODES[2]);
        listed.assert_reuse();
        support::wait_until("the list ends", || {
            let answer = listed.ask();
            let expired = answer
                .text()
                .contains("revocation list of \"CN=servers\" expired at");
            assert!(expired == (answer.status == 502), "{}", answer.text());
            expired
        });
    }
}

#[test]
fn a_list_that_does_not_load_keeps_the_former_one() {
    let world = World::new();
    let leaf = world.servers.issue(&server());
    let upstream = Upstream::builder(&leaf).start();
    let list = Crl::default().revoke_leaf(&leaf).pem_of(&world.servers);
    let keys = crl(&world.dir, "a.crl", &list);
    let egret = egret(&world)
        .identity(&format!("x,{keys}"))
        .route(&format!("to={},identity=x", upstream.url()))
        .start();
    crl(&world.dir, "a.crl", &world.servers.pem());
    egret.signal("HUP");
    let line = egret.wait_line("reload of identity \"x\" failed, keeping epoch 1: ");
    let told = "a.crl: no revocation list, but a certificate; ";
    assert!(line.contains(told), "{line}");
    let text = client::get(egret.addr(0), "/").text();
    assert!(text.contains("is revoked since 20"), "{text}");
}

#[test]
fn a_list_that_is_the_same_changes_nothing() {
    let listed = Listed::start(Crl::default(), "30s", MODES[2]);
    listed.assert_reuse();
    listed.egret.signal("HUP");
    let line = "identity \"x\" unchanged, keeping epoch 1";
    listed.egret.wait_line(line);
    assert_eq!(listed.ask().status, 200);
    assert_eq!(listed.upstream.connections(), 1);
}

#[test]
fn a_new_list_is_found_without_a_signal() {
    let world = World::new();
    let leaf = world.servers.issue(&server());
    let upstream = Upstream::builder(&leaf).start();
    let keys = crl(&world.dir, "a", &Crl::default().pem_of(&world.servers));
    let egret = egret(&world)
        .option("--reload-interval", "100ms")
        .identity(&format!("x,{keys}"))
        .route(&format!("to={},identity=x", upstream.url()))
        .start();
    assert_eq!(client::get(egret.addr(0), "/").status, 200);
    let list = Crl::default().revoke_leaf(&leaf).pem_of(&world.servers);
    crl(&world.dir, "a", &list);
    let line = "reloaded identity \"x\": epoch 2, no certificate, 1 roots, 1 revocation lists";
    egret.wait_line(line);
    assert_eq!(client::get(egret.addr(0), "/").status, 502);
}

#[test]
fn an_identity_without_its_list_is_not_available_and_the_others_are() {
    let world = World::new();
    let upstream = Upstream::builder(&world.servers.issue(&server())).start();
    let path = world.dir.file("late.crl");
    let egret = egret(&world)
        .identity(&format!("x,crl={}", path.display()))
        .route(&format!("to={},identity=x", upstream.url()))
        .route(&format!("to={},identity=none", upstream.url()))
        .start();
    let answer = client::get(egret.addr(0), "/");
    assert_eq!(answer.status, 503);
    let text = answer.text();
    assert!(text.contains("late.crl: no such file"), "{text}");
    assert_eq!(client::get(egret.addr(1), "/").status, 200);
    let list = Crl::default().pem_of(&world.servers);
    crl(&world.dir, "late.crl", &list);
    egret.signal("HUP");
    egret.wait_line("reloaded identity \"x\": epoch 1");
    assert_eq!(client::get(egret.addr(0), "/").status, 200);
}

// ---- isolation ----

/// Identities of one certificate to one upstream, with and without the list that revokes it.
fn isolated(upstream_idle: &str, (versions, resumption): (Versions, Resumption)) {
    let world = World::new();
    let leaf = world.servers.issue(&server());
    let builder = Upstream::builder(&leaf).requests(&world.devices);
    let upstream = builder.versions(versions).resumption(resumption).start();
    let device = world.device("plain");
    let (_, files) = device.split_once(',').expect("a name and files");
    let revoking = Crl::default().revoke_leaf(&leaf).pem_of(&world.servers);
    let other = Crl::default().pem_of(&world.servers);
    let keys = [
        String::from("alpn=http/1.1"),
        crl(&world.dir, "other", &other),
        crl(&world.dir, "revoking", &revoking),
    ];
    let mut egret = egret(&world).option("--upstream-idle", upstream_idle);
    for (name, keys) in ["plain", "listed", "strict"].iter().zip(&keys) {
        egret = egret
            .identity(&format!("{name},{files},{keys}"))
            .route(&format!("to={},identity={name}", upstream.url()));
    }
    let egret = egret.start();
    for round in 0..3 {
        for way in [0, 1] {
            let before = upstream.seen().len();
            let answer = client::get(egret.addr(2), "/");
            assert_eq!(answer.status, 502, "{}", answer.text());
            assert!(answer.text().contains("is revoked since 20"));
            assert_eq!(upstream.seen().len(), before, "a request went out");
            assert_eq!(client::get(egret.addr(way), "/").status, 200);
            let seen = upstream.last().expect("a request");
            let reused = seen.resumed || seen.request > 1;
            assert_eq!(reused, round > 0, "{seen:?}");
        }
    }
}

#[test]
fn a_list_is_asked_although_a_neighbour_without_it_has_sessions_and_connections() {
    for mode in MODES {
        for upstream_idle in ["0", "30s"] {
            isolated(upstream_idle, mode);
        }
    }
}

// ---- check, and the start ----

fn check(world: &World, keys: &str) -> Finished {
    let check = Egret::builder(env!("CARGO_BIN_EXE_egret")).arg("check");
    check
        .ca(&world.ca)
        .identity(&format!("x,{keys}"))
        .route("to=https://a.example,identity=x")
        .run()
}

#[test]
fn check_tells_of_lists_and_counts_their_memory() {
    let world = World::new();
    let leaf = world.servers.issue(&server());
    let list = Crl::default().revoke_leaf(&leaf).pem_of(&world.servers);
    let ended = check(&world, &crl(&world.dir, "a.crl", &list));
    assert_eq!((ended.code(), ended.stderr.as_str()), (Some(0), ""));
    for part in [
        "\n    less         1 certificate revoked by 1 list, until 20",
        "\n  KiB of CRLs, old and new     2 x ",
    ] {
        assert!(ended.stdout.contains(part), "{part} in {}", ended.stdout);
    }
}

#[test]
fn an_expired_list_is_no_good_to_check_and_warned_of_by_run() {
    let world = World::new();
    let list = Crl::default().expired().pem_of(&world.servers);
    let keys = crl(&world.dir, "a.crl", &list);
    let told = "the revocation list of \"CN=servers\" expired on 20";
    let ended = check(&world, &keys);
    assert_eq!(ended.code(), Some(3), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    for part in [
        told,
        "Z, 24 hours ago by our clock (20",
        "; put that CA's new one in its file\n",
    ] {
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
    let egret = egret(&world)
        .identity(&format!("x,{keys}"))
        .route("to=https://localhost:1,identity=x")
        .start();
    egret.wait_line(told);
}

#[test]
fn every_bad_file_of_lists_is_told_by_check() {
    let world = World::new();
    let good = Crl::default().pem_of(&world.servers);
    let keys = [
        crl(&world.dir, "good", &good),
        crl(&world.dir, "wrong", &world.servers.pem()),
        crl(&world.dir, "cut", &good[..good.len() / 2]),
        String::from("crl=missing"),
    ];
    let ended = check(&world, &keys.join(","));
    assert_eq!(ended.code(), Some(3), "{ended:?}");
    let lines: Vec<_> = ended.stderr.lines().collect();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    for (line, part) in lines.iter().zip([
        "wrong: no revocation list, but a certificate; ",
        "cut: truncated: the X509 CRL that begins at line 1 has no -----END; ",
        "missing: no such file",
    ]) {
        assert!(line.contains(part), "{line}");
    }
}

#[test]
fn a_file_of_more_than_a_mebibyte_is_not_read() {
    let world = World::new();
    let good = Crl::default().pem_of(&world.servers);
    let padded = |bytes: usize| good.clone() + &"\n".repeat(bytes - good.len());
    let most = crl(&world.dir, "most", &padded(1 << 20));
    assert_eq!(check(&world, &most).code(), Some(0));
    let over = crl(&world.dir, "over", &padded((1 << 20) + 1));
    let ended = check(&world, &over);
    assert_eq!(ended.code(), Some(3));
    let told = "over: is larger than 1048576 bytes; ";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
}
