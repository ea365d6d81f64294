//! A stand-in cloud to try egret against: TLS 1.2 and 1.3, asks for a client certificate, answers
//! 403 without one, and JSON of what it saw.
//!
//! `cargo run --example cloud -- --certs certs --port 8443`

mod service;
#[path = "../support/mod.rs"]
mod support;

use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "cloud: usage: cloud [--certs DIR] [--port N]";

struct Options {
    certs: PathBuf,
    port: u16,
}

fn options() -> Option<Options> {
    let mut options = Options {
        certs: PathBuf::from("certs"),
        port: 8443,
    };
    let mut args = std::env::args().skip(1);
    while let Some(flag) = args.next() {
        let value = args.next()?;
        match flag.as_str() {
            "--certs" => options.certs = value.into(),
            "--port" => options.port = value.parse().ok()?,
            _ => return None,
        }
    }
    Some(options)
}

fn main() -> ExitCode {
    let Some(options) = options() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let started =
        service::cloud(&options.certs).and_then(|cloud| cloud.port(options.port).try_start());
    match started {
        Ok(cloud) => {
            println!("listening on {}", cloud.addr());
            loop {
                std::thread::park();
            }
        }
        Err(error) => {
            let certs = options.certs.display();
            eprintln!(
                "cloud: port {} with {certs}/server.crt: {error}",
                options.port
            );
            ExitCode::FAILURE
        }
    }
}
