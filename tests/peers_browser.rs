//! Real Chromium against a route: what a page of somebody else can do, and what our own can.
#![cfg(feature = "peers")]

mod support;

use std::io::{Read, Write, copy};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use support::egret::Egret;
use support::json::Value;
use support::upstream::{Reply, Seen, Upstream};
use support::world::World;

const EGRET: &str = env!("CARGO_BIN_EXE_egret");
/// A cold start of a browser on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Everything that a page can try at `BASE`; what came of it goes to `REPORT`.
const PAGE: &str = r#"<!doctype html><title>a page</title><body><script>
const base = "BASE", came = {};
const fetched = async (name, options) => {
    try {
        const answer = await fetch(base + "/" + name, options);
        came[name] = answer.type + " " + answer.status;
    } catch (error) { came[name] = "failed"; }
};
const loaded = (name, element, start) => new Promise(done => {
    element.onload = () => { came[name] = "loaded"; done(); };
    element.onerror = () => { came[name] = "failed"; done(); };
    start(element);
    document.body.append(element);
});
const asked = name => new Promise(done => {
    const request = new XMLHttpRequest();
    request.open("GET", base + "/" + name);
    try { request.setRequestHeader("User-Agent", "curl/8.5.0"); } catch (error) {}
    request.onload = () => { came[name] = "read " + request.status; done(); };
    request.onerror = () => { came[name] = "failed"; done(); };
    request.send();
});
const talked = name => new Promise(done => {
    const socket = new WebSocket(new URL(base + "/" + name, location).href.replace("http", "ws"));
    socket.onopen = () => { came[name] = "open"; done(); };
    socket.onerror = () => { came[name] = "failed"; done(); };
});
const sent = name => new Promise(done => {
    const frame = document.createElement("iframe"), form = document.createElement("form");
    frame.name = "answer";
    form.method = "POST"; form.action = base + "/" + name; form.target = "answer";
    document.body.append(form);
    document.body.append(frame);
    frame.onload = () => done();
    form.submit();
});
(async () => {
    await fetched("cors", {});
    await fetched("silent", { headers: { "User-Agent": "curl/8.5.0", "Accept-Language": "" }, referrerPolicy: "no-referrer" });
    await fetched("no-cors", { mode: "no-cors" });
    await fetched("post", { method: "POST", mode: "no-cors", body: "x" });
    await fetched("preflight", { method: "PUT", headers: { "X-Device": "1" } });
    await asked("xhr");
    await loaded("img", new Image(), image => image.src = base + "/img");
    await loaded("script", document.createElement("script"), script => script.src = base + "/script");
    await loaded("frame", document.createElement("iframe"), frame => frame.src = base + "/frame");
    await sent("form");
    await talked("socket");
    await fetch("REPORT", { method: "POST", mode: "no-cors", body: JSON.stringify(came) });
    location = base + "/navigation";
})();
</script>"#;

/// What [`PAGE`] asks for, beside a preflight's own request.
const ALL: [&str; 12] = [
    "cors",
    "silent",
    "no-cors",
    "post",
    "preflight",
    "xhr",
    "img",
    "script",
    "frame",
    "form",
    "socket",
    "navigation",
];

/// A web server of somebody else: hands out the page, and takes its report.
struct Elsewhere {
    port: u16,
    reports: Receiver<String>,
}

impl Elsewhere {
    /// What is neither the page nor the report goes to `rebound`: the server's name has moved
    /// there.
    fn start(base: &str, rebound: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let page = page(base, port);
        let (report, reports) = channel();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (page, report) = (page.clone(), report.clone());
                std::thread::spawn(move || serve(client, &page, &report, rebound));
            }
        });
        Self { port, reports }
    }

    fn url(&self, name: &str) -> String {
        format!("http://{name}:{}/page", self.port)
    }

    /// What the page says came of its requests.
    fn report(&self) -> Value {
        let report = self.reports.recv_timeout(PATIENCE).expect("a report");
        Value::parse(&report).expect("JSON")
    }
}

fn page(base: &str, report_port: u16) -> String {
    let report = format!("http://elsewhere.example:{report_port}/report");
    PAGE.replace("BASE", base).replace("REPORT", &report)
}

fn html(page: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{page}",
        page.len()
    )
}

/// One connection, for one request or, once rebound, for as many as may be.
fn serve(mut client: TcpStream, page: &str, report: &Sender<String>, rebound: SocketAddr) {
    let mut read = Vec::new();
    while !read.windows(4).any(|window| window == b"\r\n\r\n") {
        if !read_more(&mut client, &mut read) {
            return;
        }
    }
    if read.starts_with(b"GET /page ") {
        let _gone = client.write_all(html(page).as_bytes());
    } else if read.starts_with(b"POST /report ") {
        // The report is one JSON object without another in it.
        while !read.ends_with(b"}") && read_more(&mut client, &mut read) {}
        let _gone = client.write_all(html("").as_bytes());
        let text = String::from_utf8_lossy(&read);
        let body = text.split("\r\n\r\n").nth(1).unwrap_or_default();
        let _over = report.send(body.to_owned());
    } else {
        splice(client, &read, rebound);
    }
}

fn read_more(from: &mut TcpStream, into: &mut Vec<u8>) -> bool {
    let mut bytes = [0; 4096];
    let count = from.read(&mut bytes).unwrap_or(0);
    into.extend_from_slice(&bytes[..count]);
    count > 0
}

fn splice(client: TcpStream, first: &[u8], to: SocketAddr) {
    let mut far = TcpStream::connect(to).expect("a connection");
    far.write_all(first).expect("written");
    let (mut from_client, mut to_far) = (
        client.try_clone().expect("a socket"),
        far.try_clone().expect("a socket"),
    );
    std::thread::spawn(move || {
        let _broken = copy(&mut from_client, &mut to_far);
        let _gone = to_far.shutdown(Shutdown::Write);
    });
    let mut client = client;
    let _broken = copy(&mut far, &mut client);
    let _gone = client.shutdown(Shutdown::Both);
}

/// A browser that shows one page; it ends when dropped.
struct Browser(Child);

impl Browser {
    fn open(world: &World, url: &str) -> Self {
        let profile = world.dir.file("profile");
        let child = Command::new("chromium")
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable",
                "--host-resolver-rules=MAP *.example 127.0.0.1",
            ])
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromium, which .ci/run installs");
        Self(child)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An upstream that lets every page read it, and egret with a route to it.
fn site(world: &World, more: &str) -> (Upstream, Egret) {
    let upstream = world.upstream().handler(welcome).start();
    let egret = Egret::builder(EGRET)
        .ca(&world.ca)
        .identity(&world.device("device"))
        .option("--log", "debug")
        .route(&format!("to={},identity=device{more}", upstream.url()))
        .start();
    (upstream, egret)
}

fn welcome(seen: &Seen) -> Reply {
    Reply::json(200, seen)
        .header("Access-Control-Allow-Origin", "*")
        .header("Access-Control-Allow-Headers", "*")
        .header("Access-Control-Allow-Methods", "*")
}

fn came(report: &Value, name: &str) -> String {
    report.get(name).and_then(Value::text).unwrap_or_default()
}

/// What the upstream was asked for of [`ALL`], each once.
fn paths(upstream: &Upstream) -> Vec<String> {
    let mut paths: Vec<String> = upstream
        .seen()
        .iter()
        .map(|seen| seen.target.trim_start_matches('/').to_owned())
        .filter(|path| ALL.contains(&path.as_str()))
        .collect();
    paths.sort();
    paths.dedup();
    paths
}

fn all() -> Vec<String> {
    let mut all = ALL.map(String::from).to_vec();
    all.sort();
    all
}

/// Every request of the page came to egret and was refused there; nothing went on.
fn all_were_refused(egret: &Egret, upstream: &Upstream) {
    for name in ALL {
        egret.wait_log(|lines| {
            let refused = |line: &String| {
                line.contains(&format!(" /{name}: 403")) && line.contains("(web_page)")
            };
            lines.iter().any(refused)
        });
    }
    assert_eq!(paths(upstream), [""; 0]);
}

#[test]
fn a_page_of_another_origin_gets_no_answer_and_none_of_its_requests_through() {
    let world = World::new();
    let (upstream, egret) = site(&world, "");
    let base = format!("http://{}", egret.addr(0));
    let elsewhere = Elsewhere::start(&base, egret.addr(0));
    let _browser = Browser::open(&world, &elsewhere.url("evil.example"));
    let report = elsewhere.report();
    for name in ["cors", "silent", "preflight", "xhr", "socket"] {
        assert_eq!(came(&report, name), "failed", "{name}");
    }
    all_were_refused(&egret, &upstream);
}

#[test]
fn a_page_by_a_rebound_name_gets_no_answer_and_none_of_its_requests_through() {
    let world = World::new();
    let (upstream, egret) = site(&world, "");
    let elsewhere = Elsewhere::start("", egret.addr(0));
    let _browser = Browser::open(&world, &elsewhere.url("rebound.example"));
    let report = elsewhere.report();
    for name in ["cors", "silent", "post", "preflight"] {
        assert_eq!(came(&report, name), "basic 403", "{name}");
    }
    assert_eq!(came(&report, "xhr"), "read 403");
    all_were_refused(&egret, &upstream);
}

#[test]
fn origins_any_lets_the_same_pages_through() {
    let world = World::new();
    let (upstream, egret) = site(&world, ",origins=any");
    let base = format!("http://{}", egret.addr(0));
    let elsewhere = Elsewhere::start(&base, egret.addr(0));
    let browser = Browser::open(&world, &elsewhere.url("evil.example"));
    let report = elsewhere.report();
    for name in ["cors", "silent", "preflight"] {
        assert_eq!(came(&report, name), "cors 200", "{name}");
    }
    upstream.wait_until(|state| state.seen.iter().any(|seen| seen.target == "/navigation"));
    assert_eq!(paths(&upstream), all());
    drop(browser);
}

#[test]
fn a_page_that_the_route_itself_serves_works() {
    let world = World::new();
    let (upstream, egret) = site(&world, "");
    let elsewhere = Elsewhere::start("", egret.addr(0));
    let own = page("", elsewhere.port);
    upstream.answer(move |seen| match seen.target.as_str() {
        "/page" => Reply::status(200)
            .header("Content-Type", "text/html")
            .body(own.as_bytes()),
        _ => welcome(seen),
    });
    let url = format!("http://{}/page", egret.addr(0));
    let _browser = Browser::open(&world, &url);
    let report = elsewhere.report();
    for name in ["cors", "silent", "no-cors", "post", "preflight"] {
        assert_eq!(came(&report, name), "basic 200", "{name}");
    }
    assert_eq!(came(&report, "xhr"), "read 200");
    assert!(!egret.log().contains("(web_page)"), "{}", egret.log());
}
