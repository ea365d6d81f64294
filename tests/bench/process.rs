//! What /proc tells of a process, and which cores it may use.

use std::collections::HashSet;
use std::error::Error;
use std::fs;
use std::io;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Microseconds of processor time that all threads took so far (proc(5), schedstat).
pub fn cpu(pids: &[u32]) -> Result<f64> {
    let mut nanoseconds = 0;
    for pid in pids {
        for task in fs::read_dir(format!("/proc/{pid}/task"))? {
            let text = fs::read_to_string(task?.path().join("schedstat"))?;
            let first = text.split(' ').next().unwrap_or_default();
            nanoseconds += first.parse::<u64>()?;
        }
    }
    Ok(nanoseconds as f64 / 1_000.0)
}

/// KiB that processes hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Memory {
    /// Resident, of the first of them.
    pub rss: f64,
    /// Their parts of what is resident, of all.
    pub pss: f64,
}

/// What they hold now. Only root may look into a process that keeps its memory private.
pub fn memory(pids: &[u32]) -> Result<Memory> {
    let mut memory = Memory { rss: 0.0, pss: 0.0 };
    for (n, pid) in pids.iter().enumerate() {
        let path = format!("/proc/{pid}/smaps_rollup");
        let text =
            fs::read_to_string(&path).map_err(|error| format!("{path}: {error}; run as root"))?;
        let field = |name: &str| -> Option<f64> {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        if n == 0 {
            memory.rss = field("Rss:").ok_or("no Rss")?;
        }
        memory.pss += field("Pss:").ok_or("no Pss")?;
    }
    Ok(memory)
}

/// What they hold once that has been the same for a while.
pub fn settled(pids: &[u32]) -> Result<Memory> {
    const LOOK: Duration = Duration::from_millis(50);
    const LOOKS: u32 = 20;
    const PATIENCE: Duration = Duration::from_secs(15);
    let deadline = Instant::now() + PATIENCE;
    let mut last = memory(pids)?;
    let mut same = 0;
    while same < LOOKS && Instant::now() < deadline {
        sleep(LOOK);
        let now = memory(pids)?;
        same = if now == last { same + 1 } else { 0 };
        last = now;
    }
    Ok(last)
}

/// KiB of its program file, and of the shared libraries that it maps.
pub fn size(pid: u32) -> Result<(f64, f64)> {
    let kib = |path: &str| fs::metadata(path).map(|file| file.len() as f64 / 1_024.0);
    let program = kib(&format!("/proc/{pid}/exe"))?;
    let maps = fs::read_to_string(format!("/proc/{pid}/maps"))?;
    let paths = maps
        .lines()
        .filter_map(|line| line.split_whitespace().nth(5));
    let libraries: HashSet<&str> = paths.filter(|path| path.contains(".so")).collect();
    let sizes = libraries.into_iter().map(kib);
    Ok((program, sizes.sum::<io::Result<f64>>()?))
}

/// A core for the proxies and another one for everything else.
#[derive(Debug, Clone, Copy)]
pub struct Cores {
    proxy: usize,
    rest: usize,
    /// How many there are.
    pub count: usize,
}

impl Cores {
    /// The first two that there are; this thread, and what it starts, stays on the second.
    ///
    /// # Errors
    /// There is but one.
    pub fn divide() -> Result<Self> {
        let ours = sched_getaffinity(None)?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|core| ours.is_set(*core));
        let (Some(proxy), Some(rest)) = (cores.next(), cores.next()) else {
            return Err("two cores are needed, one for the proxies and one for the rest".into());
        };
        let count = 2 + cores.count();
        stay_on(rest)?;
        Ok(Self { proxy, rest, count })
    }

    /// What `start` starts stays on the proxies' core.
    pub fn on_proxys<T>(&self, start: impl FnOnce() -> T) -> Result<T> {
        stay_on(self.proxy)?;
        let started = start();
        stay_on(self.rest)?;
        Ok(started)
    }
}

fn stay_on(core: usize) -> io::Result<()> {
    let mut only = CpuSet::new();
    only.set(core);
    Ok(sched_setaffinity(None, &only)?)
}

/// A thousand clients need as many descriptors, here and in each proxy.
pub fn raise_descriptors() -> io::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    Ok(setrlimit(Resource::Nofile, raised)?)
}
