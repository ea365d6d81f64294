//! `--route`.

use std::net::IpAddr;
use std::time::Duration;

use super::list::{Key, List};
use super::{
    Cidr, ConfigError, Fault, Host, HostHeader, IdentityConfig, IdentityId, Listen, Problem,
    RouteConfig, UpstreamUrl, host, path, values,
};
use crate::limits;

pub(super) const OPTION: &str = "--route";

/// The keys of `--route`.
pub(super) const KEYS: &[Key<Draft>] = &[
    Key::new("to", |draft: &mut Draft, text| {
        UpstreamUrl::parse(text).map(|url| draft.to = Some(url))
    })
    .required("add to=https://HOST, where requests go"),
    Key::new("identity", |draft: &mut Draft, text| {
        draft.identity = Some(text.to_owned());
        Ok(())
    })
    .required("choose as whom to send: identity=NAME, or identity=none for no certificate"),
    Key::new("path", set_path),
    Key::new("strip", |draft, text| {
        values::word(text, &STRIP).map(|strip| draft.strip = strip)
    }),
    Key::new("sni", |draft, text| {
        host::server_name(text).map(|name| draft.sni = Some(name))
    }),
    Key::new("verify", |draft, text| {
        Host::parse_alone(text).map(|name| draft.verify = Some(name))
    }),
    Key::new("host", set_host),
    Key::new("redirects", |draft, text| {
        values::word(text, &REDIRECTS).map(|keep| draft.keep_redirects = keep)
    }),
    Key::new("via", |draft, text| {
        values::word(text, &VIA).map(|via| draft.via = via)
    }),
    Key::not_built("origins"),
    Key::new("response-timeout", |draft, text| {
        values::duration(text).map(|time| draft.response_timeout = Some(time))
    }),
    Key::new("clients", |draft, text| {
        values::count(text, 1, limits::CLIENTS_MAX).map(|count| draft.clients = Some(count))
    }),
    Key::new("from", |draft: &mut Draft, text| {
        Cidr::parse(text).map(|range| draft.from.push(range))
    })
    .repeats(),
    Key::not_built("uid"),
    Key::not_built("mode"),
    Key::not_built("group"),
];

const STRIP: [(&str, bool); 2] = [("yes", true), ("no", false)];
const REDIRECTS: [(&str, bool); 2] = [("keep", true), ("rewrite", false)];
const VIA: [(&str, bool); 2] = [("on", true), ("off", false)];

/// A `--route` as far as it could be read.
pub(super) struct Draft {
    pub(super) text: String,
    /// `None`: ill.
    pub(super) listen: Option<Listen>,
    /// `None`: missing or ill.
    to: Option<UpstreamUrl>,
    /// As given; `None`: missing.
    identity: Option<String>,
    pub(super) path: Option<String>,
    /// Whether `path` is what was meant.
    pub(super) path_is_sound: bool,
    strip: bool,
    sni: Option<String>,
    verify: Option<Host>,
    host: HostHeader,
    keep_redirects: bool,
    via: bool,
    response_timeout: Option<Duration>,
    /// For the LISTEN, not for the route.
    pub(super) clients: Option<usize>,
    from: Vec<Cidr>,
}

impl RouteConfig {
    /// The name sent as SNI: `sni=`, else the URL's host; `None` for an address.
    pub fn server_name(&self) -> Option<&str> {
        self.sni.as_deref().or(self.to.host.name())
    }

    /// The name that the server's certificate must have: `verify=`, else `sni=`, else the URL's
    /// host.
    pub fn verified_name(&self) -> Host {
        let named = self
            .verify
            .clone()
            .or_else(|| self.sni.clone().map(Host::Name));
        named.unwrap_or_else(|| self.to.host.clone())
    }

    /// Whether a peer may use the route.
    pub fn admits(&self, peer: IpAddr) -> bool {
        self.from.is_empty() || self.from.iter().any(|range| range.contains(peer))
    }
}

impl Draft {
    fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            listen: None,
            to: None,
            identity: None,
            path: None,
            path_is_sound: true,
            strip: false,
            sni: None,
            verify: None,
            host: HostHeader::Url,
            keep_redirects: false,
            via: true,
            response_timeout: None,
            clients: None,
            from: Vec::new(),
        }
    }

    /// The route, unless something it needs is missing, which was reported.
    pub(super) fn finish(self, identities: &[IdentityConfig]) -> Option<RouteConfig> {
        let name = self.identity?;
        let index = identities
            .iter()
            .position(|identity| identity.name == name)?;
        Some(RouteConfig {
            text: self.text,
            listen: self.listen?,
            to: self.to?,
            identity: IdentityId(u8::try_from(index).ok()?),
            path: self.path,
            strip: self.strip,
            sni: self.sni,
            verify: self.verify,
            host: self.host,
            keep_redirects: self.keep_redirects,
            via: self.via,
            response_timeout: self.response_timeout,
            from: self.from,
        })
    }
}

/// Reads all `--route`. `identities` are the ones known; `None`: not all could be read, so that
/// an unknown one is no mistake.
pub(super) fn read_all(
    texts: &[String],
    identities: Option<&[IdentityConfig]>,
    errors: &mut Vec<ConfigError>,
) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for text in texts {
        let (draft, mut problems) = read(text);
        problems.extend(identities.and_then(|known| unknown_identity(&draft, known)));
        errors.extend(
            problems
                .into_iter()
                .map(|problem| ConfigError::new(OPTION, text, problem)),
        );
        drafts.push(draft);
    }
    if texts.len() > limits::ROUTES_MAX {
        errors.push(ConfigError::of_all(
            OPTION,
            Problem::TooManyRoutes(texts.len()),
        ));
    }
    drafts
}

fn read(text: &str) -> (Draft, Vec<Problem>) {
    let mut draft = Draft::new(text);
    let list = List::read(text, KEYS, &mut draft);
    draft.path_is_sound = !list.is_ill("path");
    let (listen, bad_listen) = match Listen::parse(list.bare) {
        Ok(listen) => (Some(listen), None),
        Err(fault) => (None, Some(Problem::Value(fault))),
    };
    draft.listen = listen;
    let across = [
        strip_needs_path(&list),
        open_to_all(&draft, &list),
        too_many_ranges(&draft),
    ];
    let problems = bad_listen
        .into_iter()
        .chain(list.problems)
        .chain(across.into_iter().flatten());
    (draft, problems.collect())
}

fn strip_needs_path(list: &List<'_>) -> Option<Problem> {
    let alone = list.has("strip") && !list.has("path");
    alone.then_some(Problem::Needs {
        key: "strip",
        needed: "path",
    })
}

fn open_to_all(draft: &Draft, list: &List<'_>) -> Option<Problem> {
    let listen = draft.listen.as_ref()?;
    let open = !listen.is_loopback() && !list.has("from");
    open.then(|| Problem::OpenToAll(listen.to_string()))
}

fn too_many_ranges(draft: &Draft) -> Option<Problem> {
    let count = draft.from.len();
    (count > limits::RANGES_PER_ROUTE).then_some(Problem::TooManyRanges(count))
}

fn unknown_identity(draft: &Draft, known: &[IdentityConfig]) -> Option<Problem> {
    let name = draft.identity.as_ref()?;
    let known: Vec<_> = known.iter().map(|identity| identity.name.clone()).collect();
    (!known.contains(name)).then(|| Problem::UnknownIdentity {
        name: name.clone(),
        known,
    })
}

/// `/` takes every path, as no `path=` does.
fn set_path(draft: &mut Draft, text: &str) -> Result<(), Fault> {
    path::clean(text).map(|path| draft.path = (!path.is_empty()).then_some(path))
}

fn set_host(draft: &mut Draft, text: &str) -> Result<(), Fault> {
    draft.host = if text == "keep" {
        HostHeader::Keep
    } else {
        host::authority(text)?;
        HostHeader::Name(text.to_owned())
    };
    Ok(())
}
