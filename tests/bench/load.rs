//! Clients that cost little: they share a core with the cloud. Blocking, each in a thread of its
//! own.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::support::PATIENCE;

/// A small request.
pub const SMALL: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\n\r\n";

const OK: &[u8] = b"HTTP/1.1 200 ";

/// A connection for one request after the other.
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Of the last answer: the next is most likely as long.
    length: usize,
}

impl Client {
    pub fn connect(addr: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream,
            buffer: vec![0; 256 * 1024],
            length: 0,
        })
    }

    /// Sends the request and reads its answer to the end; an error when that is not a 200 with a
    /// length.
    pub fn ask(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.write_all(request)?;
        self.answer()
    }

    fn answer(&mut self) -> io::Result<()> {
        let mut read = 0;
        loop {
            read += self.read(read)?;
            // In a debug build it is dear to look for the end of a head.
            if read == self.length && self.buffer.starts_with(OK) {
                return Ok(());
            }
            if let Some(length) = length(&self.buffer[..read])? {
                self.length = length;
                return self.drop_bytes(length - read);
            }
        }
    }

    /// Reads the rest of a body and forgets it.
    fn drop_bytes(&mut self, mut left: usize) -> io::Result<()> {
        while left > 0 {
            let read = self.read(0)?;
            left = left.checked_sub(read).ok_or(ErrorKind::InvalidData)?;
        }
        Ok(())
    }

    fn read(&mut self, at: usize) -> io::Result<usize> {
        match self.stream.read(&mut self.buffer[at..])? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            count => Ok(count),
        }
    }
}

/// How long an answer is with its head, once the head is there.
fn length(start: &[u8]) -> io::Result<Option<usize>> {
    const END: &[u8] = b"\r\n\r\n";
    let Some(end) = start.windows(END.len()).position(|bytes| bytes == END) else {
        return Ok(None);
    };
    let head = String::from_utf8_lossy(&start[..end]).to_ascii_lowercase();
    let field = |line: &str| line.strip_prefix("content-length:")?.trim().parse().ok();
    let body: Option<usize> = head.lines().find_map(field);
    match body {
        Some(body) if start.starts_with(OK) => Ok(Some(end + END.len() + body)),
        _ => Err(io::Error::other(head)),
    }
}
