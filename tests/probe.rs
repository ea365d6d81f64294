//! What `egret probe` reports of servers that are well: every fact, for people and for programs.

mod probed;
mod support;

use std::fs::File;
use std::io::Read;

use probed::{as_x, assert_good, field, parsed, probe, report};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use support::certs::Spec;
use support::egret::Builder;
use support::json::Value;
use support::upstream::{ClientAuth, Reply, Resumption, Upstream, Versions, roots};
use support::world::World;

/// The value behind a label of the report, its lines joined.
fn row(report: &str, label: &str) -> String {
    let start = format!("  {label:<15}");
    let mut lines = report.lines().skip_while(|line| !line.starts_with(&start));
    let first = lines
        .next()
        .unwrap_or_else(|| panic!("no {label} in\n{report}"));
    let more = lines.take_while(|line| line.starts_with(&" ".repeat(17)));
    let all = more
        .map(str::trim)
        .fold(first[17..].to_owned(), |all, line| all + " " + line);
    all.trim().to_owned()
}

/// A text without the times in parentheses that it may end in.
fn untimed(text: &str) -> &str {
    let (rest, time) = text.rsplit_once(" (").expect("a time");
    let number = time.strip_suffix(" ms)").expect("milliseconds");
    assert!(number.parse::<f64>().is_ok(), "{text}");
    rest
}

#[test]
fn everything_that_happened_is_told() {
    let world = World::new();
    let upstream = world.upstream().alpn(&["http/1.1"]).start();
    let finished = as_x(&world, &format!("{}/p", upstream.url())).run();
    let told = &finished.stdout;
    assert_eq!((finished.code(), finished.stderr.as_str()), (Some(0), ""));
    let first = told.lines().next();
    assert_eq!(first, Some(format!("{}/p as x", upstream.url()).as_str()));
    assert!(row(told, "resolve").starts_with("localhost is "), "{told}");
    let dialled = format!("{} answers", upstream.addr());
    assert_eq!(untimed(&row(told, "dial")), dialled);
    assert_eq!(row(told, "SNI"), "localhost");
    assert_eq!(
        row(told, "ALPN"),
        "http/1.1 offered, the server chose http/1.1"
    );
    let seen = upstream.last().expect("a request");
    let handshake = format!("TLS 1.3, {}, X25519", seen.cipher);
    assert_eq!(untimed(&row(told, "handshake")), handshake);
    let server = row(told, "server");
    let names = "issued by CN=servers for DNS:localhost, IP:127.0.0.1, DNS:other.example valid 20";
    assert!(
        server.starts_with(&format!("CN=localhost {names}")),
        "{server}"
    );
    assert!(server.contains(", ends in 36"), "{server}");
    assert!(server.ends_with(" days, P-256"), "{server}");
    assert_eq!(
        row(told, "trusted"),
        format!("as localhost, by the roots in {}", world.ca)
    );
    assert_eq!(row(told, "asks for ours"), "yes, of CN=devices");
    let ours = row(told, "ours");
    assert!(
        ours.starts_with("CN=x issued by CN=devices, one of these valid 20"),
        "{ours}"
    );
    assert!(ours.ends_with("P-256 sent and accepted"), "{ours}");
    assert_eq!(untimed(&row(told, "request")), "GET /p is answered 200");
    assert_eq!(row(told, "connect again"), "resumes the session");
    assert_eq!(row(told, "good"), "nothing to change");
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("GET", "/p"));
    assert_eq!(
        seen.header("host"),
        Some(&upstream.url()["https://".len()..])
    );
    assert_eq!(seen.client_subject.as_deref(), Some("CN=x"));
}

#[test]
fn json_has_the_documented_shape() {
    let world = World::new();
    let upstream = world.upstream().alpn(&["http/1.1"]).start();
    let finished = as_x(&world, &upstream.url()).arg("--json").run();
    assert_eq!(finished.code(), Some(0));
    let json = parsed(&finished);
    let Some([report]) = json.get("probes").map(Value::elements) else {
        panic!("{json}")
    };
    let seen = upstream.last().expect("a request");
    let dialled = upstream.addr().to_string();
    for (path, value) in [
        ("url", upstream.url().as_str()),
        ("identity", "x"),
        ("good", "true"),
        ("dial.address", dialled.as_str()),
        ("tls.sni", "localhost"),
        ("tls.alpn_offered", "http/1.1"),
        ("tls.alpn", "http/1.1"),
        ("tls.version", "1.3"),
        ("tls.cipher", seen.cipher.as_str()),
        ("tls.group", "X25519"),
        ("server.verified_as", "localhost"),
        ("server.roots", world.ca.as_str()),
        ("server.trusted", "true"),
        ("certificate.asked", "true"),
        ("certificate.ours.subject", "CN=x"),
        ("certificate.ours.issuer", "CN=devices"),
        ("certificate.named", "true"),
        ("certificate.sent", "true"),
        ("certificate.accepted", "true"),
        ("request.path", "/"),
        ("request.status", "200"),
        ("again.connected", "true"),
        ("again.resumed", "true"),
    ] {
        assert_eq!(field(report, path).as_deref(), Some(value), "{path}");
    }
    for path in ["problem", "server.fault"] {
        assert_eq!(field(report, path), None, "{path}");
    }
    for path in ["resolve.ms", "dial.ms", "tls.ms", "request.ms"] {
        let ms = field(report, path).and_then(|text| text.parse::<f64>().ok());
        assert!(ms.is_some_and(|ms| ms >= 0.0), "{path}");
    }
    let list = |object: &str, name: &str| {
        let list = report.get(object).and_then(|object| object.get(name));
        list.expect(name).elements().to_vec()
    };
    assert!(!list("resolve", "addresses").is_empty());
    assert_eq!(
        list("certificate", "authorities"),
        [Value::Text("CN=devices".into())]
    );
    let chain = list("server", "chain");
    assert_eq!(chain.len(), 1);
    assert_eq!(field(&chain[0], "subject").as_deref(), Some("CN=localhost"));
    assert_eq!(field(&chain[0], "issuer").as_deref(), Some("CN=servers"));
    assert_eq!(chain[0].get("names").expect("names").elements().len(), 3);
    for date in ["not_before", "not_after"] {
        let date = field(&chain[0], date).expect("a date");
        assert!(date.starts_with("20") && date.ends_with('Z'), "{date}");
    }
}

#[test]
fn both_versions_of_tls_are_told_with_what_was_resumed() {
    let world = World::new();
    for (versions, version) in [(Versions::Only12, "1.2"), (Versions::Only13, "1.3")] {
        for (resumption, resumed) in [
            (Resumption::Tickets, "true"),
            (Resumption::SessionIds, "true"),
            (Resumption::None, "false"),
        ] {
            let builder = world.upstream().versions(versions).resumption(resumption);
            let upstream = builder.start();
            let report = assert_good(as_x(&world, &upstream.url()));
            assert_eq!(field(&report, "tls.version").as_deref(), Some(version));
            let told = field(&report, "again.resumed");
            assert_eq!(told.as_deref(), Some(resumed), "{version} {resumption:?}");
            upstream.wait_until(|state| state.connections() == 2);
            assert_eq!(
                upstream.seen().len(),
                1,
                "the second connection asks nothing"
            );
        }
    }
    let upstream = world.upstream().start();
    let probe = probe()
        .arg(&upstream.url())
        .ca(&world.ca)
        .identity("x,sessions=0")
        .run();
    let told = row(&probe.stdout, "connect again");
    assert_eq!(told, "a full handshake, sessions=0 keeps no session");
}

#[test]
fn the_second_connection_waits_for_the_answer() {
    let world = World::new();
    let upstream = world.upstream().start();
    upstream.answer(|seen| Reply::echo(seen).chunked(&[b"a", b"b"]));
    assert_good(as_x(&world, &upstream.url()));
    upstream.wait_until(|state| state.connections() == 2);
    assert_eq!(upstream.seen().len(), 1);
    assert_eq!(upstream.last().map(|seen| seen.connection), Some(1));
}

#[test]
fn an_identity_without_a_certificate_is_good_where_none_is_wanted() {
    let world = World::new();
    for auth in [
        ClientAuth::NotAsked,
        ClientAuth::Requested(roots(&[&world.devices])),
    ] {
        let asked = !matches!(auth, ClientAuth::NotAsked);
        let upstream = world.upstream().client_auth(auth).start();
        let report = assert_good(probe().arg(&upstream.url()).ca(&world.ca));
        assert_eq!(field(&report, "identity").as_deref(), Some("none"));
        let told = field(&report, "certificate.asked");
        assert_eq!(told, Some(asked.to_string()));
        assert_eq!(field(&report, "certificate.sent").as_deref(), Some("false"));
        assert_eq!(field(&report, "certificate.accepted"), None);
    }
}

#[test]
fn every_upstream_of_the_options_is_probed_as_each_of_its_identities() {
    let world = World::new();
    let (one, other) = (world.upstream().start(), world.upstream().start());
    let dir = &world.dir;
    let options = dir.write(
        "options",
        &format!(
            "--ca {}\n--identity {}\n\
             --route 0,to={},identity=x\n--route 127.0.0.2:0,to={},identity=none\n\
             --forward 127.0.0.3:0,to=localhost:{},identity=x\n\
             --forward 127.0.0.3:0,to=*,identity=none\n",
            world.ca,
            world.device("x"),
            one.url(),
            one.url(),
            other.port(),
        ),
    );
    let (code, reports) = report(probe().arg(&format!("@{}", options.display())));
    assert_eq!(code, Some(0));
    let told: Vec<_> = reports
        .iter()
        .map(|report| (field(report, "url"), field(report, "identity")))
        .collect();
    let as_told = |upstream: &Upstream, name: &str| (Some(upstream.url()), Some(name.to_owned()));
    assert_eq!(
        told,
        [
            as_told(&one, "x"),
            as_told(&one, "none"),
            as_told(&other, "x")
        ]
    );
    let subjects = |upstream: &Upstream| -> Vec<_> {
        let seen = upstream.seen().into_iter();
        seen.map(|seen| seen.client_subject).collect()
    };
    let x = || Some(String::from("CN=x"));
    assert_eq!(subjects(&one), [x(), None]);
    assert_eq!(subjects(&other), [x()]);
}

#[test]
fn one_bad_upstream_of_several_makes_the_exit_code() {
    let world = World::new();
    let upstream = world.upstream().start();
    upstream.answer(|seen| match seen.target.as_str() {
        "/bad" => Reply::status(403),
        _ => Reply::echo(seen),
    });
    let (code, reports) = report(
        probe()
            .ca(&world.ca)
            .route(&format!("to={}/bad,identity=none", upstream.url()))
            .route(&format!("to={},identity=none", upstream.url())),
    );
    let good: Vec<_> = reports.iter().map(|report| field(report, "good")).collect();
    let told = |good: &str| Some(good.to_owned());
    assert_eq!((code, good), (Some(1), vec![told("false"), told("true")]));
}

#[test]
fn sni_verified_name_and_host_are_those_of_the_route() {
    let world = World::new();
    let upstream = world.upstream().start();
    let route = format!(
        "to={},identity=x,sni=other.example,verify=localhost,host=name.example",
        upstream.url()
    );
    let x = world.device("x");
    let with_route = |probe: Builder| probe.ca(&world.ca).identity(&x).route(&route);
    for words in [vec![], vec![upstream.url()]] {
        let builder = words.iter().fold(probe(), |probe, word| probe.arg(word));
        let report = assert_good(with_route(builder));
        assert_eq!(field(&report, "tls.sni").as_deref(), Some("other.example"));
        let verified = field(&report, "server.verified_as");
        assert_eq!(verified.as_deref(), Some("localhost"));
        let seen = upstream.last().expect("a request");
        assert_eq!(seen.sni.as_deref(), Some("other.example"));
        assert_eq!(seen.header("host"), Some("name.example"));
    }
}

#[test]
fn an_upstream_by_address_gets_no_sni() {
    let world = World::new();
    let upstream = world.upstream().start();
    let finished = as_x(&world, &format!("https://{}", upstream.addr())).run();
    assert_eq!(finished.code(), Some(0), "{}", finished.stdout);
    let told = &finished.stdout;
    assert_eq!(row(told, "SNI"), "none, the upstream is an address");
    assert!(!told.contains("  resolve"), "{told}");
    assert_eq!(upstream.last().and_then(|seen| seen.sni), None);
}

#[test]
fn files_that_are_missing_or_bad_are_told_as_check_tells_them() {
    let world = World::new();
    let upstream = world.upstream().start();
    let bad = world.dir.write("bad.crt", "not a certificate");
    for identity in [
        "x,cert=/nowhere".to_owned(),
        format!("x,cert={}", bad.display()),
    ] {
        let finished = probe()
            .arg(&upstream.url())
            .ca(&world.ca)
            .identity(&identity)
            .run();
        assert_eq!(finished.code(), Some(3), "{}", finished.stderr);
        let start = format!("egret: --identity {identity:?}: ");
        assert!(finished.stderr.starts_with(&start), "{}", finished.stderr);
        assert_eq!(finished.stderr.lines().count(), 1);
        assert_eq!(finished.stdout, "");
    }
    // The roots of all are told once, as the option they are.
    let finished = probe()
        .arg(&format!("{},identity=none", upstream.url()))
        .ca("/nowhere")
        .run();
    assert_eq!(finished.code(), Some(3));
    let told = finished.stderr.as_str();
    assert!(told.starts_with("egret: --ca: /nowhere: "), "{told}");
    assert_eq!(upstream.state(|state| state.accepted), 0);
    // Whose files do not matter here are not looked at.
    let finished = probe()
        .arg(&format!("{},identity=none", upstream.url()))
        .ca(&world.ca)
        .identity("x,cert=/nowhere")
        .run();
    assert_eq!(finished.code(), Some(0), "{}", finished.stderr);
}

#[test]
fn options_that_are_wrong_are_told_and_nothing_is_probed() {
    let finished = probe().arg("http://a").run();
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(2), ""));
    assert_eq!(
        finished.stderr,
        "egret: probe \"http://a\": upstream must be https://\n"
    );
    assert_eq!(probe().run().code(), Some(2));
}

#[test]
fn the_secrets_of_a_probe_are_written_where_that_is_asked_for() {
    let world = World::new();
    let upstream = world.upstream().start();
    let file = world.dir.file("keys").display().to_string();
    let finished = as_x(&world, &upstream.url())
        .option("--keylog", &file)
        .run();
    assert_eq!(finished.code(), Some(0), "{}", finished.stderr);
    assert!(finished.stderr.contains("for debugging only"));
    let keys = std::fs::read_to_string(&file).expect("a file");
    // Of both connections.
    assert_eq!(
        keys.matches("CLIENT_TRAFFIC_SECRET_0 ").count(),
        2,
        "{keys}"
    );
    let refused = as_x(&world, &upstream.url()).option("--keylog", "/nowhere/keys");
    let refused = refused.run();
    assert_eq!((refused.code(), refused.stdout.as_str()), (Some(1), ""));
}

#[test]
fn the_report_fits_100_columns() {
    let world = World::new();
    let names: Vec<String> = (1..40)
        .map(|n| format!("h{}.example", "o".repeat(n)))
        .collect();
    let mut sans: Vec<&str> = names.iter().map(String::as_str).collect();
    sans.push("localhost");
    let leaf = world.servers.issue(&Spec::server(&sans));
    let upstream = Upstream::builder(&leaf).requests(&world.devices).start();
    let finished = as_x(&world, &upstream.url()).run();
    assert_eq!(finished.code(), Some(0), "{}", finished.stdout);
    assert!(finished.stdout.contains(&names[38]));
    for line in finished.stdout.lines() {
        assert!(line.chars().count() <= 100, "{line}");
        assert_eq!(line, line.trim_end());
    }
}

/// What a probe writes to a terminal.
fn on_a_terminal(probe: Builder) -> String {
    let mut terminal = File::from(openpt(OpenptFlags::RDWR).expect("a terminal"));
    grantpt(&terminal).expect("ours");
    unlockpt(&terminal).expect("unlocked");
    let name = ptsname(&terminal, Vec::new()).expect("its name");
    let name = name.into_string().expect("a path");
    let finished = probe
        .through_shell(&format!("exec \"$0\" \"$@\" > {name}"))
        .run();
    assert_eq!(finished.code(), Some(0), "{}", finished.stderr);
    let mut told = Vec::new();
    // A terminal that nobody has open any more fails when all was read.
    let _end = terminal.read_to_end(&mut told);
    String::from_utf8(told).expect("text")
}

#[test]
fn colour_is_for_terminals_that_did_not_refuse_it() {
    let world = World::new();
    let upstream = world.upstream().start();
    let good = "\u{1b}[32mnothing to change\u{1b}[0m";
    let on_terminal = |no_color| {
        let probe = as_x(&world, &upstream.url());
        on_a_terminal(probe.env("NO_COLOR", no_color))
    };
    let coloured = on_terminal("");
    assert!(coloured.contains(good), "{coloured}");
    let plain = on_terminal("1");
    assert!(plain.contains("nothing to change") && !plain.contains('\u{1b}'));
    let piped = as_x(&world, &upstream.url()).run();
    assert!(!piped.stdout.contains('\u{1b}'));
}

#[test]
fn a_reader_who_is_gone_fails_the_probe_and_nothing_panics() {
    let world = World::new();
    let upstream = world.upstream().start();
    let script = "exec \"$0\" \"$@\" >/dev/full";
    let ended = as_x(&world, &upstream.url()).through_shell(script).run();
    assert_eq!((ended.code(), ended.stderr.as_str()), (Some(1), ""));
}
