//! Which kind of key an AlgorithmIdentifier names (RFC 5280 §4.1.1.2, RFC 3279, RFC 5480, RFC 8410).

use std::fmt;

use super::der::{self, Reader};

/// A kind of public or private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Algorithm {
    /// rsaEncryption.
    Rsa,
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// Ed25519.
    Ed25519,
    /// An elliptic curve spelled out where RFC 5480 §2.1.1 wants its name.
    ExplicitEc,
    /// Another; its name, or its object identifier.
    Other(String),
}

impl Algorithm {
    /// Reads the content of an AlgorithmIdentifier.
    pub fn of(identifier: &[u8]) -> Option<Self> {
        let mut reader = Reader(identifier);
        match reader.take(der::OID)? {
            EC_PUBLIC_KEY => Self::of_curve(reader.0),
            RSA_ENCRYPTION => Some(Self::Rsa),
            ED25519 => Some(Self::Ed25519),
            other => Some(Self::Other(name_of(other))),
        }
    }

    /// Reads ECParameters, tag included (RFC 5480 §2.1.1).
    pub fn of_curve(parameters: &[u8]) -> Option<Self> {
        let value = Reader(parameters).any()?;
        match (value.tag, value.content) {
            (der::OID, P256) => Some(Self::P256),
            (der::OID, P384) => Some(Self::P384),
            (der::OID, other) => Some(Self::Other(name_of(other))),
            (der::SEQUENCE, _) => Some(Self::ExplicitEc),
            _ => None,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rsa => "RSA",
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::Ed25519 => "Ed25519",
            Self::ExplicitEc => "EC with explicit parameters",
            Self::Other(name) => name,
        })
    }
}

const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// Kinds that egret cannot use but people have.
const OTHERS: [(&[u8], &str); 14] = [
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a],
        "RSA-PSS",
    ),
    (&[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01], "DSA"),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x03, 0x01],
        "DH",
    ),
    (&[0x2b, 0x81, 0x04, 0x00, 0x23], "P-521"),
    (&[0x2b, 0x81, 0x04, 0x00, 0x21], "P-224"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01], "P-192"),
    (&[0x2b, 0x81, 0x04, 0x00, 0x0a], "secp256k1"),
    (
        &[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07],
        "brainpoolP256r1",
    ),
    (
        &[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0b],
        "brainpoolP384r1",
    ),
    (
        &[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0d],
        "brainpoolP512r1",
    ),
    (&[0x2b, 0x65, 0x71], "Ed448"),
    (&[0x2b, 0x65, 0x6e], "X25519"),
    (&[0x2b, 0x65, 0x6f], "X448"),
    (&[0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d], "SM2"),
];

fn name_of(oid: &[u8]) -> String {
    match OTHERS.iter().find(|(known, _)| *known == oid) {
        Some((_, name)) => (*name).to_owned(),
        None => der::dotted(oid),
    }
}
