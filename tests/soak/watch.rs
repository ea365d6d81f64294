//! What egret says of itself, and the system of it, all along.

use std::time::Duration;

use crate::counted::MARK;
use crate::ledger::Ledger;
use crate::support::egret::Egret;

/// How often.
const STEP: Duration = Duration::from_millis(500);

/// One look at the process.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    pub rss_kib: u64,
    pub descriptors: usize,
}

/// A look at the process now.
pub fn sample(egret: &Egret) -> Sample {
    Sample {
        rss_kib: egret.rss_kib(),
        descriptors: egret.descriptors(),
    }
}

/// Looks again and again until it is over.
pub fn run(ledger: &Ledger, egret: &Egret) -> Vec<Sample> {
    let mut samples = Vec::new();
    loop {
        for _ in 0..25 {
            read_log(ledger, egret);
            if !ledger.pause(STEP / 25) {
                return samples;
            }
        }
        egret.signal("USR1");
        samples.push(sample(egret));
    }
}

/// Takes the lines of both logs that are new.
pub fn read_log(ledger: &Ledger, egret: &Egret) {
    for line in egret.take_access_log() {
        ledger.logged(line);
    }
    for line in egret.take_log() {
        if let Some((_, bytes)) = line.split_once(MARK) {
            match bytes.parse() {
                Ok(bytes) => ledger.held(bytes),
                Err(_) => ledger.wrong(line),
            }
        } else if let Some((_, snapshot)) = line.split_once("snapshot: ") {
            ledger.count("snapshot line");
            for (what, held, capacity) in occupancy(snapshot) {
                if held > capacity {
                    ledger.wrong(format!("{what}={held} of {capacity}: {line}"));
                }
            }
        } else if let Some((_, rest)) = line.split_once("reloaded identity \"") {
            let epoch = rest.split_once("\": epoch ").and_then(|(name, rest)| {
                let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
                Some((name, digits.parse().ok()?))
            });
            match epoch {
                Some((name, epoch)) => ledger.reloaded(name, epoch),
                None => ledger.wrong(format!("no epoch in: {line}")),
            }
        } else if line.contains("panicked") {
            ledger.wrong(line);
        } else {
            ledger.logged(line);
        }
    }
}

/// Of each table that a snapshot's line tells of: its name, how much is in it, how much may be.
fn occupancy(line: &str) -> Vec<(&str, u64, u64)> {
    let pairs: Vec<(&str, u64)> = line
        .split_whitespace()
        .filter_map(|word| word.split_once('='))
        .filter_map(|(name, number)| Some((name, number.parse().ok()?)))
        .collect();
    let of = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, n)| *n);
    let Some(capacity) = of("capacity") else {
        return Vec::new();
    };
    let mut tables: Vec<_> = pairs
        .iter()
        .filter_map(|(name, held)| Some((*name, *held, of(&format!("{name}_capacity"))?)))
        .collect();
    // The first number of a line is of its main table, where it has no capacity of its own.
    for main in ["clients", "names", "descriptors"] {
        tables.extend(of(main).map(|held| (main, held, capacity)));
    }
    if let (Some(busy), Some(idle)) = (of("busy"), of("idle")) {
        tables.push(("busy+idle", busy + idle, capacity));
    }
    tables
}

#[test]
fn a_line_of_a_snapshot_tells_of_all_its_tables() {
    let line = "identity \"x\": epoch=3 busy=1 idle=2 capacity=16 waiting=3 waiting_capacity=32 \
                sessions=4 sessions_capacity=16 handshakes=0 handshakes_capacity=8";
    let tables = occupancy(line);
    let expected = [
        ("waiting", 3, 32),
        ("sessions", 4, 16),
        ("handshakes", 0, 8),
        ("busy+idle", 3, 16),
    ];
    assert_eq!(tables, expected);
    assert_eq!(
        occupancy("x: clients=5 idle=1 capacity=4"),
        [("clients", 5, 4)]
    );
}
