//! Peers that no `from=` admits: each is worth a line in the log, but not with every request.

use std::fmt;
use std::net::IpAddr;

use tokio::time::Instant;

use crate::limits::{REFUSAL_LOG, REFUSED_PEERS};
use crate::table::Lru;

/// When the refusal of which peer was logged.
pub struct Refusals {
    logged: Lru<IpAddr, Instant, REFUSED_PEERS>,
}

impl Default for Refusals {
    fn default() -> Self {
        Self {
            logged: Lru::new(REFUSED_PEERS),
        }
    }
}

impl fmt::Debug for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Refusals({})", self.logged.len())
    }
}

impl Refusals {
    /// Whether the refusal of `peer` is to be logged now. Peers beyond the table's size are passed
    /// over: whoever has very many addresses does not fill the log.
    pub fn is_news(&mut self, peer: IpAddr, now: Instant) -> bool {
        let is_fresh = |at: &Instant| now.duration_since(*at) < REFUSAL_LOG;
        if self.logged.get(&peer).is_some_and(|at| is_fresh(at)) {
            return false;
        }
        self.logged.insert(peer, now, is_fresh).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn peer(number: usize) -> IpAddr {
        IpAddr::from([10, 0, (number >> 8) as u8, number as u8])
    }

    #[test]
    fn a_peer_is_news_once_a_minute() {
        let mut refusals = Refusals::default();
        let start = Instant::now();
        assert!(refusals.is_news(peer(1), start));
        assert!(refusals.is_news(peer(2), start));
        let almost = start + REFUSAL_LOG - Duration::from_nanos(1);
        assert!(!refusals.is_news(peer(1), almost));
        assert!(refusals.is_news(peer(1), start + REFUSAL_LOG));
        assert!(!refusals.is_news(peer(1), start + REFUSAL_LOG));
    }

    #[test]
    fn more_peers_than_fit_are_no_news_until_one_is_forgotten() {
        let mut refusals = Refusals::default();
        let start = Instant::now();
        let news = (0..2 * REFUSED_PEERS).filter(|n| refusals.is_news(peer(*n), start));
        assert_eq!(news.count(), REFUSED_PEERS);
        assert!(refusals.is_news(peer(2 * REFUSED_PEERS), start + REFUSAL_LOG));
    }
}
