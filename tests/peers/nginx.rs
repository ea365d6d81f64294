//! A real nginx with one worker, as anybody would run it, in a folder of its own.

use std::process::Command;

use crate::support::certs::Dir;
use crate::support::egret::Egret;

/// What nginx logs when a worker begins.
const WORKER_STARTED: &str = ": start worker process ";
/// What nginx logs when the workers before a reload are gone.
const WORKER_ENDED: &str = " exited with code 0";

/// How nginx is run, beside what stands in its `http {}`.
#[derive(Debug, Clone)]
pub struct Run {
    /// Connections of its worker, to both sides.
    pub connections: u32,
    /// A shell script that ends with `exec "$0" "$@"`, which becomes nginx.
    pub through: Option<String>,
}

impl Default for Run {
    fn default() -> Self {
        Self {
            connections: 512,
            through: None,
        }
    }
}

/// A running nginx; stopped when dropped.
pub struct Nginx {
    // Any program can be followed like egret.
    process: Egret,
    dir: Dir,
    run: Run,
}

impl Nginx {
    /// Starts nginx with this inside its `http {}` and waits until it listens; panics with its
    /// log when it does not.
    pub fn start(http: &str) -> Self {
        Self::start_as(http, Run::default())
    }

    /// [`Nginx::start`], run in another way.
    pub fn start_as(http: &str, run: Run) -> Self {
        let dir = Dir::new();
        write_config(&dir, http, &run);
        Self {
            process: spawn(&dir, &run),
            dir,
            run,
        }
    }

    /// Puts this inside `http {}`, and waits until new workers listen and the old ones are gone.
    pub fn reload(&self, http: &str) {
        let log = self.process.log();
        let (started, ended) = (count(&log, WORKER_STARTED), count(&log, WORKER_ENDED));
        write_config(&self.dir, http, &self.run);
        self.process.signal("HUP");
        self.process.wait_log(|lines| {
            let log = lines.join("\n");
            count(&log, WORKER_STARTED) > started && count(&log, WORKER_ENDED) > ended
        });
    }

    /// Stops it as `systemctl stop` does, and waits for its end.
    pub fn stop(&mut self) {
        self.process.signal("TERM");
        self.process.wait_exit();
    }

    /// Starts it again after [`Nginx::stop`].
    pub fn start_again(&mut self) {
        self.process = spawn(&self.dir, &self.run);
    }

    /// The lines of `access_log /dev/stdout`, once there are so many.
    pub fn access_log(&self, lines: usize) -> Vec<String> {
        self.process.wait_access_log(|log| log.len() >= lines);
        self.process.access_log()
    }

    /// Takes the lines of `access_log /dev/stdout` that came since they were last taken, once there
    /// are so many.
    pub fn take_access_log(&self, lines: usize) -> Vec<String> {
        self.process.wait_access_log(|log| log.len() >= lines);
        self.process.take_access_log()
    }

    /// The lines of `access_log /dev/stdout`, once one has this text in it.
    pub fn access_log_with(&self, part: &str) -> Vec<String> {
        let has = |log: &[String]| log.iter().any(|line| line.contains(part));
        self.process.wait_access_log(has);
        self.process.access_log()
    }

    /// The lines of `access_log /dev/stdout` that are there now.
    pub fn access_log_now(&self) -> Vec<String> {
        self.process.access_log()
    }

    /// The process id of its master.
    pub fn master(&self) -> u32 {
        self.process.pid()
    }

    /// The process id of its worker; panics when there is none.
    pub fn worker(&self) -> u32 {
        let line = self.process.wait_line(WORKER_STARTED);
        let pid = line.rsplit(' ').next().and_then(|pid| pid.parse().ok());
        pid.expect("a number at the end of the line")
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Workers outlive a master that is killed: it is asked to end, unless it has already.
        let pid = self.process.pid().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).output();
        if asked.is_ok_and(|output| output.status.success()) {
            self.process.wait_exit();
        }
    }
}

fn count(text: &str, part: &str) -> usize {
    text.matches(part).count()
}

fn spawn(dir: &Dir, run: &Run) -> Egret {
    let path = |name: &str| dir.file(name).display().to_string();
    let mut builder = Egret::builder("nginx")
        .option("-p", &path(""))
        .option("-c", &path("nginx.conf"))
        .option("-e", "stderr")
        .option("-g", "daemon off;");
    if let Some(script) = &run.through {
        builder = builder.through_shell(script);
    }
    let process = builder.spawn();
    process.wait_line(WORKER_STARTED);
    process
}

fn write_config(dir: &Dir, http: &str, run: &Run) {
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {};", dir.file(name).display()))
        .concat();
    let user = id("-un");
    let group = id("-gn");
    dir.write(
        "nginx.conf",
        &format!(
            "user {user} {group};
             worker_processes 1;
             pid {pid};
             error_log stderr notice;
             events {{ worker_connections {connections}; }}
             http {{
                 {temporary}
                 access_log off;
                 {http}
             }}",
            pid = dir.file("nginx.pid").display(),
            connections = run.connections,
        ),
    );
}

/// Workers of a privileged nginx become somebody else unless told whom.
fn id(option: &str) -> String {
    let output = Command::new("id").arg(option).output().expect("id");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
