//! The most memory that the tables can take: capacity by capacity, whatever any peer does.

use crate::config::{Config, IdentityConfig};
use crate::limits;

/// One table at its worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// What it holds.
    pub what: &'static str,
    /// How many.
    pub capacity: usize,
    /// Bytes of heap that one can take.
    pub each: usize,
}

impl Line {
    /// Bytes of heap that the table can take.
    pub fn bytes(&self) -> usize {
        self.capacity * self.each
    }
}

/// Every table of `config` at its worst. `roots` are held by all identities together, those that
/// several share counted once; `crls` are the bytes of their revocation lists.
pub fn worst_case(config: &Config, roots: usize, crls: usize) -> Vec<Line> {
    let clients = config.listeners.iter().map(|one| one.clients).sum();
    let used: Vec<_> = config
        .identities()
        .filter(|(id, _)| config.is_used(*id))
        .map(|(_, identity)| identity)
        .collect();
    let sum = |count: fn(&IdentityConfig) -> usize| used.iter().map(|one| count(one)).sum();
    let routes = config.routes.len() + config.forwards.len();
    let line = |what, capacity, each| Line {
        what,
        capacity,
        each,
    };
    let admin = config.admin.as_ref().map(|_| {
        let answer = (routes + used.len()) * limits::ADMIN_ENTRY_BYTES;
        line(
            "clients of --admin",
            limits::ADMIN_CLIENTS,
            limits::ADMIN_CLIENT_BYTES + answer,
        )
    });
    let mut lines = vec![
        line("clients", clients, limits::CLIENT_BYTES),
        line(
            "upstream connections",
            sum(|one| one.connections),
            limits::CONNECTION_BYTES,
        ),
        line(
            "requests waiting",
            sum(|one| one.waiting),
            limits::WAITING_BYTES,
        ),
        line(
            "upstreams' TLS sessions",
            sum(|one| one.sessions),
            limits::SESSION_BYTES,
        ),
        line("DNS names", limits::DNS_NAMES, limits::DNS_NAME_BYTES),
        line(
            "identities, old and new",
            used.len() * EPOCHS,
            limits::IDENTITY_BYTES,
        ),
        line("roots, old and new", roots * EPOCHS, limits::ROOT_BYTES),
        line("roots, while read", roots, limits::ROOT_READ_BYTES),
        line(
            "KiB of CRLs, old and new",
            crls.div_ceil(1024) * EPOCHS,
            limits::CRL_KIB_BYTES,
        ),
        line(
            "KiB of CRLs, while read",
            crls.div_ceil(1024),
            limits::CRL_KIB_READ_BYTES,
        ),
        line("routes and rules", routes, limits::ROUTE_BYTES),
        line(
            "failures remembered",
            routes + limits::RECENT_ERRORS,
            limits::FAILURE_BYTES,
        ),
        line("the rest of the program", 1, limits::PROCESS_BYTES),
    ];
    lines.splice(1..1, admin);
    lines
}

/// While files are read again, what follows from the old ones still serves.
const EPOCHS: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::flags::{self, Parsed};

    #[test]
    fn capacities_are_those_of_the_listeners_and_of_the_identities_in_use() {
        let words = [
            "--identity=a,connections=2,waiting=3,sessions=4",
            "--identity=b,connections=5,waiting=6,sessions=7",
            "--identity=unused,connections=64",
            "--route=8080,to=https://a,identity=a,clients=8",
            "--route=8081,to=https://a,identity=a,clients=9",
            "--route=8081,to=https://a,identity=b,path=/b",
        ];
        let Parsed::Run(flags) = flags::parse(words) else {
            panic!("{words:?}")
        };
        let config = config::build(&flags).expect("sound options");
        let lines = worst_case(&config, 10, 2049);
        let capacities: Vec<_> = lines.iter().map(|line| line.capacity).collect();
        assert_eq!(
            capacities,
            [
                17,
                7,
                9,
                11,
                limits::DNS_NAMES,
                4,
                20,
                10,
                6,
                3,
                3,
                3 + limits::RECENT_ERRORS,
                1
            ]
        );
    }

    #[test]
    fn what_is_told_of_each_route_and_identity_is_held_for_each_client_of_admin() {
        let words = [
            "--route=8080,to=https://a,identity=none",
            "--route=8081,to=https://a,identity=none",
            "--admin=9180",
        ];
        let Parsed::Run(flags) = flags::parse(words) else {
            panic!("{words:?}")
        };
        let config = config::build(&flags).expect("sound options");
        let lines = worst_case(&config, 10, 0);
        let admin = lines.iter().find(|line| line.what.contains("--admin"));
        let admin = admin.expect("a line");
        assert_eq!(admin.capacity, limits::ADMIN_CLIENTS);
        let each = limits::ADMIN_CLIENT_BYTES + 3 * limits::ADMIN_ENTRY_BYTES;
        assert_eq!(admin.each, each);
    }
}
