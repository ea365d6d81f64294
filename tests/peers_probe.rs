//! `egret probe` and what nginx and openssl do: virtual hosts by SNI, ciphers, refusals with words
//! of their own.
#![cfg(feature = "peers")]

mod peers;
mod probed;
mod support;

use peers::clock::Clock;
use peers::cloud::{Cloud, echo};
use peers::nginx::Nginx;
use peers::openssl::Server;
use probed::{assert_good, assert_problem, field, probe, problem};
use support::certs::{Ca, KeyKind, Spec};
use support::egret::Builder;

/// A probe of that URL as the device `x` of that cloud.
fn as_x(cloud: &Cloud, url: &str) -> Builder {
    probe()
        .arg(&format!("{url},identity=x"))
        .ca(&cloud.ca())
        .identity(&cloud.identity("x"))
}

fn url(cloud: &Cloud) -> String {
    cloud.port.url()
}

/// A `server {}` of that name with the certificate NAME.crt, which says this of client certificates.
fn host(cloud: &Cloud, listen: &str, name: &str, clients: &str) -> String {
    let path = |end: &str| cloud.path(&format!("{name}.{end}"));
    format!(
        "server {{
             listen {port} ssl {listen};
             server_name {name};
             ssl_certificate {cert};
             ssl_certificate_key {key};
             {clients}
             {echo}
         }}",
        port = cloud.port,
        cert = path("crt"),
        key = path("key"),
        echo = echo(),
    )
}

/// nginx with `localhost` and, where no SNI says that, `other.example`, each with its certificate.
fn two_hosts(cloud: &Cloud, clients_of_localhost: &str, clients_of_other: &str) -> Nginx {
    for name in ["localhost", "other.example"] {
        cloud.write(name, &cloud.servers.server(&[name]));
    }
    Nginx::start(&format!(
        "ssl_protocols TLSv1.2 TLSv1.3; {} {}",
        host(cloud, "default_server", "other.example", clients_of_other),
        host(cloud, "", "localhost", clients_of_localhost),
    ))
}

fn optional(cloud: &Cloud) -> String {
    let clients = cloud.path("clients.crt");
    format!("ssl_client_certificate {clients}; ssl_verify_client optional;")
}

#[test]
fn everything_of_a_real_nginx_is_told() {
    let cloud = Cloud::new();
    let _nginx = cloud.start("");
    let report = assert_good(as_x(&cloud, &url(&cloud)));
    for (path, value) in [
        ("tls.version", "1.3"),
        ("tls.alpn", "http/1.1"),
        ("certificate.named", "true"),
        ("certificate.accepted", "true"),
        ("request.status", "200"),
        ("again.resumed", "true"),
    ] {
        assert_eq!(field(&report, path).as_deref(), Some(value), "{path}");
    }
}

#[test]
fn a_clock_that_is_not_set() {
    let (cloud, clock) = (Cloud::new(), Clock::new());
    clock.unset();
    let _nginx = cloud.start("");
    let report = assert_problem(
        clock.of(as_x(&cloud, &url(&cloud))),
        "clock_not_set",
        "our clock is not set, so that no certificate can be checked; set it (ntpd, chrony)",
    );
    assert_eq!(field(&report, "dial.address"), None);
}

#[test]
fn an_sni_that_selects_another_virtual_host() {
    let cloud = Cloud::new();
    let _nginx = two_hosts(&cloud, &optional(&cloud), "");
    let with = |keys: &str| as_x(&cloud, &format!("{},{keys}", url(&cloud)));
    assert_problem(
        with("sni=other.example,verify=localhost"),
        "other_virtual_host",
        "SNI other.example selects another virtual host, and SNI localhost the right one; set \
         sni=localhost",
    );
    assert_good(with("sni=localhost"));
    assert_problem(
        with("verify=other.example"),
        "other_virtual_host",
        "SNI localhost selects another virtual host, and SNI other.example the right one; set \
         sni=other.example",
    );
    assert_problem(
        with("sni=one.example,verify=other.example"),
        "certificate_not_asked_for",
        "the server asked for no certificate, and that of \"x\" was not sent; without SNI it does \
         not ask either: have it ask for client certificates, or use identity=none",
    );
    // An address sends none, and gets the default.
    let cloud = Cloud::new();
    let _nginx = two_hosts(&cloud, &optional(&cloud), &optional(&cloud));
    let address = format!("https://{},verify=localhost", cloud.port);
    assert_problem(
        as_x(&cloud, &address),
        "other_virtual_host",
        "no SNI selects another virtual host, and SNI localhost the right one; set sni=localhost",
    );
}

#[test]
fn a_name_that_brings_the_right_virtual_host_only_where_none_is_sent() {
    let cloud = Cloud::new();
    cloud.write("localhost", &cloud.servers.server(&["elsewhere.example"]));
    cloud.write("other.example", &cloud.servers.server(&["localhost"]));
    let _nginx = Nginx::start(&format!(
        "{} {}",
        host(&cloud, "default_server", "other.example", &optional(&cloud)),
        host(&cloud, "", "localhost", &optional(&cloud)),
    ));
    assert_problem(
        as_x(&cloud, &url(&cloud)),
        "other_virtual_host",
        "SNI localhost selects another virtual host, and no SNI the right one; have the server know \
         the name, or correct it in the URL or sni=",
    );
}

#[test]
fn a_name_that_the_server_has_no_virtual_host_for() {
    let cloud = Cloud::new();
    cloud.write("other.example", &cloud.servers.server(&["other.example"]));
    let nobody = format!(
        "server {{ listen {} ssl default_server; ssl_reject_handshake on; }}",
        cloud.port
    );
    let other = host(&cloud, "", "other.example", &optional(&cloud));
    let _nginx = Nginx::start(&format!("{nobody} {other}"));
    assert_problem(
        as_x(&cloud, &url(&cloud)),
        "unknown_virtual_host",
        "the server has no virtual host for SNI localhost (TLS alert unrecognized_name); correct \
         the name in the URL, or set sni= to one that it has",
    );
    assert_good(as_x(&cloud, &format!("{},sni=other.example", url(&cloud))));
}

#[test]
fn a_certificate_that_is_asked_for_only_without_sni() {
    let cloud = Cloud::new();
    let both = cloud.servers.server(&["localhost", "other.example"]);
    let _nginx = two_hosts(&cloud, "", &optional(&cloud));
    // The certificate is for both, so that without SNI the connection is good.
    for name in ["localhost", "other.example"] {
        cloud.write(name, &both);
    }
    _nginx.reload(&format!(
        "{} {}",
        host(&cloud, "default_server", "other.example", &optional(&cloud)),
        host(&cloud, "", "localhost", ""),
    ));
    assert_problem(
        as_x(&cloud, &url(&cloud)),
        "certificate_not_asked_for",
        "the server asked for no certificate, and that of \"x\" was not sent; without SNI it asks: \
         correct the name in the URL or sni=, or have it ask on this virtual host too",
    );
}

#[test]
fn a_certificate_that_nginx_requires_after_the_handshake() {
    let cloud = Cloud::new();
    let _nginx = Nginx::start(&cloud.server("").replace("optional", "on"));
    assert_problem(
        probe().arg(&url(&cloud)).ca(&cloud.ca()),
        "certificate_required",
        "the server requires a client certificate and identity \"none\" has none (it answered \
         400); use an identity with cert=",
    );
    let stranger = Ca::new("strangers").client("x");
    assert_problem(
        probe()
            .arg(&url(&cloud))
            .ca(&cloud.ca())
            .identity(&cloud.dir.identity("x", &stranger)),
        "issuer_not_named",
        "our certificate is issued by \"CN=strangers\", and the server takes those of CN=clients \
         (it answered 400); use a certificate of one of these, or have the server trust our CA too",
    );
    let old = cloud.clients.issue(&Spec::client("x").expired());
    assert_problem(
        probe()
            .arg(&url(&cloud))
            .ca(&cloud.ca())
            .identity(&cloud.dir.identity("x", &old)),
        "certificate_refused",
        "the server refused our certificate \"x\" (it answered 400); have the server trust \
         \"CN=clients\" and admit this certificate, or use another; its log says why",
    );
    assert_good(as_x(&cloud, &url(&cloud)));
}

#[test]
fn no_cipher_in_common() {
    let cloud = Cloud::new();
    let server = Server::start(&cloud, "-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA");
    assert_problem(
        probe().arg(&server.url()).ca(&cloud.ca()),
        "nothing_in_common",
        "no TLS version or cipher in common (TLS alert handshake_failure; TLS 1.2 or 1.3 was \
         offered); have the server speak TLS 1.2 or 1.3 with ECDHE and AES-GCM or \
         ChaCha20-Poly1305",
    );
}

#[test]
fn a_server_of_tls_1_1() {
    let cloud = Cloud::new();
    let server = Server::start(&cloud, "-tls1_1 -cipher DEFAULT@SECLEVEL=0");
    let problem = problem(probe().arg(&server.url()).ca(&cloud.ca()));
    assert_eq!(problem.code, "nothing_in_common", "{problem:?}");
    assert!(problem.text.contains("protocol_version"), "{problem:?}");
}

#[test]
fn openssl_requires_a_certificate() {
    for (options, alert) in [
        ("-tls1_2 -Verify 1", "handshake_failure"),
        ("-tls1_3 -Verify 1", "certificate_required"),
    ] {
        let cloud = Cloud::new();
        let server = Server::start(&cloud, options);
        assert_problem(
            probe().arg(&server.url()).ca(&cloud.ca()),
            "certificate_required",
            &format!(
                "the server requires a client certificate and identity \"none\" has none (TLS alert \
                 {alert}); use an identity with cert="
            ),
        );
        assert_good(as_x(&cloud, &server.url()));
    }
}

#[test]
fn a_key_of_a_kind_that_the_server_does_not_take() {
    for (options, alert) in [
        ("-tls1_2", "handshake_failure"),
        ("-tls1_3", "certificate_required"),
    ] {
        let cloud = Cloud::new();
        let options = format!("{options} -Verify 1 -client_sigalgs RSA+SHA256:RSA-PSS+SHA256");
        let server = Server::start(&cloud, &options);
        let leaf = cloud.clients.issue(&Spec::client("x").key(KeyKind::P384));
        let report = assert_problem(
            probe()
                .arg(&server.url())
                .ca(&cloud.ca())
                .identity(&cloud.dir.identity("x", &leaf)),
            "certificate_kind_not_taken",
            &format!(
                "the server requires a client certificate and takes none with a key of our kind, \
                 P-384 (TLS alert {alert}); have one issued for another kind of key (RSA, P-256, P-384 or \
                 Ed25519)"
            ),
        );
        assert_eq!(field(&report, "certificate.sent").as_deref(), Some("false"));
    }
}
