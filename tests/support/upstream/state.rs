//! What an upstream saw, and how a test waits for it.

use ring::digest::{Context, SHA256};
use std::fmt::{self, Debug};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::Handler;
use crate::support::PATIENCE;
use crate::support::json::Value;

/// Bytes of a body that are kept; its length and checksum go on counting.
const BODY_KEPT: usize = 1024 * 1024;

/// One request, and the connection it came on.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Subject of the client's certificate, as `CN=client`; of a resumed session, that of the full
    /// handshake it descends from.
    pub client_subject: Option<String>,
    pub client_issuer: Option<String>,
    pub sni: Option<String>,
    pub alpn: Option<String>,
    /// `TLSv1.2` or `TLSv1.3`.
    pub protocol: String,
    /// As `TLS13_AES_128_GCM_SHA256`.
    pub cipher: String,
    /// Whether the TLS handshake was a resumption.
    pub resumed: bool,
    /// Which completed handshake since the start, from 1.
    pub connection: u64,
    /// Which request on that connection, from 1.
    pub request: u64,
    pub method: String,
    /// As it was sent.
    pub target: String,
    /// As `HTTP/1.1`.
    pub version: String,
    /// In the order and letter case in which they were sent.
    pub headers: Vec<(String, String)>,
    /// The first MiB of the body so far, without its framing.
    pub body: Vec<u8>,
    /// Bytes of the body so far.
    pub body_length: u64,
    /// Of the body so far.
    pub body_checksum: Sha256,
    /// Whether the body's end arrived.
    pub complete: bool,
    pub trailers: Vec<(String, String)>,
    /// From the first byte of the request line to the empty line.
    pub raw_head: Vec<u8>,
}

impl Seen {
    /// The first field of that name, in any letter case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(field, _)| field.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// How many fields have that name, in any letter case.
    pub fn count(&self, name: &str) -> usize {
        self.headers
            .iter()
            .filter(|(field, _)| field.eq_ignore_ascii_case(name))
            .count()
    }

    /// What [`super::Reply::echo`] answers.
    pub fn json(&self) -> Value {
        let text = |text: &str| Value::Text(text.to_owned());
        let printable = std::str::from_utf8(&self.body).ok().map(str::to_owned);
        let fields = vec![
            (
                "client_subject",
                Value::optional(self.client_subject.as_ref()),
            ),
            (
                "client_issuer",
                Value::optional(self.client_issuer.as_ref()),
            ),
            ("sni", Value::optional(self.sni.as_ref())),
            ("alpn", Value::optional(self.alpn.as_ref())),
            ("protocol", text(&self.protocol)),
            ("cipher", text(&self.cipher)),
            ("resumed", Value::Bool(self.resumed)),
            ("connection", Value::number(self.connection)),
            ("request", Value::number(self.request)),
            ("method", text(&self.method)),
            ("target", text(&self.target)),
            ("version", text(&self.version)),
            ("host", self.header("host").map_or(Value::Null, text)),
            ("headers", pairs(&self.headers)),
            ("body_length", Value::number(self.body_length)),
            ("body_checksum", Value::Text(self.body_checksum.hex())),
            ("body", Value::optional(printable.as_ref())),
            ("trailers", pairs(&self.trailers)),
        ];
        Value::Object(
            fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    }

    pub(super) fn add_body(&mut self, bytes: &[u8]) {
        let room = BODY_KEPT.saturating_sub(self.body.len()).min(bytes.len());
        self.body.extend_from_slice(&bytes[..room]);
        self.body_length += bytes.len() as u64;
        self.body_checksum.add(bytes);
    }
}

fn pairs(fields: &[(String, String)]) -> Value {
    let text = |text: &String| Value::Text(text.clone());
    let pair = |(name, value): &(String, String)| Value::List(vec![text(name), text(value)]);
    Value::List(fields.iter().map(pair).collect())
}

/// SHA-256 of bytes that come piece by piece.
#[derive(Clone)]
pub struct Sha256(Context);

impl Sha256 {
    fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Of all that came so far, in lower case.
    pub fn hex(&self) -> String {
        let digest = self.0.clone().finish();
        digest
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

impl Default for Sha256 {
    fn default() -> Self {
        Self(Context::new(&SHA256))
    }
}

impl PartialEq for Sha256 {
    fn eq(&self, other: &Self) -> bool {
        self.hex() == other.hex()
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

/// The SHA-256 of `bytes`.
pub fn checksum(bytes: &[u8]) -> Sha256 {
    let mut sum = Sha256::default();
    sum.add(bytes);
    sum
}

/// Everything an upstream knows, since its first start.
#[derive(Default)]
pub struct State {
    /// Requests, in the order in which their heads arrived.
    pub seen: Vec<Seen>,
    /// The first 64 KiB that each connection sent within TLS, in the order of their handshakes.
    pub raw: Vec<Vec<u8>>,
    /// TCP connections accepted.
    pub accepted: u64,
    /// TCP connections open now.
    pub open: u64,
    /// Full TLS handshakes.
    pub full: u64,
    /// Resumed TLS handshakes.
    pub resumed: u64,
    /// Sessions that clients offered to resume and that we know: the subject of the certificate
    /// that each was made with.
    pub offered: Vec<Option<String>>,
    /// Why TLS handshakes failed.
    pub failures: Vec<String>,
    /// What [`super::Step::Mark`] left.
    pub marks: Vec<&'static str>,
}

impl State {
    /// TLS handshakes completed.
    pub fn connections(&self) -> u64 {
        self.full + self.resumed
    }
}

/// Short enough to read when a test fails.
impl Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} accepted, {} open", self.accepted, self.open)?;
        writeln!(f, "{} full handshakes, {} resumed", self.full, self.resumed)?;
        writeln!(f, "failures {:?}, marks {:?}", self.failures, self.marks)?;
        for seen in &self.seen {
            let Seen {
                method,
                target,
                connection,
                request,
                ..
            } = seen;
            let Seen {
                client_subject,
                body_length,
                complete,
                ..
            } = seen;
            write!(
                f,
                "{method} {target} (connection {connection}, request {request}) "
            )?;
            writeln!(
                f,
                "as {client_subject:?}, {body_length} bytes, complete: {complete}"
            )?;
        }
        Ok(())
    }
}

pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    handler: Mutex<Handler>,
}

impl Shared {
    pub(super) fn new(handler: Handler) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            handler: Mutex::new(handler),
        })
    }

    pub(super) fn handler(&self) -> Handler {
        lock(&self.handler).clone()
    }

    pub(super) fn set_handler(&self, handler: Handler) {
        *lock(&self.handler) = handler;
    }

    pub(super) fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&lock(&self.state))
    }

    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut lock(&self.state));
        self.changed.notify_all();
        result
    }

    pub(super) fn wait_until(&self, mut so: impl FnMut(&State) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut state = lock(&self.state);
        while !so(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "the upstream did not come to that:\n{state:?}"
            );
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// A test that panicked while it looked does not spoil what there is to see.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
