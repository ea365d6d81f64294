//! The strict reader of HTTP/1.1, and what is written to clients and upstreams.
//!
//! Libraries normalise before anyone sees a message: they drop a Content-Length beside a
//! Transfer-Encoding, merge equal lengths, take bare LF, and answer their own errors. So every
//! byte is read here and by nobody else: [`Inbound`] reads a client's, [`Outbound`] an upstream's.
//! Each gathers a head, holds it to the rules and follows the framing of the body, so that what is
//! sent on has one meaning only.

mod alarm;
mod answer;
mod chunk;
mod content;
mod head;
mod inbound;
mod out;
mod outbound;
mod request;
mod response;
mod socket;
mod turn;

pub use alarm::Alarm;
pub use answer::{Coding, Terms};
pub use content::Piece;
pub use head::{Framing, RequestHead, TargetForm, Version};
pub use inbound::{BodyCut, Inbound, InboundIo, NoRequest, Refused, Request, Waiting};
pub use out::Out;
pub use outbound::{Broken, News, Outbound, OutboundIo};
pub use request::request_head;
pub use response::Asked;
pub use socket::Socket;
pub use turn::Turn;

use crate::error::Violation;
use chunk::Chunks;

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

    /// How much of it is read at once, of so many bytes at most.
    fn room(&self, most: usize) -> usize {
        match self {
            Self::Length(left) => usize::try_from(*left).map_or(most, |left| left.min(most)),
            Self::Chunked(_) | Self::UntilClose => most,
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
