//! `--admin`.

use super::{ROUTE, config, errors};
use crate::config::{Listen, Peer};

fn refused(text: &str) -> Vec<String> {
    errors(&["--route", ROUTE, "--admin", text])
}

#[test]
fn admin_listens_beside_the_routes_and_takes_none_of_their_clients() {
    let with = config(&["--route", ROUTE, "--admin=9180", "--max-clients=7"]);
    let admin = with.admin.expect("an --admin");
    assert_eq!(admin.listen, Listen::Loopback(9180));
    assert_eq!(admin.text, "9180");
    assert_eq!(with.listeners.len(), 1);
    assert_eq!(with.listeners[0].clients, 7);
    assert!(config(&["--route", ROUTE]).admin.is_none());
}

#[test]
fn admin_admits_as_a_route_does() {
    let of = |text| config(&["--route", ROUTE, "--admin", text]).admin;
    let admin = of("0.0.0.0:9180,from=10.0.0.0/8,from=192.0.2.1").expect("an --admin");
    let tcp = |text: &str| Peer::Tcp(text.parse().expect("an address"));
    assert!(admin.admits(&tcp("10.1.2.3")) && admin.admits(&tcp("192.0.2.1")));
    assert!(!admin.admits(&tcp("127.0.0.1")));
    let admin = of("unix:/run/a,uid=7,mode=0600,group=adm").expect("an --admin");
    assert!(admin.admits(&Peer::Unix { uid: 7 }) && !admin.admits(&Peer::Unix { uid: 8 }));
    assert_eq!(admin.access.mode, 0o600);
    assert_eq!(admin.access.group.as_deref(), Some("adm"));
}

#[test]
fn a_wrong_admin_is_refused_in_these_words() {
    let table = [
        (
            "0.0.0.0:9180",
            "0.0.0.0:9180 is open to other machines; add from=CIDR for those that may use it, or \
             listen on 127.0.0.1",
        ),
        (
            "8080",
            "shares its LISTEN with --route \"8080,to=https://a,identity=none\"; routes, forward \
             rules and --admin need one each",
        ),
        (
            "[::1]:8080",
            "[::1]:8080 and 8080 of --route \"8080,to=https://a,identity=none\" overlap; write \
             LISTEN the same way in both, or take another port",
        ),
        (
            "9180,path=/x",
            "path= is unknown; allowed: from=, uid=, mode=, group=",
        ),
        (
            "localhost:9180",
            "must listen on an address, not a name: PORT (for localhost), IP:PORT or [IPV6]:PORT",
        ),
        (
            "9180,uid=0",
            "uid= is for unix: and systemd: only, as TCP does not tell who a peer is; listen \
             there, or admit peers by from=",
        ),
    ];
    for (text, why) in table {
        assert_eq!(refused(text), [format!("--admin {text:?}: {why}")]);
    }
}

#[test]
fn there_is_one_admin_at_most() {
    let again = errors(&["--route", ROUTE, "--admin=1", "--admin=2"]);
    assert_eq!(again, ["--admin: given more than once; give it once"]);
}
