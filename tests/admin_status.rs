//! The status page and `/status.json`: the same of the same moment, whoever chose the names.

mod support;

use support::certs::Ca;
use support::client::{Client, get};
use support::egret::{Builder, Egret};
use support::json::Value;
use support::upstream::{Reply, Resumption, Upstream};
use support::wait_until;
use support::world::World;

const EGRET: &str = env!("CARGO_BIN_EXE_egret");

fn egret(world: &World) -> Builder {
    Egret::builder(EGRET).ca(&world.ca).admin_at("127.0.0.9:0")
}

fn status(egret: &Egret) -> Value {
    let answer = get(egret.admin(), "/status.json");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    answer.json().unwrap_or_else(|| panic!("{}", answer.text()))
}

fn page(egret: &Egret) -> String {
    let answer = get(egret.admin(), "/");
    assert_eq!(
        answer.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    answer.text()
}

/// The value at a path of names and numbers.
fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('/').fold(value, |value, step| {
        let found = match step.parse::<usize>() {
            Ok(index) => value.elements().get(index),
            Err(_) => value.get(step),
        };
        found.unwrap_or_else(|| panic!("no {path} in {value}"))
    })
}

fn text(value: &Value, path: &str) -> String {
    at(value, path)
        .text()
        .unwrap_or_else(|| panic!("{path} is no text"))
}

#[test]
fn it_tells_who_each_identity_is_and_how_full_its_tables_are() {
    let world = World::new();
    let upstream = world.upstream().start();
    let egret = egret(&world)
        .identity(&format!(
            "{},connections=3,sessions=5",
            world.device("meter")
        ))
        .identity("broken,cert=/no/such.crt")
        .route(&format!("to={},identity=meter", upstream.url()))
        .route("to=https://localhost:1,identity=broken")
        .start();
    assert_eq!(get(egret.addr(0), "/").status, 200);
    let told = status(&egret);
    assert_eq!(text(&told, "ready"), "false");
    assert!(text(&told, "faults/0").starts_with("identity \"broken\": not available: "));
    let meter = at(&told, "identities/0");
    for (path, expected) in [
        ("name", "meter"),
        ("available", "true"),
        ("epoch", "1"),
        ("certificate/subject", "CN=meter"),
        ("certificate/issuer", "CN=devices"),
        ("roots", "1"),
        ("requests", "1"),
        ("full_handshakes", "1"),
        ("tables/connections/max", "3"),
        ("tables/connections/idle", "1"),
        ("tables/sessions/used", "1"),
        ("tables/sessions/max", "5"),
    ] {
        assert_eq!(text(meter, path), expected, "{path}");
    }
    assert_eq!(at(meter, "fault"), &Value::Null);
    let broken = at(&told, "identities/1");
    assert_eq!(text(broken, "available"), "false");
    assert!(text(broken, "fault").starts_with("/no/such.crt: "));
    let page = page(&egret);
    for part in [
        "CN=meter",
        "ends in ",
        "1 of 3",
        "/no/such.crt: ",
        "not ready",
    ] {
        assert!(page.contains(part), "no {part} in {page}");
    }
}

#[test]
fn it_tells_what_the_last_handshake_of_a_route_came_to() {
    let world = World::new();
    let close = |seen: &support::upstream::Seen| Reply::echo(seen).close();
    let upstream = world
        .upstream()
        .alpn(&["http/1.1"])
        .resumption(Resumption::Tickets)
        .handler(close)
        .start();
    let egret = egret(&world)
        .identity(&world.device("x"))
        .route(&format!("to={},identity=x", upstream.url()))
        .start();
    let route = || at(&status(&egret), "routes/0").clone();
    assert_eq!(at(&route(), "last_handshake"), &Value::Null);
    let mut client = Client::connect(egret.addr(0));
    client.get("/").expect("an answer");
    let first = route();
    for (path, expected) in [
        ("last_handshake/sni", "localhost"),
        ("last_handshake/tls", "1.3"),
        ("last_handshake/alpn", "http/1.1"),
        ("last_handshake/resumed", "false"),
        ("last_handshake/our_certificate", "asked for and sent"),
        ("last_handshake/address", &upstream.addr().to_string()),
        ("answered/2xx", "1"),
        ("identity", "x"),
    ] {
        assert_eq!(text(&first, path), expected, "{path}");
    }
    assert!(text(&first, "last_handshake/cipher").starts_with("TLS13_"));
    client.get("/").expect("an answer");
    let second = route();
    assert_eq!(text(&second, "last_handshake/resumed"), "true");
    assert_eq!(at(&second, "last_failure"), &Value::Null);
    let page = page(&egret);
    for part in [
        "TLS 1.3, TLS13_",
        "ALPN http/1.1, resumed, ",
        "asked for and sent",
    ] {
        assert!(page.contains(part), "no {part} in {page}");
    }
}

#[test]
fn it_remembers_the_last_failures_and_no_more() {
    let world = World::new();
    let egret = egret(&world)
        .route("to=https://127.0.0.1:1,identity=none")
        .start();
    let mut client = Client::connect(egret.addr(0));
    for number in 0..40 {
        let long = "y".repeat(7000);
        let failed = client.get(&format!("/number-{number}/{long}?secret"));
        assert_eq!(failed.expect("an answer").status, 502);
    }
    // The client's own mistakes are no concern of these.
    assert_eq!(
        client.get("http://absolute/").expect("an answer").status,
        400
    );
    let told = status(&egret);
    let recent = at(&told, "recent_failures").elements();
    assert_eq!(recent.len(), 32);
    assert!(text(&recent[0], "text").contains(" GET /number-8/"));
    assert!(text(&recent[31], "text").contains(" GET /number-39/"));
    assert!(recent.iter().all(|one| text(one, "text").len() <= 512));
    let last = text(&told, "routes/0/last_failure/text");
    assert!(last.starts_with("127.0.0.1:1: "), "{last}");
    let page = page(&egret);
    let place = |number| page.find(&format!("/number-{number}/"));
    assert!(place(39) < place(8) && place(7).is_none(), "newest first");
    assert!(!page.contains("secret"));
}

#[test]
fn an_answer_that_is_cut_off_is_a_failure_of_its_route() {
    let world = World::new();
    let upstream = world
        .upstream()
        .handler(|_| Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx").close())
        .start();
    let egret = egret(&world)
        .route(&format!("to={},identity=none", upstream.url()))
        .start();
    let mut client = Client::connect(egret.addr(0));
    assert!(client.get("/half").is_err());
    let told = status(&egret);
    let recent = text(&told, "recent_failures/0/text");
    assert!(
        recent.contains(" GET /half: cut off in the middle of an answer: "),
        "{recent}"
    );
    egret.wait_line(&recent);
    let last = text(&told, "routes/0/last_failure/text");
    assert!(recent.contains(&last), "{last}");
}

#[test]
fn a_name_that_a_server_chose_is_text_on_the_page() {
    let world = World::new();
    let hostile = "<script>x</script>&'\"";
    let impostor = Upstream::builder(&Ca::new(hostile).server(&["localhost"])).start();
    let egret = egret(&world)
        .route(&format!("to={},identity=none", impostor.url()))
        .start();
    assert_eq!(get(egret.addr(0), "/").status, 502);
    let page = page(&egret);
    assert!(page.contains("&lt;script"), "{page}");
    assert_eq!(page.matches("<script").count(), 1, "its own");
    let told = status(&egret);
    assert!(text(&told, "routes/0/last_failure/text").contains("<script"));
}

#[test]
fn the_page_is_one_small_document() {
    let world = World::new();
    let egret = egret(&world)
        .route("to=https://localhost:1,identity=none")
        .start();
    let page = page(&egret);
    assert!(page.len() < 8 * 1024, "{} bytes", page.len());
    for part in [" src=", "@import", "url(", "style=", " on"] {
        let markup = page.split('<').filter_map(|tag| tag.split('>').next());
        assert!(!markup.clone().any(|tag| tag.contains(part)), "{part}");
    }
    assert!(page.contains("<noscript><meta http-equiv=refresh"));
}

#[test]
fn who_asked_is_among_the_clients_and_a_lookup_among_those_of_dns() {
    let world = World::new();
    let upstream = world.upstream().start();
    let egret = egret(&world)
        .route(&format!("to={},identity=none", upstream.url()))
        .start();
    assert_eq!(get(egret.addr(0), "/").status, 200);
    wait_until("the first client has left", || {
        text(&status(&egret), "listeners/0/clients") == "0"
    });
    let told = status(&egret);
    assert_eq!(text(&told, "listeners/1/listen"), "127.0.0.9:0");
    assert_eq!(text(&told, "listeners/1/max"), "4");
    assert_eq!(text(&told, "dns/lookups"), "1");
    assert_eq!(text(&told, "dns/names/used"), "1");
    assert_eq!(text(&told, "dns/names/max"), "64");
}
