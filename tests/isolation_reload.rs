//! New files of an identity end its sessions and its connections. Each case shows in the same run
//! that both are reused before and after.

mod support;

use std::net::TcpStream;
use std::sync::Arc;
use std::thread;

use support::client::{self, Client};
use support::egret::{self, Egret};
use support::gate::Gate;
use support::upstream::{OnAccept, Reply, Resumption, Seen, Step, Upstream, Versions};
use support::world::World;

const MODES: [(Versions, Resumption); 3] = [
    (Versions::Only12, Resumption::SessionIds),
    (Versions::Only12, Resumption::Tickets),
    (Versions::Only13, Resumption::Tickets),
];

fn upstream(world: &World, (versions, resumption): (Versions, Resumption)) -> Upstream {
    world
        .upstream()
        .versions(versions)
        .resumption(resumption)
        .start()
}

fn egret(world: &World, upstream_idle: &str) -> egret::Builder {
    Egret::builder(env!("CARGO_BIN_EXE_egret"))
        .ca(&world.ca)
        .option("--upstream-idle", upstream_idle)
}

fn ask(upstream: &Upstream, egret: &Egret) -> Seen {
    let answer = client::get(egret.addr(0), "/");
    assert_eq!(answer.status, 200, "{}", answer.text());
    upstream.last().expect("the request that was answered")
}

/// Puts the certificate `CN=subject` in the place of the identity's, and waits for the reload.
fn replace(world: &World, egret: &Egret, name: &str, subject: &str, epoch: u32) {
    world.dir.identity(name, &world.devices.client(subject));
    egret.signal("HUP");
    egret.wait_line(&format!("reloaded identity {name:?}: epoch {epoch}"));
}

fn subject(seen: &Seen) -> &str {
    seen.client_subject.as_deref().unwrap_or("none")
}

#[test]
fn a_session_of_the_former_certificate_is_never_resumed() {
    for mode in MODES {
        let world = World::new();
        let upstream = upstream(&world, mode);
        let egret = egret(&world, "0")
            .identity(&world.device("x"))
            .route(&format!("to={},identity=x", upstream.url()))
            .start();
        for (epoch, expected) in [(1, "CN=x"), (2, "CN=second"), (3, "CN=x")] {
            if epoch > 1 {
                replace(&world, &egret, "x", &expected[3..], epoch);
            }
            for resumed in [false, true, true] {
                let seen = ask(&upstream, &egret);
                assert_eq!(subject(&seen), expected, "{mode:?}: {seen:?}");
                assert_eq!(seen.resumed, resumed, "{mode:?}: {seen:?}");
            }
        }
        // Nor is it even offered.
        let offered = upstream.state(|state| state.offered.clone());
        let expected = ["CN=x", "CN=x", "CN=second", "CN=second", "CN=x", "CN=x"];
        assert_eq!(offered, expected.map(|name| Some(name.to_owned())));
    }
}

/// Handshakes that one identity may have under way.
const HANDSHAKES: usize = 8;

#[test]
fn who_waits_for_its_handshake_over_a_reload_does_not_offer_the_former_session() {
    for mode in MODES {
        let world = World::new();
        let upstream = upstream(&world, mode);
        let deaf = world.upstream().on_accept(|_| OnAccept::Stall).start();
        let egret = egret(&world, "0")
            .identity(&world.device("x"))
            .route(&format!("to={},identity=x", upstream.url()))
            .route(&format!("to={},identity=x", deaf.url()))
            .start();
        for resumed in [false, true] {
            assert_eq!(ask(&upstream, &egret).resumed, resumed, "{mode:?}");
        }
        let handshakes: Vec<_> = (1..=HANDSHAKES).map(|_| request(&egret, 1)).collect();
        deaf.wait_until(|state| state.accepted == HANDSHAKES as u64);
        let mut waiting = request(&egret, 0);
        upstream.wait_until(|state| state.accepted == 3);
        replace(&world, &egret, "x", "second", 2);
        // Clients that vanish leave their places.
        drop(handshakes);
        assert_eq!(waiting.read_response().expect("an answer").status, 200);
        let seen = upstream.last().expect("the request that waited");
        assert_eq!((subject(&seen), seen.resumed), ("CN=second", false));
        let offered = upstream.state(|state| state.offered.clone());
        assert_eq!(offered, [Some("CN=x".to_owned())], "{mode:?}");
    }
}

/// A request to the n-th route whose answer nobody reads yet.
fn request(egret: &Egret, n: usize) -> Client<TcpStream> {
    let mut client = Client::connect(egret.addr(n));
    client
        .write_raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .expect("written");
    client
}

#[test]
fn a_connection_of_the_former_certificate_is_never_reused() {
    for mode in MODES {
        let world = World::new();
        let upstream = upstream(&world, mode);
        let egret = egret(&world, "30s")
            .identity(&world.device("x"))
            .route(&format!("to={},identity=x", upstream.url()))
            .start();
        for (epoch, expected) in [(1, "CN=x"), (2, "CN=second"), (3, "CN=x")] {
            if epoch > 1 {
                replace(&world, &egret, "x", &expected[3..], epoch);
                // The former connection ends in good order although nobody asks for it.
                upstream.wait_until(|state| state.open == 0);
            }
            for request in 1..=3 {
                let seen = ask(&upstream, &egret);
                assert_eq!(subject(&seen), expected, "{mode:?}: {seen:?}");
                assert_eq!(seen.connection, u64::from(epoch), "{mode:?}: {seen:?}");
                assert_eq!((seen.request, seen.resumed), (request, false));
            }
        }
    }
}

/// Holds answers to `/held` until the gate opens.
fn hold(upstream: &Upstream) -> Arc<Gate> {
    let gate = Gate::new();
    let held = Arc::clone(&gate);
    upstream.answer(move |seen| match seen.target.as_str() {
        "/held" => Reply::script(vec![
            Step::WaitFor(Arc::clone(&held)),
            Step::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()),
        ]),
        _ => Reply::echo(seen),
    });
    gate
}

#[test]
fn a_request_in_flight_finishes_as_it_began_and_its_connection_is_not_kept() {
    for upstream_idle in ["0", "30s"] {
        for mode in MODES {
            let world = World::new();
            let upstream = upstream(&world, mode);
            let gate = hold(&upstream);
            let egret = egret(&world, upstream_idle)
                .identity(&world.device("x"))
                .route(&format!("to={},identity=x", upstream.url()))
                .start();
            let listener = egret.addr(0);
            let held = thread::spawn(move || client::get(listener, "/held").status);
            upstream.wait_until(|state| state.seen.len() == 1);
            replace(&world, &egret, "x", "second", 2);
            gate.open();
            assert_eq!(held.join().expect("an answer"), 200);
            let seen = ask(&upstream, &egret);
            assert_eq!(subject(&seen), "CN=second");
            assert_eq!((seen.connection, seen.resumed), (2, false), "{seen:?}");
            let seen = ask(&upstream, &egret);
            assert_eq!(subject(&seen), "CN=second");
            // Within the new epoch there is reuse, of one kind or the other.
            assert!(seen.resumed != (seen.connection == 2), "{seen:?}");
        }
    }
}

#[test]
fn a_request_that_waits_for_a_connection_is_sent_as_the_new_certificate() {
    let world = World::new();
    let upstream = world.upstream().start();
    let gate = hold(&upstream);
    let egret = egret(&world, "30s")
        .identity(&format!("{},connections=1", world.device("x")))
        .route(&format!("to={},identity=x", upstream.url()))
        .start();
    let listener = egret.addr(0);
    let held = thread::spawn(move || client::get(listener, "/held").status);
    upstream.wait_until(|state| state.seen.len() == 1);
    let mut waiting = Client::connect(listener);
    let head = b"GET /waiting HTTP/1.1\r\nHost: x\r\n\r\n";
    waiting.write_raw(head).expect("written");
    // What follows on a second client is answered only after the one that waits was read.
    let denied = client::send(listener, b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n");
    assert_eq!(denied.status, 405);
    replace(&world, &egret, "x", "second", 2);
    gate.open();
    assert_eq!(held.join().expect("an answer"), 200);
    assert_eq!(waiting.read_response().expect("an answer").status, 200);
    let seen = upstream.last().expect("a request");
    assert_eq!((subject(&seen), seen.connection), ("CN=second", 2));
    let again = ask(&upstream, &egret);
    assert_eq!((subject(&again), again.connection), ("CN=second", 2));
}

#[test]
fn files_that_do_not_load_leave_certificate_sessions_and_connections_as_they_were() {
    for (upstream_idle, pooled) in [("0", false), ("30s", true)] {
        let world = World::new();
        let upstream = world.upstream().start();
        let egret = egret(&world, upstream_idle)
            .identity(&world.device("x"))
            .route(&format!("to={},identity=x", upstream.url()))
            .start();
        assert_eq!(subject(&ask(&upstream, &egret)), "CN=x");
        world.dir.write("x.crt", "not a certificate\n");
        egret.signal("HUP");
        egret.wait_line("reload of identity \"x\" failed, keeping epoch 1: ");
        let seen = ask(&upstream, &egret);
        assert_eq!(subject(&seen), "CN=x");
        assert_eq!((seen.resumed, seen.connection == 1), (!pooled, pooled));
    }
}
