//! Files of certificates, keys and revocation lists: an error is one line and quotes nothing of what
//! the file keeps; what is accepted belongs together, and text around it changes nothing.

#![no_main]

use std::path::PathBuf;

use egret::identity::pem::{self, FileError, PemFile};
use egret_fuzz::text::{assert_one_line, assert_prints};
use rustls::{Error, InconsistentKeys};

/// What stands between a certificate's file and its key's.
const MARK: &[u8] = b"\n====\n";

/// What some editors begin a file with; several may have been put together.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// So much of a line is no chance.
const WINDOW: usize = 24;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let place = data.windows(MARK.len()).position(|bytes| bytes == MARK);
    let (cert, key) = match place {
        Some(at) => (file(&data[..at]), file(&data[at + MARK.len()..])),
        None => (file(data), file(data)),
    };
    credentials(&cert, &key);
    roots(&cert);
    crls(&cert);
});

fn file(bytes: &[u8]) -> PemFile {
    PemFile {
        path: PathBuf::from("a.pem"),
        bytes: bytes.to_vec(),
        readable_by_all: false,
    }
}

/// The same with text around it, as openssl and people put there.
fn annotated(file: &PemFile) -> PemFile {
    // The one at the very beginning is no part of a line.
    let bytes = file.bytes.strip_prefix(BYTE_ORDER_MARK);
    let bytes = bytes.unwrap_or(&file.bytes);
    PemFile {
        bytes: [b"Bag Attributes\n", bytes, b"\nof no concern\n"].concat(),
        ..file.clone()
    }
}

fn credentials(cert: &PemFile, key: &PemFile) {
    match pem::parse_credentials(cert, key) {
        Ok(credentials) => {
            let chain = &credentials.certified.cert;
            assert!((1..=egret::limits::OWN_CHAIN_CERTS_MAX).contains(&chain.len()));
            // rustls compares the keys as they are written; a curve may be written in other ways.
            let mismatch = Error::InconsistentKeys(InconsistentKeys::KeyMismatch);
            let is_other = credentials.certified.keys_match() == Err(mismatch);
            let is_ec = ["P-", "EC"]
                .iter()
                .any(|kind| credentials.leaf.key.starts_with(kind));
            assert!(!is_other || is_ec, "{:?}", credentials.leaf);
            assert_prints(&credentials.leaf.subject);
            for warning in &credentials.warnings {
                assert_one_line(&warning.to_string());
            }
            let again = pem::parse_credentials(&annotated(cert), &annotated(key));
            assert_eq!(again.expect("the same").certified.cert, *chain);
        }
        Err(error) => assert_discreet(&error, &[cert, key]),
    }
}

fn roots(file: &PemFile) {
    match pem::parse_roots(file) {
        Ok(roots) => {
            let begins = b"-----BEGIN CERTIFICATE-----";
            let blocks = file.bytes.windows(begins.len());
            let blocks = blocks.filter(|bytes| bytes == begins).count();
            assert!((1..=blocks).contains(&roots.count));
            assert_eq!(roots.count, roots.store.len());
            let again = pem::parse_roots(&annotated(file)).expect("the same");
            assert_eq!(again.store.roots, roots.store.roots);
        }
        Err(error) => assert_discreet(&error, &[file]),
    }
}

fn crls(file: &PemFile) {
    match pem::parse_crls(file) {
        Ok(crls) => {
            assert!(!crls.is_empty());
            for crl in crls {
                assert_prints(&crl.summary.issuer);
                assert!(crl.summary.next_update.is_some());
                let alone = PemFile {
                    bytes: crl.der.to_vec(),
                    ..file.clone()
                };
                assert_eq!(pem::parse_crls(&alone).expect("the same"), [crl]);
            }
        }
        Err(error) => assert_discreet(&error, &[file]),
    }
}

/// One line, without any part of a line between BEGIN and END.
fn assert_discreet(error: &FileError, files: &[&PemFile]) {
    let text = error.to_string();
    assert_one_line(&text);
    let lines = files
        .iter()
        .flat_map(|file| file.bytes.split(|byte| *byte == b'\n'))
        .map(unmarked);
    let (labels, body): (Vec<_>, Vec<_>) = lines.partition(|line| line.starts_with(b"-----"));
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    let shown = |window: &[u8]| text.as_bytes().windows(WINDOW).any(|part| part == window);
    let label = |window: &[u8]| {
        let mut all = labels.iter().flat_map(|label| label.windows(WINDOW));
        all.any(|part| part == window)
    };
    for window in body.iter().flat_map(|line| line.windows(WINDOW)) {
        let secret = window.iter().all(is_base64) && !label(window);
        assert!(!secret || !shown(window), "{text}");
    }
}

/// A line without what is no part of it.
fn unmarked(mut line: &[u8]) -> &[u8] {
    while let Some(rest) = line.strip_prefix(BYTE_ORDER_MARK) {
        line = rest;
    }
    line
}
