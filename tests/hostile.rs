//! What one client does to make others wait.

mod http;
mod support;

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use http::setup;
use support::PATIENCE;

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
