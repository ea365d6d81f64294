use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, PKCS_ECDSA_P384_SHA384,
    PKCS_ED25519, SanType, date_time_ymd,
};

use super::*;
use crate::testing::{Random, seed};

fn parameters() -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters
        .distinguished_name
        .push(DnType::OrganizationName, "Acme, Inc.");
    parameters
        .distinguished_name
        .push(DnType::CommonName, "Zähler 7");
    parameters.subject_alt_names = vec![
        SanType::DnsName("meter.example".try_into().unwrap()),
        SanType::IpAddress("192.0.2.7".parse().unwrap()),
        SanType::IpAddress("2001:db8::7".parse().unwrap()),
        SanType::URI("urn:dev:7".try_into().unwrap()),
        SanType::Rfc822Name("a@b.example".try_into().unwrap()),
    ];
    parameters.not_before = date_time_ymd(2026, 1, 31);
    parameters.not_after = date_time_ymd(2060, 1, 31);
    parameters
}

fn certificate() -> Vec<u8> {
    let key = KeyPair::generate().unwrap();
    parameters().self_signed(&key).unwrap().der().to_vec()
}

#[test]
fn a_certificate_is_told_as_people_read_it() {
    let summary = summarize(&certificate()).unwrap();
    assert_eq!(summary.subject, "CN=Zähler 7,O=Acme\\, Inc.");
    assert_eq!(summary.issuer, summary.subject);
    assert_eq!(
        summary.sans,
        [
            "DNS:meter.example",
            "IP:192.0.2.7",
            "IP:2001:db8::7",
            "URI:urn:dev:7",
            "email:a@b.example"
        ]
    );
    assert_eq!(utc(summary.not_before), "2026-01-31T00:00:00Z");
    assert_eq!(utc(summary.not_after), "2060-01-31T00:00:00Z");
    assert_eq!(summary.key, "P-256");
    assert_eq!(summary.version, 3);
    assert!(summary.self_issued);
    assert!(!summary.is_ca);
}

#[test]
fn a_certificate_authority_and_its_issuer_are_told() {
    let mut parameters = parameters();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let ca = parameters.self_signed(&ca_key).unwrap();
    let leaf_key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    let leaf = CertificateParams::new(["leaf.example".to_owned()])
        .unwrap()
        .signed_by(&leaf_key, &rcgen::Issuer::from_params(&parameters, &ca_key))
        .unwrap();

    let ca_summary = summarize(ca.der()).unwrap();
    assert!(ca_summary.is_ca);
    assert_eq!(ca_summary.key, "Ed25519");
    let summary = summarize(leaf.der()).unwrap();
    assert_eq!(summary.issuer, ca_summary.subject);
    assert_eq!(summary.key, "P-384");
    assert!(!summary.self_issued);
    assert_eq!(issuer(leaf.der()).unwrap(), subject(ca.der()).unwrap());
    assert_eq!(name(issuer(leaf.der()).unwrap()), ca_summary.subject);
}

#[test]
fn bytes_after_a_certificate_are_refused() {
    let mut der = certificate();
    der.push(0);
    assert_eq!(summarize(&der), Err(Malformed));
    assert_eq!(summarize(&[]), Err(Malformed));
}

#[test]
fn every_shortened_certificate_is_refused() {
    let der = certificate();
    for length in 0..der.len() {
        assert_eq!(summarize(&der[..length]), Err(Malformed), "{length}");
    }
}

#[test]
fn mutated_certificates_never_panic_and_always_print() {
    let seed = seed();
    println!("EGRET_SEED={seed}");
    let mut random = Random::new(seed);
    let original = certificate();
    for _ in 0..20_000 {
        let mut der = original.clone();
        for _ in 0..=random.below(4) {
            let at = random.below(der.len() as u64) as usize;
            der[at] = random.number() as u8;
        }
        assert_prints(&der);
    }
}

#[test]
fn random_bytes_never_panic_and_always_print() {
    let seed = seed();
    println!("EGRET_SEED={seed}");
    let mut random = Random::new(seed);
    for _ in 0..20_000 {
        let length = random.below(64);
        let der: Vec<u8> = (0..length).map(|_| random.number() as u8).collect();
        assert_prints(&der);
    }
}

fn assert_prints(der: &[u8]) {
    let mut text = vec![name(der), printable(der)];
    if let Ok(summary) = summarize(der) {
        text.extend([summary.subject, summary.issuer, summary.key]);
        text.extend(summary.sans);
        text.extend([utc(summary.not_after), relative(summary.not_before, 0)]);
    }
    for text in text {
        assert!(!text.contains(char::is_control), "{text:?}");
    }
}
