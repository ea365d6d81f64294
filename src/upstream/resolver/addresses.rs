//! The addresses of a host, in the order in which they are dialled.

use std::net::IpAddr;

use crate::limits;

/// One to [`limits::DNS_ADDRESSES`] distinct addresses; IPv6 and IPv4 take turns, IPv6 first
/// (RFC 8305 §4), each family in the order in which the resolver ranked it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    all: [IpAddr; limits::DNS_ADDRESSES],
    len: usize,
}

impl Addresses {
    /// Orders what the resolver found; `None` when it found nothing. What does not fit is dropped
    /// after the families were mixed, so that neither crowds the other out.
    pub fn new(found: &[IpAddr]) -> Option<Self> {
        let mut addresses = Self {
            all: [*found.first()?; limits::DNS_ADDRESSES],
            len: 0,
        };
        let mut six = found.iter().filter(|address| address.is_ipv6());
        let mut four = found.iter().filter(|address| address.is_ipv4());
        loop {
            match (six.next(), four.next()) {
                (None, None) => return Some(addresses),
                (six, four) => six
                    .into_iter()
                    .chain(four)
                    .for_each(|address| addresses.push(*address)),
            }
        }
    }

    fn push(&mut self, address: IpAddr) {
        if self.iter().any(|known| known == address) {
            return;
        }
        if let Some(free) = self.all.get_mut(self.len) {
            *free = address;
            self.len += 1;
        }
    }

    /// The addresses, the first to dial first.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.all.iter().take(self.len).copied()
    }
}

impl From<IpAddr> for Addresses {
    fn from(address: IpAddr) -> Self {
        Self {
            all: [address; limits::DNS_ADDRESSES],
            len: 1,
        }
    }
}

impl std::fmt::Debug for Addresses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        let parse = |text: &&str| text.parse().expect("an address");
        texts.iter().map(parse).collect()
    }

    fn ordered(texts: &[&str]) -> Vec<IpAddr> {
        let found = Addresses::new(&addresses(texts)).expect("at least one address");
        found.iter().collect()
    }

    #[test]
    fn the_families_take_turns_and_ipv6_is_first() {
        let order = ordered(&["10.0.0.1", "10.0.0.2", "10.0.0.3", "fd00::1", "fd00::2"]);
        let expected = ["fd00::1", "10.0.0.1", "fd00::2", "10.0.0.2", "10.0.0.3"];
        assert_eq!(order, addresses(&expected));
    }

    #[test]
    fn many_addresses_of_one_family_do_not_crowd_out_the_other() {
        let six: Vec<String> = (1..=20).map(|n| format!("fd00::{n}")).collect();
        let mut found: Vec<&str> = six.iter().map(String::as_str).collect();
        found.push("10.0.0.1");
        let order = ordered(&found);
        assert_eq!(order.len(), limits::DNS_ADDRESSES);
        assert_eq!(order[1], addresses(&["10.0.0.1"])[0]);
    }

    #[test]
    fn an_address_named_twice_is_kept_once() {
        assert_eq!(ordered(&["10.0.0.1", "10.0.0.1"]), addresses(&["10.0.0.1"]));
    }

    #[test]
    fn nothing_found_is_no_addresses() {
        assert_eq!(Addresses::new(&[]), None);
    }
}
