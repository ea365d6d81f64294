//! What `egret probe` says is wrong on the way to a server, with what it speaks and with its answer:
//! exactly one thing, in words that end with what to change.

mod probed;
mod support;

use probed::{Problem, as_x, assert_good, assert_problem, field, probe, problem};
use support::black_hole::BlackHole;
use support::dns::{Dns, Mode};
use support::upstream::{OnAccept, Reply, Step, Upstream, Versions};
use support::world::World;

// ---- the way there ----

#[test]
fn a_name_that_dns_does_not_have() {
    let world = World::new();
    let problem = problem(as_x(&world, "https://nobody.invalid"));
    assert_eq!(problem.code, "name_not_found");
    // What DNS says depends on where the test runs.
    let start = "the name was not found: DNS ";
    assert!(problem.text.starts_with(start), "{}", problem.text);
    assert!(problem.text.contains("; check "), "{}", problem.text);
}

#[test]
fn a_name_server_that_says_nothing() {
    let world = World::new();
    let Some(dns) = Dns::start(Mode::Silent) else {
        return;
    };
    let probe = as_x(&world, "https://cloud.example").option("--connect-timeout", "300ms");
    assert_problem(
        dns.asked_by(probe),
        "dns_silent",
        "DNS did not answer in time; check the device's name servers in /etc/resolv.conf",
    );
}

#[test]
fn a_port_where_nothing_listens() {
    let world = World::new();
    let mut upstream = world.upstream().start();
    upstream.stop();
    let address = upstream.addr();
    let report = assert_problem(
        as_x(&world, &format!("https://{address}")),
        "refused",
        &format!(
            "{address} refuses connections: nothing listens there, or a firewall says no; start \
             the server, or correct host and port"
        ),
    );
    assert_eq!(field(&report, "dial.address"), None);
}

#[test]
fn an_address_that_nothing_leads_to() {
    let world = World::new();
    // TCP cannot go to a broadcast address; it fails before a packet is sent.
    assert_problem(
        as_x(&world, "https://255.255.255.255"),
        "unroutable",
        "no way to 255.255.255.255:443; check the network and its routes",
    );
}

#[test]
fn packets_that_vanish() {
    let world = World::new();
    let hole = BlackHole::new();
    let url = hole.url();
    let (_, port) = url.rsplit_once(':').expect("a port");
    assert_problem(
        as_x(&world, &url).option("--connect-timeout", "300ms"),
        "blackholed",
        &format!(
            "no TCP connection in time: packets vanish; let TCP port {port} through the firewall, \
             or correct host and port"
        ),
    );
}

/// An upstream that does this with each connection.
fn misbehaving(world: &World, what: OnAccept) -> Upstream {
    world.upstream().on_accept(move |_| what.clone()).start()
}

#[test]
fn plain_http_on_the_port() {
    let world = World::new();
    let http = OnAccept::Bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec());
    let upstream = misbehaving(&world, http);
    let report = assert_problem(
        as_x(&world, &upstream.url()),
        "plain_http",
        "the port speaks plain HTTP, not TLS; use the port on which the server speaks https, \
         mostly 443 or 8443",
    );
    let dialled = field(&report, "dial.address");
    assert_eq!(dialled, Some(upstream.addr().to_string()));
    assert_eq!(field(&report, "tls.ms"), None);
}

#[test]
fn something_else_on_the_port() {
    let world = World::new();
    let ssh = OnAccept::Bytes(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec());
    let upstream = misbehaving(&world, ssh);
    assert_problem(
        as_x(&world, &upstream.url()),
        "not_tls",
        "what listens there speaks neither TLS nor HTTP; correct the port",
    );
}

#[test]
fn a_server_that_closes_in_the_handshake() {
    let world = World::new();
    let upstream = misbehaving(&world, OnAccept::Close);
    assert_problem(
        as_x(&world, &upstream.url()),
        "closes_in_handshake",
        "the server closes the connection in the TLS handshake without a word; correct the port \
         if it speaks no TLS, else read the server's log for why",
    );
}

#[test]
fn a_server_that_stalls_in_the_handshake() {
    let world = World::new();
    let upstream = misbehaving(&world, OnAccept::Stall);
    assert_problem(
        as_x(&world, &upstream.url()).option("--connect-timeout", "300ms"),
        "stalls_in_handshake",
        "TCP connects and the TLS handshake does not finish in time; correct the port if it speaks \
         no TLS, else look for what drops large packets on the way (MTU), or raise \
         --connect-timeout",
    );
}

// ---- what both sides speak ----

#[test]
fn no_version_of_tls_in_common() {
    let world = World::new();
    for (versions, tls) in [(Versions::Only12, "1.3"), (Versions::Only13, "1.2")] {
        let upstream = world.upstream().versions(versions).start();
        let identity = format!("y,tls={tls}");
        assert_problem(
            probe()
                .arg(&upstream.url())
                .ca(&world.ca)
                .identity(&identity),
            "nothing_in_common",
            &format!(
                "no TLS version or cipher in common (TLS alert protocol_version; TLS {tls} was \
                 offered); take tls= off the identity, so that 1.2 and 1.3 are offered"
            ),
        );
        assert_good(as_x(&world, &upstream.url()));
    }
}

#[test]
fn an_alpn_protocol_that_the_server_does_not_take() {
    let world = World::new();
    let upstream = world.upstream().alpn(&["x-amzn-http-ca"]).start();
    assert_problem(
        as_x(&world, &upstream.url()),
        "alpn",
        "the server does not take the ALPN protocol \"http/1.1\" (TLS alert \
         no_application_protocol); set alpn= to the one that it wants, or to nothing to offer none",
    );
    let with = |alpn: &str| {
        let identity = format!("y,alpn={alpn}");
        probe()
            .arg(&upstream.url())
            .ca(&world.ca)
            .identity(&identity)
    };
    let report = assert_good(with("x-amzn-http-ca"));
    assert_eq!(
        field(&report, "tls.alpn").as_deref(),
        Some("x-amzn-http-ca")
    );
    let report = assert_good(with(""));
    assert_eq!(field(&report, "tls.alpn_offered"), None);
}

#[test]
fn a_server_that_takes_an_offer_of_http_2() {
    let world = World::new();
    let upstream = world.upstream().alpn(&["h2"]).start();
    assert_problem(
        probe()
            .arg(&upstream.url())
            .ca(&world.ca)
            .identity("y,alpn=h2"),
        "alpn",
        "the server does not take the ALPN protocol \"h2\" (it chose h2, which is not spoken here); \
         set alpn= to the one that it wants, or to nothing to offer none",
    );
}

// ---- its answer ----

/// What is wrong with a server that is well and answers with this script.
fn answering(steps: Vec<Step>) -> Problem {
    let world = World::new();
    let upstream = world.upstream().start();
    upstream.answer(move |_| Reply::script(steps.clone()));
    let probe = probe().arg(&upstream.url()).ca(&world.ca);
    problem(probe.option("--response-timeout", "300ms"))
}

#[test]
fn an_answer_that_does_not_come() {
    let problem = answering(vec![Step::Stall]);
    assert_eq!(problem.code, "no_answer");
    assert_eq!(
        problem.text,
        "the connection is good and the request got no answer in time; probe a path that answers, \
         or raise --response-timeout"
    );
    assert!(field(&problem.report, "tls.ms").is_some());
}

#[test]
fn an_answer_that_is_not_http() {
    let ftp = Step::Bytes(b"220 ftp.example ready\r\n\r\n".to_vec());
    let problem = answering(vec![ftp, Step::Close]);
    assert_eq!(problem.code, "not_http");
    let start = "what the server answered is not proper HTTP/1.1 (";
    assert!(problem.text.starts_with(start), "{}", problem.text);
    let end = "); correct the port, or have the server mended";
    assert!(problem.text.ends_with(end), "{}", problem.text);
}

#[test]
fn a_connection_that_ends_before_the_answer() {
    let world = World::new();
    let upstream = Upstream::builder(&world.servers.server(&["localhost"])).start();
    upstream.answer(|_| Reply::script(vec![Step::Close]));
    assert_problem(
        probe().arg(&upstream.url()).ca(&world.ca),
        "closed_before_answer",
        "the server closed the connection before it answered; read the server's log for why",
    );
}

#[test]
fn a_host_that_leads_to_another_virtual_host_than_sni() {
    let world = World::new();
    let upstream = world.upstream().handler(|_| Reply::status(421)).start();
    assert_problem(
        probe()
            .arg(&format!("{},host=b.example", upstream.url()))
            .ca(&world.ca),
        "misdirected",
        "SNI localhost selects another virtual host than Host b.example (it answered 421); make \
         sni= and host= the same name",
    );
}

#[test]
fn a_second_connection_that_fails() {
    let world = World::new();
    let once = |number| match number {
        1 => OnAccept::Serve,
        _ => OnAccept::Close,
    };
    let upstream = world.upstream().on_accept(once).start();
    assert_problem(
        as_x(&world, &upstream.url()),
        "second_connection_failed",
        "the first connection is good and the next one failed (TLS failed: the server closed the \
         connection in the handshake; check that the port speaks TLS); probe again, and if it stays so \
         set sessions=0",
    );
}
