//! When and where it was measured.

use std::fs;

use crate::peers::version::version;
use crate::plan::Result;
use crate::process::Cores;

/// What a reader has to know of a run, a name and a value each.
pub fn facts(cores: Cores) -> Result<Vec<(String, String)>> {
    let cpu = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("unknown", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let load = fs::read_to_string("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or_default();
    Ok(vec![
        ("date".to_owned(), version("date", "-uI")),
        (
            "processor".to_owned(),
            format!("{model}, {} cores", cores.count),
        ),
        // What others do at the same time is in every figure.
        ("load average before".to_owned(), load.to_owned()),
        ("kernel".to_owned(), format!("Linux {}", kernel.trim())),
    ])
}
