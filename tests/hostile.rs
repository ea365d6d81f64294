//! What one client does to make others wait.

mod http;
mod support;

use std::io::Write;
use std::net::{Ipv6Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use http::{binary, setup};
use support::PATIENCE;
use support::certs::{Ca, Dir};
use support::client::Client;
use support::gate::Gate;
use support::upstream::{Reply, Seen, Step, Upstream};

/// More than any buffer between a client and egret holds.
const FLOOD: usize = 32 * 1024 * 1024;
/// Connections that flood at once.
const FLOODERS: usize = 2;

/// A client that is refused and goes on sending as fast as it can; it ends when egret ends it.
struct Flooder {
    cut: Arc<AtomicBool>,
    flooding: mpsc::Receiver<()>,
}

impl Flooder {
    fn start(addr: SocketAddr) -> Self {
        let cut = Arc::new(AtomicBool::new(false));
        let (begun, flooding) = mpsc::channel();
        let ended = Arc::clone(&cut);
        thread::spawn(move || {
            let mut stream = TcpStream::connect(addr).expect("a connection");
            stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
            stream.write_all(b"GET\r\n\r\n").expect("written");
            let piece = vec![b'x'; 1024 * 1024];
            let mut sent = 0;
            while stream.write_all(&piece).is_ok() {
                sent += piece.len();
                if sent == FLOOD {
                    // The test may be over.
                    let _ = begun.send(());
                }
            }
            ended.store(true, Ordering::SeqCst);
        });
        Self { cut, flooding }
    }

    /// Waits until egret reads what it sends.
    fn wait(&self) {
        self.flooding.recv_timeout(PATIENCE).expect("a flood");
    }

    fn is_over(&self) -> bool {
        self.cut.load(Ordering::SeqCst)
    }
}

#[test]
fn a_client_that_sends_on_and_on_after_its_refusal_makes_nobody_wait() {
    let world = setup().start();
    // egret ends a flood after two seconds; a machine under load may take as long for an answer.
    let answered_meanwhile = (0..3).any(|_| {
        let flooders: Vec<_> = (0..FLOODERS)
            .map(|_| Flooder::start(world.addr()))
            .collect();
        flooders.iter().for_each(Flooder::wait);
        let response = world.client().get("/").expect("an answer");
        assert_eq!(response.status, 200);
        !flooders.iter().any(Flooder::is_over)
    });
    assert!(answered_meanwhile, "answers came only after the floods");
}

#[test]
fn both_addresses_of_a_port_get_the_places_that_come_free() {
    let ca = Ca::new("servers");
    let dir = Dir::new();
    let gate = Gate::new();
    let held = Arc::clone(&gate);
    let upstream = Upstream::builder(&ca.server(&["localhost"]))
        .handler(move |seen: &Seen| match seen.target.as_str() {
            "/held" => Reply::script(vec![Step::WaitFor(Arc::clone(&held))])
                .then(Step::Bytes(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()))
                .then(Step::Flush),
            _ => Reply::echo(seen),
        })
        .start();
    let route = format!("to={},identity=none,clients=1", upstream.url());
    let egret = binary()
        .ca(&dir.ca("servers", &ca))
        .route_at("0", &route)
        .start();
    let four = egret.addr(0);
    let six = SocketAddr::from((Ipv6Addr::LOCALHOST, four.port()));
    let mut busy = Client::connect(four);
    let request = b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n";
    busy.write_raw(request).expect("written");
    upstream.wait_until(|state| state.seen.len() == 1);
    let Ok(over_six) = Client::try_connect(six) else {
        println!("no IPv6 here");
        return;
    };
    let mut newcomers = [Client::connect(four), over_six];
    for newcomer in &mut newcomers {
        let request = b"GET /new HTTP/1.1\r\nHost: x\r\n\r\n";
        newcomer.write_raw(request).expect("written");
    }
    egret.wait_line("all 1 clients busy");
    gate.open();
    assert_eq!(busy.read_response().expect("an answer").status, 204);
    drop(busy);
    for mut newcomer in newcomers {
        assert_eq!(newcomer.read_response().expect("an answer").status, 200);
    }
}
