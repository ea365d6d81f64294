//! Small requests: what one costs, how many there are in a second, how long one takes.

use crate::load::{Crowd, SMALL, Way};
use crate::plan::{Bench, Result};
use crate::process::cpu;
use crate::proxies::Proxy;
use crate::sheet::Sheet;

const CLIENTS: [usize; 3] = [1, 16, 64];

pub fn measure(bench: &Bench) -> Result<Vec<Sheet>> {
    let mut kept = bench.sheet("small requests, clients keep their connections");
    let mut new = bench.sheet("small requests, each on a connection of its own");
    let proxies = bench.start_all(&bench.usual())?;
    for round in 0..=bench.plan.rounds {
        for clients in CLIENTS {
            for n in bench.turns(round) {
                for (way, sheet) in [(Way::Kept, &mut kept), (Way::New, &mut new)] {
                    let one = one(&proxies[n], clients, bench.plan.requests, way)?;
                    // The first round fills caches and pools.
                    if round > 0 {
                        one.note(sheet, n, clients);
                    }
                }
            }
        }
    }
    Ok(vec![kept, new])
}

/// A round of one proxy.
struct One {
    microseconds: f64,
    a_second: f64,
    p50: f64,
    p99: f64,
}

fn one(proxy: &Proxy, clients: usize, requests: usize, way: Way) -> Result<One> {
    let mut crowd = Crowd::gather(proxy.addr(0), clients, way)?;
    // Connected is one thing, accepted another.
    crowd.ask(SMALL, clients)?;
    let pids = proxy.pids();
    let before = cpu(&pids)?;
    let timing = crowd.ask(SMALL, requests)?;
    let spent = cpu(&pids)? - before;
    Ok(One {
        microseconds: spent / requests as f64,
        a_second: requests as f64 / timing.seconds,
        p50: timing.percentile(50),
        p99: timing.percentile(99),
    })
}

impl One {
    fn note(&self, sheet: &mut Sheet, column: usize, clients: usize) {
        let plural = if clients == 1 { "" } else { "s" };
        let mut add = |what: &str, value: f64| {
            sheet.add(&format!("{clients} client{plural}: {what}"), column, value);
        };
        add("processor time of a request, µs", self.microseconds);
        add("requests a second", self.a_second);
        add("half are answered within, µs", self.p50);
        add("99 of 100 are answered within, µs", self.p99);
    }
}
