//! nginx as the cloud and curl as the client: who the cloud sees, what it counts, and that bytes
//! arrive as they were sent.
#![cfg(feature = "peers")]

mod peers;
mod support;

use peers::cloud::Cloud;
use peers::curl::{curl, get, write_large};
use peers::nginx::Nginx;
use peers::openssl::sh;
use support::certs::{KeyKind, Spec};
use support::client;
use support::egret::{Builder, Egret};

const LARGE: usize = 10 * 1024 * 1024;

fn builder(cloud: &Cloud) -> Builder {
    Egret::builder(env!("CARGO_BIN_EXE_egret")).ca(&cloud.ca())
}

/// egret with one listener, for one certificate `CN=client`.
fn one(cloud: &Cloud, options: &[(&str, &str)]) -> Egret {
    let identity = cloud.identity("client");
    let mut builder = builder(cloud)
        .identity(&identity)
        .route(&cloud.to("client"));
    for (option, value) in options {
        builder = builder.option(option, value);
    }
    builder.start()
}

#[test]
fn three_listeners_are_two_certificates_and_none_to_nginx() {
    for versions in ["TLSv1.2", "TLSv1.3"] {
        let cloud = Cloud::new();
        let _nginx = cloud.start(&format!("ssl_protocols {versions};"));
        let mut egret = builder(&cloud);
        for name in ["client", "another"] {
            egret = egret.identity(&cloud.identity(name));
        }
        for name in ["client", "another", "none"] {
            egret = egret.route(&cloud.to(name));
        }
        let egret = egret.start();
        for _ in 0..3 {
            for (n, subject) in ["CN=client", "CN=another", ""].into_iter().enumerate() {
                let answer = get(egret.addr(n));
                assert_eq!(answer.status, 200);
                assert_eq!(answer.echo("subject"), subject);
                assert_eq!(answer.echo("protocol"), versions);
                assert_eq!(answer.echo("sni"), "localhost");
                assert_eq!(answer.echo("host"), cloud.port.url()["https://".len()..]);
                assert_eq!(answer.echo("version"), "HTTP/1.1");
                assert!(answer.echo("via").starts_with("1.1 egret-"));
            }
        }
    }
}

#[test]
fn nginx_that_insists_on_a_certificate_says_400_to_none_and_200_to_ours() {
    let cloud = Cloud::new();
    let insists = cloud.server("").replace("optional;", "on;");
    let _nginx = Nginx::start(&insists);
    let identity = cloud.identity("client");
    let egret = builder(&cloud)
        .identity(&identity)
        .route(&cloud.to("client"))
        .route(&cloud.to("none"))
        .start();
    assert_eq!(get(egret.addr(0)).echo("verified"), "SUCCESS");
    let refused = get(egret.addr(1));
    assert_eq!(refused.status, 400, "nginx answers after the handshake");
    assert!(refused.text().contains("No required SSL certificate"));
}

/// Status, whether resumed, connection, request on it.
fn seen(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

#[test]
fn nginx_counts_one_full_handshake_and_99_resumed_ones_for_100_connections() {
    for remembers in [
        "ssl_protocols TLSv1.2; ssl_session_cache shared:s:1m; ssl_session_tickets off;",
        "ssl_protocols TLSv1.2; ssl_session_cache none; ssl_session_tickets on;",
        "ssl_protocols TLSv1.3; ssl_session_cache shared:s:1m; ssl_session_tickets off;",
        "ssl_protocols TLSv1.3; ssl_session_cache none; ssl_session_tickets on;",
    ] {
        let cloud = Cloud::new();
        let nginx = cloud.start(remembers);
        let egret = one(&cloud, &[("--upstream-idle", "0")]);
        for _ in 0..100 {
            assert_eq!(client::get(egret.addr(0), "/").status, 200);
        }
        let log = nginx.access_log(100);
        let full = log.iter().filter(|line| seen(line)[1] == ".").count();
        let resumed = log.iter().filter(|line| seen(line)[1] == "r").count();
        assert_eq!((full, resumed), (1, 99), "{remembers}");
        assert!(log.iter().all(|line| seen(line)[3] == "1"), "{remembers}");
        assert!(log.iter().all(|line| line.ends_with(" CN=client")));
    }
}

#[test]
fn nginx_counts_one_connection_for_100_requests() {
    let cloud = Cloud::new();
    let nginx = cloud.start("");
    let egret = one(&cloud, &[]);
    for _ in 0..100 {
        assert_eq!(client::get(egret.addr(0), "/").status, 200);
    }
    let log = nginx.access_log(100);
    for (n, line) in log.iter().enumerate() {
        assert_eq!(seen(line)[2], seen(&log[0])[2], "another connection");
        assert_eq!(seen(line)[3], (n + 1).to_string());
    }
}

#[test]
fn keys_of_every_kind_and_form_authenticate_to_nginx_in_both_versions() {
    let cloud = Cloud::new();
    let kinds = [
        ("rsa2048-pkcs1", "genrsa -traditional 2048"),
        ("rsa2048-pkcs8", "genrsa 2048"),
        ("rsa3072-pkcs8", "genrsa 3072"),
        ("rsa4096-pkcs1", "genrsa -traditional 4096"),
        ("p256-sec1", "ecparam -name prime256v1 -genkey -noout"),
        ("p256-params", "ecparam -name prime256v1 -genkey"),
        (
            "p256-pkcs8",
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
        ),
        ("p384-sec1", "ecparam -name secp384r1 -genkey -noout"),
        (
            "p384-pkcs8",
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384",
        ),
        ("ed25519-pkcs8", "genpkey -algorithm ED25519"),
    ];
    sh(
        cloud.dir.path(),
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout devices.key -out clients.crt \
             -days 3 -subj /CN=devices 2> log",
    );
    for (name, make) in kinds {
        let form = sh(
            cloud.dir.path(),
            &format!(
                "openssl {make} > {name}.key 2> log
                 openssl req -new -key {name}.key -subj /O=Acme/CN={name} -out csr.pem
                 printf 'extendedKeyUsage=clientAuth' > ext.cnf
                 openssl x509 -req -in csr.pem -CA clients.crt -CAkey devices.key -days 3 \
                     -CAcreateserial -extfile ext.cnf -out {name}.crt 2> log
                 grep -h -- '-BEGIN.*KEY' {name}.key"
            ),
        );
        let pkcs8 = form.contains("BEGIN PRIVATE KEY");
        assert_eq!(pkcs8, name.ends_with("pkcs8"), "openssl made {form}");
    }
    let _nginx = cloud.start("ssl_protocols TLSv1.2 TLSv1.3;");
    for tls in ["1.2", "1.3"] {
        let mut egret = builder(&cloud);
        for (name, _) in kinds {
            let file = cloud.path(name);
            egret = egret
                .identity(&format!("{name},cert={file}.crt,key={file}.key,tls={tls}"))
                .route(&cloud.to(name));
        }
        let egret = egret.start();
        for (n, (name, _)) in kinds.into_iter().enumerate() {
            let answer = get(egret.addr(n));
            assert_eq!(answer.status, 200, "{name} {tls}: {}", answer.text());
            assert_eq!(answer.echo("verified"), "SUCCESS", "{name} {tls}");
            assert_eq!(answer.echo("subject"), format!("CN={name},O=Acme"));
            assert_eq!(answer.echo("protocol"), format!("TLSv{tls}"));
        }
    }
}

#[test]
fn files_with_key_and_chain_in_one_crlf_and_text_around_authenticate() {
    let cloud = Cloud::new();
    let leaf = cloud.clients.client("client");
    let text = sh_text(&cloud, &leaf.cert_pem);
    let crlf = |pem: &str| pem.replace('\n', "\r\n");
    let files = [
        ("chain-first", format!("{}{}", leaf.cert_pem, leaf.key_pem)),
        ("key-first", format!("{}{}", leaf.key_pem, leaf.cert_pem)),
        ("crlf", crlf(&leaf.cert_pem) + &crlf(&leaf.key_pem)),
        ("text", format!("{text}{}", leaf.key_pem)),
    ];
    let _nginx = cloud.start("");
    let mut egret = builder(&cloud);
    for (name, contents) in &files {
        let path = cloud.dir.write(&format!("{name}.pem"), contents);
        egret = egret
            .identity(&format!("{name},cert={}", path.display()))
            .route(&cloud.to(name));
    }
    let egret = egret.start();
    for (n, (name, _)) in files.iter().enumerate() {
        assert_eq!(get(egret.addr(n)).echo("subject"), "CN=client", "{name}");
    }
}

/// The certificate as `openssl x509 -text` writes it: a page for people, then the PEM.
fn sh_text(cloud: &Cloud, pem: &str) -> String {
    cloud.dir.write("plain.crt", pem);
    let text = sh(cloud.dir.path(), "openssl x509 -in plain.crt -text");
    assert!(text.starts_with("Certificate:"), "{text}");
    text
}

#[test]
fn chains_with_intermediates_verify_on_both_sides() {
    let cloud = Cloud::new();
    let devices = cloud.clients.intermediate("plant").intermediate("line 7");
    let servers = cloud.servers.intermediate("region");
    let spec = Spec::server(&["localhost"]).key(KeyKind::P384);
    cloud.write("server", &servers.issue(&spec));
    let identity = cloud.dir.identity("client", &devices.client("client"));
    let _nginx = cloud.start("ssl_verify_depth 3;");
    let egret = builder(&cloud)
        .identity(&identity)
        .route(&cloud.to("client"))
        .start();
    let answer = get(egret.addr(0));
    assert_eq!(answer.echo("verified"), "SUCCESS");
    assert_eq!(answer.echo("subject"), "CN=client");
}

#[test]
fn servers_with_keys_of_every_kind_are_verified_in_both_versions() {
    let kinds = [
        "genrsa 2048",
        "genrsa 4096",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384",
        "genpkey -algorithm ED25519",
    ];
    for make in kinds {
        let cloud = Cloud::new();
        sh(
            cloud.dir.path(),
            &format!(
                "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out servers.crt \
                     -days 3 -subj /CN=servers 2> log
                 openssl {make} > server.key 2> log
                 openssl req -new -key server.key -out csr.pem -subj /CN=server
                 printf 'subjectAltName=DNS:localhost' > ext.cnf
                 openssl x509 -req -in csr.pem -CA servers.crt -CAkey ca.key -CAcreateserial \
                     -days 3 -extfile ext.cnf -out server.crt 2> log"
            ),
        );
        let _nginx = cloud.start("ssl_protocols TLSv1.2 TLSv1.3;");
        let mut egret = builder(&cloud);
        for (name, tls) in [("old", "1.2"), ("new", "1.3")] {
            egret = egret
                .identity(&format!("{},tls={tls}", cloud.identity(name)))
                .route(&cloud.to(name));
        }
        let egret = egret.start();
        for (n, protocol) in ["TLSv1.2", "TLSv1.3"].into_iter().enumerate() {
            let answer = get(egret.addr(n));
            assert_eq!(answer.status, 200, "{make}: {}", answer.text());
            assert_eq!(answer.echo("protocol"), protocol, "{make}");
        }
    }
}

/// A cloud that stores what is PUT under `/files/` and serves it again.
fn storage(cloud: &Cloud) -> Nginx {
    let folder = cloud.path("stored");
    cloud.start(&format!(
        "location /files/ {{
             alias {folder}/; dav_methods PUT; create_full_put_path on; client_max_body_size 0;
             gzip on; gzip_types *; gzip_comp_level 1;
         }}"
    ))
}

#[test]
fn ten_megabytes_go_up_and_come_down_unchanged_in_both_versions() {
    let cloud = Cloud::new();
    let _nginx = storage(&cloud);
    let file = cloud.dir.file("large");
    let content = write_large(&file, LARGE);
    let source = file.display().to_string();
    let identity = cloud.identity("client");
    for tls in ["1.2", "1.3"] {
        let egret = builder(&cloud)
            .identity(&format!("{identity},tls={tls}"))
            .route(&cloud.to("client"))
            .start();
        let chunked = ["-H", "Transfer-Encoding: chunked"];
        for (name, framing) in [("length", &[][..]), ("chunked", &chunked)] {
            let target = format!("/files/{tls}/{name}");
            let options = [&["-T", &source], framing].concat();
            let put = curl(egret.addr(0), &target, &options);
            assert_eq!(put.status, 201, "{}", put.text());
            let stored = cloud.dir.file("stored").join(tls).join(name);
            let stored = std::fs::read(stored).expect("a file");
            assert!(stored == content, "{target}: {} arrived", stored.len());
            // Compressed on the fly it has no length: nginx sends chunks.
            for options in [&[][..], &["--compressed"]] {
                let got = curl(egret.addr(0), &target, options);
                assert!(got.body == content, "{target}: {} came", got.body.len());
            }
        }
    }
}

#[test]
fn clients_of_http_1_0_are_served_with_length_and_without() {
    let cloud = Cloud::new();
    let _nginx = storage(&cloud);
    let egret = one(&cloud, &[]);
    let file = cloud.dir.file("large");
    let content = write_large(&file, LARGE / 10);
    let source = file.display().to_string();
    let put = curl(egret.addr(0), "/files/a", &["--http1.0", "-T", &source]);
    assert_eq!(put.status, 201, "{}", put.text());
    for options in [&["--http1.0"][..], &["--http1.0", "--compressed"]] {
        let got = curl(egret.addr(0), "/files/a", options);
        assert_eq!(got.status, 200);
        assert!(got.body == content, "{options:?}: {}", got.body.len());
    }
    let answer = curl(egret.addr(0), "/", &["--http1.0"]);
    assert_eq!(answer.echo("version"), "HTTP/1.1");
}

#[test]
fn uploads_with_expect_are_asked_for_by_nginx() {
    let cloud = Cloud::new();
    let _nginx = storage(&cloud);
    let egret = one(&cloud, &[]);
    let file = cloud.dir.file("large");
    let content = write_large(&file, LARGE / 10);
    let source = file.display().to_string();
    // Without the upstream's 100, curl would wait longer than the test may take.
    let options = [
        "-T",
        &source,
        "-H",
        "Expect: 100-continue",
        "--expect100-timeout",
        "60",
    ];
    assert_eq!(curl(egret.addr(0), "/files/a", &options).status, 201);
    let stored = std::fs::read(cloud.dir.file("stored").join("a")).expect("a file");
    assert!(stored == content, "{} bytes arrived", stored.len());
}

#[test]
fn methods_and_statuses_without_a_body_pass() {
    let cloud = Cloud::new();
    let nginx = cloud.start(
        "location /204 { return 204; }
         location /304 { add_header ETag x; return 304; }
         location /301 { return 301 /there; }",
    );
    let egret = one(&cloud, &[]);
    assert_eq!(curl(egret.addr(0), "/", &["-I"]).status, 200);
    assert_eq!(curl(egret.addr(0), "/204", &[]).status, 204);
    assert_eq!(curl(egret.addr(0), "/304", &[]).status, 304);
    assert_eq!(
        curl(egret.addr(0), "/", &["-X", "DELETE"]).echo("method"),
        "DELETE"
    );
    let odd = curl(egret.addr(0), "/a%2Fb/%7e?x=%20y&z", &["--path-as-is"]);
    assert_eq!(odd.echo("uri"), "/a%2Fb/%7e?x=%20y&z");
    let moved = curl(egret.addr(0), "/301", &["-L"]);
    assert_eq!(moved.echo("uri"), "/there", "Location was {}", moved.text());
    let log = nginx.access_log(7);
    let connection = |line: &String| seen(line)[2].to_owned();
    let first = connection(&log[0]);
    assert!(log.iter().all(|line| connection(line) == first), "{log:#?}");
    // nginx may answer this before its body arrives: the connection is not the point.
    let posted = curl(egret.addr(0), "/", &["-d", "a=b"]);
    assert_eq!(posted.echo("method"), "POST");
}
