//! SIGUSR1: how full the tables are, a line each.

use super::run::App;
use crate::admin::process;
use crate::identity::Identity;
use crate::limits;
use crate::server::Clients;
use crate::upstream::resolver::Resolver;

impl App {
    /// One line for each listener, identity in use, the resolver and the process.
    pub(super) fn log_snapshot(&self) {
        let listeners = self.listeners.iter();
        let mut lines: Vec<String> = listeners.map(|one| of_clients(&one.clients)).collect();
        lines.extend(self.used().map(|identity| of_identity(identity)));
        // All listeners share one.
        let proxy = self.listeners.first().and_then(|one| one.service.proxy());
        lines.extend(proxy.map(|proxy| of_resolver(&proxy.dialer.resolver)));
        lines.push(of_process());
        for line in lines {
            ::log::info!("snapshot: {line}");
        }
    }
}

fn of_clients(clients: &Clients) -> String {
    format!(
        "{}: clients={} idle={} capacity={}",
        clients.name(),
        clients.len(),
        clients.idle(),
        clients.capacity()
    )
}

fn of_identity(identity: &Identity) -> String {
    let (config, usage) = (&identity.config, identity.usage());
    let epoch = usage.epoch.map(|number| number.to_string());
    format!(
        "identity {:?}: epoch={} busy={} idle={} capacity={} waiting={} waiting_capacity={} \
         sessions={} sessions_capacity={} handshakes={} handshakes_capacity={}",
        config.name,
        epoch.as_deref().unwrap_or("none"),
        usage.busy,
        usage.idle,
        config.connections,
        usage.waiting,
        config.waiting,
        usage.sessions,
        config.sessions,
        usage.handshakes,
        limits::HANDSHAKES_PER_IDENTITY,
    )
}

fn of_resolver(resolver: &Resolver) -> String {
    let (held, done) = (resolver.usage(), resolver.counters());
    format!(
        "dns: names={} capacity={} running={} running_capacity={} queued={} queued_capacity={} \
         lookups={} failures={} stale={} queue_full={}",
        held.names,
        limits::DNS_NAMES,
        held.running,
        limits::DNS_THREADS,
        held.queued,
        limits::DNS_QUEUE,
        done.lookups.get(),
        done.failures.get(),
        done.stale.get(),
        done.queue_full.get(),
    )
}

fn of_process() -> String {
    let open = process::open_descriptors().unwrap_or(0);
    let capacity = process::most_descriptors()
        .map_or_else(|| String::from("unlimited"), |most| most.to_string());
    format!("process: descriptors={open} capacity={capacity}")
}
