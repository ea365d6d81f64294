//! One connection as `run` makes it, and one request on it.

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, HOST, HeaderMap, HeaderValue, USER_AGENT};
use http::{Method, StatusCode, Uri};
use tokio::time::{Instant, timeout};

use super::{Known, Target};
use crate::error::{Cause, Violation};
use crate::identity::Slot;
use crate::limits;
use crate::upstream::Upstream;
use crate::upstream::connect::{self, Connection, Dialer, Facts, Gathering, Handshakes, Stream};
use crate::upstream::send::Sending;
use crate::wire::{Asked, Outbound, Piece};

/// Who asks, for servers that write it down.
const AGENT: &str = concat!("egret-probe/", env!("CARGO_PKG_VERSION"));

/// What came of one connection.
#[derive(Debug)]
pub struct Attempt {
    /// What was learnt, however far it came.
    pub facts: Facts,
    /// Why there is no connection, or no answer.
    pub failure: Option<Cause>,
    /// What the server answered, where it was asked.
    pub answer: Option<Answer>,
}

/// The answer to a request.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// The first bytes of the body, [`limits::PROBE_BODY`] at most.
    pub body: Vec<u8>,
    /// From the request to the end of the body, or of what is looked at.
    pub took: Duration,
}

impl Attempt {
    /// Connects and shakes hands as `run` would.
    pub async fn connect(target: &Target, known: &Known, dialer: &Dialer) -> Self {
        let slot = known.slot(&target.upstream);
        Self::shake(&target.upstream, known, slot, dialer).await
    }

    /// Connects and shakes hands without a session, and with SNI or without.
    pub async fn apart(
        upstream: &Upstream,
        sends_sni: bool,
        known: &Known,
        dialer: &Dialer,
    ) -> Self {
        let slot = known.epoch.sessions.apart(upstream, sends_sni);
        Self::shake(upstream, known, Ok(slot), dialer).await
    }

    /// Connects and shakes hands as `run` would, and asks for the target's path.
    pub async fn ask(target: &Target, known: &Known, dialer: &Dialer) -> Self {
        let slot = known.slot(&target.upstream);
        let (mut attempt, connection) = Self::open(&target.upstream, known, slot, dialer).await;
        if let Some(mut connection) = connection {
            match answer(target, &mut connection).await {
                Ok(answer) => attempt.answer = Some(answer),
                Err(cause) => attempt.failure = Some(cause),
            }
            connection.close().await;
        }
        attempt
    }

    async fn shake(
        upstream: &Upstream,
        known: &Known,
        slot: Result<Rc<Slot>, Cause>,
        dialer: &Dialer,
    ) -> Self {
        let (attempt, connection) = Self::open(upstream, known, slot, dialer).await;
        if let Some(connection) = connection {
            connection.close().await;
        }
        attempt
    }

    async fn open(
        upstream: &Upstream,
        known: &Known,
        slot: Result<Rc<Slot>, Cause>,
        dialer: &Dialer,
    ) -> (Self, Option<Connection>) {
        let gathering = Gathering::new(Facts::detailed().into());
        let opened = open(upstream, known, slot, dialer, &gathering).await;
        let facts = gathering.take();
        let (connection, failure) = match opened {
            Ok(stream) => (Some(Connection::new(stream, facts.clone())), None),
            Err(cause) => (None, Some(cause)),
        };
        let attempt = Self {
            facts,
            failure,
            answer: None,
        };
        (attempt, connection)
    }

    /// Whether the connection was made, and the request answered if there was one.
    pub fn succeeded(&self) -> bool {
        self.failure.is_none()
    }

    /// Whether the handshake came to its end.
    pub fn shook_hands(&self) -> bool {
        self.facts.took.handshake.is_some()
    }
}

async fn open(
    upstream: &Upstream,
    known: &Known,
    slot: Result<Rc<Slot>, Cause>,
    dialer: &Dialer,
    facts: &Gathering,
) -> Result<Stream, Cause> {
    let slot = slot?;
    let config = Arc::clone(&slot.config);
    let stream = connect::open(upstream, config, dialer, &Handshakes::default(), facts).await?;
    let ours = known.epoch.valid();
    slot.remember(&mut facts.borrow_mut(), ours, Instant::now());
    Ok(stream)
}

async fn answer(target: &Target, connection: &mut Connection) -> Result<Answer, Cause> {
    let began = Instant::now();
    connection.begin(Asked {
        head: false,
        upgrade: false,
    });
    let uri = Uri::try_from(target.path()).map_err(|_| Cause::TargetRefused)?;
    let mut headers = headers(target)?;
    let outbound = connection.outbound();
    let mut sending = Sending::new(outbound, &Method::GET, &uri, &headers, None);
    let asking = poll_fn(|cx| connection.poll_response(&mut sending, &mut headers, cx));
    let late = Cause::ResponseTimeout(target.patience);
    let answered = timeout(target.patience, asking).await.map_err(|_| late)?;
    let response = answered.map_err(|_| connection.failure())?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Cause::BadResponse(Violation::UnaskedUpgrade));
    }
    let mut body = Vec::new();
    // A body that does not end, or breaks off, is none of the probe's business.
    let _read = timeout(target.patience, read(outbound, &mut body)).await;
    Ok(Answer {
        status: response.status().as_u16(),
        body,
        took: began.elapsed(),
    })
}

fn headers(target: &Target) -> Result<HeaderMap, Cause> {
    let host = HeaderValue::from_str(&target.host).map_err(|_| Cause::TargetRefused)?;
    let mut headers = HeaderMap::new();
    headers.insert(HOST, host);
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    Ok(headers)
}

/// Reads a body to its end, or as far as it is looked at.
async fn read(outbound: &Outbound<Stream>, into: &mut Vec<u8>) {
    while into.len() < limits::PROBE_BODY
        && let Some(Ok(Piece::Data(data))) = poll_fn(|cx| outbound.poll_piece(cx)).await
    {
        let room = limits::PROBE_BODY - into.len();
        into.extend_from_slice(&data[..data.len().min(room)]);
    }
}
