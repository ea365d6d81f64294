//! Pins of certificates, made without the help of what is tested.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::certs::Leaf;

/// `sha256/BASE64` of the key of a chain's first certificate.
pub fn pin(leaf: &Leaf) -> String {
    let chain = leaf.chain();
    let first = chain.first().expect("a certificate");
    let (_, certificate) = X509Certificate::from_der(first).expect("a certificate");
    let hash = digest(&SHA256, certificate.public_key().raw);
    format!("sha256/{}", STANDARD.encode(hash))
}
