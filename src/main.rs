//! Exit codes, and which heap there is.

use std::process::ExitCode;

// Against the way in which glibc copies on x86-64; elsewhere the system's serves as it is.
#[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
#[global_allocator]
static HEAP: egret::app::Heap = egret::app::Heap;

fn main() -> ExitCode {
    ExitCode::from(egret::app::main(std::env::args_os().skip(1)))
}
