//! openssl: keys and certificates that rcgen does not make, and `s_server`.

use std::path::Path;
use std::process::Command;

use super::cloud::Cloud;
use crate::support::egret::Egret;

/// Runs a shell script in that folder; panics when it fails.
pub fn sh(dir: &Path, script: &str) -> String {
    let output = Command::new("sh")
        .args(["-ec", script])
        .current_dir(dir)
        .output()
        .expect("sh");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// `openssl s_server` with the certificate of that cloud, one connection at a time; killed when
/// dropped.
pub struct Server {
    process: Egret,
    port: u16,
}

impl Server {
    /// Starts it with these options more, and waits until it listens.
    pub fn start(cloud: &Cloud, options: &str) -> Self {
        let mut builder = Egret::builder("openssl")
            .arg("s_server")
            .arg("-www")
            .option("-accept", "127.0.0.1:0")
            .option("-cert", &cloud.path("server.crt"))
            .option("-key", &cloud.path("server.key"))
            .option("-CAfile", &cloud.path("clients.crt"));
        for word in options.split_whitespace() {
            builder = builder.arg(word);
        }
        let process = builder.spawn();
        process.wait_access_log(|lines| accept(lines).is_some());
        let port = accept(&process.access_log()).expect("it was there");
        Self { process, port }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }
}

fn accept(lines: &[String]) -> Option<u16> {
    let address = |line: &String| line.strip_prefix("ACCEPT 127.0.0.1:")?.parse().ok();
    lines.iter().find_map(address)
}
