//! Who answers the requests that arrive at a LISTEN.

use std::rc::Rc;

use http::header::{CONNECTION, HeaderValue};
use http::request::Parts;
use http::{Request, Response};
use hyper::body::{Body, Incoming};

use crate::config::Peer;
use crate::error::Cause;
use crate::proxy::destination::Serves;
use crate::proxy::{Client, Gone, Proxy, ResponseBody};
use crate::wire::Framed;

/// What a LISTEN is for.
pub enum Service {
    /// Requests go on to an upstream.
    Proxy(Rc<Proxy>, Serves),
    /// Requests are answered here.
    Site(Rc<dyn Site>),
}

/// Answers from what is known here, at once.
pub trait Site {
    /// The answer to a request without its body.
    fn answer(&self, peer: &Peer, request: &Parts) -> Response<String>;
}

impl Service {
    /// The proxy, if requests go on to an upstream.
    pub fn proxy(&self) -> Option<&Proxy> {
        match self {
            Self::Proxy(proxy, _) => Some(proxy),
            Self::Site(_) => None,
        }
    }

    /// Answers one request.
    ///
    /// # Errors
    /// [`Gone`] when the client is.
    pub(super) async fn answer(
        &self,
        client: Client,
        request: Request<Incoming>,
    ) -> Result<Response<ResponseBody>, Gone> {
        match self {
            Self::Proxy(proxy, serves) => proxy.handle(serves, client, request).await,
            Self::Site(site) => answer_here(&**site, &client, request),
        }
    }

    /// Takes note of a request that was refused before anybody was asked.
    pub(super) fn refused(&self, client: &Client, cause: &Cause) {
        match self {
            Self::Proxy(proxy, _) => proxy.refused(client, cause),
            Self::Site(_) => {}
        }
    }
}

fn answer_here(
    site: &dyn Site,
    client: &Client,
    request: Request<Incoming>,
) -> Result<Response<ResponseBody>, Gone> {
    let (parts, body) = request.into_parts();
    // The reader and hyper do not agree: nothing more can be read from this client.
    client
        .inbound
        .take_request(Framed::of(&body))
        .map_err(|_| Gone)?;
    let mut response = site.answer(&client.peer, &parts);
    if !body.is_end_stream() {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    // It may wait for long until its client takes it.
    response.body_mut().shrink_to_fit();
    Ok(response.map(|text| ResponseBody::text(text, Rc::clone(&client.inbound))))
}
