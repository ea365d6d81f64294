//! `crl=` over time: a list that came with a reload counts for those who were trusted before it, and
//! whatever neighbours do without it.

mod support;
mod trusting;

use std::time::Duration;

use support::certs::Leaf;
use support::client::{self, Response};
use support::crl::Crl;
use support::egret::Egret;
use support::upstream::{Resumption, Upstream, Versions};
use support::world::World;
use trusting::{MODES, Neighbours, crl, egret, server};

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

/// Identities of one certificate to one upstream, with and without the list that revokes it.
fn isolated(upstream_idle: &str, mode: (Versions, Resumption)) {
    let world = World::new();
    let leaf = world.servers.issue(&server());
    let revoking = Crl::default().revoke_leaf(&leaf).pem_of(&world.servers);
    let other = Crl::default().pem_of(&world.servers);
    let identities = [
        ("plain", String::from("alpn=http/1.1")),
        ("listed", crl(&world.dir, "other", &other)),
        ("strict", crl(&world.dir, "revoking", &revoking)),
    ];
    let neighbours = Neighbours::start(&world, &leaf, upstream_idle, mode, &identities);
    for round in 0..3 {
        for way in [0, 1] {
            neighbours.assert_refused(2, "is revoked since 20");
            neighbours.assert_served(way, round);
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
