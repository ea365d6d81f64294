//! The system's logger, in place of the one at /dev/log.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::Command;
use std::thread::JoinHandle;

use super::PATIENCE;
use super::certs::Dir;
use super::egret::Builder;

/// A logger, and where it listens.
pub struct Logger {
    socket: UnixDatagram,
    pub path: PathBuf,
}

impl Logger {
    /// One that listens in that folder.
    pub fn start(dir: &Dir) -> Self {
        let path = dir.path().join("log");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Self { socket, path }
    }

    /// The next line.
    pub fn next_line(&self) -> String {
        let mut bytes = [0; 4096];
        let count = self.socket.recv(&mut bytes).expect("a line");
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    }

    /// The next line that has this in it.
    pub fn wait_line(&self, part: &str) -> String {
        let mut lines = std::iter::repeat_with(|| self.next_line());
        lines.find(|line| line.contains(part)).unwrap_or_default()
    }

    /// All lines up to the end, which somebody sends.
    pub fn gather(self) -> Gathered {
        let path = self.path.clone();
        let lines = std::iter::repeat_with(move || self.next_line()).take_while(|line| line != END);
        let thread = std::thread::spawn(|| lines.collect::<Vec<_>>().join("\n"));
        Gathered { path, thread }
    }
}

const END: &str = "the end";

/// Lines that are being gathered.
pub struct Gathered {
    path: PathBuf,
    thread: JoinHandle<String>,
}

impl Gathered {
    /// What came until now.
    pub fn end(self) -> String {
        let socket = UnixDatagram::unbound().expect("a socket");
        socket.send_to(END.as_bytes(), &self.path).expect("an end");
        self.thread.join().expect("lines")
    }
}

/// The egret whose /dev/log is at that path; `None`, after a word about it, where a test may not have
/// a mount of its own.
pub fn logging_to(egret: Builder, path: &str) -> Option<Builder> {
    let can = Command::new("unshare").args(["-m", "true"]).status();
    if !can.is_ok_and(|status| status.success()) {
        super::leave_out("this user may not have a mount of its own");
        return None;
    }
    let script = format!(
        "exec unshare -m sh -c 'mount -t tmpfs none /dev && ln -s {path} /dev/log && exec \"$0\" \"$@\"' \"$0\" \"$@\""
    );
    Some(egret.arg("--syslog").through_shell(&script))
}
