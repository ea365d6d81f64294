//! One request: which route, as whom, out, and its answer back.

mod body;
pub mod browser;
pub mod destination;
mod exchange;
pub mod forward;
pub mod headers;
mod line;
mod present;
mod record;
mod refusals;
mod tally;
pub mod target;
mod tunnel;

pub use body::{CutOff, ResponseBody};
pub use record::{Ledger, Record};
pub use refusals::Refusals;
pub use tally::{Failed, Handshake, Tally};
pub use tunnel::Tunnel;

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Response, StatusCode};
use tokio::time::Instant;

use crate::config::Peer;
use crate::error::{Cause, Failure};
use crate::identity::clock::Clock;
use crate::upstream::body::Upload;
use crate::upstream::connect::Dialer;
use crate::wire::{Framing, Inbound, Request, Version};
use destination::{Destination, Hop, Serves};
use exchange::{Begun, Exchange};
use forward::Tunnelled;
use headers::{Pseudonym, RequestFraming};
use line::RequestLine;
use present::Present;

const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");

/// What all requests share.
pub struct Proxy {
    /// Who opens connections, and the timeouts of that.
    pub dialer: Rc<Dialer>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Who we are in Via.
    pub pseudonym: Pseudonym,
    /// `--max-body`.
    pub max_body: Option<u64>,
    /// `--response-timeout`.
    pub response_timeout: Duration,
    /// `--tunnel-idle`.
    pub tunnel_idle: Duration,
    /// Peers whose refusal was logged lately.
    pub refusals: RefCell<Refusals>,
    /// Where requests are told of.
    pub ledger: Rc<Ledger>,
}

/// One client connection, as its requests see it.
#[derive(Debug, Clone)]
pub struct Client {
    /// Who it is.
    pub peer: Peer,
    /// The LISTEN that it arrived at.
    pub listener: Rc<str>,
    /// Where it arrived, as a client would call it that does not say Host.
    pub local: Rc<str>,
    /// Its socket and how far it was read.
    pub inbound: Rc<Inbound>,
    /// What takes the connection over once the answer is out.
    pub tunnel: Rc<RefCell<Option<Box<Tunnel>>>>,
}

/// The client is gone: nobody is left to answer.
#[derive(Debug, Clone, Copy)]
pub struct Gone;

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the client went away")
    }
}

impl std::error::Error for Gone {}

/// Why there is no answer from an upstream.
enum Refusal {
    Gone,
    Failed(Failure),
}

impl From<Cause> for Refusal {
    fn from(cause: Cause) -> Self {
        Self::Failed(cause.into())
    }
}

type Answer = Response<ResponseBody>;

impl Proxy {
    /// Answers one request to a listener that `serves` this.
    ///
    /// # Errors
    /// [`Gone`] when the client is.
    pub async fn handle(
        &self,
        serves: &Serves,
        client: &Client,
        request: Request,
    ) -> Result<Answer, Gone> {
        let line = RequestLine::new(&request);
        let mut record = Record::new(&self.ledger, client, line, Instant::now());
        match self.dispatch(serves, client, &mut record, request).await {
            Ok(response) => Ok(recorded(response, record, client)),
            Err(Refusal::Gone) => Err(Gone),
            Err(Refusal::Failed(failure)) => {
                record.failed(&failure);
                self.report(&failure, client, &record.line);
                let close = failure.cause.is_clients() || client.inbound.is_in_body();
                Ok(recorded(answer(&failure, close), record, client))
            }
        }
    }

    /// Tells of what was no request, and is answered all the same.
    pub fn refused(&self, client: &Client, cause: &Cause) {
        let line = RequestLine::default();
        let mut record = Record::new(&self.ledger, client, line, Instant::now());
        record.failed(&Failure::from(cause.clone()));
        record.answered(cause.status());
    }

    async fn dispatch(
        &self,
        serves: &Serves,
        client: &Client,
        record: &mut Record,
        request: Request,
    ) -> Result<Answer, Refusal> {
        let line = &record.line;
        let found = serves.find(&request.head, line.method(), line.target(), &client.peer)?;
        if request.head.other_expectation {
            return Err(Cause::Expectation.into());
        }
        match found {
            Destination::Tunnel(tunnelled) => self.connect(client, tunnelled, record).await,
            Destination::Forwarded(forwarded) => {
                let hop = Hop::forwarded(&forwarded);
                self.forward(client, &hop, request, record).await
            }
            Destination::Route(route, uri) => {
                let is_tcp = matches!(client.peer, Peer::Tcp(_));
                if is_tcp && !route.config.any_origin && browser::is_foreign(&request.fields) {
                    return Err(Cause::WebPage.into());
                }
                let hop = Hop::by_route(route, uri);
                self.forward(client, &hop, request, record).await
            }
        }
    }

    /// CONNECT: a blind relay.
    async fn connect(
        &self,
        client: &Client,
        to: Tunnelled<'_>,
        record: &mut Record,
    ) -> Result<Answer, Refusal> {
        let identity = &to.rule.identity;
        record.goes(&to.rule.tally, identity, None);
        let lease = identity.connect_plain(&to.host, to.port, &self.dialer);
        let lease = lease.await.map_err(|cause| {
            Refusal::Failed(Failure {
                cause,
                upstream: Some(to.authority.clone()),
                identity: Some(identity.config.name.clone()),
            })
        })?;
        let what = format!("tunnel of {} to {}", client.peer, to.authority);
        let tunnel = Tunnel::plain(lease, self.tunnel_idle, what);
        *client.tunnel.borrow_mut() = Some(Box::new(tunnel));
        Ok(Response::new(ResponseBody::text(String::new())))
    }

    async fn forward(
        &self,
        client: &Client,
        hop: &Hop<'_>,
        request: Request,
        record: &mut Record,
    ) -> Result<Answer, Refusal> {
        record.goes(hop.tally, hop.identity, Some(hop.upstream));
        let present = Present::of(&request.fields);
        self.admit(hop, &request, present)?;
        let Request {
            head,
            method,
            fields: mut headers,
            ..
        } = request;
        let counts_hops = matches!(method, Method::OPTIONS | Method::TRACE);
        if counts_hops && !headers::count_hop(&mut headers) {
            return Ok(Response::new(ResponseBody::text(String::new())));
        }
        let called = headers.get(header::HOST).cloned();
        let framing = match head.framing {
            Framing::None | Framing::Length(0) | Framing::UntilClose => RequestFraming::None,
            Framing::Length(_) => RequestFraming::Length,
            Framing::Chunked => RequestFraming::Chunked,
        };
        let takes_trailers = present.has(Present::TE) && headers::accepts_trailers(&headers);
        let plain = framing == RequestFraming::None && head.version == Version::Http11;
        let upgrade = match plain && present.has(Present::UPGRADE) {
            true => headers::offered_upgrade(&headers),
            false => None,
        };
        headers::request(&mut headers, present, framing);
        if let Some(protocols) = &upgrade {
            headers::set_upgrade(&mut headers, protocols.clone());
        }
        let sent_host = hop.set_host(&mut headers, called.as_ref())?;
        if hop.via {
            self.pseudonym
                .add_to(&mut headers, head.version == Version::Http11);
        }
        let announced = headers::announced_trailers(&headers, framing);
        let upload = (framing != RequestFraming::None).then(|| {
            let inbound = Rc::clone(&client.inbound);
            let expects = head.expect_continue;
            let now = Instant::now();
            Upload::new(inbound, self.max_body, expects, announced, now)
        });
        record.carries(upload.as_ref());
        let exchange = Exchange {
            record,
            dialer: &self.dialer,
            hop,
            method,
            headers,
            upload,
            upgrade,
            patience: hop.response_timeout.unwrap_or(self.response_timeout),
        };
        let (mut response, lease, rest) = exchange.run().await?;
        let present = Present::of(response.headers());
        if !hop.keep_redirects && present.has(Present::LOCATIONS) {
            redirect(response.headers_mut(), |location| {
                let called = called_as(called.as_ref(), client);
                hop.way_back(location, text_of(&sent_host), called)
            });
        }
        let begun = (response, lease, rest);
        Ok(self.relay(client, hop, takes_trailers, present, begun))
    }

    /// What stands against a request whatever it asks for.
    fn admit(&self, hop: &Hop<'_>, request: &Request, present: Present) -> Result<(), Cause> {
        let came_by = hop.via && present.has(Present::VIA);
        if came_by && self.pseudonym.is_in(&request.fields) {
            return Err(Cause::Loop);
        }
        if let (Some(limit), Framing::Length(length)) = (self.max_body, request.head.framing)
            && length > limit
        {
            return Err(Cause::BodyTooLarge(limit));
        }
        match self.clock.time() {
            Some(_) => Ok(()),
            None => Err(Cause::ClockNotSet),
        }
    }

    /// The upstream's answer, as the client gets it.
    fn relay(
        &self,
        client: &Client,
        hop: &Hop<'_>,
        takes_trailers: bool,
        present: Present,
        (mut response, lease, rest): Begun,
    ) -> Answer {
        let status = response.status();
        let headers = response.headers_mut();
        let protocol = match present.has(Present::UPGRADE) {
            true => headers.get(header::UPGRADE).cloned(),
            false => None,
        };
        headers::response(headers, present);
        if hop.via {
            self.pseudonym.add_to(headers, true);
        }
        if status == StatusCode::SWITCHING_PROTOCOLS {
            if let Some(protocol) = protocol {
                headers::set_upgrade(headers, protocol);
            }
            let what = format!("upgrade of {} to {}", client.peer, hop.authority);
            let tunnel = Tunnel::upgraded(lease, self.tunnel_idle, what);
            *client.tunnel.borrow_mut() = Some(Box::new(tunnel));
            return response.map(|()| ResponseBody::text(String::new()));
        }
        let announced = match takes_trailers {
            true => headers::announced_trailers(headers, RequestFraming::Chunked),
            false => Vec::new(),
        };
        let idle = self.dialer.upstream_idle;
        let patience = hop.response_timeout.unwrap_or(self.response_timeout);
        let blame = hop.blame();
        response.map(|()| ResponseBody::relay(lease, rest, announced, idle, patience, blame))
    }

    fn report(&self, failure: &Failure, client: &Client, line: &RequestLine) {
        let level = self.level(&failure.cause, client.peer);
        let text = format!(
            "{} at {}, {} {}: {} {failure} ({})",
            client.peer,
            client.local,
            line.method(),
            line.path(),
            failure.cause.status(),
            failure.cause.label(),
        );
        log::log!(level, "{text}");
        if level <= log::Level::Warn {
            self.ledger.remember(Failed::new(SystemTime::now(), text));
        }
    }

    /// How loud a failure is: a client's own fault is no concern of the log, unless somebody
    /// comes who is not admitted.
    fn level(&self, cause: &Cause, peer: Peer) -> log::Level {
        let news = match cause {
            Cause::PeerDenied(_) => self.refusals.borrow_mut().is_news(peer, Instant::now()),
            cause => !cause.is_clients(),
        };
        match news {
            true => log::Level::Warn,
            false => log::Level::Debug,
        }
    }
}

/// The answer, with the record that ends when it is through.
fn recorded(mut answer: Answer, mut record: Record, client: &Client) -> Answer {
    record.answered(answer.status().as_u16());
    match &mut *client.tunnel.borrow_mut() {
        Some(tunnel) => tunnel.record(record),
        None => answer.body_mut().record(record),
    }
    answer
}

/// The listener, as the client called it in Host.
fn called_as<'a>(host: Option<&'a HeaderValue>, client: &'a Client) -> &'a str {
    match host.map_or("", text_of) {
        "" => &client.local,
        host => host,
    }
}

fn text_of(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}

/// Leads redirects back through the listener.
fn redirect(headers: &mut HeaderMap, way_back: impl Fn(&str) -> Option<String>) {
    for name in [header::LOCATION, header::CONTENT_LOCATION] {
        let back = headers
            .get(&name)
            .and_then(|value| value.to_str().ok())
            .and_then(&way_back)
            .and_then(|back| HeaderValue::try_from(back).ok());
        if let Some(back) = back {
            headers.insert(name, back);
        }
    }
}

/// Our own answer. `close` ends the connection with it: what follows cannot be trusted, or the
/// rest of a body would have to be read first.
fn answer(failure: &Failure, close: bool) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::text(failure.body()));
    *response.status_mut() =
        StatusCode::from_u16(failure.cause.status()).unwrap_or(StatusCode::BAD_GATEWAY);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    if let Ok(status) = HeaderValue::try_from(failure.proxy_status()) {
        headers.insert(PROXY_STATUS, status);
    }
    if let Some(seconds) = failure.cause.retry_after() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if failure.cause == Cause::ConnectOnRoute {
        // RFC 9110 §15.5.6 wants it; CONNECT is the only method not taken.
        headers.insert(
            header::ALLOW,
            HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
        );
    }
    if close {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The same answer in bytes, to what was no request; `to_head` without its text, which would be taken
/// for the next answer (RFC 9110 §9.3.2).
pub fn raw_answer(cause: Cause, to_head: bool) -> Vec<u8> {
    let failure = Failure::from(cause);
    let body = failure.body();
    let shown = if to_head { "" } else { &body };
    let status = StatusCode::from_u16(failure.cause.status()).unwrap_or(StatusCode::BAD_REQUEST);
    format!(
        "HTTP/1.1 {} {}\r\ncontent-type: text/plain; charset=utf-8\r\nproxy-status: {}\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{shown}",
        status.as_u16(),
        status.canonical_reason().unwrap_or_default(),
        failure.proxy_status(),
        body.len(),
    )
    .into_bytes()
}
