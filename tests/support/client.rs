//! A raw HTTP/1.1 client: sends the bytes it is told to, and says what came back or how it broke.

use std::fmt::{self, Display};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::PATIENCE;
use super::json::Value;

/// One final response.
#[derive(Debug, Clone, Default)]
pub struct Response {
    /// As `HTTP/1.1`.
    pub version: String,
    pub status: u16,
    pub reason: String,
    /// In the order and letter case in which they came.
    pub headers: Vec<(String, String)>,
    /// Without its framing.
    pub body: Vec<u8>,
    pub trailers: Vec<(String, String)>,
    /// Interim responses before it.
    pub interim: Vec<u16>,
    /// From the first byte of the status line to the empty line.
    pub raw_head: Vec<u8>,
}

impl Response {
    /// The first field of that name, in any letter case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(field, _)| field.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// How many fields have that name, in any letter case.
    pub fn count(&self, name: &str) -> usize {
        self.headers
            .iter()
            .filter(|(field, _)| field.eq_ignore_ascii_case(name))
            .count()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Option<Value> {
        Value::parse(&self.text())
    }

    /// A field of the upstream's echo, as text; `None` for null and for what is not an echo.
    pub fn echo(&self, field: &str) -> Option<String> {
        self.json()?.get(field)?.text()
    }

    /// The request fields that the upstream echoed.
    pub fn echoed_headers(&self) -> Vec<(String, String)> {
        let Some(echo) = self.json() else {
            return Vec::new();
        };
        let fields = echo.get("headers").map(Value::elements).unwrap_or_default();
        let field = |pair: &Value| match pair.elements() {
            [name, value] => Some((name.text()?, value.text()?)),
            _ => None,
        };
        fields.iter().filter_map(field).collect()
    }

    /// The first request field of that name that the upstream echoed.
    pub fn echoed_header(&self, name: &str) -> Option<String> {
        let mut fields = self.echoed_headers().into_iter();
        fields
            .find(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

/// Why there is no response.
#[derive(Debug)]
pub enum Failure {
    /// The connection ended before the first byte.
    Closed,
    /// It was reset before the first byte.
    Reset,
    /// It ended within the response; what came of it.
    Truncated(Box<Response>),
    /// Nothing came for [`PATIENCE`].
    Timeout,
    /// It is not HTTP.
    Malformed(String),
    /// Anything else.
    Io(io::Error),
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("closed without an answer"),
            Self::Reset => f.write_str("reset without an answer"),
            Self::Truncated(part) => write!(f, "cut off within the answer {}", part.status),
            Self::Timeout => f.write_str("no answer in time"),
            Self::Malformed(line) => write!(f, "not HTTP: {line:?}"),
            Self::Io(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Failure {}

/// Whether an I/O error is the end of the connection: a FIN, or the reset of a peer that is gone.
fn is_end(error: &io::Error) -> bool {
    let ends = [
        ErrorKind::UnexpectedEof,
        ErrorKind::ConnectionReset,
        ErrorKind::ConnectionAborted,
    ];
    ends.contains(&error.kind()) || error.kind() == ErrorKind::BrokenPipe
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Self::Timeout,
            ErrorKind::UnexpectedEof => Self::Closed,
            _ if is_end(&error) => Self::Reset,
            _ => Self::Io(error),
        }
    }
}

/// A connection that is used for one request after the other.
#[derive(Debug)]
pub struct Client<S> {
    stream: S,
    unread: Vec<u8>,
}

impl Client<TcpStream> {
    /// Connects; panics when it cannot.
    pub fn connect(addr: SocketAddr) -> Self {
        Self::try_connect(addr).expect("a connection")
    }

    /// Connects.
    ///
    /// # Errors
    /// As the system says.
    pub fn try_connect(addr: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&addr, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self::over(stream))
    }

    /// Sends a FIN and goes on reading.
    pub fn finish_writing(&self) {
        // A connection that is gone already has no writing side to close.
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}

impl Client<UnixStream> {
    /// Connects to a unix socket; panics when it cannot.
    pub fn connect_unix(path: &Path) -> Self {
        let stream = UnixStream::connect(path).expect("a connection");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a read timeout");
        stream
            .set_write_timeout(Some(PATIENCE))
            .expect("a write timeout");
        Self::over(stream)
    }
}

impl<S: Read + Write> Client<S> {
    /// Over any stream, such as TLS; its timeouts are the caller's concern.
    pub fn over(stream: S) -> Self {
        Self {
            stream,
            unread: Vec::new(),
        }
    }

    /// The stream; what was read of it and not yet used stays here.
    pub fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// The stream, with the bytes that were read of it and not yet used.
    pub fn into_parts(self) -> (S, Vec<u8>) {
        (self.stream, self.unread)
    }

    /// Sends a request and reads its response. `Host` is added when `headers` has none, and
    /// `Content-Length` when there is a body and no framing.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn request(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Response, Failure> {
        // An early answer may come while, or although, the body cannot be sent any more.
        let _ = self.write_raw(&request_bytes(method, target, headers, body));
        self.read_response_to(method)
    }

    /// [`Client::request`] for `GET` without more.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn get(&mut self, target: &str) -> Result<Response, Failure> {
        self.request("GET", target, &[], &[])
    }

    /// Sends exactly these bytes.
    ///
    /// # Errors
    /// The peer has closed, or does not read.
    pub fn write_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    /// Reads the response to anything but `HEAD` and `CONNECT`.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn read_response(&mut self) -> Result<Response, Failure> {
        self.read_response_to("GET")
    }

    /// Reads the response to a request of that method.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn read_response_to(&mut self, method: &str) -> Result<Response, Failure> {
        let mut interim = Vec::new();
        loop {
            let mut response = self.read_head()?;
            if response.status < 200 && response.status != 101 {
                interim.push(response.status);
                continue;
            }
            response.interim = interim;
            return match self.read_body(method, &mut response) {
                Ok(()) => Ok(response),
                Err(error) if is_end(&error) => Err(Failure::Truncated(Box::new(response))),
                Err(error) if error.kind() == ErrorKind::InvalidData => {
                    Err(Failure::Malformed(error.to_string()))
                }
                Err(error) => Err(error.into()),
            };
        }
    }

    /// Reads one head, interim ones too, and nothing of its body.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn read_head(&mut self) -> Result<Response, Failure> {
        match self.until(b"\r\n\r\n") {
            Ok(head) => parse_head(head),
            Err(error) if is_end(&error) && !self.unread.is_empty() => {
                Err(Failure::Truncated(Box::default()))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Reads exactly so many bytes, of a tunnel or an upgraded connection.
    ///
    /// # Errors
    /// The connection ended before, or nothing came in time.
    pub fn read_exact(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.unread.len() < count {
            self.fill()?;
        }
        Ok(self.unread.drain(..count).collect())
    }

    /// Reads everything until the peer closes.
    ///
    /// # Errors
    /// A reset, TLS without close_notify, or nothing came in time.
    pub fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        while self.read_some()? > 0 {}
        Ok(std::mem::take(&mut self.unread))
    }

    fn read_body(&mut self, method: &str, response: &mut Response) -> io::Result<()> {
        let status = response.status;
        let tunnel = method == "CONNECT" && (200..300).contains(&status);
        if method == "HEAD" || tunnel || [101, 204, 304].contains(&status) {
            return Ok(());
        }
        if response.header("transfer-encoding").is_some() {
            return self.read_chunks(response);
        }
        match response.header("content-length").map(str::parse) {
            Some(Ok(length)) => self.read_length(length, &mut response.body),
            Some(Err(_)) => Err(ErrorKind::InvalidData.into()),
            None => {
                response.body = self.read_to_end()?;
                Ok(())
            }
        }
    }

    /// Reads so many bytes into `body`, which has what came when the connection ends before.
    fn read_length(&mut self, length: u64, body: &mut Vec<u8>) -> io::Result<()> {
        let mut left = usize::try_from(length).map_err(|_| ErrorKind::InvalidData)?;
        while left > 0 {
            if self.unread.is_empty() {
                self.fill()?;
            }
            let now = left.min(self.unread.len());
            body.extend(self.unread.drain(..now));
            left -= now;
        }
        Ok(())
    }

    fn read_chunks(&mut self, response: &mut Response) -> io::Result<()> {
        loop {
            let line = String::from_utf8_lossy(&self.until(b"\r\n")?).into_owned();
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(size, 16).map_err(|_| ErrorKind::InvalidData)?;
            if size == 0 {
                break;
            }
            self.read_length(size, &mut response.body)?;
            self.until(b"\r\n")?;
        }
        loop {
            let line = self.until(b"\r\n")?;
            match field(&String::from_utf8_lossy(&line)) {
                Some(trailer) => response.trailers.push(trailer),
                None => return Ok(()),
            }
        }
    }

    fn until(&mut self, end: &[u8]) -> io::Result<Vec<u8>> {
        loop {
            let found = self
                .unread
                .windows(end.len())
                .position(|window| window == end);
            if let Some(start) = found {
                return Ok(self.unread.drain(..start + end.len()).collect());
            }
            self.fill()?;
        }
    }

    /// Waits for more; an error at the end.
    fn fill(&mut self) -> io::Result<()> {
        match self.read_some()? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    fn read_some(&mut self) -> io::Result<usize> {
        let mut bytes = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut bytes) {
                // A socket with a timeout is interrupted by signals that nobody handles, too.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(count) => {
                    self.unread.extend_from_slice(&bytes[..count]);
                    return Ok(count);
                }
            }
        }
    }
}

/// Sends exactly these bytes on a connection of their own and reads one response; panics when
/// there is none.
pub fn send(addr: SocketAddr, bytes: &[u8]) -> Response {
    match try_send(addr, bytes) {
        Ok(response) => response,
        Err(failure) => panic!("{failure}, to {:?}", String::from_utf8_lossy(bytes)),
    }
}

/// Sends exactly these bytes on a connection of their own and reads one response.
///
/// # Errors
/// See [`Failure`].
pub fn try_send(addr: SocketAddr, bytes: &[u8]) -> Result<Response, Failure> {
    let mut client = Client::try_connect(addr)?;
    // A refusal may come, and the connection close, before all is sent.
    let _ = client.write_raw(bytes);
    let text = String::from_utf8_lossy(bytes);
    client.read_response_to(text.split(' ').next().unwrap_or_default())
}

/// A `GET` on a connection of its own; panics when there is no response.
pub fn get(addr: SocketAddr, target: &str) -> Response {
    send(addr, &request_bytes("GET", target, &[], &[]))
}

fn request_bytes(method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let has = |name: &str| {
        headers
            .iter()
            .any(|(field, _)| field.eq_ignore_ascii_case(name))
    };
    let mut head = format!("{method} {target} HTTP/1.1\r\n");
    if !has("host") {
        head += "Host: localhost\r\n";
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() && !has("content-length") && !has("transfer-encoding") {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    head += "\r\n";
    [head.as_bytes(), body].concat()
}

fn parse_head(head: Vec<u8>) -> Result<Response, Failure> {
    let text = String::from_utf8_lossy(&head).into_owned();
    let mut lines = text.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let malformed = || Failure::Malformed(first.to_owned());
    let (version, rest) = first.split_once(' ').ok_or_else(malformed)?;
    let (status, reason) = rest.split_once(' ').unwrap_or((rest, ""));
    if !version.starts_with("HTTP/1.") {
        return Err(malformed());
    }
    Ok(Response {
        version: version.to_owned(),
        status: status.parse().map_err(|_| malformed())?,
        reason: reason.to_owned(),
        headers: lines.filter_map(field).collect(),
        raw_head: head,
        ..Response::default()
    })
}

fn field(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    Some((name.to_owned(), value.trim().to_owned()))
}
