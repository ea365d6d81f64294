//! nginx as the proxy: one `upstream {}` for all, as in its examples, or one for each way.

use std::net::SocketAddr;

use crate::peers::nginx::Nginx;
use crate::peers::port::Port;
use crate::peers::version::version;
use crate::proxy::{Kind, Proxy};
use crate::site::Site;
use crate::support::upstream::Upstream;
use crate::ways::{Door, Mode, Variant, Way};

pub struct NginxKind {
    pub is_shared: bool,
}

impl Kind for NginxKind {
    fn name(&self) -> String {
        let upstreams = match self.is_shared {
            true => "the listeners share an upstream {}",
            false => "an upstream {} for each listener",
        };
        format!("{}, {upstreams}", version("nginx", "-v"))
    }

    fn door(&self) -> Door {
        Door::Route
    }

    /// It knows no pins, and verifies the name that it sends.
    fn has(&self, way: Way) -> bool {
        !matches!(way.variant, Variant::OtherPin | Variant::OtherName)
    }

    fn start(&self, site: &Site, cloud: &Upstream, ways: &[Way], mode: Mode) -> Box<dyn Proxy> {
        let ports: Vec<Port> = ways.iter().map(|_| Port::reserve()).collect();
        let keepalive = if mode.is_pooled { "keepalive 64;" } else { "" };
        let mut http = String::new();
        let mut known = Vec::new();
        for (number, (way, port)) in ways.iter().zip(&ports).enumerate() {
            let cloud = site.port(cloud, way.place);
            let name = match self.is_shared {
                true => format!("cloud{cloud}"),
                false => format!("cloud{number}"),
            };
            if !known.contains(&name) {
                http += &format!("upstream {name} {{ server 127.0.0.1:{cloud}; {keepalive} }}\n");
                known.push(name.clone());
            }
            let location = location(site, *way);
            http += &format!(
                "server {{ listen {port}; location / {{ proxy_pass https://{name}; {location} }} }}\n"
            );
        }
        Box::new(Running {
            nginx: Nginx::start(&http),
            addresses: ports.iter().map(Port::address).collect(),
            _ports: ports,
            http,
        })
    }
}

fn location(site: &Site, way: Way) -> String {
    let sni = way.sni_option().unwrap_or_else(|| "localhost".to_owned());
    let roots = match way.variant {
        Variant::OtherRoots => &site.other_roots,
        _ => &site.world.ca,
    };
    let file = match way.variant {
        Variant::OtherRoots => "a",
        variant => variant.identity(),
    };
    let certificate = match way.variant {
        Variant::None => String::new(),
        _ => format!(
            "proxy_ssl_certificate {}; proxy_ssl_certificate_key {};",
            site.path(&format!("{file}.crt")),
            site.path(&format!("{file}.key"))
        ),
    };
    format!(
        "{certificate} proxy_ssl_name {sni}; proxy_ssl_server_name on; proxy_ssl_verify on;
         proxy_ssl_trusted_certificate {roots}; proxy_ssl_protocols TLSv1.2 TLSv1.3;
         proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Host {sni};"
    )
}

struct Running {
    nginx: Nginx,
    http: String,
    addresses: Vec<SocketAddr>,
    _ports: Vec<Port>,
}

impl Proxy for Running {
    fn addr(&self, way: usize) -> SocketAddr {
        self.addresses[way]
    }

    fn reload(&mut self) {
        self.nginx.reload(&self.http);
    }
}
