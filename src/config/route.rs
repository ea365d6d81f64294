//! `--route`.

use super::draft::{self, Common, Draft};
use super::list::{Key, List};
use super::{
    Fault, Host, HostHeader, IdentityConfig, Problem, RouteConfig, UpstreamUrl, host, path, values,
};

const STRIP: [(&str, bool); 2] = [("yes", true), ("no", false)];
const ORIGINS: [(&str, bool); 1] = [("any", true)];

/// A `--route` as far as it could be read.
pub(super) struct RouteDraft {
    common: Common,
    /// `None`: missing or ill.
    to: Option<UpstreamUrl>,
    path: Option<String>,
    /// Whether `path` is what was meant.
    path_is_sound: bool,
    /// Whether the `uid` of [`Common`] are what was meant.
    uid_is_sound: bool,
    strip: bool,
    sni: Option<String>,
    verify: Option<Host>,
    host: HostHeader,
    any_origin: bool,
}

impl Draft for RouteDraft {
    const OPTION: &'static str = "--route";

    const KEYS: &'static [Key<Self>] = &[
        Key::new("to", |draft: &mut Self, text| {
            UpstreamUrl::parse(text).map(|url| draft.to = Some(url))
        })
        .required("add to=https://HOST, where requests go"),
        draft::identity(),
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
        draft::redirects(),
        draft::via(),
        Key::new("origins", |draft, text| {
            values::word(text, &ORIGINS).map(|any| draft.any_origin = any)
        }),
        draft::response_timeout(),
        draft::clients(),
        draft::from(),
        draft::uid(),
        draft::mode(),
        draft::group(),
    ];

    fn new(common: Common) -> Self {
        Self {
            common,
            to: None,
            path: None,
            path_is_sound: true,
            uid_is_sound: true,
            strip: false,
            sni: None,
            verify: None,
            host: HostHeader::Url,
            any_origin: false,
        }
    }

    fn common(&self) -> &Common {
        &self.common
    }

    fn common_mut(&mut self) -> &mut Common {
        &mut self.common
    }

    fn across(&mut self, list: &List<'_>) -> Option<Problem> {
        self.path_is_sound = !list.is_ill("path");
        self.uid_is_sound = !list.is_ill("uid");
        let alone = list.has("strip") && !list.has("path");
        alone.then_some(Problem::Needs {
            key: "strip",
            needed: "path",
        })
    }
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
}

impl RouteDraft {
    /// Whether some request on their LISTEN would be meant for both routes alike.
    pub(super) fn collides(&self, other: &Self) -> bool {
        let sound = [self, other].iter().all(|draft| draft.is_sound());
        sound && self.path == other.path && self.shares_peers(other)
    }

    fn is_sound(&self) -> bool {
        self.path_is_sound && self.uid_is_sound
    }

    /// A route with uids goes before one without, for those uids.
    fn shares_peers(&self, other: &Self) -> bool {
        let (own, others) = (&self.common.uid, &other.common.uid);
        let both_for_the_rest = own.is_empty() && others.is_empty();
        both_for_the_rest || own.iter().any(|uid| others.contains(uid))
    }

    /// The route, unless something it needs is missing, which was reported.
    pub(super) fn finish(self, identities: &[IdentityConfig]) -> Option<RouteConfig> {
        let identity = self.common.identity_id(identities)?;
        let common = self.common;
        Some(RouteConfig {
            text: common.given.value,
            listen: common.listen?,
            to: self.to?,
            identity,
            path: self.path,
            strip: self.strip,
            sni: self.sni,
            verify: self.verify,
            host: self.host,
            keep_redirects: common.keep_redirects,
            via: common.via,
            response_timeout: common.response_timeout,
            from: common.from,
            uid: common.uid,
            any_origin: self.any_origin,
        })
    }
}

/// `/` takes every path, as no `path=` does.
fn set_path(draft: &mut RouteDraft, text: &str) -> Result<(), Fault> {
    path::clean(text).map(|path| draft.path = (!path.is_empty()).then_some(path))
}

fn set_host(draft: &mut RouteDraft, text: &str) -> Result<(), Fault> {
    draft.host = if text == "keep" {
        HostHeader::Keep
    } else {
        HostHeader::Name(values::authority(text)?)
    };
    Ok(())
}
