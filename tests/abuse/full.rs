//! The worst that `check` counts on: every place taken, and each held by who makes the most of it.

use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::attacks::Doors;
use crate::clients::{connect, send_two, send_upload};
use crate::support::upstream::Upstream;
use crate::{CLIENTS, CONNECTIONS};

/// Who fills places at a time.
const HANDS: usize = 16;

/// Takes every upstream connection, and every client's place behind each door; `answers` is the
/// upstream behind that door.
pub fn fill(doors: &Doors, answers: &Upstream) -> Vec<TcpStream> {
    // Both ways are stuck: of what is sent, and of what is answered.
    let mut held = together(&[doors.answers; CONNECTIONS], |client| {
        send_upload(client, "/");
    });
    answers.wait_until(|state| {
        let uploads = state.seen.iter().filter(|seen| seen.method == "POST");
        uploads.filter(|seen| seen.target == "/").count() == CONNECTIONS
    });
    // All others wait for a connection, with the next request behind theirs. Half of them are more
    // than there are places.
    let places: Vec<_> = doors
        .all()
        .into_iter()
        .flat_map(|door| std::iter::repeat_n(door, 2 * CLIENTS))
        .collect();
    held.extend(together(&places, send_two));
    held
}

/// A client at each address that does this.
fn together(places: &[SocketAddr], act: impl Fn(&TcpStream) + Sync) -> Vec<TcpStream> {
    let next = AtomicUsize::new(0);
    let take = || {
        let mut held = Vec::new();
        while let Some(addr) = places.get(next.fetch_add(1, Ordering::Relaxed)) {
            let client = connect(*addr);
            act(&client);
            held.push(client);
        }
        held
    };
    thread::scope(|scope| {
        let hands: Vec<_> = (0..HANDS).map(|_| scope.spawn(take)).collect();
        let held = hands
            .into_iter()
            .flat_map(|hand| hand.join().expect("a hand"));
        held.collect()
    })
}
