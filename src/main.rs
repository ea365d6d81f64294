//! Exit codes, nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(egret::app::main(std::env::args_os().skip(1)))
}
