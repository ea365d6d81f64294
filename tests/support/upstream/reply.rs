//! What an upstream answers: a response, or a script of anything.

use std::sync::Arc;

use super::Seen;
use crate::support::gate::Gate;

/// One thing that an upstream does in answer to a request.
#[derive(Debug, Clone)]
pub enum Step {
    /// Writes these bytes.
    Bytes(Vec<u8>),
    /// Waits until what was written is handed to the kernel.
    Flush,
    /// Writes that many bytes of body, all `x`, a few KiB at a time.
    Fill(u64),
    /// Reads what is left of the request's body.
    ReadBody,
    /// Reads at least so many more bytes of the request's body, unless it ends before.
    ReadSome(u64),
    /// Waits until the test opens the gate.
    WaitFor(Arc<Gate>),
    /// Leaves a mark in [`super::State::marks`].
    Mark(&'static str),
    /// Sends back whatever comes until the client ends, then closes.
    Echo,
    /// Adds whatever comes to the body seen until the client ends; complete is what ended with
    /// close_notify.
    Record,
    /// close_notify and FIN, and goes on reading.
    FinishWriting,
    /// Does nothing until the upstream stops; not even a closing client is noticed.
    Stall,
    /// close_notify and FIN.
    Close,
    /// FIN without close_notify.
    Cut,
    /// RST.
    Reset,
}

#[derive(Debug, Clone)]
enum Body {
    Length(Vec<u8>),
    Chunked {
        chunks: Vec<Vec<u8>>,
        trailers: Vec<(String, String)>,
    },
    UntilClose(Vec<u8>),
}

#[derive(Debug, Clone)]
enum Content {
    Response {
        status: u16,
        headers: Vec<(String, String)>,
        body: Body,
    },
    Steps(Vec<Step>),
}

/// An answer. The connection stays open after it unless it says otherwise.
#[derive(Debug, Clone)]
pub struct Reply {
    content: Content,
    then: Vec<Step>,
}

impl Reply {
    /// A response without a body.
    pub fn status(status: u16) -> Self {
        let content = Content::Response {
            status,
            headers: Vec::new(),
            body: Body::Length(Vec::new()),
        };
        Self {
            content,
            then: Vec::new(),
        }
    }

    /// 200 with JSON of all that was seen.
    pub fn echo(seen: &Seen) -> Self {
        Self::json(200, seen)
    }

    /// Any status with JSON of all that was seen.
    pub fn json(status: u16, seen: &Seen) -> Self {
        let body = format!("{}\n", seen.json());
        Self::status(status)
            .header("Content-Type", "application/json")
            .body(body.as_bytes())
    }

    /// Exactly these bytes.
    pub fn raw(bytes: impl AsRef<[u8]>) -> Self {
        Self::script(vec![Step::Bytes(bytes.as_ref().to_vec())])
    }

    /// Exactly these steps.
    pub fn script(steps: Vec<Step>) -> Self {
        Self {
            content: Content::Steps(steps),
            then: Vec::new(),
        }
    }

    /// A field more; of no effect on raw bytes and scripts, as are the bodies below.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Content::Response { headers, .. } = &mut self.content {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// With this body and its `Content-Length`.
    pub fn body(self, bytes: impl AsRef<[u8]>) -> Self {
        self.with(Body::Length(bytes.as_ref().to_vec()))
    }

    /// With a chunked body.
    pub fn chunked(self, chunks: &[&[u8]]) -> Self {
        self.chunked_with_trailers(chunks, &[])
    }

    /// With a chunked body and trailers (the `Trailer` field is the caller's to add).
    pub fn chunked_with_trailers(self, chunks: &[&[u8]], trailers: &[(&str, &str)]) -> Self {
        let chunks = chunks.iter().map(|chunk| chunk.to_vec()).collect();
        let trailers = trailers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        self.with(Body::Chunked { chunks, trailers })
    }

    /// With a body that ends with the connection.
    pub fn until_close(self, bytes: impl AsRef<[u8]>) -> Self {
        self.with(Body::UntilClose(bytes.as_ref().to_vec()))
    }

    /// With `Connection: close`, and closes.
    pub fn close(self) -> Self {
        self.header("Connection", "close").then(Step::Close)
    }

    /// And after it, this.
    pub fn then(mut self, step: Step) -> Self {
        self.then.push(step);
        self
    }

    fn with(mut self, new: Body) -> Self {
        if let Content::Response { body, .. } = &mut self.content {
            *body = new;
        }
        self
    }

    /// The steps that send it in answer to a request of that method.
    pub(super) fn steps(self, method: &str) -> Vec<Step> {
        let mut steps = match self.content {
            Content::Steps(steps) => steps,
            Content::Response {
                status,
                headers,
                body,
            } => response(status, &headers, &body, method),
        };
        steps.extend(self.then);
        steps
    }
}

fn response(status: u16, headers: &[(String, String)], body: &Body, method: &str) -> Vec<Step> {
    let mut bytes = format!("HTTP/1.1 {status} {}\r\n", reason(status));
    for (name, value) in headers {
        bytes += &format!("{name}: {value}\r\n");
    }
    match body {
        Body::Length(_) if status < 200 || status == 204 || status == 304 => {}
        Body::Length(body) => bytes += &format!("Content-Length: {}\r\n", body.len()),
        Body::Chunked { .. } => bytes += "Transfer-Encoding: chunked\r\n",
        Body::UntilClose(_) => {}
    }
    bytes += "\r\n";
    let mut bytes = bytes.into_bytes();
    let mut last = None;
    match body {
        _ if method == "HEAD" => {}
        Body::Length(body) => bytes.extend_from_slice(body),
        Body::Chunked { chunks, trailers } => append_chunks(&mut bytes, chunks, trailers),
        Body::UntilClose(body) => {
            bytes.extend_from_slice(body);
            last = Some(Step::Close);
        }
    }
    [Step::Bytes(bytes), Step::Flush]
        .into_iter()
        .chain(last)
        .collect()
}

fn append_chunks(bytes: &mut Vec<u8>, chunks: &[Vec<u8>], trailers: &[(String, String)]) {
    for chunk in chunks {
        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n");
    for (name, value) in trailers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
}

fn reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        101 => "Switching Protocols",
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        302 => "Found",
        304 => "Not Modified",
        403 => "Forbidden",
        404 => "Not Found",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Status",
    }
}
