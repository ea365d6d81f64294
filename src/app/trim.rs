//! What start-up needed of our files is given back. Options, PEM, certificates and roots are read
//! once: their code, and tables that go with it, would stay mapped for nobody.
//!
//! What runs again is mapped again as it is touched, from the system's cache, as after any
//! shortage of memory.

use std::ffi::c_void;
use std::fs;
use std::ops::Range;
use std::ptr::without_provenance_mut;

use rustix::mm::{Advice, madvise};

/// What is said of a mapping in which no page is a copy of our own. All three must be said.
const COPIES: [&str; 3] = ["Anonymous:", "Private_Hugetlb:", "Swap:"];

/// Gives back all pages of files that are mapped and never written. Where the kernel does not tell
/// of them, or does not take them, they stay.
pub(super) fn give_back() {
    if !is_alone() {
        return;
    }
    let Ok(smaps) = fs::read_to_string("/proc/self/smaps") else {
        return;
    };
    // First all of them: what reads the list is in such pages too.
    clean(&smaps).into_iter().for_each(drop_pages);
}

/// Whether this thread is the only one. Another may be loading a library, for a name of a client
/// that came at once: then the list is not to be trusted.
fn is_alone() -> bool {
    let threads = fs::read_dir("/proc/self/task");
    threads.is_ok_and(|threads| threads.count() == 1)
}

/// The mappings that are what their files are, and cannot become anything else (proc(5), smaps).
fn clean(smaps: &str) -> Vec<Range<usize>> {
    let mut clean = Vec::new();
    let mut mapping = None;
    let mut without = 0;
    for line in smaps.lines() {
        let mut words = line.split_ascii_whitespace();
        let Some(first) = words.next() else { continue };
        if COPIES.contains(&first) {
            without += usize::from(words.next() == Some("0"));
            if without == COPIES.len() {
                clean.extend(mapping.take());
            }
        } else if !first.ends_with(':') {
            mapping = read_only_file(first, words);
            without = 0;
        }
    }
    clean
}

/// The addresses of a mapping of a file, private and never written. Others have no path, or
/// a name in brackets.
fn read_only_file<'a>(
    addresses: &str,
    mut words: impl Iterator<Item = &'a str>,
) -> Option<Range<usize>> {
    let may = words.next()?;
    let path = words.nth(3)?;
    let (start, end) = addresses.split_once('-')?;
    let address = |text| usize::from_str_radix(text, 16).ok();
    let range = address(start)?..address(end)?;
    (matches!(may, "r--p" | "r-xp") && path.starts_with('/')).then_some(range)
}

/// Measured with one identity and one route, at rest, it takes PSS from 2,927 to 714 KiB (the static
/// `small` build: from 1,968 to 616), and no safe call does that.
#[allow(unsafe_code)]
fn drop_pages(range: Range<usize>) {
    let start: *mut c_void = without_provenance_mut(range.start);
    // SAFETY: `range` is a private mapping of a file that cannot be written to, and none of its
    // pages is a copy (`clean`); no other thread is there to change that (`is_alone`). Each page
    // that goes is the file's own, and whoever reads there next gets that page again: the kernel
    // itself takes such pages when memory is short.
    let refused = unsafe { madvise(start, range.len(), Advice::LinuxDontNeed) };
    // Locked in memory, perhaps: then they stay.
    let _stays = refused;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mapping as the kernel tells of it, with so many KiB of each kind of copy.
    fn mapping(head: &str, copies: [usize; 3]) -> String {
        let [anonymous, huge, swapped] = copies;
        format!(
            "{head}\nSize:                 64 kB\nRss:                  64 kB\n\
             Private_Dirty:        64 kB\nAnonymous:    {anonymous} kB\nKSM:       0 kB\n\
             Private_Hugetlb:  {huge} kB\nSwap:   {swapped} kB\nSwapPss:    0 kB\n\
             VmFlags: rd mr mw me \n"
        )
    }

    #[test]
    fn what_is_given_back_is_the_files_own() {
        let file = "fe:00 917 /usr/bin/egret";
        let none = [0; 3];
        let smaps = [
            mapping(&format!("1000-2000 r--p 00000000 {file}"), none),
            mapping(&format!("2000-5000 r-xp 00001000 {file}"), none),
            mapping("5000-6000 r-xp 00001000 fe:00 1 /a b (deleted)", none),
            // Relocated, or with a debugger's breakpoint; some of it elsewhere already.
            mapping(&format!("6000-7000 r--p 00004000 {file}"), [4, 0, 0]),
            mapping(&format!("7000-8000 r-xp 00004000 {file}"), [0, 64, 0]),
            mapping(&format!("8000-9000 r-xp 00004000 {file}"), [0, 0, 12]),
            // Others may write there, or we.
            mapping(&format!("a000-b000 r-xs 00004000 {file}"), none),
            mapping(&format!("b000-c000 rw-p 00004000 {file}"), none),
            mapping(&format!("c000-d000 rwxp 00004000 {file}"), none),
            mapping(&format!("d000-e000 ---p 00004000 {file}"), none),
            // No file.
            mapping("e000-f000 r--p 00000000 00:00 0 ", none),
            mapping("f000-10000 r-xp 00000000 00:00 0          [vdso]", none),
        ];
        let expected = [0x1000..0x2000, 0x2000..0x5000, 0x5000..0x6000];
        assert_eq!(clean(&smaps.concat()), expected);
    }

    #[test]
    fn a_kernel_that_does_not_tell_of_copies_keeps_its_pages() {
        let whole = mapping("1000-2000 r-xp 00000000 fe:00 917 /egret", [0; 3]);
        assert_eq!(clean(&whole).len(), 1);
        for copies in COPIES {
            let kept = whole.lines().filter(|line| !line.starts_with(copies));
            let kept: Vec<&str> = kept.collect();
            assert_eq!(clean(&kept.join("\n")), [], "{copies}");
        }
        assert_eq!(clean("nonsense\n\n1-2\nx-y r-xp 0 0 0 /f\n"), []);
    }
}
