//! From start to stop: files are read, sockets bound, signals heeded.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::timeout;

use super::keeper::Keeper;
use super::notify::Manager;
use super::pidfile::{PidFile, PidFileError};
use super::signals::{Asked, Signals};
use super::{BAD_FILES, BAD_OPTIONS, FAILED, trim};
use crate::admin::Admin;
use crate::config::{Config, IdentityId};
use crate::identity::clock::{Clock, SystemClock};
use crate::identity::{DefaultRoots, Identity, KeyLogError, KeyLogFile};
use crate::limits;
use crate::log::Syslog;
use crate::proxy::target::BadAuthority;
use crate::server::{BindError, Listener, Pulse};
use crate::task;

/// Why the program could not run.
#[derive(Debug)]
pub(super) enum StartError {
    Bind(String, BindError),
    Route(String, BadAuthority),
    PidFile(PidFileError),
    KeyLog(PathBuf, KeyLogError),
    /// No identity of any route can work: their files are there and bad.
    NoIdentity,
    System(io::Error),
}

impl StartError {
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Bind(..) | Self::PidFile(_) | Self::KeyLog(..) | Self::System(_) => FAILED,
            Self::Route(..) => BAD_OPTIONS,
            Self::NoIdentity => BAD_FILES,
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Quoted, as the errors of the options are.
            Self::Bind(option, error) => write!(f, "{option}: {error}"),
            Self::Route(route, error) => write!(f, "--route {route:?}: {error}"),
            Self::PidFile(error) => error.fmt(f),
            Self::KeyLog(path, error) => write!(f, "--keylog {path:?}: {error}"),
            Self::NoIdentity => f.write_str(
                "no identity of any route has files that load; mend them and start again",
            ),
            Self::System(error) => write!(f, "the system refused: {error}"),
        }
    }
}

impl From<PidFileError> for StartError {
    fn from(error: PidFileError) -> Self {
        Self::PidFile(error)
    }
}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// One thread does everything but look names up.
pub(super) fn runtime() -> io::Result<LocalRuntime> {
    Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build_local(LocalOptions::default())
}

pub(super) fn until_stopped(config: Config, syslog: Option<Arc<Syslog>>) -> Result<(), StartError> {
    raise_descriptor_limit(&config);
    runtime()?.block_on(async {
        let signals = Signals::new()?;
        let app = App::start(config, syslog)?;
        let pid_file = app.config.pidfile.as_deref();
        let _pid_file = pid_file.map(PidFile::write).transpose()?;
        app.run(signals).await;
        Ok(())
    })
}

/// A running egret.
pub(super) struct App {
    pub(super) identities: Vec<Rc<Identity>>,
    pub(super) listeners: Vec<Rc<Listener>>,
    pub(super) accepting: Vec<JoinHandle<()>>,
    /// One for each of those.
    pub(super) pulses: Vec<Rc<Pulse>>,
    manager: Rc<Manager>,
    /// `--admin`.
    pub(super) admin: Option<Rc<Admin>>,
    /// Unix sockets that were made here.
    pub(super) sockets: Vec<SocketFile>,
    keeper: Rc<Keeper>,
    pub(super) syslog: Option<Arc<Syslog>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) config: Config,
}

/// A unix socket's file, which goes when we do.
pub(super) struct SocketFile(pub(super) PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Somebody may have removed it before us.
        let _gone = std::fs::remove_file(&self.0);
    }
}

impl App {
    fn start(config: Config, syslog: Option<Arc<Syslog>>) -> Result<Self, StartError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let key_log = config.keylog.as_deref().map(open_key_log).transpose()?;
        let identities: Vec<_> = config
            .identities
            .iter()
            .map(|identity| Identity::with_key_log(identity.clone(), key_log.clone()))
            .collect();
        let used = config.identities().zip(&identities);
        let used = used.filter(|((id, _), _)| config.is_used(*id));
        let keeper = Keeper::new(
            used.map(|(_, identity)| Rc::clone(identity)).collect(),
            DefaultRoots::new(config.ca.clone()),
            Arc::clone(&clock),
            config.reload_interval,
        );
        let mut app = Self {
            identities,
            listeners: Vec::new(),
            accepting: Vec::new(),
            pulses: Vec::new(),
            manager: Rc::new(Manager::from_environment()),
            admin: None,
            sockets: Vec::new(),
            keeper: Rc::new(keeper),
            syslog,
            clock,
            config,
        };
        app.warn_of_unused();
        app.keeper.load_all()?;
        app.listen()?;
        Ok(app)
    }

    fn warn_of_unused(&self) {
        for (id, identity) in self.config.identities() {
            if !self.config.is_used(id) && !identity.is_none() {
                ::log::warn!("identity {:?} is used by no route", identity.name);
            }
        }
    }

    /// The identities that a route uses.
    pub(super) fn used(&self) -> impl Iterator<Item = &Rc<Identity>> {
        let config = &self.config;
        let used = move |(id, _): &(IdentityId, &Rc<Identity>)| config.is_used(*id);
        (0u8..)
            .map(IdentityId)
            .zip(&self.identities)
            .filter(used)
            .map(|(_, identity)| identity)
    }

    async fn run(mut self, mut signals: Signals) {
        self.manager.ready(self.keeper.status());
        self.manager.feed_watchdog(std::mem::take(&mut self.pulses));
        let keeping = task::spawn(Rc::clone(&self.keeper).keep(Rc::clone(&self.manager)));
        // What was started has had its first turn: that runs once, too.
        yield_now().await;
        trim::give_back();
        loop {
            match signals.next().await {
                Asked::Stop => break,
                Asked::Reload => self.keeper.ask(),
                Asked::Snapshot => self.log_snapshot(),
            }
        }
        // A reload would be out of place now.
        keeping.abort();
        self.stop_accepting();
        tokio::select! {
            () = self.drain() => {}
            () = self.second_stop(&mut signals) => {
                ::log::warn!("stopped at once, requests in flight were cut off");
            }
        }
        for listener in &self.listeners {
            listener.clients.cut_off();
        }
        for identity in self.used() {
            ::log::info!("identity {:?}: {}", identity.config.name, identity.counters);
        }
    }

    /// Heeds signals while requests in flight finish, until one says not to wait for them.
    async fn second_stop(&self, signals: &mut Signals) {
        loop {
            match signals.next().await {
                Asked::Stop => return,
                Asked::Reload => ::log::info!("SIGHUP is ignored: egret is stopping"),
                Asked::Snapshot => self.log_snapshot(),
            }
        }
    }

    /// New connections are refused.
    fn stop_accepting(&mut self) {
        self.manager.stopping(self.config.timeouts.drain);
        if let Some(admin) = &self.admin {
            admin.stop();
        }
        // While we drain the next egret may start, and make files of the same names.
        self.sockets.clear();
        for accepting in self.accepting.drain(..) {
            accepting.abort();
        }
    }

    /// Requests in flight finish.
    async fn drain(&self) {
        let open: usize = self.listeners.iter().map(|one| one.clients.len()).sum();
        ::log::info!("stopping: {open} client connections open");
        for identity in &self.identities {
            identity.stop_keeping();
        }
        for listener in &self.listeners {
            listener.clients.drain();
        }
        let left = async {
            for listener in &self.listeners {
                listener.clients.left().await;
            }
        };
        if timeout(self.config.timeouts.drain, left).await.is_err() {
            ::log::warn!("requests in flight were cut off after --drain-timeout");
        }
    }
}

/// Loud: who reads the file can read all that egret sends and gets.
pub(super) fn open_key_log(path: &Path) -> Result<Arc<KeyLogFile>, StartError> {
    let file =
        KeyLogFile::open(path).map_err(|error| StartError::KeyLog(path.to_owned(), error))?;
    ::log::warn!(
        "--keylog {path:?}: the secrets of all TLS connections are written there, and who reads it can read everything; for debugging only"
    );
    Ok(Arc::new(file))
}

/// Descriptors for all clients and upstream connections; less is said and lived with.
fn raise_descriptor_limit(config: &Config) {
    let limit = getrlimit(Resource::Nofile);
    // A refusal leaves the limit as it was, and that is judged below.
    let _kept = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    );
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let connections: usize = config.identities.iter().map(|one| one.connections).sum();
    let admin = config.admin.as_ref().map_or(0, |_| limits::ADMIN_CLIENTS);
    let wanted = (config.limits.clients + admin + connections + limits::SPARE_DESCRIPTORS) as u64;
    if allowed < wanted {
        ::log::warn!(
            "only {allowed} descriptors are allowed and {wanted} may be wanted; raise ulimit -n, or lower --max-clients"
        );
    }
}
