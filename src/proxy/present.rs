//! Which of the fields that concern a proxy a message has.

use http::header::HeaderMap;

/// A set of fields. Most messages have few of these: one pass that finds out costs less than to
/// look each of them up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Present(u16);

impl Present {
    /// `Connection`.
    pub const CONNECTION: Self = Self(1);
    /// `Keep-Alive`.
    pub const KEEP_ALIVE: Self = Self(1 << 1);
    /// `Proxy-Connection`.
    pub const PROXY_CONNECTION: Self = Self(1 << 2);
    /// `TE`.
    pub const TE: Self = Self(1 << 3);
    /// `Transfer-Encoding`.
    pub const TRANSFER_ENCODING: Self = Self(1 << 4);
    /// `Upgrade`.
    pub const UPGRADE: Self = Self(1 << 5);
    /// `Proxy-Authorization`.
    pub const PROXY_AUTHORIZATION: Self = Self(1 << 6);
    /// `Via`.
    pub const VIA: Self = Self(1 << 7);
    /// `Location` or `Content-Location`.
    pub const LOCATIONS: Self = Self(1 << 8);

    /// Those that `headers` hold.
    pub fn of(headers: &HeaderMap) -> Self {
        headers
            .keys()
            .fold(Self(0), |all, name| all.and(Self::named(name.as_str())))
    }

    /// Whether any of `these` is there.
    pub fn has(self, these: Self) -> bool {
        self.0 & these.0 != 0
    }

    /// Both sets.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn named(name: &str) -> Self {
        match name {
            "connection" => Self::CONNECTION,
            "keep-alive" => Self::KEEP_ALIVE,
            "proxy-connection" => Self::PROXY_CONNECTION,
            "te" => Self::TE,
            "transfer-encoding" => Self::TRANSFER_ENCODING,
            "upgrade" => Self::UPGRADE,
            "proxy-authorization" => Self::PROXY_AUTHORIZATION,
            "via" => Self::VIA,
            "location" | "content-location" => Self::LOCATIONS,
            _ => Self(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::header::{HeaderName, HeaderValue};

    use super::*;

    const ALL: [(&str, Present); 10] = [
        ("connection", Present::CONNECTION),
        ("keep-alive", Present::KEEP_ALIVE),
        ("proxy-connection", Present::PROXY_CONNECTION),
        ("te", Present::TE),
        ("transfer-encoding", Present::TRANSFER_ENCODING),
        ("upgrade", Present::UPGRADE),
        ("proxy-authorization", Present::PROXY_AUTHORIZATION),
        ("via", Present::VIA),
        ("location", Present::LOCATIONS),
        ("content-location", Present::LOCATIONS),
    ];

    #[test]
    fn each_field_is_found_and_no_other() {
        for (name, field) in ALL {
            let mut headers = HeaderMap::new();
            headers.insert("host", HeaderValue::from_static("x"));
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("x"));
            for (_, other) in ALL {
                assert_eq!(Present::of(&headers).has(other), other == field, "{name}");
            }
        }
    }
}
