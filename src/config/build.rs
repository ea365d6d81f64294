//! All options together.

use std::path::PathBuf;

use log::LevelFilter;

use super::admin::AdminDraft;
use super::draft::{self, Draft};
use super::forward::ForwardDraft;
use super::route::RouteDraft;
use super::{
    Config, ConfigError, Fault, IdentityConfig, Limits, ProbePlan, Problem, Timeouts, identity,
    listener, probe, values,
};
use crate::flags::{FlagError, Flags, Options};
use crate::limits;

/// What `--log` may say.
const LEVELS: [(&str, LevelFilter); 6] = [
    ("off", LevelFilter::Off),
    ("error", LevelFilter::Error),
    ("warn", LevelFilter::Warn),
    ("info", LevelFilter::Info),
    ("debug", LevelFilter::Debug),
    ("trace", LevelFilter::Trace),
];

/// Options that make no configuration.
#[derive(Debug, Clone)]
pub struct Rejected {
    /// Everything that is wrong, the command line's own mistakes first: identities, routes, what
    /// listeners have in common, the rest, each in the order given.
    pub errors: Vec<ConfigError>,
    /// The identities that nothing is wrong with: their files can be looked at all the same.
    pub identities: Vec<IdentityConfig>,
    /// `--ca`, if it is given and sound.
    pub ca: Option<PathBuf>,
}

/// Makes types of the options.
///
/// # Errors
/// What is wrong, and what is not.
pub fn build(flags: &Flags) -> Result<Config, Rejected> {
    let mut errors = Vec::new();
    let config = read(flags, Needs::Routes, &mut errors);
    judge(config, errors)
}

/// Makes types of the options of `egret probe`, and of what it is to do about `target`, or about
/// all upstreams of the options.
///
/// # Errors
/// As [`build`].
pub fn build_probe(flags: &Flags, target: Option<&str>) -> Result<(Config, ProbePlan), Rejected> {
    let mut errors = Vec::new();
    let config = read(flags, Needs::Nothing, &mut errors);
    let plan = probe::plan(&config, target, flags.options.isolation, &mut errors);
    judge(config, errors).map(|config| (config, plan))
}

/// What the options must at least say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Routes,
    Nothing,
}

fn read(flags: &Flags, needs: Needs, errors: &mut Vec<ConfigError>) -> Config {
    errors.extend(flags.errors.iter().cloned().map(ConfigError::Flag));
    let options = &flags.options;
    let identities = identity::read_all(&options.identity, errors);
    let hidden = flags.errors.iter().any(FlagError::hides_options);
    let known = (!hidden).then_some(identities.as_slice());
    let routes: Vec<RouteDraft> = draft::read_all(&options.route, known, errors);
    let forwards: Vec<ForwardDraft> = draft::read_all(&options.forward, known, errors);
    let admin: Vec<AdminDraft> = draft::read_all(options.admin.as_slice(), None, errors);
    errors.extend(bad_count(flags, needs));
    let limits = limits_of(options, errors);
    let listeners = listener::group(&routes, &forwards, &admin, limits.clients, errors);
    Config {
        routes: routes
            .into_iter()
            .filter_map(|draft| draft.finish(&identities))
            .collect(),
        forwards: forwards
            .into_iter()
            .filter_map(|draft| draft.finish(&identities))
            .collect(),
        identities,
        listeners,
        admin: admin.into_iter().find_map(AdminDraft::finish),
        ca: single(
            "--ca",
            &options.ca,
            None,
            |text| values::file(text).map(Some),
            errors,
        ),
        limits,
        timeouts: timeouts_of(options, errors),
        reload_interval: single(
            "--reload-interval",
            &options.reload_interval,
            Some(limits::RELOAD_INTERVAL),
            |text| values::duration_or_zero(text).map(|time| (!time.is_zero()).then_some(time)),
            errors,
        ),
        access_log: options.access_log,
        syslog: options.syslog,
        log: single("--log", &options.log, LevelFilter::Info, level, errors),
        keylog: single(
            "--keylog",
            &options.keylog,
            None,
            |text| values::file(text).map(Some),
            errors,
        ),
        pidfile: single(
            "--pidfile",
            &options.pidfile,
            None,
            |text| values::file(text).map(Some),
            errors,
        ),
    }
}

fn judge(config: Config, errors: Vec<ConfigError>) -> Result<Config, Rejected> {
    if errors.is_empty() {
        return Ok(config);
    }
    let mut identities = config.identities;
    identities.retain(|one| {
        !errors
            .iter()
            .any(|error| error.is_of(identity::OPTION, &one.text))
    });
    Err(Rejected {
        errors,
        identities,
        ca: config.ca,
    })
}

/// What is wrong with how many routes and forward rules there are.
fn bad_count(flags: &Flags, needs: Needs) -> Option<ConfigError> {
    let problem = match flags.options.route.len() + flags.options.forward.len() {
        0 if needs == Needs::Routes && flags.errors.is_empty() => Problem::NoRoute,
        count if count > limits::ROUTES_MAX => Problem::TooManyRoutes(count),
        _ => return None,
    };
    Some(ConfigError::of_all(RouteDraft::OPTION, problem))
}

fn limits_of(options: &Options, errors: &mut Vec<ConfigError>) -> Limits {
    let (least, most) = (limits::HEAD_MIN as u64, limits::HEAD_MAX as u64);
    Limits {
        clients: single(
            "--max-clients",
            &options.max_clients,
            limits::CLIENTS_DEFAULT,
            |text| values::count(text, 1, limits::CLIENTS_MAX),
            errors,
        ),
        header: single(
            "--max-header",
            &options.max_header,
            limits::HEAD_DEFAULT,
            |text| values::size(text, least, most).map(|size| size as usize),
            errors,
        ),
        body: single(
            "--max-body",
            &options.max_body,
            None,
            |text| values::size(text, 1, u64::MAX).map(Some),
            errors,
        ),
    }
}

fn timeouts_of(options: &Options, errors: &mut Vec<ConfigError>) -> Timeouts {
    use values::{duration, duration_or_zero};
    Timeouts {
        connect: single(
            "--connect-timeout",
            &options.connect_timeout,
            limits::CONNECT_TIMEOUT,
            duration,
            errors,
        ),
        header: single(
            "--header-timeout",
            &options.header_timeout,
            limits::HEADER_TIMEOUT,
            duration,
            errors,
        ),
        wait: single(
            "--wait-timeout",
            &options.wait_timeout,
            limits::WAIT_TIMEOUT,
            duration,
            errors,
        ),
        response: single(
            "--response-timeout",
            &options.response_timeout,
            limits::RESPONSE_TIMEOUT,
            duration,
            errors,
        ),
        idle: single(
            "--idle-timeout",
            &options.idle_timeout,
            limits::IDLE_TIMEOUT,
            duration,
            errors,
        ),
        upstream_idle: single(
            "--upstream-idle",
            &options.upstream_idle,
            limits::UPSTREAM_IDLE,
            duration_or_zero,
            errors,
        ),
        tunnel: single(
            "--tunnel-idle",
            &options.tunnel_idle,
            limits::TUNNEL_IDLE,
            duration,
            errors,
        ),
        drain: single(
            "--drain-timeout",
            &options.drain_timeout,
            limits::DRAIN_TIMEOUT,
            duration_or_zero,
            errors,
        ),
    }
}

fn level(text: &str) -> Result<LevelFilter, Fault> {
    values::word(text, &LEVELS)
}

/// An option that is given at most once: its value, or what holds without it.
fn single<T>(
    option: &'static str,
    given: &Option<String>,
    default: T,
    parse: impl FnOnce(&str) -> Result<T, Fault>,
    errors: &mut Vec<ConfigError>,
) -> T {
    let Some(text) = given else { return default };
    parse(text).unwrap_or_else(|fault| {
        errors.push(ConfigError::new(option, text, Problem::Value(fault)));
        default
    })
}
