//! `/metrics`. Names never change: dashboards hang on them.

use std::fmt::Display;

use super::exposition::{Exposition, KIND, Label, Metric};
use super::{Admin, Content, Watched, process};
use crate::identity::x509::Summary;
use crate::identity::{Identity, Usage};
use crate::limits;
use crate::metrics::{IdentityCounters, NotKept, RouteCounters};
use crate::server;

pub(super) fn metrics(admin: &Admin) -> Content {
    let mut out = Exposition::default();
    whole(admin, &mut out);
    routes(admin, &mut out);
    identities(admin, &mut out);
    tables(admin, &mut out);
    dns(admin, &mut out);
    system(admin, &mut out);
    Content {
        kind: KIND,
        text: out.finish(),
    }
}

fn whole(admin: &Admin, out: &mut Exposition) {
    let build: [Label<'_>; 3] = [
        ("version", env!("CARGO_PKG_VERSION")),
        ("target", env!("EGRET_TARGET")),
        ("profile", env!("EGRET_PROFILE")),
    ];
    out.gauge("egret_build_info", "Which egret this is.")
        .is(&build, 1);
    let ready = u8::from(admin.health().is_ready());
    out.gauge("egret_ready", "Whether /readyz is 200.")
        .is(&[], ready);
    let set = u8::from(admin.proxy.clock.time().is_some());
    out.gauge(
        "egret_clock_set",
        "Whether the clock is past the date of the build.",
    )
    .is(&[], set);
}

fn routes(admin: &Admin, out: &mut Exposition) {
    let mut info = out.gauge(
        "egret_route_info",
        "Where a route or forward rule leads, and as whom.",
    );
    for route in &admin.routes {
        let labels: [Label<'_>; 3] = [
            ("route", &route.name),
            ("to", &route.to),
            ("identity", &route.identity),
        ];
        info.is(&labels, 1);
    }
    requests(admin, out);
    let mut causes = out.counter(
        "egret_failures_total",
        "Requests that egret answered itself, or cut off, by cause.",
    );
    each_route(admin, |route, counters| {
        for (cause, count) in counters.causes() {
            causes.is(&[("route", route), ("cause", cause)], count);
        }
    });
    let mut spread = out.histogram(
        "egret_request_duration_seconds",
        "From the head of a request to the last byte of its answer.",
    );
    each_route(admin, |route, counters| {
        spread.spreads(("route", route), &counters.requests);
    });
}

fn requests(admin: &Admin, out: &mut Exposition) {
    let mut requests = out.counter("egret_requests_total", "Requests answered, by status.");
    each_route(admin, |route, counters| {
        for (class, count) in counters.classes() {
            let status = format!("{class}xx");
            requests.is(&[("route", route), ("status", &status)], count);
        }
    });
    let mut gone = out.counter(
        "egret_clients_gone_total",
        "Requests whose client left before there was an answer.",
    );
    each_route(admin, |route, counters| {
        gone.is(&[("route", route)], counters.gone.get());
    });
    let mut received = out.counter("egret_received_bytes_total", "Bytes of request bodies.");
    each_route(admin, |route, counters| {
        received.is(&[("route", route)], counters.received.get());
    });
    let mut sent = out.counter("egret_sent_bytes_total", "Bytes of response bodies.");
    each_route(admin, |route, counters| {
        sent.is(&[("route", route)], counters.sent.get());
    });
}

/// The routes, and what reached none.
fn each_route(admin: &Admin, mut look: impl FnMut(&str, &RouteCounters)) {
    let named = |route: &Watched| look(&route.name, &route.tally.counters);
    admin.routes.iter().for_each(named);
    look("none", &admin.proxy.ledger.unrouted.counters);
}

fn identities(admin: &Admin, out: &mut Exposition) {
    each(
        admin,
        out.gauge(
            "egret_identity_available",
            "Whether requests can go out as it.",
        ),
        |one| Some(u8::from(one.current().is_ok())),
    );
    each(
        admin,
        out.gauge(
            "egret_identity_epoch",
            "How many readings of its files took effect.",
        ),
        |one| one.current().ok().map(|epoch| epoch.number),
    );
    each(
        admin,
        out.gauge(
            "egret_identity_files_good",
            "Whether its files, as they are now, can be used.",
        ),
        |one| Some(u8::from(one.fault().is_none())),
    );
    each(
        admin,
        out.gauge(
            "egret_certificate_not_before_timestamp_seconds",
            "When the client certificate begins.",
        ),
        |one| dated(one, |certificate| certificate.not_before),
    );
    each(
        admin,
        out.gauge(
            "egret_certificate_not_after_timestamp_seconds",
            "When the client certificate ends.",
        ),
        |one| dated(one, |certificate| certificate.not_after),
    );
    counted(admin, out);
}

/// A value of each identity that has it.
fn each<V: Display>(admin: &Admin, mut metric: Metric<'_>, value: impl Fn(&Identity) -> Option<V>) {
    for identity in &admin.identities {
        metric.is_if(&[name(identity)], value(identity));
    }
}

fn name(identity: &Identity) -> Label<'_> {
    ("identity", &identity.config.name)
}

fn dated(identity: &Identity, date: fn(&Summary) -> i64) -> Option<i64> {
    let epoch = identity.current().ok()?;
    epoch.certificate().map(date)
}

/// What identities did.
fn counted(admin: &Admin, out: &mut Exposition) {
    type Column = (&'static str, fn(&IdentityCounters) -> u64);
    let tables: [(&str, &str, &str, &[Column]); 3] = [
        (
            "egret_identity_reloads_total",
            "Changes of its files.",
            "outcome",
            &[
                ("loaded", |all| all.reloads.get()),
                ("failed", |all| all.failed_reloads.get()),
            ],
        ),
        (
            "egret_handshakes_total",
            "TLS handshakes that succeeded.",
            "kind",
            &[
                ("full", |all| all.full.get()),
                ("resumed", |all| all.resumed.get()),
            ],
        ),
        (
            "egret_upstream_requests_total",
            "Requests that got a connection, by where it came from.",
            "connection",
            &[
                ("new", |all| all.new.get()),
                ("reused", |all| all.reused.get()),
            ],
        ),
    ];
    for (metric, help, label, columns) in tables {
        let mut metric = out.counter(metric, help);
        for identity in &admin.identities {
            for (value, count) in columns {
                let labels = [name(identity), (label, *value)];
                metric.is(&labels, count(&identity.counters));
            }
        }
    }
    each(
        admin,
        out.counter("egret_upstream_sends_total", "Requests sent upstream."),
        |one| Some(one.counters.requests.get()),
    );
    each(
        admin,
        out.counter(
            "egret_upstream_failures_total",
            "Requests sent upstream that brought no answer.",
        ),
        |one| Some(one.counters.failures.get()),
    );
    each(
        admin,
        out.counter(
            "egret_upstream_retries_total",
            "Requests sent once more because a pooled connection was dead.",
        ),
        |one| Some(one.counters.retried.get()),
    );
    let mut kept = out.counter(
        "egret_connections_not_kept_total",
        "Upstream connections closed in place of being kept, by reason.",
    );
    for identity in &admin.identities {
        for reason in NotKept::ALL {
            let labels = [name(identity), ("reason", reason.label())];
            kept.is(&labels, identity.counters.count_of(reason));
        }
    }
    let mut spread = out.histogram(
        "egret_handshake_duration_seconds",
        "TLS handshakes that succeeded, the wait for a place included.",
    );
    for identity in &admin.identities {
        spread.spreads(name(identity), &identity.counters.handshakes);
    }
}

/// How full everything of a fixed size is.
fn tables(admin: &Admin, out: &mut Exposition) {
    type Clients = (&'static str, &'static str, fn(&server::Clients) -> usize);
    let of_listeners: [Clients; 3] = [
        ("egret_clients", "Client connections.", |one| one.len()),
        (
            "egret_clients_idle",
            "Client connections between two requests.",
            |one| one.idle(),
        ),
        ("egret_clients_max", "Most client connections.", |one| {
            one.capacity()
        }),
    ];
    for (metric, help, count) in of_listeners {
        let mut metric = out.gauge(metric, help);
        for (listen, clients) in &admin.clients {
            metric.is(&[("listener", listen)], count(clients));
        }
    }
    let mut connections = out.gauge("egret_upstream_connections", "Upstream connections.");
    for identity in &admin.identities {
        let usage = identity.usage();
        connections.is(&[name(identity), ("state", "busy")], usage.busy);
        connections.is(&[name(identity), ("state", "idle")], usage.idle);
    }
    type Table = (&'static str, &'static str, fn(&Identity, Usage) -> usize);
    let of_identities: [Table; 7] = [
        (
            "egret_upstream_connections_max",
            "Most upstream connections.",
            |one, _| one.config.connections,
        ),
        (
            "egret_waiting_requests",
            "Requests that wait for a connection.",
            |_, usage| usage.waiting,
        ),
        (
            "egret_waiting_requests_max",
            "Most requests that may wait.",
            |one, _| one.config.waiting,
        ),
        (
            "egret_session_upstreams",
            "Upstreams with TLS sessions.",
            |_, usage| usage.sessions,
        ),
        (
            "egret_session_upstreams_max",
            "Most upstreams with TLS sessions.",
            |one, _| one.config.sessions,
        ),
        (
            "egret_handshakes_running",
            "TLS handshakes under way.",
            |_, usage| usage.handshakes,
        ),
        (
            "egret_handshakes_running_max",
            "Most TLS handshakes under way.",
            |_, _| limits::HANDSHAKES_PER_IDENTITY,
        ),
    ];
    for (metric, help, count) in of_identities {
        each(admin, out.gauge(metric, help), |one| {
            Some(count(one, one.usage()))
        });
    }
}

fn dns(admin: &Admin, out: &mut Exposition) {
    let resolver = &admin.proxy.dialer.resolver;
    let (done, held) = (resolver.counters(), resolver.usage());
    for (metric, help, count) in [
        (
            "egret_dns_lookups_total",
            "Lookups that ended.",
            &done.lookups,
        ),
        (
            "egret_dns_failures_total",
            "Lookups that failed; that there is no such name is an answer.",
            &done.failures,
        ),
        (
            "egret_dns_stale_answers_total",
            "Older answers used because no new one came.",
            &done.stale,
        ),
        (
            "egret_dns_queue_full_total",
            "Lookups refused because too many wait.",
            &done.queue_full,
        ),
    ] {
        out.counter(metric, help).is(&[], count.get());
    }
    for (metric, help, count) in [
        ("egret_dns_names", "Host names remembered.", held.names),
        (
            "egret_dns_names_max",
            "Most host names remembered.",
            limits::DNS_NAMES,
        ),
        (
            "egret_dns_lookups_running",
            "Lookups on a thread.",
            held.running,
        ),
        (
            "egret_dns_lookups_running_max",
            "Most lookups on a thread.",
            limits::DNS_THREADS,
        ),
        (
            "egret_dns_lookups_queued",
            "Lookups that wait for a thread.",
            held.queued,
        ),
        (
            "egret_dns_lookups_queued_max",
            "Most lookups that may wait.",
            limits::DNS_QUEUE,
        ),
    ] {
        out.gauge(metric, help).is(&[], count);
    }
}

/// As Prometheus' own clients name it.
fn system(admin: &Admin, out: &mut Exposition) {
    let used = process::used();
    out.gauge(
        "process_start_time_seconds",
        "When the process started, in unix seconds.",
    )
    .is_if(&[], admin.started_at());
    out.counter("process_cpu_seconds_total", "Processor time used.")
        .is_if(&[], used.map(|used| used.cpu_seconds));
    out.gauge("process_virtual_memory_bytes", "Address space.")
        .is_if(&[], used.map(|used| used.virtual_bytes));
    out.gauge("process_resident_memory_bytes", "Memory.")
        .is_if(&[], used.map(|used| used.resident_bytes));
    out.gauge("process_open_fds", "Open descriptors.")
        .is_if(&[], process::open_descriptors());
    out.gauge("process_max_fds", "Descriptors that may be open.")
        .is_if(&[], process::most_descriptors());
}
