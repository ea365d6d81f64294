//! The cloud: one server, reached on two ports, with certificates for everybody.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::support::certs::{Ca, Leaf, Spec};
use crate::support::pin::pin;
use crate::support::upstream::Upstream;
use crate::support::world::World;
use crate::ways::{Mode, Place, names};

/// Files of all identities, and what an upstream is made of.
pub struct Site {
    pub world: World,
    /// The file of roots that the server does not descend from.
    pub other_roots: String,
    /// The pin of a key that the server does not have.
    pub other_pin: String,
    server: Leaf,
    before: Leaf,
    after: Leaf,
    relay: Relay,
}

impl Site {
    pub fn new() -> io::Result<Self> {
        let world = World::new();
        let names = names();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let server = world.servers.server(&names);
        for name in ["a", "b"] {
            world.device(name);
        }
        Ok(Self {
            other_roots: world.dir.ca("others", &Ca::new("others")),
            other_pin: pin(&Leaf::self_signed(&Spec::server(&["localhost"]))),
            before: world.devices.client("before"),
            after: world.devices.client("after"),
            relay: Relay::start()?,
            server,
            world,
        })
    }

    /// A cloud that has seen nobody yet, and the certificate to be rotated as it was.
    pub fn cloud(&self, mode: Mode) -> Upstream {
        self.world.dir.identity("rotated", &self.before);
        let upstream = Upstream::builder(&self.server)
            .requests(&self.world.devices)
            .versions(mode.versions)
            .resumption(mode.resumption)
            .start();
        self.relay.lead_to(upstream.addr());
        upstream
    }

    /// Puts the other certificate in the place of the rotated one.
    pub fn rotate(&self) {
        self.world.dir.identity("rotated", &self.after);
    }

    /// The port of the cloud at that place.
    pub fn port(&self, cloud: &Upstream, place: Place) -> u16 {
        match place {
            Place::OtherPort => self.relay.port,
            Place::Same | Place::OtherSni => cloud.port(),
        }
    }

    /// A file of the site.
    pub fn path(&self, name: &str) -> String {
        self.world.dir.file(name).display().to_string()
    }
}

/// A second port of the same server.
struct Relay {
    port: u16,
    target: Arc<Mutex<Option<SocketAddr>>>,
}

impl Relay {
    fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let target = Arc::new(Mutex::new(None));
        let shared = Arc::clone(&target);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let to = *shared.lock().unwrap_or_else(PoisonError::into_inner);
                // A cloud that is gone: the client sees its connection close.
                let _ = to.map(|to| join(client, to));
            }
        });
        Ok(Self { port, target })
    }

    fn lead_to(&self, address: SocketAddr) {
        let mut target = self.target.lock().unwrap_or_else(PoisonError::into_inner);
        *target = Some(address);
    }
}

/// Carries bytes both ways until both ends close.
fn join(client: TcpStream, to: SocketAddr) -> io::Result<()> {
    let server = TcpStream::connect(to)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from, into) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || carry(from, into));
    thread::spawn(move || carry(server, client));
    Ok(())
}

fn carry(mut from: TcpStream, mut into: TcpStream) {
    // Either end may be gone at any time; then the other is told.
    let _ = io::copy(&mut from, &mut into);
    let _ = into.shutdown(Shutdown::Write);
}
