//! Whom an identity trusts, while that changes: `--ca`, which identities share, and `ca=`, which
//! is one identity's own.

mod support;

use std::fs;

use support::certs::{Ca, Dir, Leaf};
use support::client;
use support::egret::Egret;
use support::upstream::Upstream;

const EGRET: &str = env!("CARGO_BIN_EXE_egret");

/// The server's authority, another, and three identities: `a` and `b` trust what `--ca` says, `c`
/// what its own `ca=` says. Each file has the server's at the start.
struct Setting {
    servers: Ca,
    others: Ca,
    egret: Egret,
    dir: Dir,
    _upstream: Upstream,
}

impl Setting {
    fn start() -> Self {
        let (servers, others, dir) = (Ca::new("servers"), Ca::new("others"), Dir::new());
        let upstream = Upstream::builder(&servers.server(&["localhost"])).start();
        let own = format!("c,ca={}", dir.ca("own", &servers));
        let mut egret = Egret::builder(EGRET)
            .ca(&dir.ca("shared", &servers))
            .option("--reload-interval", "10ms")
            .option("--upstream-idle", "0");
        for (name, option) in [("a", "a"), ("b", "b"), ("c", &own)] {
            let to = format!("to={},identity={name}", upstream.url());
            egret = egret.identity(option).route(&to);
        }
        Self {
            egret: egret.start(),
            servers,
            others,
            dir,
            _upstream: upstream,
        }
    }

    /// What requests as `a`, `b` and `c` are answered with.
    fn statuses(&self) -> [u16; 3] {
        [0, 1, 2].map(|n| client::get(self.egret.addr(n), "/").status)
    }

    fn wait(&self, what: &str, names: &[&str]) {
        for name in names {
            self.egret
                .wait_line(&what.replace('@', &format!("{name:?}")));
        }
    }

    fn count(&self, part: &str) -> usize {
        let log = self.egret.log();
        log.lines().filter(|line| line.contains(part)).count()
    }
}

#[test]
fn roots_that_identities_share_are_reloaded_by_all_that_have_no_others() {
    let it = Setting::start();
    assert_eq!(it.statuses(), [200, 200, 200]);
    it.dir.ca("shared", &it.others);
    it.wait("reloaded identity @: epoch 2, ", &["a", "b"]);
    assert_eq!(it.statuses(), [502, 502, 200]);
    let both = it.others.pem() + &it.servers.pem();
    it.dir.write("shared.crt", &both);
    it.wait("reloaded identity @: epoch 3, ", &["a", "b"]);
    assert_eq!(it.statuses(), [200, 200, 200]);
    assert_eq!(it.count("epoch 3, no certificate, 2 roots"), 2);
    assert_eq!(it.count("identity \"c\": epoch"), 0);
}

#[test]
fn roots_of_one_identity_are_reloaded_by_it_alone() {
    let it = Setting::start();
    it.dir.ca("own", &it.others);
    it.wait("reloaded identity @: epoch 2, ", &["c"]);
    assert_eq!(it.statuses(), [200, 200, 502]);
    it.dir.ca("own", &it.servers);
    it.wait("reloaded identity @: epoch 3, ", &["c"]);
    assert_eq!(it.statuses(), [200, 200, 200]);
    assert_eq!(it.count("reloaded identity"), 2);
}

#[test]
fn roots_that_do_not_load_leave_the_former_and_are_told_of_once_by_each() {
    let it = Setting::start();
    for (failures, bad) in (1..).zip(["", "-----BEGIN CERTIFICATE-----\nAAAA"]) {
        for file in ["shared.crt", "own.crt"] {
            it.dir.write(file, bad);
        }
        let failed = |lines: &[String], name: &str| {
            let start = format!("reload of identity {name:?} failed, keeping epoch 1: ");
            lines.iter().filter(|line| line.contains(&start)).count() == failures
        };
        let names = ["a", "b", "c"];
        it.egret
            .wait_log(|lines| names.iter().all(|name| failed(lines, name)));
        assert_eq!(it.statuses(), [200, 200, 200]);
    }
    fs::remove_file(it.dir.file("own.crt")).expect("removed");
    it.dir.ca("shared", &it.others);
    it.wait("reloaded identity @: epoch 2, ", &["a", "b"]);
    it.wait("reload of identity @ failed, keeping epoch 1: ", &["c"]);
    it.egret.wait_line("own.crt: no such file");
    assert_eq!(it.statuses(), [502, 502, 200]);
    it.dir.ca("own", &it.servers);
    it.wait("identity @ unchanged, keeping epoch 1", &["c"]);
    assert_eq!(it.count(" failed, keeping epoch 1: "), 7);
    assert_eq!(it.statuses(), [502, 502, 200]);
}

#[test]
fn a_session_with_a_server_that_is_trusted_no_more_is_not_resumed() {
    let it = Setting::start();
    assert_eq!(it.statuses(), [200, 200, 200]);
    let stranger = Leaf::self_signed(&support::certs::Spec::server(&["localhost"]));
    it.dir.write("own.crt", &stranger.cert_pem);
    it.wait("reloaded identity @: epoch 2, ", &["c"]);
    // A session would be resumed without a look at the server's certificate.
    assert_eq!(it.statuses(), [200, 200, 502]);
}
