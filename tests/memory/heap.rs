//! Counts the heap of the threads that ask for it.

// An allocator cannot be written without it. Both functions hand their arguments on to the system's
// allocator as they came, and the counting beside them allocates nothing.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::PATIENCE;

#[global_allocator]
static HEAP: Counting = Counting;

static LIVE: AtomicIsize = AtomicIsize::new(0);
static PEAK: AtomicIsize = AtomicIsize::new(0);

static EVERYWHERE: AtomicBool = AtomicBool::new(false);

thread_local! {
    static COUNTED: Cell<bool> = const { Cell::new(false) };
}

struct Counting;

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        add(-(layout.size() as isize));
        unsafe { System.dealloc(memory, layout) }
    }
}

fn add(bytes: isize) {
    // A thread that ends frees what its locals hold when the flag is gone already.
    let counted = COUNTED.try_with(Cell::get).unwrap_or(false);
    if counted || EVERYWHERE.load(Ordering::SeqCst) {
        let live = LIVE.fetch_add(bytes, Ordering::SeqCst) + bytes;
        PEAK.fetch_max(live, Ordering::SeqCst);
    }
}

/// Does something with the heap of this thread counted.
pub fn counted<T>(act: impl FnOnce() -> T) -> T {
    COUNTED.set(true);
    let result = act();
    COUNTED.set(false);
    result
}

/// Does something with the heap of all threads counted.
pub fn counted_everywhere<T>(act: impl FnOnce() -> T) -> T {
    EVERYWHERE.store(true, Ordering::SeqCst);
    let result = act();
    EVERYWHERE.store(false, Ordering::SeqCst);
    result
}

/// The bytes that what `make` makes holds.
pub fn measure<T>(make: impl FnOnce() -> T) -> usize {
    counted(|| {
        let before = live();
        let made = make();
        let held = live() - before;
        drop(made);
        held
    })
}

/// Bytes held now.
pub fn live() -> usize {
    LIVE.load(Ordering::SeqCst) as usize
}

/// The most bytes that were held at once.
pub fn peak() -> usize {
    PEAK.load(Ordering::SeqCst) as usize
}

/// [`peak`] begins anew.
pub fn forget_peak() {
    PEAK.store(LIVE.load(Ordering::SeqCst), Ordering::SeqCst);
}

/// Waits until no more than that is held.
#[track_caller]
pub fn wait_until(what: &str, most: usize) {
    let deadline = Instant::now() + PATIENCE;
    while live() > most {
        let held = live();
        assert!(
            Instant::now() < deadline,
            "{what}: {held} bytes, not {most}"
        );
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// Bytes held once nothing changes any more: whoever was to stall, stalls.
pub fn quiet() -> usize {
    quiet_for(Duration::from_millis(150))
}

/// Bytes held once nothing changed for so long.
pub fn quiet_for(calm: Duration) -> usize {
    let deadline = Instant::now() + PATIENCE;
    let mut since = Instant::now();
    let mut last = (live(), peak());
    while since.elapsed() < calm {
        assert!(Instant::now() < deadline, "the heap does not come to rest");
        std::thread::park_timeout(Duration::from_millis(5));
        let now = (live(), peak());
        if now != last {
            (last, since) = (now, Instant::now());
        }
    }
    last.0
}
