//! The socket under TLS. TLS reads 4 KiB at a time, a quarter of a record: of a large body more is
//! read at once, and lent to TLS bit by bit.

use std::io::{self, IoSlice, Read};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A connected socket, and what was read of it and not taken by TLS yet.
#[derive(Debug)]
pub struct Intake {
    tcp: TcpStream,
    ahead: BytesMut,
    /// Most bytes of a read; `None` is as many as TLS asks for.
    most: Option<usize>,
}

impl Intake {
    /// Nothing was read of `tcp`.
    pub(super) fn new(tcp: TcpStream) -> Self {
        Self {
            tcp,
            ahead: BytesMut::new(),
            most: None,
        }
    }

    /// The socket.
    pub(super) fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// Whether bytes were read that TLS has not taken.
    pub(super) fn holds_any(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// Ready when something came to the socket that may be read.
    pub(super) fn poll_news(&self, cx: &mut Context<'_>) -> Poll<()> {
        match self.most {
            Some(0) => Poll::Pending,
            // An error is news too: the read that follows tells of it.
            _ => self.tcp.poll_read_ready(cx).map(drop),
        }
    }

    /// From now on a read takes so many bytes at most, though TLS asks for fewer; with zero, none
    /// are read but those that are here.
    pub(super) fn read_at_most(&mut self, bytes: usize) {
        self.most = Some(bytes);
    }

    /// From now on as many are read as TLS asks for.
    pub(super) fn read_as_asked(&mut self) {
        self.most = None;
    }

    fn poll_ahead(&mut self, most: usize, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // No room is made for what did not come.
        ready!(self.tcp.poll_read_ready(cx))?;
        let mut ahead = BytesMut::with_capacity(most);
        let read = ready!(pin!(self.tcp.read_buf(&mut ahead)).poll(cx));
        self.ahead = ahead;
        Poll::Ready(read.map(drop))
    }

    fn lend(&mut self, out: &mut ReadBuf<'_>) {
        let count = self.ahead.len().min(out.remaining());
        out.put_slice(&self.ahead[..count]);
        self.ahead.advance(count);
        if self.ahead.is_empty() {
            // A client that takes nothing is to hold nothing more.
            self.ahead = BytesMut::new();
        }
    }
}

impl AsyncRead for Intake {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            match self.most {
                // Whoever said so asks again.
                Some(0) => return Poll::Pending,
                Some(most) if most > out.remaining() => ready!(self.poll_ahead(most, cx))?,
                _ => return Pin::new(&mut self.tcp).poll_read(cx, out),
            }
        }
        self.lend(out);
        Poll::Ready(Ok(()))
    }
}

/// Without waiting.
impl Read for Intake {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.ahead.is_empty() {
            // The event loop need not know yet what lies there.
            return (&*socket2::SockRef::from(&self.tcp)).read(out);
        }
        let mut out = ReadBuf::new(out);
        self.lend(&mut out);
        Ok(out.filled().len())
    }
}

impl AsyncWrite for Intake {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // TLS has one record most of the time, which costs the kernel less alone.
        match slices {
            [one] => Pin::new(&mut self.tcp).poll_write(cx, one),
            _ => Pin::new(&mut self.tcp).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::Write;
    use std::net::{Ipv4Addr, TcpListener};
    use std::task::Waker;

    use super::*;

    /// As many bytes as TLS asks for.
    const ASKED: usize = 4;

    /// An intake, and who sends to it.
    async fn pair() -> (Intake, std::net::TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).await;
        (Intake::new(tcp.unwrap()), listener.accept().unwrap().0)
    }

    fn poll(intake: &mut Intake, cx: &mut Context<'_>) -> Poll<Vec<u8>> {
        let mut room = [0; ASKED];
        let mut out = ReadBuf::new(&mut room);
        ready!(Pin::new(intake).poll_read(cx, &mut out)).unwrap();
        Poll::Ready(out.filled().to_vec())
    }

    async fn read(intake: &mut Intake) -> Vec<u8> {
        poll_fn(|cx| poll(intake, cx)).await
    }

    fn at_hand(intake: &mut Intake) -> Poll<Vec<u8>> {
        poll(intake, &mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test(flavor = "local")]
    async fn as_much_as_tls_asks_for_is_read_unless_more_is_wanted() {
        let (mut intake, mut sender) = pair().await;
        sender.write_all(b"one two three four").unwrap();
        assert_eq!(read(&mut intake).await, b"one ");
        assert!(!intake.holds_any());
        intake.read_at_most(6);
        assert_eq!(read(&mut intake).await, b"two ");
        assert!(intake.holds_any());
        assert_eq!(at_hand(&mut intake), Poll::Ready(b"th".to_vec()));
        assert!(!intake.holds_any());
        intake.read_as_asked();
        assert_eq!(read(&mut intake).await, b"ree ");
    }

    #[tokio::test(flavor = "local")]
    async fn where_nothing_may_be_read_what_is_here_is_given_and_no_news_told() {
        let (mut intake, mut sender) = pair().await;
        sender.write_all(b"one two").unwrap();
        intake.read_at_most(6);
        assert_eq!(read(&mut intake).await, b"one ");
        intake.read_at_most(0);
        assert_eq!(at_hand(&mut intake), Poll::Ready(b"tw".to_vec()));
        assert!(at_hand(&mut intake).is_pending());
        let mut nobody = Context::from_waker(Waker::noop());
        assert!(intake.poll_news(&mut nobody).is_pending());
        intake.read_as_asked();
        poll_fn(|cx| intake.poll_news(cx)).await;
        assert_eq!(read(&mut intake).await, b"o");
    }

    #[tokio::test(flavor = "local")]
    async fn the_end_is_told_however_much_is_wanted() {
        for most in [None, Some(64)] {
            let (mut intake, sender) = pair().await;
            intake.most = most;
            drop(sender);
            assert_eq!(read(&mut intake).await, b"");
            assert!(!intake.holds_any());
        }
    }

    #[tokio::test(flavor = "local")]
    async fn without_waiting_what_was_read_ahead_comes_before_what_lies_in_the_socket() {
        let (mut intake, mut sender) = pair().await;
        sender.write_all(b"one two three").unwrap();
        intake.read_at_most(6);
        assert_eq!(read(&mut intake).await, b"one ");
        let mut room = [0; 64];
        assert_eq!(Read::read(&mut intake, &mut room).unwrap(), 2);
        assert_eq!(Read::read(&mut intake, &mut room).unwrap(), 7);
        assert_eq!(&room[..7], b"o three");
        let nothing = Read::read(&mut intake, &mut room).unwrap_err();
        assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
    }
}
