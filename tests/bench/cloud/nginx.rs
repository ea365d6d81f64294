//! nginx as the cloud, which speaks TLS 1.3 with AES-128-GCM and nothing else.

use std::cell::Cell;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::net::SocketAddr;

use super::{BULK, Handshakes, SMALL, STALLED, Server, Upstream, sink};
use crate::peers::cloud::Cloud;
use crate::peers::nginx::{Nginx, Run};
use crate::peers::openssl::sh;
use crate::peers::port::Port;
use crate::support::certs::Dir;
use crate::support::client;

pub struct NginxCloud {
    kept: SocketAddr,
    full: Port,
    resumed: Port,
    status: Port,
    nginx: Nginx,
    /// How often the status was asked for.
    looks: Cell<u64>,
    _dir: Dir,
}

impl NginxCloud {
    pub fn start(cloud: &Cloud) -> io::Result<Self> {
        let (dir, sink) = (Dir::new(), sink::start()?);
        let [full, resumed, status] = [Port::reserve(), Port::reserve(), Port::reserve()];
        for (name, bytes) in [("download", BULK), ("stalled", STALLED)] {
            File::create(dir.file(name))?.set_len(bytes)?;
        }
        let run = Run {
            connections: 4096,
            through: Some(on_copies(&dir)),
        };
        let http = [
            common(),
            kept(cloud, &dir, sink),
            closing(
                cloud,
                &full,
                "ssl_session_cache off; ssl_session_tickets off;",
            ),
            closing(cloud, &resumed, ""),
            format!("server {{ listen {status}; location / {{ stub_status; }} }}"),
        ];
        Ok(Self {
            kept: cloud.port.address(),
            nginx: Nginx::start_as(&http.concat(), run),
            full,
            resumed,
            status,
            looks: Cell::new(0),
            _dir: dir,
        })
    }

    fn status(&self) -> String {
        self.looks.set(self.looks.get() + 1);
        client::get(self.status.address(), "/").text()
    }
}

impl Server for NginxCloud {
    fn name(&self) -> String {
        "nginx".to_owned()
    }

    fn address(&self, upstream: Upstream) -> SocketAddr {
        match upstream {
            Upstream::Kept => self.kept,
            Upstream::Full => self.full.address(),
            Upstream::Resumed => self.resumed.address(),
        }
    }

    fn connections(&self) -> u64 {
        // "server accepts handled requests\n 17 17 31": our looks are among them.
        let text = self.status();
        let numbers = text.lines().nth(2).unwrap_or_default();
        let accepted = numbers.split_whitespace().next();
        let accepted: Option<u64> = accepted.and_then(|number| number.parse().ok());
        accepted.expect("what stub_status says") - self.looks.get()
    }

    fn sending(&self) -> usize {
        let text = self.status();
        let (_, rest) = text.split_once("Writing: ").expect("what stub_status says");
        let number = rest.split(' ').next().unwrap_or_default();
        // One is the answer that says so.
        number.parse::<usize>().expect("a number") - 1
    }

    fn count_anew(&self) {
        self.nginx.take_access_log(0);
    }

    fn handshakes(&self, requests: usize) -> Handshakes {
        let lines = self.nginx.take_access_log(requests);
        let mut connections = HashMap::new();
        for line in &lines {
            let (connection, resumed) = line.split_once(' ').expect("what log_format says");
            connections.insert(connection, resumed == "r");
        }
        let resumed = connections.values().filter(|resumed| **resumed).count();
        Handshakes {
            full: connections.len() - resumed,
            resumed,
        }
    }
}

fn common() -> String {
    "ssl_protocols TLSv1.3;
     ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
     keepalive_requests 10000000;
     keepalive_timeout 600s;
     log_format handshake '$connection $ssl_session_reused';"
        .to_owned()
}

fn small() -> String {
    format!("default_type application/json; return 200 '{SMALL}';")
}

fn kept(cloud: &Cloud, dir: &Dir, sink: SocketAddr) -> String {
    format!(
        "server {{
             {tls}
             location / {{ {small} }}
             location /counted {{ access_log /dev/stdout handshake; {small} }}
             location /download {{ root {root}; }}
             location /stalled {{ root {root}; }}
             location /upload {{
                 client_max_body_size 0;
                 proxy_pass http://{sink};
                 proxy_request_buffering off;
             }}
         }}",
        tls = insisting(cloud, &cloud.port),
        small = small(),
        root = dir.path().display(),
    )
}

fn closing(cloud: &Cloud, port: &Port, more: &str) -> String {
    format!(
        "server {{
             {tls}
             {more}
             keepalive_timeout 0;
             access_log /dev/stdout handshake;
             location / {{ {small} }}
         }}",
        tls = insisting(cloud, port),
        small = small(),
    )
}

fn insisting(cloud: &Cloud, port: &Port) -> String {
    cloud.tls_at(port).replace("optional;", "on;")
}

/// Runs a copy of nginx with copies of its libraries: of what two processes share, each is said to
/// hold a half, and the cloud would take that much off its neighbours.
fn on_copies(dir: &Dir) -> String {
    sh(
        dir.path(),
        r#"program=$(command -v nginx)
           cp "$program" cloud
           ldd "$program" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' | while read -r library; do
               cp -L "$library" .
           done"#,
    );
    let dir = dir.path().display();
    format!(r#"LD_LIBRARY_PATH={dir} exec {dir}/cloud "$@""#)
}
