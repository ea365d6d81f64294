//! curl as the client.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::support::PATIENCE;
use crate::support::json::Value;

/// What one curl brought back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Of the response, as `1.1`.
    pub version: String,
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A field of the echo; panics when the body is none.
    pub fn echo(&self, field: &str) -> String {
        let value = Value::parse(&self.text()).and_then(|json| json.get(field)?.text());
        value.unwrap_or_else(|| panic!("no {field} in {self:?}"))
    }
}

/// Runs curl with these options for that target; panics when it fails.
pub fn curl(addr: SocketAddr, target: &str, options: &[&str]) -> Answer {
    let mut command = Command::new("curl");
    command.args(["-sS", "-w", "%{stderr}%{http_code} %{http_version}"]);
    command
        .arg("--max-time")
        .arg(PATIENCE.as_secs().to_string());
    // The user's proxies and ~/.curlrc are none of the test's business.
    command.args(["--noproxy", "*"]).env("CURL_HOME", "/");
    let command = command.args(options).arg(format!("http://{addr}{target}"));
    let output = command.output().expect("curl");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "curl {options:?}: {told}");
    let (status, version) = told.split_once(' ').expect("what -w asked for");
    Answer {
        status: status.parse().expect("a status"),
        version: version.to_owned(),
        body: output.stdout,
    }
}

/// [`curl`] without options.
pub fn get(addr: SocketAddr) -> Answer {
    curl(addr, "/", &[])
}

/// A file of so many bytes that do not repeat soon, for uploads and downloads.
pub fn write_large(path: &Path, bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let content: Vec<u8> = std::iter::repeat_with(next).take(bytes).collect();
    std::fs::write(path, &content).expect("a file");
    content
}
