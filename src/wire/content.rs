//! What is read of a message, whoever sent it: its fields, and its body in pieces.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::chunk::{Chunks, Part};
use super::head;
use crate::error::Violation;

/// A piece of a body.
#[derive(Debug)]
pub enum Piece {
    /// Content.
    Data(Bytes),
    /// The fields after a chunked body.
    Trailers(HeaderMap),
}

impl Piece {
    /// Bytes of content.
    pub fn size(&self) -> usize {
        match self {
            Self::Data(data) => data.len(),
            Self::Trailers(_) => 0,
        }
    }
}

/// Adds a field whose value lies in `whole`. The strict reader takes no name and no value that is
/// refused here.
pub(super) fn append(
    fields: &mut HeaderMap,
    whole: &Bytes,
    name: &[u8],
    value: &[u8],
) -> Result<(), Violation> {
    let name = HeaderName::from_bytes(name).map_err(|_| Violation::NameByte)?;
    let value = HeaderValue::from_maybe_shared(whole.slice_ref(value));
    fields.append(name, value.map_err(|_| Violation::ControlByte)?);
    Ok(())
}

/// The fields of a trailer section, which ends with its empty line.
pub(super) fn trailers(section: &Bytes) -> Result<HeaderMap, Violation> {
    let mut fields = HeaderMap::new();
    head::trailers(section, |name, value| {
        append(&mut fields, section, name, value)
    })?;
    Ok(fields)
}

/// The data of as many chunks as `bytes` hold, in one piece, and how many bytes of the message
/// those are; trailers go to `section`.
pub(super) fn take_chunks(
    chunks: &mut Chunks,
    bytes: &[u8],
    section: &mut BytesMut,
) -> Result<(usize, Bytes), Violation> {
    let mut data = BytesMut::new();
    let mut at = 0;
    while let Some(rest) = bytes.get(at..)
        && let (taken @ 1.., part) = chunks.step(rest)?
    {
        match part {
            Part::Data => {
                if data.is_empty() {
                    data.reserve(rest.len());
                }
                data.extend_from_slice(&rest[..taken]);
            }
            Part::Trailers => section.extend_from_slice(&rest[..taken]),
            Part::Coding => {}
        }
        at += taken;
    }
    Ok((at, data.freeze()))
}
