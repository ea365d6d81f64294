//! `crl=`: what is revoked is refused, and what no list tells of too.

mod support;
mod trusting;

use std::fs;
use std::time::Duration;

use support::certs::{Ca, Dir, Leaf};
use support::crl::{Crl, serial};
use support::egret::{Egret, Finished};
use support::world::World;
use trusting::{crl, egret, server, trusted, untrusted};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// `crl=` of a file with these bytes.
fn binary(dir: &Dir, name: &str, der: &[u8]) -> String {
    let path = dir.file(name);
    fs::write(&path, der).expect("a file");
    format!("crl={}", path.display())
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
