//! What is probed: one upstream as one identity, and what is known of both beforehand.

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use super::Probe;
use crate::config::{Anchors, Config, Host, IdentityConfig, ProbeTarget};
use crate::error::Cause;
use crate::identity::x509::{self, Summary};
use crate::identity::{Epoch, LoadError, Material, Slot};
use crate::upstream::Upstream;

/// One upstream, as one identity.
#[derive(Debug, Clone)]
pub struct Target {
    /// `https://HOST[:PORT][/PREFIX]`.
    pub url: String,
    /// To whom, as `run` keys it.
    pub upstream: Upstream,
    /// What goes out as Host.
    pub host: String,
    /// As whom.
    pub identity: IdentityConfig,
    /// How long an answer is waited for.
    pub patience: Duration,
    prefix: String,
    /// `--ca`.
    ca: Option<PathBuf>,
}

impl Target {
    /// What `target` of `config` means.
    pub fn new(config: &Config, target: &ProbeTarget) -> Self {
        Self {
            url: target.url.to_string(),
            upstream: Upstream {
                host: target.url.host.clone(),
                port: target.url.port,
                sni: target.sni.clone(),
                verify: target.verified_name(),
            },
            host: target.host.clone().unwrap_or(target.url.authority()),
            identity: config.identity(target.identity).clone(),
            patience: config.timeouts.response,
            prefix: target.url.prefix.clone(),
            ca: config.ca.clone(),
        }
    }

    /// The path that is asked for.
    pub fn path(&self) -> &str {
        match self.prefix.as_str() {
            "" => "/",
            prefix => prefix,
        }
    }

    /// The name sent as SNI; none is sent for an address.
    pub fn sni(&self) -> Option<String> {
        match self.upstream.server_name() {
            Host::Name(name) => Some(name),
            Host::Ip(_) => None,
        }
    }

    /// The file of its roots; `None`: those of the system, or pins in their place.
    pub fn roots_file(&self) -> Option<String> {
        let file = match &self.identity.anchors {
            Anchors::File(file) => Some(file),
            Anchors::Default => self.ca.as_ref(),
            Anchors::Pins => None,
        };
        file.map(|file| file.display().to_string())
    }

    /// By what it trusts a server, for people.
    pub fn roots(&self) -> String {
        match (self.roots_file(), &self.identity.anchors) {
            (Some(file), _) => format!("the roots in {file}"),
            (None, Anchors::Pins) => String::from("the keys of pin="),
            (None, _) => String::from("the system's roots"),
        }
    }
}

/// What an identity's files say, and a fresh epoch made of them: no session was made with it.
#[derive(Debug)]
pub struct Known {
    /// The epoch.
    pub epoch: Rc<Epoch>,
}

impl Known {
    /// Reads the files of an identity.
    ///
    /// # Errors
    /// Which is missing or bad, and why.
    pub fn load(identity: &IdentityConfig, probe: &Probe) -> Result<Self, LoadError> {
        let material = Material::read(identity, &probe.roots)?;
        Self::new(identity, material, probe)
    }

    /// Makes an epoch of what was read.
    ///
    /// # Errors
    /// There is nothing to trust, or TLS cannot be set up.
    pub fn new(
        identity: &IdentityConfig,
        material: Material,
        probe: &Probe,
    ) -> Result<Self, LoadError> {
        let key_log = probe.key_log.as_ref();
        let epoch = Epoch::new(identity, material, &probe.clock, key_log, 1)?;
        Ok(Self { epoch })
    }

    /// Where sessions with `upstream` are kept.
    ///
    /// # Errors
    /// The clock is not set.
    pub fn slot(&self, upstream: &Upstream) -> Result<Rc<Slot>, Cause> {
        let time = self.epoch.time()?;
        Ok(self.epoch.sessions.slot(upstream, Instant::now(), time))
    }

    /// Our certificate.
    pub fn certificate(&self) -> Option<&Summary> {
        self.epoch.certificate()
    }

    /// The names, DER, of those who issued the certificates of our chain.
    fn issuers(&self) -> impl Iterator<Item = &[u8]> {
        let credentials = self.epoch.material().credentials.iter();
        let chain = credentials.flat_map(|credentials| &credentials.certified.cert);
        chain.filter_map(|der| x509::issuer(der).ok())
    }

    /// The names, DER, of the roots.
    pub fn roots(&self) -> impl Iterator<Item = Vec<u8>> {
        let roots = self.epoch.material().roots.iter();
        let subjects = roots.flat_map(|roots| roots.store.subjects());
        subjects.map(|name| name.as_ref().to_vec())
    }

    /// Whether one of those who issued our chain is among `authorities`; `None` when there is
    /// nothing to compare.
    pub fn is_named(&self, authorities: &[Vec<u8>]) -> Option<bool> {
        let comparable = self.certificate().is_some() && !authorities.is_empty();
        let named = |issuer: &[u8]| authorities.iter().any(|name| name == issuer);
        comparable.then(|| self.issuers().any(named))
    }
}
