//! The demo's certificates: two authorities, a server, two clients.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::CertifiedKey;

use crate::support::certs::{Ca, Leaf, parse_certs, write_file};

/// A set that ends within this time is made anew.
const LEFT: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const CLIENTS: [&str; 2] = ["client", "another"];

/// What became of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// It was there, whole and valid.
    Kept,
    /// It was made.
    Made,
}

/// Sees to it that `dir` holds `ca.crt`, `server.crt`, `client-ca.crt`, `client.crt`, `another.crt`
/// and the keys of the three leaves.
///
/// The keys of the authorities are forgotten at once, so a set in which anything is wrong is made
/// anew as a whole.
///
/// # Errors
/// The folder or a file cannot be written.
pub fn ensure(dir: &Path) -> io::Result<Set> {
    if is_good(dir).is_some() {
        return Ok(Set::Kept);
    }
    make(dir)?;
    Ok(Set::Made)
}

fn make(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let (servers, clients) = (Ca::new("demo cloud CA"), Ca::new("demo device CA"));
    write_file(dir, "ca.crt", &servers.pem(), 0o644)?;
    write_leaf(
        dir,
        "server",
        &servers.server(&["localhost", "127.0.0.1", "::1"]),
    )?;
    write_file(dir, "client-ca.crt", &clients.pem(), 0o644)?;
    for name in CLIENTS {
        write_leaf(dir, name, &clients.client(name))?;
    }
    Ok(())
}

fn write_leaf(dir: &Path, name: &str, leaf: &Leaf) -> io::Result<()> {
    write_file(dir, &format!("{name}.crt"), &leaf.cert_pem, 0o644)?;
    write_file(dir, &format!("{name}.key"), &leaf.key_pem, 0o600)?;
    Ok(())
}

/// Reads a leaf back from a folder that [`ensure`] saw to.
///
/// # Errors
/// A file cannot be read.
pub fn load(dir: &Path, name: &str) -> io::Result<Leaf> {
    Leaf::load(
        &dir.join(format!("{name}.crt")),
        &dir.join(format!("{name}.key")),
    )
}

/// `Some` when every file is there, fits the others, and will for a while.
fn is_good(dir: &Path) -> Option<()> {
    let provider = Arc::new(ring::default_provider());
    let then = UnixTime::since_unix_epoch(Duration::from_secs(UnixTime::now().as_secs()) + LEFT);

    let roots = roots(dir, "ca.crt")?;
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider));
    let verifier = verifier.build().ok()?;
    let server = checked(dir, "server", &provider)?;
    let name = ServerName::try_from("localhost").ok()?;
    verifier
        .verify_server_cert(server.end_entity_cert().ok()?, &[], &name, &[], then)
        .ok()?;

    let roots = self::roots(dir, "client-ca.crt")?;
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider));
    let verifier = verifier.build().ok()?;
    for name in CLIENTS {
        let client = checked(dir, name, &provider)?;
        verifier
            .verify_client_cert(client.end_entity_cert().ok()?, &[], then)
            .ok()?;
    }
    Some(())
}

fn roots(dir: &Path, name: &str) -> Option<Arc<RootCertStore>> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(parse_certs(&fs::read_to_string(dir.join(name)).ok()?));
    Some(Arc::new(store))
}

/// A leaf whose key is its own.
fn checked(dir: &Path, name: &str, provider: &CryptoProvider) -> Option<CertifiedKey> {
    let leaf = load(dir, name).ok()?;
    CertifiedKey::from_der(leaf.chain(), leaf.try_key()?, provider).ok()
}
