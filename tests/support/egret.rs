//! The real binary, as a child process.

use std::ffi::OsString;
use std::fmt::Write;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use command_fds::{CommandFdExt, FdMapping};

use super::snapshot::Snapshot;
use super::{PATIENCE, wait_until};

/// How egret is to be started.
#[derive(Debug, Clone)]
pub struct Builder {
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(String, String)>,
    /// Sockets of a service manager, and what it calls them.
    passed: Vec<(String, Arc<OwnedFd>)>,
    /// The values of `--route` and `--forward`, in the order given.
    listens: Vec<String>,
    other_listens: usize,
}

impl Builder {
    /// `--identity VALUE`.
    pub fn identity(self, value: &str) -> Self {
        self.option("--identity", value)
    }

    /// `--ca FILE`.
    pub fn ca(self, file: &str) -> Self {
        self.option("--ca", file)
    }

    /// `--route` on a loopback address that no other route of this process has, and a free port:
    /// `rest` is what follows LISTEN, as `to=https://localhost:1,identity=none`.
    pub fn route(self, rest: &str) -> Self {
        let listen = format!("127.0.0.{}:0", self.listens.len() + 1);
        self.route_at(&listen, rest)
    }

    /// `--route LISTEN,rest`.
    pub fn route_at(self, listen: &str, rest: &str) -> Self {
        self.listening("--route", &format!("{listen},{rest}"))
    }

    /// `--forward LISTEN,rest`.
    pub fn forward_at(self, listen: &str, rest: &str) -> Self {
        self.listening("--forward", &format!("{listen},{rest}"))
    }

    fn listening(mut self, option: &str, value: &str) -> Self {
        self.listens.push(value.to_owned());
        self.option(option, value)
    }

    /// `--admin LISTEN`; its address is [`Egret::admin`].
    pub fn admin_at(mut self, listen: &str) -> Self {
        self.other_listens += 1;
        self.option("--admin", listen)
    }

    /// An option and its value.
    pub fn option(self, option: &str, value: &str) -> Self {
        self.arg(option).arg(value)
    }

    /// One word more.
    pub fn arg(mut self, word: &str) -> Self {
        self.args.push(word.into());
        self
    }

    /// Runs it from a shell: `script` ends with `exec "$0" "$@"`, which becomes egret.
    pub fn through_shell(mut self, script: &str) -> Self {
        let program = std::mem::replace(&mut self.program, PathBuf::from("sh"));
        let words = [OsString::from("-c"), script.into(), program.into()];
        self.args.splice(0..0, words);
        self
    }

    /// A variable of its environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Passes it a socket as a service manager does (sd_listen_fds(3)).
    pub fn passing(mut self, name: &str, socket: impl Into<OwnedFd>) -> Self {
        let socket = Arc::new(socket.into());
        self.passed.push((name.to_owned(), socket));
        self
    }

    /// Starts it and waits until every route listens; panics with the log when it does not.
    pub fn start(self) -> Egret {
        let listens = self.listens.clone();
        let admin = self.other_listens > 0;
        let egret = self.spawn();
        let ready = egret.stderr.wait(|lines| {
            let all = listens.iter().all(|text| listening(lines, text).is_some());
            all && (!admin || admin_address(lines).is_some())
        });
        assert!(
            ready,
            "egret does not listen where it should:\n{}",
            egret.log()
        );
        egret
    }

    /// Starts it and waits for nothing.
    pub fn spawn(self) -> Egret {
        let mut child = self
            .command()
            .args(&self.args)
            .envs(self.env.clone())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("egret, which was built before");
        let stdout = Lines::collect(child.stdout.take());
        let stderr = Lines::collect(child.stderr.take());
        Egret {
            child,
            stdout,
            stderr,
            listens: self.listens,
        }
    }

    fn command(&self) -> Command {
        if self.passed.is_empty() {
            return Command::new(&self.program);
        }
        // LISTEN_PID is known when the process is there; a test may say another.
        let script = r#"export LISTEN_PID="${LISTEN_PID:-$$}"; exec "$0" "$@""#;
        let names: Vec<&str> = self.passed.iter().map(|(name, _)| name.as_str()).collect();
        let mut command = Command::new("sh");
        command
            .args(["-c", script])
            .arg(&self.program)
            .env("LISTEN_FDS", names.len().to_string())
            .env("LISTEN_FDNAMES", names.join(":"));
        let mapping = |(at, (_, socket)): (i32, &(String, Arc<OwnedFd>))| FdMapping {
            parent_fd: socket.try_clone().expect("a descriptor"),
            child_fd: at,
        };
        let mappings = (3..).zip(&self.passed).map(mapping).collect();
        command.fd_mappings(mappings).expect("no descriptor twice");
        command
    }

    /// Runs it to its end: `check`, `probe`, and starts that fail.
    pub fn run(self) -> Finished {
        let mut egret = self.spawn();
        let status = egret.wait_exit();
        Finished {
            status,
            stdout: egret.stdout.text(),
            stderr: egret.log(),
        }
    }
}

/// A process that ended.
#[derive(Debug)]
pub struct Finished {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    /// Its exit code; `None` when a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }
}

/// A running egret; killed when dropped.
#[derive(Debug)]
pub struct Egret {
    child: Child,
    stdout: Arc<Lines>,
    stderr: Arc<Lines>,
    listens: Vec<String>,
}

impl Egret {
    /// For a test, `program` is `env!("CARGO_BIN_EXE_egret")`.
    pub fn builder(program: impl AsRef<Path>) -> Builder {
        Builder {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            passed: Vec::new(),
            listens: Vec::new(),
            other_listens: 0,
        }
    }

    /// Where the n-th `--route` or `--forward` listens, from 0; panics when it does not.
    pub fn addr(&self, n: usize) -> SocketAddr {
        let text = &self.listens[n];
        let address = listening(&self.stderr.lines(), text);
        let address = address.unwrap_or_else(|| panic!("nothing listens for {text}"));
        address
            .parse()
            .unwrap_or_else(|_| panic!("{address} is not a TCP address"))
    }

    /// Where `--admin` listens; panics when it does not.
    pub fn admin(&self) -> SocketAddr {
        let address = admin_address(&self.stderr.lines()).expect("an --admin that listens");
        address.parse().expect("a TCP address")
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote to stderr.
    pub fn log(&self) -> String {
        self.stderr.text()
    }

    /// The lines of its access log, which is stdout.
    pub fn access_log(&self) -> Vec<String> {
        self.stdout.lines()
    }

    /// Takes the lines that came since it was last taken; nobody else finds them any more.
    pub fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut self.stderr.lock().0)
    }

    /// [`Egret::take_log`] of the access log.
    pub fn take_access_log(&self) -> Vec<String> {
        std::mem::take(&mut self.stdout.lock().0)
    }

    /// Waits until the lines of the log are so; panics when they are not in time, or cannot be any
    /// more because the process ended.
    pub fn wait_log(&self, so: impl FnMut(&[String]) -> bool) {
        assert!(
            self.stderr.wait(so),
            "the log did not come to that:\n{}",
            self.log()
        );
    }

    /// [`Egret::wait_log`] for a line that has this text in it; gives the first such line.
    pub fn wait_line(&self, part: &str) -> String {
        let has = |lines: &[String]| lines.iter().find(|line| line.contains(part)).cloned();
        assert!(
            self.stderr.wait(|lines| has(lines).is_some()),
            "no line with {part:?} in the log:\n{}",
            self.log()
        );
        has(&self.stderr.lines()).unwrap_or_default()
    }

    /// [`Egret::wait_log`] for the access log.
    pub fn wait_access_log(&self, so: impl FnMut(&[String]) -> bool) {
        let text = || self.stdout.text();
        assert!(
            self.stdout.wait(so),
            "the access log did not come to that:\n{}",
            text()
        );
    }

    /// Sends a signal by its name, as `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.pid().to_string())
            .status();
        assert!(
            sent.is_ok_and(|status| status.success()),
            "kill -{name} failed"
        );
    }

    /// Waits for its end; panics when it does not come in time.
    pub fn wait_exit(&mut self) -> ExitStatus {
        let ended = self.stderr.wait_end() && self.stdout.wait_end();
        assert!(ended, "egret does not end:\n{}", self.log());
        self.child.wait().expect("a child's status")
    }

    /// Waits for its end as long as that takes.
    ///
    /// # Errors
    /// As the system says.
    pub fn wait_forever(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait()
    }

    /// Resident memory.
    pub fn rss_kib(&self) -> u64 {
        self.status_field("VmRSS:")
    }

    /// The most that was ever resident.
    pub fn peak_rss_kib(&self) -> u64 {
        self.status_field("VmHWM:")
    }

    /// Threads.
    pub fn threads(&self) -> u64 {
        self.status_field("Threads:")
    }

    /// Open file descriptors. Only root may look into a process that keeps its memory private: for
    /// anybody else egret counts them itself.
    pub fn descriptors(&self) -> usize {
        // What egret itself looks at there is open for a moment only.
        let lasts = |entry: &fs::DirEntry| {
            fs::read_link(entry.path()).is_ok_and(|target| !target.starts_with("/proc"))
        };
        match fs::read_dir(format!("/proc/{}/fd", self.pid())) {
            Ok(found) => found.flatten().filter(lasts).count(),
            Err(_) => self.descriptors_as_told(),
        }
    }

    /// Open file descriptors, as a snapshot says.
    pub fn descriptors_as_told(&self) -> usize {
        let told = Snapshot::of(self).value("process", "descriptors");
        told.parse().expect("a number")
    }

    /// Stops it (SIGSTOP), and waits until it stands still.
    pub fn pause(&self) {
        self.signal("STOP");
        let path = format!("/proc/{}/status", self.pid());
        wait_until("it stands still", || {
            fs::read_to_string(&path).is_ok_and(|status| status.contains("State:\tT"))
        });
    }

    /// Lets it go on after [`Egret::pause`].
    pub fn resume(&self) {
        self.signal("CONT");
    }

    /// Processor time so far, in hundredths of a second (proc(5)).
    pub fn cpu_ticks(&self) -> u64 {
        let path = format!("/proc/{}/stat", self.pid());
        let stat = fs::read_to_string(path).expect("a living process");
        // The name, in parentheses, may hold spaces. utime and stime are the 14th and 15th.
        let (_, rest) = stat.rsplit_once(')').expect("a name");
        let fields = rest.split_whitespace().skip(11).take(2);
        fields.filter_map(|field| field.parse::<u64>().ok()).sum()
    }

    fn status_field(&self, name: &str) -> u64 {
        let path = format!("/proc/{}/status", self.pid());
        let status = fs::read_to_string(path).expect("a living process");
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        number.unwrap_or_else(|| panic!("no {name} in /proc"))
    }
}

impl Drop for Egret {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("---- the log of egret ----\n{}", self.log());
        }
    }
}

/// The address in a line `listening on ADDR (--route TEXT)`: of exactly this text, else of another
/// text with the same LISTEN.
fn listening(lines: &[String], text: &str) -> Option<String> {
    let address = |part: &str| {
        lines.iter().find_map(|line| {
            let (_, rest) = line.split_once("listening on ")?;
            let (address, option) = rest.split_once(" (")?;
            option.contains(part).then(|| address.to_owned())
        })
    };
    let listen = text.split(',').next().unwrap_or_default();
    address(&format!(" {text})")).or_else(|| address(&format!(" {listen},")))
}

fn admin_address(lines: &[String]) -> Option<String> {
    lines.iter().find_map(|line| {
        let (_, rest) = line.split_once("listening on ")?;
        let (address, option) = rest.split_once(" (")?;
        option.starts_with("--admin").then(|| address.to_owned())
    })
}

/// The lines of a pipe, gathered by a thread of their own.
#[derive(Debug, Default)]
struct Lines {
    state: Mutex<(Vec<String>, Ended)>,
    changed: Condvar,
}

type Ended = bool;

impl Lines {
    fn collect(pipe: Option<impl Read + Send + 'static>) -> Arc<Self> {
        let lines = Arc::new(Self::default());
        let gathered = Arc::clone(&lines);
        std::thread::spawn(move || {
            let mut pipe = BufReader::new(pipe.expect("a pipe, as asked for"));
            let mut bytes = Vec::new();
            while pipe
                .read_until(b'\n', &mut bytes)
                .is_ok_and(|count| count > 0)
            {
                let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
                bytes.clear();
                gathered.change(|(lines, _)| lines.push(line));
            }
            gathered.change(|(_, ended)| *ended = true);
        });
        lines
    }

    fn change(&self, change: impl FnOnce(&mut (Vec<String>, Ended))) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, (Vec<String>, Ended)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lines(&self) -> Vec<String> {
        self.lock().0.clone()
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for line in self.lines() {
            // Writing to a String does not fail.
            let _ = writeln!(text, "{line}");
        }
        text
    }

    /// Whether the lines came to be so, before the pipe's end and the deadline.
    fn wait(&self, mut so: impl FnMut(&[String]) -> bool) -> bool {
        self.wait_for(|(lines, ended)| so(lines).then_some(true).or(ended.then_some(false)))
    }

    /// Whether the pipe ended before the deadline.
    fn wait_end(&self) -> bool {
        self.wait_for(|(_, ended)| ended.then_some(true))
    }

    fn wait_for(&self, mut answer: impl FnMut(&(Vec<String>, Ended)) -> Option<bool>) -> bool {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.lock();
        loop {
            if let Some(answer) = answer(&state) {
                return answer;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
