//! Connections that left HTTP: upgraded ones, and CONNECT.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional_with_sizes};
use tokio::time::{Instant, sleep_until};

use super::Record;
use crate::identity::{Lease, PlainLease};
use crate::limits;
use crate::wire::{Inbound, InboundIo, OutboundIo};

/// A client connection and the upstream's, bytes both ways from now on.
#[derive(Debug)]
pub struct Tunnel {
    far: Far,
    idle: Duration,
    /// Who goes where, for the log.
    what: String,
    record: Option<Record>,
}

#[derive(Debug)]
enum Far {
    Upgraded(Lease),
    Plain(PlainLease),
}

/// How a relay ended, and how much went through it.
#[derive(Debug)]
struct Relayed {
    up: u64,
    down: u64,
    end: &'static str,
    proper: bool,
}

impl Tunnel {
    /// A connection that the upstream agreed to take out of HTTP.
    pub fn upgraded(lease: Lease, idle: Duration, what: String) -> Self {
        Self {
            far: Far::Upgraded(lease),
            idle,
            what,
            record: None,
        }
    }

    /// A blind relay to a destination of the client's choice.
    pub fn plain(lease: PlainLease, idle: Duration, what: String) -> Self {
        Self {
            far: Far::Plain(lease),
            idle,
            what,
            record: None,
        }
    }

    /// Takes the record of its request along to its end.
    pub fn record(&mut self, record: Record) {
        self.record = Some(record);
    }

    /// Relays until both sides are done, one fails, or nothing moved for `--tunnel-idle`. What
    /// did not end in good order is reset on both sides: the bytes in between may lack their end.
    pub async fn run(self, inbound: &Rc<Inbound>) {
        inbound.become_tunnel();
        let near = InboundIo(Rc::clone(inbound));
        let relayed = match self.far {
            Far::Upgraded(lease) => {
                let outbound = Rc::clone(lease.connection.outbound());
                let far = OutboundIo(outbound);
                let relayed = relay(near, far, self.idle, self.record).await;
                // Counts it; what left HTTP is never used again.
                lease.settle(Duration::ZERO);
                relayed
            }
            Far::Plain(mut lease) => {
                let relayed = relay(near, &mut lease.stream, self.idle, self.record).await;
                if !relayed.proper {
                    // At worst the far side sees an orderly end.
                    let _kept = lease.stream.set_zero_linger();
                }
                relayed
            }
        };
        if !relayed.proper {
            inbound.socket().reset_on_close();
        }
        ::log::debug!(
            "{}: {} bytes up, {} down, {}",
            self.what,
            relayed.up,
            relayed.down,
            relayed.end
        );
    }
}

async fn relay(
    near: InboundIo,
    mut far: impl AsyncRead + AsyncWrite + Unpin,
    idle: Duration,
    record: Option<Record>,
) -> Relayed {
    let meter = Meter::new(record);
    let mut near = Metered {
        io: near,
        meter: &meter,
    };
    let size = limits::TUNNEL_BUFFER;
    let mut copying = pin!(copy_bidirectional_with_sizes(
        &mut near, &mut far, size, size
    ));
    let (end, proper) = loop {
        let deadline = meter.moved.get() + idle;
        tokio::select! {
            biased;
            result = &mut copying => break match result {
                Ok(_) => ("closed by both", true),
                Err(_) => ("cut off", false),
            },
            () = sleep_until(deadline) => {
                if meter.moved.get() + idle <= Instant::now() {
                    break ("idle for too long", false);
                }
            }
        }
    };
    Relayed {
        up: meter.up.get(),
        down: meter.down.get(),
        end,
        proper,
    }
}

/// What went through, and when last. The record has it even where nobody waits for the end.
#[derive(Debug)]
struct Meter {
    record: Option<Record>,
    moved: Cell<Instant>,
    up: Cell<u64>,
    down: Cell<u64>,
}

impl Meter {
    fn new(record: Option<Record>) -> Self {
        Self {
            record,
            moved: Cell::new(Instant::now()),
            up: Cell::new(0),
            down: Cell::new(0),
        }
    }

    fn count(&self, counter: &Cell<u64>, bytes: usize) {
        counter.set(counter.get() + bytes as u64);
        self.moved.set(Instant::now());
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let Some(record) = &mut self.record {
            record.received(self.up.get());
            record.sent(self.down.get());
        }
    }
}

struct Metered<'a> {
    io: InboundIo,
    meter: &'a Meter,
}

impl AsyncRead for Metered<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = out.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, out))?;
        self.meter
            .count(&self.meter.up, out.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Metered<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.io).poll_write(cx, bytes))?;
        self.meter.count(&self.meter.down, written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.io).poll_write_vectored(cx, slices))?;
        self.meter.count(&self.meter.down, written);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
