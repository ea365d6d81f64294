//! The system's allocator, with large blocks kept apart.

use std::alloc::{GlobalAlloc, Layout, System};

const PAGE: usize = 4096;
const CACHE_LINE: usize = 64;

/// The system's allocator. A block of whole pages is asked for with a cache line more, so that the
/// next one lies elsewhere in its pages.
///
/// TLS decrypts a record in one block and copies it to another. Where these are neighbours of whole
/// pages, the copy goes to 11 bytes further in its page than it comes from (16 of the allocator's
/// own, less a record's header of 5): there `rep movsb`, by which glibc copies such sizes, does
/// 3.5 GB a second on AMD's processors since Zen 3, and 80 anywhere else. It takes 15 % less
/// processor time to relay a large body.
#[derive(Debug)]
pub struct Heap;

fn apart(size: usize) -> usize {
    match size {
        1.. if size.is_multiple_of(PAGE) => size + CACHE_LINE,
        _ => size,
    }
}

/// As `layout`, with the size that is asked for. No longer than the longest there is: what is asked
/// for then is at most that size, and no more is ever given.
fn padded(layout: Layout) -> Layout {
    Layout::from_size_align(apart(layout.size()), layout.align()).unwrap_or(layout)
}

// SAFETY: every call goes to the system's allocator, which keeps its promises. A block is given
// back with the layout that it was asked for with, because `padded` depends on the layout alone,
// and has at least the size that the caller knows of.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises; a size that is not zero stays so.
        unsafe { System.alloc(padded(layout)) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(padded(layout)) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(block, padded(layout)) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let size =
            Layout::from_size_align(size, layout.align()).map_or(size, |new| padded(new).size());
        // SAFETY: as above.
        unsafe { System.realloc(block, padded(layout), size) }
    }
}
