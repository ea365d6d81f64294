//! `/status.json`: what the status page shows, for programs. Fields are added, never renamed.

use std::rc::Rc;
use std::time::Duration;

use super::{Admin, Content, Watched, words};
use crate::identity::x509::{self, Summary};
use crate::identity::{Identity, Usage};
use crate::json::Json;
use crate::limits;
use crate::metrics::RouteCounters;
use crate::proxy::{Failed, Handshake};
use crate::server::Clients;

pub(super) fn status(admin: &Admin) -> Content {
    let health = admin.health();
    let clock = &admin.proxy.clock;
    let recent = admin.proxy.ledger.recent();
    let all = Json::Object(vec![
        ("version", env!("CARGO_PKG_VERSION").into()),
        ("target", env!("EGRET_TARGET").into()),
        ("now", words::time(clock.now()).into()),
        ("clock_set", clock.time().is_some().into()),
        ("uptime_seconds", seconds(admin.started.elapsed())),
        ("ready", health.is_ready().into()),
        ("faults", Json::list(health.faults)),
        ("notes", Json::list(health.notes)),
        (
            "identities",
            objects(admin.identities.iter().map(|one| identity(one))),
        ),
        ("routes", objects(admin.routes.iter().map(route))),
        (
            "unrouted",
            Json::Object(counts(&admin.proxy.ledger.unrouted.counters)),
        ),
        ("listeners", listeners(admin)),
        ("dns", dns(admin)),
        ("recent_failures", objects(recent.iter().map(failed))),
    ]);
    Content {
        kind: "application/json",
        text: format!("{all}\n"),
    }
}

fn objects(all: impl Iterator<Item = Json>) -> Json {
    Json::List(all.collect())
}

fn seconds(duration: Duration) -> Json {
    Json::from(duration.as_secs_f64())
}

fn table(used: usize, most: usize) -> Json {
    Json::Object(vec![("used", used.into()), ("max", most.into())])
}

fn identity(identity: &Identity) -> Json {
    let (config, counters, usage) = (&identity.config, &identity.counters, identity.usage());
    let epoch = identity.current().ok();
    let certificate = epoch.as_ref().and_then(|epoch| epoch.certificate());
    Json::Object(vec![
        ("name", config.name.as_str().into()),
        ("available", epoch.is_some().into()),
        ("epoch", usage.epoch.into()),
        ("fault", identity.fault().into()),
        ("certificate", certificate.map_or(Json::Null, summary)),
        ("roots", epoch.as_ref().map(|epoch| epoch.roots()).into()),
        ("reloads", counters.reloads.get().into()),
        ("failed_reloads", counters.failed_reloads.get().into()),
        ("requests", counters.requests.get().into()),
        ("failures", counters.failures.get().into()),
        ("retried", counters.retried.get().into()),
        ("full_handshakes", counters.full.get().into()),
        ("resumed_handshakes", counters.resumed.get().into()),
        ("new_connections", counters.new.get().into()),
        ("reused_connections", counters.reused.get().into()),
        ("tables", tables(identity, usage)),
    ])
}

fn summary(certificate: &Summary) -> Json {
    Json::Object(vec![
        ("subject", certificate.subject.as_str().into()),
        ("issuer", certificate.issuer.as_str().into()),
        ("not_before", x509::utc(certificate.not_before).into()),
        ("not_after", x509::utc(certificate.not_after).into()),
        ("key", certificate.key.as_str().into()),
    ])
}

fn tables(identity: &Identity, usage: Usage) -> Json {
    let config = &identity.config;
    let connections = Json::Object(vec![
        ("busy", usage.busy.into()),
        ("idle", usage.idle.into()),
        ("max", config.connections.into()),
    ]);
    Json::Object(vec![
        ("connections", connections),
        ("waiting", table(usage.waiting, config.waiting)),
        ("sessions", table(usage.sessions, config.sessions)),
        (
            "handshakes",
            table(usage.handshakes, limits::HANDSHAKES_PER_IDENTITY),
        ),
    ])
}

fn route(route: &Watched) -> Json {
    let tally = &route.tally;
    let mut fields = vec![
        ("name", route.name.as_str().into()),
        ("to", route.to.as_str().into()),
        ("identity", route.identity.as_str().into()),
    ];
    fields.extend(counts(&tally.counters));
    fields.extend([
        (
            "last_handshake",
            tally.last_handshake().as_ref().map(handshake).into(),
        ),
        (
            "last_failure",
            tally.last_failure().as_ref().map(failed).into(),
        ),
    ]);
    Json::Object(fields)
}

fn counts(counters: &RouteCounters) -> Vec<(&'static str, Json)> {
    let answered = ["1xx", "2xx", "3xx", "4xx", "5xx"].into_iter();
    let answered = answered.zip(counters.classes().map(|(_, count)| count.into()));
    let causes = counters.causes().into_iter();
    vec![
        ("answered", Json::Object(answered.collect())),
        ("clients_gone", counters.gone.get().into()),
        (
            "failures",
            Json::Object(causes.map(|(cause, count)| (cause, count.into())).collect()),
        ),
        ("received_bytes", counters.received.get().into()),
        ("sent_bytes", counters.sent.get().into()),
    ]
}

fn handshake(last: &Handshake) -> Json {
    let facts = &last.facts;
    let alpn = facts.alpn.as_deref().map(String::from_utf8_lossy);
    Json::Object(vec![
        ("at", words::time(last.at).into()),
        ("upstream", words::upstream(&last.upstream).into()),
        ("address", facts.dialled.map(|to| to.to_string()).into()),
        ("sni", last.upstream.sent_name().into()),
        ("tls", facts.version.map(|tls| tls.to_string()).into()),
        ("cipher", facts.cipher.into()),
        ("group", facts.group.into()),
        ("alpn", alpn.map(String::from).into()),
        ("resumed", facts.resumed.into()),
        (
            "our_certificate",
            words::certificate(facts.certificate).into(),
        ),
        ("resolve_seconds", facts.took.resolve.map(seconds).into()),
        ("connect_seconds", facts.took.dial.map(seconds).into()),
        ("tls_seconds", facts.took.handshake.map(seconds).into()),
    ])
}

fn failed(failure: &Failed) -> Json {
    Json::Object(vec![
        ("at", words::time(failure.at).into()),
        ("text", failure.text.as_str().into()),
    ])
}

fn listeners(admin: &Admin) -> Json {
    let one = |(listen, clients): &(_, Rc<Clients>)| {
        let listen: &Rc<str> = listen;
        Json::Object(vec![
            ("listen", (&**listen).into()),
            ("clients", clients.len().into()),
            ("idle", clients.idle().into()),
            ("max", clients.capacity().into()),
        ])
    };
    objects(admin.clients.iter().map(one))
}

fn dns(admin: &Admin) -> Json {
    let resolver = &admin.proxy.dialer.resolver;
    let (held, done) = (resolver.usage(), resolver.counters());
    Json::Object(vec![
        ("names", table(held.names, limits::DNS_NAMES)),
        ("running", table(held.running, limits::DNS_THREADS)),
        ("queued", table(held.queued, limits::DNS_QUEUE)),
        ("lookups", done.lookups.get().into()),
        ("failures", done.failures.get().into()),
        ("stale_answers", done.stale.get().into()),
        ("queue_full", done.queue_full.get().into()),
    ])
}
