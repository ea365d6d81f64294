//! What the tables have in common: every row is read whole, at every split and byte by byte, and
//! what is accepted is compared with the parser that hyper uses.

use super::*;

mod agree;
mod hosts;
mod requests;
mod responses;
mod scanner;

/// The largest head in these tests; every row is shorter.
const MAX: usize = 2048;

/// Scans `bytes` in pieces that end at each of `ends`, then whole; reads the first line as whoever
/// reads the head does.
fn scan_in_pieces(
    mut scanner: Scanner,
    bytes: &[u8],
    ends: impl IntoIterator<Item = usize>,
    max: usize,
) -> Result<Option<usize>, Violation> {
    for end in ends.into_iter().chain([bytes.len()]) {
        if let Some(length) = scanner.scan(&bytes[..end], max)? {
            if let Some(first) = scanner.first {
                scanner.check_first(&bytes[..first])?;
            }
            return Ok(Some(length));
        }
    }
    Ok(None)
}

/// Scans `bytes` at every split and byte by byte; panics when the outcomes differ.
fn scan_all_ways(
    scanner: fn() -> Scanner,
    bytes: &[u8],
    max: usize,
) -> Result<Option<usize>, Violation> {
    let whole = scan_in_pieces(scanner(), bytes, [], max);
    for split in 0..bytes.len() {
        let halves = scan_in_pieces(scanner(), bytes, [split], max);
        assert_eq!(halves, whole, "split at {split}: {}", bytes.escape_ascii());
    }
    let bytewise = scan_in_pieces(scanner(), bytes, 0..bytes.len(), max);
    assert_eq!(bytewise, whole, "byte by byte: {}", bytes.escape_ascii());
    whole
}

fn read_request(bytes: &[u8]) -> Result<RequestHead, Violation> {
    let length = scan_all_ways(Scanner::request, bytes, MAX)?.ok_or(Violation::Incomplete)?;
    let head = request(&bytes[..length], |_, _| Ok(()))?;
    agree::request(&bytes[..length], &head);
    Ok(head)
}

fn read_response(bytes: &[u8]) -> Result<ResponseHead, Violation> {
    let length = scan_all_ways(Scanner::response, bytes, MAX)?.ok_or(Violation::Incomplete)?;
    let head = response(&bytes[..length], |_, _| Ok(()))?;
    agree::response(&bytes[..length], &head);
    Ok(head)
}

/// A request with `fields` (each with its CRLF) after a Host.
fn with_fields(fields: &[u8]) -> Vec<u8> {
    [b"POST / HTTP/1.1\r\nHost: a\r\n", fields, b"\r\n"].concat()
}
