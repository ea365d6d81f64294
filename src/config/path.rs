//! Paths that options name: put before a client's, or compared with it.

use std::fmt;

use super::Fault;

/// Why a path is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathFault {
    /// No `/` in front.
    Relative,
    /// `.` or `..`, plain or encoded.
    DotSegment,
    /// `//`.
    EmptySegment,
    /// A slash or a backslash, encoded.
    EncodedSlash,
    /// A `%` without two hexadecimal digits.
    Percent,
    /// A character that RFC 3986 does not let stand in a path.
    Character(char),
}

impl fmt::Display for PathFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Relative => f.write_str("path must begin with /"),
            Self::DotSegment => f.write_str("path must have no . or .. segment"),
            Self::EmptySegment => f.write_str("path must have no //"),
            Self::EncodedSlash => f.write_str("path must have no encoded slash or backslash"),
            Self::Percent => f.write_str("path must have two hexadecimal digits after each %"),
            Self::Character(c) => write!(f, "path must not contain {c:?}; percent-encode it"),
        }
    }
}

/// Checks a path and takes its trailing slash off: `/a/b/` is `/a/b`, and `/` is empty.
///
/// What could mean another path to the client, to us or to the upstream is refused, because a
/// path may choose an identity.
pub(super) fn clean(text: &str) -> Result<String, Fault> {
    check(text).map_err(Fault::Path)?;
    Ok(text.strip_suffix('/').unwrap_or(text).to_owned())
}

fn check(text: &str) -> Result<(), PathFault> {
    let inner = text.strip_prefix('/').ok_or(PathFault::Relative)?;
    if let Some(c) = text.chars().find(|c| !is_path_character(*c)) {
        return Err(PathFault::Character(c));
    }
    check_escapes(text)?;
    if text.contains("//") {
        return Err(PathFault::EmptySegment);
    }
    if inner.split('/').any(is_dot_segment) {
        return Err(PathFault::DotSegment);
    }
    Ok(())
}

/// pchar, `/` and `%` (RFC 3986 §3.3).
fn is_path_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/%".contains(c)
}

fn check_escapes(text: &str) -> Result<(), PathFault> {
    for escape in text.split('%').skip(1) {
        let digits = escape.get(..2).ok_or(PathFault::Percent)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(PathFault::Percent);
        }
        if digits.eq_ignore_ascii_case("2f") || digits.eq_ignore_ascii_case("5c") {
            return Err(PathFault::EncodedSlash);
        }
    }
    Ok(())
}

fn is_dot_segment(segment: &str) -> bool {
    let plain = segment.replace("%2e", ".").replace("%2E", ".");
    plain == "." || plain == ".."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailing_slash_goes() {
        for (text, cleaned) in [
            ("/", ""),
            ("/a/", "/a"),
            ("/a/b", "/a/b"),
            ("/a%20b", "/a%20b"),
        ] {
            assert_eq!(clean(text), Ok(cleaned.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_path_that_may_mean_another_is_refused() {
        let bad = [
            ("", PathFault::Relative),
            ("a", PathFault::Relative),
            ("//", PathFault::EmptySegment),
            ("/a//b", PathFault::EmptySegment),
            ("/.", PathFault::DotSegment),
            ("/a/../b", PathFault::DotSegment),
            ("/a/%2E./b", PathFault::DotSegment),
            ("/a%2fb", PathFault::EncodedSlash),
            ("/a%5Cb", PathFault::EncodedSlash),
            ("/a%", PathFault::Percent),
            ("/a%2", PathFault::Percent),
            ("/a%zz", PathFault::Percent),
            ("/a\\b", PathFault::Character('\\')),
            ("/a b", PathFault::Character(' ')),
            ("/ü", PathFault::Character('ü')),
            ("/a?b", PathFault::Character('?')),
        ];
        for (text, fault) in bad {
            assert_eq!(clean(text), Err(Fault::Path(fault)), "{text}");
        }
    }
}
