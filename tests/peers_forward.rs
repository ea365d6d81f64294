//! Programs that know nothing of egret use it as their HTTP proxy, as they would use any.
#![cfg(feature = "peers")]

mod support;

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::thread;

use support::certs::{Ca, Dir};
use support::egret::Egret;
use support::json::Value;
use support::upstream::{Reply, Seen, Sha256, Upstream, checksum};

/// A forward listener before an upstream that asks for certificates. `/redirect` there leads to
/// `/landed`, by its full name.
struct World {
    dir: Dir,
    ca: String,
    upstream: Upstream,
    egret: Egret,
}

impl World {
    fn new() -> Self {
        let (servers, clients) = (Ca::new("servers"), Ca::new("clients"));
        let dir = Dir::new();
        let ca = dir.ca("servers", &servers);
        let upstream = Upstream::builder(&servers.server(&["localhost", "127.0.0.1"]))
            .requests(&clients)
            .handler(|seen| match seen.target.as_str() {
                "/redirect" => {
                    let host = seen.header("host").unwrap_or_default();
                    Reply::status(302).header("Location", &format!("https://{host}/landed"))
                }
                _ => Reply::echo(seen),
            })
            .start();
        let egret = Egret::builder(env!("CARGO_BIN_EXE_egret"))
            .ca(&ca)
            .identity(&dir.identity("client", &clients.client("client")))
            .forward_at("127.0.0.1:0", "to=localhost:*,identity=client")
            .forward_at("127.0.0.1:0", "to=127.0.0.1:*,identity=client,tunnel=on")
            .start();
        Self {
            dir,
            ca,
            upstream,
            egret,
        }
    }

    fn proxy(&self) -> String {
        format!("http://{}", self.egret.addr(0))
    }

    fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.upstream.port())
    }

    /// The program, told of the proxy as programs are told.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for name in [
            "no_proxy",
            "NO_PROXY",
            "HTTPS_PROXY",
            "ALL_PROXY",
            "all_proxy",
        ] {
            command.env_remove(name);
        }
        command
            .current_dir(self.dir.path())
            .env("http_proxy", self.proxy())
            .env("https_proxy", self.proxy())
            .env("PROXY", self.proxy())
            .env("URL", self.url(""))
            .env("BODY", self.dir.path().join("body"));
        command
    }

    /// Runs it and gives what it wrote to stdout; panics when it fails.
    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.command(program).args(arguments).output();
        stdout(program, output.expect(program))
    }

    /// Runs it with a program text on stdin.
    fn script(&self, program: &str, arguments: &[&str], text: &str) -> String {
        let mut child = self
            .command(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect(program);
        let mut stdin = child.stdin.take().expect("a pipe");
        let text = text.to_owned();
        let writing = thread::spawn(move || stdin.write_all(text.as_bytes()));
        let output = child.wait_with_output().expect(program);
        writing
            .join()
            .expect("a thread")
            .expect("a script that is read");
        stdout(program, output)
    }

    /// A body of a MiB for uploads, in the file that BODY names; its checksum.
    fn body(&self) -> Sha256 {
        let bytes: Vec<u8> = (0..1024 * 1024_u64).map(|n| ((n * n) >> 9) as u8).collect();
        std::fs::write(self.dir.path().join("body"), &bytes).expect("a file");
        checksum(&bytes)
    }

    /// What the upstream saw at that path: once, over TLS, as the rule's identity.
    fn saw(&self, path: &str) -> Seen {
        let mut all = self.upstream.seen().into_iter();
        let seen = all.find(|seen| seen.target == path);
        let seen = seen.unwrap_or_else(|| panic!("no request for {path}"));
        assert!(all.all(|other| other.target != path), "{path} came twice");
        assert_eq!(seen.client_subject.as_deref(), Some("CN=client"), "{path}");
        assert_eq!(seen.sni.as_deref(), Some("localhost"), "{path}");
        let host = format!("localhost:{}", self.upstream.port());
        assert_eq!(seen.header("host"), Some(host.as_str()), "{path}");
        for field in ["proxy-connection", "proxy-authorization"] {
            assert_eq!(seen.header(field), None, "{path}");
        }
        seen
    }

    /// What a client does that reads `/get`, sends the body to `/post` and follows `/redirect`.
    fn assert_served(&self, printed: &str, body: Sha256) {
        assert_eq!(self.saw("/get?q=%2F&r=a;b").method, "GET");
        let posted = self.saw("/post");
        assert_eq!(
            (posted.method.as_str(), posted.body_checksum),
            ("POST", body)
        );
        self.saw("/redirect");
        self.saw("/landed");
        // The answers came through, one JSON after the other.
        let answers = printed.split_inclusive("\n}\n").map(Value::parse);
        let target = |answer: Option<Value>| answer?.get("target")?.text();
        let targets: Vec<_> = answers.map(target).map(Option::unwrap_or_default).collect();
        assert_eq!(
            targets,
            ["/get?q=%2F&r=a;b", "/post", "/landed"],
            "{printed}"
        );
    }
}

fn stdout(program: &str, output: Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let printed = text(&output.stdout);
    let errors = text(&output.stderr);
    assert!(output.status.success(), "{program}: {printed}{errors}");
    printed
}

#[test]
fn curl_gets_posts_and_follows_redirects() {
    let world = World::new();
    let body = world.body();
    let printed = [
        world.run("curl", &["-sSf", &world.url("/get?q=%2F&r=a;b")]),
        world.run(
            "curl",
            &["-sSf", "--data-binary", "@body", &world.url("/post")],
        ),
        world.run("curl", &["-sSfL", &world.url("/redirect")]),
    ];
    world.assert_served(&printed.concat(), body);
    let chunked = ["-sSf", "-T", "-", &world.url("/put")];
    let sent = world.script("curl", &chunked, "some of it");
    assert!(sent.contains("some of it"), "{sent}");
    assert_eq!(
        world.saw("/put").header("transfer-encoding"),
        Some("chunked")
    );
}

#[test]
fn curl_tunnels_where_it_may_and_is_told_why_where_not() {
    let world = World::new();
    let tunnelled = format!("https://127.0.0.1:{}/tunnel", world.upstream.port());
    world.run("curl", &["-sSf", "--cacert", &world.ca, &tunnelled]);
    let seen = world.upstream.last().expect("a request");
    assert_eq!(
        (seen.target.as_str(), seen.client_subject),
        ("/tunnel", None)
    );
    let refused = world.url("/").replace("http:", "https:");
    let output = world.command("curl").args(["-sSv", &refused]).output();
    let output = output.expect("curl");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("send the request as http://"), "{said}");
}

#[test]
fn wget_gets_posts_and_follows_redirects() {
    let world = World::new();
    let body = world.body();
    let printed = [
        world.run("wget", &["-qO-", &world.url("/get?q=%2F&r=a;b")]),
        world.run("wget", &["-qO-", "--post-file=body", &world.url("/post")]),
        world.run("wget", &["-qO-", &world.url("/redirect")]),
    ];
    world.assert_served(&printed.concat(), body);
}

#[test]
fn python_urllib_gets_posts_and_follows_redirects() {
    let world = World::new();
    let body = world.body();
    let printed = world.script(
        "python3",
        &["-"],
        "
import os, sys, urllib.request
url = os.environ['URL']
for target, data in [
    (url + '/get?q=%2F&r=a;b', None),
    (url + '/post', open(os.environ['BODY'], 'rb').read()),
    (url + '/redirect', None),
]:
    sys.stdout.write(urllib.request.urlopen(target, data).read().decode())
",
    );
    world.assert_served(&printed, body);
}

#[test]
fn python_requests_gets_posts_and_follows_redirects_on_one_connection() {
    let world = World::new();
    let body = world.body();
    let printed = world.script(
        "python3",
        &["-"],
        "
import os, sys, requests
url = os.environ['URL']
session = requests.Session()
for answer in [
    session.get(url + '/get?q=%2F&r=a;b'),
    session.post(url + '/post', data=open(os.environ['BODY'], 'rb')),
    session.get(url + '/redirect'),
]:
    answer.raise_for_status()
    sys.stdout.write(answer.text)
def pieces():
    yield b'some '
    yield b'of it'
answer = requests.put(url + '/put', data=pieces())
assert answer.json()['body'] == 'some of it', answer.text
",
    );
    world.assert_served(&printed, body);
    assert_eq!(
        world.saw("/put").header("transfer-encoding"),
        Some("chunked")
    );
}

#[test]
fn node_with_undici_gets_posts_and_follows_redirects() {
    let world = World::new();
    let body = world.body();
    // The last that runs on the Node of Debian 12.
    let install = ["install", "--no-audit", "--no-fund", "--silent", "undici@6"];
    // The registry is not reached through egret.
    let npm = Command::new("npm")
        .args(install)
        .current_dir(world.dir.path())
        .output();
    stdout("npm", npm.expect("npm"));
    let printed = world.script(
        "node",
        &["-"],
        "
const { ProxyAgent, fetch, request } = require('undici');
const { readFileSync } = require('fs');
const url = process.env.URL;
async function main() {
    // Without this undici sends CONNECT for http:// too.
    const dispatcher = new ProxyAgent({ uri: process.env.PROXY, proxyTunnel: false });
    for (const [path, options] of [
        ['/get?q=%2F&r=a;b', {}],
        ['/post', { method: 'POST', body: readFileSync(process.env.BODY) }],
        ['/redirect', {}],
    ]) {
        const answer = await fetch(url + path, { dispatcher, ...options });
        process.stdout.write(await answer.text());
    }
    const tunnels = new ProxyAgent(process.env.PROXY);
    const refused = await request(url, { dispatcher: tunnels }).catch(error => error);
    if (!/403/.test(refused.message)) throw refused;
}
main();
",
    );
    world.assert_served(&printed, body);
}

#[test]
fn go_gets_posts_and_follows_redirects_where_it_is_installed() {
    if Command::new("go").arg("version").output().is_err() {
        println!("go is not installed");
        return;
    }
    let world = World::new();
    let body = world.body();
    let program = r#"
package main

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
)

func main() {
	// http.ProxyFromEnvironment leaves localhost out.
	proxy, _ := url.Parse(os.Getenv("PROXY"))
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy)}}
	base := os.Getenv("URL")
	body, _ := os.Open(os.Getenv("BODY"))
	show(client.Get(base + "/get?q=%2F&r=a;b"))
	show(client.Post(base+"/post", "application/octet-stream", body))
	show(client.Get(base + "/redirect"))
	show(client.Post(base+"/chunked", "text/plain", io.MultiReader(strings.NewReader("x"))))
}

func show(answer *http.Response, err error) {
	if err != nil || answer.StatusCode != 200 {
		panic(err)
	}
	if answer.Request.URL.Path != "/chunked" {
		io.Copy(os.Stdout, answer.Body)
	}
}
"#;
    let file = world.dir.write("main.go", program).display().to_string();
    let cache = world.dir.path().join("cache");
    let built = Command::new("go")
        .args(["build", "-o", "client", &file])
        .current_dir(world.dir.path())
        .env("GOCACHE", cache)
        .output();
    stdout("go", built.expect("go"));
    let client = world.dir.path().join("client").display().to_string();
    let printed = world.run(&client, &[]);
    world.assert_served(&printed, body);
    assert_eq!(world.saw("/chunked").body, b"x");
}
