//! Client connections: admit, serve, watch their deadlines, end them.

mod acceptor;
mod answer;
mod bind;
mod clients;
mod pulse;
mod serve;
mod service;

pub use acceptor::Acceptor;
pub use bind::{At, BindError, Bound, Passed, bind};
pub use clients::Clients;
pub use pulse::Pulse;
pub use service::{Service, Site};

use std::io;
use std::rc::Rc;
use std::time::Duration;

use rustix::io::Errno;
use tokio::time::{Instant, sleep};

use acceptor::Arrival;

use crate::limits;
use crate::proxy::Client;
use crate::task;
use crate::wire::Inbound;

/// How long clients are waited for, and how large their heads may be.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// `--header-timeout`.
    pub header: Duration,
    /// `--idle-timeout`.
    pub idle: Duration,
    /// `--max-header`, bytes.
    pub head_max: usize,
}

/// One LISTEN: its clients, and who answers them.
pub struct Listener {
    /// Its LISTEN.
    pub name: Rc<str>,
    /// Who answers.
    pub service: Service,
    /// Its client connections.
    pub clients: Rc<Clients>,
    /// Deadlines and sizes.
    pub patience: Patience,
}

impl Listener {
    /// Accepts clients on `acceptor`, for ever, and tells `pulse` that it does.
    pub async fn accept(self: Rc<Self>, acceptor: Acceptor, pulse: Rc<Pulse>) {
        let mut said: Option<Instant> = None;
        loop {
            match pulse.next(&acceptor).await {
                Ok(arrival) => {
                    // One client is held at the door: only for it must another make room.
                    pulse.beside(self.clients.make_room()).await;
                    self.admit(arrival);
                }
                Err(error) if is_shortage(&error) => {
                    // Each client that leaves lets one in: that is not the end of the shortage.
                    if said.is_none_or(|at| at.elapsed() >= limits::REFUSAL_LOG) {
                        ::log::error!("cannot accept clients: {error}; waiting until some leave");
                        said = Some(Instant::now());
                    }
                    pulse.beside(sleep(limits::ACCEPT_BACKOFF)).await;
                }
                // One client's connection failed before it was accepted.
                Err(error) => ::log::debug!("a client could not be accepted: {error}"),
            }
        }
    }

    fn admit(self: &Rc<Self>, arrival: Arrival) {
        let inbound = Inbound::new(arrival.socket, self.patience.head_max, Instant::now());
        let member = self.clients.enter(Rc::clone(&inbound));
        let client = Client {
            peer: arrival.peer,
            listener: Rc::clone(&self.name),
            local: arrival.local,
            inbound,
            tunnel: Rc::default(),
        };
        task::spawn(Rc::clone(self).serve(client, member));
    }
}

fn is_shortage(error: &io::Error) -> bool {
    let shortage = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    Errno::from_io_error(error).is_some_and(|errno| shortage.contains(&errno))
}
