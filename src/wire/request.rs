//! The head of a request, and the parts of any message, as bytes (RFC 9112 §3, §5 and §7.1).

use std::io::Write;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

/// What most fields need: a name, a value, a colon, a blank and a line end.
const FIELD_BYTES: usize = 40;

/// The head of a request: its line, its fields and the empty line. Of `target` only the path and
/// the query go out.
pub fn request_head(method: &Method, target: &Uri, headers: &HeaderMap) -> Vec<u8> {
    let line = method.as_str().len() + target.path().len() + " ? HTTP/1.1\r\n".len();
    let line = line + target.query().map_or(0, str::len);
    let mut head = Vec::with_capacity(line + headers.len() * FIELD_BYTES);
    head.extend_from_slice(method.as_str().as_bytes());
    head.push(b' ');
    head.extend_from_slice(target.path().as_bytes());
    if let Some(query) = target.query() {
        head.push(b'?');
        head.extend_from_slice(query.as_bytes());
    }
    head.extend_from_slice(b" HTTP/1.1\r\n");
    fields(headers, &mut head);
    head.extend_from_slice(b"\r\n");
    head
}

/// Field lines, without the empty line that ends them.
pub fn fields<'a>(
    headers: impl IntoIterator<Item = (&'a HeaderName, &'a HeaderValue)>,
    out: &mut Vec<u8>,
) {
    for (name, value) in headers {
        field(name, value, out);
    }
}

/// A field line.
pub(super) fn field(name: &HeaderName, value: &HeaderValue, out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_str().as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// The line before a chunk of so many bytes, of which there are some.
pub fn chunk_size(size: usize, out: &mut Vec<u8>) {
    // Writing to a vector does not fail.
    let _written = write!(out, "{size:x}\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_has_its_line_its_fields_and_an_empty_line() {
        let mut headers = HeaderMap::new();
        headers.append("host", HeaderValue::from_static("a"));
        headers.append("x", HeaderValue::from_static("1"));
        headers.append("x", HeaderValue::from_static("\t2"));
        let head = |target: &str| {
            let target: Uri = target.parse().expect("a target");
            let head = request_head(&Method::PUT, &target, &headers);
            String::from_utf8(head).expect("ASCII")
        };
        let fields = "host: a\r\nx: 1\r\nx: \t2\r\n\r\n";
        for (target, sent) in [
            ("/a/b?c=d", "/a/b?c=d"),
            ("/?", "/?"),
            ("*", "*"),
            ("//a", "//a"),
            ("http://b?c", "/?c"),
        ] {
            assert_eq!(head(target), format!("PUT {sent} HTTP/1.1\r\n{fields}"));
        }
    }

    #[test]
    fn a_chunk_has_its_size_in_hex_before_it() {
        let mut out = Vec::new();
        chunk_size(0xbeef, &mut out);
        assert_eq!(out, b"beef\r\n");
    }
}
