//! A real Chromium, driven by its own protocol (Chrome DevTools Protocol).

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tungstenite::{Message, WebSocket};

use crate::support::client::get;
use crate::support::json::Value;

/// A cold start of a browser on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser with one page; it ends when dropped.
pub struct Browser {
    child: Child,
    socket: WebSocket<TcpStream>,
    calls: u64,
    /// What it said of itself, since it was last asked.
    events: Vec<Value>,
}

/// How a page is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    pub width: u32,
    pub height: u32,
    pub dark: bool,
    pub script: bool,
}

impl Browser {
    /// Starts one whose files are in a folder of its own.
    pub fn start(profile: &Path) -> Self {
        let mut child = Command::new("chromium")
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--hide-scrollbars",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--remote-debugging-port=0",
            ])
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("chromium, which .ci/run installs");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let said = lines.find_map(|line| {
            let line = line.expect("text");
            Some(line.split_once("ws://")?.1.split('/').next()?.to_owned())
        });
        // A pipe that nobody reads any more would stop it.
        std::thread::spawn(move || lines.for_each(drop));
        let addr = said.expect("an address").parse().expect("an address");
        let mut browser = Self {
            child,
            socket: connect(addr),
            calls: 0,
            events: Vec::new(),
        };
        for domain in ["Page", "Runtime", "Log"] {
            browser.call(&format!("{domain}.enable"), "{}");
        }
        browser
    }

    /// Calls a method with parameters in JSON.
    pub fn call(&mut self, method: &str, params: &str) -> Value {
        self.calls += 1;
        let id = self.calls.to_string();
        let call = format!(r#"{{"id":{id},"method":"{method}","params":{params}}}"#);
        self.socket.send(Message::text(call)).expect("a browser");
        let answer = self.until(|said| said.get("id").and_then(Value::text) == Some(id.clone()));
        let result = answer.get("result").cloned();
        result.unwrap_or_else(|| panic!("{method}: {answer}"))
    }

    /// Waits for what is so; everything that comes before stays in `events`.
    fn until(&mut self, so: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.socket.read().expect("a browser that answers");
            let Message::Text(text) = message else {
                continue;
            };
            let said = Value::parse(&text).expect("JSON");
            if so(&said) {
                return said;
            }
            self.events.push(said);
        }
    }

    /// Shows a page this way, and waits until it is there.
    pub fn open(&mut self, url: &str, look: Look) {
        let Look { width, height, .. } = look;
        let mobile = width < 600;
        self.call(
            "Emulation.setDeviceMetricsOverride",
            &format!(
                r#"{{"width":{width},"height":{height},"deviceScaleFactor":1,"mobile":{mobile}}}"#
            ),
        );
        let scheme = if look.dark { "dark" } else { "light" };
        self.call(
            "Emulation.setEmulatedMedia",
            &format!(r#"{{"features":[{{"name":"prefers-color-scheme","value":"{scheme}"}}]}}"#),
        );
        self.call(
            "Emulation.setScriptExecutionDisabled",
            &format!(r#"{{"value":{}}}"#, !look.script),
        );
        self.call("Page.navigate", &format!(r#"{{"url":"{url}"}}"#));
        let loaded = |said: &Value| method(said).as_deref() == Some("Page.loadEventFired");
        if !self.events.iter().any(loaded) {
            self.until(loaded);
        }
        self.events.retain(|said| !loaded(said));
    }

    /// The value of an expression, as text.
    pub fn value(&mut self, expression: &str) -> String {
        let quoted = Value::Text(expression.to_owned());
        let result = self.call(
            "Runtime.evaluate",
            &format!(r#"{{"expression":{quoted},"returnByValue":true}}"#),
        );
        let value = result.get("result").and_then(|result| result.get("value"));
        value
            .and_then(Value::text)
            .unwrap_or_else(|| panic!("{expression}: {result}"))
    }

    /// Waits until an expression is true.
    pub fn wait_for(&mut self, expression: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.value(expression) != "true" {
            assert!(
                Instant::now() < deadline,
                "it did not come to that: {expression}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What it complained of since it was last asked: errors, exceptions, what a policy forbids.
    pub fn complaints(&mut self) -> Vec<String> {
        let complains = |said: &Value| {
            let complaints = [
                "Log.entryAdded",
                "Runtime.exceptionThrown",
                "Runtime.consoleAPICalled",
            ];
            method(said).is_some_and(|method| complaints.contains(&method.as_str()))
        };
        let events = std::mem::take(&mut self.events);
        events
            .iter()
            .filter(|said| complains(said))
            .map(Value::to_string)
            .collect()
    }

    /// The whole page as PNG, in base64.
    pub fn picture(&mut self) -> String {
        let shot = self.call(
            "Page.captureScreenshot",
            r#"{"captureBeyondViewport":true}"#,
        );
        shot.get("data").and_then(Value::text).expect("a picture")
    }
}

fn method(said: &Value) -> Option<String> {
    said.get("method")?.text()
}

fn connect(addr: SocketAddr) -> WebSocket<TcpStream> {
    let deadline = Instant::now() + PATIENCE;
    let url = loop {
        let pages = get(addr, "/json/list").json().expect("JSON");
        let page = pages
            .elements()
            .iter()
            .find(|one| one.get("type").and_then(Value::text).as_deref() == Some("page"));
        let url = page.and_then(|page| page.get("webSocketDebuggerUrl")?.text());
        if let Some(url) = url {
            break url;
        }
        assert!(Instant::now() < deadline, "no page: {pages}");
        std::thread::sleep(Duration::from_millis(20));
    };
    let stream = TcpStream::connect(addr).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    // The host of the URL is what we said it was.
    let path = url
        .trim_start_matches("ws://")
        .split_once('/')
        .expect("a path")
        .1;
    let url = format!("ws://{addr}/{path}");
    tungstenite::client(url.as_str(), stream)
        .expect("a handshake")
        .0
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
