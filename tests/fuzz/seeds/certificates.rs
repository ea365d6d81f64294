//! Certificates, keys and revocation lists.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber,
    SignatureAlgorithm, date_time_ymd,
};

const KEYS: [&SignatureAlgorithm; 3] = [
    &rcgen::PKCS_ECDSA_P256_SHA256,
    &rcgen::PKCS_ECDSA_P384_SHA384,
    &rcgen::PKCS_ED25519,
];

/// Files in PEM, and DER.
pub fn all() -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let ca = authority();
    let (mut pem, mut der) = (Vec::new(), vec![ca.der().to_vec()]);
    for algorithm in KEYS {
        let key = KeyPair::generate_for(algorithm).expect("a key");
        let leaf = params().signed_by(&key, &ca).expect("a certificate");
        let (cert, key) = (leaf.pem(), key.serialize_pem());
        pem.push(format!("{cert}{key}").into());
        pem.push(format!("{cert}{}\n====\n{key}", ca.pem()).into());
        der.push(leaf.der().to_vec());
    }
    let crl = crl(&ca);
    pem.push(crl.pem().expect("a list").into());
    pem.push(crl.der().to_vec());
    der.push(crl.der().to_vec());
    (pem, der)
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).expect("a certificate");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(1));
    params.key_usages = vec![KeyUsagePurpose::CrlSign, KeyUsagePurpose::KeyCertSign];
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::self_signed(params, key).expect("a certificate")
}

fn params() -> CertificateParams {
    let names = ["a.example".to_owned(), "192.0.2.1".to_owned()];
    let mut params = CertificateParams::new(names).expect("a certificate");
    for (kind, value) in [
        (DnType::CommonName, "meter"),
        (DnType::OrganizationName, "Acme, Inc."),
        (DnType::CountryName, "DE"),
    ] {
        params.distinguished_name.push(kind, value);
    }
    let uri = "urn:x:y".try_into().expect("a URI");
    params.subject_alt_names.push(SanType::URI(uri));
    params.not_after = date_time_ymd(2060, 2, 29);
    params
}

fn crl(ca: &CertifiedIssuer<'static, KeyPair>) -> rcgen::CertificateRevocationList {
    let revoked = RevokedCertParams {
        serial_number: SerialNumber::from(77),
        revocation_time: date_time_ymd(2024, 1, 2),
        reason_code: None,
        invalidity_date: None,
    };
    let params = CertificateRevocationListParams {
        this_update: date_time_ymd(2024, 1, 1),
        next_update: date_time_ymd(2060, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: vec![revoked],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(ca).expect("a list")
}
