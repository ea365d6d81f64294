//! Address ranges.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use super::{Cidr, Fault};

/// The leading bits of an IPv4 address written as an IPv6 one (RFC 4291 §2.5.5.2).
const MAPPED_BITS: u8 = 96;

impl Cidr {
    /// Parses `ADDRESS/BITS` (RFC 4632 §3.1), or an address alone, which is a range of one.
    /// A range of IPv4 addresses written as IPv6 (`::ffff:…`) is a range of IPv4 addresses.
    ///
    /// # Errors
    /// [`Fault::Cidr`]; [`Fault::CidrBits`]; [`Fault::CidrHostBits`] when bits beyond the first
    /// `BITS` are set.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| Fault::Cidr)?;
        let bits = bits.map_or(Ok(width(address)), |bits| parse_bits(bits, width(address)))?;
        let first = first_of(address, bits);
        if first != address {
            return Err(Fault::CidrHostBits {
                range: Self {
                    address: first,
                    bits,
                }
                .to_string(),
                address: address.to_string(),
            });
        }
        Ok(Self { address, bits }.canonical())
    }

    /// Whether an address is in the range. An IPv4 peer seen through an IPv6 socket
    /// (`::ffff:…`) counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        width(address) == width(self.address) && first_of(address, self.bits) == self.address
    }

    fn canonical(self) -> Self {
        match (
            self.address.to_canonical(),
            self.bits.checked_sub(MAPPED_BITS),
        ) {
            (address @ IpAddr::V4(_), Some(bits)) if self.address.is_ipv6() => {
                Self { address, bits }
            }
            _ => self,
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

fn parse_bits(text: &str, most: u8) -> Result<u8, Fault> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::Cidr);
    }
    text.parse()
        .ok()
        .filter(|bits| *bits <= most)
        .ok_or(Fault::CidrBits(most))
}

/// How many bits an address has.
fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The address with all but its first `bits` cleared.
fn first_of(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX
                .checked_shl(u32::from(32u8.saturating_sub(bits)))
                .unwrap_or(0);
            std::net::Ipv4Addr::from_bits(address.to_bits() & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX
                .checked_shl(u32::from(128u8.saturating_sub(bits)))
                .unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(range: &str, address: &str) -> bool {
        Cidr::parse(range)
            .unwrap()
            .contains(address.parse().unwrap())
    }

    #[test]
    fn a_range_contains_what_shares_its_leading_bits() {
        assert!(contains("192.168.1.0/24", "192.168.1.255"));
        assert!(!contains("192.168.1.0/24", "192.168.2.0"));
        assert!(contains("10.1.2.3", "10.1.2.3"));
        assert!(!contains("10.1.2.3", "10.1.2.2"));
        assert!(contains("0.0.0.0/0", "255.1.2.3"));
        assert!(contains("fd00::/8", "fdff::1"));
        assert!(!contains("fd00::/8", "fe00::1"));
        assert!(contains("::/0", "2001:db8::1"));
    }

    #[test]
    fn an_ipv4_peer_counts_as_ipv4_however_it_is_written() {
        assert!(contains("10.0.0.0/8", "::ffff:10.1.1.1"));
        assert!(contains("::ffff:10.0.0.0/104", "10.1.1.1"));
        assert!(!contains("::/0", "10.1.1.1"));
        assert!(!contains("0.0.0.0/0", "::1"));
    }

    #[test]
    fn host_bits_name_the_network_that_was_meant() {
        let Err(fault) = Cidr::parse("192.168.1.5/24") else {
            panic!("accepted")
        };
        assert_eq!(
            fault.to_string(),
            "is no first address of a range; write 192.168.1.0/24, or 192.168.1.5 alone"
        );
        assert_eq!(Cidr::parse("10.0.0.0/33"), Err(Fault::CidrBits(32)));
        assert_eq!(Cidr::parse("::/999"), Err(Fault::CidrBits(128)));
        for text in [
            "",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0/8",
            "lan",
            "10.0.0.0/8/8",
        ] {
            assert_eq!(Cidr::parse(text), Err(Fault::Cidr), "{text}");
        }
    }
}
