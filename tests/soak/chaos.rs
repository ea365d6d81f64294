//! What goes wrong all along: upstreams, files, names.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustls::CertificateError;

use crate::ledger::{Fault, Ledger};
use crate::port::Port;
use crate::random::Random;
use crate::support::PATIENCE;
use crate::support::certs::Dir;
use crate::support::dns::{Dns, Mode};
use crate::support::egret::Egret;
use crate::support::upstream::{ClientAuth, OnAccept, Upstream, roots};
use crate::support::world::World;
use crate::watch;

/// What every upstream is called.
pub const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "*.cloud.test"];

/// An upstream, and what makes it misbehave.
pub struct Cloud {
    pub number: usize,
    pub upstream: Upstream,
    /// Connections are not served.
    pub astray: Arc<AtomicBool>,
    /// Nobody else gets it while the upstream is away.
    pub _port: Port,
}

/// What becomes of the n-th connection where they are not served.
pub fn astray(number: u64) -> OnAccept {
    match number % 9 {
        0 => OnAccept::Stall,
        1 => OnAccept::Close,
        2 => OnAccept::Reset,
        3 => OnAccept::Bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
        4 => OnAccept::StallAfterHandshake,
        5 => OnAccept::CloseAfterHandshake,
        6 => OnAccept::CutAfterHandshake,
        7 => OnAccept::ResetAfterHandshake,
        _ => OnAccept::Serve,
    }
}

impl Cloud {
    /// Misbehaves now and then until it is over.
    pub fn misbehave(mut self, ledger: &Ledger, world: &World, mut random: Random) -> Self {
        let number = self.number;
        while ledger.pause(random.millis(300, 3000)) {
            match random.below(5) {
                0 => ledger.during(number, Fault::Down, || self.restart(ledger)),
                1 => ledger.during(number, Fault::Down, || {
                    self.upstream.stop();
                    ledger.pause(random.millis(10, 500));
                    self.restart(ledger);
                }),
                2 => {
                    let leaf = world.servers.server(&NAMES);
                    self.upstream.change(|builder| builder.certificate(&leaf));
                    ledger.count("server's rotation");
                    ledger.during(number, Fault::Down, || self.restart(ledger));
                }
                3 => {
                    let refuse = CertificateError::Revoked;
                    ledger.during(number, Fault::Refuses, || {
                        ledger.during(number, Fault::Down, || {
                            self.asks(ledger, ClientAuth::Refused(refuse));
                        });
                        ledger.pause(random.millis(100, 600));
                        ledger.during(number, Fault::Down, || {
                            let devices = roots(&[&world.devices]);
                            self.asks(ledger, ClientAuth::Requested(devices));
                        });
                    });
                }
                _ => {
                    // Connections that wait for a new one must be made anew.
                    self.astray.store(true, Ordering::SeqCst);
                    ledger.during(number, Fault::Accepts, || {
                        ledger.during(number, Fault::Down, || self.restart(ledger));
                        ledger.pause(random.millis(100, 600));
                        self.astray.store(false, Ordering::SeqCst);
                    });
                }
            }
        }
        self
    }

    /// Looks at what was seen, and forgets it; nothing listens any more.
    pub fn stop(&mut self, ledger: &Ledger) {
        self.upstream.stop();
        self.upstream.state(|state| ledger.audit(state));
        self.upstream.forget();
    }

    /// Begins anew; who was connected is cut off.
    pub fn restart(&mut self, ledger: &Ledger) {
        self.stop(ledger);
        self.upstream.restart().expect("the same port");
    }

    fn asks(&mut self, ledger: &Ledger, auth: ClientAuth) {
        self.upstream.change(|builder| builder.client_auth(auth));
        self.restart(ledger);
    }
}

/// The certificate of that identity and epoch, with its key in one file.
pub fn write_identity(dir: &Dir, world: &World, identity: &str, epoch: u32) -> String {
    let leaf = world.devices.client(&format!("{identity}.{epoch}"));
    let path = dir.write(&format!("{identity}.pem"), &(leaf.cert_pem + &leaf.key_pem));
    path.display().to_string()
}

/// New certificates, and files that are none, until it is over.
pub fn rotate(ledger: &Ledger, world: &World, egret: &Egret, names: &[&str], mut random: Random) {
    while ledger.pause(random.millis(100, 2000)) {
        let name = random.pick(names);
        if random.percent(30) {
            ledger.count("bad file");
            world
                .dir
                .write(&format!("{name}.pem"), "not a certificate\n");
            hang_up(egret);
            ledger.pause(random.millis(1, 300));
        }
        let next = ledger.epoch(name) + 1;
        ledger.count("rotation");
        write_identity(&world.dir, world, name, next);
        if random.percent(70) {
            hang_up(egret);
        }
        // An interval at most, and as long as files are patiently looked at again. The numbers of
        // files are those of epochs, in what comes after the end of this, too.
        let since = Instant::now();
        while ledger.epoch(name) < next {
            if since.elapsed() > PATIENCE {
                ledger.wrong(format!("identity {name:?} does not come to epoch {next}"));
                return;
            }
            ledger.pause(Duration::from_millis(20));
            watch::read_log(ledger, egret);
        }
    }
}

fn hang_up(egret: &Egret) {
    egret.signal("HUP");
}

/// Names that are not found, or not answered for, now and then until it is over.
pub fn lose_names(ledger: &Ledger, dns: &Dns, at: usize, mut random: Random) {
    while ledger.pause(random.millis(500, 4000)) {
        let mode = random.pick(&[Mode::Silent, Mode::NotFound]);
        ledger.during(at, Fault::Dns, || {
            dns.set(mode);
            ledger.pause(random.millis(50, 1500));
            dns.set(Mode::Found);
        });
    }
}
