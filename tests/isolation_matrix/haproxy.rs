//! HAProxy as the proxy: a backend for each way. Its certificate is the server line's, so that two
//! identities cannot share one.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};

use crate::peers::port::Port;
use crate::peers::version::version;
use crate::proxy::{Kind, Proxy};
use crate::site::Site;
use crate::support::egret::Egret;
use crate::support::upstream::Upstream;
use crate::support::wait_until;
use crate::ways::{Door, Mode, Variant, Way};

const CONFIG: &str = "haproxy.cfg";

pub struct HaproxyKind;

impl Kind for HaproxyKind {
    fn name(&self) -> String {
        let version = version("haproxy", "-v");
        let words: Vec<&str> = version.split(' ').take(3).collect();
        format!("{}, a backend for each listener", words.join(" "))
    }

    fn door(&self) -> Door {
        Door::Route
    }

    /// It knows no pins.
    fn has(&self, way: Way) -> bool {
        way.variant != Variant::OtherPin
    }

    fn start(&self, site: &Site, cloud: &Upstream, ways: &[Way], mode: Mode) -> Box<dyn Proxy> {
        let ports: Vec<Port> = ways.iter().map(|_| Port::reserve()).collect();
        let reuse = match mode.is_pooled {
            true => "http-reuse always",
            false => "http-reuse never",
        };
        let mut config = format!(
            "global\n nbthread 1\n ssl-server-verify required\ndefaults\n mode http\n timeout connect 10s\n \
             timeout client 20s\n timeout server 20s\n retries 0\n {reuse}\n"
        );
        for (number, (way, port)) in ways.iter().zip(&ports).enumerate() {
            let server = server(site, site.port(cloud, way.place), *way);
            let keeps = if mode.is_pooled {
                ""
            } else {
                "pool-max-conn 0"
            };
            config += &format!(
                "frontend f{number}\n bind {port}\n default_backend b{number}\n\
                 backend b{number}\n server cloud {server} {keeps}\n"
            );
        }
        site.world.dir.write(CONFIG, &config);
        Box::new(Running::start(site.world.dir.path(), ports))
    }
}

fn server(site: &Site, port: u16, way: Way) -> String {
    let sni = way.sni_option().unwrap_or_else(|| "localhost".to_owned());
    let name = way.name_option().unwrap_or_else(|| sni.clone());
    let roots = match way.variant {
        Variant::OtherRoots => &site.other_roots,
        _ => &site.world.ca,
    };
    let certificate = match way.variant {
        Variant::None => String::new(),
        Variant::OtherRoots => format!("crt {}", site.path("a.pem")),
        variant => format!("crt {}", site.path(&format!("{}.pem", variant.identity()))),
    };
    format!(
        "127.0.0.1:{port} ssl verify required ca-file {roots} verifyhost {name} sni str({sni}) {certificate}"
    )
}

/// Certificate and key in one file, as it wants them.
fn write_pem(folder: &Path, name: &str) {
    let read = |kind: &str| fs::read_to_string(folder.join(format!("{name}.{kind}")));
    let pem = read("crt").and_then(|cert| Ok(cert + &read("key")?));
    let path = folder.join(format!("{name}.pem"));
    pem.and_then(|pem| fs::write(path, pem)).expect("a file");
}

struct Running {
    process: Egret,
    folder: PathBuf,
    addresses: Vec<SocketAddr>,
    _ports: Vec<Port>,
}

impl Running {
    fn start(folder: &Path, ports: Vec<Port>) -> Self {
        let addresses: Vec<SocketAddr> = ports.iter().map(Port::address).collect();
        Self {
            process: spawn(folder, &addresses),
            folder: folder.to_owned(),
            addresses,
            _ports: ports,
        }
    }
}

fn spawn(folder: &Path, addresses: &[SocketAddr]) -> Egret {
    for name in ["a", "b", "rotated"] {
        write_pem(folder, name);
    }
    let file = folder.join(CONFIG).display().to_string();
    let process = Egret::builder("haproxy")
        .arg("-db")
        .option("-f", &file)
        .spawn();
    let last = addresses.last().expect("a listener");
    wait_until("HAProxy listens", || TcpStream::connect(last).is_ok());
    process
}

impl Proxy for Running {
    fn addr(&self, way: usize) -> SocketAddr {
        self.addresses[way]
    }

    /// A restart: what a reload is there, without the process that finishes old requests.
    fn reload(&mut self) {
        self.process.signal("KILL");
        self.process.wait_exit();
        self.process = spawn(&self.folder, &self.addresses);
    }
}
