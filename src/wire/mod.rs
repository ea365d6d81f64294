//! The strict reader of HTTP/1.1, and what is written to upstreams.
//!
//! hyper normalises before anyone sees a request: it drops a Content-Length beside a
//! Transfer-Encoding, merges equal lengths, takes bare LF, and answers its own errors. So every
//! byte of a client passes here first: [`Inbound`] stands under hyper's server side, gathers a head,
//! holds it to the rules, and follows the framing of the body, so that what hyper is given has one
//! meaning only. [`Outbound`] does the same with an upstream's bytes, and there is no other reader
//! of those.

mod alarm;
mod chunk;
mod head;
mod inbound;
mod outbound;
mod request;
mod response;
mod socket;

pub use alarm::Alarm;
pub use head::{RequestHead, TargetForm, Version};
pub use inbound::{Inbound, InboundIo, Waiting};
pub use outbound::{Broken, News, Outbound, OutboundIo};
pub use request::{chunk_size, fields, request_head};
pub use response::Asked;
pub use socket::Socket;

use hyper::body::Body;

use crate::error::Violation;
use chunk::Chunks;
use head::Framing;

/// How hyper reads the body of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framed {
    /// No body.
    None,
    /// So many bytes.
    Length(u64),
    /// Chunks.
    Chunked,
}

impl Framed {
    /// How hyper reads `body`.
    pub fn of(body: &impl Body) -> Self {
        match body.size_hint().exact() {
            Some(0) => Self::None,
            Some(length) => Self::Length(length),
            None => Self::Chunked,
        }
    }
}

/// Follows one body to its end.
#[derive(Debug)]
enum BodyReader {
    Length(u64),
    Chunked(Chunks),
    UntilClose,
}

impl BodyReader {
    /// The reader for `framing`; `None` when there is no body.
    fn new(framing: Framing) -> Option<Self> {
        match framing {
            Framing::None | Framing::Length(0) => None,
            Framing::Length(length) => Some(Self::Length(length)),
            Framing::Chunked => Some(Self::Chunked(Chunks::default())),
            Framing::UntilClose => Some(Self::UntilClose),
        }
    }

    /// Takes what belongs to this body from the front of `bytes`: how many bytes, and whether the
    /// body ends with them.
    fn feed(&mut self, bytes: &[u8]) -> Result<(usize, bool), Violation> {
        match self {
            Self::Length(left) => {
                let taken =
                    usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                *left -= taken as u64;
                Ok((taken, *left == 0))
            }
            Self::Chunked(chunks) => chunks.feed(bytes),
            Self::UntilClose => Ok((bytes.len(), false)),
        }
    }
}
