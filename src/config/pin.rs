//! `pin=`: a server's key, by its hash.

use std::fmt;

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::Fault;

/// The SHA-256 of a SubjectPublicKeyInfo, tag included (RFC 7469 §2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin([u8; BYTES]);

const BYTES: usize = 32;
const HASH: &str = "sha256/";

/// Some tools leave the `=` at the end out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Pin {
    /// A pin of this hash.
    pub fn new(hash: [u8; BYTES]) -> Self {
        Self(hash)
    }

    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let text = text.strip_prefix(HASH).ok_or(Fault::Pin)?;
        let bytes = BASE64.decode(text).map_err(|_| Fault::Pin)?;
        bytes.try_into().map(Self).map_err(|_| Fault::Pin)
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{HASH}{}", BASE64.encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn counting() -> Pin {
        Pin::new(std::array::from_fn(|at| at as u8))
    }

    #[test]
    fn a_pin_is_shown_as_it_is_given() {
        assert_eq!(Pin::parse(TEXT), Ok(counting()));
        assert_eq!(counting().to_string(), TEXT);
        assert_eq!(Pin::parse(TEXT.trim_end_matches('=')), Ok(counting()));
    }

    #[test]
    fn what_is_no_hash_of_32_bytes_is_no_pin() {
        let twice = TEXT.replace("sha256/", "sha256//");
        let url = TEXT.replace("Hh8=", "_-8=");
        // Bits beyond the 32nd byte.
        let loose = TEXT.replace("Hh8=", "Hh9=");
        for text in [
            "",
            "pin",
            "sha256/",
            "sha256/AAAA",
            "sha1/AAECAwQFBgcICQoLDA0ODxAREhM=",
            "SHA256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            &format!("{TEXT} "),
            &format!("{TEXT}="),
            &twice,
            &url,
            &loose,
        ] {
            assert_eq!(Pin::parse(text), Err(Fault::Pin), "{text:?}");
        }
    }
}
