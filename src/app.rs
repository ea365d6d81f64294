//! Wiring: options become identities, routes and listeners; signals stop and reload them.

use std::cell::RefCell;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::{Builder, LocalOptions};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{sleep, timeout};

use crate::check;
use crate::config::{self, Config, ForwardId, IdentityId, ListenerConfig, RouteId};
use crate::flags::{self, Parsed};
use crate::identity::clock::{Clock, SystemClock};
use crate::identity::{DefaultRoots, Epoch, Identity, LoadError, x509};
use crate::limits;
use crate::proxy::Proxy;
use crate::proxy::destination::Serves;
use crate::proxy::forward::{Rule, Rules};
use crate::proxy::headers::Pseudonym;
use crate::proxy::target::{BadAuthority, Route, Routes};
use crate::server::{self, At, BindError, Bound, Clients, Listener, Passed, Patience};
use crate::upstream::connect::Dialer;
use crate::upstream::resolver::{Resolver, System};

/// A clean stop.
pub const DONE: u8 = 0;
/// A failure at run time.
pub const FAILED: u8 = 1;
/// The options are wrong.
pub const BAD_OPTIONS: u8 = 2;
/// The files are wrong.
pub const BAD_FILES: u8 = 3;

/// Runs the command line `arguments`, without the program's name, and tells the exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let (flags, run) = match flags::parse(arguments) {
        Parsed::Help(text) => {
            print!("{text}");
            return DONE;
        }
        Parsed::Version => {
            println!("egret {}", env!("CARGO_PKG_VERSION"));
            return DONE;
        }
        Parsed::Run(flags) => (flags, true),
        Parsed::Check(flags) => (flags, false),
    };
    let config = match config::build(&flags) {
        Ok(config) => config,
        Err(errors) => {
            for error in errors {
                eprintln!("egret: {error}");
            }
            return BAD_OPTIONS;
        }
    };
    if !run {
        return check::report(&config, SystemTime::now());
    }
    crate::log::init(config.log);
    match run_until_stopped(config) {
        Ok(()) => DONE,
        Err(error) => {
            ::log::error!("{error}");
            error.exit_code()
        }
    }
}

/// Why the program could not run.
#[derive(Debug)]
enum StartError {
    Bind(String, BindError),
    Route(String, BadAuthority),
    /// No identity of any route can work: their files are there and bad.
    NoIdentity,
    System(io::Error),
}

impl StartError {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Bind(..) | Self::System(_) => FAILED,
            Self::Route(..) => BAD_OPTIONS,
            Self::NoIdentity => BAD_FILES,
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind(option, error) => write!(f, "{option}: {error}"),
            Self::Route(route, error) => write!(f, "--route {route:?}: {error}"),
            Self::NoIdentity => f.write_str(
                "no identity of any route has files that load; mend them and start again",
            ),
            Self::System(error) => write!(f, "the system refused: {error}"),
        }
    }
}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

fn run_until_stopped(config: Config) -> Result<(), StartError> {
    raise_descriptor_limit(&config);
    let runtime = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build_local(LocalOptions::default())?;
    runtime.block_on(async {
        let signals = Signals::new()?;
        let app = App::start(config)?;
        app.run(signals).await;
        Ok(())
    })
}

/// A running egret.
struct App {
    identities: Vec<Rc<Identity>>,
    listeners: Vec<Rc<Listener>>,
    accepting: Vec<JoinHandle<()>>,
    /// Unix sockets that were made here.
    sockets: Vec<SocketFile>,
    roots: DefaultRoots,
    clock: Arc<dyn Clock>,
    config: Config,
}

/// A unix socket's file, which goes when we do.
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Somebody may have removed it before us.
        let _gone = std::fs::remove_file(&self.0);
    }
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// SIGTERM or SIGINT.
    async fn stop(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

impl App {
    fn start(config: Config) -> Result<Self, StartError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let identities: Vec<_> = config
            .identities
            .iter()
            .map(|identity| Identity::new(identity.clone()))
            .collect();
        let mut app = Self {
            identities,
            listeners: Vec::new(),
            accepting: Vec::new(),
            sockets: Vec::new(),
            roots: DefaultRoots::new(config.ca.clone()),
            clock,
            config,
        };
        app.load_all()?;
        app.listen()?;
        Ok(app)
    }

    /// The identities that a route uses.
    fn used(&self) -> impl Iterator<Item = &Rc<Identity>> {
        let config = &self.config;
        let used = move |(id, _): &(IdentityId, &Rc<Identity>)| config.is_used(*id);
        (0u8..)
            .map(IdentityId)
            .zip(&self.identities)
            .filter(used)
            .map(|(_, identity)| identity)
    }

    fn load_all(&self) -> Result<(), StartError> {
        for (id, identity) in self.config.identities() {
            if !self.config.is_used(id) && identity.name != "none" {
                ::log::warn!("identity {:?} is used by no route", identity.name);
            }
        }
        let mut hopeless = true;
        for identity in self.used() {
            match self.load(identity) {
                Ok(_) => hopeless = false,
                Err(error) => hopeless &= !error.is_missing(),
            }
        }
        match hopeless {
            true => Err(StartError::NoIdentity),
            false => Ok(()),
        }
    }

    fn load(&self, identity: &Identity) -> Result<Rc<Epoch>, LoadError> {
        let name = &identity.config.name;
        let loaded = identity.load(&self.roots, &self.clock);
        match &loaded {
            Ok(epoch) => announce(name, epoch, &*self.clock),
            Err(error) => ::log::error!("identity {name:?} is not available: {error}"),
        }
        loaded
    }

    fn listen(&mut self) -> Result<(), StartError> {
        let proxy = Rc::new(self.proxy());
        let patience = Patience {
            header: self.config.timeouts.header,
            idle: self.config.timeouts.idle,
            head_max: self.config.limits.header,
        };
        let mut passed = Passed::from_environment();
        let mut accepting = Vec::new();
        for config in &self.config.listeners {
            let options = self.options(config);
            let name = format!("listener {}", config.listen);
            let listener = Rc::new(Listener {
                proxy: Rc::clone(&proxy),
                serves: Rc::new(self.serves(config)?),
                clients: Clients::new(name, config.clients),
                patience,
            });
            let guarded = self.is_guarded(config);
            let bound = server::bind(&config.listen, &config.access, guarded, &mut passed)
                .map_err(|error| {
                    let option = options.first().cloned().unwrap_or_default();
                    StartError::Bind(option, error)
                })?;
            for Bound { acceptor, at } in bound {
                for option in &options {
                    ::log::info!("listening on {at} ({option})");
                }
                match at {
                    At::Tcp(address) => proxy.dialer.listeners.borrow_mut().push(address),
                    At::Unix(path) => self.sockets.push(SocketFile(path)),
                    At::Passed(_) => {}
                }
                accepting.push(spawn_local(Rc::clone(&listener).accept(acceptor)));
            }
            self.listeners.push(listener);
        }
        self.accepting = accepting;
        for identity in self.used() {
            spawn_local(Rc::clone(identity).sweep());
        }
        Ok(())
    }

    /// The options that share a LISTEN, as they were given.
    fn options(&self, listener: &ListenerConfig) -> Vec<String> {
        match &listener.serves {
            config::Serves::Routes(ids) => {
                let text = |id: &RouteId| format!("--route {}", self.config.route(*id).text);
                ids.iter().map(text).collect()
            }
            config::Serves::Forwards(ids) => {
                let text = |id: &ForwardId| format!("--forward {}", self.config.forward(*id).text);
                ids.iter().map(text).collect()
            }
        }
    }

    /// Whether each option of a LISTEN says `from=`.
    fn is_guarded(&self, listener: &ListenerConfig) -> bool {
        match &listener.serves {
            config::Serves::Routes(ids) => {
                ids.iter().all(|id| !self.config.route(*id).from.is_empty())
            }
            config::Serves::Forwards(ids) => ids
                .iter()
                .all(|id| !self.config.forward(*id).from.is_empty()),
        }
    }

    fn proxy(&self) -> Proxy {
        let timeouts = self.config.timeouts;
        Proxy {
            dialer: Dialer {
                resolver: Resolver::new(Arc::new(System), timeouts.connect)
                    .keeping(self.config.names().map(String::from)),
                handshakes: Semaphore::new(limits::HANDSHAKES_MAX),
                listeners: RefCell::default(),
                connect_timeout: timeouts.connect,
                wait_timeout: timeouts.wait,
                upstream_idle: timeouts.upstream_idle,
            },
            clock: Arc::clone(&self.clock),
            pseudonym: Pseudonym::new(random_number()),
            max_body: self.config.limits.body,
            response_timeout: timeouts.response,
            tunnel_idle: timeouts.tunnel,
        }
    }

    fn serves(&self, listener: &ListenerConfig) -> Result<Serves, StartError> {
        match &listener.serves {
            config::Serves::Routes(ids) => self.routes(ids).map(Serves::Routes),
            config::Serves::Forwards(ids) => Ok(Serves::Rules(self.rules(ids))),
        }
    }

    fn routes(&self, ids: &[RouteId]) -> Result<Routes, StartError> {
        let mut routes = Vec::with_capacity(ids.len());
        for id in ids {
            let config = self.config.route(*id).clone();
            let text = config.text.clone();
            if let Some(identity) = self.identity(config.identity) {
                let route = Route::new(config, identity);
                routes.push(Rc::new(
                    route.map_err(|error| StartError::Route(text, error))?,
                ));
            }
        }
        Ok(Routes::new(routes))
    }

    fn rules(&self, ids: &[ForwardId]) -> Rules {
        let rule = |id: &ForwardId| {
            let config = self.config.forward(*id).clone();
            let identity = self.identity(config.identity)?;
            Some(Rule { config, identity })
        };
        Rules(ids.iter().filter_map(rule).collect())
    }

    fn identity(&self, id: IdentityId) -> Option<Rc<Identity>> {
        self.identities.get(usize::from(id.0)).cloned()
    }

    async fn run(mut self, mut signals: Signals) {
        loop {
            tokio::select! {
                _ = signals.interrupt.recv() => break,
                _ = signals.terminate.recv() => break,
                _ = signals.hangup.recv() => self.reload(),
                () = sleep(limits::RELOAD_INTERVAL) => self.retry(),
            }
        }
        tokio::select! {
            () = self.drain() => {}
            () = signals.stop() => ::log::warn!("stopped at once, requests in flight were cut off"),
        }
        for identity in self.used() {
            ::log::info!("identity {:?}: {}", identity.config.name, identity.counters);
        }
    }

    /// SIGHUP: every identity's files are read again.
    fn reload(&mut self) {
        self.roots = DefaultRoots::new(self.config.ca.clone());
        for identity in self.used() {
            let name = &identity.config.name;
            match identity.load(&self.roots, &self.clock) {
                Ok(epoch) => ::log::info!("reloaded identity {name:?}: epoch {}", epoch.number),
                Err(error) => match identity.current() {
                    Ok(epoch) => ::log::error!(
                        "reload of identity {name:?} failed, keeping epoch {}: {error}",
                        epoch.number
                    ),
                    Err(_) => ::log::error!("identity {name:?} is not available: {error}"),
                },
            }
        }
    }

    /// Identities that are not available may have their files now.
    fn retry(&self) {
        for identity in self.used().filter(|identity| identity.current().is_err()) {
            let _logged = self.load(identity);
        }
    }

    /// New connections are refused, requests in flight finish.
    async fn drain(&mut self) {
        for accepting in self.accepting.drain(..) {
            accepting.abort();
        }
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

fn announce(name: &str, epoch: &Epoch, clock: &dyn Clock) {
    for warning in &epoch.warnings {
        ::log::warn!("identity {name:?}: {warning}");
    }
    let Some(certificate) = &epoch.certificate else {
        ::log::info!("identity {name:?}: no certificate, {} roots", epoch.roots);
        return;
    };
    ::log::info!(
        "identity {name:?}: {} by {}, valid to {}, {}, {} roots",
        certificate.subject,
        certificate.issuer,
        x509::utc(certificate.not_after),
        certificate.key,
        epoch.roots
    );
    if let Some(warning) = check::date_warning(certificate, clock.time()) {
        ::log::warn!("identity {name:?}: {warning}");
    }
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
    let wanted = (config.limits.clients + connections + limits::SPARE_DESCRIPTORS) as u64;
    if allowed < wanted {
        ::log::warn!(
            "only {allowed} descriptors are allowed and {wanted} may be wanted; raise ulimit -n, or lower --max-clients"
        );
    }
}

/// A number that another egret on the way does not have.
fn random_number() -> u32 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish() as u32
}
