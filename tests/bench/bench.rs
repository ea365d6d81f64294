//! egret beside nginx doing the same: a client certificate, the server verified, SNI, TLS 1.3,
//! connections kept on both sides, one worker. What one small request costs in processor time,
//! and what each needs in memory and on disk. Prints Markdown.
//!
//! `make bench`; needs nginx and a release build of egret. Programs given as arguments, other builds
//! of egret, are compared in place of those two.

#[path = "../peers/mod.rs"]
mod peers;
#[path = "../support/mod.rs"]
mod support;

use std::error::Error;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use peers::cloud::Cloud;
use peers::nginx::Nginx;
use peers::port::Port;
use support::client::Client;
use support::egret::Egret;

const ROUNDS: usize = 11;
const CLIENTS: [u64; 2] = [1, 16];
/// Requests of one round, all clients together.
const REQUESTS: u64 = 4_000;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A proxy that runs, and what was measured of it.
struct Proxy {
    name: String,
    addr: SocketAddr,
    pid: u32,
    program: PathBuf,
    idle_kib: u64,
    /// Microseconds of processor time for a request, one value a round, for each of [`CLIENTS`].
    costs: [Vec<f64>; CLIENTS.len()],
}

fn main() -> ExitCode {
    match bench() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn bench() -> Result<()> {
    let cloud = Cloud::new();
    let identity = cloud.identity("client");
    let insists = "ssl_protocols TLSv1.3; keepalive_requests 1000000;";
    let upstream = cloud.server(insists).replace("optional;", "on;");
    let _cloud = Nginx::start(&upstream.replace("access_log /dev/stdout seen;", ""));

    let start = |program: PathBuf| {
        Egret::builder(program)
            .ca(&cloud.ca())
            .identity(&format!("{identity},tls=1.3"))
            .route(&cloud.to("client"))
            .start()
    };
    let others: Vec<String> = std::env::args().skip(1).collect();
    if !others.is_empty() {
        let egrets: Vec<Egret> = others.iter().map(|path| start(path.into())).collect();
        let proxies = others.iter().zip(&egrets);
        let proxies = proxies.map(|(path, egret)| Proxy::new(path, egret.addr(0), egret.pid()));
        return compare(&mut proxies.collect::<Result<Vec<_>>>()?);
    }
    let egret = start(release()?);
    let port = Port::reserve();
    let nginx = Nginx::start(&same_in_nginx(&cloud, &port));
    compare(&mut [
        Proxy::new("egret", egret.addr(0), egret.pid())?,
        Proxy::new("nginx, its worker", port.address(), nginx.worker())?,
    ])
}

/// Lets each have its turn in each round, and prints what they cost.
fn compare(proxies: &mut [Proxy]) -> Result<()> {
    for round in 0..=ROUNDS {
        for (n, clients) in CLIENTS.into_iter().enumerate() {
            for proxy in &mut *proxies {
                let cost = proxy.cost(clients)?;
                // The first round fills caches and pools.
                if round > 0 {
                    proxy.costs[n].push(cost);
                }
            }
        }
    }
    print(proxies)
}

/// The egret that `cargo build --release` made.
fn release() -> Result<PathBuf> {
    let this = std::env::current_exe()?;
    let target = this
        .ancestors()
        .nth(3)
        .ok_or("this program has no folder")?;
    let program = target.join("release/egret");
    match program.exists() {
        true => Ok(program),
        false => Err("no release build; run `make bench`, which makes it".into()),
    }
}

fn same_in_nginx(cloud: &Cloud, port: &Port) -> String {
    format!(
        "upstream cloud {{ server {}; keepalive 16; keepalive_requests 1000000; }}
         server {{
             listen {port};
             keepalive_requests 1000000;
             location / {{
                 proxy_pass https://cloud;
                 proxy_http_version 1.1;
                 proxy_set_header Connection '';
                 proxy_set_header Host localhost;
                 proxy_ssl_certificate {};
                 proxy_ssl_certificate_key {};
                 proxy_ssl_name localhost;
                 proxy_ssl_server_name on;
                 proxy_ssl_verify on;
                 proxy_ssl_trusted_certificate {};
                 proxy_ssl_protocols TLSv1.3;
             }}
         }}",
        cloud.port,
        cloud.path("client.crt"),
        cloud.path("client.key"),
        cloud.ca(),
    )
}

impl Proxy {
    fn new(name: &str, addr: SocketAddr, pid: u32) -> Result<Self> {
        Ok(Self {
            name: name.to_owned(),
            addr,
            pid,
            // Only root may look into a process that keeps its memory private.
            program: fs::read_link(format!("/proc/{pid}/exe"))
                .map_err(|error| format!("{name}: which program it is: {error}; run as root"))?,
            idle_kib: rss_kib(pid)?,
            costs: Default::default(),
        })
    }

    /// Sends the requests of one round and gives the microseconds of processor time of each.
    fn cost(&self, clients: u64) -> Result<f64> {
        let before = cpu_nanoseconds(self.pid)?;
        thread::scope(|scope| {
            for _ in 0..clients {
                scope.spawn(|| {
                    let mut client = Client::connect(self.addr);
                    for _ in 0..REQUESTS / clients {
                        let response = client.get("/").expect("an answer");
                        assert_eq!(response.status, 200, "{}", self.name);
                    }
                });
            }
        });
        let spent = cpu_nanoseconds(self.pid)? - before;
        Ok(spent as f64 / 1_000.0 / REQUESTS as f64)
    }
}

/// Processor time of all threads (proc(5), schedstat).
fn cpu_nanoseconds(pid: u32) -> Result<u64> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = fs::read_to_string(task?.path().join("schedstat"))?;
        let first = text.split(' ').next().unwrap_or_default();
        sum += first.parse::<u64>()?;
    }
    Ok(sum)
}

fn rss_kib(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    Ok(number.ok_or("no VmRSS")?.parse()?)
}

fn print(proxies: &[Proxy]) -> Result<()> {
    row("", proxies.iter().map(|proxy| &proxy.name));
    row("---", proxies.iter().map(|_| "---:"));
    for (n, clients) in CLIENTS.into_iter().enumerate() {
        let plural = if clients == 1 { "" } else { "s" };
        row(
            &format!("processor time a request, {clients} client{plural}, µs: median (least-most)"),
            proxies.iter().map(|proxy| spread(&proxy.costs[n])),
        );
    }
    row(
        "memory before the first request (RSS), KiB",
        proxies.iter().map(|proxy| proxy.idle_kib.to_string()),
    );
    let mut after = Vec::new();
    let mut sizes = Vec::new();
    for proxy in proxies {
        after.push(rss_kib(proxy.pid)?.to_string());
        sizes.push((fs::metadata(&proxy.program)?.len() / 1024).to_string());
    }
    row("memory after the last (RSS), KiB", after.into_iter());
    row(
        "program file, without shared libraries, KiB",
        sizes.into_iter(),
    );
    Ok(())
}

fn row<T: AsRef<str>>(label: &str, cells: impl Iterator<Item = T>) {
    let cells: String = cells.map(|cell| format!(" {} |", cell.as_ref())).collect();
    println!("| {label} |{cells}");
}

/// The median, and the least and the greatest.
fn spread(values: &[f64]) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.first(), sorted.get(sorted.len() / 2), sorted.last()) {
        (Some(least), Some(median), Some(most)) => format!("{median:.0} ({least:.0}-{most:.0})"),
        _ => String::from("none"),
    }
}
