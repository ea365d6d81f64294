//! Why a file does not load, who is to blame and what to run.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::sections::Kind;
use crate::identity::x509::{Algorithm, printable};
use crate::limits::OWN_CHAIN_CERTS_MAX;

/// A certificate, key or CA file that does not load. Displays as one line: cause and remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub cause: Cause,
}

/// Why a file does not load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// There is no such file.
    Missing,
    /// The file may not be read.
    PermissionDenied,
    /// A directory.
    Directory,
    /// A pipe, socket or device.
    NotRegular,
    /// Larger than what is read.
    TooLarge {
        /// Bytes that are.
        most: u64,
    },
    /// Reading failed otherwise.
    Unreadable(io::ErrorKind),
    /// Nothing but white space.
    Empty,
    /// No `-----BEGIN` line; what it is instead.
    NotPem(Foreign),
    /// The `-----BEGIN` of this line has spaces before it.
    Indented {
        /// Counted from 1.
        line: usize,
    },
    /// The `-----BEGIN` of this line does not end in five dashes.
    BadBegin {
        /// Counted from 1.
        line: usize,
    },
    /// A block without its `-----END`.
    NoEnd {
        /// The line of its `-----BEGIN`, counted from 1.
        line: usize,
        /// What it is a block of.
        label: String,
    },
    /// A line that is not base64.
    BadBase64 {
        /// Counted from 1.
        line: usize,
    },
    /// No certificate where one is wanted; what is there instead.
    NoCertificate(Kind),
    /// A block that says CERTIFICATE and holds none.
    BadCertificate {
        /// The line of its `-----BEGIN`, counted from 1.
        line: usize,
    },
    /// More than [`OWN_CHAIN_CERTS_MAX`] certificates in our own chain.
    TooManyCertificates {
        /// How many.
        count: usize,
    },
    /// No private key where one is wanted; what is there instead.
    NoKey(Kind),
    /// More than one private key.
    SeveralKeys {
        /// How many.
        count: usize,
    },
    /// A private key under a passphrase.
    Encrypted,
    /// OpenSSH's own format.
    OpenSsh,
    /// A private key of a kind that TLS libraries in Rust do not sign with.
    UnsupportedKey(Algorithm),
    /// An RSA key of a size that is not signed with.
    RsaSize {
        /// Of its modulus.
        bits: usize,
    },
    /// An RSA key with a public exponent below 65537.
    RsaExponent,
    /// An EC key stored without its public half.
    EcWithoutPublicKey,
    /// An EC key stored with its public half compressed.
    EcCompressed,
    /// An EC key with its curve spelled out.
    EcExplicit,
    /// A damaged private key, or one written in an unusual way.
    BadKey,
    /// The key belongs to a certificate further down the chain.
    LeafNotFirst {
        /// Which certificate it is, counted from 1.
        position: usize,
        /// How many there are.
        count: usize,
        /// Whose it is.
        subject: String,
    },
    /// The key belongs to no certificate of the chain.
    Mismatch {
        /// The file of the certificate.
        cert: PathBuf,
        /// The kind of key that the certificate is for.
        cert_key: String,
        /// The kind of key that there is.
        key: String,
    },
    /// No revocation list where one is wanted; what is there instead.
    NoCrl(Kind),
    /// A revocation list that cannot be used.
    BadCrl {
        /// Which one of the file, counted from 1.
        position: usize,
        /// Why.
        fault: CrlFault,
    },
    /// Certificates, but none that can serve as a root.
    NoUsableRoot,
    /// The system has no CA certificates.
    NoSystemRoots,
}

/// Why a revocation list cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CrlFault {
    /// It is none, or it is damaged.
    Damaged,
    /// It is of X.509 version 1, without extensions.
    OldVersion,
    /// It does not say until when it holds.
    Endless,
    /// It tells only what is new since another one.
    Delta,
    /// It is about the certificates of several authorities.
    Indirect,
    /// It is about a part of its authority's certificates in a way that is not supported.
    Partial,
    /// It has something else that is not supported; what the verifier says.
    Unsupported(String),
}

/// What a file without PEM is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// A DER certificate or certificate request.
    DerCertificate,
    /// A DER revocation list.
    DerCrl,
    /// A DER private key, plain or encrypted.
    DerKey,
    /// PKCS#12 (`.p12`, `.pfx`).
    Pkcs12,
    /// DER PKCS#7 (`.p7b`).
    Pkcs7,
    /// A Java key store.
    JavaKeyStore,
    /// Text in UTF-16.
    Utf16,
    /// None of these.
    Unknown,
}

impl FileError {
    /// Whether it may get better by itself, because the file is not there (yet).
    pub fn is_missing(&self) -> bool {
        matches!(self.cause, Cause::Missing | Cause::NoSystemRoots)
    }
}

impl std::error::Error for FileError {}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", Shown(&self.path))?;
        let file = Word(&self.path);
        match &self.cause {
            Cause::Missing => f.write_str("no such file"),
            Cause::PermissionDenied => f.write_str(
                "permission denied; let the user that egret runs as read it (chown, chmod)",
            ),
            Cause::Directory => f.write_str("is a directory; give the PEM file itself"),
            Cause::NotRegular => {
                f.write_str("is not a regular file; it is read again and again, so copy it to one")
            }
            Cause::TooLarge { most } => write!(
                f,
                "is larger than {most} bytes; give a file that holds only what is needed"
            ),
            Cause::Unreadable(kind) => write!(f, "cannot be read: {kind}"),
            Cause::Empty => f.write_str("is empty; write the PEM file again"),
            Cause::NotPem(foreign) => foreign.explain(f, file),
            Cause::Indented { line } => {
                write!(
                    f,
                    "line {line}: spaces before -----BEGIN; remove them in all lines"
                )
            }
            Cause::BadBegin { line } => {
                write!(
                    f,
                    "line {line}: -----BEGIN does not end in -----; copy the file again"
                )
            }
            Cause::NoEnd { line, label } => write!(
                f,
                "truncated: the {} that begins at line {line} has no -----END; copy the file again",
                printable(label.as_bytes())
            ),
            Cause::BadBase64 { line } => {
                write!(f, "line {line}: damaged base64; copy the file again")
            }
            Cause::NoCertificate(kind) => explain_no_certificate(kind, f, file),
            Cause::BadCertificate { line } => write!(
                f,
                "the certificate at line {line} is damaged; look: openssl x509 -in {file} -noout -text"
            ),
            Cause::TooManyCertificates { count } => write!(
                f,
                "{count} certificates, at most {OWN_CHAIN_CERTS_MAX} are sent; \
                 give our certificate and its intermediates only"
            ),
            Cause::NoKey(kind) => explain_no_key(kind, f, file),
            Cause::SeveralKeys { count } => {
                write!(f, "{count} private keys; leave the one of the certificate")
            }
            Cause::Encrypted => write!(
                f,
                "the private key is encrypted, and nobody is there to type its passphrase; \
                 run: openssl pkey -in {file} -out {file}.plain"
            ),
            Cause::OpenSsh => write!(
                f,
                "an OpenSSH private key; make it a PKCS#8 one: ssh-keygen -p -m PKCS8 -f {file}"
            ),
            Cause::UnsupportedKey(algorithm) => {
                write!(
                    f,
                    "a private key of kind {algorithm} is not supported; {NEW_KEY}"
                )
            }
            Cause::RsaSize { bits } => write!(
                f,
                "an RSA key of {bits} bits is not supported, only 2048, 3072 and 4096; {NEW_KEY}"
            ),
            Cause::RsaExponent => write!(
                f,
                "an RSA key with a public exponent below 65537 is not supported; {NEW_KEY}"
            ),
            Cause::EcWithoutPublicKey => write!(
                f,
                "an EC private key without its public key; \
                 add it: openssl ec -in {file} -out {file}.new"
            ),
            Cause::EcCompressed => write!(
                f,
                "an EC private key with a compressed public key; \
                 run: openssl ec -in {file} -conv_form uncompressed -out {file}.new"
            ),
            Cause::EcExplicit => write!(
                f,
                "an EC private key with explicit curve parameters; \
                 name the curve: openssl ec -in {file} -param_enc named_curve -out {file}.new"
            ),
            Cause::BadKey => write!(
                f,
                "the private key is damaged or unusually written; \
                 check it: openssl pkey -in {file} -check -noout"
            ),
            Cause::LeafNotFirst {
                position,
                count,
                subject,
            } => write!(
                f,
                "the key belongs to certificate {position} of {count} ({subject}); \
                 put that one first, then the one that issued it"
            ),
            Cause::Mismatch {
                cert,
                cert_key,
                key,
            } => write!(
                f,
                "this key ({key}) is not the key of the certificate in {} ({cert_key}); compare: \
                 openssl pkey -in {file} -pubout; openssl x509 -in {} -pubkey -noout",
                Shown(cert),
                Word(cert)
            ),
            Cause::NoCrl(kind) => explain_no_crl(kind, f),
            Cause::BadCrl { position, fault } => {
                write!(f, "revocation list {position} {fault}")
            }
            Cause::NoUsableRoot => write!(
                f,
                "no certificate in it can serve as a root; look: openssl x509 -in {file} -noout -text"
            ),
            Cause::NoSystemRoots => f.write_str(
                "no CA certificates of the system there; install the package ca-certificates, \
                 set SSL_CERT_FILE, or give --ca FILE or ca=FILE",
            ),
        }
    }
}

const NEW_KEY: &str = "make another and have it certified: \
     openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out new.key";

impl Foreign {
    fn explain(self, f: &mut fmt::Formatter<'_>, file: Word<'_>) -> fmt::Result {
        match self {
            Self::DerCertificate => write!(
                f,
                "is DER, not PEM; run: openssl x509 -inform der -in {file} -out {file}.pem"
            ),
            Self::DerCrl => {
                f.write_str("is a DER revocation list; give it as crl=, and here the PEM file")
            }
            Self::DerKey => write!(
                f,
                "is DER, not PEM; run: openssl pkey -inform der -in {file} -out {file}.pem"
            ),
            Self::Pkcs12 => write!(
                f,
                "is PKCS#12, not PEM; run: openssl pkcs12 -in {file} -nodes -out {file}.pem"
            ),
            Self::Pkcs7 => write!(
                f,
                "is PKCS#7, not PEM; run: \
                 openssl pkcs7 -inform der -in {file} -print_certs -out {file}.pem"
            ),
            Self::JavaKeyStore => write!(
                f,
                "is a Java key store, not PEM; run: keytool -importkeystore -srckeystore {file} \
                 -destkeystore {file}.p12 -deststoretype PKCS12, then \
                 openssl pkcs12 -in {file}.p12 -nodes -out {file}.pem"
            ),
            Self::Utf16 => write!(
                f,
                "is UTF-16 text; run: iconv -f UTF-16 -t UTF-8 {file} > {file}.pem"
            ),
            Self::Unknown => f.write_str("has no -----BEGIN line; give a PEM file"),
        }
    }
}

fn explain_no_certificate(kind: &Kind, f: &mut fmt::Formatter<'_>, file: Word<'_>) -> fmt::Result {
    f.write_str("no certificate, but ")?;
    match kind {
        Kind::PrivateKey => {
            f.write_str("a private key; give it as key= and the certificate as cert=")
        }
        Kind::Request => f.write_str("a certificate request; give what the CA made of it"),
        Kind::PublicKey => f.write_str("a public key; give the certificate that holds it"),
        Kind::Crl => f.write_str("a revocation list; give it as crl=, and here the certificate"),
        Kind::OpensslCertificate => write!(
            f,
            "one in a form of openssl's own; run: openssl x509 -in {file} -out {file}.pem"
        ),
        Kind::Pkcs7 => write!(
            f,
            "PKCS#7; run: openssl pkcs7 -in {file} -print_certs -out {file}.pem"
        ),
        other => write!(f, "{other}; give the file with -----BEGIN CERTIFICATE-----"),
    }
}

fn explain_no_key(kind: &Kind, f: &mut fmt::Formatter<'_>, file: Word<'_>) -> fmt::Result {
    f.write_str("no private key, but ")?;
    match kind {
        Kind::Certificate => f.write_str("a certificate; give the key's file as key="),
        Kind::Request => f.write_str("a certificate request; give the key that it was made with"),
        Kind::PublicKey => f.write_str("a public key; give the private one"),
        Kind::Parameters => write!(
            f,
            "the parameters of one; make it: openssl genpkey -paramfile {file} -out new.key"
        ),
        other => write!(f, "{other}; give the file with -----BEGIN PRIVATE KEY-----"),
    }
}

fn explain_no_crl(kind: &Kind, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "no revocation list, but {kind}; ")?;
    f.write_str(match kind {
        Kind::Certificate => "give it as cert= or ca=, and here what its CA publishes as its CRL",
        _ => "give what the CA publishes as its CRL",
    })
}

impl fmt::Display for CrlFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged => f.write_str("is damaged; get it from the CA again"),
            Self::OldVersion => f.write_str(
                "is of version 1; make one of version 2: openssl ca -gencrl, with crlnumber= in \
                 its configuration",
            ),
            Self::Endless => {
                f.write_str("does not say until when it holds; have it made with a nextUpdate")
            }
            Self::Delta => f.write_str("is a delta; give the CA's complete list"),
            Self::Indirect => {
                f.write_str("is about certificates of several CAs; give one list of each CA alone")
            }
            Self::Partial => {
                f.write_str("is about a part of the CA's certificates; give its complete list")
            }
            Self::Unsupported(why) => {
                write!(
                    f,
                    "cannot be used ({why}); ask the CA for a plain RFC 5280 one"
                )
            }
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate => f.write_str("a certificate"),
            Self::PrivateKey => f.write_str("a private key"),
            Self::Request => f.write_str("a certificate request"),
            Self::PublicKey => f.write_str("a public key"),
            Self::Crl => f.write_str("a revocation list"),
            Self::OpensslCertificate => f.write_str("a certificate in a form of openssl's own"),
            Self::Pkcs7 => f.write_str("PKCS#7"),
            Self::Pgp => f.write_str("PGP, which is not TLS"),
            Self::Parameters => f.write_str("parameters of a key"),
            Self::Other(label) => write!(f, "\"{}\"", printable(label.as_bytes())),
        }
    }
}

/// A path for people: on one line, whatever its bytes are.
pub(super) struct Shown<'a>(pub &'a Path);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(self.0.as_os_str().as_encoded_bytes()))
    }
}

/// A path as a word of a shell command.
#[derive(Clone, Copy)]
pub(super) struct Word<'a>(pub &'a Path);

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = printable(self.0.as_os_str().as_encoded_bytes());
        let plain = |char: char| char.is_ascii_alphanumeric() || "/._-+:=@%,".contains(char);
        match text.chars().all(plain) {
            true => f.write_str(&text),
            false => write!(f, "'{}'", text.replace('\'', r"'\''")),
        }
    }
}
