//! The README is true: its commands are ones that egret takes, and it names every option, every
//! limit with its value, and every error type.

mod support;

use std::process::Command;

use support::certs::{Ca, Dir};
use support::crl::Crl;

const README: &str = include_str!("../README.md");
const LIMITS: &str = include_str!("../src/limits.rs");
const ERRORS: &str = include_str!("../src/error/mod.rs");
const DIAGNOSES: &str = include_str!("../src/probe/diagnosis.rs");

/// Makes `egret`, in a shell, this build with its command `check`: the README's commands are run
/// where their files are and their clouds are not.
const ONLY_CHECK: &str =
    r#"egret() { if [ "$1" = check ]; then shift; fi; "$PROGRAM" check "$@"; }"#;

/// The fenced blocks that are marked `sh`.
fn commands() -> Vec<&'static str> {
    let blocks = README.split("\n```sh\n").skip(1);
    blocks
        .map(|rest| rest.split("\n```").next().unwrap_or_default())
        .collect()
}

#[test]
fn its_commands_are_taken_as_they_are_written() {
    let ca = Ca::new("devices");
    let dir = Dir::new();
    dir.identity("client", &ca.client("client"));
    dir.identity("a", &ca.client("another"));
    dir.ca("plant-ca", &ca);
    dir.write("plant.crl", &Crl::default().pem_of(&ca));
    let system = dir.ca("system", &ca);
    let commands = commands();
    assert!(commands.len() >= 5, "{commands:#?}");
    for command in commands {
        let output = Command::new("sh")
            .args(["-ec", &format!("{ONLY_CHECK}\n{command}")])
            .env("PROGRAM", env!("CARGO_BIN_EXE_egret"))
            .env("SSL_CERT_FILE", &system)
            .env_remove("SSL_CERT_DIR")
            .current_dir(dir.path())
            .output()
            .expect("sh");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}\n{told}");
    }
}

#[test]
fn it_names_every_option() {
    for option in egret::flags::options() {
        assert!(README.contains(&format!("`{option}")), "{option}");
    }
}

#[test]
fn it_names_every_limit_with_its_value() {
    let constants: Vec<(&str, String)> = LIMITS.lines().filter_map(constant).collect();
    assert!(constants.len() > 50, "{constants:?}");
    for (name, value) in &constants {
        let cells = format!("| {value} | `{name}` |");
        assert!(README.contains(&cells), "no line with {cells}");
    }
    for named in README.lines().filter_map(limit_of_row) {
        assert!(constants.iter().any(|(name, _)| *name == named), "{named}");
    }
}

/// The constant in the third cell of a row of the tables of limits.
fn limit_of_row(line: &str) -> Option<&str> {
    let cell = line.strip_prefix("| ")?.split(" | ").nth(2)?;
    let name = cell.strip_prefix('`')?.strip_suffix('`')?;
    let is_constant = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
    name.bytes().all(is_constant).then_some(name)
}

/// The name and the value, for people, of a line `pub const NAME: TYPE = VALUE;`.
fn constant(line: &str) -> Option<(&str, String)> {
    let (name, rest) = line.strip_prefix("pub const ")?.split_once(": ")?;
    let (_, value) = rest.strip_suffix(';')?.split_once(" = ")?;
    Some((name, for_people(usual(value))))
}

/// What a capacity or a default is where the environment of the build says nothing.
fn usual(value: &str) -> &str {
    let inner = |start| value.strip_prefix(start)?.strip_suffix(')');
    let parts = inner("capacity(").or_else(|| inner("at_most("));
    parts
        .and_then(|parts| parts.split_once(", "))
        .map_or(value, |(_, usual)| usual)
}

#[test]
fn it_names_every_capacity_that_the_environment_of_the_build_sets() {
    let names: Vec<&str> = LIMITS
        .split("option_env!(\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(names.len() > 5, "{names:?}");
    for name in names {
        assert!(README.contains(&format!("`{name}`")), "{name}");
    }
}

fn for_people(value: &str) -> String {
    let inner = |start| value.strip_prefix(start)?.strip_suffix(')');
    if let Some(milliseconds) = inner("Duration::from_millis(") {
        return format!("{milliseconds} ms");
    }
    if let Some(seconds) = inner("Duration::from_secs(") {
        return match product(seconds) {
            long if long % 3600 == 0 => format!("{} h", long / 3600),
            short => format!("{short} s"),
        };
    }
    match value.matches("1024").count() {
        1 if value.contains('*') => format!("{} KiB", product(value) / 1024),
        2 => format!("{} MiB", product(value) / 1024 / 1024),
        _ => value.to_owned(),
    }
}

fn product(text: &str) -> u64 {
    let factor = |text: &str| text.trim().parse::<u64>().expect("a number");
    text.split('*').map(factor).product()
}

/// The texts in quotation marks in the function that is called that.
fn texts_of(source: &'static str, function: &str) -> Vec<&'static str> {
    let start = format!("fn {function}(");
    let (_, rest) = source.split_once(&start).expect("the function");
    let (body, _) = rest.split_once("\n    }\n").expect("its end");
    let texts: Vec<&str> = body.split('"').skip(1).step_by(2).collect();
    assert!(texts.len() > 10, "{texts:?}");
    texts
}

#[test]
fn it_names_every_error_type_and_every_diagnosis() {
    let errors = texts_of(ERRORS, "error_type");
    for text in errors.into_iter().chain(texts_of(DIAGNOSES, "code")) {
        assert!(README.contains(&format!("`{text}`")), "{text}");
    }
}
