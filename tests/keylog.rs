//! `--keylog`: TLS secrets, for us alone, and loud.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use support::client;
use support::egret::{Builder, Egret};
use support::upstream::Versions;
use support::world::World;

fn logging(world: &World) -> (Builder, PathBuf) {
    let path = world.dir.path().join("keys");
    let egret = Egret::builder(env!("CARGO_BIN_EXE_egret"))
        .ca(&world.ca)
        .option("--keylog", &path.display().to_string());
    (egret, path)
}

#[test]
fn the_secrets_of_each_connection_are_written_for_us_alone_and_that_is_said() {
    for (versions, labels) in [
        (Versions::Only12, &["CLIENT_RANDOM"][..]),
        (
            Versions::Only13,
            &[
                "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
                "SERVER_HANDSHAKE_TRAFFIC_SECRET",
                "CLIENT_TRAFFIC_SECRET_0",
                "SERVER_TRAFFIC_SECRET_0",
            ],
        ),
    ] {
        let world = World::new();
        let upstream = world.upstream().versions(versions).start();
        let (egret, path) = logging(&world);
        let egret = egret
            .route(&format!("to={},identity=none", upstream.url()))
            .start();
        egret.wait_line("who reads it can read everything");
        assert_eq!(client::get(egret.addr(0), "/").status, 200);
        let mode = fs::metadata(&path).expect("the file").permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
        let keys = fs::read_to_string(&path).expect("text");
        for label in labels {
            let line = keys
                .lines()
                .find(|line| line.starts_with(&format!("{label} ")));
            let words: Vec<_> = line
                .unwrap_or_else(|| panic!("no {label}"))
                .split(' ')
                .collect();
            let is_hex = |word: &str| word.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(
                words.len() == 3 && words[1].len() == 64 && words[1..].iter().all(|w| is_hex(w))
            );
        }
    }
}

#[test]
fn without_it_nothing_is_written_whatever_the_environment_says() {
    let world = World::new();
    let upstream = world.upstream().start();
    let path = world.dir.path().join("keys");
    let egret = Egret::builder(env!("CARGO_BIN_EXE_egret"))
        .ca(&world.ca)
        .env("SSLKEYLOGFILE", &path.display().to_string())
        .route(&format!("to={},identity=none", upstream.url()))
        .start();
    assert_eq!(client::get(egret.addr(0), "/").status, 200);
    assert!(!path.exists());
}

#[test]
fn a_file_that_others_could_read_is_refused() {
    let world = World::new();
    let (egret, path) = logging(&world);
    fs::write(&path, "").expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("a mode");
    let finished = egret.route("to=https://localhost:1,identity=none").run();
    assert_eq!(finished.code(), Some(1));
    assert!(
        finished.stderr.contains("is open to others (mode 0640)")
            && finished.stderr.contains("chmod 600 it"),
        "{}",
        finished.stderr
    );
}

#[test]
fn a_file_that_cannot_be_written_is_refused() {
    let world = World::new();
    let egret = Egret::builder(env!("CARGO_BIN_EXE_egret"))
        .option("--keylog", "/nowhere/keys")
        .route("to=https://localhost:1,identity=none");
    let finished = egret.ca(&world.ca).run();
    assert_eq!(finished.code(), Some(1));
    assert!(
        finished
            .stderr
            .contains("--keylog \"/nowhere/keys\": cannot be written"),
        "{}",
        finished.stderr
    );
}

#[test]
fn a_pipe_is_refused_and_not_waited_for() {
    let world = World::new();
    let (egret, path) = logging(&world);
    let made = Command::new("mkfifo").arg(&path).status();
    assert!(made.expect("mkfifo").success());
    let finished = egret.route("to=https://localhost:1,identity=none").run();
    assert_eq!(finished.code(), Some(1));
    assert!(
        finished.stderr.contains("is no regular file"),
        "{}",
        finished.stderr
    );
}
