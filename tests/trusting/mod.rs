//! What the tests of trust share: an identity `x` with some keys, and what becomes of its requests to
//! an upstream with some certificate.

// Each test program uses a part of it.
#![allow(dead_code)]

use crate::support::certs::{Dir, Leaf, Spec};
use crate::support::client::{self, Response};
use crate::support::egret::{Builder, Egret};
use crate::support::upstream::{Resumption, Seen, Upstream, Versions};
use crate::support::world::World;

/// Each alone.
pub const VERSIONS: [Versions; 2] = [Versions::Only12, Versions::Only13];

/// Each way to resume a session.
pub const MODES: [(Versions, Resumption); 3] = [
    (Versions::Only12, Resumption::SessionIds),
    (Versions::Only12, Resumption::Tickets),
    (Versions::Only13, Resumption::Tickets),
];

/// An egret that trusts the world's servers.
pub fn egret(world: &World) -> Builder {
    Egret::builder(env!("CARGO_BIN_EXE_egret")).ca(&world.ca)
}

/// What such a server's certificate says.
pub fn server() -> Spec {
    Spec::server(&["localhost"])
}

/// `crl=` of a file with this text.
pub fn crl(dir: &Dir, name: &str, pem: &str) -> String {
    format!("crl={}", dir.write(name, pem).display())
}

/// What an identity of these keys gets from an upstream with that certificate, in both versions.
pub fn ask(world: &World, leaf: &Leaf, keys: &str) -> [Response; 2] {
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

/// The request must arrive.
#[track_caller]
pub fn trusted(world: &World, leaf: &Leaf, keys: &str) {
    for answer in ask(world, leaf, keys) {
        assert_eq!(answer.status, 200, "{keys}: {}", answer.text());
    }
}

/// The answer must be an error of ours about the upstream's certificate, and have these parts.
#[track_caller]
pub fn untrusted(world: &World, leaf: &Leaf, keys: &str, parts: &[&str]) {
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

/// Identities of one certificate with a route each to one upstream: only whom they trust differs.
pub struct Neighbours {
    upstream: Upstream,
    egret: Egret,
}

impl Neighbours {
    /// Of these names and keys.
    pub fn start(
        world: &World,
        leaf: &Leaf,
        upstream_idle: &str,
        (versions, resumption): (Versions, Resumption),
        identities: &[(&str, String)],
    ) -> Self {
        let builder = Upstream::builder(leaf).requests(&world.devices);
        let upstream = builder.versions(versions).resumption(resumption).start();
        let device = world.device("device");
        let (_, files) = device.split_once(',').expect("a name and files");
        let mut egret = egret(world).option("--upstream-idle", upstream_idle);
        for (name, keys) in identities {
            egret = egret
                .identity(&format!("{name},{files},{keys}"))
                .route(&format!("to={},identity={name}", upstream.url()));
        }
        let egret = egret.start();
        Self { upstream, egret }
    }

    /// No request of that identity may arrive, whatever sessions and connections the others have.
    #[track_caller]
    pub fn assert_refused(&self, at: usize, sentence: &str) {
        let before = self.upstream.seen().len();
        let answer = client::get(self.egret.addr(at), "/");
        let text = answer.text();
        assert_eq!(answer.status, 502, "{text}");
        assert!(text.contains(sentence), "{text}");
        assert_eq!(self.upstream.seen().len(), before, "a request went out");
    }

    /// A request of that identity must arrive. Its own session or connection it does use from the
    /// second `round` on: else nothing would be proved.
    #[track_caller]
    pub fn assert_served(&self, at: usize, round: usize) -> Seen {
        let answer = client::get(self.egret.addr(at), "/");
        assert_eq!(answer.status, 200, "{}", answer.text());
        let seen = self.upstream.last().expect("a request");
        let reused = seen.resumed || seen.request > 1;
        assert_eq!(reused, round > 0, "{seen:?}");
        seen
    }
}
