//! What the upstream got, read by the letter of RFC 9112 and no more.

use std::fmt;

/// One request, as far as it came.
#[derive(PartialEq, Eq)]
pub struct Message {
    /// Request line and fields, the names in lower case.
    pub head: String,
    /// Without its framing.
    pub body: Vec<u8>,
    /// As in `head`.
    pub trailers: String,
    pub whole: bool,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { head, trailers, .. } = self;
        let end = if self.whole { "" } else { " (cut off)" };
        write!(f, "{head:?} {} {trailers:?}{end}", self.body.escape_ascii())
    }
}

impl Message {
    /// `GET`, say.
    pub fn method(&self) -> &str {
        self.head.split(' ').next().unwrap_or_default()
    }
}

/// The requests of one connection; panics when they are not as plain as HTTP/1.1 can be.
pub fn messages(raw: &[u8]) -> Vec<Message> {
    let mut rest = raw;
    let mut messages = Vec::new();
    while !rest.is_empty() {
        let (message, after) = message(rest);
        messages.push(message);
        rest = after;
    }
    messages
}

fn message(raw: &[u8]) -> (Message, &[u8]) {
    let mut message = Message {
        head: String::new(),
        body: Vec::new(),
        trailers: String::new(),
        whole: false,
    };
    let Some((head, rest)) = section(raw) else {
        message.head = raw.escape_ascii().to_string();
        return (message, &[]);
    };
    message.head = head;
    let field = |name: &str| {
        let start = format!("\r\n{name}: ");
        let values: Vec<_> = message.head.split(&start).skip(1).collect();
        assert!(values.len() < 2, "two of {name}: {message:?}");
        let value = values.first().and_then(|value| value.split('\r').next());
        value.map(str::to_owned)
    };
    match (field("content-length"), field("transfer-encoding")) {
        (None, None) => {
            message.whole = true;
            (message, rest)
        }
        (Some(length), None) => {
            let length: usize = length.parse().expect("a length");
            let (body, rest) = rest.split_at(length.min(rest.len()));
            message.body = body.to_vec();
            message.whole = body.len() == length;
            (message, rest)
        }
        (None, Some(coding)) => {
            assert_eq!(coding, "chunked");
            let rest = chunks(&mut message, rest);
            message.whole = rest.is_some();
            (message, rest.unwrap_or_default())
        }
        both => panic!("two lengths: {both:?}"),
    }
}

/// What follows the body; `None` when it is cut off.
fn chunks<'a>(message: &mut Message, raw: &'a [u8]) -> Option<&'a [u8]> {
    let mut rest = raw;
    loop {
        let (size, data) = split(rest, b"\r\n")?;
        assert!(size.iter().all(u8::is_ascii_hexdigit), "{size:?}");
        let size = std::str::from_utf8(size).expect("hex digits");
        let size = usize::from_str_radix(size, 16).expect("a size");
        if size == 0 {
            // The lines of the section follow the first CRLF, as those of a head do.
            let (trailers, after) = section(&rest[rest.len() - data.len() - 2..])?;
            message.trailers = trailers;
            return Some(after);
        }
        message.body.extend(data.iter().take(size));
        let end = data.get(size..size + 2)?;
        assert_eq!(end, b"\r\n");
        rest = &data[size + 2..];
    }
}

/// The lines up to the empty one, and what follows it.
fn section(raw: &[u8]) -> Option<(String, &[u8])> {
    let (lines, rest) = split(raw, b"\r\n\r\n")?;
    let mut text = String::new();
    for (number, line) in lines.escape_ascii().to_string().split("\\r\\n").enumerate() {
        assert!(!line.contains("\\r") && !line.contains("\\n"), "{line}");
        match line.split_once(": ") {
            Some((name, value)) if number > 0 => {
                text += &format!("\r\n{}: {value}", name.to_ascii_lowercase());
            }
            _ => text += line,
        }
    }
    Some((text, rest))
}

fn split<'a>(raw: &'a [u8], end: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = raw.windows(end.len()).position(|window| window == end)?;
    Some((&raw[..at], &raw[at + end.len()..]))
}
