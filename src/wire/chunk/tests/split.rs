//! The property that no fragmentation changes an outcome, over bodies made from a seed.

use super::super::*;
use super::feed_in_pieces;

/// Bodies to try.
const BODIES: usize = 2_000;

/// A xorshift generator: enough to vary tests, and its seed can be printed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn of<'a>(&mut self, choices: &[&'a [u8]]) -> &'a [u8] {
        choices[self.below(choices.len())]
    }

    /// A good body, and by how many bytes of data.
    fn body(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        for _ in 0..self.below(4) {
            let data: Vec<u8> = (0..1 + self.below(20))
                .map(|_| self.of(&[b"\r", b"\n", b"0", b"x"])[0])
                .collect();
            let zeros = "0".repeat(self.below(4));
            body.extend_from_slice(format!("{zeros}{:x}", data.len()).as_bytes());
            body.extend_from_slice(self.of(&[b"", b"", b";", b";a=b", b"; a ; b=\"c\""]));
            body.extend_from_slice(b"\r\n");
            body.extend_from_slice(&data);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(self.of(&[b"0\r\n", b"000\r\n", b"0;e\r\n"]));
        for _ in 0..self.below(3) {
            body.extend_from_slice(self.of(&[b"A: b\r\n", b"x-y:\r\n", b"Digest: \xff \t1\r\n"]));
        }
        body.extend_from_slice(b"\r\n");
        body
    }

    /// A byte of the body changed, taken out or put in.
    fn spoil(&mut self, body: &mut Vec<u8>) {
        let at = self.below(body.len());
        let byte = self.of(&[
            b"\r", b"\n", b" ", b":", b";", b"0", b"f", b"\0", b"\t", b"\xff",
        ])[0];
        match self.below(3) {
            0 => body[at] = byte,
            1 => body.insert(at, byte),
            _ => _ = body.remove(at),
        }
    }
}

fn assert_same_at_every_split(body: &[u8], random: &mut Random, seed: u64) {
    let whole = feed_in_pieces(body, []);
    let shown = || format!("seed {seed}: {}", body.escape_ascii());
    for split in 0..=body.len() {
        assert_eq!(
            feed_in_pieces(body, [split]),
            whole,
            "split at {split}, {}",
            shown()
        );
    }
    assert_eq!(
        feed_in_pieces(body, 0..body.len()),
        whole,
        "byte by byte, {}",
        shown()
    );
    let mut ends: Vec<usize> = (0..5).map(|_| random.below(body.len() + 1)).collect();
    ends.sort_unstable();
    assert_eq!(
        feed_in_pieces(body, ends.iter().copied()),
        whole,
        "{ends:?}, {}",
        shown()
    );
}

#[test]
fn no_split_changes_the_outcome() {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seed = now.map_or(1, |since| since.as_nanos() as u64) | 1;
    println!("seed {seed}");
    let mut random = Random(seed);
    let mut refused = 0;
    for _ in 0..BODIES {
        let mut body = random.body();
        assert_eq!(
            feed_in_pieces(&body, []),
            Ok(body.len()),
            "seed {seed}: {}",
            body.escape_ascii()
        );
        assert_same_at_every_split(&body, &mut random, seed);
        random.spoil(&mut body);
        assert_same_at_every_split(&body, &mut random, seed);
        refused += usize::from(feed_in_pieces(&body, []).is_err());
    }
    assert!(
        refused > BODIES / 4,
        "seed {seed}: only {refused} spoiled bodies were refused"
    );
}

#[test]
fn any_bytes_at_all_are_followed_without_a_panic() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut chunks = Chunks::default();
    for _ in 0..100_000 {
        let piece = random.of(&[
            b"\r\n", b"0", b"f", b";", b"A", b":", b" ", b"\r", b"\n", b"\0",
        ]);
        if !matches!(chunks.feed(piece), Ok((_, false))) {
            chunks = Chunks::default();
        }
    }
}
