//! `--syslog`: the log as datagrams to the system's logger (RFC 3164 §4.1, syslog(3)).

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::stdio::stderr;

use super::{cut, put};
use crate::limits::SYSLOG_LINE_MAX;

/// Where the system's logger listens.
pub const DEV_LOG: &str = "/dev/log";

/// The system's logger, which may come, go and come back.
#[derive(Debug)]
pub struct Syslog {
    path: PathBuf,
    socket: Mutex<Option<UnixDatagram>>,
}

impl Syslog {
    /// The logger that listens at `path`.
    pub fn at(path: impl AsRef<Path>) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            socket: Mutex::default(),
        }
    }

    /// Sends one line of this `priority`, without waiting: what is too long is cut off. The time is
    /// left to the logger: it knows the time zone, and a board without clock knows no time.
    ///
    /// # Errors
    /// Nobody listens, or too slowly.
    pub fn send(&self, priority: u8, text: &str) -> io::Result<()> {
        let mut line = format!("<{priority}>egret[{}]: {text}", std::process::id());
        cut(&mut line, SYSLOG_LINE_MAX);
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connected) = &*socket
            && connected.send(line.as_bytes()).is_ok()
        {
            return Ok(());
        }
        // The first line, or the logger was started anew.
        *socket = None;
        let connected = UnixDatagram::unbound()?;
        connected.set_nonblocking(true)?;
        connected.connect(&self.path)?;
        connected.send(line.as_bytes())?;
        *socket = Some(connected);
        Ok(())
    }

    /// Sends one line; what the logger does not take goes to standard error.
    pub fn write(&self, priority: u8, text: &str) {
        if let Err(error) = self.send(priority, text) {
            let mut line = format!("egret: {text} ({}: {error})", self.path.display());
            put::end(&mut line);
            // Where that is not taken either, nobody is left to tell.
            let _unheard = put::put(stderr(), line.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let name = format!("egret-syslog-{name}-{}", std::process::id());
            Self(std::env::temp_dir().join(name))
        }

        fn listen(&self) -> UnixDatagram {
            UnixDatagram::bind(&self.0).expect("a socket")
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    fn received(logger: &UnixDatagram) -> String {
        let mut bytes = [0; 2 * SYSLOG_LINE_MAX];
        let count = logger.recv(&mut bytes).expect("a datagram");
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    }

    #[test]
    fn a_line_is_a_datagram_with_priority_and_process() {
        let place = Place::new("line");
        let logger = place.listen();
        let syslog = Syslog::at(&place.0);
        syslog.send(28, "a warning").expect("sent");
        let expected = format!("<28>egret[{}]: a warning", std::process::id());
        assert_eq!(received(&logger), expected);
    }

    #[test]
    fn a_long_line_is_cut_where_a_character_ends() {
        let place = Place::new("long");
        let logger = place.listen();
        let syslog = Syslog::at(&place.0);
        syslog
            .send(30, &"\u{20ac}".repeat(SYSLOG_LINE_MAX))
            .expect("sent");
        let line = received(&logger);
        assert!(line.len() <= SYSLOG_LINE_MAX && line.len() > SYSLOG_LINE_MAX - 4);
        assert!(line.ends_with('\u{20ac}'));
    }

    #[test]
    fn a_logger_that_is_started_anew_gets_the_next_line() {
        let place = Place::new("anew");
        let syslog = Syslog::at(&place.0);
        assert!(syslog.send(30, "nobody").is_err());
        let first = place.listen();
        syslog.send(30, "first").expect("sent");
        assert!(received(&first).ends_with("first"));
        drop(first);
        fs::remove_file(&place.0).expect("a socket");
        let second = place.listen();
        syslog.send(30, "second").expect("sent");
        assert!(received(&second).ends_with("second"));
    }

    #[test]
    fn a_logger_that_does_not_read_is_not_waited_for() {
        let place = Place::new("slow");
        let _logger = place.listen();
        let syslog = Syslog::at(&place.0);
        // More than any queue of datagrams takes.
        let lost = (0..100_000).any(|_| syslog.send(30, "x").is_err());
        assert!(lost);
    }
}
