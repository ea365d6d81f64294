//! A WebSocket library on either side of egret.

mod support;

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use support::PATIENCE;
use support::egret::Egret;
use support::world::World;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Role};
use tungstenite::{Message, WebSocket};

const FRAMES: u64 = 1000;
const LARGEST: u64 = 6000;

/// xorshift64*, seeded: a failure can be run again.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) % bound
    }

    fn message(&mut self) -> Message {
        let length = self.below(LARGEST);
        let bytes: Vec<u8> = (0..length).map(|_| self.below(256) as u8).collect();
        match self.below(3) {
            0 => Message::text(
                bytes
                    .iter()
                    .map(|byte| char::from(*byte))
                    .collect::<String>(),
            ),
            _ => Message::binary(bytes),
        }
    }
}

/// A stream that passes a random part of what it is asked to, each part on its own.
struct Fragmented<S> {
    stream: S,
    random: Random,
}

impl<S> Fragmented<S> {
    fn part(&mut self, length: usize) -> usize {
        let part = 1 + self.random.below(2048) as usize;
        part.min(length)
    }
}

impl<S: Read> Read for Fragmented<S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let part = self.part(into.len());
        self.stream.read(&mut into[..part])
    }
}

impl<S: Write> Write for Fragmented<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let part = self.part(bytes.len());
        let written = self.stream.write(&bytes[..part])?;
        self.stream.flush()?;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// Sends what `own` makes and expects what `other` makes: both sides talk at the same time.
fn talk<S: Read + Write>(socket: &mut WebSocket<S>, own: &mut Random, other: &mut Random) {
    for number in 0..FRAMES {
        socket.send(own.message()).expect("a message that is taken");
        let heard = socket.read().expect("a message");
        assert!(heard == other.message(), "message {number} is another");
    }
}

/// A WebSocket server behind TLS for one connection.
fn serve(world: &World, seed: u64) -> (SocketAddr, JoinHandle<()>) {
    let leaf = world.servers.server(&["localhost"]);
    let config =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(leaf.chain(), leaf.key())
            .expect("a certificate");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    let thread = std::thread::spawn(move || {
        let (tcp, _) = listener.accept().expect("a connection");
        let tls = ServerConnection::new(Arc::new(config)).expect("a server");
        let stream = StreamOwned::new(tls, patient(tcp));
        let mut socket = tungstenite::accept(fragmented(stream, seed)).expect("a handshake");
        talk(&mut socket, &mut Random(seed + 1), &mut Random(seed));
        let closing = socket.read().expect("a close frame");
        assert!(matches!(closing, Message::Close(Some(frame)) if frame.reason == "done"));
        // The library answers the close frame, and says when the peer is gone.
        while socket.read().is_ok() {}
    });
    (address, thread)
}

fn patient(tcp: TcpStream) -> TcpStream {
    tcp.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    tcp.set_nodelay(true).expect("nodelay");
    tcp
}

fn fragmented<S>(stream: S, seed: u64) -> Fragmented<S> {
    let random = Random(!seed);
    Fragmented { stream, random }
}

fn conversation_through(forward: bool) {
    let seed = u64::from(std::process::id()) | 1;
    println!("seed {seed}");
    let world = World::new();
    let (address, server) = serve(&world, seed);
    let host = format!("localhost:{}", address.port());
    let egret = Egret::builder(env!("CARGO_BIN_EXE_egret")).ca(&world.ca);
    let egret = match forward {
        false => egret.route(&format!("to=https://{host},identity=none")),
        true => egret.forward_at("127.0.0.1:0", "to=*:*,identity=none"),
    };
    let egret = egret.start();
    let stream = patient(TcpStream::connect(egret.addr(0)).expect("a connection"));
    let mut stream = fragmented(stream, seed);
    if forward {
        // The library writes no target in absolute-form: the handshake is said for it.
        shake_hands(&mut stream, &format!("http://{host}/socket"));
        converse(WebSocket::from_raw_socket(stream, Role::Client, None), seed);
    } else {
        let (socket, response) =
            tungstenite::client(format!("ws://{}/socket", egret.addr(0)), stream)
                .expect("a handshake");
        assert_eq!(response.status().as_u16(), 101);
        converse(socket, seed);
    }
    server.join().expect("a server without complaint");
}

fn converse<S: Read + Write>(mut socket: WebSocket<S>, seed: u64) {
    talk(&mut socket, &mut Random(seed), &mut Random(seed + 1));
    let done = CloseFrame {
        code: CloseCode::Normal,
        reason: "done".into(),
    };
    socket
        .close(Some(done))
        .expect("a close frame that is taken");
    let answer = socket.read().expect("the server's close frame");
    assert!(matches!(answer, Message::Close(Some(frame)) if frame.reason == "done"));
}

fn shake_hands(stream: &mut (impl Read + Write), target: &str) {
    let offer = format!(
        "GET {target} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(offer.as_bytes()).expect("an offer");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer");
        head.extend(byte);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 101"), "{head}");
    assert!(
        head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="),
        "{head}"
    );
}

#[test]
fn a_thousand_frames_each_way_in_random_pieces_pass_through_a_route() {
    conversation_through(false);
}

#[test]
fn a_thousand_frames_each_way_in_random_pieces_pass_through_a_forward_listener() {
    conversation_through(true);
}
