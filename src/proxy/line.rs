//! The first line of a request, for people and for routing.

use std::ops::Range;

use bytes::Bytes;

use crate::wire::Request;

/// The method and the target as the client wrote them.
#[derive(Debug, Clone)]
pub(super) struct RequestLine {
    raw: Bytes,
    method: Range<usize>,
    target: Range<usize>,
}

impl Default for RequestLine {
    /// Of what is no request.
    fn default() -> Self {
        Self {
            raw: Bytes::from_static(b"-"),
            method: 0..1,
            target: 0..1,
        }
    }
}

impl RequestLine {
    /// The line of `request`.
    pub fn new(request: &Request) -> Self {
        Self {
            raw: request.line.clone(),
            method: request.head.method.clone(),
            target: request.head.target.clone(),
        }
    }

    pub fn method(&self) -> &str {
        self.text(&self.method)
    }

    pub fn target(&self) -> &str {
        self.text(&self.target)
    }

    /// For the log: a query may hold secrets.
    pub fn path(&self) -> &str {
        self.target().split('?').next().unwrap_or_default()
    }

    fn text(&self, range: &Range<usize>) -> &str {
        // The strict reader let printable ASCII through, nothing else.
        let bytes = self.raw.get(range.clone()).unwrap_or_default();
        str::from_utf8(bytes).unwrap_or_default()
    }
}
