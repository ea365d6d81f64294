//! Where most tests take place: an authority that egret trusts, one for devices, and a folder.

use super::certs::{Ca, Dir, Spec};
use super::upstream::{Builder, Upstream};

/// Two authorities and a folder for what is issued by them.
pub struct World {
    /// Of servers; its certificate is [`World::ca`].
    pub servers: Ca,
    /// Of client certificates.
    pub devices: Ca,
    /// The file for `--ca`.
    pub ca: String,
    pub dir: Dir,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// New authorities.
    pub fn new() -> Self {
        let (servers, dir) = (Ca::new("servers"), Dir::new());
        Self {
            ca: dir.ca("servers", &servers),
            devices: Ca::new("devices"),
            servers,
            dir,
        }
    }

    /// An upstream as `localhost`, `127.0.0.1` and `other.example` that asks for a certificate of
    /// a device and takes none as well.
    pub fn upstream(&self) -> Builder {
        let names = ["localhost", "127.0.0.1", "other.example"];
        Upstream::builder(&self.servers.server(&names)).requests(&self.devices)
    }

    /// What `--identity` says of an identity `name` with the certificate `CN=name`.
    pub fn device(&self, name: &str) -> String {
        self.dir.identity(name, &self.devices.client(name))
    }

    /// [`World::device`] with another leaf.
    pub fn device_of(&self, name: &str, spec: &Spec) -> String {
        self.dir.identity(name, &self.devices.issue(spec))
    }
}
