//! Exit codes, and the heap.

use std::process::ExitCode;

/// Elsewhere nothing is gained.
#[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
#[global_allocator]
static HEAP: egret::app::Heap = egret::app::Heap;

fn main() -> ExitCode {
    ExitCode::from(egret::app::main(std::env::args_os().skip(1)))
}
