//! Makes the demo's certificates: `cargo run --example certs -- certs`.

mod set;
#[path = "../tests/support/mod.rs"]
mod support;

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let (Some(dir), None) = (args.next().map(PathBuf::from), args.next()) else {
        eprintln!("certs: say one folder to write to, as `certs`");
        return ExitCode::from(2);
    };
    match set::ensure(&dir) {
        Ok(set::Set::Kept) => println!("{}: all there and valid, nothing changed", dir.display()),
        Ok(set::Set::Made) => println!("{}: made a new set", dir.display()),
        Err(error) => {
            eprintln!("certs: {}: {error}", dir.display());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
