//! Certificate authorities and leaves, made at run time, and a folder to put them in.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SignatureAlgorithm,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The kind of a key (RSA is made by openssl where a test needs it: ring cannot generate it).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    P256,
    P384,
    Ed25519,
}

impl KeyKind {
    fn algorithm(self) -> &'static SignatureAlgorithm {
        match self {
            Self::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            Self::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            Self::Ed25519 => &rcgen::PKCS_ED25519,
        }
    }

    fn generate(self) -> KeyPair {
        KeyPair::generate_for(self.algorithm()).expect("a key")
    }
}

/// What a leaf is to be.
#[derive(Debug, Clone)]
pub struct Spec {
    name: String,
    sans: Vec<String>,
    usage: ExtendedKeyUsagePurpose,
    key: KeyKind,
    not_before: SystemTime,
    not_after: SystemTime,
    issuer_is_at: Option<String>,
}

impl Spec {
    /// A client certificate with the subject `CN=name`, valid for a year, with a P-256 key.
    pub fn client(name: &str) -> Self {
        Self::new(name, &[], ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// A server certificate for these DNS names and addresses, valid for a year, with a P-256 key.
    pub fn server(sans: &[&str]) -> Self {
        let name = sans.first().copied().unwrap_or("server");
        Self::new(name, sans, ExtendedKeyUsagePurpose::ServerAuth)
    }

    fn new(name: &str, sans: &[&str], usage: ExtendedKeyUsagePurpose) -> Self {
        let now = SystemTime::now();
        Self {
            name: name.to_owned(),
            sans: sans.iter().map(|san| (*san).to_owned()).collect(),
            usage,
            key: KeyKind::P256,
            not_before: now - DAY,
            not_after: now + 365 * DAY,
            issuer_is_at: None,
        }
    }

    /// Says where the certificate of its issuer is to be had (RFC 5280 §4.2.2.1).
    pub fn issuer_is_at(self, url: &str) -> Self {
        let issuer_is_at = Some(url.to_owned());
        Self {
            issuer_is_at,
            ..self
        }
    }

    /// With another kind of key.
    pub fn key(self, key: KeyKind) -> Self {
        Self { key, ..self }
    }

    /// With these dates.
    pub fn valid(self, not_before: SystemTime, not_after: SystemTime) -> Self {
        Self {
            not_before,
            not_after,
            ..self
        }
    }

    /// Its last day was yesterday.
    pub fn expired(self) -> Self {
        let now = SystemTime::now();
        self.valid(now - 30 * DAY, now - DAY)
    }

    /// Its first day is tomorrow.
    pub fn not_yet_valid(self) -> Self {
        let now = SystemTime::now();
        self.valid(now + DAY, now + 30 * DAY)
    }

    /// Ends so much from now.
    pub fn expires_in(self, left: Duration) -> Self {
        let now = SystemTime::now();
        self.valid(now - DAY, now + left)
    }

    fn params(&self) -> CertificateParams {
        let mut params = CertificateParams::new(self.sans.clone()).expect("names of a certificate");
        params.distinguished_name = common_name(&self.name);
        params.not_before = self.not_before.into();
        params.not_after = self.not_after.into();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![self.usage.clone()];
        params.custom_extensions = self.issuer_is_at.iter().map(|url| access(url)).collect();
        params
    }
}

/// authorityInfoAccess with one caIssuers, a URL of less than 100 bytes.
fn access(url: &str) -> CustomExtension {
    const AUTHORITY_INFO_ACCESS: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 1, 1];
    const CA_ISSUERS: &[u8] = &[6, 8, 0x2b, 6, 1, 5, 5, 7, 48, 2];
    let within = |tag: u8, content: &[u8]| {
        let length = u8::try_from(content.len()).expect("a short one");
        assert!(length < 128);
        [&[tag, length], content].concat()
    };
    let place = [CA_ISSUERS, &within(0x86, url.as_bytes())].concat();
    let places = within(0x30, &within(0x30, &place));
    CustomExtension::from_oid_content(AUTHORITY_INFO_ACCESS, places)
}

fn common_name(name: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    subject
}

/// A certificate authority.
pub struct Ca {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// PEM of the intermediates from this one up to, and without, the root.
    intermediates: String,
}

impl Ca {
    /// A root with the subject `CN=name`.
    pub fn new(name: &str) -> Self {
        Self::root(ca_params(name))
    }

    /// A root with the subject `CN=name,O=organisation`.
    pub fn of(organisation: &str, name: &str) -> Self {
        Self::root(organised(organisation, name))
    }

    fn root(params: CertificateParams) -> Self {
        let issuer = CertifiedIssuer::self_signed(params, KeyKind::P256.generate())
            .expect("a root certificate");
        Self {
            issuer,
            intermediates: String::new(),
        }
    }

    /// An authority below this one; its leaves carry it in their chain.
    pub fn intermediate(&self, name: &str) -> Self {
        self.below(ca_params(name))
    }

    /// An authority below this one with the subject `CN=name,O=organisation`.
    pub fn intermediate_of(&self, organisation: &str, name: &str) -> Self {
        self.below(organised(organisation, name))
    }

    fn below(&self, mut params: CertificateParams) -> Self {
        params.use_authority_key_identifier_extension = true;
        let issuer = CertifiedIssuer::signed_by(params, KeyKind::P256.generate(), &self.issuer)
            .expect("an intermediate certificate");
        let intermediates = issuer.pem() + &self.intermediates;
        Self {
            issuer,
            intermediates,
        }
    }

    /// A leaf signed by this authority.
    pub fn issue(&self, spec: &Spec) -> Leaf {
        let key = spec.key.generate();
        let mut params = spec.params();
        params.use_authority_key_identifier_extension = true;
        let leaf = params.signed_by(&key, &self.issuer).expect("a leaf");
        Leaf {
            cert_pem: leaf.pem() + &self.intermediates,
            key_pem: key.serialize_pem(),
        }
    }

    /// [`Spec::client`], issued.
    pub fn client(&self, name: &str) -> Leaf {
        self.issue(&Spec::client(name))
    }

    /// [`Spec::server`], issued.
    pub fn server(&self, sans: &[&str]) -> Leaf {
        self.issue(&Spec::server(sans))
    }

    /// Its own certificate, DER.
    pub fn der(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// What signs with its key.
    pub fn issuer(&self) -> &Issuer<'static, KeyPair> {
        &self.issuer
    }

    /// Its own certificate, PEM.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }
}

fn organised(organisation: &str, name: &str) -> CertificateParams {
    let mut params = ca_params(name);
    params
        .distinguished_name
        .push(DnType::OrganizationName, organisation);
    params
}

fn ca_params(name: &str) -> CertificateParams {
    let now = SystemTime::now();
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(name);
    params.not_before = (now - DAY).into();
    params.not_after = (now + 3650 * DAY).into();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// A certificate with its intermediates, and its key.
#[derive(Clone)]
pub struct Leaf {
    /// The leaf first, then its intermediates.
    pub cert_pem: String,
    /// PKCS#8.
    pub key_pem: String,
}

impl Leaf {
    /// One that signed itself.
    pub fn self_signed(spec: &Spec) -> Self {
        let key = spec.key.generate();
        let leaf = spec.params().self_signed(&key).expect("a self-signed leaf");
        Self {
            cert_pem: leaf.pem(),
            key_pem: key.serialize_pem(),
        }
    }

    /// The same without its intermediates.
    pub fn alone(mut self) -> Self {
        let end = "-----END CERTIFICATE-----\n";
        let first = self.cert_pem.find(end).map(|at| at + end.len());
        self.cert_pem.truncate(first.expect("a certificate"));
        self
    }

    /// From two PEM files.
    pub fn load(cert: &Path, key: &Path) -> std::io::Result<Self> {
        Ok(Self {
            cert_pem: fs::read_to_string(cert)?,
            key_pem: fs::read_to_string(key)?,
        })
    }

    /// The chain, leaf first; empty when the PEM holds none.
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        parse_certs(&self.cert_pem)
    }

    /// The key; panics when the PEM holds none.
    pub fn key(&self) -> PrivateKeyDer<'static> {
        self.try_key().expect("a private key in PEM")
    }

    /// The key, if the PEM holds one.
    pub fn try_key(&self) -> Option<PrivateKeyDer<'static>> {
        PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes()).ok()
    }
}

/// The certificates of a PEM text; those that cannot be read are left out.
pub fn parse_certs(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .filter_map(Result::ok)
        .collect()
}

/// A folder of its own for one test, removed with all in it when dropped.
pub struct Dir {
    path: PathBuf,
}

impl Default for Dir {
    fn default() -> Self {
        Self::new()
    }
}

impl Dir {
    /// A new empty folder below the system's temporary one.
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("egret-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a temporary folder");
        Self { path }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where a file of that name is or would be.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file that only its owner may read, replacing one of that name in one step.
    pub fn write(&self, name: &str, contents: &str) -> PathBuf {
        write_file(&self.path, name, contents, 0o600).expect("a file in a temporary folder")
    }

    /// Writes `NAME.crt` and `NAME.key` and gives what `--identity` says of them:
    /// `NAME,cert=FILE,key=FILE`.
    pub fn identity(&self, name: &str, leaf: &Leaf) -> String {
        let cert = self.write(&format!("{name}.crt"), &leaf.cert_pem);
        let key = self.write(&format!("{name}.key"), &leaf.key_pem);
        format!("{name},cert={},key={}", cert.display(), key.display())
    }

    /// Writes the authority's certificate as `NAME.crt` and gives its path, for `--ca` or `ca=`.
    pub fn ca(&self, name: &str, ca: &Ca) -> String {
        self.write(&format!("{name}.crt"), &ca.pem())
            .display()
            .to_string()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        // A folder left behind in the temporary one is no reason to fail a test.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Writes a file with that mode, replacing one of that name in one step.
///
/// # Errors
/// As the system says.
pub fn write_file(dir: &Path, name: &str, contents: &str, mode: u32) -> std::io::Result<PathBuf> {
    let fresh = dir.join(format!(".{name}.new"));
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&fresh)?;
    file.write_all(contents.as_bytes())?;
    let path = dir.join(name);
    fs::rename(&fresh, &path)?;
    Ok(path)
}
