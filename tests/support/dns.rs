//! A name server that answers as it is told, and an egret that asks nobody else.

use std::io::ErrorKind;
use std::net::UdpSocket;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::certs::Dir;
use super::egret::Builder;

/// What a name server says of every name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Mode {
    /// Nothing.
    Silent,
    /// There is no such name.
    NotFound,
    /// 127.0.0.1, and no IPv6 address.
    Found,
}

/// A name server on port 53 of a loopback address of its own; stops when dropped.
pub struct Dns {
    mode: Arc<AtomicU8>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    resolv_conf: String,
    _dir: Dir,
}

impl Dns {
    /// One that is in that mode. `None`, after a word about it, where a test may not have the port,
    /// or a mount of its own over /etc/resolv.conf.
    pub fn start(mode: Mode) -> Option<Self> {
        let socket = (1..255).find_map(|n| UdpSocket::bind((format!("127.53.0.{n}"), 53)).ok());
        let may_mount = Command::new("unshare").args(["-m", "true"]).status();
        let Some(socket) = socket.filter(|_| may_mount.is_ok_and(|status| status.success())) else {
            super::leave_out("this user may not have port 53 and a mount of its own");
            return None;
        };
        let dir = Dir::new();
        let address = socket.local_addr().expect("bound").ip();
        let text = format!("nameserver {address}\noptions timeout:1 attempts:1\n");
        let resolv_conf = dir.write("resolv.conf", &text).display().to_string();
        let mode = Arc::new(AtomicU8::new(mode as u8));
        let stop = Arc::new(AtomicBool::new(false));
        let (told, stopped) = (Arc::clone(&mode), Arc::clone(&stop));
        let thread = std::thread::spawn(move || serve(&socket, &told, &stopped));
        Some(Self {
            mode,
            stop,
            thread: Some(thread),
            resolv_conf,
            _dir: dir,
        })
    }

    /// What it says from now on.
    pub fn set(&self, mode: Mode) {
        self.mode.store(mode as u8, Ordering::SeqCst);
    }

    /// The egret that asks this server.
    pub fn asked_by(&self, egret: Builder) -> Builder {
        let mount = format!("mount --bind '{}' /etc/resolv.conf", self.resolv_conf);
        let inner = format!("{mount} && exec \"$0\" \"$@\"");
        egret.through_shell(&format!(
            "exec unshare -m sh -c '{}' \"$0\" \"$@\"",
            inner.replace('\'', "'\\''")
        ))
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // It has nothing to say.
            let _ = thread.join();
        }
    }
}

fn serve(socket: &UdpSocket, mode: &AtomicU8, stop: &AtomicBool) {
    let pause = Duration::from_millis(20);
    socket.set_read_timeout(Some(pause)).expect("a timeout");
    let mut query = [0; 512];
    while !stop.load(Ordering::SeqCst) {
        match socket.recv_from(&mut query) {
            Ok((length, peer)) => {
                let mode = mode.load(Ordering::SeqCst);
                if let Some(answer) = answer(&query[..length], mode) {
                    // Who asked may have given up.
                    let _ = socket.send_to(&answer, peer);
                }
            }
            Err(error) => assert!(matches!(
                error.kind(),
                ErrorKind::WouldBlock | ErrorKind::TimedOut
            )),
        }
    }
}

/// RFC 1035 §4: the header, the question as it was asked, and an address of type A.
fn answer(query: &[u8], mode: u8) -> Option<Vec<u8>> {
    let name = query.get(12..)?.iter().position(|byte| *byte == 0)?;
    let question = query.get(12..12 + name + 5)?;
    let is_a = question[name + 1..name + 3] == [0, 1];
    let (code, answers) = match mode {
        mode if mode == Mode::Silent as u8 => return None,
        mode if mode == Mode::NotFound as u8 => (3, 0),
        _ => (0, u8::from(is_a)),
    };
    let mut reply = query[..2].to_vec();
    reply.extend([0x81, 0x80 | code, 0, 1, 0, answers, 0, 0, 0, 0]);
    reply.extend(question);
    if answers > 0 {
        reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    }
    Some(reply)
}
