//! Large bodies, down and up, one at a time.

use std::time::Instant;

use crate::cloud::BULK;
use crate::load::Client;
use crate::plan::{Bench, Result};
use crate::process::cpu;
use crate::sheet::Sheet;

const DOWNLOAD: &[u8] = b"GET /download HTTP/1.1\r\nHost: localhost\r\n\r\n";

pub fn measure(bench: &Bench) -> Result<Vec<Sheet>> {
    let mut sheet = bench.sheet("large bodies");
    let proxies = bench.start_all(&bench.usual())?;
    for round in 0..=bench.plan.rounds {
        for way in ["down", "up"] {
            for n in bench.turns(round) {
                let mut client = Client::connect(proxies[n].addr(0))?;
                let pids = proxies[n].pids();
                let (before, start) = (cpu(&pids)?, Instant::now());
                match way {
                    "down" => client.ask(DOWNLOAD)?,
                    _ => client.upload(BULK)?,
                }
                let (seconds, spent) = (start.elapsed().as_secs_f64(), cpu(&pids)? - before);
                if round > 0 {
                    let row = |what: &str| format!("{way}: {what}");
                    let gigabytes = BULK as f64 / 1e9;
                    sheet.add(
                        &row("processor time of a GB, s"),
                        n,
                        spent / 1e6 / gigabytes,
                    );
                    sheet.add(&row("MB a second"), n, 1_000.0 * gigabytes / seconds);
                }
            }
        }
    }
    Ok(vec![sheet])
}
