//! Capacities that the environment of a build sets. The file with the constants needs nothing of
//! the rest, and is compiled by itself, as is the build script.

mod support;

use std::path::PathBuf;
use std::process::{Command, Output};

use support::certs::Dir;

/// Prints what the tests look at.
const PRINTS: &str = r#"
fn main() {
    print!(
        "{} {} {} {}",
        limits::CLIENTS_MAX,
        limits::CLIENTS_DEFAULT,
        limits::IDENTITIES_MAX,
        limits::HANDSHAKES_PER_IDENTITY,
    );
}
#[allow(dead_code)]
"#;

fn in_repository(file: &str) -> String {
    format!("{}/{file}", env!("CARGO_MANIFEST_DIR"))
}

/// Compiles a program with `variables` around it: where it is, or what the compiler says.
fn compiled(dir: &Dir, source: &str, variables: &[(&str, &str)]) -> Result<PathBuf, String> {
    let program = dir.file("program");
    let output = Command::new("rustc")
        .args(["--edition=2024", "-Cdebuginfo=0", source, "-o"])
        .arg(&program)
        .envs(variables.iter().copied())
        .output()
        .expect("rustc");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    output.status.success().then_some(program).ok_or(told)
}

/// What the constants are in a build with `variables`.
fn limits(variables: &[(&str, &str)]) -> Result<String, String> {
    let dir = Dir::new();
    let module = format!("#[path = {:?}] mod limits;", in_repository("src/limits.rs"));
    let source = dir.write("limits.rs", &format!("{PRINTS}{module}"));
    let program = compiled(&dir, &source.to_string_lossy(), variables)?;
    let output = Command::new(program).output().expect("it runs");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn refused(name: &str, value: &str) -> String {
    limits(&[(name, value)]).expect_err("a build that fails")
}

#[test]
fn a_capacity_is_what_the_environment_says_and_its_default_follows() {
    assert_eq!(limits(&[]).as_deref(), Ok("1024 256 16 8"));
    let lower = [
        ("EGRET_CLIENTS_MAX", "64"),
        ("EGRET_IDENTITIES_MAX", "4"),
        ("EGRET_HANDSHAKES_MAX", "5"),
    ];
    assert_eq!(limits(&lower).as_deref(), Ok("64 64 4 5"));
    let higher = [("EGRET_CLIENTS_MAX", "2000")];
    assert_eq!(limits(&higher).as_deref(), Ok("2000 256 16 8"));
}

#[test]
fn a_capacity_that_is_no_number_ends_the_build_with_its_name() {
    for value in ["", "many", "-1", "1k", "99999999999999999999"] {
        let told = refused("EGRET_SESSIONS_MAX", value);
        assert!(told.contains("no whole number"), "{value}: {told}");
        assert!(told.contains("\"EGRET_SESSIONS_MAX\""), "{value}: {told}");
    }
}

#[test]
fn capacities_that_do_not_go_together_end_the_build_and_say_why() {
    for (name, value, why) in [
        (
            "EGRET_IDENTITIES_MAX",
            "0",
            "EGRET_IDENTITIES_MAX counts none",
        ),
        (
            "EGRET_IDENTITIES_MAX",
            "17",
            "EGRET_HANDSHAKES_MAX is below IDENTITIES_MAX",
        ),
        (
            "EGRET_ROUTES_MAX",
            "256",
            "EGRET_ROUTES_MAX is not within 1 to 255",
        ),
        ("EGRET_CLIENTS_MAX", "0", "EGRET_CLIENTS_MAX must not be 0"),
        (
            "EGRET_CONNECTIONS_MAX",
            "0",
            "EGRET_CONNECTIONS_MAX must not be 0",
        ),
        ("EGRET_DNS_NAMES", "18", "EGRET_DNS_NAMES must be above"),
        ("EGRET_DNS_THREADS", "0", "EGRET_DNS_THREADS must not be 0"),
        (
            "EGRET_CLIENTS_MAX",
            "999999999999999",
            "more than the target can address",
        ),
    ] {
        let told = refused(name, value);
        assert!(told.contains(why), "{name}={value}: {told}");
    }
}

/// What build.rs tells cargo with one more variable in the environment.
fn build_script(name: &str) -> Output {
    let dir = Dir::new();
    let script = compiled(&dir, &in_repository("build.rs"), &[]).expect("it compiles");
    Command::new(script)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("SOURCE_DATE_EPOCH", "1")
        .env("OUT_DIR", dir.path())
        .env("TARGET", "none")
        .env(name, "1")
        .output()
        .expect("it runs")
}

#[test]
fn a_capacity_that_does_not_exist_ends_the_build() {
    for (name, is_known) in [("EGRET_CLIENTS_MAX", true), ("EGRET_CLIENT_MAX", false)] {
        let output = build_script(name);
        let told = String::from_utf8_lossy(&output.stdout);
        let error =
            format!("cargo::error={name} is no capacity; there are: EGRET_IDENTITIES_MAX, ");
        assert_eq!(!told.contains(&error), is_known, "{told}");
        assert_eq!(!told.contains("cargo::error="), is_known, "{told}");
    }
}
