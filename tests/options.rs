//! What the command line and the files lead to: exit codes, texts, and which identities work.

mod support;

use std::fs;

use support::client::get;
use support::egret::{Builder, Egret, Finished};
use support::world::World;

const EGRET: &str = env!("CARGO_BIN_EXE_egret");

fn egret(words: &[&str]) -> Builder {
    words
        .iter()
        .fold(Egret::builder(EGRET), |builder, word| builder.arg(word))
}

fn run(words: &[&str]) -> Finished {
    egret(words).run()
}

const ROUTE: &str = "127.0.0.1:0,to=https://localhost:1,identity=none";

// ---- texts ----

#[test]
fn help_goes_to_stdout_and_fits_a_terminal() {
    for word in ["--help", "-h", "help"] {
        let help = run(&[word]);
        assert_eq!((help.code(), help.stderr.as_str()), (Some(0), ""));
        for option in [
            "--identity NAME",
            "--route LISTEN",
            "--upstream-idle DUR",
            "@FILE",
        ] {
            assert!(help.stdout.contains(option), "{option}");
        }
        let widest = help.stdout.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(80), "{widest:?}");
    }
}

#[test]
fn version_goes_to_stdout() {
    for word in ["--version", "-V"] {
        let version = run(&[word]);
        assert_eq!((version.code(), version.stderr.as_str()), (Some(0), ""));
        let expected = format!("egret {} (", env!("CARGO_PKG_VERSION"));
        assert!(version.stdout.starts_with(&expected), "{}", version.stdout);
    }
}

#[test]
fn a_reader_who_is_gone_is_no_reason_to_panic() {
    for (words, code) in [("--help", 1), ("--version", 1), ("--nonsense", 2)] {
        let script = format!("exec \"$0\" {words} >/dev/full 2>/dev/full");
        let ended = egret(&[]).through_shell(&script).run();
        assert_eq!(ended.code(), Some(code), "{words}");
    }
}

// ---- options: exit code 2 ----

#[test]
fn every_mistake_is_told_at_once_in_a_line_of_its_own() {
    let ended = run(&[
        "--route",
        "8080,to=http://x,identity=none",
        "--route=8081,to=https://x,identity=nobody",
        "--identity",
        "x,cert=a,cert=b",
        "--identity=y,connections=65",
        "--header-timeout",
        "soon",
        "--max-header=1m",
        "--nonsense",
        "--admin=localhost:9",
    ]);
    assert_eq!((ended.code(), ended.stdout.as_str()), (Some(2), ""));
    let lines: Vec<_> = ended.stderr.lines().collect();
    assert!(
        lines.iter().all(|line| line.starts_with("egret: ")),
        "{lines:#?}"
    );
    for parts in [
        ["--route \"8080,to=http://x,identity=none\"", "https://"],
        ["--route \"8081,to=https://x,identity=nobody\"", "nobody"],
        ["--identity \"x,cert=a,cert=b\"", "cert="],
        ["--identity \"y,connections=65\"", "64"],
        ["--header-timeout \"soon\"", "500ms"],
        ["--max-header \"1m\"", "32"],
        ["--nonsense", "unknown"],
        ["--admin \"localhost:9\"", "an address, not a name"],
    ] {
        let told = |line: &&&str| parts.iter().all(|part| line.contains(part));
        assert_eq!(
            lines.iter().filter(told).count(),
            1,
            "{parts:?} in {lines:#?}"
        );
    }
    assert_eq!(lines.len(), 8, "{lines:#?}");
}

#[test]
fn without_a_route_there_is_nothing_to_do() {
    for words in [&[][..], &["run"], &["check"], &["--identity", "x"]] {
        let ended = run(words);
        assert_eq!(ended.code(), Some(2), "{words:?}");
        assert!(ended.stderr.starts_with("egret: "), "{}", ended.stderr);
        assert!(ended.stderr.contains("--route"), "{}", ended.stderr);
    }
}

#[test]
fn mistakes_in_options_and_in_a_file_of_options_end_alike() {
    let world = World::new();
    let file = world
        .dir
        .write("options", "--route 'unclosed\n--max-clients 0\n");
    let missing = world.dir.file("missing");
    let ended = run(&[
        &format!("@{}", file.display()),
        &format!("@{}", missing.display()),
        "--max-clients=0",
    ]);
    assert_eq!(ended.code(), Some(2));
    for part in ["/options", "/missing", "--max-clients \"0\""] {
        let told = ended
            .stderr
            .lines()
            .filter(|line| line.contains(part))
            .count();
        assert_eq!(told, 1, "{part} in {}", ended.stderr);
    }
}

// ---- @FILE ----

#[test]
fn a_file_of_options_is_read_as_a_shell_would_read_it() {
    let world = World::new();
    let upstream = world.upstream().start();
    let text = format!(
        "# who we are\n--identity={}\n\n--ca \\\n  '{}' # and whom we trust\nrun_is_no_word\n",
        world.device("meter"),
        world.ca
    );
    let text = text.replace("run_is_no_word", "\"--log\" inf'o'");
    let file = world.dir.write("options", &text);
    let egret = egret(&["run", &format!("@{}", file.display())])
        .route(&format!("to={},identity=meter", upstream.url()))
        .start();
    let answer = get(egret.addr(0), "/");
    assert_eq!(answer.echo("client_subject").as_deref(), Some("CN=meter"));
}

// ---- files ----

const GARBAGE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

#[test]
fn when_no_identity_can_work_the_start_ends_with_3() {
    let world = World::new();
    let bad = world.dir.write("bad.crt", GARBAGE);
    let identity = format!("x,cert={}", bad.display());
    let ended = egret(&[])
        .ca(&world.ca)
        .identity(&identity)
        .route("to=https://localhost:1,identity=x")
        .run();
    assert_eq!(ended.code(), Some(3));
    assert!(
        ended.stderr.contains("identity \"x\" is not available: "),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("bad.crt"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("listening on"), "{}", ended.stderr);
}

#[test]
fn a_file_that_is_missing_is_waited_for() {
    let world = World::new();
    let upstream = world.upstream().start();
    let option = world.device("late");
    let (cert, key) = (world.dir.file("late.crt"), world.dir.file("late.key"));
    let away = world.dir.file("away");
    fs::rename(&cert, &away).expect("renamed");
    let egret = egret(&[])
        .ca(&world.ca)
        .identity(&option)
        .route(&format!("to={},identity=late", upstream.url()))
        .start();
    let refused = get(egret.addr(0), "/");
    assert_eq!(refused.status, 503);
    let text = refused.text();
    assert!(
        text.starts_with("503 identity \"late\": not available: "),
        "{text}"
    );
    assert!(text.contains("late.crt"), "{text}");
    assert!(refused.header("retry-after").is_some());
    let proxy_status = refused.header("proxy-status").unwrap_or_default();
    assert!(proxy_status.starts_with("egret; error=proxy_configuration_error; "));
    assert!(key.exists());
    fs::rename(&away, &cert).expect("renamed");
    egret.signal("HUP");
    egret.wait_line("reloaded identity \"late\": epoch 1");
    let answer = get(egret.addr(0), "/");
    assert_eq!(answer.echo("client_subject").as_deref(), Some("CN=late"));
}

#[test]
fn of_three_identities_the_two_with_good_files_serve() {
    let world = World::new();
    let upstream = world.upstream().start();
    let bad = world.dir.write("bad.crt", GARBAGE);
    let egret = egret(&[])
        .ca(&world.ca)
        .identity(&world.device("one"))
        .identity(&format!("two,cert={}", bad.display()))
        .identity(&world.device("three"))
        .route(&format!("to={},identity=one", upstream.url()))
        .route(&format!("to={},identity=two", upstream.url()))
        .route(&format!("to={},identity=three", upstream.url()))
        .start();
    for _ in 0..2 {
        for (number, name) in [(0, "CN=one"), (2, "CN=three")] {
            let answer = get(egret.addr(number), "/");
            assert_eq!(answer.echo("client_subject").as_deref(), Some(name));
        }
        let refused = get(egret.addr(1), "/");
        assert_eq!(refused.status, 503);
        assert!(refused.text().contains("bad.crt"), "{}", refused.text());
    }
    let log = egret.log();
    let told = log
        .lines()
        .filter(|line| line.contains("identity \"two\" is not available"));
    assert_eq!(told.count(), 1);
    assert_eq!(upstream.seen().len(), 4);
}

#[test]
fn an_identity_that_no_route_uses_is_said_and_not_read() {
    let world = World::new();
    let bad = world.dir.write("bad.crt", GARBAGE);
    let egret = egret(&[])
        .ca(&world.ca)
        .identity(&format!("spare,cert={}", bad.display()))
        .route("to=https://localhost:1,identity=none")
        .start();
    egret.wait_line("identity \"spare\" is used by no route");
    assert!(!egret.log().contains("bad.crt"));
}

// ---- the log ----

#[test]
fn the_log_has_the_level_that_was_asked_for() {
    let world = World::new();
    let lines = |level: &str| {
        let mut egret = egret(&["--log", level])
            .ca(&world.ca)
            .option("--route", ROUTE)
            .spawn();
        support::wait_until("it handles signals", || handles_sigterm(egret.pid()));
        egret.signal("TERM");
        assert_eq!(egret.wait_exit().code(), Some(0));
        egret.log()
    };
    assert_eq!(
        (lines("off"), lines("error"), lines("warn")),
        Default::default()
    );
    let info = lines("info");
    assert!(
        info.contains(" info  listening on ") && !info.contains(" debug "),
        "{info}"
    );
    // A line begins with the time, as 2026-01-31T12:00:00Z.
    assert!(
        info.lines()
            .all(|line| line.as_bytes().get(19..21) == Some(b"Z ")),
        "{info}"
    );
}

/// SigCgt in /proc/PID/status: the signals that a process has handlers for.
fn handles_sigterm(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    caught.is_some_and(|mask| mask & (1 << 14) != 0)
}

#[test]
fn under_a_journal_a_line_has_a_priority_and_no_time() {
    let world = World::new();
    let named = "JOURNAL_STREAM=$(stat -L -c %d:%i /dev/stderr) exec \"$0\" \"$@\"";
    let other = "JOURNAL_STREAM=1:2 exec \"$0\" \"$@\"";
    for (script, start) in [(named, "<6>listening on "), (other, "20")] {
        let egret = egret(&[])
            .through_shell(script)
            .ca(&world.ca)
            .route("to=https://localhost:1,identity=none")
            .start();
        let line = egret.wait_line("listening on");
        assert!(line.starts_with(start), "{line}");
    }
}
