//! Forward rules and their listeners.

use std::time::Duration;

use super::{config, errors};
use crate::config::{
    Config, ForwardConfig, ForwardId, IdentityId, Listen, Peer, RouteId, Serves, SocketAccess,
};

/// The rules of a configuration that has no others.
fn forwards(rules: &[&str]) -> Config {
    let words: Vec<_> = rules
        .iter()
        .flat_map(|rule| ["--forward", *rule])
        .chain(["--identity", "meter"])
        .collect();
    config(&words)
}

fn forward(rule: &str) -> ForwardConfig {
    forwards(&[rule]).forwards.remove(0)
}

#[test]
fn without_keys_the_defaults_of_a_rule_hold() {
    let config = forwards(&["3128,to=*.Example,identity=meter"]);
    let rule = config.forward(ForwardId(0));
    assert_eq!(rule.text, "3128,to=*.Example,identity=meter");
    assert_eq!(rule.listen, Listen::Loopback(3128));
    assert_eq!(rule.to.to_string(), "*.example");
    assert_eq!(rule.identity, IdentityId(1));
    assert!(!rule.tunnel && !rule.keep_redirects && rule.via);
    assert_eq!(rule.response_timeout, None);
    assert!(rule.from.is_empty() && rule.uid.is_empty());
    assert!(config.is_used(IdentityId(1)) && !config.is_used(IdentityId(0)));
    let listener = &config.listeners[0];
    assert_eq!(listener.clients, config.limits.clients);
    let access = SocketAccess {
        mode: 0o660,
        group: None,
    };
    assert_eq!(listener.access, access);
}

#[test]
fn every_key_of_a_rule_reaches_its_own_place() {
    let rule = forward(
        "10.0.0.1:3128,from=10.0.0.0/8,clients=3,response-timeout=2s,via=off,redirects=keep,\
         tunnel=on,identity=none,to=a.example:*",
    );
    assert_eq!(rule.to.to_string(), "a.example:*");
    assert_eq!(rule.identity, IdentityId(0));
    assert!(rule.tunnel && rule.keep_redirects && !rule.via);
    assert_eq!(rule.response_timeout, Some(Duration::from_secs(2)));
    assert!(rule.admits(&Peer::Tcp([10, 1, 1, 1].into())));
    assert!(!rule.admits(&Peer::Tcp([11, 1, 1, 1].into())));

    let config = forwards(&["unix:/run/a,to=*,identity=none,uid=7,mode=0666,group=iot"]);
    let rule = config.forward(ForwardId(0));
    assert!(rule.admits(&Peer::Unix { uid: 7 }) && !rule.admits(&Peer::Unix { uid: 0 }));
    let access = SocketAccess {
        mode: 0o666,
        group: Some("iot".into()),
    };
    assert_eq!(config.listeners[0].access, access);
}

#[test]
fn rules_of_a_listen_keep_their_order_and_may_be_alike() {
    let config = config(&[
        "--forward=3128,to=a.example,identity=none",
        "--forward=unix:/a,to=*,identity=none",
        "--route=80,to=https://a,identity=none",
        "--forward=3128,to=*,identity=none,from=::1",
        "--forward=3128,to=*,identity=none,tunnel=on,clients=9",
    ]);
    let serves: Vec<_> = config
        .listeners
        .iter()
        .map(|listener| (listener.listen.to_string(), listener.serves.clone()))
        .collect();
    let forwards = |ids: &[u8]| Serves::Forwards(ids.iter().copied().map(ForwardId).collect());
    assert_eq!(
        serves,
        [
            ("80".to_owned(), Serves::Routes(vec![RouteId(0)])),
            ("3128".to_owned(), forwards(&[0, 2, 3])),
            ("unix:/a".to_owned(), forwards(&[1])),
        ]
    );
    assert_eq!(config.listeners[1].clients, 9);
}

#[test]
fn a_wrong_rule_is_refused_in_these_words() {
    let table = [
        (
            "3128,identity=none",
            "to= is missing; add to=HOST, to=*.SUFFIX or to=*, the destinations to take",
        ),
        (
            "3128,to=*",
            "identity= is missing; choose as whom to send: identity=NAME, or identity=none for \
             no certificate",
        ),
        (
            "3128,to=*,identity=x",
            "identity=x: no --identity has this name; there are: none (built in), meter",
        ),
        (
            "3128,to=https://a,identity=none",
            "to=https://a: must be HOST, *.SUFFIX or *, without https:// and without a path",
        ),
        (
            "3128,to=*a,identity=none",
            "to=*a: must be HOST, *.SUFFIX or *, each with :PORT, with :* or without (443); a * \
             stands nowhere else",
        ),
        (
            "3128,to=b\u{fc}cher.example,identity=none",
            "to=b\u{fc}cher.example: host must be ASCII; give its A-label, such as \
             xn--bcher-kva.example",
        ),
        (
            "3128,to=a:x,identity=none",
            "to=a:x: port must be 1 to 65535, or * for any",
        ),
        (
            "3128,to=u@a,identity=none",
            "to=u@a: user and password are not supported; take them away",
        ),
        (
            "3128,to=*,identity=none,tunnel=yes",
            "tunnel=yes: must be on or off",
        ),
        (
            "3128,to=*,to=a,identity=none",
            "to= is given more than once; give it once",
        ),
        (
            "3128,to=*,identity=none,path=/a",
            "path= is unknown; allowed: to=, identity=, tunnel=, redirects=, via=, \
             response-timeout=, clients=, from=, uid=, mode=, group=",
        ),
        (
            "3128,to=*,identity=none,uid=0",
            "uid= is for unix: and systemd: only, as TCP does not tell who a peer is; listen \
             there, or admit peers by from=",
        ),
        (
            "systemd:x,to=*,identity=none,mode=0600",
            "mode= is for unix: only; leave it out, or listen on unix:PATH",
        ),
        (
            "0.0.0.0:3128,to=*,identity=none",
            "0.0.0.0:3128 is open to other machines; add from=CIDR for those that may use it, or \
             listen on 127.0.0.1",
        ),
        (
            ",to=*,identity=none",
            "must begin with LISTEN: PORT (at most 65535), IP:PORT, [IPV6]:PORT, unix:PATH or systemd:NAME",
        ),
    ];
    for (text, problem) in table {
        let given = ["--identity", "meter", "--forward", text];
        assert_eq!(errors(&given), [format!("--forward {text:?}: {problem}")]);
    }
}

#[test]
fn names_are_those_that_the_options_give_in_full() {
    let config = config(&[
        "--route",
        "8080,to=https://A.example,identity=none",
        "--route",
        "8081,to=https://10.0.0.1,identity=none",
        "--forward",
        "3128,to=b.example:*,identity=none",
        "--forward",
        "3128,to=*.c.example,identity=none",
        "--forward",
        "3128,to=*,identity=none",
    ]);
    assert_eq!(
        config.names().collect::<Vec<_>>(),
        ["a.example", "b.example"]
    );
}
