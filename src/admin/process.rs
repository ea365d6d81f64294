//! What the kernel knows of this process (proc(5)).

use std::fs;

use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};

/// Descriptors that are open now.
pub fn open_descriptors() -> Option<usize> {
    // The folder itself is open while it is read.
    let open = fs::read_dir("/proc/self/fd").ok()?.count();
    Some(open.saturating_sub(1))
}

/// Descriptors that may be open; `None`: as many as the system has.
pub fn most_descriptors() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// What it used so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Used {
    /// Processor time.
    pub cpu_seconds: f64,
    /// Address space.
    pub virtual_bytes: u64,
    /// Memory.
    pub resident_bytes: u64,
}

/// What it used so far; `None` where /proc is not there.
pub fn used() -> Option<Used> {
    parse(&fs::read_to_string("/proc/self/stat").ok()?)
}

fn parse(stat: &str) -> Option<Used> {
    // The program's name, in parentheses, may hold anything.
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    // The first of them is the third of the line (proc_pid_stat(5)).
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let ticks = field(14)? + field(15)?;
    Some(Used {
        cpu_seconds: ticks as f64 / clock_ticks_per_second() as f64,
        virtual_bytes: field(23)?,
        resident_bytes: field(24)? * page_size() as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_parenthesis_does_not_shift_the_fields() {
        let rest = "S 1 1 1 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 1 0 300 4096000 10 184";
        let used = parse(&format!("7 (a) b) {rest}")).expect("a line of stat");
        assert_eq!(used.cpu_seconds, 200.0 / clock_ticks_per_second() as f64);
        assert_eq!(used.virtual_bytes, 4_096_000);
        assert_eq!(used.resident_bytes, 10 * page_size() as u64);
        assert_eq!(parse("7 (a"), None);
    }

    #[test]
    fn this_process_is_known() {
        let used = used().expect("/proc");
        assert!(0 < used.resident_bytes && used.resident_bytes < used.virtual_bytes);
        assert!(open_descriptors().is_some_and(|open| open >= 3));
    }
}
