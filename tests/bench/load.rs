//! Clients that cost little: they share a core with the cloud. Blocking, each in a thread of its
//! own.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use crate::support::PATIENCE;

/// A small request.
pub const SMALL: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\n\r\n";

/// [`SMALL`], of which the cloud takes notes.
pub const COUNTED: &[u8] = b"GET /counted HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\n\r\n";

const OK: &[u8] = b"HTTP/1.1 200 ";

/// For an answer, or its beginning.
const BUFFER: usize = 16 * 1024;
/// Of a large body: a client that is slower than the proxy makes work for it.
const PIECE: usize = 128 * 1024;

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
            buffer: vec![0; BUFFER],
            length: 0,
        })
    }

    /// The connection.
    pub fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Sends the request and reads its answer to the end; an error when that is not a 200 with a
    /// length.
    pub fn ask(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.write_all(request)?;
        self.answer()
    }

    /// Uploads so many bytes and reads the answer.
    pub fn upload(&mut self, bytes: u64) -> io::Result<()> {
        let head =
            format!("POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: {bytes}\r\n\r\n");
        self.stream.write_all(head.as_bytes())?;
        let piece = vec![b'u'; PIECE];
        let mut left = bytes;
        while left > 0 {
            let now = left.min(PIECE as u64);
            self.stream.write_all(&piece[..now as usize])?;
            left -= now;
        }
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
                let left = length.checked_sub(read).ok_or(ErrorKind::InvalidData)?;
                return self.forget(left);
            }
        }
    }

    /// Reads the rest of a body and keeps nothing of it.
    fn forget(&mut self, mut left: usize) -> io::Result<()> {
        let mut piece = vec![0; left.min(PIECE)];
        while left > 0 {
            match self.stream.read(&mut piece)? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                count => left = left.checked_sub(count).ok_or(ErrorKind::InvalidData)?,
            }
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

/// Whether clients keep their connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Kept,
    /// One for each request.
    New,
}

/// How long requests took.
pub struct Timing {
    /// All of them.
    pub seconds: f64,
    /// Each of them, microseconds, the quickest first.
    latencies: Vec<f64>,
}

impl Timing {
    /// So many of a hundred took no longer.
    pub fn percentile(&self, percent: usize) -> f64 {
        self.latencies[(self.latencies.len() - 1) * percent / 100]
    }
}

/// Clients that ask at once.
pub struct Crowd {
    addr: SocketAddr,
    way: Way,
    clients: Vec<Client>,
}

impl Crowd {
    /// They have connected.
    pub fn gather(addr: SocketAddr, count: usize, way: Way) -> io::Result<Self> {
        let clients = (0..count).map(|_| Client::connect(addr));
        let clients = clients.collect::<io::Result<_>>()?;
        Ok(Self { addr, way, clients })
    }

    /// Each sends its part of so many requests, the next once the one before is answered.
    pub fn ask(&mut self, request: &[u8], requests: usize) -> io::Result<Timing> {
        let count = self.clients.len();
        let (addr, way) = (self.addr, self.way);
        let go = Barrier::new(count + 1);
        thread::scope(|scope| {
            let asking = self.clients.iter_mut().map(|client| {
                let go = &go;
                scope.spawn(move || {
                    go.wait();
                    let asks = (0..requests / count).map(|_| one(client, addr, way, request));
                    asks.collect::<io::Result<Vec<f64>>>()
                })
            });
            let asking: Vec<_> = asking.collect();
            go.wait();
            let start = Instant::now();
            let mut latencies = Vec::with_capacity(requests);
            for client in asking {
                latencies.extend(client.join().expect("a client that does not panic")?);
            }
            let seconds = start.elapsed().as_secs_f64();
            latencies.sort_by(f64::total_cmp);
            Ok(Timing { seconds, latencies })
        })
    }
}

/// One request; gives the microseconds that it took, its connection included where that is new.
fn one(client: &mut Client, addr: SocketAddr, way: Way, request: &[u8]) -> io::Result<f64> {
    let start = Instant::now();
    if way == Way::New {
        *client = Client::connect(addr)?;
    }
    client.ask(request)?;
    Ok(start.elapsed().as_secs_f64() * 1e6)
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
