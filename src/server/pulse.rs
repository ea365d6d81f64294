//! Proof that clients are accepted: a question that only an accept loop at work answers.
//!
//! A timer that fires shows that the event loop turns, and no more. Here the accept loop itself
//! answers, and not while the kernel holds a client for it that it does not take.

use std::cell::Cell;
use std::io;
use std::pin::pin;

use tokio::sync::Notify;

use super::Acceptor;
use super::acceptor::Arrival;

/// The question to one accept loop, and its answer.
#[derive(Debug, Default)]
pub struct Pulse {
    /// A question waits for its answer.
    open: Cell<bool>,
    asked: Notify,
    answered: Notify,
}

impl Pulse {
    /// Asks, and waits for the answer: for ever, if the accept loop is dead or stuck. To drop the
    /// future and ask again is fine.
    pub async fn feel(&self) {
        self.open.set(true);
        self.asked.notify_one();
        while self.open.get() {
            self.answered.notified().await;
        }
    }

    /// The next client of `acceptor`. It is an answer, as is that nobody waits to be accepted.
    pub(super) async fn next(&self, acceptor: &Acceptor) -> io::Result<Arrival> {
        loop {
            tokio::select! {
                biased;
                arrival = acceptor.accept() => {
                    if arrival.is_ok() {
                        self.answer();
                    }
                    return arrival;
                }
                // Where somebody waits, only to accept them is an answer.
                () = self.asked.notified() => if acceptor.is_deserted() {
                    self.answer();
                }
            }
        }
    }

    /// Answers during a wait in which it is right to accept nobody.
    pub(super) async fn beside<T>(&self, wait: impl Future<Output = T>) -> T {
        let mut wait = pin!(wait);
        loop {
            tokio::select! {
                biased;
                over = &mut wait => return over,
                () = self.asked.notified() => self.answer(),
            }
        }
    }

    fn answer(&self) {
        if self.open.replace(false) {
            self.answered.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpStream};
    use std::rc::Rc;
    use std::time::Duration;

    use tokio::task::{JoinHandle, spawn_local};
    use tokio::time::timeout;

    use super::*;

    const PROMPT: Duration = Duration::from_secs(20);
    /// Long enough for an answer that comes at all.
    const MOMENT: Duration = Duration::from_millis(300);

    fn acceptor() -> (Acceptor, SocketAddr) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("not blocking");
        let address = listener.local_addr().expect("bound");
        (Acceptor::tcp(listener).expect("a runtime"), address)
    }

    fn accept_all(acceptor: Acceptor) -> (Rc<Pulse>, JoinHandle<()>) {
        let pulse = Rc::new(Pulse::default());
        let asked = Rc::clone(&pulse);
        let task = spawn_local(async move {
            loop {
                asked.next(&acceptor).await.expect("a client");
            }
        });
        (pulse, task)
    }

    async fn beats(pulse: &Pulse) -> bool {
        timeout(PROMPT, pulse.feel()).await.is_ok()
    }

    async fn is_silent(pulse: &Pulse) -> bool {
        timeout(MOMENT, pulse.feel()).await.is_err()
    }

    #[tokio::test(flavor = "local")]
    async fn a_loop_that_accepts_answers_with_and_without_clients() {
        let (acceptor, address) = acceptor();
        let (pulse, _task) = accept_all(acceptor);
        for _ in 0..3 {
            assert!(beats(&pulse).await);
            let _clients = [address; 3].map(|to| TcpStream::connect(to).expect("connects"));
            assert!(beats(&pulse).await);
        }
    }

    #[tokio::test(flavor = "local")]
    async fn a_dead_loop_does_not_answer() {
        let (acceptor, _) = acceptor();
        let (pulse, task) = accept_all(acceptor);
        assert!(beats(&pulse).await);
        task.abort();
        assert!(is_silent(&pulse).await);
    }

    #[tokio::test(flavor = "local")]
    async fn a_loop_that_is_stuck_with_a_client_does_not_answer_until_it_goes_on() {
        let (acceptor, address) = acceptor();
        let pulse = Rc::new(Pulse::default());
        let (asked, gate) = (Rc::clone(&pulse), Rc::new(Notify::new()));
        let opened = Rc::clone(&gate);
        let task = spawn_local(async move {
            loop {
                asked.next(&acceptor).await.expect("a client");
                opened.notified().await;
            }
        });
        assert!(beats(&pulse).await);
        let _client = TcpStream::connect(address).expect("connects");
        assert!(beats(&pulse).await, "it accepts this one");
        assert!(is_silent(&pulse).await);
        gate.notify_one();
        assert!(beats(&pulse).await);
        task.abort();
    }

    #[tokio::test(flavor = "local")]
    async fn an_answer_that_nobody_heard_does_not_stand_for_the_next_question() {
        let (acceptor, _) = acceptor();
        let pulse = Rc::new(Pulse::default());
        let (asked, gate) = (Rc::clone(&pulse), Rc::new(Notify::new()));
        let opened = Rc::clone(&gate);
        let task = spawn_local(async move {
            opened.notified().await;
            asked.next(&acceptor).await.map(drop)
        });
        assert!(is_silent(&pulse).await);
        gate.notify_one();
        while pulse.open.get() {
            tokio::task::yield_now().await;
        }
        task.abort();
        assert!(is_silent(&pulse).await);
    }

    /// Events of the listener go to a runtime that nobody drives: the loop is polled, and learns
    /// of no client.
    #[tokio::test(flavor = "local")]
    async fn a_loop_that_leaves_clients_waiting_does_not_answer_although_it_is_polled() {
        let elsewhere = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .expect("a runtime");
        let (acceptor, address) = {
            let _entered = elsewhere.enter();
            acceptor()
        };
        let (pulse, task) = accept_all(acceptor);
        assert!(beats(&pulse).await, "nobody waits");
        let _client = TcpStream::connect(address).expect("connects");
        assert!(is_silent(&pulse).await);
        task.abort();
        // A runtime must not be dropped within another.
        elsewhere.shutdown_background();
    }

    #[tokio::test(flavor = "local")]
    async fn a_wait_that_is_meant_answers() {
        let pulse = Rc::new(Pulse::default());
        let asked = Rc::clone(&pulse);
        let task = spawn_local(async move { asked.beside(std::future::pending::<()>()).await });
        for _ in 0..3 {
            assert!(beats(&pulse).await);
        }
        task.abort();
        assert!(is_silent(&pulse).await);
    }
}
