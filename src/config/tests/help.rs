//! Whether `egret --help` tells the truth about options, keys and limits.

use crate::config::admin::AdminDraft;
use crate::config::draft::Draft;
use crate::config::forward::ForwardDraft;
use crate::config::list::names;
use crate::config::route::RouteDraft;
use crate::config::{Bound, identity, listener};
use crate::flags;
use crate::limits;

/// Where help tells of the keys that routes and forward rules have in common.
const SHARED: &str = "More keys of --route and --forward:";

/// The lines of help that tell of an entry: from the one it begins to the next one.
fn entry(indent: &str, name: &str) -> String {
    find(&flags::help(), indent, name).unwrap_or_else(|| panic!("help does not tell of {name}"))
}

/// What help tells of a key of an option, right there or among the shared ones.
fn key_entry(option: &str, key: &str) -> String {
    [format!("  {option} "), SHARED.to_owned()]
        .iter()
        .find_map(|heading| find(&section(heading), "      ", key))
        .unwrap_or_else(|| panic!("help of {option} does not tell of {key}"))
}

/// From a heading to the next empty line.
fn section(heading: &str) -> String {
    let help = flags::help();
    let (_, rest) = help.split_once(&format!("\n{heading}")).expect(heading);
    rest.split("\n\n").next().unwrap_or_default().to_owned()
}

fn find(help: &str, indent: &str, name: &str) -> Option<String> {
    let begins = |line: &&str| {
        line.strip_prefix(indent)
            .and_then(|line| line.strip_prefix(name))
            .is_some_and(|rest| rest.starts_with(['=', ' ']))
    };
    let mut lines = help.lines().skip_while(|line| !begins(line));
    let first = lines.next()?.to_owned();
    let deeper = |line: &&str| line.starts_with(&format!("{indent}     "));
    Some(
        lines
            .take_while(deeper)
            .fold(first, |text, line| text + " " + line.trim()),
    )
}

#[test]
fn help_tells_of_every_option() {
    for flag in flags::options() {
        entry("  ", flag);
    }
    for word in ["@FILE", "-h, --help", "-V, --version"] {
        entry("  ", word);
    }
}

#[test]
fn help_tells_every_default_as_it_is() {
    let time = |time| Bound::Time(time).to_string();
    let size = |size: usize| Bound::Size(size as u64).to_string();
    // The longest unit is not the plainest one for 60s.
    let seconds = |time: std::time::Duration| format!("{}s", time.as_secs());
    let response = seconds(limits::RESPONSE_TIMEOUT);
    let reload = seconds(limits::RELOAD_INTERVAL);
    let defaults = [
        ("--ca", "the system's".to_owned()),
        ("--max-clients", limits::CLIENTS_DEFAULT.to_string()),
        ("--max-header", size(limits::HEAD_DEFAULT)),
        ("--max-body", "no limit".to_owned()),
        ("--connect-timeout", time(limits::CONNECT_TIMEOUT)),
        ("--header-timeout", time(limits::HEADER_TIMEOUT)),
        ("--wait-timeout", time(limits::WAIT_TIMEOUT)),
        ("--response-timeout", response),
        ("--idle-timeout", time(limits::IDLE_TIMEOUT)),
        ("--upstream-idle", time(limits::UPSTREAM_IDLE)),
        ("--tunnel-idle", time(limits::TUNNEL_IDLE)),
        ("--drain-timeout", time(limits::DRAIN_TIMEOUT)),
        ("--reload-interval", reload),
        ("--log", "info".to_owned()),
        ("--pidfile", "none".to_owned()),
        ("--keylog", "none".to_owned()),
    ];
    let all: Vec<_> = defaults
        .iter()
        .map(|(flag, _)| *flag)
        .chain([
            "--identity",
            "--route",
            "--forward",
            "--admin",
            "--json",
            "--isolation",
            "--access-log",
            "--syslog",
        ])
        .collect();
    assert!(flags::options().all(|flag| all.contains(&flag)));
    for (flag, default) in defaults {
        let entry = entry("  ", flag);
        let told = [')', ';'].map(|end| format!("(default: {default}{end}"));
        assert!(
            told.iter().any(|told| entry.contains(told)),
            "{default}: {entry}"
        );
    }
}

#[test]
fn help_tells_of_every_key_and_its_default() {
    for key in names(identity::KEYS) {
        key_entry(identity::OPTION, key);
    }
    for key in names(RouteDraft::KEYS) {
        key_entry(RouteDraft::OPTION, key);
    }
    for key in names(ForwardDraft::KEYS) {
        key_entry(ForwardDraft::OPTION, key);
    }
    for key in names(AdminDraft::KEYS) {
        key_entry(AdminDraft::OPTION, key);
    }
    let mode = format!("(default: {:04o})", listener::SOCKET_MODE);
    assert!(key_entry(ForwardDraft::OPTION, "mode").contains(&mode));
    let told = |key: &str, default: usize, most: usize| {
        let told = format!("(default: {default}; at most {most})");
        assert!(
            key_entry(identity::OPTION, key).contains(&told),
            "{key} {told}"
        );
    };
    told(
        "connections",
        limits::CONNECTIONS_DEFAULT,
        limits::CONNECTIONS_MAX,
    );
    told("waiting", limits::WAITING_DEFAULT, limits::WAITING_MAX);
    told("sessions", limits::SESSIONS_DEFAULT, limits::SESSIONS_MAX);
}

#[test]
fn help_tells_the_maximums_as_they_are() {
    let clients = format!("at most {})", limits::CLIENTS_MAX);
    assert!(entry("  ", "--max-clients").contains(&clients));
    let admin = format!("{} clients, beside", limits::ADMIN_CLIENTS);
    assert!(entry("  ", "--admin").contains(&admin));
    for (key, most) in [
        ("pin", limits::PINS_PER_IDENTITY),
        ("crl", limits::CRLS_PER_IDENTITY),
    ] {
        let most = format!("(at most {most})");
        assert!(key_entry(identity::OPTION, key).contains(&most), "{key}");
    }
    let size = |size: usize| Bound::Size(size as u64).to_string();
    let header = format!("{} to {})", size(limits::HEAD_MIN), size(limits::HEAD_MAX));
    assert!(entry("  ", "--max-header").contains(&header));
    assert!(flags::help().contains(&format!("at most {}:", Bound::Time(limits::DURATION_MAX))));
}
