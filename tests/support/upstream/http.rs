//! The reading side of HTTP/1.1, as plain as it gets: nothing is refused, everything is recorded.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::Seen;
use super::state::Shared;

/// Bytes of a connection that are kept as they came.
const RAW_KEPT: usize = 64 * 1024;

/// The most that TLS has in one record.
const READ_STEP: usize = 16 * 1024;

/// How the rest of a body is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    /// So many bytes of the chunk are left; a size line comes next when `None`.
    Chunked(Option<u64>),
    Ended,
}

/// What [`Input::body`] found.
pub(super) enum Piece {
    Data(Vec<u8>),
    Trailers(Vec<(String, String)>),
    End,
}

/// Bytes that arrived and were not looked at yet.
pub(super) struct Input {
    bytes: Vec<u8>,
    shared: Arc<Shared>,
    /// Where [`super::State::raw`] has what arrives.
    index: usize,
}

impl Input {
    /// The input of a new connection.
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        let index = shared.change(|state| {
            state.raw.push(Vec::new());
            state.raw.len() - 1
        });
        Self {
            bytes: Vec::new(),
            shared: Arc::clone(shared),
            index,
        }
    }

    /// Whether nothing has arrived of what comes next.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Takes everything that arrived.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// Waits for more; an error at the end.
    pub(super) async fn fill(&mut self, from: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
        let known = self.bytes.len();
        // Else a vector is read into 64 bytes at a time.
        self.bytes.reserve(READ_STEP);
        if from.read_buf(&mut self.bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.shared.change(|state| {
            let raw = &mut state.raw[self.index];
            let room = RAW_KEPT.saturating_sub(raw.len());
            raw.extend(self.bytes[known..].iter().take(room));
        });
        Ok(())
    }

    /// The bytes up to and with `end`.
    pub(super) async fn until(
        &mut self,
        end: &[u8],
        from: &mut (impl AsyncRead + Unpin),
    ) -> io::Result<Vec<u8>> {
        loop {
            let found = self
                .bytes
                .windows(end.len())
                .position(|window| window == end);
            if let Some(start) = found {
                return Ok(self.bytes.drain(..start + end.len()).collect());
            }
            self.fill(from).await?;
        }
    }

    /// Some of the body.
    pub(super) async fn body(
        &mut self,
        framing: &mut Framing,
        from: &mut (impl AsyncRead + Unpin),
    ) -> io::Result<Piece> {
        match *framing {
            Framing::Ended => Ok(Piece::End),
            Framing::Length(left) => {
                let data = self.up_to(left, from).await?;
                let left = left - data.len() as u64;
                *framing = if left == 0 {
                    Framing::Ended
                } else {
                    Framing::Length(left)
                };
                Ok(Piece::Data(data))
            }
            Framing::Chunked(None) => {
                let line = self.until(b"\r\n", from).await?;
                match chunk_size(&line)? {
                    0 => {
                        *framing = Framing::Ended;
                        self.trailers(from).await.map(Piece::Trailers)
                    }
                    size => {
                        *framing = Framing::Chunked(Some(size));
                        Ok(Piece::Data(Vec::new()))
                    }
                }
            }
            Framing::Chunked(Some(left)) => {
                let data = self.up_to(left, from).await?;
                let left = left - data.len() as u64;
                if left == 0 {
                    self.until(b"\r\n", from).await?;
                }
                *framing = Framing::Chunked((left > 0).then_some(left));
                Ok(Piece::Data(data))
            }
        }
    }

    async fn up_to(
        &mut self,
        most: u64,
        from: &mut (impl AsyncRead + Unpin),
    ) -> io::Result<Vec<u8>> {
        if self.is_empty() {
            self.fill(from).await?;
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Ok(self.bytes.drain(..most.min(self.bytes.len())).collect())
    }

    async fn trailers(
        &mut self,
        from: &mut (impl AsyncRead + Unpin),
    ) -> io::Result<Vec<(String, String)>> {
        let mut trailers = Vec::new();
        loop {
            let line = self.until(b"\r\n", from).await?;
            match field(&String::from_utf8_lossy(&line)) {
                Some(trailer) => trailers.push(trailer),
                None => return Ok(trailers),
            }
        }
    }
}

fn chunk_size(line: &[u8]) -> io::Result<u64> {
    let line = String::from_utf8_lossy(line);
    let size = line.split(';').next().unwrap_or_default().trim();
    u64::from_str_radix(size, 16).map_err(|_| io::ErrorKind::InvalidData.into())
}

fn field(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    Some((name.to_owned(), value.trim().to_owned()))
}

/// Reads a head into `seen` and says how the body is framed.
pub(super) fn read_head(head: Vec<u8>, seen: &mut Seen) -> Framing {
    let text = String::from_utf8_lossy(&head);
    let mut lines = text.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let mut word = || words.next().unwrap_or_default().to_owned();
    seen.method = word();
    seen.target = word();
    seen.version = word();
    seen.headers = lines.filter_map(field).collect();
    seen.raw_head = head;
    framing(seen)
}

fn framing(seen: &Seen) -> Framing {
    if seen.header("transfer-encoding").is_some() {
        return Framing::Chunked(None);
    }
    match seen
        .header("content-length")
        .and_then(|length| length.parse().ok())
    {
        None | Some(0) => Framing::Ended,
        Some(length) => Framing::Length(length),
    }
}
