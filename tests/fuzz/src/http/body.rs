//! Bodies.

use super::{Body, End, Fields, Framing};

/// Not for a trailer to say.
const REFUSED: [&str; 7] = [
    "transfer-encoding",
    "content-length",
    "host",
    "connection",
    "te",
    "trailer",
    "upgrade",
];

/// The body that `bytes` start with.
pub(super) fn read(bytes: &[u8], framing: Framing) -> Body {
    match framing {
        Framing::Unsaid => whole(&[], 0),
        Framing::Length(length) => match usize::try_from(length) {
            Ok(length) if length <= bytes.len() => whole(&bytes[..length], length),
            _ => unfinished(bytes.to_vec(), End::Open),
        },
        Framing::Chunked => chunked(bytes),
    }
}

fn whole(bytes: &[u8], end: usize) -> Body {
    Body {
        bytes: bytes.to_vec(),
        trailers: Fields::default(),
        end: End::At(end),
    }
}

fn unfinished(bytes: Vec<u8>, end: End) -> Body {
    Body {
        bytes,
        trailers: Fields::default(),
        end,
    }
}

fn chunked(bytes: &[u8]) -> Body {
    let mut data = Vec::new();
    let mut at = 0;
    let mut extensions = 0;
    loop {
        let (size, extension) = match size(&bytes[at..]) {
            Ok(read) => read,
            Err(end) => return unfinished(data, end),
        };
        extensions += extension.1;
        if extensions > 4096 {
            return unfinished(data, End::Broken);
        }
        at += extension.0;
        let rest = &bytes[at..];
        let length = usize::try_from(size).unwrap_or(usize::MAX);
        if length == 0 {
            return trailers(data, bytes, at);
        }
        data.extend_from_slice(&rest[..length.min(rest.len())]);
        if length >= rest.len() {
            return unfinished(data, End::Open);
        }
        match &rest[length..] {
            [b'\r', b'\n', ..] => at += length + 2,
            [b'\r'] => return unfinished(data, End::Open),
            _ => return unfinished(data, End::Broken),
        }
    }
}

/// A chunk's size; how long its line is, and how much of that are extensions.
fn size(bytes: &[u8]) -> Result<(u64, (usize, usize)), End> {
    let digits = bytes.iter().position(|byte| !byte.is_ascii_hexdigit());
    let digits = digits.unwrap_or(bytes.len());
    if digits > 16 {
        return Err(End::Broken);
    }
    let end = extension_end(&bytes[digits..])?;
    if digits == 0 || end > 0 && digits + end > 1024 {
        return Err(End::Broken);
    }
    match &bytes[digits + end..] {
        [_] => Err(End::Open),
        [_, b'\n', ..] => {
            let text = str::from_utf8(&bytes[..digits]).map_err(|_| End::Broken)?;
            let size = u64::from_str_radix(text, 16).map_err(|_| End::Broken)?;
            Ok((size, (digits + end + 2, end)))
        }
        _ => Err(End::Broken),
    }
}

/// Where the CR is that ends a chunk-size line; quotes end on it.
fn extension_end(rest: &[u8]) -> Result<usize, End> {
    if !matches!(rest.first(), None | Some(b'\r' | b';')) {
        return Err(End::Broken);
    }
    let mut is_quoted = false;
    let mut bytes = rest.iter().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\r' if !is_quoted => return Ok(at),
            b'"' => is_quoted = !is_quoted,
            b'\\' if is_quoted => match bytes.next() {
                Some((_, byte)) if is_bad(*byte) => return Err(End::Broken),
                _ => {}
            },
            byte if is_bad(*byte) => return Err(End::Broken),
            _ => {}
        }
    }
    Err(End::Open)
}

fn is_bad(byte: u8) -> bool {
    byte.is_ascii_control() && byte != b'\t'
}

fn trailers(data: Vec<u8>, bytes: &[u8], at: usize) -> Body {
    let rest = &bytes[at..];
    if rest.starts_with(b"\r\n") {
        return whole(&data, at + 2);
    }
    let (lines, length) = match super::head(rest, 8192) {
        Ok(read) => read,
        Err(super::NoHead::Open) => return unfinished(data, End::Open),
        Err(super::NoHead::Broken) => return unfinished(data, End::Broken),
    };
    match Fields::read(&lines, 100) {
        Ok(fields)
            if !fields
                .0
                .iter()
                .any(|field| REFUSED.contains(&field.0.as_str())) =>
        {
            Body {
                bytes: data,
                trailers: fields,
                end: End::At(at + length),
            }
        }
        _ => unfinished(data, End::Broken),
    }
}
