//! What hostile clients do, each in a thread of its own, again and again.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::clients::{HEAD, head, send_what_goes};

/// Where they come in: all of one identity.
#[derive(Debug, Clone, Copy)]
pub struct Doors {
    /// An upstream that stalls, and answers without end.
    pub answers: SocketAddr,
    /// One that floods with tickets.
    pub tickets: SocketAddr,
    /// One that sends certificates without end.
    pub certificates: SocketAddr,
    /// One that sends heads without end.
    pub heads: SocketAddr,
}

impl Doors {
    pub fn all(&self) -> [SocketAddr; 4] {
        [self.answers, self.tickets, self.certificates, self.heads]
    }
}

/// How long a connection may be on its way: nobody is accepted where all places are taken.
const DIAL: Duration = Duration::from_millis(300);
/// How long one that holds a place keeps it.
const HOLD: Duration = Duration::from_millis(1500);
/// Between two bytes of one who is slow.
const SLOW: Duration = Duration::from_millis(20);

/// One thing to do, until then.
pub type Attack = fn(&Doors, Instant);

/// All of them.
pub const ATTACKS: &[(&str, Attack)] = &[
    ("slow heads", slow_heads),
    ("slow bodies", slow_bodies),
    ("10 MB that nobody reads", |doors, until| {
        stalled(doors, "/ten", until)
    }),
    ("endless bodies that nobody reads", |doors, until| {
        stalled(doors, "/", until)
    }),
    ("uploads that nobody takes", uploads),
    ("a hundred fields", full_heads),
    ("too many fields", too_many_fields),
    ("giant chunk extensions", chunk_extensions),
    ("floods of tickets", |doors, until| {
        ask(doors.tickets, "/", until)
    }),
    ("64 KB certificates", |doors, until| {
        ask(doors.certificates, "/", until)
    }),
    ("endless 1xx", |doors, until| {
        ask(doors.heads, "/interim", until)
    }),
    ("endless heads", |doors, until| {
        ask(doors.heads, "/head", until)
    }),
    ("resets", resets),
];

fn over(until: Instant) -> bool {
    Instant::now() >= until
}

/// A connection with a small window, so that little is in the kernel's hands.
fn dial(addr: SocketAddr) -> Option<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).ok()?;
    socket.set_recv_buffer_size(4096).ok()?;
    socket.set_send_buffer_size(4096).ok()?;
    socket.connect_timeout(&addr.into(), DIAL).ok()?;
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(HOLD)).ok()?;
    stream.set_nodelay(true).ok()?;
    Some(stream)
}

/// As many connections at a time as fit through the door.
fn dial_some(addr: SocketAddr, count: usize) -> Vec<TcpStream> {
    std::iter::repeat_with(|| dial(addr))
        .take(count)
        .flatten()
        .collect()
}

/// Writes a byte to each, and again after a while, for as long as they are held.
fn trickle(mut streams: Vec<TcpStream>, byte: u8, until: Instant) {
    let held = Instant::now();
    while held.elapsed() < HOLD && !over(until) && !streams.is_empty() {
        streams.retain_mut(|stream| stream.write_all(&[byte]).is_ok());
        std::thread::park_timeout(SLOW);
    }
}

fn slow_heads(doors: &Doors, until: Instant) {
    while !over(until) {
        let streams = dial_some(doors.answers, 4);
        for stream in &streams {
            send_what_goes(stream, &head("GET /", "", HEAD).as_bytes()[..HEAD - 200]);
        }
        trickle(streams, b'v', until);
    }
}

fn slow_bodies(doors: &Doors, until: Instant) {
    while !over(until) {
        let streams = dial_some(doors.answers, 4);
        for stream in &streams {
            send_what_goes(
                stream,
                b"POST /stall HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n",
            );
        }
        trickle(streams, b'b', until);
    }
}

fn stalled(doors: &Doors, target: &str, until: Instant) {
    let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
    while !over(until) {
        let streams = dial_some(doors.answers, 4);
        for stream in &streams {
            send_what_goes(stream, request.as_bytes());
        }
        std::thread::park_timeout(HOLD.min(until.saturating_duration_since(Instant::now())));
    }
}

fn uploads(doors: &Doors, until: Instant) {
    let head = head("POST /stall", "Content-Length: 9000000000\r\n", HEAD);
    while !over(until) {
        let streams = dial_some(doors.answers, 2);
        for stream in &streams {
            send_what_goes(stream, head.as_bytes());
            while !over(until) && send_what_goes(stream, &[b'u'; 64 * 1024]) {}
        }
        std::thread::park_timeout(HOLD.min(until.saturating_duration_since(Instant::now())));
    }
}

/// Two of the largest heads, one behind the other.
fn full_heads(doors: &Doors, until: Instant) {
    let head = head("GET /", "", HEAD);
    while !over(until) {
        for stream in dial_some(doors.answers, 2) {
            send_what_goes(&stream, head.as_bytes());
            send_what_goes(&stream, head.as_bytes());
            read_some(&stream);
        }
    }
}

fn too_many_fields(doors: &Doors, until: Instant) {
    let head = format!(
        "GET / HTTP/1.1\r\nHost: a\r\n{}\r\n",
        "a: b\r\n".repeat(5000)
    );
    while !over(until) {
        refused(doors.answers, head.as_bytes());
    }
}

fn chunk_extensions(doors: &Doors, until: Instant) {
    let start = "POST /stall HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;";
    let bytes = [start.as_bytes(), &[b'e'; 1024 * 1024]].concat();
    while !over(until) {
        refused(doors.answers, &bytes);
    }
}

/// What is sent there is answered with a refusal, if it comes to that.
fn refused(addr: SocketAddr, bytes: &[u8]) {
    if let Some(stream) = dial(addr) {
        send_what_goes(&stream, bytes);
        let answer = read_some(&stream);
        // All places may be taken.
        let ours = [&b"HTTP/1.1 4"[..], b"HTTP/1.1 503"];
        assert!(
            answer.is_empty() || ours.iter().any(|start| answer.starts_with(start)),
            "{:?}",
            answer.escape_ascii().to_string()
        );
    }
}

/// Asks, and takes what comes first.
fn ask(addr: SocketAddr, target: &str, until: Instant) {
    let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
    while !over(until) {
        if let Some(stream) = dial(addr) {
            send_what_goes(&stream, request.as_bytes());
            read_some(&stream);
        }
    }
}

fn resets(doors: &Doors, until: Instant) {
    while !over(until) {
        for addr in doors.all() {
            if let Some(stream) = dial(addr) {
                send_what_goes(&stream, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
                let socket = Socket::from(stream);
                // It may be gone already.
                let _ = socket.set_linger(Some(Duration::ZERO));
            }
        }
    }
}

fn read_some(mut stream: &TcpStream) -> Vec<u8> {
    let mut bytes = [0; 64];
    match stream.read(&mut bytes) {
        Ok(count) => bytes[..count].to_vec(),
        Err(error) => {
            let ends = [
                ErrorKind::WouldBlock,
                ErrorKind::ConnectionReset,
                ErrorKind::Interrupted,
            ];
            assert!(ends.contains(&error.kind()), "{error}");
            Vec::new()
        }
    }
}

/// So many connections that say nothing, as far as the kernel lets them be.
pub fn crowd(doors: &Doors, count: usize) -> Vec<Socket> {
    let doors = doors.all();
    let open = |n: usize| {
        let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None).ok()?;
        // Under way is enough: the kernel goes on with it.
        let _ = socket.connect(&doors[n % doors.len()].into());
        Some(socket)
    };
    (0..count).filter_map(open).collect()
}
