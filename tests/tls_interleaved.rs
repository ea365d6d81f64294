//! Two handshakes of one identity, interleaved record by record. One upstream asks for a
//! certificate and the other does not; both end without a word, and what is said of each follows
//! from what it asked itself.

mod support;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use socket2::SockRef;
use support::PATIENCE;
use support::client;
use support::egret::Egret;
use support::upstream::{ClientAuth, OnAccept, Upstream, Versions, roots};
use support::world::World;

/// What goes towards egret on one connection.
enum Event {
    Record(Vec<u8>),
    /// A reset.
    End,
}

/// When a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    /// With the upstream's own end.
    Upstream,
    /// Once egret has answered the upstream's first words.
    SecondFlight,
}

/// One connection from egret, before it is let through to its upstream.
struct Lane {
    listener: TcpListener,
    upstream: SocketAddr,
}

impl Lane {
    fn to(upstream: &Upstream) -> Self {
        Self {
            listener: TcpListener::bind("127.0.0.1:0").expect("a listener"),
            upstream: upstream.addr(),
        }
    }

    fn port(&self) -> u16 {
        self.listener.local_addr().expect("an address").port()
    }

    /// Waits for egret, and passes on at once what it sends.
    fn open(&self, until: Until) -> OpenLane {
        let (client, _) = self.listener.accept().expect("egret");
        let server = TcpStream::connect(self.upstream).expect("the upstream");
        let (events, received) = channel();
        let (from, to) = (clone(&client), clone(&server));
        let end = events.clone();
        thread::spawn(move || pass_up(from, to, until, &end));
        thread::spawn(move || gather(server, &events));
        OpenLane {
            client: Some(client),
            events: received,
        }
    }
}

fn clone(stream: &TcpStream) -> TcpStream {
    stream.try_clone().expect("a descriptor")
}

fn pass_up(mut client: TcpStream, mut server: TcpStream, until: Until, events: &Sender<Event>) {
    let mut flights = 0;
    while let Some(record) = read_record(&mut client) {
        flights += 1;
        if flights > 1 && until == Until::SecondFlight {
            break;
        }
        if server.write_all(&record).is_err() {
            return;
        }
    }
    if until == Until::SecondFlight {
        // Nobody listens any more when the test is over.
        let _ = events.send(Event::End);
    }
}

fn gather(mut server: TcpStream, events: &Sender<Event>) {
    while let Some(record) = read_record(&mut server) {
        let _ = events.send(Event::Record(record));
    }
    let _ = events.send(Event::End);
}

/// A whole TLS record; `None` at the end.
fn read_record(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut record = vec![0; 5];
    stream.read_exact(&mut record).ok()?;
    let length = usize::from(u16::from_be_bytes([record[3], record[4]]));
    record.resize(5 + length, 0);
    stream.read_exact(&mut record[5..]).ok()?;
    Some(record)
}

struct OpenLane {
    /// Until it ended.
    client: Option<TcpStream>,
    events: Receiver<Event>,
}

impl OpenLane {
    /// Lets one record through, or the end.
    fn step(&mut self) {
        let Some(client) = &mut self.client else {
            return;
        };
        match self.events.recv_timeout(PATIENCE) {
            // egret may be gone already: the test sees what it said.
            Ok(Event::Record(record)) if client.write_all(&record).is_ok() => {}
            _ => {
                let linger = SockRef::from(&*client).set_linger(Some(Duration::ZERO));
                linger.expect("a socket");
                // Wakes the one who reads from egret, and sends nothing: the reset comes when the
                // last of both lets go.
                let _ = client.shutdown(Shutdown::Read);
                self.client = None;
            }
        }
    }
}

/// Lets both connections through record by record in turn, after `lead` of the first one's.
fn alternate(lanes: [Lane; 2], until: Until, lead: usize) {
    thread::spawn(move || {
        let [mut first, mut second] = lanes.map(|lane| lane.open(until));
        for _ in 0..lead {
            first.step();
        }
        while first.client.is_some() || second.client.is_some() {
            second.step();
            first.step();
        }
    });
}

/// What egret says of the upstream that asks, and of the one that does not.
fn said_of_both(versions: Versions, until: Until, asking_first: bool, lead: usize) -> [String; 2] {
    let world = World::new();
    let start = |auth| {
        world
            .upstream()
            .versions(versions)
            .client_auth(auth)
            .record_size(128)
            .on_accept(|_| OnAccept::ResetAfterHandshake)
            .start()
    };
    let asking = start(ClientAuth::Requested(roots(&[&world.devices])));
    let silent = start(ClientAuth::NotAsked);
    let lanes = [Lane::to(&asking), Lane::to(&silent)];
    let mut options = Egret::builder(env!("CARGO_BIN_EXE_egret"))
        .ca(&world.ca)
        .identity(&world.device("x"));
    for lane in &lanes {
        options = options.route(&format!("to=https://localhost:{},identity=x", lane.port()));
    }
    let egret = options.start();
    let [asking, silent] = lanes;
    let lanes = match asking_first {
        true => [asking, silent],
        false => [silent, asking],
    };
    alternate(lanes, until, lead);
    let requests = [0, 1].map(|index| {
        let listener = egret.addr(index);
        thread::spawn(move || client::get(listener, "/").text())
    });
    requests.map(|request| {
        let text = request.join().expect("an answer");
        let (_, said) = text.split_once(": ").expect("an error of ours");
        let (said, _probe) = said.split_once("; run: ").unwrap_or((said, ""));
        said.trim_end().to_owned()
    })
}

const REFUSED: &str = "closed right after our certificate \"x\"; it probably refused it";

#[test]
fn what_two_tls13_handshakes_at_once_were_asked_is_not_mixed() {
    for asking_first in [true, false] {
        for lead in 0..12 {
            let said = said_of_both(Versions::Only13, Until::Upstream, asking_first, lead);
            let plain = "closed the connection before it answered";
            assert_eq!(said, [REFUSED, plain], "{asking_first} {lead}");
        }
    }
}

#[test]
fn what_two_tls12_handshakes_at_once_were_asked_is_not_mixed() {
    for asking_first in [true, false] {
        for lead in 0..12 {
            let said = said_of_both(Versions::Only12, Until::SecondFlight, asking_first, lead);
            let plain = "TLS failed: the server closed the connection in the handshake; check \
                 that the port speaks TLS";
            assert_eq!(said, [REFUSED, plain], "{asking_first} {lead}");
        }
    }
}
