//! `egret check`: whether options and files are good, what would run, and how much memory that
//! can take. No socket is opened.

mod dates;
mod memory;
mod report;

use std::fmt::{self, Display};
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

pub use dates::{CrlWarning, DateWarning, Stage, crl_warnings, date_warning};
pub use memory::{Line, worst_case};
pub use report::Report;

use crate::config::{Anchors, Config, IdentityConfig};
use crate::identity::clock::Clock;
use crate::identity::{DefaultRoots, Epoch, Material, pem};

/// What is wrong with a file. Displays as one line: option, file, cause and remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    option: String,
    why: String,
}

impl Fault {
    /// A fault of what `identity` names.
    pub fn of(identity: &IdentityConfig, why: impl Display) -> Self {
        Self {
            option: format!("--identity {:?}", identity.text),
            why: why.to_string(),
        }
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.option, self.why)
    }
}

/// Reads every file that `config` names and tells what would run.
///
/// # Errors
/// All that is wrong with the files: missing, bad, or a certificate that is not valid now.
pub fn examine<'a>(config: &'a Config, clock: &Arc<dyn Clock>) -> Result<Report<'a>, Vec<Fault>> {
    let identities = looked_at(config);
    let roots = DefaultRoots::new(config.ca.clone());
    let faults = faults(&identities, Some(&roots), clock.time());
    if !faults.is_empty() {
        return Err(faults);
    }
    let epochs: Vec<Rc<Epoch>> = identities
        .iter()
        .map(|identity| {
            Material::read(identity, &roots)
                .and_then(|material| Epoch::new(identity, material, clock, None, 1))
                .map_err(|error| vec![Fault::of(identity, error)])
        })
        .collect::<Result<_, _>>()?;
    let identities = identities.into_iter().zip(epochs).collect();
    Ok(Report::new(config, identities, clock.time()))
}

/// The identities whose files count. The built-in `none` has none of its own, and the system may
/// be without roots where no route needs them.
fn looked_at(config: &Config) -> Vec<&IdentityConfig> {
    config
        .identities()
        .filter(|(id, identity)| !identity.is_none() || config.is_used(*id))
        .map(|(_, identity)| identity)
        .collect()
}

/// All that is wrong with the files of `identities`, and with the default roots where one needs
/// them and they are known.
pub fn faults(
    identities: &[&IdentityConfig],
    default_roots: Option<&DefaultRoots>,
    now: Option<SystemTime>,
) -> Vec<Fault> {
    let mut faults: Vec<_> = identities
        .iter()
        .flat_map(|identity| faults_of(identity, now))
        .collect();
    if identities
        .iter()
        .any(|identity| identity.anchors == Anchors::Default)
        && let Some(Err(error)) = default_roots.map(DefaultRoots::get)
    {
        faults.push(Fault {
            option: String::from("--ca"),
            why: error.to_string(),
        });
    }
    faults
}

fn faults_of(identity: &IdentityConfig, now: Option<SystemTime>) -> Vec<Fault> {
    let mut faults = Vec::new();
    if let Some(cert) = &identity.cert {
        let key = identity.key.as_deref();
        match pem::load_credentials(cert, key) {
            Ok(credentials) => {
                let dates = date_warning(&credentials.leaf, now);
                let invalid = dates.filter(DateWarning::is_invalid);
                faults.extend(invalid.map(|dates| Fault::of(identity, dates)));
            }
            Err(_) => {
                let all = pem::credential_faults(cert, key).into_iter();
                faults.extend(all.map(|error| Fault::of(identity, error)));
            }
        }
    }
    if let Anchors::File(file) = &identity.anchors
        && let Err(error) = pem::load_roots(Some(file))
    {
        faults.push(Fault::of(identity, error));
    }
    match pem::load_crls(&identity.crls) {
        Ok(crls) => {
            let expired = crl_warnings(&crls, now);
            faults.extend(expired.iter().map(|warning| Fault::of(identity, warning)));
        }
        Err(_) => {
            let all = pem::crl_faults(&identity.crls);
            faults.extend(all.iter().map(|error| Fault::of(identity, error)));
        }
    }
    faults
}
