mod admin;
mod forward;
mod help;
mod probe;
mod random;
mod refused;
mod sharing;

use std::net::SocketAddr;

use super::*;
use crate::flags::{self, Flags, Parsed};
use crate::limits;

/// A pin that is sound.
const PIN: &str = "pin=sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// A route that is sound.
const ROUTE: &str = "8080,to=https://a,identity=none";

fn flags_of<S: AsRef<str>>(words: &[S]) -> Flags {
    match flags::parse(words.iter().map(|word| word.as_ref())) {
        Parsed::Run(flags) | Parsed::Check(flags) | Parsed::Probe { flags, .. } => flags,
        other => panic!("{other:?}"),
    }
}

fn config(words: &[&str]) -> Config {
    build(&flags_of(words)).unwrap_or_else(|errors| panic!("{words:?}: {errors:?}"))
}

fn errors<S: AsRef<str>>(words: &[S]) -> Vec<String> {
    match build(&flags_of(words)) {
        Ok(_) => Vec::new(),
        Err(rejected) => rejected.errors.iter().map(ToString::to_string).collect(),
    }
}

fn route(text: &str) -> RouteConfig {
    config(&["--route", text]).routes.remove(0)
}

#[test]
fn rejected_options_hand_over_what_nothing_is_wrong_with() {
    let words = [
        "--identity=a,cert=x",
        "--identity=b,tls=9",
        "--ca=r.pem",
        "--log=loud",
    ];
    let rejected = build(&flags_of(&words)).expect_err("options that are wrong");
    let names: Vec<_> = rejected
        .identities
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(names, ["none", "a"]);
    assert_eq!(rejected.ca, Some(PathBuf::from("r.pem")));
}

fn clients(config: &Config) -> Vec<usize> {
    config
        .listeners
        .iter()
        .map(|listener| listener.clients)
        .collect()
}

#[test]
fn the_reference_case_has_two_certificates_and_none() {
    let config = config(&[
        "--identity",
        "client,cert=client.crt,key=client.key",
        "--identity",
        "another,cert=a.crt,key=a.key",
        "--route",
        "127.0.0.1:8080,to=https://certauth.example,identity=client",
        "--route",
        "127.0.0.1:8081,to=https://certauth.example,identity=another",
        "--route",
        "127.0.0.1:8082,to=https://certauth.example,identity=none",
    ]);
    let names: Vec<_> = config
        .identities
        .iter()
        .map(|identity| identity.name.as_str())
        .collect();
    assert_eq!(names, ["none", "client", "another"]);
    let identities: Vec<_> = config.routes.iter().map(|route| route.identity.0).collect();
    assert_eq!(identities, [1, 2, 0]);
    let client = config.identity(IdentityId(1));
    assert_eq!(client.cert, Some(PathBuf::from("client.crt")));
    assert_eq!(client.key, Some(PathBuf::from("client.key")));
    assert_eq!(client.alpn.as_deref(), Some("http/1.1"));
    assert_eq!(config.identity(IdentityId(0)).cert, None);
    assert_eq!(clients(&config), [85, 85, 85]);
    let address: SocketAddr = "127.0.0.1:8082".parse().unwrap();
    assert_eq!(config.listeners[2].listen, Listen::Tcp(address));
    assert_eq!(config.listeners[2].serves, Serves::Routes(vec![RouteId(2)]));
    let route = config.route(RouteId(0));
    assert_eq!(route.to.to_string(), "https://certauth.example");
    assert_eq!(route.server_name(), Some("certauth.example"));
    assert_eq!(route.host, HostHeader::Url);
    assert!(route.via && !route.keep_redirects && !route.strip && route.path.is_none());
}

#[test]
fn without_options_the_defaults_hold() {
    let config = config(&["--route", ROUTE]);
    assert_eq!(config.ca, None);
    assert_eq!(config.log, log::LevelFilter::Info);
    assert_eq!(config.limits.clients, limits::CLIENTS_DEFAULT);
    assert_eq!(config.limits.header, limits::HEAD_DEFAULT);
    assert_eq!(config.limits.body, None);
    assert_eq!(config.timeouts.connect, limits::CONNECT_TIMEOUT);
    assert_eq!(config.timeouts.header, limits::HEADER_TIMEOUT);
    assert_eq!(config.timeouts.wait, limits::WAIT_TIMEOUT);
    assert_eq!(config.timeouts.response, limits::RESPONSE_TIMEOUT);
    assert_eq!(config.timeouts.idle, limits::IDLE_TIMEOUT);
    assert_eq!(config.timeouts.upstream_idle, limits::UPSTREAM_IDLE);
    assert_eq!(config.timeouts.tunnel, limits::TUNNEL_IDLE);
    assert_eq!(config.timeouts.drain, limits::DRAIN_TIMEOUT);
}

#[test]
fn every_option_reaches_its_own_place() {
    let config = config(&[
        "--route",
        ROUTE,
        "--ca=r.pem",
        "--max-clients=7",
        "--max-header=1k",
        "--max-body=2m",
        "--connect-timeout=1",
        "--header-timeout=2s",
        "--wait-timeout=3ms",
        "--response-timeout=4m",
        "--idle-timeout=5",
        "--upstream-idle=0",
        "--tunnel-idle=6m",
        "--drain-timeout=0",
        "--log=off",
    ]);
    assert_eq!(config.ca, Some(PathBuf::from("r.pem")));
    assert_eq!(config.log, log::LevelFilter::Off);
    assert_eq!(config.limits.clients, 7);
    assert_eq!(config.limits.header, 1024);
    assert_eq!(config.limits.body, Some(2 << 20));
    assert_eq!(config.timeouts.connect, Duration::from_secs(1));
    assert_eq!(config.timeouts.header, Duration::from_secs(2));
    assert_eq!(config.timeouts.wait, Duration::from_millis(3));
    assert_eq!(config.timeouts.response, Duration::from_secs(240));
    assert_eq!(config.timeouts.idle, Duration::from_secs(5));
    assert_eq!(config.timeouts.upstream_idle, Duration::ZERO);
    assert_eq!(config.timeouts.tunnel, Duration::from_secs(360));
    assert_eq!(config.timeouts.drain, Duration::ZERO);
}

#[test]
fn every_key_of_an_identity_reaches_its_own_place() {
    let text = format!(
        "x,crl=1,{PIN},crl=2,sessions=0,waiting=0,connections=64,alpn=,tls=1.3,ca=c,key=k,cert=a=b"
    );
    let config = config(&[
        "--identity",
        &text,
        "--identity",
        &format!("by-key,ca=pin,{PIN}"),
        "--identity",
        "none,waiting=1",
        "--route",
        ROUTE,
    ]);
    let identity = config.identity(IdentityId(1));
    assert_eq!(identity.cert, Some(PathBuf::from("a=b")));
    assert_eq!(identity.key, Some(PathBuf::from("k")));
    assert_eq!(identity.anchors, Anchors::File(PathBuf::from("c")));
    assert_eq!(identity.crls, ["1", "2"].map(PathBuf::from));
    for id in [1, 2] {
        let pins = config.identity(IdentityId(id)).pins.iter();
        let pins: Vec<_> = pins.map(|pin| format!("pin={pin}")).collect();
        assert_eq!(pins, [PIN]);
    }
    assert_eq!(config.identity(IdentityId(2)).anchors, Anchors::Pins);
    assert_eq!(identity.versions, TlsVersions::Only13);
    assert_eq!(identity.alpn, None);
    assert_eq!(
        (identity.connections, identity.waiting, identity.sessions),
        (64, 0, 0)
    );
    assert_eq!(config.identity(IdentityId(0)).waiting, 1);
    assert!(config.is_used(IdentityId(0)) && !config.is_used(IdentityId(1)));
    assert_eq!(config.identities().count(), 3);
}

#[test]
fn every_key_of_a_route_reaches_its_own_place() {
    let route = route(
        "10.0.0.1:80,from=10.0.0.0/8,from=::1,clients=3,response-timeout=2s,origins=any,via=off,\
         redirects=keep,host=keep,verify=10.0.0.2,sni=S.b,strip=yes,path=/p/,\
         identity=none,to=https://[::1]:8443/b/",
    );
    assert_eq!(route.to.to_string(), "https://[::1]:8443/b");
    assert_eq!(route.path.as_deref(), Some("/p"));
    assert!(route.strip && route.keep_redirects && !route.via && route.any_origin);
    assert_eq!(route.server_name(), Some("s.b"));
    assert_eq!(route.verified_name().to_string(), "10.0.0.2");
    assert_eq!(route.host, HostHeader::Keep);
    assert_eq!(route.response_timeout, Some(Duration::from_secs(2)));
    let admits = |address: &str| route.admits(&Peer::Tcp(address.parse().unwrap()));
    assert!(admits("10.9.9.9") && admits("::1"));
    assert!(!admits("11.0.0.1"));
}

#[test]
fn a_route_on_a_unix_socket_admits_users() {
    let text = "unix:/run/a,to=https://a,identity=none,uid=1000,uid=0,mode=0600,group=iot";
    let config = config(&["--route", text]);
    let route = config.route(RouteId(0));
    assert_eq!(route.listen, Listen::Unix("/run/a".into()));
    assert_eq!(route.uid, [1000, 0]);
    assert!(route.admits(&Peer::Unix { uid: 1000 }) && !route.admits(&Peer::Unix { uid: 1 }));
    assert!(!route.any_origin);
    let access = SocketAccess {
        mode: 0o600,
        group: Some("iot".into()),
    };
    assert_eq!(config.listeners[0].access, access);
}

#[test]
fn sni_sets_the_verified_name_and_verify_sets_it_alone() {
    let names = |keys: &str| {
        let route = route(&format!("{ROUTE}{keys}"));
        (
            route.server_name().map(str::to_owned),
            route.verified_name().to_string(),
        )
    };
    assert_eq!(names(""), (Some("a".into()), "a".into()));
    assert_eq!(names(",sni=b"), (Some("b".into()), "b".into()));
    assert_eq!(names(",verify=c"), (Some("a".into()), "c".into()));
    assert_eq!(names(",sni=b,verify=c"), (Some("b".into()), "c".into()));
    let address = route("80,to=https://10.0.0.1,identity=none");
    assert_eq!(address.server_name(), None);
}

#[test]
fn a_path_of_one_slash_is_no_path() {
    assert_eq!(route(&format!("{ROUTE},path=/")).path, None);
    let both = [
        format!("--route={ROUTE}"),
        format!("--route={ROUTE},path=/"),
    ];
    assert_eq!(errors(&both).len(), 1);
}

#[test]
fn no_route_at_all_is_an_error_with_an_example() {
    assert_eq!(
        errors::<&str>(&[]),
        ["--route: none is given, and no --forward; add --route \
             LISTEN,to=https://HOST,identity=NAME; run: egret --help"]
    );
}

#[test]
fn all_errors_come_at_once_in_order() {
    let given = [
        "--bogus",
        "--log=loud",
        "--identity=x,key=k,tls=1",
        "--route=8080,to=http://x",
        "--route=8080,to=https://x,identity=x",
        "--max-clients=0",
    ];
    assert_eq!(
        errors(&given),
        [
            "--bogus: unknown option; run: egret --help",
            "--identity \"x,key=k,tls=1\": tls=1: must be 1.2 or 1.3",
            "--identity \"x,key=k,tls=1\": key= needs cert=; add it, or leave key= out",
            "--route \"8080,to=http://x\": upstream must be https://",
            "--route \"8080,to=http://x\": identity= is missing; choose as whom to send: \
             identity=NAME, or identity=none for no certificate",
            "--max-clients \"0\": must be at least 1",
            "--route \"8080,to=https://x,identity=x\": takes the same requests as --route \
             \"8080,to=http://x\"; give them different path= or LISTEN",
            "--log \"loud\": must be off, error, warn, info, debug or trace",
        ]
    );
}

#[test]
fn what_an_unreadable_file_may_hold_is_not_called_missing() {
    let given = ["@/nowhere/x", "--route=8080,to=http://x,identity=unknown"];
    assert_eq!(
        errors(&given),
        [
            "@/nowhere/x: no such file",
            "--route \"8080,to=http://x,identity=unknown\": upstream must be https://",
        ]
    );
    assert_eq!(errors(&["@/nowhere/x"]).len(), 1);
}

#[test]
fn more_routes_or_identities_than_there_may_be_are_refused() {
    let route = |i: usize| format!("--route={},to=https://a,identity=none", 8000 + i);
    let mut routes: Vec<_> = (0..limits::ROUTES_MAX).map(route).collect();
    assert_eq!(errors(&routes), Vec::<String>::new());
    routes.push(
        route(limits::ROUTES_MAX)
            .replace("route", "forward")
            .replace("https://", ""),
    );
    assert_eq!(
        errors(&routes),
        ["--route: 65 with --forward, the maximum is 64"]
    );

    let mut identities = vec![route(0)];
    identities.extend((1..limits::IDENTITIES_MAX).map(|i| format!("--identity=i{i}")));
    assert_eq!(errors(&identities), Vec::<String>::new());
    identities.push("--identity=more".to_owned());
    assert_eq!(
        errors(&identities),
        ["--identity: 17 identities with the built-in none, the maximum is 16"]
    );
}

#[test]
fn more_ranges_or_users_than_a_route_may_have_are_refused() {
    let ranges = ",from=::1".repeat(limits::RANGES_PER_ROUTE + 1);
    let users = ",uid=1".repeat(limits::UIDS_PER_ROUTE + 1);
    let text = format!("systemd:x,to=https://a,identity=none{ranges}{users}");
    assert_eq!(
        errors(&["--route", &text]),
        [
            format!("--route {text:?}: 17 from=, the maximum is 16"),
            format!("--route {text:?}: 17 uid=, the maximum is 16")
        ]
    );
}
