//! Targets, redirects and patterns, beside a plain second opinion: which route or rule takes what, what
//! goes out, and that a redirect leads back to where the upstream meant.

#![no_main]

use std::rc::Rc;

use egret::config::{self, Config, Host, HostPattern, Pattern, Peer, Serves, UpstreamUrl};
use egret::flags::{self, Parsed};
use egret::identity::Identity;
use egret::proxy::forward::{Rule, Rules};
use egret::proxy::target::{Route, Routes};
use egret_fuzz::routes::{Leads, is_ambiguous, matches};

const OPTIONS: &[&str] = &[
    "--route=unix:/a,identity=none,to=https://up.example/base",
    "--route=unix:/a,identity=none,to=https://up.example/x,path=/a,strip=yes",
    "--route=unix:/a,identity=none,to=https://up.example,path=/a/b,strip=yes",
    "--route=unix:/a,identity=none,to=https://up.example/x/y,path=/A",
    "--route=unix:/b,identity=none,to=https://up.example/base",
    "--route=unix:/c,identity=none,to=https://up.example",
    "--forward=unix:/d,identity=none,to=exact.example",
    "--forward=unix:/d,identity=none,to=*.wild.example:*",
    "--forward=unix:/d,identity=none,to=[::1]:8443",
    "--forward=unix:/d,identity=none,to=127.0.0.1:*",
];

/// The routes of each LISTEN above, in that order.
const LEADS: &[&[Leads]] = &[
    &[
        leads("", false, "/base"),
        leads("/a", true, "/x"),
        leads("/a/b", true, ""),
        leads("/A", false, "/x/y"),
    ],
    &[leads("", false, "/base")],
    &[leads("", false, "")],
];

const RULES: &[&str] = &[
    "exact.example",
    "*.wild.example:*",
    "[::1]:8443",
    "127.0.0.1:*",
];

const PEER: Peer = Peer::Unix { uid: 0 };
const CALLED: &str = "localhost:8080";

const fn leads(path: &'static str, strip: bool, prefix: &'static str) -> Leads {
    Leads {
        path,
        strip,
        prefix,
    }
}

thread_local! {
    static WORLD: World = World::new();
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (target, location, pattern, authority) = (line(), line(), line(), line());
    // The strict reader lets nothing else through.
    if !target.is_empty()
        && target
            .bytes()
            .all(|b| (0x21..0x7f).contains(&b) && b != b'#')
    {
        WORLD.with(|world| {
            world.route(target, location);
            world.rule(target);
        });
    }
    url(location);
    compare(pattern, authority);
});

struct World {
    listeners: Vec<Routes>,
    rules: Rules,
}

impl World {
    fn new() -> Self {
        let Parsed::Run(flags) = flags::parse(OPTIONS) else {
            panic!("options");
        };
        let config = config::build(&flags).expect("options");
        let routes = |one: &config::ListenerConfig| match &one.serves {
            Serves::Routes(ids) => Some(ids.iter().map(|id| route(&config, *id)).collect()),
            Serves::Forwards(_) => None,
        };
        Self {
            listeners: config
                .listeners
                .iter()
                .filter_map(routes)
                .map(Routes::new)
                .collect(),
            rules: Rules(
                config
                    .forwards
                    .iter()
                    .map(|one| rule(&config, one))
                    .collect(),
            ),
        }
    }

    fn route(&self, target: &str, location: &str) {
        if !target.starts_with('/') {
            return;
        }
        let path = target.split('?').next().unwrap();
        for (routes, leads) in self.listeners.iter().zip(LEADS) {
            let by_path = leads.iter().any(|one| !one.path.is_empty());
            let taker = leads
                .iter()
                .filter(|one| one.takes(path))
                .max_by_key(|one| one.path.len());
            let taker = taker.filter(|_| !by_path || !is_ambiguous(path));
            let found = routes.find(target, &PEER);
            assert_eq!(
                found.is_ok(),
                taker.is_some(),
                "{target}: {found:?}, {taker:?}"
            );
            let (Ok(route), Some(taker)) = (found, taker) else {
                continue;
            };
            assert_eq!(
                route.config.path.as_deref().unwrap_or_default(),
                taker.path,
                "{target}"
            );
            match route.outgoing(target) {
                Ok(sent) => assert_eq!(sent.as_str(), taker.outgoing(target)),
                // What RFC 3986 forbids may be refused, nothing else.
                Err(_) => assert!(
                    target.contains(['<', '>', '"', '`', '{', '}', '|', '\\', '^']),
                    "{target}"
                ),
            }
            back(route, taker, location);
        }
    }

    /// A forward listener takes an absolute target by the first rule for its authority.
    fn rule(&self, target: &str) {
        let Ok(found) = self.rules.find(target, false, &PEER) else {
            return;
        };
        let (scheme, rest) = target.split_once("://").expect("an absolute target");
        assert!(
            ["http", "https"].contains(&scheme.to_ascii_lowercase().as_str()),
            "{target}"
        );
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let authority = match authority.strip_suffix(":80") {
            Some(host) => host,
            None => authority,
        };
        let taker = RULES
            .iter()
            .position(|pattern| matches(pattern, &without_zeros(authority)));
        let first = self
            .rules
            .0
            .iter()
            .position(|rule| std::ptr::eq(rule, found.rule));
        assert_eq!(first, taker, "{target}");
        let slash = if rest.starts_with('/') { "" } else { "/" };
        assert_eq!(found.target.as_str(), format!("{slash}{rest}"));
        assert_eq!(found.host, &*found.authority);
        let again = config::destination(&found.authority, Some(443));
        assert_eq!(
            again,
            Ok((found.upstream.host.clone(), found.upstream.port))
        );
    }
}

/// `:080` is port 80 too, and that means that nobody chose one.
fn without_zeros(authority: &str) -> String {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
            match port.trim_start_matches('0') {
                "80" => host.to_owned(),
                port => format!("{host}:{port}"),
            }
        }
        _ => authority.to_owned(),
    }
}

fn route(config: &Config, id: config::RouteId) -> Rc<Route> {
    let route = config.route(id).clone();
    let identity = Identity::new(config.identity(route.identity).clone());
    Rc::new(Route::new(route, identity).expect("an authority"))
}

fn rule(config: &Config, rule: &config::ForwardConfig) -> Rule {
    Rule {
        config: rule.clone(),
        identity: Identity::new(config.identity(rule.identity).clone()),
        tally: Rc::default(),
    }
}

/// What a client is told to follow comes out where the upstream's own Location leads.
fn back(route: &Route, leads: &Leads, location: &str) {
    let Some(back) = route.way_back(location, "up.example", CALLED) else {
        return;
    };
    let path = match back.strip_prefix("http://") {
        Some(rest) => rest.strip_prefix(CALLED).expect("the listener"),
        None => &back,
    };
    assert!(path.starts_with('/'), "{back}");
    assert!(
        back.starts_with("http://") || !back.starts_with("//") && !back.starts_with("/\\"),
        "{back}"
    );
    let path = path.split('#').next().unwrap();
    assert!(
        leads.takes(path.split('?').next().unwrap()),
        "{location} became {back}"
    );
    assert_eq!(
        slashed(&leads.outgoing(path), leads.prefix),
        slashed(&meant(location), leads.prefix),
        "{location} became {back}"
    );
}

/// The path of a Location that names the upstream.
fn meant(location: &str) -> String {
    let location = location.split('#').next().unwrap();
    if location.starts_with('/') && !location.starts_with("//") {
        return location.to_owned();
    }
    let rest = location.split_once("//").expect("an authority").1;
    let rest = &rest[rest.find(['/', '?']).unwrap_or(rest.len())..];
    let slash = if rest.starts_with('/') { "" } else { "/" };
    format!("{slash}{rest}")
}

/// `/base` and `/base/` are one place.
fn slashed(target: &str, prefix: &str) -> String {
    match target.strip_prefix(prefix) {
        Some(rest) if rest.is_empty() || rest.starts_with('?') => format!("{prefix}/{rest}"),
        _ => target.to_owned(),
    }
}

fn url(text: &str) {
    if let Ok(url) = UpstreamUrl::parse(text) {
        assert_eq!(UpstreamUrl::parse(&url.to_string()).as_ref(), Ok(&url));
    }
}

fn compare(pattern: &str, authority: &str) {
    let destination = config::destination(authority, Some(443));
    if let Ok((host, _)) = &destination {
        assert_eq!(Host::parse(&host.to_string()).as_ref(), Ok(host));
    }
    let Ok(read) = Pattern::parse(pattern) else {
        return;
    };
    assert_eq!(Pattern::parse(&read.to_string()).as_ref(), Ok(&read));
    if let HostPattern::Suffix(suffix) = &read.host {
        assert!(!suffix.is_empty() && !suffix.ends_with('.'));
    }
    if let Ok((host, port)) = &destination {
        let taken = read.matches(host, *port);
        assert_eq!(taken, matches(pattern, authority), "{pattern} {authority}");
    }
}
