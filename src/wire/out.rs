//! Bytes on their way out: small pieces together, large ones as they are.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::task::{Poll, ready};

use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderName};

use super::request::{chunk_size, fields};
use crate::limits;

/// What is to be written and has not been.
#[derive(Debug, Default)]
pub struct Out {
    small: Vec<u8>,
    /// Bytes of `small` that were written.
    done: usize,
    /// Each before the byte of `small` that has this number.
    large: VecDeque<(usize, Bytes)>,
    /// Bytes of `large`.
    heavy: usize,
}

impl Out {
    /// With these bytes.
    pub fn new(small: Vec<u8>) -> Self {
        Self {
            small,
            ..Self::default()
        }
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.small.len() - self.done + self.heavy
    }

    /// Whether all is written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is a piece that was not copied.
    pub fn has_large(&self) -> bool {
        !self.large.is_empty()
    }

    /// A small piece is copied, so that others go out with it.
    pub fn put(&mut self, data: Bytes) {
        if data.len() < limits::SEND_TOGETHER {
            self.small.extend_from_slice(&data);
        } else {
            self.heavy += data.len();
            self.large.push_back((self.small.len(), data));
        }
    }

    /// A piece as a chunk; nothing where it is empty, which would end the body.
    pub fn put_chunk(&mut self, data: Bytes) {
        if !data.is_empty() {
            chunk_size(data.len(), &mut self.small);
            self.put(data);
            self.small.extend_from_slice(b"\r\n");
        }
    }

    /// The last chunk, and those trailer fields that `may_go`.
    pub fn put_last_chunk(&mut self, trailers: &HeaderMap, may_go: impl Fn(&HeaderName) -> bool) {
        self.small.extend_from_slice(b"0\r\n");
        let going = trailers.iter().filter(|(name, _)| may_go(name));
        fields(going, &mut self.small);
        self.small.extend_from_slice(b"\r\n");
    }

    /// Ready when `write` took something: it is given what comes first, as much as one call takes.
    ///
    /// # Errors
    /// Those of `write`, and [`io::ErrorKind::WriteZero`] where it takes nothing.
    pub fn poll_write(
        &mut self,
        write: impl FnOnce(&[IoSlice<'_>]) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<()>> {
        let mut slices = [IoSlice::new(&[]); limits::WRITE_SLICES];
        let count = self.first(&mut slices);
        let slices = slices.get(..count).unwrap_or_default();
        match ready!(write(slices))? {
            0 => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            written => {
                self.advance(written);
                Poll::Ready(Ok(()))
            }
        }
    }

    /// Puts what comes first into `slices`: how many they are.
    fn first<'a>(&'a self, slices: &mut [IoSlice<'a>; limits::WRITE_SLICES]) -> usize {
        let small = |from: usize, to: usize| self.small.get(from..to).unwrap_or_default();
        let starts = std::iter::once(self.done).chain(self.large.iter().map(|(place, _)| *place));
        let pairs = starts.zip(&self.large).flat_map(|(from, (place, large))| {
            let large: &[u8] = large;
            [small(from, *place), large]
        });
        let behind = self.large.back().map_or(self.done, |(place, _)| *place);
        let pieces = pairs.chain(std::iter::once(small(behind, self.small.len())));
        let mut count = 0;
        for (slot, piece) in slices
            .iter_mut()
            .zip(pieces.filter(|piece| !piece.is_empty()))
        {
            *slot = IoSlice::new(piece);
            count += 1;
        }
        count
    }

    fn advance(&mut self, mut written: usize) {
        while written > 0 {
            let place = self.large.front().map(|(place, _)| *place);
            let small = (place.unwrap_or(self.small.len()) - self.done).min(written);
            self.done += small;
            written -= small;
            let Some((_, large)) = self.large.front_mut() else {
                break;
            };
            let taken = large.len().min(written);
            large.advance(taken);
            written -= taken;
            self.heavy -= taken;
            if large.is_empty() {
                self.large.pop_front();
            }
        }
        if self.is_empty() || self.done >= limits::SEND_TOGETHER {
            self.forget_written();
        }
    }

    /// Whoever takes a little less than is put must not make it grow.
    fn forget_written(&mut self) {
        self.small.drain(..self.done);
        for (place, _) in &mut self.large {
            *place -= self.done;
        }
        self.done = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Random, seed};

    /// Writes all of it, as much at once as `next` says, and gives what was written.
    fn written(out: &mut Out, mut next: impl FnMut(usize) -> usize) -> Vec<u8> {
        let mut all = Vec::new();
        while !out.is_empty() {
            let wrote = out.poll_write(|slices| {
                let flat: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
                let count = next(flat.len());
                all.extend_from_slice(&flat[..count]);
                Poll::Ready(Ok(count))
            });
            assert!(matches!(wrote, Poll::Ready(Ok(()))));
        }
        all
    }

    #[test]
    fn what_is_put_is_written_in_its_order_however_little_is_taken_at_once() {
        let seed = seed();
        let mut random = Random::new(seed);
        let mut below = |bound: usize| random.below(bound as u64) as usize;
        for _ in 0..2_000 {
            let mut out = Out::default();
            let mut all = Vec::new();
            for number in 0..below(20) {
                let length = match below(3) {
                    0 => limits::SEND_TOGETHER + below(3),
                    _ => below(5),
                };
                let data = vec![number as u8; length];
                all.extend_from_slice(&data);
                out.put(Bytes::from(data));
                if below(8) == 0 && !out.is_empty() {
                    let count = below(out.len());
                    let _some = out.poll_write(|slices| {
                        let offered: usize = slices.iter().map(|slice| slice.len()).sum();
                        let taken = (count + 1).min(offered);
                        all.drain(..taken);
                        Poll::Ready(Ok(taken))
                    });
                }
                assert_eq!(out.len(), all.len(), "seed {seed}");
            }
            let wrote = written(&mut out, |offered| 1 + below(offered));
            assert!(wrote == all, "seed {seed}");
            assert!(!out.has_large());
        }
    }

    #[test]
    fn a_reader_that_is_always_behind_does_not_make_it_grow() {
        let mut out = Out::default();
        for _ in 0..1_000 {
            out.put(Bytes::from(vec![0; 3_000]));
            let most = out.len() - 1;
            let _taken = out.poll_write(|_| Poll::Ready(Ok(most)));
            assert_eq!(out.len(), 1);
            assert!(out.small.len() <= limits::SEND_TOGETHER + 3_000);
        }
    }

    #[test]
    fn an_empty_piece_is_no_chunk() {
        let mut out = Out::default();
        out.put_chunk(Bytes::new());
        assert!(out.is_empty());
        out.put_chunk(Bytes::from_static(b"abc"));
        out.put_last_chunk(&HeaderMap::new(), |_| true);
        assert_eq!(written(&mut out, |all| all), b"3\r\nabc\r\n0\r\n\r\n");
    }

    #[test]
    fn a_stream_that_takes_nothing_is_an_error() {
        let mut out = Out::new(vec![0]);
        let wrote = out.poll_write(|_| Poll::Ready(Ok(0)));
        assert!(
            matches!(wrote, Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::WriteZero)
        );
    }
}
