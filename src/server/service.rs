//! Who answers the requests that arrive at a LISTEN.

use std::rc::Rc;

use http::Response;
use http::header::{CONNECTION, HeaderValue};

use crate::config::Peer;
use crate::error::Cause;
use crate::proxy::destination::Serves;
use crate::proxy::{Client, Gone, Proxy, ResponseBody};
use crate::wire::Request;

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
    fn answer(&self, peer: &Peer, request: &Request) -> Response<String>;
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
        client: &Client,
        request: Request,
    ) -> Result<Response<ResponseBody>, Gone> {
        match self {
            Self::Proxy(proxy, serves) => proxy.handle(serves, client, request).await,
            Self::Site(site) => Ok(answer_here(&**site, client, &request)),
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

fn answer_here(site: &dyn Site, client: &Client, request: &Request) -> Response<ResponseBody> {
    let mut response = site.answer(&client.peer, request);
    if request.head.has_body() {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    // It may wait for long until its client takes it.
    response.body_mut().shrink_to_fit();
    response.map(ResponseBody::text)
}
