//! Who called, and whether `from=` and `uid=` admit them.

use std::fmt;

use super::{AdminConfig, Cidr, ForwardConfig, Peer, RouteConfig};

impl RouteConfig {
    /// Whether a peer may use the route: `from=` lists those of TCP, `uid=` those of unix sockets.
    /// Without either all may; where only one is given (a `systemd:` socket may be of either
    /// kind), it admits nobody of the other kind.
    pub fn admits(&self, peer: &Peer) -> bool {
        admits(&self.from, &self.uid, peer)
    }
}

impl ForwardConfig {
    /// Whether a peer may use the rule; as [`RouteConfig::admits`].
    pub fn admits(&self, peer: &Peer) -> bool {
        admits(&self.from, &self.uid, peer)
    }
}

impl AdminConfig {
    /// Whether a peer may ask; as [`RouteConfig::admits`].
    pub fn admits(&self, peer: &Peer) -> bool {
        admits(&self.from, &self.uid, peer)
    }
}

fn admits(from: &[Cidr], uids: &[u32], peer: &Peer) -> bool {
    if from.is_empty() && uids.is_empty() {
        return true;
    }
    match peer {
        Peer::Tcp(address) => from.iter().any(|range| range.contains(*address)),
        Peer::Unix { uid } => uids.contains(uid),
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix { uid } => write!(f, "uid {uid}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_one_kind_admits_nobody_of_the_other() {
        let range = Cidr::parse("10.0.0.0/8").unwrap();
        let inside = Peer::Tcp("10.9.9.9".parse().unwrap());
        let outside = Peer::Tcp("11.0.0.1".parse().unwrap());
        let (root, user) = (Peer::Unix { uid: 0 }, Peer::Unix { uid: 1000 });
        let table: [(&[Cidr], &[u32], [bool; 4]); 4] = [
            (&[], &[], [true, true, true, true]),
            (&[range], &[], [true, false, false, false]),
            (&[], &[7, 1000], [false, false, false, true]),
            (&[range], &[0], [true, false, true, false]),
        ];
        for (from, uids, expected) in table {
            let admitted = [&inside, &outside, &root, &user].map(|peer| admits(from, uids, peer));
            assert_eq!(admitted, expected, "{from:?} {uids:?}");
        }
    }

    #[test]
    fn a_peer_is_shown_as_an_address_or_a_uid() {
        assert_eq!(Peer::Tcp("::1".parse().unwrap()).to_string(), "::1");
        assert_eq!(Peer::Unix { uid: 1000 }.to_string(), "uid 1000");
    }
}
