//! Tasks, all of one kind: what the runtime needs of a task is in the program once, and not once for
//! each that is started.

use std::pin::Pin;

use tokio::task::{JoinHandle, spawn_local};

/// Runs `future` beside all others.
pub fn spawn(future: impl Future<Output = ()> + 'static) -> JoinHandle<()> {
    let boxed: Pin<Box<dyn Future<Output = ()>>> = Box::pin(future);
    spawn_local(boxed)
}
