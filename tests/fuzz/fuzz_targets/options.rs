//! Words of a command line: every error is one line, what is accepted is within its bounds, and
//! `--flag value` is `--flag=value`.

#![no_main]

use std::collections::HashSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use egret::config::{self, Config, Rejected};
use egret::flags::{self, Flags, Parsed};
use egret::limits;
use egret_fuzz::text::assert_one_line;

/// Options without a value.
const SWITCHES: [&str; 4] = ["--access-log", "--syslog", "--json", "--isolation"];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let words: Vec<Vec<u8>> = data
        .split(|byte| *byte == b'\n')
        // A target of its own reads files.
        .filter(|word| word.first() != Some(&b'@'))
        .map(<[u8]>::to_vec)
        .collect();
    let joined = outcome(&words);
    let split = outcome(&split(&words));
    assert_eq!(joined, split, "--flag=value is not --flag value");
});

/// What comes of the words, as text.
fn outcome(words: &[Vec<u8>]) -> String {
    match flags::parse(words.iter().cloned().map(OsString::from_vec)) {
        Parsed::Help => "help".to_owned(),
        Parsed::Version => "version".to_owned(),
        Parsed::Run(flags) => run(&flags),
        Parsed::Check(flags) => format!("check {}", run(&flags)),
        Parsed::Probe { flags, target } => match config::build_probe(&flags, target.as_deref()) {
            Ok((config, plan)) => {
                assert_bounds(&config);
                format!("probe {config:?} {plan:?}")
            }
            Err(rejected) => complaint(&rejected),
        },
    }
}

fn run(flags: &Flags) -> String {
    match config::build(flags) {
        Ok(config) => {
            assert_bounds(&config);
            assert!(!config.listeners.is_empty(), "{config:?}");
            format!("{config:?}")
        }
        Err(rejected) => complaint(&rejected),
    }
}

fn complaint(rejected: &Rejected) -> String {
    assert!(!rejected.errors.is_empty(), "refused for nothing");
    let lines: Vec<String> = rejected.errors.iter().map(ToString::to_string).collect();
    lines.iter().for_each(|line| assert_one_line(line));
    lines.join("\n")
}

/// Whatever the words were, the tables are no larger than they may be, and nothing points outside.
fn assert_bounds(config: &Config) {
    assert!(config.identities.len() <= limits::IDENTITIES_MAX);
    assert!(config.identities[0].is_none());
    let names: HashSet<_> = config.identities.iter().map(|one| &one.name).collect();
    assert_eq!(names.len(), config.identities.len(), "two of one name");
    for identity in &config.identities {
        assert!((1..=limits::CONNECTIONS_MAX).contains(&identity.connections));
        assert!(identity.waiting <= limits::WAITING_MAX);
        assert!(identity.sessions <= limits::SESSIONS_MAX);
    }
    assert!(config.routes.len() + config.forwards.len() <= limits::ROUTES_MAX);
    let routes = config.routes.iter().map(|route| route.identity);
    let forwards = config.forwards.iter().map(|rule| rule.identity);
    for id in routes.chain(forwards) {
        assert!(usize::from(id.0) < config.identities.len());
    }
    let places: HashSet<_> = config.listeners.iter().map(|one| &one.listen).collect();
    assert_eq!(places.len(), config.listeners.len(), "a LISTEN twice");
    let clients: usize = config.listeners.iter().map(|one| one.clients).sum();
    assert!(clients <= config.limits.clients);
    assert!(config.limits.clients <= limits::CLIENTS_MAX);
    assert!((limits::HEAD_MIN..=limits::HEAD_MAX).contains(&config.limits.header));
    let times = config.timeouts;
    for time in [times.connect, times.header, times.wait, times.response] {
        assert!(time <= limits::DURATION_MAX && !time.is_zero());
    }
}

/// Every `--flag=value` as two words, where the value can be one.
fn split(words: &[Vec<u8>]) -> Vec<Vec<u8>> {
    words.iter().flat_map(|word| parts(word)).collect()
}

fn parts(word: &[u8]) -> Vec<Vec<u8>> {
    let whole = || vec![word.to_vec()];
    let Ok(text) = str::from_utf8(word) else {
        return whole();
    };
    let Some((flag, value)) = text.split_once('=') else {
        return whole();
    };
    let takes_value = flags::options().any(|known| known == flag) && !SWITCHES.contains(&flag);
    match takes_value && !value.starts_with(['-', '@']) {
        true => vec![flag.into(), value.into()],
        false => whole(),
    }
}
