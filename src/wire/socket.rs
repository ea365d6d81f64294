//! A client's socket: TCP or unix, non-blocking, used through a shared reference.

use std::future::poll_fn;
use std::io::{self, IoSlice, Read};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BufMut;
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::{TcpStream, UnixStream};

/// An accepted connection.
#[derive(Debug)]
pub enum Socket {
    /// TCP.
    Tcp(TcpStream),
    /// A unix socket.
    Unix(UnixStream),
}

/// Does the same with either stream.
macro_rules! either {
    ($socket:expr, $stream:ident => $what:expr) => {
        match $socket {
            Socket::Tcp($stream) => $what,
            Socket::Unix($stream) => $what,
        }
    };
}

impl Socket {
    fn raw(&self) -> SockRef<'_> {
        either!(self, stream => SockRef::from(stream))
    }

    pub(super) fn try_read_buf(&self, into: &mut impl BufMut) -> io::Result<usize> {
        let room = into.chunk_mut().len();
        let read = either!(self, stream => stream.try_read_buf(into))?;
        if (1..room).contains(&read) {
            self.is_drained();
        }
        Ok(read)
    }

    /// A read that did not fill its buffer took all there was: until more is announced nobody
    /// need ask the kernel again.
    fn is_drained(&self) {
        let empty = || Err::<(), _>(io::Error::from(io::ErrorKind::WouldBlock));
        let _noted = either!(self, stream => stream.try_io(Interest::READABLE, empty));
    }

    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        either!(self, stream => stream.try_write(bytes))
    }

    pub(super) fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match slices {
            // Costs the kernel less.
            [one] => self.try_write(one),
            _ => either!(self, stream => stream.try_write_vectored(slices)),
        }
    }

    pub(super) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_read_ready(cx))
    }

    pub(super) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_write_ready(cx))
    }

    /// How many bytes lie unread, one at most; zero is the end.
    pub(super) fn peek(&self) -> io::Result<usize> {
        let mut byte = [MaybeUninit::uninit()];
        let peek = || self.raw().peek(&mut byte);
        either!(self, stream => stream.try_io(Interest::READABLE, peek))
    }

    /// Reads what lies there, whether or not the event loop was told of it.
    pub(super) fn read_unannounced(&self, into: &mut [u8]) -> io::Result<usize> {
        (&*self.raw()).read(into)
    }

    /// Whether nothing lies unread, as far as the event loop knows; if it does not, the kernel.
    pub(super) fn is_empty(&self) -> bool {
        match self.peek() {
            Ok(unread) => unread == 0,
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        }
    }

    /// No more bytes will be sent.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn shutdown_write(&self) -> io::Result<()> {
        self.raw().shutdown(Shutdown::Write)
    }

    /// Closing will reset the connection, so that nobody takes the end for a proper one.
    pub fn reset_on_close(&self) {
        if let Self::Tcp(_) = self {
            // At worst the client sees an orderly end.
            let _kept = self.raw().set_linger(Some(Duration::ZERO));
        }
    }

    /// Writes all of `bytes`.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            either!(self, stream => stream.writable().await)?;
            match self.try_write(bytes) {
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads and throws away what comes, until the end.
    pub async fn discard(&self) {
        let mut scratch = [0; 512];
        loop {
            // Counts against the task's budget, which `readable` does not: whoever sends faster
            // than we read would have the event loop for itself.
            let read = match poll_fn(|cx| self.poll_read_ready(cx)).await {
                Ok(()) => either!(self, stream => stream.try_read(&mut scratch)),
                Err(error) => Err(error),
            };
            match read {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }
}
