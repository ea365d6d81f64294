//! The three faults that nginx as the proxy has by default, each shown on a real nginx and shown
//! absent in egret, side by side against the same cloud.
#![cfg(feature = "peers")]

mod peers;
mod support;

use std::net::SocketAddr;

use peers::cloud::Cloud;
use peers::curl::{Answer, curl, get};
use peers::nginx::Nginx;
use peers::port::Port;
use support::certs::{Ca, Leaf, Spec};
use support::egret::Egret;

/// nginx as the proxy: a listener for each of these texts, which go into its `location /`.
fn nginx_proxy(upstream: &str, listeners: &[String]) -> (Nginx, Vec<Port>) {
    let ports: Vec<Port> = listeners.iter().map(|_| Port::reserve()).collect();
    let servers: String = ports
        .iter()
        .zip(listeners)
        .map(|(port, location)| format!("server {{ listen {port}; location / {{ {location} }} }}"))
        .collect();
    (Nginx::start(&format!("{upstream} {servers}")), ports)
}

/// What a careful person adds: Host of the cloud, and a certificate.
fn with_certificate(cloud: &Cloud, name: &str) -> String {
    format!(
        "proxy_ssl_certificate {}; proxy_ssl_certificate_key {};",
        cloud.path(&format!("{name}.crt")),
        cloud.path(&format!("{name}.key"))
    )
}

fn egret(cloud: &Cloud, identities: &[&str], options: &[(&str, &str)]) -> Egret {
    let mut builder = Egret::builder(env!("CARGO_BIN_EXE_egret")).ca(&cloud.ca());
    for name in identities {
        if *name != "none" {
            builder = builder.identity(&cloud.identity(name));
        }
        builder = builder.route(&cloud.to(name));
    }
    for (option, value) in options {
        builder = builder.option(option, value);
    }
    builder.start()
}

#[test]
fn without_sni_nginx_gets_the_wrong_virtual_host_and_egret_the_right_one() {
    let cloud = Cloud::new();
    let egret = egret(&cloud, &["client"], &[]);
    // As clouds are: who does not name the host in TLS gets the tenant that is nobody's, whose
    // certificate is another and who asks for no client certificate.
    cloud.write("nobody", &cloud.servers.server(&["nobody.example"]));
    let _cloud = Nginx::start(&format!(
        "server {{
             listen {port} ssl default_server;
             ssl_certificate {cert}; ssl_certificate_key {key};
             return 403 nobody;
         }}
         {right}",
        port = cloud.port,
        cert = cloud.path("nobody.crt"),
        key = cloud.path("nobody.key"),
        right = cloud.server("if ($ssl_client_verify != SUCCESS) { return 403 stranger; }"),
    ));
    let plain = with_certificate(&cloud, "client")
        + &format!("proxy_pass {};", cloud.port.url())
        // The session without a name would be resumed for the listener that sends one.
        + "proxy_ssl_session_reuse off;";
    let named = plain.clone() + "proxy_ssl_server_name on;";
    let (_proxy, ports) = nginx_proxy("", &[plain, named]);

    let wrong = get(ports[0].address());
    assert_eq!(wrong.status, 403, "nginx sends SNI now: {wrong:?}");
    let asked = get(ports[1].address());
    assert_eq!(
        (asked.status, asked.echo("sni").as_str()),
        (200, "localhost")
    );

    let right = get(egret.addr(0));
    assert_eq!(right.status, 200, "{}", right.text());
    assert_eq!(right.echo("sni"), "localhost");
    assert_eq!(right.echo("subject"), "CN=client");
}

/// Certificates that the server must not be believed with, and what egret says of each.
fn impostors(cloud: &Cloud) -> [(Leaf, &'static str); 4] {
    let names = ["localhost", "127.0.0.1"];
    [
        (Ca::new("mallory").server(&names), "mallory"),
        (cloud.servers.server(&["other.example"]), "other.example"),
        (
            cloud.servers.issue(&Spec::server(&names).expired()),
            "expired",
        ),
        (Leaf::self_signed(&Spec::server(&names)), "issue"),
    ]
}

#[test]
fn nginx_talks_to_an_impostor_and_egret_does_not() {
    let cloud = Cloud::new();
    let egret = egret(&cloud, &["client"], &[("--upstream-idle", "0")]);
    let honest = cloud.start("");
    let location = with_certificate(&cloud, "client")
        + &format!("proxy_pass {};", cloud.port.url())
        + "proxy_ssl_server_name on; proxy_ssl_session_reuse off;";
    let (_proxy, ports) = nginx_proxy("", &[location]);
    assert_eq!(get(egret.addr(0)).status, 200);
    drop(honest);

    for (leaf, word) in impostors(&cloud) {
        cloud.write("server", &leaf);
        let impostor = cloud.start("");

        let believed = get(ports[0].address());
        assert_eq!(believed.status, 200, "nginx verifies now: {believed:?}");
        assert_eq!(believed.echo("subject"), "CN=client");
        assert_eq!(impostor.access_log(1).len(), 1);

        let options = ["-i", "-H", "Authorization: Bearer secret"];
        let refused = curl(egret.addr(0), "/", &options);
        assert_eq!(refused.status, 502, "{}", refused.text());
        let text = refused.text();
        assert!(text.contains("error=tls_certificate_error"), "{text}");
        assert!(text.to_lowercase().contains(word), "{word}: {text}");
        assert_eq!(impostor.access_log_now().len(), 1, "egret sent a request");
    }
}

/// Sends a request through each listener in turn, twice, and gives the subjects that the cloud
/// saw and whether each request came on a resumed session or on a connection in use.
fn subjects(addresses: &[SocketAddr]) -> Vec<(String, Kept)> {
    let twice = addresses.iter().chain(addresses);
    twice
        .map(|addr| {
            let answer = get(*addr);
            assert_eq!(answer.status, 200, "{}", answer.text());
            (answer.echo("subject"), kept(&answer))
        })
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    Nothing,
    Session,
    Connection,
}

fn kept(answer: &Answer) -> Kept {
    match (
        answer.echo("session").as_str(),
        answer.echo("requests").as_str(),
    ) {
        (".", "1") => Kept::Nothing,
        (_, "1") => Kept::Session,
        _ => Kept::Connection,
    }
}

const IDENTITIES: [&str; 3] = ["client", "another", "none"];

/// What a cloud must see of a listener of each identity, asked twice, when what is kept is kept
/// by identity.
fn kept_apart(how: Kept) -> Vec<(String, Kept)> {
    let round = |kept| ["CN=client", "CN=another", ""].map(|subject| (subject.to_owned(), kept));
    [round(Kept::Nothing), round(how)].concat()
}

/// nginx with a listener for each identity, all to one upstream, with these directives more.
fn mixing_proxy(cloud: &Cloud, upstream: &str, more: &str) -> (Nginx, Vec<SocketAddr>) {
    let listeners = IDENTITIES.map(|name| {
        let certificate = match name {
            "none" => String::new(),
            name => with_certificate(cloud, name),
        };
        format!(
            "{certificate} proxy_pass https://cloud; proxy_set_header Host localhost;
             proxy_ssl_name localhost; proxy_ssl_server_name on;
             proxy_ssl_verify on; proxy_ssl_trusted_certificate {}; {more}",
            cloud.ca()
        )
    });
    let upstream = format!("upstream cloud {{ server {}; {upstream} }}", cloud.port);
    let (nginx, ports) = nginx_proxy(&upstream, &listeners);
    (nginx, ports.iter().map(Port::address).collect())
}

#[test]
fn nginx_resumes_a_neighbours_tls_session_and_egret_only_its_own() {
    for versions in ["TLSv1.2", "TLSv1.3"] {
        let cloud = Cloud::new();
        let egret = egret(&cloud, &IDENTITIES, &[("--upstream-idle", "0")]);
        let _cloud = cloud.start(&format!(
            "ssl_protocols {versions}; ssl_session_cache shared:s:1m;"
        ));
        let (_proxy, mixing) =
            mixing_proxy(&cloud, "", &format!("proxy_ssl_protocols {versions};"));

        let stolen = subjects(&mixing);
        let all_client = vec!["CN=client"; 6];
        let seen: Vec<&str> = stolen.iter().map(|(subject, _)| subject.as_str()).collect();
        assert_eq!(
            seen, all_client,
            "nginx keeps sessions apart now: {stolen:?}"
        );
        assert!(stolen[1..].iter().all(|(_, kept)| *kept == Kept::Session));

        let addresses = [0, 1, 2].map(|n| egret.addr(n));
        assert_eq!(
            subjects(&addresses),
            kept_apart(Kept::Session),
            "{versions}"
        );
    }
}

#[test]
fn nginx_pools_a_connection_for_a_neighbour_and_egret_only_for_its_own() {
    for versions in ["TLSv1.2", "TLSv1.3"] {
        let cloud = Cloud::new();
        let egret = egret(&cloud, &IDENTITIES, &[]);
        let _cloud = cloud.start(&format!(
            "ssl_protocols {versions}; ssl_session_cache shared:s:1m;"
        ));
        // What one finds on the web as the cure of the above, and is one, until ...
        let cure = format!("proxy_ssl_protocols {versions}; proxy_ssl_session_reuse off;");
        let (cured, separate) = mixing_proxy(&cloud, "", &cure);
        assert_eq!(subjects(&separate), kept_apart(Kept::Nothing));
        drop(cured);
        // ... connections are kept as well.
        let pooled = format!("{cure} proxy_http_version 1.1; proxy_set_header Connection '';");
        let (_proxy, mixing) = mixing_proxy(&cloud, "keepalive 4;", &pooled);

        let stolen = subjects(&mixing);
        let seen: Vec<&str> = stolen.iter().map(|(subject, _)| subject.as_str()).collect();
        assert_eq!(
            seen,
            vec!["CN=client"; 6],
            "nginx keeps connections apart now: {stolen:?}"
        );
        assert!(
            stolen[1..]
                .iter()
                .all(|(_, kept)| *kept == Kept::Connection)
        );

        let addresses = [0, 1, 2].map(|n| egret.addr(n));
        assert_eq!(
            subjects(&addresses),
            kept_apart(Kept::Connection),
            "{versions}"
        );
    }
}
