//! `openssl s_server` as the cloud: session ids without tickets, and how it refuses us.
#![cfg(feature = "peers")]

mod peers;
mod support;

use peers::cloud::Cloud;
use peers::curl::{curl, get};
use peers::openssl::Server;
use support::certs::Ca;
use support::egret::{Builder, Egret};

/// egret with a listener for each of `client`, `another` and `none`.
fn egret(cloud: &Cloud, server: &Server) -> Egret {
    let mut builder = builder(cloud);
    for name in ["client", "another"] {
        builder = builder.identity(&cloud.identity(name));
    }
    for name in ["client", "another", "none"] {
        builder = builder.route(&format!("to={},identity={name}", server.url()));
    }
    builder.start()
}

fn builder(cloud: &Cloud) -> Builder {
    Egret::builder(env!("CARGO_BIN_EXE_egret")).ca(&cloud.ca())
}

/// The client's subject on the page that `s_server -www` shows; empty for none.
fn subject(page: &str) -> String {
    let subject = |line: &str| Some(line.trim().strip_prefix("Subject: ")?.replace(' ', ""));
    page.lines().find_map(subject).unwrap_or_default()
}

fn is_resumed(page: &str) -> bool {
    let line = |start: &str| page.lines().any(|line| line.starts_with(start));
    assert_ne!(line("New, TLS"), line("Reused, TLS"), "{page}");
    line("Reused, TLS")
}

#[test]
fn sessions_are_resumed_by_id_and_ticket_and_each_as_whom_it_was_made() {
    for options in [
        "-tls1_2 -no_ticket -verify 1",
        "-tls1_2 -verify 1",
        "-tls1_3 -no_ticket -verify 1",
        "-tls1_3 -verify 1",
    ] {
        let cloud = Cloud::new();
        let server = Server::start(&cloud, options);
        let egret = egret(&cloud, &server);
        for resumed in [false, true, true] {
            for (n, expected) in ["CN=client", "CN=another", ""].into_iter().enumerate() {
                let answer = get(egret.addr(n));
                let page = answer.text();
                assert_eq!(answer.status, 200, "{options}: {page}");
                assert_eq!(is_resumed(&page), resumed, "{options} {expected}: {page}");
                assert_eq!(subject(&page), expected, "{options}: {page}");
            }
        }
    }
}

#[test]
fn a_server_that_insists_refuses_none_with_an_alert_that_is_named() {
    for (options, alert) in [
        ("-tls1_2 -Verify 1", "handshake_failure"),
        ("-tls1_3 -Verify 1", "certificate_required"),
    ] {
        let cloud = Cloud::new();
        let server = Server::start(&cloud, options);
        let egret = egret(&cloud, &server);
        assert_eq!(get(egret.addr(0)).status, 200, "{options}");
        let refused = curl(egret.addr(2), "/", &["-i"]);
        let text = refused.text();
        assert_eq!(refused.status, 502, "{options}: {text}");
        assert!(
            text.contains("error=tls_alert_received"),
            "{options}: {text}"
        );
        assert!(text.contains(alert), "{options}: {text}");
        assert!(text.contains("certificate"), "{options}: {text}");
    }
}

#[test]
fn a_certificate_of_a_strange_authority_is_refused_with_an_alert_that_is_named() {
    for version in ["-tls1_2", "-tls1_3"] {
        let cloud = Cloud::new();
        let options = format!("{version} -Verify 1 -verify_return_error");
        let server = Server::start(&cloud, &options);
        let stranger = Ca::new("strangers").client("stranger");
        let egret = builder(&cloud)
            .identity(&cloud.dir.identity("stranger", &stranger))
            .route(&format!("to={},identity=stranger", server.url()))
            .start();
        let refused = curl(egret.addr(0), "/", &["-i"]);
        let text = refused.text();
        assert_eq!(refused.status, 502, "{text}");
        assert!(
            text.contains("refused our certificate \"stranger\""),
            "{text}"
        );
        assert!(text.contains("unknown_ca"), "{text}");
    }
}

#[test]
fn each_of_our_ciphers_is_spoken_by_openssl() {
    for options in [
        "-tls1_3 -ciphersuites TLS_AES_128_GCM_SHA256",
        "-tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384",
        "-tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256",
        "-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256",
        "-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384",
        "-tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305",
    ] {
        let cloud = Cloud::new();
        let server = Server::start(&cloud, &format!("-verify 1 {options}"));
        let egret = egret(&cloud, &server);
        let answer = get(egret.addr(0));
        assert_eq!(answer.status, 200, "{options}: {}", answer.text());
        let cipher = options.rsplit(' ').next().expect("a word");
        assert!(
            answer.text().contains(&format!(", Cipher is {cipher}\n")),
            "{options}: {}",
            answer.text()
        );
    }
}

#[test]
fn a_server_of_tls_1_1_is_refused_and_the_error_says_why() {
    let cloud = Cloud::new();
    let server = Server::start(&cloud, "-tls1_1 -cipher DEFAULT@SECLEVEL=0");
    let egret = egret(&cloud, &server);
    let refused = curl(egret.addr(0), "/", &["-i"]);
    let text = refused.text();
    assert_eq!(refused.status, 502, "{text}");
    assert!(text.contains("protocol_version"), "{text}");
}
