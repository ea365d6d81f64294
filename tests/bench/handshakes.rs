//! What a request costs that needs a TLS handshake with the cloud, and how many are made when many
//! clients come at once.

use crate::cloud::Upstream;
use crate::load::{COUNTED, Crowd, SMALL, Way};
use crate::plan::{Bench, Result};
use crate::process::cpu;
use crate::proxies::{Job, Kind, Proxy};
use crate::sheet::Sheet;

/// One after the other: of several at once not all find a ticket.
const CLIENTS: usize = 1;
/// Of a burst.
const BURST: usize = 64;
/// Requests of each of them.
const EACH: usize = 10;

/// The listeners, in the order of [`Job::to`], and what the cloud lets them do.
const SORTS: [(Upstream, &str); 2] = [(Upstream::Full, "full"), (Upstream::Resumed, "resumed")];

pub fn measure(bench: &Bench) -> Result<Vec<Sheet>> {
    let mut sheet = bench.sheet("handshakes with the cloud");
    one_by_one(bench, &mut sheet)?;
    burst(bench, &mut sheet)?;
    Ok(vec![sheet])
}

/// What one of each sort costs.
fn one_by_one(bench: &Bench, sheet: &mut Sheet) -> Result<()> {
    let job = Job {
        to: &SORTS.map(|(upstream, _)| upstream),
        ..bench.usual()
    };
    let proxies = bench.start_all(&job)?;
    for round in 0..=bench.plan.rounds {
        for (listener, (_, sort)) in SORTS.into_iter().enumerate() {
            for n in bench.turns(round) {
                let (spent, resumed) = costs(bench, &proxies[n], listener)?;
                if round > 0 {
                    let what = format!("a {sort} handshake and its request");
                    sheet.add(&format!("{what}: processor time, µs"), n, spent);
                    sheet.add(
                        &format!("{what}: resumed, % as the cloud saw it"),
                        n,
                        resumed,
                    );
                }
            }
        }
    }
    Ok(())
}

/// Processor time of a request, and how many of a hundred resumed a session.
fn costs(bench: &Bench, proxy: &Proxy, listener: usize) -> Result<(f64, f64)> {
    let requests = bench.plan.handshakes;
    let cloud = &bench.site.server;
    cloud.count_anew();
    let mut crowd = Crowd::gather(proxy.addr(listener), CLIENTS, Way::Kept)?;
    let pids = proxy.pids();
    let before = cpu(&pids)?;
    crowd.ask(SMALL, requests)?;
    let spent = cpu(&pids)? - before;
    let seen = cloud.handshakes(requests);
    if seen.full + seen.resumed != requests {
        return Err(format!("{requests} requests, and the cloud saw {seen:?}").into());
    }
    let resumed = 100.0 * seen.resumed as f64 / requests as f64;
    Ok((spent / requests as f64, resumed))
}

/// Connections and handshakes made for 64 clients that come at once to a proxy that has none yet.
fn burst(bench: &Bench, sheet: &mut Sheet) -> Result<()> {
    for round in 0..bench.plan.rounds {
        for n in bench.turns(round) {
            let kind = &bench.kinds[n];
            let proxy = bench.start(kind, &bench.usual())?;
            let cloud = &bench.site.server;
            cloud.count_anew();
            let before = cloud.connections();
            let mut crowd = Crowd::gather(proxy.addr(0), BURST, Way::Kept)?;
            crowd.ask(COUNTED, BURST * EACH)?;
            let connections = cloud.connections() - before;
            let seen = cloud.handshakes(BURST * EACH);
            let row = |what: &str| format!("{BURST} clients at once: {what}");
            sheet.add(&row("connections to the cloud"), n, connections as f64);
            sheet.add(&row("full handshakes of those used"), n, seen.full as f64);
            sheet.add(&row("resumed ones"), n, seen.resumed as f64);
            if let Kind::Egret(_) = kind {
                let bound = egret::limits::CONNECTIONS_DEFAULT as f64;
                sheet.add(&row("bound, `connections=`"), n, bound);
            } else {
                sheet.say(&row("bound, `connections=`"), n, "none");
            }
        }
    }
    Ok(())
}
