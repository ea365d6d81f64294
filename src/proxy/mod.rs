//! One request: which route, as whom, out, and its answer back.

mod body;
mod exchange;
pub mod headers;
mod refusals;
pub mod target;

pub use body::{CutOff, ResponseBody};
pub use refusals::Refusals;

use std::cell::RefCell;
use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::uri::Uri;
use http::{HeaderMap, Request, Response, StatusCode, Version};
use hyper::body::{Body, Incoming};
use tokio::time::Instant;

use crate::error::{Cause, Failure};
use crate::identity::Dialer;
use crate::identity::clock::Clock;
use crate::upstream::body::Upload;
use crate::wire::{Framed, Inbound, RequestHead, TargetForm};
use exchange::Exchange;
use headers::{Pseudonym, RequestFraming};
use target::{Route, Routes};

const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");

/// What all requests share.
pub struct Proxy {
    /// Who opens connections, and the timeouts of that.
    pub dialer: Dialer,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Who we are in Via.
    pub pseudonym: Pseudonym,
    /// `--max-body`.
    pub max_body: Option<u64>,
    /// `--response-timeout`.
    pub response_timeout: Duration,
    /// Peers whose refusal was logged lately.
    pub refusals: RefCell<Refusals>,
}

/// One client connection, as its requests see it.
#[derive(Debug, Clone)]
pub struct Client {
    /// Where it comes from.
    pub peer: SocketAddr,
    /// Where it arrived.
    pub local: SocketAddr,
    /// The routes of its listener.
    pub routes: Rc<Routes>,
    /// Its socket and how far it was read.
    pub inbound: Rc<Inbound>,
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

impl Proxy {
    /// Answers one request. hyper calls this before it reads the body.
    ///
    /// # Errors
    /// [`Gone`] when the client is.
    pub async fn handle(
        self: Rc<Self>,
        client: Client,
        request: Request<Incoming>,
    ) -> Result<Response<ResponseBody>, Gone> {
        // Taken before the first await: the reader below follows the framing from here on.
        let taken = client.inbound.take_request(framed(request.body()));
        let (head, raw) = match taken {
            Ok(taken) => taken,
            Err(violation) => return Ok(answer(&Cause::from(violation).into(), &client, true)),
        };
        let line = RequestLine::new(&head, &raw);
        match self.forward(&client, &head, &line, request).await {
            Ok(response) => Ok(response),
            Err(Refusal::Gone) => Err(Gone),
            Err(Refusal::Failed(failure)) => {
                self.report(&failure, &client, &line);
                let close = failure.cause.is_clients() || client.inbound.is_in_body();
                Ok(answer(&failure, &client, close))
            }
        }
    }

    async fn forward(
        &self,
        client: &Client,
        head: &RequestHead,
        line: &RequestLine,
        request: Request<Incoming>,
    ) -> Result<Response<ResponseBody>, Refusal> {
        let route = choose(client, head, line)?;
        let (parts, incoming) = request.into_parts();
        if head.other_expectation {
            return Err(Cause::Expectation.into());
        }
        if route.config.via && self.pseudonym.is_in(&parts.headers) {
            return Err(Cause::Loop.into());
        }
        let exact = incoming.size_hint().exact();
        if let (Some(limit), Some(length)) = (self.max_body, exact)
            && length > limit
        {
            return Err(Cause::BodyTooLarge(limit).into());
        }
        if self.clock.time().is_none() {
            return Err(Cause::ClockNotSet.into());
        }
        let uri = match head.form {
            TargetForm::Asterisk => Uri::from_static("*"),
            _ => Uri::from(route.outgoing(&line.target)?),
        };
        let called = called(&parts.headers, client);
        let mut headers = parts.headers;
        let framing = match exact {
            Some(0) => RequestFraming::None,
            Some(_) => RequestFraming::Length,
            None => RequestFraming::Chunked,
        };
        headers::request(&mut headers, framing);
        let sent_host = set_host(&mut headers, route)?;
        if route.config.via {
            self.pseudonym
                .add_to(&mut headers, parts.version == Version::HTTP_11);
        }
        let upload = (framing != RequestFraming::None).then(|| {
            let inbound = Rc::clone(&client.inbound);
            let expects = head.expect_continue;
            Upload::new(incoming, inbound, self.max_body, expects, Instant::now())
        });
        let patience = route
            .config
            .response_timeout
            .unwrap_or(self.response_timeout);
        let exchange = Exchange {
            dialer: &self.dialer,
            route,
            method: parts.method,
            uri,
            headers,
            upload,
            patience,
        };
        let blame = exchange.blame();
        let (mut response, lease) = exchange.run().await?;
        headers::response(response.headers_mut());
        if route.config.via {
            self.pseudonym.add_to(response.headers_mut(), true);
        }
        if !route.config.keep_redirects {
            redirect(response.headers_mut(), route, &sent_host, &called);
        }
        *response.version_mut() = Version::HTTP_11;
        let idle = self.dialer.upstream_idle;
        let inbound = Rc::clone(&client.inbound);
        Ok(response
            .map(|incoming| ResponseBody::relay(incoming, lease, idle, patience, blame, inbound)))
    }

    fn report(&self, failure: &Failure, client: &Client, line: &RequestLine) {
        log::log!(
            self.level(&failure.cause),
            "{} {} {}: {} {failure} ({})",
            client.peer,
            line.method,
            line.path(),
            failure.cause.status(),
            failure.cause.label(),
        );
    }

    /// How loud a failure is: a client's own fault is no concern of the log, unless somebody
    /// comes who is not admitted.
    fn level(&self, cause: &Cause) -> log::Level {
        let news = match cause {
            Cause::PeerDenied(peer) => {
                let mut refusals = self.refusals.borrow_mut();
                refusals.is_news(*peer, Instant::now())
            }
            cause => !cause.is_clients(),
        };
        match news {
            true => log::Level::Warn,
            false => log::Level::Debug,
        }
    }
}

/// The request line as the client wrote it: hyper's own copy may differ.
#[derive(Debug)]
struct RequestLine {
    method: String,
    target: String,
}

impl RequestLine {
    fn new(head: &RequestHead, raw: &Bytes) -> Self {
        let text = |range: &std::ops::Range<usize>| {
            // The strict reader let printable ASCII through, nothing else.
            String::from_utf8_lossy(raw.get(range.clone()).unwrap_or_default()).into_owned()
        };
        Self {
            method: text(&head.method),
            target: text(&head.target),
        }
    }

    /// For the log: a query may hold secrets.
    fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

fn framed(body: &Incoming) -> Framed {
    match body.size_hint().exact() {
        Some(0) => Framed::None,
        Some(length) => Framed::Length(length),
        None => Framed::Chunked,
    }
}

fn choose<'a>(
    client: &'a Client,
    head: &RequestHead,
    line: &RequestLine,
) -> Result<&'a Rc<Route>, Cause> {
    let target = match head.form {
        TargetForm::Origin => line.target.as_str(),
        TargetForm::Asterisk => "/",
        TargetForm::Absolute => return Err(Cause::NotOriginForm),
        TargetForm::Authority => return Err(Cause::ConnectOnRoute),
    };
    let route = client.routes.find(target)?;
    let peer = client.peer.ip();
    match route.config.admits(peer) {
        true => Ok(route),
        false => Err(Cause::PeerDenied(peer)),
    }
}

/// The listener, as the client called it.
fn called(headers: &HeaderMap, client: &Client) -> String {
    match headers.get(header::HOST).map(HeaderValue::to_str) {
        Some(Ok(host)) if !host.is_empty() => String::from(host),
        _ => client.local.to_string(),
    }
}

/// Sets Host and tells what it is.
fn set_host(headers: &mut HeaderMap, route: &Route) -> Result<String, Cause> {
    if let Some(host) = &route.host {
        headers.insert(header::HOST, host.clone());
    } else if !headers.contains_key(header::HOST) {
        // An HTTP/1.0 client need not send one; HTTP/1.1 goes out, and must have one.
        let own = HeaderValue::from_str(&route.authority).map_err(|_| Cause::TargetRefused)?;
        headers.insert(header::HOST, own);
    }
    let host = headers.get(header::HOST).map(HeaderValue::to_str);
    Ok(String::from(host.and_then(Result::ok).unwrap_or_default()))
}

/// Leads redirects back through the listener.
fn redirect(headers: &mut HeaderMap, route: &Route, sent_host: &str, called: &str) {
    for name in [header::LOCATION, header::CONTENT_LOCATION] {
        let back = headers
            .get(&name)
            .and_then(|value| value.to_str().ok())
            .and_then(|location| route.way_back(location, sent_host, called))
            .and_then(|back| HeaderValue::try_from(back).ok());
        if let Some(back) = back {
            headers.insert(name, back);
        }
    }
}

/// Our own answer. `close` ends the connection with it: what follows cannot be trusted, or the
/// rest of a body would have to be read first.
fn answer(failure: &Failure, client: &Client, close: bool) -> Response<ResponseBody> {
    let body = ResponseBody::text(failure.body(), Rc::clone(&client.inbound));
    let mut response = Response::new(body);
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

/// The same answer in bytes, for a connection that hyper no longer has.
pub fn raw_answer(cause: Cause) -> Vec<u8> {
    let failure = Failure::from(cause);
    let body = failure.body();
    let status = StatusCode::from_u16(failure.cause.status()).unwrap_or(StatusCode::BAD_REQUEST);
    format!(
        "HTTP/1.1 {} {}\r\ncontent-type: text/plain; charset=utf-8\r\nproxy-status: {}\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        status.as_u16(),
        status.canonical_reason().unwrap_or_default(),
        failure.proxy_status(),
        body.len(),
    )
    .into_bytes()
}
