//! `--identity`.

use std::fmt;

use super::list::{Key, List};
use super::{Anchors, ConfigError, Fault, IdentityConfig, Pin, Problem, TlsVersions, values};
use crate::limits;

pub(super) const OPTION: &str = "--identity";

/// The identity that is always there.
const NONE: &str = "none";

/// What may be set on [`NONE`].
const KEYS_OF_NONE: [&str; 3] = ["connections", "waiting", "sessions"];

/// The keys of `--identity`.
pub(super) const KEYS: &[Key<IdentityConfig>] = &[
    Key::new("cert", |identity, text| {
        values::file(text).map(|file| identity.cert = Some(file))
    }),
    Key::new("key", |identity, text| {
        values::file(text).map(|file| identity.key = Some(file))
    }),
    Key::new("ca", set_ca),
    Key::new("pin", |identity: &mut IdentityConfig, text| {
        Pin::parse(text).map(|pin| identity.pins.push(pin))
    })
    .repeats(),
    Key::new("crl", |identity: &mut IdentityConfig, text| {
        values::file(text).map(|file| identity.crls.push(file))
    })
    .repeats(),
    Key::new("tls", |identity, text| {
        values::word(text, &VERSIONS).map(|versions| identity.versions = versions)
    }),
    Key::new("alpn", |identity, text| {
        values::alpn(text).map(|alpn| identity.alpn = alpn)
    }),
    Key::new("connections", |identity, text| {
        values::count(text, 1, limits::CONNECTIONS_MAX).map(|count| identity.connections = count)
    }),
    Key::new("waiting", |identity, text| {
        values::count(text, 0, limits::WAITING_MAX).map(|count| identity.waiting = count)
    }),
    Key::new("sessions", |identity, text| {
        values::count(text, 0, limits::SESSIONS_MAX).map(|count| identity.sessions = count)
    }),
];

const VERSIONS: [(&str, TlsVersions); 2] =
    [("1.2", TlsVersions::Only12), ("1.3", TlsVersions::Only13)];

impl IdentityConfig {
    /// An identity of this name with nothing set: no certificate, default roots and limits.
    pub fn named(name: &str) -> Self {
        Self {
            text: name.to_owned(),
            name: name.to_owned(),
            cert: None,
            key: None,
            anchors: Anchors::Default,
            pins: Vec::new(),
            crls: Vec::new(),
            versions: TlsVersions::Both,
            alpn: Some("http/1.1".to_owned()),
            connections: limits::CONNECTIONS_DEFAULT,
            waiting: limits::WAITING_DEFAULT,
            sessions: limits::SESSIONS_DEFAULT,
        }
    }
}

impl IdentityConfig {
    /// Whether it is the built-in one.
    pub fn is_none(&self) -> bool {
        self.name == NONE
    }
}

impl fmt::Display for TlsVersions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Both => "1.2 or 1.3",
            Self::Only12 => "1.2",
            Self::Only13 => "1.3",
        })
    }
}

/// Reads all `--identity`; the built-in `none` is first. An ill one is kept under its name, so
/// that routes that use it are not complained of.
pub(super) fn read_all(texts: &[String], errors: &mut Vec<ConfigError>) -> Vec<IdentityConfig> {
    let mut identities = vec![IdentityConfig::named(NONE)];
    let mut none_given = false;
    for text in texts {
        let (identity, mut problems) = read(text);
        if identity.name != NONE && identities.iter().any(|other| other.name == identity.name) {
            problems.push(Problem::SameIdentity);
        } else if identity.name != NONE {
            identities.push(identity);
        } else if none_given {
            problems.push(Problem::SameIdentity);
        } else {
            none_given = true;
            identities[0] = identity;
        }
        errors.extend(
            problems
                .into_iter()
                .map(|problem| ConfigError::new(OPTION, text, problem)),
        );
    }
    if identities.len() > limits::IDENTITIES_MAX {
        errors.push(ConfigError::of_all(
            OPTION,
            Problem::TooManyIdentities(identities.len()),
        ));
    }
    identities
}

fn read(text: &str) -> (IdentityConfig, Vec<Problem>) {
    let mut identity = IdentityConfig::named("");
    let list = List::read(text, KEYS, &mut identity);
    identity.text = text.to_owned();
    identity.name = list.bare.to_owned();
    let name = values::identity_name(list.bare).err().map(Problem::Value);
    let across = if list.bare == NONE {
        only_limits(&list)
    } else {
        across(&identity, &list)
    };
    (
        identity,
        name.into_iter()
            .chain(list.problems)
            .chain(across)
            .collect(),
    )
}

fn only_limits(list: &List<'_>) -> Vec<Problem> {
    let others = list
        .given()
        .iter()
        .filter(|key| !KEYS_OF_NONE.contains(key));
    others.map(|key| Problem::OnlyLimits(key)).collect()
}

/// What is wrong with the keys of a named identity together.
fn across(identity: &IdentityConfig, list: &List<'_>) -> Vec<Problem> {
    let by_pins = identity.anchors == Anchors::Pins;
    let too_many = |key, count, most| (count > most, Problem::TooMany { key, count, most });
    let table = [
        (
            list.has("key") && !list.has("cert"),
            Problem::Needs {
                key: "key",
                needed: "cert",
            },
        ),
        (by_pins && !list.has("pin"), Problem::NoPin),
        (by_pins && list.has("crl"), Problem::CrlWithoutChain),
        too_many("pin", identity.pins.len(), limits::PINS_PER_IDENTITY),
        too_many("crl", identity.crls.len(), limits::CRLS_PER_IDENTITY),
    ];
    let wrong = table.into_iter().filter(|(wrong, _)| *wrong);
    wrong.map(|(_, problem)| problem).collect()
}

fn set_ca(identity: &mut IdentityConfig, text: &str) -> Result<(), Fault> {
    identity.anchors = match text {
        // The word is no file; a file of that name is ./pin.
        "pin" => Anchors::Pins,
        file => Anchors::File(values::file(file)?),
    };
    Ok(())
}
