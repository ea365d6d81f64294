//! Proxies that do the same job: one client certificate, the server verified by name, SNI, TLS 1.3,
//! connections kept on both sides, one worker.

use std::error::Error;
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;

use crate::cloud::{Site, Upstream};
use crate::peers::nginx::{Nginx, Run};
use crate::peers::port::Port;
use crate::peers::version::version;

use crate::support::certs::Dir;
use crate::support::egret::{Builder, Egret};
use crate::support::wait_until;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What the release build is called.
pub const EGRET: &str = "egret";

/// A program that can do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Egret(PathBuf),
    Nginx,
    Haproxy,
}

impl Kind {
    pub fn name(&self) -> String {
        match self {
            Self::Egret(_) => EGRET.to_owned(),
            Self::Nginx => "nginx".to_owned(),
            Self::Haproxy => "HAProxy".to_owned(),
        }
    }

    /// What it says of its version, as far as that is said in a line.
    pub fn version(&self) -> String {
        match self {
            Self::Egret(program) => version(&program.display().to_string(), "--version"),
            Self::Nginx => version("nginx", "-v"),
            Self::Haproxy => version("haproxy", "-v"),
        }
    }
}

/// What it is to do.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    pub site: &'a Site,
    /// Where each of its listeners leads.
    pub to: &'a [Upstream],
    /// Most clients; egret, which has another bound for connections, gets its most of those as well.
    pub clients: Option<u32>,
    /// A shell script that ends with `exec "$0" "$@"`, which becomes the proxy.
    pub through: Option<&'a str>,
}

impl<'a> Job<'a> {
    /// The number of each listener, where it leads, and where it is.
    fn leads(&self, ports: &'a [Port]) -> impl Iterator<Item = (usize, (SocketAddr, &'a Port))> {
        let to = self
            .to
            .iter()
            .map(|upstream| self.site.server.address(*upstream));
        to.zip(ports).enumerate()
    }
}

/// A proxy that runs; stopped when dropped.
pub struct Proxy {
    process: Process,
    ports: Vec<Port>,
    _dir: Dir,
}

enum Process {
    Nginx(Nginx),
    /// And how it is started.
    Single(Box<Egret>, Builder),
}

impl Proxy {
    /// Starts it and waits until it listens.
    pub fn start(kind: &Kind, job: &Job) -> Self {
        let ports: Vec<Port> = job.to.iter().map(|_| Port::reserve()).collect();
        let dir = Dir::new();
        let process = match kind {
            Kind::Egret(program) => single(egret(Egret::builder(program), job, &ports), job),
            Kind::Haproxy => single(haproxy(&dir, job, &ports), job),
            Kind::Nginx => {
                let connections = job.clients.map_or(512, |clients| 2 * clients);
                let through = job.through.map(str::to_owned);
                let run = Run {
                    connections,
                    through,
                };
                Process::Nginx(Nginx::start_as(&nginx(job, &ports), run))
            }
        };
        let proxy = Self {
            process,
            ports,
            _dir: dir,
        };
        let listens = |port: &Port| TcpStream::connect(port.address()).is_ok();
        wait_until("the proxy listens", || proxy.ports.iter().all(listens));
        proxy
    }

    /// Where it listens, for each of [`Job::to`].
    pub fn addr(&self, n: usize) -> SocketAddr {
        self.ports[n].address()
    }

    /// The process that serves.
    pub fn pid(&self) -> u32 {
        match &self.process {
            Process::Nginx(nginx) => nginx.worker(),
            Process::Single(process, _) => process.pid(),
        }
    }

    /// All its processes, the one that serves first.
    pub fn pids(&self) -> Vec<u32> {
        match &self.process {
            Process::Nginx(nginx) => vec![nginx.worker(), nginx.master()],
            Process::Single(process, _) => vec![process.pid()],
        }
    }

    /// Starts it after [`Proxy::stop`], and does not wait until it listens.
    pub fn start_again(&mut self) {
        match &mut self.process {
            Process::Nginx(nginx) => nginx.start_again(),
            Process::Single(process, builder) => **process = builder.clone().spawn(),
        }
    }

    /// Stops it and waits for its end.
    pub fn stop(&mut self) {
        match &mut self.process {
            Process::Nginx(nginx) => nginx.stop(),
            Process::Single(process, _) => {
                process.signal("TERM");
                process.wait_exit();
            }
        }
    }
}

fn single(builder: Builder, job: &Job) -> Process {
    let builder = match job.through {
        Some(script) => builder.through_shell(script),
        None => builder,
    };
    Process::Single(Box::new(builder.clone().spawn()), builder)
}

/// An identity for each listener: connections are bounded by identity.
fn egret(builder: Builder, job: &Job, ports: &[Port]) -> Builder {
    let mut builder = builder.ca(&job.site.roots());
    // Of 64 clients at once, so many wait for the 16 connections.
    let mut bound = ",waiting=64";
    if let Some(clients) = job.clients {
        builder = builder.option("--max-clients", &clients.to_string());
        bound = ",waiting=64,connections=64";
    }
    for (n, (to, port)) in job.leads(ports) {
        let (certificate, key) = (job.site.certificate(), job.site.key());
        builder = builder
            .identity(&format!(
                "client{n},cert={certificate},key={key},tls=1.3{bound}"
            ))
            .route_at(
                &port.to_string(),
                &format!("to=https://{to},sni=localhost,host=localhost,identity=client{n}"),
            );
    }
    builder
}

fn nginx(job: &Job, ports: &[Port]) -> String {
    let site = job.site;
    let server = |(n, (to, port)): (usize, (SocketAddr, &Port))| {
        format!(
            "upstream cloud{n} {{ server {to}; keepalive 64; keepalive_requests 10000000; }}
             server {{
                 listen {port};
                 keepalive_requests 10000000;
                 client_max_body_size 0;
                 location / {{
                     proxy_pass https://cloud{n};
                     proxy_http_version 1.1;
                     proxy_set_header Connection '';
                     proxy_set_header Host localhost;
                     proxy_request_buffering off;
                     proxy_max_temp_file_size 0;
                     proxy_ssl_certificate {certificate};
                     proxy_ssl_certificate_key {key};
                     proxy_ssl_name localhost;
                     proxy_ssl_server_name on;
                     proxy_ssl_verify on;
                     proxy_ssl_trusted_certificate {roots};
                     proxy_ssl_protocols TLSv1.3;
                 }}
             }}",
            certificate = site.certificate(),
            key = site.key(),
            roots = site.roots(),
        )
    };
    job.leads(ports).map(server).collect()
}

fn haproxy(dir: &Dir, job: &Job, ports: &[Port]) -> Builder {
    let site = job.site;
    let read = |file: String| fs::read_to_string(file).expect("a file of the cloud");
    let both = read(site.certificate()) + &read(site.key());
    let certificate = dir.write("client.pem", &both).display().to_string();
    // It keeps connections to servers only while it has four times as many descriptors to spare.
    let clients = 4 * job.clients.unwrap_or(512);
    let roots = site.roots();
    let mut config = format!(
        "global\n nbthread 1\n maxconn {clients}\n ssl-server-verify required\n \
         ssl-default-server-options ssl-min-ver TLSv1.3\n \
         ssl-default-server-ciphersuites TLS_AES_128_GCM_SHA256\n\
         defaults\n mode http\n http-reuse always\n timeout connect 10s\n timeout client 75s\n \
         timeout server 60s\n"
    );
    for (n, (to, port)) in job.leads(ports) {
        config += &format!(
            "frontend f{n}\n bind {port}\n default_backend b{n}\n\
             backend b{n}\n http-request set-header Host localhost\n server cloud {to} ssl verify \
             required ca-file {roots} verifyhost localhost sni str(localhost) crt {certificate}\n"
        );
    }
    let file = dir.write("haproxy.cfg", &config).display().to_string();
    let builder = Egret::builder("haproxy").arg("-db");
    builder.option("-f", &file)
}

/// The folder of what cargo makes, in which this program is too.
pub fn target() -> Result<PathBuf> {
    let this = std::env::current_exe()?;
    let target = this.ancestors().nth(3);
    Ok(target.ok_or("this program has no folder")?.to_owned())
}

/// The egret that `cargo build --release` made.
///
/// # Errors
/// It has not been built.
pub fn release() -> Result<PathBuf> {
    let program = target()?.join("release/egret");
    match program.exists() {
        true => Ok(program),
        false => Err("no release build; `make bench` and `make instructions` make it".into()),
    }
}

/// The static egret for small devices, if `cross/build` has made it.
pub fn small_build() -> Result<Option<PathBuf>> {
    let program = target()?.join("cross/x86_64-unknown-linux-musl/small/egret");
    Ok(program.exists().then_some(program))
}
