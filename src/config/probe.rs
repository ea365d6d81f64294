//! What `egret probe` looks at: the upstreams of the options, or one that is named.

use super::list::{Key, List};
use super::{
    Config, ConfigError, Host, HostHeader, HostPattern, IdentityConfig, IdentityId, PortPattern,
    Problem, UpstreamUrl, host, values,
};

/// What stands before a URL in messages.
const OPTION: &str = "probe";
/// What stands before what is wrong with a comparison.
const ISOLATION: &str = "--isolation";

/// One upstream, as one identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeTarget {
    /// Where; its prefix is what is asked for.
    pub url: UpstreamUrl,
    /// As whom.
    pub identity: IdentityId,
    /// SNI in place of the URL's host; sets the verified name too.
    pub sni: Option<String>,
    /// Verified name in place of the URL's host or `sni`.
    pub verify: Option<Host>,
    /// `Host` in place of the URL's authority.
    pub host: Option<String>,
}

impl ProbeTarget {
    fn new(url: UpstreamUrl, identity: IdentityId) -> Self {
        Self {
            url,
            identity,
            sni: None,
            verify: None,
            host: None,
        }
    }

    /// The name that the server's certificate must have: `verify=`, else `sni=`, else the URL's
    /// host.
    pub fn verified_name(&self) -> Host {
        let named = self
            .verify
            .clone()
            .or_else(|| self.sni.clone().map(Host::Name));
        named.unwrap_or_else(|| self.url.host.clone())
    }

    /// Whether it is the same but for the identity.
    fn is_like(&self, other: &Self) -> bool {
        let identity = self.identity;
        let other = Self {
            identity,
            ..other.clone()
        };
        *self == other
    }

    fn is_at(&self, url: &UpstreamUrl) -> bool {
        self.url.host == url.host && self.url.port == url.port
    }
}

/// What a probe is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbePlan {
    /// Look at each of these.
    Each(Vec<ProbeTarget>),
    /// `--isolation`: ask each as one of its identities, as none and as the other.
    Isolate(Vec<Compared>),
}

/// An upstream and one or two identities, with certificates, that it may confuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// The upstream.
    pub target: ProbeTarget,
    /// As whom it is asked.
    pub identities: Vec<IdentityId>,
}

/// What is compared at once, beside none.
const COMPARED: usize = 2;

/// What a URL to probe may say behind it.
#[derive(Default)]
struct Draft {
    identity: Option<String>,
    sni: Option<String>,
    verify: Option<Host>,
    host: Option<String>,
}

const KEYS: &[Key<Draft>] = &[
    Key::new("identity", |draft: &mut Draft, text| {
        draft.identity = Some(text.to_owned());
        Ok(())
    }),
    Key::new("sni", |draft, text| {
        host::server_name(text).map(|name| draft.sni = Some(name))
    }),
    Key::new("verify", |draft, text| {
        Host::parse_alone(text).map(|name| draft.verify = Some(name))
    }),
    Key::new("host", |draft, text| {
        values::authority(text).map(|name| draft.host = Some(name))
    }),
];

/// What is to be done about what `text` names, or about all upstreams of `config`.
pub(super) fn plan(
    config: &Config,
    text: Option<&str>,
    isolation: bool,
    errors: &mut Vec<ConfigError>,
) -> ProbePlan {
    let targets = targets(config, text, errors);
    if !isolation {
        return ProbePlan::Each(targets);
    }
    let compared = compared(config, &targets, text.is_some());
    if compared.is_empty() && errors.is_empty() {
        errors.push(ConfigError::of_all(ISOLATION, Problem::NothingToCompare));
    }
    ProbePlan::Isolate(compared)
}

/// Each upstream once, with those of its identities that have a certificate. Where it was `named`,
/// those that no route sends there too: whoever says so wants them compared.
fn compared(config: &Config, targets: &[ProbeTarget], named: bool) -> Vec<Compared> {
    let mut all: Vec<Compared> = Vec::new();
    for target in targets {
        match all.iter_mut().find(|one| one.target.is_like(target)) {
            Some(known) => known.identities.push(target.identity),
            None => all.push(Compared {
                target: target.clone(),
                identities: vec![target.identity],
            }),
        }
    }
    for one in &mut all {
        let others = config.identities().map(|(id, _)| id).filter(|_| named);
        let others: Vec<_> = others.filter(|id| !one.identities.contains(id)).collect();
        one.identities.extend(others);
        one.identities
            .retain(|id| config.identity(*id).cert.is_some());
        one.identities.truncate(COMPARED);
    }
    all.retain(|one| !one.identities.is_empty());
    all
}

/// What is to be looked at: what `text` names, or all upstreams of `config`.
fn targets(config: &Config, text: Option<&str>, errors: &mut Vec<ConfigError>) -> Vec<ProbeTarget> {
    let Some(text) = text else {
        let all = of_options(config);
        if all.is_empty() && errors.is_empty() {
            errors.push(ConfigError::of_all(OPTION, Problem::NothingToProbe));
        }
        return all;
    };
    named(config, text).unwrap_or_else(|problems| {
        let error = |problem| ConfigError::new(OPTION, text, problem);
        errors.extend(problems.into_iter().map(error));
        Vec::new()
    })
}

/// The upstreams of all routes, and of the forward rules that name one host; each once.
fn of_options(config: &Config) -> Vec<ProbeTarget> {
    let routes = config.routes.iter().map(|route| ProbeTarget {
        sni: route.sni.clone(),
        verify: route.verify.clone(),
        host: match &route.host {
            HostHeader::Name(name) => Some(name.clone()),
            HostHeader::Url | HostHeader::Keep => None,
        },
        ..ProbeTarget::new(route.to.clone(), route.identity)
    });
    let rules = config.forwards.iter().filter_map(|rule| {
        let HostPattern::Exact(host) = &rule.to.host else {
            return None;
        };
        let url = UpstreamUrl {
            host: host.clone(),
            port: match rule.to.port {
                PortPattern::Only(port) => port,
                PortPattern::Any => UpstreamUrl::DEFAULT_PORT,
            },
            prefix: String::new(),
        };
        Some(ProbeTarget::new(url, rule.identity))
    });
    let mut all = Vec::new();
    for target in routes.chain(rules) {
        if !all.contains(&target) {
            all.push(target);
        }
    }
    all
}

fn named(config: &Config, text: &str) -> Result<Vec<ProbeTarget>, Vec<Problem>> {
    let mut draft = Draft::default();
    let list = List::read(text, KEYS, &mut draft);
    let mut problems = list.problems;
    let url = match UpstreamUrl::parse(list.bare) {
        Ok(url) => url,
        Err(fault) => {
            problems.insert(0, Problem::Value(fault));
            return Err(problems);
        }
    };
    let known = of_options(config);
    let identities = match &draft.identity {
        Some(name) => identity_of(config, name).map(|id| vec![id]),
        None => identities_for(config, &known, &url),
    };
    match identities {
        Ok(identities) if problems.is_empty() => Ok(identities
            .into_iter()
            .map(|identity| draft.target(&url, identity, &known))
            .collect()),
        Ok(_) => Err(problems),
        Err(problem) => {
            problems.push(problem);
            Err(problems)
        }
    }
}

impl Draft {
    /// What the URL leaves open is as in the route to the same place, as the same identity.
    fn target(
        &self,
        url: &UpstreamUrl,
        identity: IdentityId,
        known: &[ProbeTarget],
    ) -> ProbeTarget {
        let same = |one: &&ProbeTarget| one.is_at(url) && one.identity == identity;
        let route = known.iter().find(same).cloned();
        let mut target = route.unwrap_or_else(|| ProbeTarget::new(url.clone(), identity));
        target.url = url.clone();
        if self.sni.is_some() {
            target.sni = self.sni.clone();
            target.verify = None;
        }
        if self.verify.is_some() {
            target.verify = self.verify.clone();
        }
        if self.host.is_some() {
            target.host = self.host.clone();
        }
        target
    }
}

fn identity_of(config: &Config, name: &str) -> Result<IdentityId, Problem> {
    let found = config.identities().find(|(_, one)| one.name == name);
    found.map(|(id, _)| id).ok_or_else(|| {
        let known = config.identities.iter().map(|one| one.name.clone());
        Problem::UnknownIdentity {
            name: name.to_owned(),
            known: known.collect(),
        }
    })
}

/// As whom a URL is probed that does not say it: as the routes to it do, else as the only identity
/// that the options give; where they give none, as `none`. Of several nobody has chosen one.
fn identities_for(
    config: &Config,
    known: &[ProbeTarget],
    url: &UpstreamUrl,
) -> Result<Vec<IdentityId>, Problem> {
    let mut routed: Vec<_> = known
        .iter()
        .filter(|target| target.is_at(url))
        .map(|target| target.identity)
        .collect();
    routed.sort();
    routed.dedup();
    if !routed.is_empty() {
        return Ok(routed);
    }
    let is_given = |(_, one): &(IdentityId, &IdentityConfig)| !one.is_none();
    let given: Vec<_> = config.identities().filter(is_given).collect();
    match given.as_slice() {
        [] => Ok(vec![IdentityId(0)]),
        [(id, _)] => Ok(vec![*id]),
        several => Err(Problem::ChooseIdentity(
            several.iter().map(|(_, one)| one.name.clone()).collect(),
        )),
    }
}
