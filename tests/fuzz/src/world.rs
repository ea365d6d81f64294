//! An egret with its upstream, in this process and alive through all runs, and clients of it.

use std::fs;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::http::{self, Bounds, End, NoHead, Response};
use crate::upstream::{Record, Upstream};

/// What takes longer hangs, on however busy a machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// What stands in an input for the upstream's authority.
const AUTHORITY: &str = "¤";

/// Where a client knocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    Route,
    Forward,
}

pub struct World {
    dir: PathBuf,
    /// The upstream, as it goes out in Host.
    pub authority: String,
    /// What the upstream got.
    pub record: Arc<Record>,
}

impl World {
    /// Starts both.
    pub fn start() -> Self {
        let dir = std::env::temp_dir().join(format!("egret-fuzz-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("a folder");
        let upstream = Upstream::start();
        let world = Self {
            authority: format!("127.0.0.1:{}", upstream.port),
            record: upstream.record,
            dir,
        };
        let ca = world.dir.join("ca.pem");
        fs::write(&ca, upstream.ca).expect("a file");
        let options = [
            format!("--ca={}", ca.display()),
            "--log=error".to_owned(),
            format!(
                "--route=unix:{},to=https://{},identity=none",
                world.socket(Door::Route).display(),
                world.authority,
            ),
            format!(
                "--forward=unix:{},to={},identity=none,via=off",
                world.socket(Door::Forward).display(),
                world.authority,
            ),
        ];
        thread::spawn(move || {
            let code = egret::app::main(options.map(Into::into));
            panic!("egret ended with {code}");
        });
        world.wait_until_open();
        world
    }

    fn socket(&self, door: Door) -> PathBuf {
        self.dir.join(match door {
            Door::Route => "route",
            Door::Forward => "forward",
        })
    }

    fn wait_until_open(&self) {
        let began = Instant::now();
        // The last to be bound.
        while UnixStream::connect(self.socket(Door::Forward)).is_err() {
            assert!(began.elapsed() < PATIENCE, "egret does not listen");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// `input` with the upstream's authority where it is meant.
    pub fn named(&self, input: &[u8]) -> Vec<u8> {
        let mut named = Vec::with_capacity(input.len());
        let mut rest = input;
        while let Some(byte) = rest.first() {
            match rest.strip_prefix(AUTHORITY.as_bytes()) {
                Some(after) => {
                    named.extend_from_slice(self.authority.as_bytes());
                    rest = after;
                }
                None => {
                    named.push(*byte);
                    rest = &rest[1..];
                }
            }
        }
        named
    }

    /// A client that has just connected.
    pub fn client(&self, door: Door) -> Client {
        let stream = UnixStream::connect(self.socket(door)).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Client {
            stream,
            read: Vec::new(),
            is_over: false,
        }
    }

    /// Asks for something that the upstream answers, on a connection of its own: whatever egret
    /// was about to send before has been sent then.
    pub fn assert_serves(&self) {
        let mut client = self.client(Door::Route);
        client.send(b"GET /alive HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = client.response(false).expect("an answer");
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.body.bytes, b"/alive");
        client.finish();
    }
}

pub struct Client {
    stream: UnixStream,
    read: Vec<u8>,
    is_over: bool,
}

impl Client {
    /// Sends what egret takes: it may have closed already.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// The next answer, as much of it as comes; an error where the connection ends before.
    pub fn response(&mut self, to_head: bool) -> Result<Response, NoHead> {
        loop {
            match http::response(&self.read, Bounds::OURS, to_head, self.is_over) {
                Ok(response) => match response.body.end {
                    End::At(end) => {
                        self.read.drain(..end);
                        return Ok(response);
                    }
                    End::Broken => panic!("egret said {}", self.read.escape_ascii()),
                    End::Open if self.is_over => {
                        self.read.clear();
                        return Ok(response);
                    }
                    End::Open => {}
                },
                Err(NoHead::Broken) => panic!("egret said {}", self.read.escape_ascii()),
                Err(NoHead::Open) if self.is_over => return Err(NoHead::Open),
                Err(NoHead::Open) => {}
            }
            self.fill();
        }
    }

    fn fill(&mut self) {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => self.is_over = true,
            Ok(count) => self.read.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                panic!("egret hangs, after {}", self.read.escape_ascii())
            }
            // libFuzzer's clock strikes.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // A cut.
            Err(_) => self.is_over = true,
        }
    }

    /// Sends no more.
    pub fn end(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Sends no more; all that still comes, to the end.
    pub fn finish(&mut self) -> Vec<u8> {
        self.end();
        while !self.is_over {
            self.fill();
        }
        std::mem::take(&mut self.read)
    }
}
