//! One connection after the other: handshake, requests, answers.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use rustls::{HandshakeKind, ProtocolVersion, ServerConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::http::{Framing, Input, Piece, read_head};
use super::state::Shared;
use super::{Builder, OnAccept, ReadBody, Reply, Seen, Step};
use crate::support::gate::Gate;

/// How long a closed connection is read on, so that a reset does not overtake what was sent.
const LINGER: Duration = Duration::from_secs(2);

pub(super) struct Server {
    builder: Builder,
    acceptor: TlsAcceptor,
    shared: Arc<Shared>,
}

impl Server {
    pub(super) fn new(builder: Builder, shared: Arc<Shared>) -> Arc<Self> {
        let acceptor = TlsAcceptor::from(builder.tls.config(&shared));
        Arc::new(Self {
            builder,
            acceptor,
            shared,
        })
    }

    /// Serves until told to stop; every connection is gone when it returns.
    pub(super) fn run(self: Arc<Self>, listener: TcpListener, stop: &Gate) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime for the upstream");
        runtime.block_on(async {
            tokio::select! {
                () = stop.passed() => {}
                () = Arc::clone(&self).accept(listener) => {}
            }
        });
    }

    async fn accept(self: Arc<Self>, listener: TcpListener) {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        while let Ok((tcp, _)) = listener.accept().await {
            let open = Open::count(&self.shared);
            let server = Arc::clone(&self);
            tokio::spawn(async move {
                // How a connection ended is in the state; a broken one is none of our concern.
                let _ = server.connection(tcp, open.number).await;
                drop(open);
            });
        }
    }

    async fn connection(&self, mut tcp: TcpStream, number: u64) -> io::Result<()> {
        tcp.set_nodelay(true)?;
        let on_accept = (self.builder.on_accept)(number);
        match &on_accept {
            OnAccept::Stall => return std::future::pending().await,
            OnAccept::Close => return finish(tcp).await,
            OnAccept::Reset => return tcp.set_zero_linger(),
            OnAccept::Bytes(bytes) => {
                tcp.write_all(bytes).await?;
                return finish(tcp).await;
            }
            _ => {}
        }
        let tls = match self.acceptor.accept(tcp).into_fallible().await {
            Ok(tls) => tls,
            Err((error, tcp)) => {
                self.shared
                    .change(|state| state.failures.push(error.to_string()));
                return finish(tcp).await;
            }
        };
        let mut connection = self.handshaken(tls);
        match on_accept {
            OnAccept::StallAfterHandshake => std::future::pending().await,
            OnAccept::CloseAfterHandshake => connection.close().await,
            OnAccept::CutAfterHandshake => finish(connection.tls.into_inner().0).await,
            OnAccept::ResetAfterHandshake => connection.tls.get_ref().0.set_zero_linger(),
            _ => connection.serve().await,
        }
    }

    fn handshaken(&self, tls: TlsStream<TcpStream>) -> Connection<'_> {
        let mut facts = facts(tls.get_ref().1);
        facts.connection = self.shared.change(|state| {
            *(if facts.resumed {
                &mut state.resumed
            } else {
                &mut state.full
            }) += 1;
            state.connections()
        });
        Connection {
            server: self,
            tls,
            input: Input::new(&self.shared),
            facts,
        }
    }
}

/// Counts a connection as open while it lives.
struct Open {
    shared: Arc<Shared>,
    number: u64,
}

impl Open {
    fn count(shared: &Arc<Shared>) -> Self {
        let number = shared.change(|state| {
            state.open += 1;
            state.accepted += 1;
            state.accepted
        });
        Self {
            shared: Arc::clone(shared),
            number,
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.shared.change(|state| state.open -= 1);
    }
}

/// FIN.
async fn finish(mut tcp: TcpStream) -> io::Result<()> {
    tcp.shutdown().await?;
    linger(&mut tcp).await;
    Ok(())
}

/// Reads on until the client closes too, or a while.
async fn linger(tcp: &mut TcpStream) {
    let mut sink = [0; 4096];
    let drained = async { while !matches!(tcp.read(&mut sink).await, Ok(0) | Err(_)) {} };
    let _ = tokio::time::timeout(LINGER, drained).await;
}

/// What the handshake tells of every request of its connection.
fn facts(tls: &ServerConnection) -> Seen {
    let client = tls.peer_certificates().and_then(|chain| chain.first());
    let client = client
        .and_then(|der| X509Certificate::from_der(der).ok())
        .map(|(_, cert)| cert);
    Seen {
        client_subject: client.as_ref().map(|cert| cert.subject().to_string()),
        client_issuer: client.as_ref().map(|cert| cert.issuer().to_string()),
        sni: tls.server_name().map(str::to_owned),
        alpn: tls
            .alpn_protocol()
            .map(|name| String::from_utf8_lossy(name).into_owned()),
        protocol: match tls.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "TLSv1.2".to_owned(),
            Some(ProtocolVersion::TLSv1_3) => "TLSv1.3".to_owned(),
            other => format!("{other:?}"),
        },
        cipher: tls
            .negotiated_cipher_suite()
            .map_or(String::new(), |suite| format!("{:?}", suite.suite())),
        resumed: tls.handshake_kind() == Some(HandshakeKind::Resumed),
        ..Seen::default()
    }
}

/// Whether the connection goes on after a step.
#[derive(PartialEq, Eq)]
enum Next {
    Continue,
    Ended,
}

/// A request under way.
struct Exchange {
    /// Where it is in [`super::State::seen`].
    index: usize,
    framing: Framing,
    /// Whether the client still waits for a `100 Continue`.
    expects: bool,
}

struct Connection<'a> {
    server: &'a Server,
    tls: TlsStream<TcpStream>,
    input: Input,
    facts: Seen,
}

impl Connection<'_> {
    async fn serve(&mut self) -> io::Result<()> {
        loop {
            if !self.next_request().await? {
                return self.close().await;
            }
            if self.exchange().await? == Next::Ended {
                return Ok(());
            }
        }
    }

    /// Waits for the first byte of a request; false when the client was silent for too long.
    async fn next_request(&mut self) -> io::Result<bool> {
        if !self.input.is_empty() {
            return Ok(true);
        }
        let first = self.input.fill(&mut self.tls);
        match self.server.builder.idle {
            // Before its first request a connection is not idle.
            _ if self.facts.request == 0 => first.await?,
            None => first.await?,
            Some(idle) => match tokio::time::timeout(idle, first).await {
                Ok(filled) => filled?,
                Err(_) => return Ok(false),
            },
        }
        Ok(true)
    }

    async fn exchange(&mut self) -> io::Result<Next> {
        let head = self.input.until(b"\r\n\r\n", &mut self.tls).await?;
        let mut seen = self.facts.clone();
        self.facts.request += 1;
        seen.request = self.facts.request;
        let framing = read_head(head, &mut seen);
        seen.complete = framing == Framing::Ended;
        let expects = seen.header("expect").is_some();
        let last = !keeps_alive(&seen);
        let index = self.server.shared.change(|state| {
            state.seen.push(seen);
            state.seen.len() - 1
        });
        let mut exchange = Exchange {
            index,
            framing,
            expects,
        };
        if self.server.builder.read_body == ReadBody::First {
            self.read_body(&mut exchange, u64::MAX).await?;
        }
        let seen = self.server.shared.look(|state| state.seen[index].clone());
        let reply: Reply = self.server.shared.handler()(&seen);
        for step in reply.steps(&seen.method) {
            if self.step(step, &mut exchange).await? == Next::Ended {
                return Ok(Next::Ended);
            }
        }
        // Whoever answered without a 100 and goes on reading waits for a body that may not come.
        exchange.expects = false;
        self.read_body(&mut exchange, u64::MAX).await?;
        if last {
            self.close().await?;
            return Ok(Next::Ended);
        }
        Ok(Next::Continue)
    }

    async fn step(&mut self, step: Step, exchange: &mut Exchange) -> io::Result<Next> {
        match step {
            Step::Bytes(bytes) => self.tls.write_all(&bytes).await?,
            Step::Flush => self.tls.flush().await?,
            Step::Fill(length) => self.fill(length).await?,
            Step::ReadBody => self.read_body(exchange, u64::MAX).await?,
            Step::ReadSome(least) => self.read_body(exchange, least).await?,
            Step::WaitFor(gate) => {
                self.tls.flush().await?;
                gate.passed().await;
            }
            Step::Mark(mark) => self.server.shared.change(|state| state.marks.push(mark)),
            Step::Stall => {
                self.tls.flush().await?;
                std::future::pending().await
            }
            Step::Echo => {
                self.echo().await?;
                return Ok(Next::Ended);
            }
            Step::Record => self.record(exchange).await?,
            Step::FinishWriting => self.tls.shutdown().await?,
            Step::Close => {
                self.close().await?;
                return Ok(Next::Ended);
            }
            Step::Cut => {
                self.tls.flush().await?;
                let tcp = self.tls.get_mut().0;
                tcp.shutdown().await?;
                linger(tcp).await;
                return Ok(Next::Ended);
            }
            Step::Reset => {
                self.tls.flush().await?;
                self.tls.get_ref().0.set_zero_linger()?;
                return Ok(Next::Ended);
            }
        }
        Ok(Next::Continue)
    }

    async fn fill(&mut self, length: u64) -> io::Result<()> {
        let piece = [b'x'; 8 * 1024];
        let mut left = length;
        while left > 0 {
            let now = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            self.tls.write_all(&piece[..now]).await?;
            left -= now as u64;
        }
        self.tls.flush().await
    }

    /// Reads at least so many bytes of the body, unless it ends before.
    async fn read_body(&mut self, exchange: &mut Exchange, least: u64) -> io::Result<()> {
        let builder = &self.server.builder;
        if exchange.framing != Framing::Ended && exchange.expects && builder.sends_continue {
            self.tls.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
            self.tls.flush().await?;
        }
        exchange.expects = false;
        let mut read = 0;
        while read < least && exchange.framing != Framing::Ended {
            let piece = self
                .input
                .body(&mut exchange.framing, &mut self.tls)
                .await?;
            let ended = exchange.framing == Framing::Ended;
            self.server.shared.change(|state| {
                let seen = &mut state.seen[exchange.index];
                match piece {
                    Piece::Data(data) => {
                        read += data.len() as u64;
                        seen.add_body(&data);
                    }
                    Piece::Trailers(trailers) => seen.trailers = trailers,
                    Piece::End => {}
                }
                seen.complete = ended;
            });
        }
        Ok(())
    }

    async fn echo(&mut self) -> io::Result<()> {
        self.tls.flush().await?;
        loop {
            let bytes = self.input.take();
            self.tls.write_all(&bytes).await?;
            self.tls.flush().await?;
            match self.input.fill(&mut self.tls).await {
                Ok(()) => {}
                Err(_) => return self.close().await,
            }
        }
    }

    async fn record(&mut self, exchange: &Exchange) -> io::Result<()> {
        self.tls.flush().await?;
        let mut bytes = self.input.take();
        let mut ended = false;
        while !ended {
            self.server.shared.change(|state| {
                let seen = &mut state.seen[exchange.index];
                seen.add_body(&bytes);
                seen.complete = false;
            });
            bytes.clear();
            ended = self.tls.read_buf(&mut bytes).await? == 0;
        }
        self.server
            .shared
            .change(|state| state.seen[exchange.index].complete = true);
        Ok(())
    }

    /// close_notify and FIN.
    async fn close(&mut self) -> io::Result<()> {
        self.tls.shutdown().await?;
        linger(self.tls.get_mut().0).await;
        Ok(())
    }
}

fn keeps_alive(seen: &Seen) -> bool {
    let says = |word: &str| {
        seen.header("connection").is_some_and(|value| {
            value
                .to_ascii_lowercase()
                .split(',')
                .any(|v| v.trim() == word)
        })
    };
    if seen.version == "HTTP/1.0" {
        says("keep-alive")
    } else {
        !says("close")
    }
}
