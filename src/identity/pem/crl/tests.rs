use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CrlDistributionPoint,
    CrlIssuingDistributionPoint, CrlScope, DnType, IsCa, Issuer, KeyIdMethod, KeyPair,
    RevocationReason, RevokedCertParams, SerialNumber,
};

use super::*;
use crate::identity::x509::der::{INTEGER, SEQUENCE};
use crate::testing::{Random, seed};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn authority(name: &str) -> Issuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Issuer::new(params, KeyPair::generate().unwrap())
}

fn params(serials: &[u64]) -> CertificateRevocationListParams {
    let now = SystemTime::now();
    let revoked = |serial: &u64| RevokedCertParams {
        serial_number: SerialNumber::from(*serial),
        revocation_time: now.into(),
        reason_code: Some(RevocationReason::KeyCompromise),
        invalidity_date: None,
    };
    CertificateRevocationListParams {
        this_update: now.into(),
        next_update: (now + DAY).into(),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: serials.iter().map(revoked).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    }
}

struct List {
    pem: String,
    der: Vec<u8>,
}

fn made(name: &str, params: &CertificateRevocationListParams) -> List {
    let crl = params.signed_by(&authority(name)).unwrap();
    List {
        pem: crl.pem().unwrap(),
        der: crl.der().to_vec(),
    }
}

fn list(name: &str, serials: &[u64]) -> List {
    made(name, &params(serials))
}

fn parse(bytes: impl AsRef<[u8]>) -> Result<Vec<Crl>, FileError> {
    parse_crls(&PemFile {
        path: PathBuf::from("a.crl"),
        bytes: bytes.as_ref().to_vec(),
        readable_by_all: false,
    })
}

fn error(bytes: impl AsRef<[u8]>) -> String {
    parse(bytes).unwrap_err().to_string()
}

fn told(lists: &[Crl]) -> Vec<(&str, usize)> {
    lists
        .iter()
        .map(|crl| (crl.summary.issuer.as_str(), crl.revoked))
        .collect()
}

#[test]
fn several_lists_of_a_file_are_read_whether_pem_or_der() {
    let (a, b) = (list("a", &[7, 8]), list("b", &[]));
    let expected = [("CN=a", 2), ("CN=b", 0)];
    let pem = format!("one\n{}\ntwo\n{}", a.pem, b.pem.replace('\n', "\r\n"));
    assert_eq!(told(&parse(pem).unwrap()), expected);
    let both = [&a.der[..], &b.der].concat();
    assert_eq!(told(&parse(&both).unwrap()), expected);
    let summary = &parse(&a.der).unwrap()[0].summary;
    let life = summary.next_update.unwrap() - summary.this_update;
    assert_eq!((life, summary.version), (DAY.as_secs() as i64, 2));
}

#[test]
fn the_newest_list_comes_first_whatever_the_order_of_the_files() {
    let dir = std::env::temp_dir().join(format!("egret-crl-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let write = |name: &str, age: Duration, serials: &[u64]| {
        let mut params = params(serials);
        params.this_update = (SystemTime::now() - age).into();
        let path = dir.join(name);
        std::fs::write(&path, made("a", &params).der).unwrap();
        path
    };
    let (old, new) = (write("old", 2 * DAY, &[1]), write("new", DAY, &[1, 2]));
    for files in [[old.clone(), new.clone()], [new, old]] {
        let crls = load_crls(&files).unwrap();
        let revoked: Vec<_> = crls.iter().map(|crl| crl.revoked).collect();
        assert_eq!(revoked, [2, 1]);
        assert_eq!(crls, load_crls(&files).unwrap());
    }
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn a_file_that_holds_something_else_says_what() {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::default().self_signed(&key).unwrap();
    let publishes = "a.crl: no revocation list, but a certificate; give it as cert= or ca=, and \
                     here what its CA publishes as its CRL";
    assert_eq!(error(certificate.pem()), publishes);
    assert_eq!(error(certificate.der()), publishes);
    assert_eq!(
        error(key.serialize_pem()),
        "a.crl: no revocation list, but a private key; give what the CA publishes as its CRL"
    );
    assert_eq!(error(key.serialize_pem()), error(key.serialize_der()));
    assert_eq!(error(" \n"), "a.crl: is empty; write the PEM file again");
    assert!(error("hello").contains("no -----BEGIN line"));
}

#[test]
fn a_list_in_the_place_of_a_certificate_is_recognised() {
    let List { pem, der } = list("a", &[1]);
    let error = |bytes: Vec<u8>| {
        let file = PemFile {
            path: PathBuf::from("a.crt"),
            bytes,
            readable_by_all: false,
        };
        super::super::parse_roots(&file).unwrap_err().to_string()
    };
    assert_eq!(
        error(pem.into_bytes()),
        "a.crt: no certificate, but a revocation list; give it as crl=, and here the certificate"
    );
    assert_eq!(
        error(der),
        "a.crt: is a DER revocation list; give it as crl=, and here the PEM file"
    );
}

#[test]
fn a_damaged_list_is_told_by_its_place() {
    let (a, b) = (list("a", &[7]), list("b", &[8]));
    let damaged = |position| {
        format!("a.crl: revocation list {position} is damaged; get it from the CA again")
    };
    assert_eq!(error(&a.der[..a.der.len() - 1]), damaged(1));
    assert_eq!(error([&a.der[..], &b.der[1..]].concat()), damaged(2));
    assert_eq!(error([&a.der[..], b"\n"].concat()), damaged(2));
    let broken = with(&b.der, &[INTEGER, 1, 8], &[SEQUENCE, 1, 8]);
    assert!(error([a.der, broken].concat()).contains("revocation list 2 "));
    let half = a.pem.lines().take(a.pem.lines().count() / 2);
    let half = half.collect::<Vec<_>>().join("\n");
    assert!(error(half).contains("truncated: the X509 CRL that begins at line 1"));
}

#[test]
fn a_list_of_an_unsuitable_kind_says_what_to_ask_for() {
    let a = list("a", &[]);
    // The version is the first INTEGER.
    assert!(
        error(with(&a.der, &[INTEGER, 1, 1], &[INTEGER, 1, 0]))
            .contains("is of version 1; make one of version 2: openssl ca -gencrl")
    );
    // The extension beside the authority's key is the CRL number, 2.5.29.20.
    let delta = with(&a.der, &[0x55, 0x1d, 20], &[0x55, 0x1d, 27]);
    assert!(error(delta).contains("is a delta; give the CA's complete list"));

    let mut part = params(&[]);
    part.issuing_distribution_point = Some(CrlIssuingDistributionPoint {
        distribution_point: CrlDistributionPoint {
            uris: vec!["http://crl.example/a".to_owned()],
        },
        scope: Some(CrlScope::UserCertsOnly),
    });
    let part = made("a", &part).der;
    parse(&part).unwrap();
    let indirect = with(&part, &[0x81, 1, 0xff], &[0x84, 1, 0xff]);
    assert!(error(indirect).contains("is about certificates of several CAs"));
    let strange = with(&part, &[0x55, 0x1d, 28], &[0x55, 0x1d, 99]);
    assert!(error(strange).contains("cannot be used (UnsupportedCriticalExtension)"));
}

/// With these bytes in the place of those, which are there once.
fn with(der: &[u8], those: &[u8; 3], these: &[u8; 3]) -> Vec<u8> {
    let mut der = der.to_vec();
    let at = der.windows(3).position(|three| three == those).unwrap();
    der[at..at + 3].copy_from_slice(these);
    der
}

#[test]
fn no_bytes_make_the_reader_panic() {
    let seed = seed();
    println!("EGRET_SEED={seed}");
    let mut random = Random::new(seed);
    let List { pem, der } = list("a", &[7, 8, 9]);
    for original in [pem.into_bytes(), der] {
        for _ in 0..2_000 {
            let mut bytes = original.clone();
            for _ in 0..=random.below(3) {
                let at = random.below(bytes.len() as u64) as usize;
                bytes[at] = random.number() as u8;
            }
            bytes.truncate(random.below(2 * bytes.len() as u64) as usize);
            let error = parse(bytes).err();
            let text = error.map(|error| error.to_string()).unwrap_or_default();
            assert!(!text.contains(char::is_control), "{text:?}");
        }
    }
}
