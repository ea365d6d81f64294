//! `--admin`: what egret tells of itself, to Prometheus, to load balancers and to people.
//!
//! Everything is read when it is asked for: nothing here is written to while requests are served.

mod exposition;
mod health;
mod html;
mod metrics;
mod page;
pub mod process;
mod status;
mod watched;
mod words;

pub use watched::Watched;

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode, Uri};
use tokio::time::Instant;

use crate::config::{AdminConfig, Peer};
use crate::identity::Identity;
use crate::identity::clock::unix_seconds;
use crate::proxy::{Proxy, browser};
use crate::server::{Clients, Site};
use crate::wire::Request;
use health::Health;

/// What it looks at.
pub struct Admin {
    config: AdminConfig,
    /// DNS, the clock and what failed lately.
    proxy: Rc<Proxy>,
    /// Those in use.
    identities: Vec<Rc<Identity>>,
    /// Of every LISTEN, its own the last.
    clients: Vec<(Rc<str>, Rc<Clients>)>,
    routes: Vec<Watched>,
    started: Instant,
    /// When that was, in unix seconds; known once the clock is set.
    started_at: OnceCell<i64>,
    stopping: Cell<bool>,
}

/// What is sent as what.
struct Content {
    kind: &'static str,
    text: String,
}

impl Content {
    fn plain(text: impl Into<String>) -> Self {
        Self {
            kind: "text/plain; charset=utf-8",
            text: text.into(),
        }
    }
}

impl Admin {
    /// Over everything that this egret has.
    pub fn new(
        config: AdminConfig,
        proxy: Rc<Proxy>,
        identities: Vec<Rc<Identity>>,
        clients: Vec<(Rc<str>, Rc<Clients>)>,
        routes: Vec<Watched>,
    ) -> Self {
        Self {
            config,
            proxy,
            identities,
            clients,
            routes: watched::distinct(routes),
            started: Instant::now(),
            started_at: OnceCell::new(),
            stopping: Cell::new(false),
        }
    }

    /// The process ends once requests in flight have finished.
    pub fn stop(&self) {
        self.stopping.set(true);
    }

    /// In unix seconds; `None` while no clock was ever set. It stays what it once was: a clock that
    /// is corrected is no new start.
    fn started_at(&self) -> Option<i64> {
        let now = self.proxy.clock.time();
        let start = now.and_then(|now| now.checked_sub(self.started.elapsed()));
        let start = start.map(|start| *self.started_at.get_or_init(|| unix_seconds(start)));
        start.or(self.started_at.get().copied())
    }

    fn health(&self) -> Health {
        Health::of(&self.identities, &*self.proxy.clock, self.stopping.get())
    }

    /// Why somebody is told nothing.
    fn refusal(&self, peer: &Peer, request: &Request) -> Option<(StatusCode, &'static str)> {
        if !self.config.admits(peer) {
            let why = "no from= or uid= of --admin admits you\n";
            return Some((StatusCode::FORBIDDEN, why));
        }
        if matches!(peer, Peer::Tcp(_)) && browser::is_foreign(&request.fields) {
            let why = "not for web pages of another origin, or of another name than localhost or \
                       an address; type this address in\n";
            return Some((StatusCode::FORBIDDEN, why));
        }
        if !matches!(request.method, Method::GET | Method::HEAD) {
            return Some((StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n"));
        }
        None
    }

    fn tell(&self, path: &str) -> (StatusCode, Content) {
        let ok = |content| (StatusCode::OK, content);
        match path {
            "/" => ok(page::page(self)),
            "/status.json" => ok(status::status(self)),
            "/metrics" => ok(metrics::metrics(self)),
            "/healthz" => ok(Content::plain("ok\n")),
            "/readyz" => {
                let health = self.health();
                let status = match health.is_ready() {
                    true => StatusCode::OK,
                    false => StatusCode::SERVICE_UNAVAILABLE,
                };
                (status, Content::plain(health.to_string()))
            }
            _ => {
                let all = "there are /, /status.json, /metrics, /healthz and /readyz\n";
                (StatusCode::NOT_FOUND, Content::plain(all))
            }
        }
    }
}

impl Site for Admin {
    fn answer(&self, peer: &Peer, request: &Request) -> Response<String> {
        let (status, content) = match self.refusal(peer, request) {
            Some((status, why)) => (status, Content::plain(why)),
            None => self.tell(uri(request).as_ref().map_or("", Uri::path)),
        };
        let mut response = Response::new(content.text);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.extend(FIELDS.map(|(name, value)| (name, HeaderValue::from_static(value))));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content.kind));
        if status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        response
    }
}

/// The target; `None` where it is none that a site has.
fn uri(request: &Request) -> Option<Uri> {
    Uri::try_from(request.target()).ok()
}

/// What goes with every answer: it is true for a moment only, and nobody else's to show.
const FIELDS: [(HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, page::POLICY),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];
