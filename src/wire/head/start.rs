//! The first line of a head, and the authority it may name.

use std::net::Ipv6Addr;
use std::ops::Range;

use super::field::{HOST, TARGET, TOKEN, run};
use super::{TargetForm, Version};
use crate::error::Violation;
use crate::limits;

/// The longest scheme that the `http` crate takes.
const SCHEME_MAX: usize = 64;

/// `method SP target SP version` (RFC 9112 §3).
#[derive(Debug)]
pub(super) struct RequestLine {
    pub(super) method: Range<usize>,
    pub(super) target: Range<usize>,
    pub(super) form: TargetForm,
    pub(super) version: Version,
}

impl RequestLine {
    /// Reads a request line without its CRLF.
    ///
    /// # Errors
    /// The first rule of RFC 9112 §3 that it breaks.
    pub(super) fn parse(line: &[u8]) -> Result<RequestLine, Violation> {
        let (method, rest) = line.split_at(run(TOKEN, line));
        let rest = match rest.split_first() {
            Some((b' ', rest)) if !method.is_empty() => rest,
            None | Some((b' ' | b'\t', _)) => return Err(Violation::RequestLine),
            Some(_) => return Err(Violation::Method),
        };
        if method.len() > limits::METHOD_MAX {
            return Err(Violation::Method);
        }
        let fault = |otherwise| target_fault(method, rest, otherwise);
        let (target, rest) = rest.split_at(run(TARGET, rest));
        if target.len() > limits::TARGET_MAX {
            return Err(Violation::TargetTooLong);
        }
        let version = match rest.split_first() {
            _ if target.is_empty() && rest.first().is_none_or(|&b| b == b' ') => {
                return Err(Violation::RequestLine);
            }
            Some((b' ', version)) => version,
            None => return Err(Violation::Http09),
            Some((b'\t', _)) => return Err(Violation::RequestLine),
            Some((b'#', _)) => return Err(Violation::Fragment),
            Some(_) => return Err(fault(Violation::TargetByte)),
        };
        let version = match version {
            b"HTTP/1.1" => Version::Http11,
            b"HTTP/1.0" => Version::Http10,
            _ => return Err(version_fault(line, version)),
        };
        let start = method.len() + 1;
        Ok(RequestLine {
            method: 0..method.len(),
            target: start..start + target.len(),
            form: form(method, target).ok_or_else(|| fault(Violation::TargetForm))?,
            version,
        })
    }
}

/// What to blame for `target`, and what follows it in its line: a name in another script has a
/// remedy of its own.
#[cold]
fn target_fault(method: &[u8], target: &[u8], otherwise: Violation) -> Violation {
    let scheme = target.iter().position(|byte| b":/? ".contains(byte));
    let authority = match scheme.and_then(|end| target.get(end..)) {
        Some([b':', b'/', b'/', rest @ ..]) => rest,
        _ if method == b"CONNECT" => target,
        _ => return otherwise,
    };
    let end = authority.iter().position(|byte| b"/? ".contains(byte));
    let host = end
        .and_then(|end| authority.get(..end))
        .unwrap_or(authority);
    let escaped = |pair: &[u8]| matches!(pair, [b'%', b'8' | b'9' | b'a'..=b'f' | b'A'..=b'F']);
    match host.is_ascii() && !host.windows(2).any(escaped) {
        true => otherwise,
        false => Violation::HostNotAscii,
    }
}

/// Why `version`, the last part of a request line, is none that is spoken here.
#[cold]
fn version_fault(line: &[u8], version: &[u8]) -> Violation {
    if line == b"PRI * HTTP/2.0" {
        Violation::Http2Preface
    } else if version.is_empty() || version.iter().any(|&byte| byte == b' ' || byte == b'\t') {
        Violation::RequestLine
    } else {
        Violation::Version
    }
}

/// The form of a target, if it is one that the method can have (RFC 9112 §3.2).
#[inline]
fn form(method: &[u8], target: &[u8]) -> Option<TargetForm> {
    if method == b"CONNECT" {
        let port = authority(target)?;
        return matches!(port, Port::Number).then_some(TargetForm::Authority);
    }
    match target {
        [b'/', ..] => Some(TargetForm::Origin),
        b"*" => (method == b"OPTIONS").then_some(TargetForm::Asterisk),
        _ => absolute(target).then_some(TargetForm::Absolute),
    }
}

/// Whether a target is `scheme://authority`, then nothing, a path or a query, without a user
/// (RFC 9110 §4.2.4 asks to treat that as an error).
fn absolute(target: &[u8]) -> bool {
    let Some(colon) = target.iter().position(|&byte| byte == b':') else {
        return false;
    };
    let (scheme, rest) = target.split_at(colon);
    let Some(rest) = rest.strip_prefix(b"://") else {
        return false;
    };
    let in_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    let end = rest.iter().position(|&byte| byte == b'/' || byte == b'?');
    let host = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
    scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.len() <= SCHEME_MAX
        && scheme.iter().all(in_scheme)
        && authority(host).is_some()
}

/// What follows the host of an authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Port {
    /// Nothing, or a colon alone (RFC 3986 §3.2.3 allows that).
    Default,
    /// A number up to 65535.
    Number,
}

/// Reads `host[:port]` (RFC 9110 §7.2). The host is a name that is not empty and has no
/// percent-encoding (no host has one in DNS), an IPv4 address, or an IPv6 address in brackets.
#[inline]
pub(super) fn authority(bytes: &[u8]) -> Option<Port> {
    let port = match bytes.strip_prefix(b"[") {
        Some(literal) => {
            let end = literal.iter().position(|&byte| byte == b']')?;
            let (address, rest) = literal.split_at(end);
            let address = std::str::from_utf8(address).ok()?;
            address.parse::<Ipv6Addr>().ok()?;
            rest.get(1..)?
        }
        None => {
            let (host, rest) = bytes.split_at(run(HOST, bytes));
            if host.is_empty() {
                return None;
            }
            rest
        }
    };
    match port {
        [] | [b':'] => Some(Port::Default),
        [b':', digits @ ..] if digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit) => {
            let number = |sum, digit: &u8| sum * 10 + u32::from(digit - b'0');
            let number = digits.iter().fold(0, number);
            (number <= u32::from(u16::MAX)).then_some(Port::Number)
        }
        _ => None,
    }
}

/// Whether the `http` crate refuses an origin-form or absolute-form target for a printable byte.
pub(super) fn refused_by_uri(target: &[u8]) -> bool {
    let question = target.iter().position(|&byte| byte == b'?');
    let (path, query) = target.split_at(question.unwrap_or(target.len()));
    path.iter().any(|byte| b"<>`".contains(byte)) || query.iter().any(|byte| b"<>\"".contains(byte))
}

/// `version SP status [SP reason]` (RFC 9112 §4).
#[derive(Debug)]
pub(super) struct StatusLine {
    pub(super) version: Version,
    pub(super) status: u16,
}

impl StatusLine {
    /// Reads a status line without its CRLF. The blank before a reason that is empty may be
    /// missing: RFC 9112 §4 asks for it, but servers leave it out, and nothing is ambiguous.
    ///
    /// # Errors
    /// The first rule of RFC 9112 §4 that it breaks.
    pub(super) fn parse(line: &[u8]) -> Result<StatusLine, Violation> {
        let (version, rest) = match line.split_first_chunk::<8>() {
            Some((b"HTTP/1.1", rest)) => (Version::Http11, rest),
            Some((b"HTTP/1.0", rest)) => (Version::Http10, rest),
            _ if line.starts_with(b"HTTP/") => return Err(Violation::Version),
            _ => return Err(Violation::StatusLine),
        };
        let digits = match rest {
            [b' ', digits @ ..] if digits.len() == 3 || digits.get(3) == Some(&b' ') => digits,
            _ => return Err(Violation::StatusLine),
        };
        let mut status = 0;
        for digit in digits.iter().take(3) {
            if !digit.is_ascii_digit() {
                return Err(Violation::StatusLine);
            }
            status = status * 10 + u16::from(digit - b'0');
        }
        if !(100..=599).contains(&status) {
            return Err(Violation::StatusCode);
        }
        Ok(StatusLine { version, status })
    }
}
