//! Rules of one forward listener that lead to one upstream as different identities, and clients
//! that name a thousand upstreams.

mod support;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{SystemTime, UNIX_EPOCH};

use support::certs::{Ca, Dir};
use support::client::{Client, Response, get};
use support::egret::{Builder, Egret};
use support::upstream::{Reply, Seen, Upstream, Versions};

const EGRET: &str = env!("CARGO_BIN_EXE_egret");
const LISTEN: &str = "127.0.0.1:0";

/// Two authorities, and files for two identities.
struct World {
    dir: Dir,
    servers: Ca,
    clients: Ca,
}

impl World {
    fn new() -> Self {
        Self {
            dir: Dir::new(),
            servers: Ca::new("servers"),
            clients: Ca::new("clients"),
        }
    }

    /// Answers what it saw; a path that begins with `/close` ends the connection too.
    fn upstream(&self, sans: &[&str], address: IpAddr, versions: Versions) -> Upstream {
        Upstream::builder(&self.servers.server(sans))
            .bind(address)
            .versions(versions)
            .requests(&self.clients)
            .handler(|seen| match seen.target.starts_with("/close") {
                true => Reply::echo(seen).close(),
                false => Reply::echo(seen),
            })
            .start()
    }

    fn egret(&self) -> Builder {
        let identity = |name| self.dir.identity(name, &self.clients.client(name));
        Egret::builder(EGRET)
            .ca(&self.dir.ca("servers", &self.servers))
            .identity(&identity("client"))
            .identity(&identity("another"))
    }
}

/// xorshift64: enough to mix requests, and repeatable by its seed.
struct Random(u64);

impl Random {
    fn from_clock() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let seed = now.expect("a clock after 1970").as_nanos() as u64 | 1;
        println!("seed {seed}");
        Self(seed)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

fn subject(seen: &Seen) -> Option<&str> {
    seen.client_subject.as_deref()
}

fn echo(response: &Response, field: &str) -> String {
    assert_eq!(response.status, 200, "{}", response.text());
    response.echo(field).unwrap_or_default()
}

#[test]
fn rules_with_different_identities_never_share_a_session_or_a_connection() {
    for versions in [Versions::Only12, Versions::Only13] {
        let world = World::new();
        let names = ["localhost", "127.0.0.1", "::1"];
        let everywhere = IpAddr::from(Ipv6Addr::UNSPECIFIED);
        let upstream = world.upstream(&names, everywhere, versions);
        let egret = world
            .egret()
            .forward_at(LISTEN, "to=localhost:*,identity=client")
            .forward_at(LISTEN, "to=127.0.0.1:*,identity=another")
            .forward_at(LISTEN, "to=[::1]:*,identity=none")
            .start();
        let owners = [
            ("localhost", Some("CN=client")),
            ("127.0.0.1", Some("CN=another")),
            ("[::1]", None),
        ];
        let mut random = Random::from_clock();
        let mut clients: Vec<_> = (0..3).map(|_| Client::connect(egret.addr(0))).collect();
        for number in 0..90 {
            let (host, owner) = owners[random.below(3)];
            let path = ["/", "/", "/close"][random.below(3)];
            let target = format!("http://{host}:{}{path}", upstream.port());
            let response = clients[random.below(3)].get(&target).expect("an answer");
            let status = response.status;
            assert_eq!(status, 200, "{number}: {target}: {}", response.text());
            let seen = upstream.last().expect("a request");
            assert_eq!(subject(&seen), owner, "{number}: {target}");
        }
        // One identity a connection, and each was reused and resumed on the way.
        let mut of_connection = HashMap::new();
        for seen in upstream.seen() {
            let host = seen.header("host").map(str::to_owned);
            let first = of_connection.entry(seen.connection).or_insert(host.clone());
            assert_eq!(*first, host, "connection {}", seen.connection);
        }
        for (_, owner) in owners {
            let seen = upstream.seen();
            let mut own = seen.iter().filter(|seen| subject(seen) == owner);
            assert!(own.clone().any(|seen| seen.request > 1), "{owner:?}");
            assert!(own.any(|seen| seen.resumed), "{owner:?}");
        }
        assert_eq!(upstream.full_handshakes(), 3);
    }
}

/// Distinct loopback addresses.
fn address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x7f01_0000 + number)
}

#[test]
fn a_thousand_upstreams_of_one_client_take_nothing_from_another_identity() {
    /// More upstreams than any identity may have connections or sessions for.
    const REACHED: u32 = 100;
    const NAMED: u32 = 1_000;
    let world = World::new();
    let addresses: Vec<String> = (0..2 * REACHED).map(|n| address(n).to_string()).collect();
    let names: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let everywhere = IpAddr::from(Ipv4Addr::UNSPECIFIED);
    let crowd = world.upstream(&names, everywhere, Versions::Both);
    let names = ["localhost", "127.0.0.1"];
    let own = world.upstream(&names, everywhere, Versions::Both);
    let egret = world
        .egret()
        .forward_at(
            LISTEN,
            &format!("to=localhost:{},identity=client", own.port()),
        )
        .forward_at(
            LISTEN,
            &format!("to=127.0.0.1:{},identity=client", own.port()),
        )
        .forward_at(LISTEN, "to=*:*,identity=none")
        .start();
    let reach = |host: &str, path: &str| {
        let target = format!("http://{host}:{}{path}", own.port());
        get(egret.addr(0), &target)
    };
    // One connection in the pool, and one session without a connection.
    assert_eq!(echo(&reach("localhost", "/"), "request"), "1");
    assert_eq!(echo(&reach("127.0.0.1", "/close"), "resumed"), "false");

    let mut hostile = Client::connect(egret.addr(0));
    let mut flood = |round: u32| {
        for number in round * REACHED..(round + 1) * REACHED {
            let target = format!("http://{}:{}/", address(number), crowd.port());
            let response = hostile.get(&target).expect("an answer");
            assert_eq!(response.status, 200, "{}", response.text());
        }
        for number in REACHED..NAMED {
            // Nothing listens there: the upstream has its place in the tables all the same.
            let target = format!("http://{}:1/", address((round + 1) * NAMED + number));
            assert_eq!(hostile.get(&target).expect("an answer").status, 502);
        }
        for number in 0..16 {
            let target = format!("http://{number}.{round}.no-such-name.invalid:1/");
            let status = hostile.get(&target).expect("an answer").status;
            assert!([502, 503, 504].contains(&status), "{status}");
        }
    };
    flood(0);
    let rss = egret.rss_kib();
    let descriptors = egret.descriptors();
    flood(1);
    let grown = egret.rss_kib().saturating_sub(rss);
    assert!(
        grown < 512,
        "{grown} KiB more for a thousand more upstreams"
    );
    assert!(egret.descriptors() <= descriptors + 1);
    // Those of its own that it may keep, and no more.
    crowd.wait_until(|state| state.open <= 16);

    let reused = reach("localhost", "/");
    assert_eq!(echo(&reused, "request"), "2", "the pooled connection");
    let resumed = reach("127.0.0.1", "/");
    assert_eq!(echo(&resumed, "resumed"), "true", "the session");
    assert_eq!(own.full_handshakes(), 2);
    assert!(crowd.seen().iter().all(|seen| subject(seen).is_none()));
    assert!(
        own.seen()
            .iter()
            .all(|seen| subject(seen) == Some("CN=client"))
    );
}
