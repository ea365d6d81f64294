use super::*;
use Violation::*;

mod agree;
mod split;

/// The section of an RFC, a body, and how many bytes at the end are not its own, or why it is
/// refused.
type Row = (&'static str, &'static [u8], Result<usize, Violation>);

const ROWS: &[Row] = &[
    ("9112 7.1", b"0\r\n\r\n", Ok(0)),
    ("9112 7.1", b"0\r\n\r\nGET / HTTP/1.1\r\n", Ok(16)),
    ("9112 7.1", b"5\r\nhello\r\n0\r\n\r\n", Ok(0)),
    ("9112 7.1", b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n\0", Ok(1)),
    ("9112 7.1", b"a\r\n0123456789\r\n0\r\n\r\n", Ok(0)),
    ("9112 7.1", b"A\r\n\r\n0\r\n\r\n\r\n\n\r\n0\r\n\r\n", Ok(0)),
    ("9112 7.1", b"0000000000000001\r\na\r\n00\r\n\r\n", Ok(0)),
    ("9112 7.1", b"0000000000000000\r\n\r\n", Ok(0)),
    ("9112 7.1", b"00000000000000000\r\n\r\n", Err(ChunkSize)),
    ("9112 7.1", b"10000000000000000\r\n", Err(ChunkSize)),
    ("9112 7.1", b"ffffffffffffffff1\r\n", Err(ChunkSize)),
    ("9112 7.1", b"\r\n", Err(ChunkSize)),
    ("9112 7.1", b"\r\n0\r\n\r\n", Err(ChunkSize)),
    ("9112 7.1", b"+5\r\nhello\r\n", Err(ChunkSize)),
    ("9112 7.1", b"-5\r\nhello\r\n", Err(ChunkSize)),
    ("9112 7.1", b"0x5\r\nhello\r\n", Err(ChunkSize)),
    ("9112 7.1", b"5h\r\nhello\r\n", Err(ChunkSize)),
    ("9112 7.1", b"5_0\r\n", Err(ChunkSize)),
    ("9112 7.1", b"g\r\n", Err(ChunkSize)),
    ("9112 7.1", b"\xb2\r\n", Err(ChunkSize)),
    ("9112 7.1", b"5\0\r\n", Err(ChunkSize)),
    ("9112 7.1", b" 5\r\nhello\r\n", Err(ChunkSize)),
    ("9112 7.1", b"5 \r\nhello\r\n", Err(ChunkSize)),
    ("9112 7.1", b"5\t\r\nhello\r\n", Err(ChunkSize)),
    ("9112 7.1.1", b"5 ;a\r\nhello\r\n", Err(ChunkSize)),
    ("9112 7.1.1", b";a\r\n", Err(ChunkSize)),
    ("9112 7.1", b"\n", Err(BareLf)),
    ("9112 7.1", b"5\nhello\r\n", Err(BareLf)),
    ("9112 7.1", b"5\r", Err(Incomplete)),
    ("9112 7.1", b"5\rhello\r\n", Err(BareCr)),
    ("9112 7.1", b"5\r\r\n", Err(BareCr)),
    ("9112 7.1", b"5\r\nhello\n0\r\n\r\n", Err(ChunkEnd)),
    ("9112 7.1", b"5\r\nhello0\r\n\r\n", Err(ChunkEnd)),
    ("9112 7.1", b"5\r\nhello\r0\r\n\r\n", Err(ChunkEnd)),
    ("9112 7.1", b"5\r\nhello!\r\n0\r\n\r\n", Err(ChunkEnd)),
    ("9112 7.1", b"5\r\nhell\r\n0\r\n\r\n", Err(ChunkEnd)),
    ("9112 7.1", b"5\r\nhello\r\r\n", Err(ChunkEnd)),
    ("9112 7.1", b"5\r\nhel", Err(Incomplete)),
    ("9112 7.1", b"5\r\nhello\r\n", Err(Incomplete)),
    ("9112 7.1", b"0\r\n", Err(Incomplete)),
    ("9112 7.1", b"", Err(Incomplete)),
    ("9112 7.1.1", b"0;\r\n\r\n", Ok(0)),
    (
        "9112 7.1.1",
        b"1;a=b\r\nx\r\n0;c=\"d;e\\\"\"\r\n\r\n",
        Ok(0),
    ),
    ("9112 7.1.1", b"1; a\t= \"\xff\"\r\nx\r\n0\r\n\r\n", Ok(0)),
    ("9112 7.1.1", b"1;a=\"\\\\\"\r\nx\r\n0\r\n\r\n", Ok(0)),
    ("9112 7.1.1", b"1;a=\"b\r\nx\r\n0\r\n\r\n", Err(ChunkQuote)),
    (
        "9112 7.1.1",
        b"1;a=\"b\\\"\r\nx\r\n0\r\n\r\n",
        Err(ChunkQuote),
    ),
    (
        "9112 7.1.1",
        b"1;a=\"b\\\r\nx\r\n0\r\n\r\n",
        Err(ChunkQuote),
    ),
    ("9112 7.1.1", b"1;a=\"b\nx\r\n0\r\n\r\n", Err(BareLf)),
    ("9112 7.1.1", b"1;a\nb\r\nx\r\n", Err(BareLf)),
    ("9112 7.1.1", b"1;a\n0\r\n\r\n", Err(BareLf)),
    ("9112 7.1.1", b"1;a\rb\r\n", Err(BareCr)),
    ("9112 7.1.1", b"1;\r\r\n", Err(BareCr)),
    ("9112 7.1.1", b"1;a=\"\r\nx\"\r\n", Err(ChunkQuote)),
    ("9112 7.1.1", b"1;\0\r\n", Err(ControlByte)),
    ("9112 7.1.1", b"1;\x7f\r\n", Err(ControlByte)),
    ("9112 7.1.2", b"0\r\nA: b\r\n\r\nX", Ok(1)),
    ("9112 7.1.2", b"0\r\nA:\r\nB:\t\xffc \r\n\r\n", Ok(0)),
    (
        "9112 7.1.2",
        b"0\r\nContent-Lengthy: 1\r\nHos: t\r\n\r\n",
        Ok(0),
    ),
    (
        "9112 7.1.2",
        b"0\r\nTransfer-Encodings-And-A-Lot-More: 1\r\n\r\n",
        Ok(0),
    ),
    ("9112 5.2", b"0\r\nA: b\r\n c\r\n\r\n", Err(ObsFold)),
    ("9112 5.2", b"0\r\n\tA: b\r\n\r\n", Err(ObsFold)),
    ("9112 5.1", b"0\r\nA : b\r\n\r\n", Err(SpaceBeforeColon)),
    ("9112 5", b"0\r\nA\r\n\r\n", Err(NoColon)),
    ("9110 5.1", b"0\r\n: b\r\n\r\n", Err(EmptyName)),
    ("9110 5.1", b"0\r\nA@: b\r\n\r\n", Err(NameByte)),
    ("9110 5.1", b"0\r\n\xe4: b\r\n\r\n", Err(NameByte)),
    ("9110 5.5", b"0\r\nA: \0\r\n\r\n", Err(ControlByte)),
    ("9110 5.5", b"0\r\nA\0: b\r\n\r\n", Err(ControlByte)),
    ("9112 2.2", b"0\r\n\n", Err(BareLf)),
    ("9112 2.2", b"0\r\nA: b\n\r\n", Err(BareLf)),
    ("9112 2.2", b"0\r\nA\n", Err(BareLf)),
    ("9112 2.2", b"0\r\nA: b\rc\r\n", Err(BareCr)),
    ("9112 2.2", b"0\r\n\r\r\n", Err(BareCr)),
    ("9112 2.2", b"0\r\n\rX", Err(BareCr)),
    (
        "9110 6.5.1",
        b"0\r\nContent-Length: 5\r\n\r\n",
        Err(TrailerField),
    ),
    (
        "9110 6.5.1",
        b"0\r\nA: b\r\nTRANSFER-encoding: chunked\r\n\r\n",
        Err(TrailerField),
    ),
    ("9110 6.5.1", b"0\r\nhost: a\r\n\r\n", Err(TrailerField)),
    ("9110 6.5.1", b"0\r\nTrailer: a\r\n\r\n", Err(TrailerField)),
    (
        "9110 6.5.1",
        b"0\r\nConnection: a\r\n\r\n",
        Err(TrailerField),
    ),
    ("9110 6.5.1", b"0\r\nUpgrade: a\r\n\r\n", Err(TrailerField)),
    (
        "9110 6.5.1",
        b"0\r\nTE: trailers\r\n\r\n",
        Err(TrailerField),
    ),
];

/// Feeds `bytes` in pieces that end at each of `ends`, then what is left.
fn feed_in_pieces(bytes: &[u8], ends: impl IntoIterator<Item = usize>) -> Result<usize, Violation> {
    let mut chunks = Chunks::default();
    let mut start = 0;
    for end in ends.into_iter().chain([bytes.len()]) {
        let (taken, ended) = chunks.feed(&bytes[start..end])?;
        if ended {
            assert_eq!(chunks.feed(b"0\r\n"), Ok((0, true)));
            return Ok(start + taken);
        }
        assert_eq!(taken, end - start);
        start = end;
    }
    Err(Incomplete)
}

#[test]
fn a_body_has_one_outcome_at_every_split() {
    for (section, bytes, expected) in ROWS {
        let whole = feed_in_pieces(bytes, []);
        let beyond = whole.map(|end| bytes.len() - end);
        assert_eq!(beyond, *expected, "RFC {section}: {}", bytes.escape_ascii());
        for split in 0..=bytes.len() {
            assert_eq!(
                feed_in_pieces(bytes, [split]),
                whole,
                "{split} {}",
                bytes.escape_ascii()
            );
        }
        assert_eq!(
            feed_in_pieces(bytes, 0..bytes.len()),
            whole,
            "{}",
            bytes.escape_ascii()
        );
    }
}

#[test]
fn a_chunk_of_the_largest_size_is_followed() {
    let mut chunks = Chunks::default();
    assert_eq!(chunks.feed(b"ffffffffffffffff\r\n"), Ok((18, false)));
    assert_eq!(chunks.feed(&[0; 4096]), Ok((4096, false)));
}

#[test]
fn a_size_line_has_a_limit() {
    let body = |length: usize| format!("1;{}\r\nx\r\n0\r\n\r\n", "e".repeat(length - 2));
    let most = body(limits::CHUNK_LINE_MAX);
    assert_eq!(feed_in_pieces(most.as_bytes(), []), Ok(most.len()));
    let over = body(limits::CHUNK_LINE_MAX + 1);
    assert_eq!(feed_in_pieces(over.as_bytes(), []), Err(ChunkLineTooLong));
}

#[test]
fn the_extensions_of_a_message_have_a_limit_together() {
    let chunk = format!("1;{}\r\nx\r\n", "e".repeat(63));
    let most = limits::CHUNK_EXTENSIONS_MAX / 64;
    let body = format!("{}0\r\n\r\n", chunk.repeat(most));
    assert_eq!(feed_in_pieces(body.as_bytes(), []), Ok(body.len()));
    let body = format!("{}0;\r\n\r\n", chunk.repeat(most));
    assert_eq!(
        feed_in_pieces(body.as_bytes(), []),
        Err(ChunkExtensionsTooLong)
    );
}

#[test]
fn a_trailer_section_has_a_limit() {
    let body = |length: usize| format!("0\r\nA:{}\r\n\r\n", "b".repeat(length - 6));
    let most = body(limits::TRAILERS_MAX);
    assert_eq!(feed_in_pieces(most.as_bytes(), []), Ok(most.len()));
    let over = body(limits::TRAILERS_MAX + 1);
    assert_eq!(feed_in_pieces(over.as_bytes(), []), Err(TrailersTooLarge));
}

#[test]
fn the_hundred_and_first_trailer_is_refused() {
    let body = |count| format!("0\r\n{}\r\n", "a:\r\n".repeat(count));
    let most = body(limits::FIELDS_MAX);
    assert_eq!(feed_in_pieces(most.as_bytes(), []), Ok(most.len()));
    let over = body(limits::FIELDS_MAX + 1);
    assert_eq!(feed_in_pieces(over.as_bytes(), []), Err(TooManyFields));
}
