//! What a run needs of a proxy, and egret as one.

use std::net::SocketAddr;
use std::path::Path;

use crate::site::Site;
use crate::support::egret::Egret;
use crate::support::upstream::Upstream;
use crate::ways::{Door, Mode, Variant, Way};

/// A running proxy with a listener for each way.
pub trait Proxy {
    /// Where the way's listener is.
    fn addr(&self, way: usize) -> SocketAddr;

    /// Takes the certificate that was replaced into use.
    fn reload(&mut self);
}

/// What can be driven through the matrix.
pub trait Kind {
    fn name(&self) -> String;

    fn door(&self) -> Door;

    /// Whether it can be told to go this way.
    fn has(&self, way: Way) -> bool;

    fn start(&self, site: &Site, cloud: &Upstream, ways: &[Way], mode: Mode) -> Box<dyn Proxy>;

    /// Whether reuse within one way is a promise, and not only a leak a fault.
    fn promises_reuse(&self) -> bool {
        false
    }
}

/// egret, by routes or by forward rules.
pub struct EgretKind<'a> {
    pub program: &'a Path,
    pub door: Door,
}

impl Kind for EgretKind<'_> {
    fn name(&self) -> String {
        match self.door {
            Door::Route => "egret, --route".to_owned(),
            Door::Forward => "egret, --forward".to_owned(),
        }
    }

    fn door(&self) -> Door {
        self.door
    }

    /// A forward rule has no `sni=` and no `verify=`: both follow the client's URL.
    fn has(&self, way: Way) -> bool {
        let by_option = matches!(way.variant, Variant::OtherSni | Variant::OtherName);
        self.door == Door::Route || !by_option
    }

    fn promises_reuse(&self) -> bool {
        true
    }

    fn start(&self, site: &Site, cloud: &Upstream, ways: &[Way], mode: Mode) -> Box<dyn Proxy> {
        let files = |name: &str| {
            let (cert, key) = (site.path(&format!("{name}.crt")), format!("{name}.key"));
            format!("cert={cert},key={}", site.path(&key))
        };
        let mut options = Egret::builder(self.program)
            .ca(&site.world.ca)
            .identity(&format!("a,{}", files("a")))
            .identity(&format!("b,{}", files("b")))
            .identity(&format!("rotated,{}", files("rotated")))
            .identity(&format!("roots,{},ca={}", files("a"), site.other_roots))
            .identity(&format!("pin,{},pin={}", files("a"), site.other_pin));
        if !mode.is_pooled {
            options = options.option("--upstream-idle", "0");
        }
        for (number, way) in ways.iter().enumerate() {
            let identity = way.variant.identity();
            options = match self.door {
                Door::Route => options.route(&route(*way, site.port(cloud, way.place))),
                Door::Forward => {
                    let listen = format!("127.0.0.{}:0", number + 1);
                    options.forward_at(&listen, &format!("to=*:*,identity={identity}"))
                }
            };
        }
        Box::new(Running(options.start()))
    }
}

fn route(way: Way, port: u16) -> String {
    let mut text = format!(
        "to=https://localhost:{port},identity={}",
        way.variant.identity()
    );
    if let Some(sni) = way.sni_option() {
        text += &format!(",sni={sni}");
    }
    if let Some(name) = way.name_option() {
        text += &format!(",verify={name}");
    }
    text
}

struct Running(Egret);

impl Proxy for Running {
    fn addr(&self, way: usize) -> SocketAddr {
        self.0.addr(way)
    }

    fn reload(&mut self) {
        self.0.signal("HUP");
        self.0.wait_line("reloaded identity \"rotated\": epoch 2");
    }
}
