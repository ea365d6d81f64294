//! Why a name has no addresses.

use std::fmt;

use crate::limits;

/// Why a name has no addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DnsError {
    /// Every thread is busy and the queue is full.
    QueueFull,
    /// DNS answered: there is no such name. What the resolver said.
    NoSuchName(String),
    /// DNS answered: the name exists and has no address.
    NoAddresses,
    /// DNS did not answer, or not with an answer. What the resolver said.
    Failed(String),
}

/// What getaddrinfo of glibc and musl say for EAI_NONAME.
const NO_SUCH_NAME: [&str; 2] = ["Name or service not known", "Name does not resolve"];
/// What they say for EAI_NODATA and EAI_ADDRFAMILY.
const NO_ADDRESSES: [&str; 3] = [
    "No address associated with hostname",
    "Name has no usable address",
    "Address family for hostname not supported",
];

impl DnsError {
    /// std gives getaddrinfo's text and not its code. An unknown text is a failure: that keeps the
    /// last good answer in use.
    pub(super) fn from_reason(reason: String) -> Self {
        if NO_SUCH_NAME.contains(&reason.as_str()) {
            Self::NoSuchName(reason)
        } else if NO_ADDRESSES.contains(&reason.as_str()) {
            Self::NoAddresses
        } else {
            Self::Failed(reason)
        }
    }

    /// Whether DNS itself said so, which no older answer may contradict (RFC 8767 §4).
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::NoSuchName(_) | Self::NoAddresses)
    }
}

impl fmt::Display for DnsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::QueueFull => write!(
                f,
                "{} names wait for DNS already; check that the name server answers",
                limits::DNS_QUEUE
            ),
            Self::NoSuchName(reason) => {
                write!(f, "DNS has no such name ({reason}); check its spelling")
            }
            Self::NoAddresses => f.write_str("DNS has no address for this name; check its records"),
            Self::Failed(reason) => write!(
                f,
                "DNS lookup failed ({reason}); check the network and /etc/resolv.conf"
            ),
        }
    }
}

impl std::error::Error for DnsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_does_not_exist_is_told_from_a_failure() {
        let rows = [
            ("Name or service not known", "no such name"),
            ("Name does not resolve", "no such name"),
            ("No address associated with hostname", "no address"),
            ("Name has no usable address", "no address"),
            ("Temporary failure in name resolution", "failed"),
            ("Try again", "failed"),
            ("Too many open files (os error 24)", "failed"),
        ];
        for (reason, expected) in rows {
            let text = DnsError::from_reason(reason.to_owned()).to_string();
            assert!(text.contains(expected), "{reason}: {text}");
        }
    }

    #[test]
    fn the_resolvers_own_words_are_kept() {
        let text = DnsError::from_reason("Try again".to_owned()).to_string();
        assert_eq!(
            text,
            "DNS lookup failed (Try again); check the network and /etc/resolv.conf"
        );
    }
}
