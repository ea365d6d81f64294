use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use super::*;
use crate::identity::x509::der::{self, Reader};
use crate::testing::{Random, seed};

const KEY_FORMS: [&rcgen::SignatureAlgorithm; 3] = [
    &rcgen::PKCS_ECDSA_P256_SHA256,
    &rcgen::PKCS_ECDSA_P384_SHA384,
    &rcgen::PKCS_ED25519,
];

fn file(name: &str, text: impl AsRef<[u8]>) -> PemFile {
    PemFile {
        path: PathBuf::from(name),
        bytes: text.as_ref().to_vec(),
        readable_by_all: false,
    }
}

fn pair(algorithm: &'static rcgen::SignatureAlgorithm) -> (String, String) {
    let key = KeyPair::generate_for(algorithm).unwrap();
    let cert = parameters("meter").self_signed(&key).unwrap();
    (cert.pem(), key.serialize_pem())
}

fn p256() -> (String, String) {
    pair(&rcgen::PKCS_ECDSA_P256_SHA256)
}

fn parameters(common_name: &str) -> CertificateParams {
    let mut parameters = CertificateParams::new(["meter.example".to_owned()]).unwrap();
    parameters
        .distinguished_name
        .push(DnType::CommonName, common_name);
    parameters
}

/// A leaf, the certificate that issued it, and the leaf's key.
fn issued() -> (String, String, String) {
    let mut ca_parameters = parameters("intermediate");
    ca_parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate().unwrap();
    let ca = ca_parameters.self_signed(&ca_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::from_params(&ca_parameters, &ca_key);
    let leaf = parameters("meter").signed_by(&key, &issuer).unwrap();
    (leaf.pem(), ca.pem(), key.serialize_pem())
}

fn load(cert: &str, key: &str) -> Result<Credentials, FileError> {
    parse_credentials(&file("own.crt", cert), &file("own.key", key))
}

fn key_error(key: &str) -> FileError {
    let (cert, _) = p256();
    load(&cert, key).unwrap_err()
}

fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len() as u16;
    let mut der = vec![tag];
    match length {
        0..0x80 => der.push(length as u8),
        _ => der.extend([&[0x82][..], &length.to_be_bytes()].concat()),
    }
    der.extend(content);
    der
}

fn pem(label: &str, der: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = format!("-----BEGIN {label}-----\n");
    for three in der.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| {
            bits << 8 | u32::from(three.get(at).copied().unwrap_or(0))
        });
        for at in 0..4 {
            text.push(match at <= three.len() {
                true => char::from(ALPHABET[(bits >> (18 - 6 * at)) as usize & 63]),
                false => '=',
            });
        }
    }
    format!("{text}\n-----END {label}-----\n")
}

/// A PKCS#8 key with this algorithm.
fn pkcs8(algorithm: &[&[u8]], key: &[u8]) -> String {
    let version = [der::INTEGER, 1, 0];
    let parts: [&[u8]; 3] = [
        &version,
        &tlv(der::SEQUENCE, algorithm),
        &tlv(der::OCTET_STRING, &[key]),
    ];
    pem("PRIVATE KEY", &tlv(der::SEQUENCE, &parts))
}

const RSA: [u8; 13] = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
const EC: [u8; 9] = [6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const P256: [u8; 10] = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];

fn ec_private_key(public: Option<&[u8]>) -> Vec<u8> {
    let public = public.map(|point| {
        let bits = tlv(der::BIT_STRING, &[&[0], point]);
        tlv(der::context(1), &[&bits])
    });
    let key = tlv(der::OCTET_STRING, &[&[7; 32]]);
    tlv(
        der::SEQUENCE,
        &[&[der::INTEGER, 1, 1], &key, &public.unwrap_or_default()],
    )
}

fn rsa_private_key(bits: usize, exponent: &[u8]) -> Vec<u8> {
    let mut modulus = vec![0xff; bits / 8];
    modulus.insert(0, 0);
    let version = [der::INTEGER, 1, 0];
    tlv(
        der::SEQUENCE,
        &[
            &version,
            &tlv(der::INTEGER, &[&modulus]),
            &tlv(der::INTEGER, &[exponent]),
        ],
    )
}

#[test]
fn every_supported_kind_of_key_loads_in_one_file_or_two() {
    for algorithm in KEY_FORMS {
        let (cert, key) = pair(algorithm);
        let credentials = load(&cert, &key).unwrap();
        assert_eq!(credentials.leaf.subject, "CN=meter");
        assert!(credentials.warnings.is_empty());
        credentials.certified.keys_match().unwrap();

        let both = file("own.pem", format!("{key}{cert}"));
        parse_credentials(&both, &both).unwrap();
    }
}

#[test]
fn sec1_keys_load_after_their_parameters() {
    let (cert, key) = p256();
    let blocks = blocks(key.as_bytes()).unwrap();
    let Item::Pkcs8Key(pkcs8) = blocks[0].decode().unwrap() else {
        panic!("rcgen writes PKCS#8");
    };
    let mut info = Reader(der::only(der::SEQUENCE, pkcs8.secret_pkcs8_der()).unwrap());
    info.any();
    info.any();
    let sec1 = pem("EC PRIVATE KEY", info.take(der::OCTET_STRING).unwrap());
    let parameters = pem("EC PARAMETERS", &P256);
    load(&cert, &format!("{parameters}{sec1}")).unwrap();
}

#[test]
fn a_chain_keeps_its_order() {
    let (leaf, ca, key) = issued();
    let credentials = load(&format!("{leaf}{ca}"), &key).unwrap();
    assert_eq!(credentials.certified.cert.len(), 2);
    assert_eq!(credentials.leaf.issuer, "CN=intermediate");
    assert!(credentials.warnings.is_empty());
}

#[test]
fn a_key_of_a_later_certificate_says_that_it_should_be_first() {
    let (leaf, ca, key) = issued();
    let error = load(&format!("{ca}{leaf}"), &key).unwrap_err();
    assert_eq!(
        error.to_string(),
        "own.crt: the key belongs to certificate 2 of 2 (CN=meter); \
         put that one first, then the one that issued it"
    );
}

#[test]
fn a_certificate_that_did_not_issue_the_one_before_it_is_warned_of() {
    let (leaf, _, key) = issued();
    let (other, _) = p256();
    let credentials = load(&format!("{leaf}{other}"), &key).unwrap();
    assert!(matches!(
        credentials.warnings[..],
        [Warning::ChainBroken { position: 2, .. }]
    ));
}

#[test]
fn a_key_of_another_certificate_names_both_files() {
    let (cert, _) = p256();
    let (_, key) = pair(&rcgen::PKCS_ED25519);
    assert_eq!(
        load(&cert, &key).unwrap_err().to_string(),
        "own.key: this key (Ed25519) is not the key of the certificate in own.crt (P-256); \
         compare: openssl pkey -in own.key -pubout; openssl x509 -in own.crt -pubkey -noout"
    );
}

#[test]
fn a_certificate_in_the_key_file_does_not_disturb() {
    let (cert, key) = p256();
    let (other, _) = p256();
    load(&cert, &format!("{other}{key}")).unwrap();
}

#[test]
fn several_keys_in_a_file_are_refused() {
    let (_, one) = p256();
    let (_, another) = p256();
    let error = key_error(&format!("{one}{another}"));
    assert_eq!(error.cause, Cause::SeveralKeys { count: 2 });
}

#[test]
fn too_many_certificates_are_refused() {
    let (cert, key) = p256();
    let count = OWN_CHAIN_CERTS_MAX + 1;
    let error = load(&cert.repeat(count), &key).unwrap_err();
    assert_eq!(error.cause, Cause::TooManyCertificates { count });
    load(&cert.repeat(OWN_CHAIN_CERTS_MAX), &key).unwrap();
}

#[test]
fn encrypted_keys_say_how_to_decrypt_them() {
    let modern = pem("ENCRYPTED PRIVATE KEY", &[0x30, 0]);
    let traditional = "-----BEGIN RSA PRIVATE KEY-----\r\nProc-Type: 4,ENCRYPTED\r\n\
         DEK-Info: AES-128-CBC,00\r\n\r\nAAAA\r\n-----END RSA PRIVATE KEY-----\r\n";
    for key in [&modern, traditional] {
        assert_eq!(
            key_error(key).to_string(),
            "own.key: the private key is encrypted, and nobody is there to type its passphrase; \
             run: openssl pkey -in own.key -out own.key.plain"
        );
    }
}

#[test]
fn kinds_of_keys_that_are_not_supported_are_named() {
    let kinds: [(&[&[u8]], &str); 7] = [
        (&[&EC, &[6, 5, 0x2b, 0x81, 4, 0, 0x23]], "P-521"),
        (&[&EC, &[6, 5, 0x2b, 0x81, 4, 0, 0x0a]], "secp256k1"),
        (
            &[&EC, &[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 7]],
            "brainpoolP256r1",
        ),
        (
            &[&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0a]],
            "RSA-PSS",
        ),
        (&[&[6, 3, 0x2b, 0x65, 0x71]], "Ed448"),
        (&[&[6, 3, 0x2b, 0x65, 0x6e]], "X25519"),
        (&[&[6, 3, 0x2a, 3, 4]], "1.2.3.4"),
    ];
    for (algorithm, name) in kinds {
        let text = key_error(&pkcs8(algorithm, &[1, 2, 3])).to_string();
        let expected = format!("own.key: a private key of kind {name} is not supported; make");
        assert!(text.starts_with(&expected), "{text}");
    }
    let dsa = key_error(&pem("DSA PRIVATE KEY", &[0x30, 0]));
    assert_eq!(
        dsa.cause,
        Cause::UnsupportedKey(Algorithm::Other("DSA".to_owned()))
    );
    let ssh = key_error(&pem("OPENSSH PRIVATE KEY", b"openssh-key-v1"));
    assert_eq!(ssh.cause, Cause::OpenSsh);
}

#[test]
fn rsa_keys_of_other_sizes_and_exponents_are_refused() {
    let usual = [1, 0, 1];
    for bits in [512, 1024, 2304, 8192] {
        let der = rsa_private_key(bits, &usual);
        let expected = Cause::RsaSize { bits };
        assert_eq!(key_error(&pkcs8(&[&RSA], &der)).cause, expected);
        assert_eq!(key_error(&pem("RSA PRIVATE KEY", &der)).cause, expected);
    }
    let der = rsa_private_key(2048, &[3]);
    assert_eq!(key_error(&pkcs8(&[&RSA], &der)).cause, Cause::RsaExponent);
    let der = rsa_private_key(2048, &usual);
    assert_eq!(key_error(&pkcs8(&[&RSA], &der)).cause, Cause::BadKey);
}

#[test]
fn ec_keys_that_lack_something_say_what() {
    let bare = ec_private_key(None);
    let key = key_error(&pkcs8(&[&EC, &P256], &bare));
    assert_eq!(key.cause, Cause::EcWithoutPublicKey);
    assert_eq!(
        key.to_string(),
        "own.key: an EC private key without its public key; \
         add it: openssl ec -in own.key -out own.key.new"
    );
    let key = key_error(&pem("EC PRIVATE KEY", &bare));
    assert_eq!(key.cause, Cause::EcWithoutPublicKey);

    let compressed = ec_private_key(Some(&[2; 33]));
    let key = key_error(&pkcs8(&[&EC, &P256], &compressed));
    assert_eq!(key.cause, Cause::EcCompressed);

    let explicit = key_error(&pkcs8(&[&EC, &[der::SEQUENCE, 0]], &bare));
    assert_eq!(explicit.cause, Cause::EcExplicit);
}

#[test]
fn garbage_in_a_key_or_certificate_is_told() {
    let (cert, key) = p256();
    assert_eq!(
        key_error(&pem("PRIVATE KEY", b"garbage")).cause,
        Cause::BadKey
    );
    assert_eq!(key_error(&pem("EC PRIVATE KEY", b"")).cause, Cause::BadKey);
    let bad = format!("{cert}{}", pem("CERTIFICATE", b"garbage"));
    let line = cert.lines().count() + 1;
    let error = load(&bad, &key).unwrap_err();
    assert_eq!(error.cause, Cause::BadCertificate { line });
}

#[test]
fn a_file_that_holds_something_else_says_what() {
    let (cert, key) = p256();
    let cases = [
        (
            "CERTIFICATE REQUEST",
            "own.crt: no certificate, but a certificate request; give what",
        ),
        (
            "PUBLIC KEY",
            "own.crt: no certificate, but a public key; give",
        ),
        (
            "TRUSTED CERTIFICATE",
            "own.crt: no certificate, but one in a form of openssl's own; run: openssl x509 -in",
        ),
        (
            "PKCS7",
            "own.crt: no certificate, but PKCS#7; run: openssl pkcs7 -in own.crt -print_certs",
        ),
        (
            "PGP PUBLIC KEY BLOCK",
            "own.crt: no certificate, but PGP, which is not TLS; give",
        ),
        (
            "FOO\u{1b}",
            "own.crt: no certificate, but \"FOO\\1B\"; give the file",
        ),
    ];
    for (label, expected) in cases {
        let text = load(&pem(label, &[0x30, 0]), &key).unwrap_err().to_string();
        assert!(text.starts_with(expected), "{text}");
    }
    let swapped = load(&key, &cert).unwrap_err();
    assert_eq!(swapped.cause, Cause::NoCertificate(Kind::PrivateKey));
    let both = file("own.crt", &cert);
    let error = parse_credentials(&both, &both).unwrap_err();
    assert_eq!(error.cause, Cause::NoKey(Kind::Certificate));
    assert_eq!(
        key_error(&pem("PUBLIC KEY", &[])).cause,
        Cause::NoKey(Kind::PublicKey)
    );
}

#[test]
fn a_key_that_everybody_can_read_is_warned_of() {
    let (cert, key) = p256();
    let mut key = file("own key", key);
    key.readable_by_all = true;
    let credentials = parse_credentials(&file("own.crt", cert), &key).unwrap();
    assert_eq!(
        credentials.warnings[0].to_string(),
        "own key: every user can read the private key; run: chmod o-rwx 'own key'"
    );
}

#[test]
fn roots_that_cannot_be_used_are_left_out_with_a_warning() {
    let (_, ca, _) = issued();
    let garbage = pem("CERTIFICATE", b"garbage");
    let roots = parse_roots(&file("ca.pem", format!("{garbage}{ca}"))).unwrap();
    assert_eq!(roots.count, 1);
    assert!(matches!(
        roots.warnings[..],
        [Warning::RootsSkipped { count: 1, .. }]
    ));
    let error = parse_roots(&file("ca.pem", garbage)).unwrap_err();
    assert_eq!(error.cause, Cause::NoUsableRoot);
    assert!(!error.is_missing());
}

#[test]
fn bytes_of_any_kind_never_panic() {
    let seed = seed();
    println!("EGRET_SEED={seed}");
    let mut random = Random::new(seed);
    let (leaf, ca, key) = issued();
    let original = format!("{leaf}{ca}{key}").into_bytes();
    for _ in 0..2_000 {
        let mut bytes = original.clone();
        for _ in 0..=random.below(3) {
            let at = random.below(bytes.len() as u64) as usize;
            bytes[at] = random.number() as u8;
        }
        bytes.truncate(random.below(2 * bytes.len() as u64) as usize);
        let file = file("own.pem", bytes);
        for error in [
            parse_credentials(&file, &file).err(),
            parse_roots(&file).err(),
        ] {
            let text = error.map(|error| error.to_string()).unwrap_or_default();
            assert!(!text.contains(char::is_control), "{text:?}");
        }
    }
}

/// A directory that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("egret-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn file_cause(path: &Path) -> Cause {
    load_credentials(path, None).unwrap_err().cause
}

#[test]
fn files_are_read_and_their_mode_is_looked_at() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("mode");
    let (cert, key) = p256();
    let (cert, key) = (folder.write("own.crt", cert), folder.write("own.key", key));
    for (mode, warnings) in [(0o600, 0), (0o640, 0), (0o644, 1)] {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&key, permissions).unwrap();
        let credentials = load_credentials(&cert, Some(&key)).unwrap();
        assert_eq!(credentials.warnings.len(), warnings, "{mode:o}");
    }
}

#[test]
fn a_missing_file_is_told_from_a_bad_one() {
    let folder = Folder::new("missing");
    let error = load_credentials(&folder.0.join("own.crt"), None).unwrap_err();
    assert!(error.is_missing());
    assert!(error.to_string().ends_with("own.crt: no such file"));
    let empty = folder.write("empty.crt", "\n");
    let error = load_roots(Some(&empty)).unwrap_err();
    assert!(!error.is_missing());
    assert_eq!(error.cause, Cause::Empty);
}

#[test]
fn what_is_no_regular_file_of_a_sane_size_is_refused() {
    let folder = Folder::new("odd");
    assert_eq!(file_cause(&folder.0), Cause::Directory);
    assert_eq!(file_cause(Path::new("/dev/null")), Cause::NotRegular);
    let large = folder.write("large.crt", "");
    let opened = std::fs::File::options().write(true).open(&large).unwrap();
    opened.set_len(crate::limits::PEM_FILE_MAX + 1).unwrap();
    assert_eq!(
        file_cause(&large),
        Cause::TooLarge {
            most: crate::limits::PEM_FILE_MAX
        }
    );
}

#[test]
fn what_a_panic_could_print_of_a_key_is_none_of_it() {
    let (cert, text) = p256();
    let key = file("k", &text);
    let credentials = parse_credentials(&file("c", cert), &key).unwrap();
    let printed = format!("{credentials:?} {:?}", blocks(&key.bytes));
    assert!(printed.contains("Block(\"PRIVATE KEY\", line 1)"));
    // As Debug prints bytes: of the text, and of the secret number in it.
    let number = &KeyPair::from_pem(&text).unwrap().serialize_der()[36..68];
    for part in key.bytes[80..].windows(6).chain(number.windows(6)) {
        let part = format!("{part:?}");
        assert!(!printed.contains(part.trim_matches(['[', ']'])), "{part}");
    }
}
