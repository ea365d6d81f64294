//! The head of an answer, as bytes (RFC 9112 §4), and how its body goes out (§6.3).

use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};

use super::head::Version;
use super::request::field;
use super::response::Reason;

/// What a client says of the answer to it.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Its version, which the answer has too.
    pub version: Version,
    /// The method of its request.
    pub method: Method,
    /// The connection may stay.
    pub stays: bool,
}

/// How the body of an answer goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// Not at all.
    Nothing,
    /// As it is: its length is known.
    Plain,
    /// In chunks.
    Chunked,
    /// As it is, up to the end of the connection.
    UntilClose,
}

impl Terms {
    /// Writes the head of `response`, whose body has this `length` if that is known. Says how the body
    /// goes out, and notes whether the connection stays.
    pub fn write_head<B>(
        &mut self,
        response: &Response<B>,
        length: Option<u64>,
        out: &mut Vec<u8>,
    ) -> Coding {
        let status = response.status();
        let coding = match (self.may_have_body(status), length) {
            (false, _) => Coding::Nothing,
            (true, Some(_)) => Coding::Plain,
            (true, None) if self.version == Version::Http11 => Coding::Chunked,
            (true, None) => Coding::UntilClose,
        };
        self.stays &= coding != Coding::UntilClose;
        self.write_line(response, out);
        let mut said = Said::default();
        for (name, value) in response.headers() {
            if self.goes(name, value, status, &mut said) {
                field(name, value, out);
            }
        }
        self.write_framing(coding, length, &said, out);
        out.extend_from_slice(b"\r\n");
        coding
    }

    /// Whether the length of a body that a HEAD leaves out is told.
    fn may_say(&self, length: u64) -> bool {
        self.method == Method::HEAD && length > 0
    }

    fn may_have_body(&self, status: StatusCode) -> bool {
        self.method != Method::HEAD && status != StatusCode::NOT_MODIFIED && !self.is_bare(status)
    }

    /// Whether such an answer has neither a body nor a length (RFC 9110 §8.6).
    fn is_bare(&self, status: StatusCode) -> bool {
        status.is_informational()
            || status == StatusCode::NO_CONTENT
            || (self.method == Method::CONNECT && status.is_success())
    }

    fn write_line<B>(&self, response: &Response<B>, out: &mut Vec<u8>) {
        out.extend_from_slice(match self.version {
            Version::Http10 => b"HTTP/1.0 ",
            Version::Http11 => b"HTTP/1.1 ",
        });
        let status = response.status();
        out.extend_from_slice(status.as_str().as_bytes());
        out.push(b' ');
        let unusual = response.extensions().get::<Reason>();
        let usual = || status.canonical_reason().unwrap_or_default().as_bytes();
        out.extend_from_slice(unusual.map_or_else(usual, |reason| &reason.0));
        out.extend_from_slice(b"\r\n");
    }

    /// Whether a field goes out as it is.
    fn goes(
        &mut self,
        name: &HeaderName,
        value: &HeaderValue,
        status: StatusCode,
        said: &mut Said,
    ) -> bool {
        match *name {
            header::CONTENT_LENGTH => {
                said.length = true;
                !self.is_bare(status)
            }
            header::CONNECTION => {
                said.connection = true;
                self.stays &= value != "close";
                true
            }
            header::TRANSFER_ENCODING => false,
            // There will be none.
            header::TRAILER => self.version == Version::Http11,
            _ => true,
        }
    }

    fn write_framing(&self, coding: Coding, length: Option<u64>, said: &Said, out: &mut Vec<u8>) {
        if coding == Coding::Chunked {
            out.extend_from_slice(b"transfer-encoding: chunked\r\n");
        } else if let Some(length) = length
            && !said.length
            && (coding == Coding::Plain || self.may_say(length))
        {
            let value = HeaderValue::from(length);
            field(&header::CONTENT_LENGTH, &value, out);
        }
        match (self.stays, self.version) {
            _ if said.connection => {}
            (false, Version::Http11) => out.extend_from_slice(b"connection: close\r\n"),
            (true, Version::Http10) => out.extend_from_slice(b"connection: keep-alive\r\n"),
            (true, Version::Http11) | (false, Version::Http10) => {}
        }
    }
}

/// What the fields of an answer said already.
#[derive(Default)]
struct Said {
    length: bool,
    connection: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: Terms = Terms {
        version: Version::Http11,
        method: Method::GET,
        stays: true,
    };
    const OLD: Terms = Terms {
        version: Version::Http10,
        ..KEPT
    };

    fn response(status: u16, fields: &[(&'static str, &'static str)]) -> Response<()> {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        for (name, value) in fields {
            let name = HeaderName::from_static(name);
            let value = HeaderValue::from_static(value);
            response.headers_mut().append(name, value);
        }
        response
    }

    fn written(
        mut terms: Terms,
        response: &Response<()>,
        length: Option<u64>,
    ) -> (String, Coding, bool) {
        let mut out = Vec::new();
        let coding = terms.write_head(response, length, &mut out);
        (String::from_utf8(out).expect("ASCII"), coding, terms.stays)
    }

    #[test]
    fn a_known_length_is_said_once() {
        let (head, coding, stays) = written(KEPT, &response(200, &[]), Some(3));
        assert_eq!(head, "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n");
        assert_eq!((coding, stays), (Coding::Plain, true));
        let (head, ..) = written(KEPT, &response(200, &[("content-length", "3")]), Some(3));
        assert_eq!(head, "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n");
        let (head, ..) = written(KEPT, &response(404, &[]), Some(0));
        assert_eq!(head, "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
    }

    #[test]
    fn an_unknown_length_goes_in_chunks_or_ends_with_the_connection() {
        let (head, coding, stays) = written(KEPT, &response(200, &[]), None);
        assert_eq!(
            head,
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        assert_eq!((coding, stays), (Coding::Chunked, true));
        let announced = response(200, &[("trailer", "x")]);
        let (head, coding, stays) = written(OLD, &announced, None);
        assert_eq!(head, "HTTP/1.0 200 OK\r\n\r\n");
        assert_eq!((coding, stays), (Coding::UntilClose, false));
    }

    #[test]
    fn an_answer_without_a_body_says_of_it_what_the_upstream_said() {
        let to_head = Terms {
            method: Method::HEAD,
            ..KEPT
        };
        let (head, coding, _) = written(
            to_head.clone(),
            &response(200, &[("content-length", "9")]),
            Some(0),
        );
        assert_eq!(head, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n");
        assert_eq!(coding, Coding::Nothing);
        let (head, ..) = written(to_head.clone(), &response(200, &[]), Some(0));
        assert_eq!(head, "HTTP/1.1 200 OK\r\n\r\n");
        let (head, ..) = written(to_head, &response(503, &[]), Some(7));
        assert!(head.contains("content-length: 7"), "{head}");
        let connect = Terms {
            method: Method::CONNECT,
            ..KEPT
        };
        let (head, ..) = written(connect, &response(200, &[]), Some(0));
        assert_eq!(head, "HTTP/1.1 200 OK\r\n\r\n");
        let (head, ..) = written(KEPT, &response(304, &[("content-length", "9")]), Some(0));
        assert_eq!(
            head,
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n"
        );
        for status in [204, 101] {
            let (head, ..) = written(KEPT, &response(status, &[("content-length", "0")]), Some(0));
            assert!(!head.contains("content-length"), "{head}");
        }
    }

    #[test]
    fn the_client_is_told_whether_the_connection_stays() {
        let closing = Terms {
            stays: false,
            ..KEPT
        };
        let (head, ..) = written(closing, &response(204, &[]), Some(0));
        assert_eq!(head, "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
        let (head, _, stays) = written(KEPT, &response(204, &[("connection", "close")]), Some(0));
        assert_eq!(head, "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
        assert!(!stays);
        let (head, ..) = written(OLD, &response(204, &[]), Some(0));
        assert_eq!(
            head,
            "HTTP/1.0 204 No Content\r\nconnection: keep-alive\r\n\r\n"
        );
        let (head, ..) = written(
            Terms {
                stays: false,
                ..OLD
            },
            &response(204, &[]),
            Some(0),
        );
        assert_eq!(head, "HTTP/1.0 204 No Content\r\n\r\n");
    }
}
