//! Sessions that clients offer to resume, and as whom they were made: every ticket and every entry
//! of the cache passes here when it comes back.

use std::fmt::{self, Debug};
use std::sync::Arc;

use rustls::server::{ProducesTickets, StoresServerSessions};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::state::Shared;

/// Writes down what comes back to a ticketer or a cache.
pub(super) struct Watched<T: ?Sized> {
    inner: Arc<T>,
    shared: Arc<Shared>,
}

impl<T: ?Sized> Watched<T> {
    pub(super) fn new(inner: Arc<T>, shared: &Arc<Shared>) -> Arc<Self> {
        let shared = Arc::clone(shared);
        Arc::new(Self { inner, shared })
    }

    fn offered(&self, session: Option<Vec<u8>>) -> Option<Vec<u8>> {
        if let Some(session) = &session {
            let subject = client_of(session);
            self.shared.change(|state| state.offered.push(subject));
        }
        session
    }
}

impl<T: ?Sized> Debug for Watched<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}

impl ProducesTickets for Watched<dyn ProducesTickets> {
    fn enabled(&self) -> bool {
        self.inner.enabled()
    }

    fn lifetime(&self) -> u32 {
        self.inner.lifetime()
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.inner.encrypt(plain)
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        self.offered(self.inner.decrypt(ticket))
    }
}

impl StoresServerSessions for Watched<dyn StoresServerSessions> {
    fn put(&self, key: Vec<u8>, session: Vec<u8>) -> bool {
        self.inner.put(key, session)
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.offered(self.inner.get(key))
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.offered(self.inner.take(key))
    }

    fn can_cache(&self) -> bool {
        self.inner.can_cache()
    }
}

/// The subject of the client's certificate, which rustls keeps whole in a session.
fn client_of(session: &[u8]) -> Option<String> {
    const SEQUENCE: [u8; 2] = [0x30, 0x82];
    let starts = session.windows(2).enumerate();
    let mut starts = starts.filter(|(_, bytes)| *bytes == SEQUENCE);
    starts.find_map(|(start, _)| {
        let (_, certificate) = X509Certificate::from_der(session.get(start..)?).ok()?;
        Some(certificate.subject().to_string())
    })
}
