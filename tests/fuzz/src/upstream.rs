//! A TLS server that keeps what it gets, and answers as it is told.

use std::collections::HashSet;
use std::io;
use std::mem;
use std::net::TcpListener as StdListener;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, LocalOptions};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::spawn_local;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::http::{self, Bounds, End, NoHead, Request};
use crate::world::PATIENCE;

/// The target that is answered by the [`Script`].
pub const SCRIPTED: &str = "/script";

pub struct Upstream {
    pub port: u16,
    /// PEM.
    pub ca: String,
    pub record: Arc<Record>,
}

/// What is answered to [`SCRIPTED`].
#[derive(Debug, Clone, Default)]
pub struct Script {
    pub pieces: Vec<Vec<u8>>,
    pub then: Then,
}

/// What follows a script.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Then {
    /// An orderly end.
    #[default]
    Close,
    /// An end without TLS's own.
    Cut,
    /// The next request.
    Stay,
}

/// What came, and what is answered.
#[derive(Default)]
pub struct Record {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    whole: Vec<Request>,
    cut: Vec<Vec<u8>>,
    /// Connections in the middle of a request.
    busy: HashSet<usize>,
    script: Script,
}

impl Record {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics")
    }

    /// Answers [`SCRIPTED`] like this from now on.
    pub fn play(&self, script: Script) {
        self.state().script = script;
    }

    /// All requests since the last time, those that were cut off apart; no request is under way.
    pub fn take(&self) -> (Vec<Request>, Vec<Vec<u8>>) {
        let state = self.state();
        let is_busy = |state: &mut State| !state.busy.is_empty();
        let settled = self.changed.wait_timeout_while(state, PATIENCE, is_busy);
        let (mut state, waited) = settled.expect("nobody panics");
        assert!(!waited.timed_out(), "a request is left open");
        (mem::take(&mut state.whole), mem::take(&mut state.cut))
    }

    fn note(&self, connection: usize, is_busy: bool) {
        let mut state = self.state();
        match is_busy {
            true => state.busy.insert(connection),
            false => state.busy.remove(&connection),
        };
        self.changed.notify_all();
    }

    /// Keeps a request and tells how many came before it.
    fn keep(&self, request: Request) -> usize {
        let mut state = self.state();
        state.whole.push(request);
        state.whole.len() - 1
    }

    fn ended(&self, connection: usize, rest: Vec<u8>) {
        if !rest.is_empty() {
            self.state().cut.push(rest);
        }
        self.note(connection, false);
    }
}

impl Upstream {
    /// Starts one on a thread of its own.
    pub fn start() -> Self {
        let listener = StdListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a socket");
        let port = listener.local_addr().expect("an address").port();
        let (ca, config) = certificates();
        let record = Arc::new(Record::default());
        let shared = Arc::clone(&record);
        thread::spawn(move || {
            let mut builder = Builder::new_current_thread();
            let runtime = builder.enable_all().build_local(LocalOptions::default());
            runtime
                .expect("a runtime")
                .block_on(accept(listener, config, shared));
        });
        Self { port, ca, record }
    }
}

async fn accept(listener: StdListener, config: ServerConfig, record: Arc<Record>) {
    // libFuzzer's main leaves the signal as it is, and it would end the process.
    let _ignored = signal(SignalKind::pipe()).expect("a signal");
    let listener = TcpListener::from_std(listener).expect("a socket");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    for connection in 0.. {
        let (stream, _) = listener.accept().await.expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        let (acceptor, record) = (acceptor.clone(), Arc::clone(&record));
        spawn_local(async move {
            let mut rest = Vec::new();
            // egret may close at any time.
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let _ = serve(&mut stream, &mut rest, connection, &record).await;
            }
            record.ended(connection, rest);
        });
    }
}

async fn serve(
    stream: &mut TlsStream<TcpStream>,
    read: &mut Vec<u8>,
    connection: usize,
    record: &Record,
) -> io::Result<()> {
    let mut is_told_to_go_on = false;
    loop {
        record.note(connection, !read.is_empty());
        match http::request(read, Bounds::OURS) {
            Err(NoHead::Open) => {}
            Ok(request) => match request.body.end {
                End::At(end) => {
                    assert!(
                        !read.starts_with(b"\r"),
                        "egret sent {}",
                        read.escape_ascii()
                    );
                    read.drain(..end);
                    is_told_to_go_on = false;
                    if answer(stream, request, record).await? != Then::Stay {
                        return Ok(());
                    }
                    continue;
                }
                End::Open if is_told_to_go_on => {}
                End::Open => {
                    is_told_to_go_on = true;
                    stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
                }
                End::Broken => panic!("egret sent {}", read.escape_ascii()),
            },
            Err(NoHead::Broken) => panic!("egret sent {}", read.escape_ascii()),
        }
        if stream.read_buf(read).await? == 0 {
            return Ok(());
        }
    }
}

async fn answer(
    stream: &mut TlsStream<TcpStream>,
    request: Request,
    record: &Record,
) -> io::Result<Then> {
    let (method, target) = (request.method.clone(), request.target.clone());
    let seen = record.keep(request);
    if target == SCRIPTED {
        let script = record.state().script.clone();
        return play(stream, script).await;
    }
    let body = if method == "HEAD" { "" } else { &target };
    let length = target.len();
    let answer =
        format!("HTTP/1.1 200 OK\r\nx-seen: {seen}\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(answer.as_bytes()).await?;
    Ok(Then::Stay)
}

async fn play(stream: &mut TlsStream<TcpStream>, script: Script) -> io::Result<Then> {
    for piece in &script.pieces {
        stream.write_all(piece).await?;
        stream.flush().await?;
    }
    if script.then == Then::Close {
        stream.shutdown().await?;
    }
    Ok(script.then)
}

/// An authority in PEM, and a server that it vouches for.
fn certificates() -> (String, ServerConfig) {
    let mut params = CertificateParams::new(Vec::new()).expect("a certificate");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = || KeyPair::generate().expect("a key");
    let ca = CertifiedIssuer::self_signed(params, key()).expect("a certificate");
    let key = key();
    let params = CertificateParams::new(["127.0.0.1".to_owned()]).expect("a certificate");
    let leaf = params.signed_by(&key, &ca).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let secret = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], secret)
        .expect("a certificate and its key");
    (ca.pem(), config)
}
