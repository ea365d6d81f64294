//! A renewer as people have them: openssl as the authority, certificates that live for seconds, a
//! new one every second, under load, against nginx that lets nobody in without a valid one.
#![cfg(feature = "peers")]

mod peers;
mod support;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use peers::cloud::Cloud;
use peers::openssl::sh;
use support::client::Client;
use support::egret::Egret;

/// How many certificates are issued, each a second after the one before was seen.
const RENEWALS: usize = 30;
/// Threads that ask without a pause.
const CLIENTS: usize = 3;

/// An authority that issues with dates to the second, and what it is to say in a certificate.
const AUTHORITY: &str = "
    cat >ca.cnf <<'END'
[ca]
default_ca = renewer
[renewer]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
unique_subject = no
policy = any
x509_extensions = leaf
[any]
commonName = supplied
[leaf]
extendedKeyUsage = clientAuth
END
    : >index.txt
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
        -keyout ca.key -out clients.crt -subj /CN=renewer -days 2 2>errors
";

/// Issues CN=rN, valid for eight more seconds, and puts it in the place of the former: those with an
/// even number by renaming, the others in place. Never both files at once.
const RENEW: &str = r#"
    renew() {
        openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
            -keyout new.key -out new.csr -subj "/CN=r$1" 2>errors
        openssl ca -batch -config ca.cnf -cert clients.crt -keyfile ca.key -notext \
            -startdate "$(date -u -d '-1 minute' +%y%m%d%H%M%SZ)" \
            -enddate "$(date -u -d '+8 seconds' +%y%m%d%H%M%SZ)" \
            -in new.csr -out new.crt 2>errors
        if [ $(($1 % 2)) = 0 ]; then
            mv new.crt x.crt
            mv new.key x.key
        else
            cat new.key >x.key
            cat new.crt >x.crt
        fi
    }
"#;

/// Asks until told to stop; how many times.
fn ask(addr: SocketAddr, stop: &AtomicBool) -> usize {
    let mut client = Client::connect(addr);
    let mut requests = 0;
    while !stop.load(Ordering::Relaxed) {
        let answer = client.get("/").expect("an answer");
        // nginx says 400 to a certificate that has expired.
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.echo("verified").as_deref(), Some("SUCCESS"));
        requests += 1;
    }
    requests
}

struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn certificates_renewed_every_second_are_all_used_and_no_request_fails() {
    let cloud = Cloud::new();
    sh(cloud.dir.path(), AUTHORITY);
    sh(cloud.dir.path(), &format!("{RENEW} renew 0"));
    // TLS 1.2 and 1.3, and connections that end now and then, so that sessions are resumed.
    let nginx = cloud.start("keepalive_requests 20;");
    let option = format!("x,cert={},key={}", cloud.path("x.crt"), cloud.path("x.key"));
    let mut egret = Egret::builder(env!("CARGO_BIN_EXE_egret"))
        .ca(&cloud.ca())
        .identity(&option)
        .identity(&format!("y{},tls=1.2", &option[1..]))
        .route(&cloud.to("x"))
        .route(&cloud.to("y"))
        .option("--reload-interval", "100ms")
        .start();
    let stop = &AtomicBool::new(false);
    let asked: usize = thread::scope(|scope| {
        let stopped = Stop(stop);
        let addrs = (0..CLIENTS).map(|n| egret.addr(n % 2));
        let clients: Vec<_> = addrs
            .map(|addr| scope.spawn(move || ask(addr, stop)))
            .collect();
        for number in 1..=RENEWALS {
            // Dates have seconds.
            thread::sleep(Duration::from_secs(1));
            sh(cloud.dir.path(), &format!("{RENEW} renew {number}"));
            for name in ["x", "y"] {
                egret.wait_line(&format!(
                    "reloaded identity {name:?}: epoch {}, CN=r{number} by CN=renewer",
                    number + 1
                ));
            }
            nginx.access_log_with(&format!("CN=r{number}"));
        }
        drop(stopped);
        clients
            .into_iter()
            .map(|client| client.join().expect("no panic"))
            .sum()
    });
    egret.signal("TERM");
    assert_eq!(egret.wait_exit().code(), Some(0));
    let log = egret.log();
    assert!(!log.contains(" failed, keeping "), "{log}");
    let counted = log.matches(" 0 failures, 0 retried; ").count();
    assert_eq!(counted, 2, "{log}");

    let seen = nginx.access_log(asked);
    assert_eq!(seen.len(), asked, "both count");
    assert!(
        seen.iter().any(|line| line.starts_with("200 r ")),
        "resumption is tried"
    );
    for number in 0..=RENEWALS {
        let subject = format!(" CN=r{number}");
        assert!(
            seen.iter().any(|line| line.ends_with(&subject)),
            "{subject} was never used"
        );
    }
}
