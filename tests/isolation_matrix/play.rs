//! Requests along the ways, and what must be true of each.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::proxy::{Kind, Proxy};
use crate::site::Site;
use crate::support::client::{self, Failure, Response};
use crate::support::gate::Gate;
use crate::support::upstream::{Reply, Seen, Step, Upstream};
use crate::support::wait_until;
use crate::ways::{Door, Mode, Reuse, Way};

/// Clients at once.
const CLIENTS: usize = 32;

/// What must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// It went out as somebody else, or over what belongs to another way.
    Leak(String),
    /// It did not go out although it should, or the answer was lost.
    Failure(String),
}

impl Wrong {
    pub fn sentence(&self) -> &str {
        match self {
            Self::Leak(text) | Self::Failure(text) => text,
        }
    }
}

/// What became of the requests along one way.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    pub requests: usize,
    pub sessions: usize,
    pub connections: usize,
    pub refused: usize,
    /// A sentence for each that was not what it must be.
    pub wrong: Vec<Wrong>,
    /// Nothing was taken over although something could have been.
    pub cold: usize,
}

impl Tally {
    pub fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.sessions += other.sessions;
        self.connections += other.connections;
        self.refused += other.refused;
        self.wrong.extend(other.wrong);
        self.cold += other.cold;
    }
}

/// A cold proxy before a cold cloud.
pub struct Play<'a> {
    site: &'a Site,
    cloud: Upstream,
    proxy: Box<dyn Proxy>,
    ways: &'a [Way],
    /// The request's target for each way.
    targets: Vec<String>,
    door: Door,
    mode: Mode,
    is_turned: bool,
    is_at_once: bool,
    /// Whose each connection is.
    owners: HashMap<u64, usize>,
    /// Of each way, whether its present certificate was used before.
    is_known: Vec<bool>,
    tallies: Vec<Tally>,
}

impl<'a> Play<'a> {
    pub fn new(site: &'a Site, kind: &dyn Kind, ways: &'a [Way], mode: Mode) -> Self {
        let cloud = site.cloud(mode);
        let proxy = kind.start(site, &cloud, ways, mode);
        let target = |(number, way): (usize, &Way)| match kind.door() {
            Door::Route => format!("/{number}"),
            Door::Forward => {
                let port = site.port(&cloud, way.place);
                format!("http://{}:{port}/{number}", way.host())
            }
        };
        Self {
            targets: ways.iter().enumerate().map(target).collect(),
            proxy,
            site,
            cloud,
            ways,
            door: kind.door(),
            mode,
            is_turned: false,
            is_at_once: false,
            owners: HashMap::new(),
            is_known: vec![false; ways.len()],
            tallies: vec![Tally::default(); ways.len()],
        }
    }

    /// One request after the other: in this order, again, and back; then the same with the
    /// certificate rotated.
    pub fn in_order(mut self, order: &[usize]) -> Vec<Tally> {
        let back: Vec<usize> = order.iter().rev().copied().collect();
        for pass in [order, order, &back] {
            self.pass(pass);
        }
        self.turn();
        for pass in [order, &back] {
            self.pass(pass);
        }
        self.tallies
    }

    fn pass(&mut self, order: &[usize]) {
        for &way in order {
            let before = self.cloud.state(|state| state.seen.len());
            let answer = get(self.proxy.addr(way), &self.targets[way]);
            let seen = self.cloud.state(|state| state.seen.get(before).cloned());
            self.judge(way, &answer, seen.as_ref());
            if seen.is_some() {
                self.is_known[way] = true;
            }
        }
    }

    /// All clients at once, held until each request arrived or was refused; again; and once more
    /// with the certificate rotated.
    pub fn at_once(mut self) -> Vec<Tally> {
        self.is_at_once = true;
        for wave in 0..3 {
            if wave == 2 {
                self.turn();
            }
            self.wave();
        }
        self.tallies
    }

    fn wave(&mut self) {
        let gate = Gate::new();
        let held = Arc::clone(&gate);
        self.cloud.answer(move |_| {
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec();
            Reply::script(vec![Step::WaitFor(Arc::clone(&held)), Step::Bytes(answer)])
        });
        let before = self.cloud.state(|state| state.seen.len());
        let finished = Arc::new(AtomicUsize::new(0));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let way = number % self.ways.len();
                let (addr, target) = (self.proxy.addr(way), self.targets[way].clone());
                let finished = Arc::clone(&finished);
                thread::spawn(move || {
                    let answer = get(addr, &target);
                    finished.fetch_add(1, Ordering::SeqCst);
                    (way, answer)
                })
            })
            .collect();
        wait_until("every request arrived or was refused", || {
            let arrived = self.cloud.state(|state| state.seen.len()) - before;
            arrived + finished.load(Ordering::SeqCst) >= CLIENTS
        });
        gate.open();
        let mut answers: HashMap<usize, Vec<_>> = HashMap::new();
        for client in clients {
            let (way, answer) = client.join().expect("a client that does not panic");
            answers.entry(way).or_default().push(answer);
        }
        let arrived = self.cloud.state(|state| state.seen[before..].to_vec());
        for (way, mut answers) in answers {
            // Which good answer of a way belongs to which of its requests is all the same.
            answers.sort_by_key(|answer| answer.as_ref().map_or(u16::MAX, |answer| answer.status));
            let mut seen = arrived.iter().filter(|seen| of_way(seen) == Some(way));
            for answer in &answers {
                self.judge(way, answer, seen.next());
            }
        }
        for way in arrived.iter().filter_map(of_way) {
            self.is_known[way] = true;
        }
    }

    fn turn(&mut self) {
        self.site.rotate();
        self.proxy.reload();
        self.is_turned = true;
        for (way, is_known) in self.ways.iter().zip(&mut self.is_known) {
            let same = way.variant.subject(false) == way.variant.subject(true);
            *is_known = *is_known && same;
        }
    }

    fn judge(&mut self, way: usize, answer: &Result<Response, Failure>, seen: Option<&Seen>) {
        let verdict = self.verdict(way, answer, seen);
        if let Some(seen) = seen {
            self.owners.entry(seen.connection).or_insert(way);
        }
        let is_cold = self.is_known[way] && self.mode.reuse() != Reuse::Nothing;
        let tally = &mut self.tallies[way];
        tally.requests += 1;
        match verdict {
            Err(wrong) => tally.wrong.push(wrong),
            Ok(None) => tally.refused += 1,
            Ok(Some(Reuse::Connection)) => tally.connections += 1,
            Ok(Some(Reuse::Session)) => tally.sessions += 1,
            Ok(Some(Reuse::Nothing)) => tally.cold += usize::from(is_cold),
        }
    }

    /// What the request took over, `None` when it was rightly refused, or what is wrong with it.
    fn verdict(
        &self,
        number: usize,
        answer: &Result<Response, Failure>,
        seen: Option<&Seen>,
    ) -> Result<Option<Reuse>, Wrong> {
        let way = self.ways[number];
        let status = match answer {
            Ok(answer) => answer.status,
            Err(failure) => return Err(Wrong::Failure(failure.to_string())),
        };
        let Some(seen) = seen else {
            return match way.variant.is_refused() && status >= 500 {
                true => Ok(None),
                false => Err(Wrong::Failure(format!(
                    "nothing arrived, but an answer {status}"
                ))),
            };
        };
        let as_whom = seen.client_subject.as_deref();
        if way.variant.is_refused() {
            let whom = as_whom.unwrap_or("nobody");
            return Err(Wrong::Leak(format!("went out, as {whom}")));
        }
        if as_whom != way.variant.subject(self.is_turned) {
            let whom = as_whom.unwrap_or("nobody");
            return Err(Wrong::Leak(format!("went out as {whom}")));
        }
        if seen.sni != way.sni(self.door) {
            let sni = seen.sni.as_deref().unwrap_or("nobody");
            return Err(Wrong::Leak(format!("went out to {sni}")));
        }
        if status != 200 {
            return Err(Wrong::Failure(format!(
                "arrived, but the answer was {status}"
            )));
        }
        let reuse = match (seen.request, seen.resumed) {
            (1, false) => Reuse::Nothing,
            (1, true) => Reuse::Session,
            _ => Reuse::Connection,
        };
        let owner = self.owners.get(&seen.connection);
        match owner.filter(|owner| **owner != number) {
            Some(owner) => {
                let owner = self.ways[*owner].label();
                Err(Wrong::Leak(format!(
                    "went out on the connection of {owner}"
                )))
            }
            None => self.own(number, reuse).map(Some),
        }
    }

    /// Whether there was anything of the way's own to take over.
    fn own(&self, number: usize, reuse: Reuse) -> Result<Reuse, Wrong> {
        // Of two clients that come at once the second may resume what the first has made.
        let has_company = self.is_at_once && reuse == Reuse::Session;
        if reuse == Reuse::Nothing || self.is_known[number] || has_company {
            return Ok(reuse);
        }
        let what = format!("{reuse:?}").to_lowercase();
        Err(Wrong::Leak(format!(
            "took over a {what} that is not its own"
        )))
    }
}

fn of_way(seen: &Seen) -> Option<usize> {
    seen.target.rsplit('/').next()?.parse().ok()
}

fn get(addr: SocketAddr, target: &str) -> Result<Response, Failure> {
    client::try_send(
        addr,
        format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes(),
    )
}
