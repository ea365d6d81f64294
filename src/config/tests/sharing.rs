//! Routes and forward rules that share a LISTEN, and listeners that share `--max-clients`.

use super::{ROUTE, clients, config, errors};
use crate::config::{RouteId, Serves};

#[test]
fn routes_share_a_listen_when_they_differ_by_path() {
    let config = config(&[
        "--route=8080,to=https://a,identity=none,path=/a,clients=5",
        "--route=8081,to=https://a,identity=none",
        "--route=8080,to=https://b,identity=none,path=/b",
        "--route=8080,to=https://c,identity=none",
    ]);
    assert_eq!(
        config.listeners[0].serves,
        Serves::Routes(vec![RouteId(0), RouteId(2), RouteId(3)])
    );
    assert_eq!(clients(&config), [5, 251]);
}

#[test]
fn the_same_port_under_two_texts_is_refused() {
    assert_eq!(
        errors(&[
            "--route",
            ROUTE,
            "--route=127.0.0.1:8080,to=https://b,identity=none,path=/x"
        ]),
        [
            "--route \"127.0.0.1:8080,to=https://b,identity=none,path=/x\": 127.0.0.1:8080 and 8080 \
          of --route \"8080,to=https://a,identity=none\" overlap; write LISTEN the same way in \
          both, or take another port"
        ]
    );
}

#[test]
fn clients_of_a_listen_agree_and_fit_the_total() {
    let route = |port: u16, path: &str, clients: usize| {
        format!("--route={port},to=https://a,identity=none,path=/{path},clients={clients}")
    };
    let unlike = errors(&[route(80, "a", 5), route(80, "b", 6)]);
    assert_eq!(
        unlike,
        [
            "--route \"80,to=https://a,identity=none,path=/b,clients=6\": clients=6 differs from \
          clients=5 of --route \"80,to=https://a,identity=none,path=/a,clients=5\" on the same \
          LISTEN; give it once"
        ]
    );
    assert_eq!(
        errors(&[route(80, "a", 200), route(81, "a", 57)]),
        [
            "--max-clients: clients= of all LISTEN are 257 together, more than 256; lower them or \
          raise --max-clients"
        ]
    );
    assert_eq!(
        errors(&[route(80, "a", 256), format!("--route={ROUTE}")]),
        [
            "--max-clients: 0 left to share among 1 LISTEN without clients=, each needs 1; raise \
          --max-clients or lower clients="
        ]
    );
}

#[test]
fn routes_share_a_listen_and_a_path_when_they_differ_by_uid() {
    let config = config(&[
        "--route=unix:/a,to=https://a,identity=none,uid=1,uid=2",
        "--route=unix:/a,to=https://b,identity=none,uid=3",
        "--route=unix:/a,to=https://c,identity=none",
        "--route=unix:/a,to=https://d,identity=none,uid=1,path=/d",
        "--route=systemd:a,to=https://e,identity=none,uid=1",
        "--route=systemd:a,to=https://f,identity=none,from=::1",
    ]);
    let ids = |ids: &[u8]| Serves::Routes(ids.iter().copied().map(RouteId).collect());
    assert_eq!(config.listeners[0].serves, ids(&[0, 1, 2, 3]));
    assert_eq!(config.listeners[1].serves, ids(&[4, 5]));
}

#[test]
fn routes_that_would_take_the_same_requests_are_refused() {
    let table = [
        ("unix:/a", "", "", "path=, uid= or LISTEN"),
        (
            "unix:/a",
            ",uid=1,uid=2",
            ",uid=2,uid=3",
            "path=, uid= or LISTEN",
        ),
        (
            "unix:/a",
            ",path=/x,uid=1",
            ",uid=1,path=/x/",
            "path=, uid= or LISTEN",
        ),
        (
            "systemd:a",
            ",from=::1",
            ",from=::2",
            "path=, uid= or LISTEN",
        ),
        ("8080", ",from=::1", ",from=::2", "path= or LISTEN"),
    ];
    for (listen, one, other, remedy) in table {
        let [one, other] =
            [one, other].map(|keys| format!("{listen},to=https://a,identity=none{keys}"));
        assert_eq!(
            errors(&["--route", &one, "--route", &other]),
            [format!(
                "--route {other:?}: takes the same requests as --route {one:?}; give them \
                 different {remedy}"
            )]
        );
    }
}

#[test]
fn an_ill_uid_is_not_called_the_same_as_none() {
    let given = [
        "--route=unix:/a,to=https://a,identity=none",
        "--route=unix:/a,to=https://a,identity=none,uid=x",
    ];
    assert_eq!(errors(&given).len(), 1);
}

#[test]
fn a_listen_for_routes_and_for_forward_rules_is_refused() {
    assert_eq!(
        errors(&[
            "--forward=8080,to=*,identity=none",
            "--forward=8080,to=b,identity=none",
            "--route",
            ROUTE,
        ]),
        [
            "--forward \"8080,to=*,identity=none\": shares its LISTEN with --route \
             \"8080,to=https://a,identity=none\"; routes, forward rules and --admin need one each",
            "--forward \"8080,to=b,identity=none\": shares its LISTEN with --route \
             \"8080,to=https://a,identity=none\"; routes, forward rules and --admin need one each",
        ]
    );
    assert_eq!(
        errors(&[
            "--forward=127.0.0.1:8080,to=*,identity=none",
            "--route",
            ROUTE
        ]),
        [
            "--forward \"127.0.0.1:8080,to=*,identity=none\": 127.0.0.1:8080 and 8080 of --route \
             \"8080,to=https://a,identity=none\" overlap; write LISTEN the same way in both, or \
             take another port"
        ]
    );
}

#[test]
fn a_socket_is_one_file_with_one_mode_and_one_group() {
    let rule = |keys: &str| format!("unix:/a,to=*,identity=none{keys}");
    let all = |rules: [&str; 3]| {
        let words = rules.map(|keys| format!("--forward={}", rule(keys)));
        errors(&words)
    };
    assert_eq!(
        all(["", ",mode=0600,group=a", ",group=a,mode=600"]),
        [""; 0]
    );
    assert_eq!(
        all([",mode=0600", "", ",mode=0660"]),
        [format!(
            "--forward {:?}: mode=0660 differs from mode=0600 of --forward {:?} on the same \
             LISTEN; give it once",
            rule(",mode=0660"),
            rule(",mode=0600")
        )]
    );
    assert_eq!(
        all(["", ",group=a", ",group=b"]),
        [format!(
            "--forward {:?}: group=b differs from group=a of --forward {:?} on the same LISTEN; \
             give it once",
            rule(",group=b"),
            rule(",group=a")
        )]
    );
}
