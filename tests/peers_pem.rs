//! What openssl makes loads, or says what to run; and what it says to run really helps.
#![cfg(feature = "peers")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use egret::identity::pem::{
    Cause, Credentials, FileError, Foreign, Kind, Warning, load_credentials, load_roots,
};
use egret::identity::x509;
use rustls::client::{ResolvesClientCert, danger};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;

/// A directory with a shell in it, that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("egret-peers-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn run(&self, script: &str) -> String {
        let output = Command::new("sh")
            .args(["-ec", script])
            .current_dir(&self.0)
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Makes `NAME.key` by this command and a certificate for it, `NAME.crt`.
    fn pair(&self, name: &str, make_key: &str) {
        self.run(&format!("{make_key} > {name}.key 2> {name}.log"));
        self.run(&format!(
            "openssl req -x509 -new -key {name}.key -out {name}.crt -days 3 -subj /O=Acme/CN={name}"
        ));
    }

    fn load(&self, cert: &str, key: &str) -> Result<Credentials, FileError> {
        load_credentials(&self.path(cert), Some(&self.path(key)))
    }

    fn error(&self, cert: &str, key: &str) -> FileError {
        self.load(cert, key).unwrap_err()
    }

    /// Runs the openssl command at the end of a message, with these options added.
    fn follow(&self, error: &FileError, options: &str) {
        let text = error.to_string();
        let command = text.find("openssl ").map(|at| &text[at..]);
        let command = command.unwrap_or_else(|| panic!("nothing to run: {text}"));
        self.run(&format!("{command} {options}"));
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const P256: &str = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256";
const RSA: &str = "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048";

#[test]
fn keys_of_every_kind_and_form_load() {
    let folder = Folder::new("forms");
    let kinds = [
        (P256, "P-256"),
        ("openssl ecparam -name prime256v1 -genkey", "P-256"),
        ("openssl ecparam -name secp384r1 -genkey -noout", "P-384"),
        ("openssl genpkey -algorithm ED25519", "Ed25519"),
        (RSA, "RSA 2048"),
        ("openssl genrsa -traditional 2048", "RSA 2048"),
        ("openssl genrsa 3072", "RSA 3072"),
        ("openssl genrsa 4096", "RSA 4096"),
    ];
    for (make_key, kind) in kinds {
        folder.pair("a", make_key);
        let credentials = folder.load("a.crt", "a.key").expect(make_key);
        assert_eq!(credentials.leaf.key, kind);
        credentials.certified.keys_match().unwrap();
    }
}

#[test]
fn text_dumps_and_bag_attributes_around_blocks_do_not_matter() {
    let folder = Folder::new("dumps");
    folder.pair("a", RSA);
    folder.run("openssl x509 -in a.crt -text -out text.crt");
    folder.run("openssl pkey -in a.key -text -out text.key");
    folder.load("text.crt", "text.key").unwrap();
    folder.run("openssl pkcs12 -export -in a.crt -inkey a.key -name x -passout pass: -out a.p12");
    folder.run("openssl pkcs12 -in a.p12 -passin pass: -nodes -out bags.pem");
    load_credentials(&folder.path("bags.pem"), None).unwrap();
    folder.run("sed 's/$/\\r/' a.crt > crlf.crt; sed 's/$/\\r/' a.key > crlf.key");
    folder.load("crlf.crt", "crlf.key").unwrap();
}

#[test]
fn encrypted_keys_load_after_what_the_error_says_to_run() {
    let folder = Folder::new("encrypted");
    folder.pair("a", RSA);
    folder.run("openssl pkey -in a.key -aes-128-cbc -passout pass:x -out modern.key");
    folder.run("openssl rsa -in a.key -traditional -aes128 -passout pass:x -out old.key");
    for key in ["modern.key", "old.key"] {
        let error = folder.error("a.crt", key);
        assert_eq!(error.cause, Cause::Encrypted);
        folder.follow(&error, "-passin pass:x");
        folder.load("a.crt", &format!("{key}.plain")).unwrap();
    }
}

#[test]
fn ec_keys_written_unusually_load_after_what_the_error_says_to_run() {
    let folder = Folder::new("ec");
    folder.pair("a", P256);
    folder.run("openssl ec -in a.key -no_public -out bare.key");
    folder.run("openssl pkcs8 -topk8 -nocrypt -in bare.key -out bare8.key");
    folder.run("openssl ec -in a.key -conv_form compressed -out compressed.key");
    folder.run("openssl ec -in a.key -param_enc explicit -out explicit.key");
    folder.run("openssl pkcs8 -topk8 -nocrypt -in explicit.key -out explicit8.key");
    let keys = [
        ("bare.key", Cause::EcWithoutPublicKey),
        ("bare8.key", Cause::EcWithoutPublicKey),
        ("compressed.key", Cause::EcCompressed),
        ("explicit.key", Cause::EcExplicit),
        ("explicit8.key", Cause::EcExplicit),
    ];
    for (key, cause) in keys {
        let error = folder.error("a.crt", key);
        assert_eq!(error.cause, cause, "{key}");
        folder.follow(&error, "");
        folder.load("a.crt", &format!("{key}.new")).unwrap();
    }
}

#[test]
fn a_certificate_of_an_unusually_written_key_still_matches_it() {
    let folder = Folder::new("spki");
    let form = "openssl ecparam -name prime256v1 -genkey -noout | openssl ec";
    folder.pair("compressed", &format!("{form} -conv_form compressed"));
    folder.pair("explicit", &format!("{form} -param_enc explicit"));
    for name in ["compressed", "explicit"] {
        let (cert, key) = (format!("{name}.crt"), format!("{name}.key"));
        folder.follow(&folder.error(&cert, &key), "");
        folder.load(&cert, &format!("{key}.new")).unwrap();
    }
}

#[test]
fn keys_that_are_not_supported_are_named() {
    let folder = Folder::new("kinds");
    folder.pair("a", P256);
    let ec = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:";
    let kinds = [
        (format!("{ec}P-521"), "kind P-521 "),
        (format!("{ec}secp256k1"), "kind secp256k1 "),
        (format!("{ec}brainpoolP256r1"), "kind brainpoolP256r1 "),
        (
            "openssl ecparam -name secp521r1 -genkey".to_owned(),
            "kind P-521 ",
        ),
        ("openssl genpkey -algorithm ED448".to_owned(), "kind Ed448 "),
        (
            "openssl genpkey -algorithm X25519".to_owned(),
            "kind X25519 ",
        ),
        (
            "openssl genpkey -algorithm RSA-PSS".to_owned(),
            "kind RSA-PSS ",
        ),
        (
            "openssl dsaparam -genkey -noout 1024".to_owned(),
            "kind DSA ",
        ),
        ("openssl genrsa 1024".to_owned(), "1024 bits"),
        ("openssl genrsa 2304".to_owned(), "2304 bits"),
        ("openssl genrsa -3 2048".to_owned(), "exponent below 65537"),
    ];
    for (make_key, expected) in kinds {
        folder.run(&format!("{make_key} > b.key 2> b.log"));
        let error = folder.error("a.crt", "b.key");
        assert!(error.to_string().contains(expected), "{error}");
        folder.follow(&error, "");
        folder.run("openssl req -x509 -new -key new.key -out new.crt -subj /CN=new");
        folder.load("new.crt", "new.key").unwrap();
    }
}

#[test]
fn other_formats_load_after_what_the_error_says_to_run() {
    let folder = Folder::new("formats");
    folder.pair("a", P256);
    folder.run("openssl x509 -in a.crt -outform der -out der.crt");
    folder.run("openssl pkey -in a.key -outform der -out der.key");
    folder.run("openssl x509 -in a.crt -trustout -addtrust clientAuth -out trusted.crt");
    folder.run("openssl crl2pkcs7 -nocrl -certfile a.crt -out p7.crt");
    folder.run("openssl crl2pkcs7 -nocrl -certfile a.crt -outform der -out p7der.crt");
    let certificates = [
        ("der.crt", Cause::NotPem(Foreign::DerCertificate)),
        (
            "trusted.crt",
            Cause::NoCertificate(Kind::OpensslCertificate),
        ),
        ("p7.crt", Cause::NoCertificate(Kind::Pkcs7)),
        ("p7der.crt", Cause::NotPem(Foreign::Pkcs7)),
    ];
    for (cert, cause) in certificates {
        let error = folder.error(cert, "a.key");
        assert_eq!(error.cause, cause, "{cert}");
        folder.follow(&error, "");
        folder.load(&format!("{cert}.pem"), "a.key").unwrap();
    }

    let error = folder.error("a.crt", "der.key");
    assert_eq!(error.cause, Cause::NotPem(Foreign::DerKey));
    folder.follow(&error, "");
    folder.load("a.crt", "der.key.pem").unwrap();

    folder.run("openssl pkcs12 -export -in a.crt -inkey a.key -passout pass: -out a.p12");
    let error = load_credentials(&folder.path("a.p12"), None).unwrap_err();
    assert_eq!(error.cause, Cause::NotPem(Foreign::Pkcs12));
    folder.follow(&error, "-passin pass:");
    load_credentials(&folder.path("a.p12.pem"), None).unwrap();
}

#[test]
fn an_openssh_key_loads_after_ssh_keygen() {
    let folder = Folder::new("ssh");
    folder.pair("a", P256);
    folder.run("ssh-keygen -q -t ecdsa -b 256 -N '' -f ssh.key");
    let error = folder.error("a.crt", "ssh.key");
    assert_eq!(error.cause, Cause::OpenSsh);
    let text = error.to_string();
    let command = &text[text.find("ssh-keygen").unwrap()..];
    folder.run(&format!("{command} -P '' -N ''"));
    folder.run("openssl req -x509 -new -key ssh.key -out ssh.crt -subj /CN=ssh");
    folder.load("ssh.crt", "ssh.key").unwrap();
}

#[test]
fn names_and_dates_read_as_openssl_shows_them() {
    let folder = Folder::new("names");
    folder.run(&format!("{P256} -out a.key"));
    folder.run(
        "openssl req -x509 -new -key a.key -out a.crt -days 3 -utf8 \
         -subj '/C=DE/O=Acme, Inc./CN=Zähler \"7\" <8>;' -addext subjectAltName=DNS:a,IP:::1",
    );
    let summary = folder.load("a.crt", "a.key").unwrap().leaf;
    let show = "openssl x509 -in a.crt -noout -nameopt RFC2253,-esc_msb,utf8";
    assert_eq!(
        folder.run(&format!("{show} -subject")).trim_end(),
        format!("subject={}", summary.subject)
    );
    let end =
        folder.run("date -u -d \"$(openssl x509 -in a.crt -noout -enddate | cut -d= -f2)\" +%s");
    assert_eq!(end.trim_end(), summary.not_after.to_string());
    assert_eq!(summary.sans, ["DNS:a", "IP:::1"]);
}

#[test]
fn an_absent_system_bundle_says_what_to_do() {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "child_without_system_roots", "--ignored"]);
    child.env("SSL_CERT_FILE", "/nonexistent/ca.pem");
    child.env_remove("SSL_CERT_DIR");
    assert!(child.output().unwrap().status.success());
}

#[test]
#[ignore = "run by an_absent_system_bundle_says_what_to_do, in a process with another environment"]
fn child_without_system_roots() {
    let error = load_roots(None).unwrap_err();
    assert!(error.is_missing());
    assert_eq!(
        error.to_string(),
        "/nonexistent/ca.pem: no CA certificates of the system there; \
         install the package ca-certificates, set SSL_CERT_FILE, or give --ca FILE or ca=FILE"
    );
}

/// A CA, and `v1.crt` for `v1.key` as `openssl x509 -req` makes it without extensions.
fn version_1(folder: &Folder) {
    folder.pair("ca", RSA);
    folder.run(&format!("{RSA} -out v1.key"));
    folder.run("openssl req -new -key v1.key -out v1.csr -subj /CN=v1");
    folder.run(
        "openssl x509 -req -in v1.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 3 -out v1.crt",
    );
}

#[test]
fn a_version_1_certificate_loads_with_a_warning_and_openssl_accepts_it() {
    let folder = Folder::new("v1");
    version_1(&folder);
    let credentials = folder.load("v1.crt", "v1.key").unwrap();
    let [Warning::OldVersion { version: 1, .. }] = credentials.warnings[..] else {
        panic!(
            "openssl x509 -req made no version 1: {:?}",
            credentials.leaf
        );
    };
    let mut server = OpensslServer::start(&folder);
    let answer = server.get(credentials.certified.clone()).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
}

#[test]
fn a_version_1_certificate_serves_as_a_root() {
    let folder = Folder::new("v1root");
    version_1(&folder);
    let roots = load_roots(Some(&folder.path("v1.crt"))).unwrap();
    assert_eq!((roots.count, roots.warnings.len()), (1, 0));
}

/// `openssl s_server` that demands a certificate of `ca.crt`.
struct OpensslServer {
    child: Child,
    port: u16,
}

impl OpensslServer {
    fn start(folder: &Folder) -> Self {
        let mut child = Command::new("openssl")
            .args([
                "s_server",
                "-accept",
                "127.0.0.1:0",
                "-www",
                "-CAfile",
                "ca.crt",
            ])
            .args([
                "-cert",
                "ca.crt",
                "-key",
                "ca.key",
                "-Verify",
                "2",
                "-verify_return_error",
            ])
            .current_dir(&folder.0)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("ACCEPT 127.0.0.1:")?.parse().ok())
            .expect("s_server says where it listens");
        Self { child, port }
    }

    fn get(&mut self, certified: Arc<CertifiedKey>) -> std::io::Result<String> {
        let config = rustls::ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyServer))
            .with_client_cert_resolver(Arc::new(Always(certified)));
        let name = ServerName::try_from("localhost").unwrap();
        let connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
        let socket = TcpStream::connect(("127.0.0.1", self.port))?;
        let mut stream = rustls::StreamOwned::new(connection, socket);
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
        let mut head = [0; 15];
        stream.read_exact(&mut head)?;
        Ok(String::from_utf8_lossy(&head).into_owned())
    }
}

impl Drop for OpensslServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesClientCert for Always {
    fn resolve(&self, _: &[&[u8]], _: &[rustls::SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Takes any server: what is tested is what it thinks of us.
#[derive(Debug)]
struct AnyServer;

impl danger::ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<danger::ServerCertVerified, rustls::Error> {
        Ok(danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<danger::HandshakeSignatureValid, rustls::Error> {
        Ok(danger::HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<danger::HandshakeSignatureValid, rustls::Error> {
        Ok(danger::HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[test]
fn the_system_bundle_of_this_machine_loads() {
    if Path::new("/etc/ssl/certs/ca-certificates.crt").exists() {
        assert!(load_roots(None).unwrap().count > 10);
    }
}

#[test]
fn a_certificate_request_is_no_certificate() {
    let folder = Folder::new("csr");
    version_1(&folder);
    let error = folder.error("v1.csr", "v1.key");
    assert_eq!(error.cause, Cause::NoCertificate(Kind::Request));
    assert_eq!(x509::summarize(b"v1"), Err(x509::Malformed));
}
