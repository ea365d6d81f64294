//! Lines and fields of a head: where they end, and that they hold no byte they must not.

use crate::error::Violation;
use crate::limits;

/// May stand in a token (RFC 9110 §5.6.2).
pub(crate) const TOKEN: u8 = 1;
/// May stand in a target: printable, and not `#` (RFC 9112 §3.2).
pub(crate) const TARGET: u8 = 2;
/// May stand in a host name: unreserved or sub-delims (RFC 3986 §3.2.2, without escapes).
pub(crate) const HOST: u8 = 4;

static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0x21u8;
    while byte < 0x7f {
        if byte != b'#' {
            table[byte as usize] |= TARGET;
        }
        if byte.is_ascii_alphanumeric() || listed(b"!#$%&'*+-.^_`|~", byte) {
            table[byte as usize] |= TOKEN;
        }
        if byte.is_ascii_alphanumeric() || listed(b"-._~!$&'()*+,;=", byte) {
            table[byte as usize] |= HOST;
        }
        byte += 1;
    }
    table
}

const fn listed(list: &[u8], byte: u8) -> bool {
    let mut at = 0;
    while at < list.len() {
        if list[at] == byte {
            return true;
        }
        at += 1;
    }
    false
}

/// Whether `byte` is of that class.
#[inline]
pub(crate) fn is(class: u8, byte: u8) -> bool {
    CLASSES[byte as usize] & class != 0
}

/// How many bytes at the start of `bytes` are of that class.
#[inline]
pub(crate) fn run(class: u8, bytes: &[u8]) -> usize {
    let end = bytes.iter().position(|&byte| !is(class, byte));
    end.unwrap_or(bytes.len())
}

/// How many bytes come before the first control byte (below 0x20, or DEL).
#[inline]
pub(crate) fn before_control(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES * 0x80;
    let mut rest = bytes;
    let mut at = 0;
    // Eight bytes at once: a borrow reaches higher bytes only, so the lowest mark is exact.
    while let Some((eight, tail)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*eight);
        let low = word.wrapping_sub(ONES * 0x20) & !word;
        let del = word ^ (ONES * 0x7f);
        let marks = (low | (del.wrapping_sub(ONES) & !del)) & HIGH;
        if marks != 0 {
            return at + marks.trailing_zeros() as usize / 8;
        }
        at += 8;
        rest = tail;
    }
    let end = rest.iter().position(u8::is_ascii_control);
    at + end.unwrap_or(rest.len())
}

/// Splits off the first line: the line without its CRLF, and what follows the CRLF.
///
/// # Errors
/// A bare LF or CR, another control byte than HTAB, or no end of line (RFC 9112 §2.2).
#[inline]
pub(super) fn line(bytes: &[u8]) -> Result<(&[u8], &[u8]), Violation> {
    let mut end = 0;
    loop {
        end += before_control(bytes.get(end..).unwrap_or_default());
        match (bytes.get(end), bytes.get(end + 1)) {
            (Some(b'\t'), _) => end += 1,
            (Some(b'\r'), Some(b'\n')) => break,
            (None, _) | (Some(b'\r'), None) => return Err(Violation::Incomplete),
            (Some(&byte), _) => return Err(control(byte)),
        }
    }
    let (line, rest) = bytes.split_at(end);
    Ok((line, rest.get(2..).unwrap_or_default()))
}

/// The violation that a control byte is where neither it nor a line end may stand.
#[cold]
pub(crate) fn control(byte: u8) -> Violation {
    match byte {
        b'\n' => Violation::BareLf,
        b'\r' => Violation::BareCr,
        _ => Violation::ControlByte,
    }
}

/// The fields whose meaning the strict reader needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Host,
    Expect,
    Connection,
    KeepAlive,
    ContentLength,
    TransferEncoding,
    Other,
}

impl Name {
    #[inline]
    fn of(name: &[u8]) -> Name {
        let (known, text): (Name, &[u8]) = match (name.len(), name.first()) {
            (4, Some(b'H' | b'h')) => (Name::Host, b"host"),
            (6, Some(b'E' | b'e')) => (Name::Expect, b"expect"),
            (10, Some(b'C' | b'c')) => (Name::Connection, b"connection"),
            (10, Some(b'K' | b'k')) => (Name::KeepAlive, b"keep-alive"),
            (14, Some(b'C' | b'c')) => (Name::ContentLength, b"content-length"),
            (17, Some(b'T' | b't')) => (Name::TransferEncoding, b"transfer-encoding"),
            _ => return Name::Other,
        };
        if name.eq_ignore_ascii_case(text) {
            known
        } else {
            Name::Other
        }
    }
}

/// One field line; blanks around the value are taken off (RFC 9112 §5.1).
pub(super) struct Field<'a> {
    pub(super) name: Name,
    pub(super) written: &'a [u8],
    pub(super) value: &'a [u8],
}

/// Walks the field lines up to the empty line that ends them (RFC 9112 §5).
pub(super) struct Fields<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Fields<'a> {
    /// `lines` starts after the first line's CRLF.
    pub(super) fn new(lines: &'a [u8]) -> Self {
        Fields {
            rest: lines,
            left: limits::FIELDS_MAX,
        }
    }

    /// The next field; `None` at the empty line.
    ///
    /// # Errors
    /// The first rule of RFC 9112 §5 that the line breaks, or one field too many.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<Field<'a>>, Violation> {
        if self.rest.starts_with(b"\r\n") {
            return Ok(None);
        }
        let (name, value) = self.rest.split_at(run(TOKEN, self.rest));
        if name.is_empty() || value.first() != Some(&b':') {
            return Err(name_fault(name, value));
        }
        let (value, rest) = line(value.get(1..).unwrap_or_default())?;
        self.left = self.left.checked_sub(1).ok_or(Violation::TooManyFields)?;
        self.rest = rest;
        Ok(Some(Field {
            name: Name::of(name),
            written: name,
            value: value.trim_ascii(),
        }))
    }
}

/// Why a field line that starts with the token `name` and goes on with `rest` has no name.
#[cold]
fn name_fault(name: &[u8], rest: &[u8]) -> Violation {
    match (rest.first(), name.is_empty()) {
        (None, _) => Violation::Incomplete,
        (Some(b' ' | b'\t'), true) => Violation::ObsFold,
        (Some(b' ' | b'\t'), false) => Violation::SpaceBeforeColon,
        (Some(b':'), _) => Violation::EmptyName,
        (Some(b'\r'), false) if rest.starts_with(b"\r\n") => Violation::NoColon,
        (Some(b'\r'), _) if rest.len() == 1 => Violation::Incomplete,
        (Some(&byte), _) if byte.is_ascii_control() => control(byte),
        _ => Violation::NameByte,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_byte_is_found_at_every_place_beside_every_byte() {
        for beside in 0..=255u8 {
            for at in 0..24 {
                let mut bytes = vec![beside; 24];
                bytes[at] = 0x1f;
                let first = bytes.iter().position(u8::is_ascii_control);
                assert_eq!(Some(before_control(&bytes)), first, "{beside:#x} {at}");
                bytes[at] = 0x7f;
                let first = bytes.iter().position(u8::is_ascii_control);
                assert_eq!(Some(before_control(&bytes)), first, "{beside:#x} {at}");
            }
        }
    }

    #[test]
    fn every_byte_but_a_control_byte_is_passed_over() {
        let bytes: Vec<u8> = (0..=255u8)
            .filter(|byte| !byte.is_ascii_control())
            .collect();
        for from in 0..bytes.len() {
            assert_eq!(before_control(&bytes[from..]), bytes.len() - from);
        }
    }

    #[test]
    fn tokens_are_those_of_rfc_9110_section_5_6_2() {
        let count = (0..=255u8).filter(|&byte| is(TOKEN, byte)).count();
        assert_eq!(count, 26 + 26 + 10 + 15);
        assert!(
            b"()<>@,;:\\\"/[]?={} \t"
                .iter()
                .all(|&byte| !is(TOKEN, byte))
        );
    }
}
