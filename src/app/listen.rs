//! Options become listeners: what each serves, and the sockets it is served on.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::run::{App, SocketFile, StartError};
use crate::admin::{Admin, Watched};
use crate::config::{
    self, AdminConfig, ForwardId, IdentityId, Listen, ListenerConfig, RouteId, SocketAccess,
};
use crate::identity::Identity;
use crate::limits;
use crate::log::AccessLog;
use crate::proxy::destination::Serves;
use crate::proxy::forward::{Rule, Rules};
use crate::proxy::headers::Pseudonym;
use crate::proxy::target::{Route, Routes};
use crate::proxy::{Ledger, Proxy};
use crate::server::{self, At, Bound, Clients, Listener, Passed, Patience, Pulse, Service, Site};
use crate::task;
use crate::upstream::connect::Dialer;
use crate::upstream::resolver::{Resolver, System};

/// One LISTEN, and the options that ask for it.
struct Place<'a> {
    listen: &'a Listen,
    access: &'a SocketAccess,
    /// Whether each of the options says `from=`.
    guarded: bool,
    options: Vec<(&'static str, String)>,
}

impl App {
    pub(super) fn listen(&mut self) -> Result<(), StartError> {
        let proxy = Rc::new(self.proxy());
        let patience = Patience {
            header: self.config.timeouts.header,
            idle: self.config.timeouts.idle,
            head_max: self.config.limits.header,
        };
        let mut passed = Passed::from_environment();
        let mut watched = Vec::new();
        for config in self.config.listeners.clone() {
            let serves = self.serves(&config)?;
            watched.extend(Watched::all(&config.listen, &serves));
            let name = format!("listener {}", config.listen);
            let listener = Rc::new(Listener {
                name: Rc::from(config.listen.to_string()),
                service: Service::Proxy(Rc::clone(&proxy), serves),
                clients: Clients::new(name, config.clients),
                patience,
            });
            let place = Place {
                listen: &config.listen,
                access: &config.access,
                guarded: self.is_guarded(&config),
                options: self.options(&config),
            };
            self.open(&listener, place, &mut passed, &proxy)?;
            self.listeners.push(listener);
        }
        if let Some(config) = self.config.admin.clone() {
            self.listen_for_admin(config, watched, &mut passed, &proxy)?;
        }
        for identity in self.used() {
            task::spawn(Rc::clone(identity).sweep());
        }
        Ok(())
    }

    fn listen_for_admin(
        &mut self,
        config: AdminConfig,
        watched: Vec<Watched>,
        passed: &mut Passed,
        proxy: &Rc<Proxy>,
    ) -> Result<(), StartError> {
        let name: Rc<str> = Rc::from(config.listen.to_string());
        let clients = Clients::new(format!("--admin {name}"), limits::ADMIN_CLIENTS);
        let of = |one: &Rc<Listener>| (Rc::clone(&one.name), Rc::clone(&one.clients));
        let mut tables: Vec<_> = self.listeners.iter().map(of).collect();
        tables.push((Rc::clone(&name), Rc::clone(&clients)));
        let admin = Rc::new(Admin::new(
            config.clone(),
            Rc::clone(proxy),
            self.used().map(Rc::clone).collect(),
            tables,
            watched,
        ));
        let listener = Rc::new(Listener {
            name,
            service: Service::Site(Rc::clone(&admin) as Rc<dyn Site>),
            clients,
            patience: Patience {
                header: limits::ADMIN_HEADER_TIMEOUT,
                idle: limits::ADMIN_IDLE,
                head_max: limits::ADMIN_HEAD_MAX,
            },
        });
        let place = Place {
            listen: &config.listen,
            access: &config.access,
            guarded: !config.from.is_empty(),
            options: vec![("--admin", config.text.clone())],
        };
        self.open(&listener, place, passed, proxy)?;
        self.admin = Some(admin);
        Ok(())
    }

    /// Binds one LISTEN and accepts clients there.
    fn open(
        &mut self,
        listener: &Rc<Listener>,
        place: Place<'_>,
        passed: &mut Passed,
        proxy: &Proxy,
    ) -> Result<(), StartError> {
        let bound =
            server::bind(place.listen, place.access, place.guarded, passed).map_err(|error| {
                let first = place.options.first();
                let option = first.map(|(option, text)| format!("{option} {text:?}"));
                StartError::Bind(option.unwrap_or_default(), error)
            })?;
        for Bound { acceptor, at } in bound {
            for (option, text) in &place.options {
                ::log::info!("listening on {at} ({option} {text})");
            }
            match at {
                At::Tcp(address) => proxy.dialer.listeners.borrow_mut().push(address),
                At::Unix(path) => self.sockets.push(SocketFile(path)),
                At::Passed(_) => {}
            }
            let pulse = Rc::new(Pulse::default());
            self.pulses.push(Rc::clone(&pulse));
            let accepting = Rc::clone(listener).accept(acceptor, pulse);
            self.accepting.push(task::spawn(accepting));
        }
        Ok(())
    }

    /// The options that share a LISTEN, as they were given.
    fn options(&self, listener: &ListenerConfig) -> Vec<(&'static str, String)> {
        match &listener.serves {
            config::Serves::Routes(ids) => {
                let option = |id: &RouteId| ("--route", self.config.route(*id).text.clone());
                ids.iter().map(option).collect()
            }
            config::Serves::Forwards(ids) => {
                let option = |id: &ForwardId| ("--forward", self.config.forward(*id).text.clone());
                ids.iter().map(option).collect()
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
        let access = || AccessLog::new(self.syslog.clone());
        let access = self.config.access_log.then(access);
        Proxy {
            dialer: Rc::new(Dialer {
                resolver: Resolver::new(Arc::new(System), timeouts.connect)
                    .keeping(self.config.names().map(String::from)),
                // Each identity in use has one of its own.
                handshakes: Semaphore::new(limits::HANDSHAKES_MAX - self.used().count()),
                listeners: RefCell::default(),
                connect_timeout: timeouts.connect,
                wait_timeout: timeouts.wait,
                upstream_idle: timeouts.upstream_idle,
            }),
            clock: Arc::clone(&self.clock),
            pseudonym: Pseudonym::new(random_number()),
            max_body: self.config.limits.body,
            response_timeout: timeouts.response,
            tunnel_idle: timeouts.tunnel,
            refusals: RefCell::default(),
            ledger: Rc::new(Ledger::new(access)),
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
            Some(Rule {
                config,
                identity,
                tally: Rc::default(),
            })
        };
        Rules(ids.iter().filter_map(rule).collect())
    }

    fn identity(&self, id: IdentityId) -> Option<Rc<Identity>> {
        self.identities.get(usize::from(id.0)).cloned()
    }
}

/// A number that another egret on the way does not have.
fn random_number() -> u32 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish() as u32
}
