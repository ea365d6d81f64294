//! Upstreams that make a proxy hold as much as they can.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use crate::clients::{HEAD, head};
use crate::support::certs::{Ca, Dir, Leaf, Spec};
use crate::support::gate::Gate;
use crate::support::upstream::{Builder, ReadBody, Reply, Step, Upstream};
use ::egret::limits;

/// An authority that egret trusts.
pub struct World {
    pub dir: Dir,
    pub ca: Ca,
    /// `/together` waits for it.
    pub gate: Arc<Gate>,
}

impl World {
    pub fn new() -> Self {
        Self {
            dir: Dir::new(),
            ca: Ca::new("servers"),
            gate: Gate::new(),
        }
    }

    /// Options with the largest limits and this identity.
    pub fn options(&self, identity: &str) -> Vec<String> {
        let ca = self.dir.ca("ca", &self.ca);
        let large = ["--max-header=32k", "--response-timeout=10m"];
        let mut options: Vec<_> = large.map(String::from).to_vec();
        options.push(format!("--ca={ca}"));
        options.push(format!("--identity={identity}"));
        options
    }

    /// One that answers by path, and reads no body before.
    pub fn upstream(&self) -> Builder {
        let gate = Arc::clone(&self.gate);
        Upstream::builder(&self.ca.server(&["127.0.0.1"]))
            .read_body(ReadBody::AfterReply)
            .handler(move |seen| match seen.target.as_str() {
                "/together" => Reply::script(vec![
                    Step::WaitFor(Arc::clone(&gate)),
                    Step::Bytes(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
                    Step::Flush,
                ]),
                "/large" => Reply::status(200).body([b'x'; 50_000]),
                "/stall" => Reply::script(vec![Step::Stall]),
                _ => endless_answer(),
            })
    }

    /// The largest chain that is taken, for these names.
    pub fn large_certificate(&self, names: &[String]) -> Leaf {
        let mut sans: Vec<_> = names.to_vec();
        loop {
            let all: Vec<_> = sans.iter().map(String::as_str).collect();
            let leaf = self.ca.issue(&Spec::server(&all));
            let bytes = leaf.chain().iter().map(|der| der.len()).sum::<usize>();
            if bytes > limits::CHAIN_MAX - 250 {
                return leaf;
            }
            let left = limits::CHAIN_MAX - 100 - bytes;
            let more = (left / 200).max(1);
            let label = "a".repeat(60);
            let long = |n| format!("{label}.{label}.{label}.{n:04}.example");
            let next = sans.len();
            sans.extend((next..next + more).map(long));
        }
    }
}

/// The largest head, and a body that never ends.
fn endless_answer() -> Reply {
    let head = head("HTTP/1.1 200", "Content-Length: 9000000000\r\n", HEAD);
    let head = head.replacen(" HTTP/1.1", " All good", 1);
    Reply::script(vec![
        Step::Bytes(head.into_bytes()),
        Step::Fill(9_000_000_000),
    ])
}

/// Speaks TLS 1.2 as far as the longest certificate message there may be, and never ends it. Goes
/// on for as long as the process.
pub fn endless_handshake() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let addr = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming().flatten() {
            // A proxy that is gone already is none of our concern.
            let _ = begin_handshake(&stream);
            open.push(stream);
        }
    });
    addr
}

fn begin_handshake(mut stream: &TcpStream) -> std::io::Result<()> {
    stream.read_exact(&mut [0; 64])?;
    let mut hello = vec![2, 0, 0, 38, 3, 3];
    hello.extend([7; 32]);
    // No session, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, no compression.
    hello.extend([0, 0xc0, 0x2b, 0]);
    stream.write_all(&record(&hello))?;
    let mut certificate = vec![11, 0, 0xff, 0xff, 0, 0xff, 0xfc, 0, 0xff, 0xf9];
    certificate.resize(65_000, 0);
    certificate
        .chunks(16 * 1024)
        .try_for_each(|part| stream.write_all(&record(part)))
}

fn record(content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u16).to_be_bytes();
    [&[22, 3, 3], &length[..], content].concat()
}
