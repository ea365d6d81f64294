//! A condition that the test thread opens and an upstream's script waits for.

use std::sync::Arc;

use tokio::sync::watch;

/// Closed until [`Gate::open`] is called, and open from then on.
#[derive(Debug)]
pub struct Gate {
    opened: watch::Sender<bool>,
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            opened: watch::Sender::new(false),
        })
    }

    /// Lets everything that waits, and will wait, pass.
    pub fn open(&self) {
        self.opened.send_replace(true);
    }

    /// Returns once it is open.
    pub async fn passed(&self) {
        // The sender lives in self: waiting cannot fail.
        let _ = self.opened.subscribe().wait_for(|opened| *opened).await;
    }
}
