//! The reference case, played through: one cloud, one egret, three listeners, two certificates and
//! none. Every value printed comes from an answer of the cloud.

mod service;
#[path = "../../certs/set.rs"]
mod set;
#[path = "../support/mod.rs"]
mod support;
mod table;

use std::error::Error;
use std::io::{IsTerminal, stdin, stdout};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use support::client;
use support::egret::Egret;
use support::upstream::Upstream;
use table::{Expected, Listener, Row};
use tokio::signal::unix::{SignalKind, signal};

/// The identity of each listener, the port it would like, and the subject the cloud must see.
const LISTENERS: [(&str, u16, Option<&str>); 3] = [
    ("client", 8080, Some("CN=client")),
    ("another", 8081, Some("CN=another")),
    ("none", 8082, None),
];

/// The requests that each listener gets, and how each must arrive.
const ROUNDS: [(&str, Expected); 3] = [
    ("/", Expected::Full),
    (service::GOODBYE, Expected::Reused),
    ("/", Expected::Resumed),
];

fn main() -> ExitCode {
    match demo() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("demo: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every answer was what it must be.
fn demo() -> Result<bool, Box<dyn Error>> {
    let program = egret_program()?;
    let certs = Path::new("certs");
    set::ensure(certs)?;
    let cloud = service::cloud(certs)?.port(free_port(8443)?).try_start()?;
    let mut egret = start_egret(&program, certs, &cloud)?;

    println!(
        "The cloud is {}, and egret speaks to it for three listeners.\n",
        cloud.url()
    );
    let good = play(&egret).inspect_err(|_| eprintln!("{}", egret.log()))?;
    explain(good);

    let stays = good && stdin().is_terminal() && stdout().is_terminal();
    let status = if stays {
        try_it(&egret);
        serve_until_stopped(&mut egret)?
    } else {
        egret.signal("TERM");
        egret.wait_exit()
    };
    if !status.success() {
        eprintln!("demo: egret ended with {status}:\n{}", egret.log());
    }
    Ok(good && status.success())
}

fn egret_program() -> Result<PathBuf, Box<dyn Error>> {
    let this = std::env::current_exe()?;
    let target = this
        .parent()
        .and_then(Path::parent)
        .ok_or("this program has no folder")?;
    let program = target.join("egret");
    if program.exists() {
        return Ok(program);
    }
    Err(format!(
        "{} is not there; run `cargo build` first, or `make demo`",
        program.display()
    )
    .into())
}

/// The port that is preferred, or a free one when something else has it.
fn free_port(preferred: u16) -> Result<u16, Box<dyn Error>> {
    if TcpListener::bind(("127.0.0.1", preferred)).is_ok() {
        return Ok(preferred);
    }
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    println!("Port {preferred} is taken; using {port} in its place.");
    Ok(port)
}

fn start_egret(program: &Path, certs: &Path, cloud: &Upstream) -> Result<Egret, Box<dyn Error>> {
    let certs = certs.display();
    let mut builder = Egret::builder(program).ca(&format!("{certs}/ca.crt"));
    for (identity, port, subject) in LISTENERS {
        if subject.is_some() {
            let files = format!("cert={certs}/{identity}.crt,key={certs}/{identity}.key");
            builder = builder.identity(&format!("{identity},{files}"));
        }
        let listen = format!("127.0.0.1:{}", free_port(port)?);
        builder = builder.route_at(&listen, &format!("to={},identity={identity}", cloud.url()));
    }
    Ok(builder.start())
}

/// Sends the requests and prints the table.
fn play(egret: &Egret) -> Result<bool, Box<dyn Error>> {
    let mut rows: Vec<Row> = Vec::new();
    table::print_heading();
    for (target, expected) in ROUNDS {
        for (number, (identity, _, subject)) in LISTENERS.into_iter().enumerate() {
            let listener = Listener {
                address: egret.addr(number),
                identity,
                subject,
            };
            let mut client = client::Client::try_connect(listener.address)?;
            let response = client.get(target)?;
            let row = Row::new(listener, expected, &response, &rows);
            println!("{row}");
            rows.push(row);
        }
        println!();
    }
    let wrong: Vec<&Row> = rows.iter().filter(|row| row.fault().is_some()).collect();
    for row in &wrong {
        println!(
            "WRONG: {}: {}",
            row.identity(),
            row.fault().unwrap_or_default()
        );
    }
    Ok(wrong.is_empty())
}

fn explain(good: bool) {
    if good {
        println!(
            "Each listener is one identity to the cloud, and none is ever taken for another: its requests"
        );
        println!(
            "share its own connection, and after the cloud closed that, its own TLS session is resumed."
        );
        println!(
            "The listener without a certificate stays a stranger (403), whoever spoke before it."
        );
    } else {
        println!("The cloud did not see what it must see; the rows marked above say where.");
    }
}

fn try_it(egret: &Egret) {
    println!("\nTry it, in another terminal:\n");
    for (number, (identity, _, _)) in LISTENERS.into_iter().enumerate() {
        println!(
            "    curl -i http://{}/    # as {identity}",
            egret.addr(number)
        );
    }
    println!("\nCtrl-C stops it.");
}

/// The terminal's interrupt reaches egret too, and any other signal that ends this program is passed
/// on: it outlives egret.
fn serve_until_stopped(egret: &mut Egret) -> Result<std::process::ExitStatus, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        // Without signals it may have ended by itself: then nobody is there to be told.
        let mut child = signal(SignalKind::child())?;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = child.recv() => {}
            _ = terminate.recv() => egret.signal("TERM"),
            _ = hangup.recv() => egret.signal("TERM"),
        }
        Ok(egret.wait_forever()?)
    })
}
