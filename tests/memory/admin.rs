//! What clients of `--admin` make egret hold.

use std::time::SystemTime;

use ::egret::limits;
use ::egret::proxy::Failed;

use crate::clients::{connect, head, send_until_stuck};
use crate::egret::Egret;
use crate::support::client::Client;
use crate::upstreams::World;
use crate::{N, alone, assert_honest, heap};

/// Fills what is remembered of failures with what is longest when it is escaped.
fn fail(egret: &Egret, routes: usize) {
    let target = format!("/{}", "'".repeat(600));
    for n in 0..limits::RECENT_ERRORS.max(routes) {
        let mut client = Client::connect(egret.addr(n % routes));
        assert_eq!(client.get(&target).expect("an answer").status, 502);
    }
}

/// What each of [`N`] clients adds that takes no answer to this.
fn held(egret: &Egret, target: &str, routes: usize) -> usize {
    let rest = heap::quiet();
    let request = head(&format!("GET {target}"), "", limits::ADMIN_HEAD_MAX);
    let clients: Vec<_> = (0..N).map(|_| connect(egret.addr(routes))).collect();
    std::thread::scope(|scope| {
        for client in &clients {
            scope.spawn(|| send_until_stuck(client, request.as_bytes()));
        }
    });
    let each = (heap::quiet() - rest) / N;
    println!("{target} with {routes} routes: {each} bytes");
    drop(clients);
    each
}

/// The same for each kind of answer, where there are so many routes.
fn all_held(world: &World, routes: usize) -> [usize; 3] {
    let route = "to=https://127.0.0.1:1,identity=x".to_owned();
    let egret = Egret::start_with_admin(&world.options("x"), &vec![route; routes]);
    fail(&egret, routes);
    ["/", "/status.json", "/metrics"].map(|target| held(&egret, target, routes))
}

#[test]
fn a_client_of_admin_takes_no_more_than_its_constants() {
    const ROUTES: usize = 17;
    let _alone = alone();
    let world = World::new();
    let (one, more) = (all_held(&world, 1), all_held(&world, ROUTES));
    // One route and one identity were there.
    let granted = limits::ADMIN_CLIENT_BYTES + 2 * limits::ADMIN_ENTRY_BYTES;
    let client = one.into_iter().max().unwrap_or_default();
    assert_honest("a client of --admin", client, granted);
    for (one, more) in one.into_iter().zip(more) {
        // These routes failed in one way of the many that are counted.
        let each = more.saturating_sub(one) / (ROUTES - 1);
        assert!(each <= limits::ADMIN_ENTRY_BYTES / 2, "a route adds {each}");
    }
}

#[test]
fn a_failure_takes_no_more_than_its_constant() {
    const FAILURES: usize = 32;
    let _alone = alone();
    let text = "x".repeat(8 * 1024);
    let failed = || Failed::new(SystemTime::UNIX_EPOCH, text.clone());
    let held = heap::measure(|| (0..FAILURES).map(|_| failed()).collect::<Vec<_>>());
    assert_honest("a failure", held / FAILURES, limits::FAILURE_BYTES);
}
