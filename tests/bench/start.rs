//! How soon a proxy answers, and what it needs on disk.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::load::{Client, SMALL};
use crate::plan::{Bench, Result};
use crate::process::size;
use crate::sheet::Sheet;
use crate::support::PATIENCE;

pub fn measure(bench: &Bench) -> Result<Vec<Sheet>> {
    let mut sheet = bench.sheet("start and size");
    let mut proxies = bench.start_all(&bench.usual())?;
    for round in 0..bench.plan.rounds {
        for n in bench.turns(round) {
            let proxy = &mut proxies[n];
            proxy.stop();
            let start = Instant::now();
            bench.cores.on_proxys(|| proxy.start_again())?;
            let answered = first_answer(proxy.addr(0), start)?.as_secs_f64();
            sheet.add("from its start to the first answer, ms", n, answered * 1e3);
        }
    }
    for (n, proxy) in proxies.iter().enumerate() {
        let (program, libraries) = size(proxy.pid())?;
        sheet.add("program file, KiB", n, program);
        sheet.add("shared libraries that it maps, KiB", n, libraries);
        sheet.add("both, KiB", n, program + libraries);
    }
    Ok(vec![sheet])
}

/// Asks again and again; the answer comes from the cloud.
fn first_answer(addr: SocketAddr, start: Instant) -> Result<Duration> {
    loop {
        let answer = Client::connect(addr).and_then(|mut client| client.ask(SMALL));
        match answer {
            Ok(()) => return Ok(start.elapsed()),
            Err(error) if start.elapsed() > PATIENCE => return Err(error.into()),
            Err(_) => {}
        }
    }
}
