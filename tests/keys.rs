//! Keys stay where they are: the process cannot be dumped or looked into, and nothing that egret
//! prints, logs, counts, shows or writes has any part of a key in it.

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustix::process::geteuid;
use support::certs::Leaf;
use support::client;
use support::egret::{Builder, Egret, Finished};
use support::logger::{Logger, logging_to};
use support::upstream::{ClientAuth, Versions};
use support::world::World;

const EGRET: &str = env!("CARGO_BIN_EXE_egret");

/// Somebody who is not root.
const NOBODY: u32 = 65534;

fn status_field(egret: &Egret, name: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{}/status", egret.pid())).ok()?;
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(value.trim().to_owned())
}

/// egret as a user who is not root, with a copy of the program and files of that user's.
fn unprivileged(world: &World, identity: &str) -> Builder {
    if !geteuid().is_root() {
        return Egret::builder(EGRET);
    }
    let program = world.dir.file("egret");
    fs::copy(EGRET, &program).expect("a copy");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a mode");
    chown(world.dir.path(), Some(NOBODY), Some(NOBODY)).expect("another owner");
    for file in identity.split(',').filter_map(|part| part.split_once('=')) {
        chown(file.1, Some(NOBODY), Some(NOBODY)).expect("another owner");
    }
    chown(&world.ca, Some(NOBODY), Some(NOBODY)).expect("another owner");
    Egret::builder("setpriv")
        .arg("--reuid=65534")
        .arg("--regid=65534")
        .arg("--clear-groups")
        .arg(&program.display().to_string())
}

#[test]
fn the_process_is_closed_to_its_own_user_and_does_its_work_all_the_same() {
    let world = World::new();
    let upstream = world.upstream().start();
    let identity = world.device("meter");
    let pid_file = world.dir.file("egret.pid");
    let egret = unprivileged(&world, &identity)
        .ca(&world.ca)
        .identity(&identity)
        .route(&format!("to={},identity=meter", upstream.url()))
        .option("--pidfile", &pid_file.display().to_string())
        .start();
    // The kernel gives root what belongs to a process that cannot be dumped (proc(5)).
    let environment = format!("/proc/{}/environ", egret.pid());
    assert_eq!(fs::metadata(environment).expect("a process").uid(), 0);
    assert_eq!(
        status_field(&egret, "Uid:").map(|ids| ids.starts_with("0\t")),
        Some(false)
    );
    assert_eq!(status_field(&egret, "NoNewPrivs:").as_deref(), Some("1"));

    let answer = client::get(egret.addr(0), "/");
    assert_eq!(answer.echo("client_subject").as_deref(), Some("CN=meter"));
    assert!(egret.descriptors_as_told() > 3, "it counts its own");
    let pid = fs::read_to_string(&pid_file).expect("a pid file");
    assert_eq!(pid.trim(), egret.pid().to_string());
    if geteuid().is_root() {
        let dump = format!(
            "cat /proc/{0}/maps >/dev/null || ls /proc/{0}/fd",
            egret.pid()
        );
        let look = Command::new("setpriv")
            .args([
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
                "sh",
                "-c",
                &dump,
            ])
            .output()
            .expect("setpriv");
        assert!(!look.status.success(), "its own user can look into it");
    }
}

/// All forms in which a part of a secret may be printed.
struct Secret {
    forms: Vec<String>,
}

/// Bytes of a secret that are as good as the whole in finding it.
const PART: usize = 8;

impl Secret {
    fn of_bytes(bytes: &[u8]) -> Self {
        let mut forms = Vec::new();
        for part in bytes.windows(PART) {
            let joined = |form: fn(&u8) -> String, between: &str| {
                part.iter().map(form).collect::<Vec<_>>().join(between)
            };
            forms.push(joined(|byte| format!("{byte:02x}"), ""));
            forms.push(joined(|byte| format!("{byte:02X}"), ""));
            forms.push(joined(|byte| format!("{byte:02x}"), ":"));
            forms.push(joined(|byte| byte.to_string(), ", "));
            forms.push(String::from_utf8_lossy(part).into_owned());
        }
        let encoded = STANDARD.encode(bytes);
        forms.extend(parts_of_text(encoded.trim_end_matches('=')));
        Self { forms }
    }

    /// A P-256 key in PKCS#8: what is secret of it, alone and as the file has it.
    fn of_key(leaf: &Leaf) -> Self {
        /// Before the secret number: algorithm and lengths, which all keys have in common.
        const HEAD: usize = 36;
        const NUMBER: usize = 32;
        let der = leaf.key().secret_der().to_vec();
        let mut secret = Self::of_bytes(&der[HEAD..HEAD + NUMBER]);
        let body: String = leaf
            .key_pem
            .lines()
            .filter(|line| !line.contains('-'))
            .collect();
        let (first, last) = (HEAD / 3 * 4, (HEAD + NUMBER) / 3 * 4);
        secret.forms.extend(parts_of_text(&body[first..last]));
        secret
    }

    fn assert_not_in(&self, printed: &str) {
        let found = self.forms.iter().find(|form| printed.contains(*form));
        assert_eq!(found, None, "a part of a secret was printed:\n{printed}");
    }
}

fn parts_of_text(text: &str) -> impl Iterator<Item = String> {
    let bytes: Vec<u8> = text.bytes().collect();
    let parts = bytes.windows(PART + PART / 2);
    let parts: Vec<_> = parts
        .map(|part| String::from_utf8_lossy(part).into_owned())
        .collect();
    parts.into_iter()
}

#[test]
fn a_secret_is_found_in_every_form() {
    let world = World::new();
    let leaf = world.devices.client("meter");
    let secret = Secret::of_key(&leaf);
    let key = leaf.key();
    let number = &key.secret_der()[36..68];
    let line = leaf.key_pem.lines().nth(2).expect("a second line");
    let spoken = [
        format!("{number:?}"),
        format!("{number:02x?}").replace(", ", ""),
        STANDARD.encode(number),
        line[..20].to_owned(),
    ];
    for text in spoken {
        let found = std::panic::catch_unwind(|| secret.assert_not_in(&text));
        assert!(found.is_err(), "{text}");
    }
    secret.assert_not_in(&leaf.cert_pem);
}

/// All that a run printed and answered.
fn printed(finished: &Finished) -> String {
    format!("{}{}", finished.stdout, finished.stderr)
}

#[test]
fn neither_logs_nor_answers_have_a_part_of_a_key_or_a_session_in_them() {
    for versions in [Versions::Only12, Versions::Only13] {
        let world = World::new();
        let leaf = world.devices.client("meter");
        let identity = world.dir.identity("meter", &leaf);
        let key_log = world.dir.file("keys.log");
        let upstream = world.upstream().versions(versions).start();
        let refusing = world
            .upstream()
            .versions(versions)
            .client_auth(ClientAuth::Refused(rustls::CertificateError::Revoked))
            .start();
        let mut egret = Egret::builder(EGRET)
            .ca(&world.ca)
            .identity(&identity)
            .route(&format!("to={},identity=meter", upstream.url()))
            .route(&format!("to={},identity=meter", refusing.url()))
            .option("--upstream-idle", "0")
            .option("--log", "trace")
            .option("--keylog", &key_log.display().to_string())
            .arg("--access-log")
            .admin_at("127.0.0.9:0")
            .start();
        let mut answers = String::new();
        for number in [0, 0, 1] {
            answers += &client::get(egret.addr(number), "/").text();
        }
        assert!(
            upstream.resumed_handshakes() > 0 && answers.contains("revoked"),
            "{answers}"
        );
        egret.signal("USR1");
        // What people do to files, while it runs.
        let key = leaf.key_pem.clone();
        for mangled in [&key[..key.len() / 2], &key.replace("PRIVATE", "SECRET")] {
            world.dir.write("meter.key", mangled);
            let failed = |lines: &[String]| {
                lines
                    .iter()
                    .filter(|line| line.contains("keeping epoch 1"))
                    .count()
            };
            let mut before = 0;
            egret.wait_log(|lines| {
                before = failed(lines);
                true
            });
            egret.signal("HUP");
            egret.wait_log(|lines| failed(lines) > before);
        }
        let shown = ["/", "/status.json", "/metrics", "/healthz", "/readyz"];
        let shown = shown.map(|target| client::get(egret.admin(), target).text());
        assert!(
            shown[1].contains("meter.key"),
            "the fault is shown: {}",
            shown[1]
        );
        answers += &shown.concat();
        egret.signal("TERM");
        egret.wait_exit();
        let all = egret.log() + &egret.access_log().join("\n") + &answers;
        assert!(
            all.contains("debug rustls::client") && all.contains("process: descriptors="),
            "{all}"
        );
        Secret::of_key(&leaf).assert_not_in(&all);
        let secrets = fs::read_to_string(&key_log).expect("secrets of TLS");
        Secret::of_key(&leaf).assert_not_in(&secrets);
        let secrets: Vec<&str> = secrets
            .lines()
            .filter_map(|line| line.split(' ').nth(2))
            .collect();
        assert!(secrets.len() >= 3, "{secrets:?}");
        for secret in secrets {
            Secret::of_bytes(&from_hex(secret)).assert_not_in(&all);
        }
    }
}

#[test]
fn the_systems_logger_is_told_no_part_of_a_key() {
    let world = World::new();
    let leaf = world.devices.client("meter");
    let identity = world.dir.identity("meter", &leaf);
    let upstream = world.upstream().start();
    let logger = Logger::start(&world.dir);
    let egret = Egret::builder(EGRET)
        .ca(&world.ca)
        .identity(&identity)
        .option("--log", "trace")
        .arg("--access-log");
    let Some(egret) = logging_to(egret, &logger.path.display().to_string()) else {
        return;
    };
    let listen = world.dir.file("egret.sock");
    let route = format!("unix:{}", listen.display());
    let mut egret = egret
        .route_at(&route, &format!("to={},identity=meter", upstream.url()))
        .spawn();
    let ready = logger.wait_line("listening on");
    let lines = logger.gather();
    let answer = client::Client::connect_unix(&listen).get("/");
    assert_eq!(answer.expect("an answer").status, 200);
    world
        .dir
        .write("meter.key", &leaf.key_pem.replace("PRIVATE", "SECRET"));
    egret.signal("HUP");
    egret.signal("TERM");
    egret.wait_exit();
    // What no logger takes goes to standard error.
    let all = ready + &lines.end() + &egret.log();
    assert!(
        all.contains("rustls::client") && all.contains("status=200"),
        "{all}"
    );
    Secret::of_key(&leaf).assert_not_in(&all);
}

#[test]
fn check_and_probe_print_no_part_of_a_key_that_is_good() {
    let world = World::new();
    let leaf = world.devices.client("meter");
    let identity = world.dir.identity("meter", &leaf);
    let upstream = world.upstream().start();
    let commands: [&[&str]; 4] = [
        &["check"],
        &["probe"],
        &["probe", "--json"],
        &["probe", "--isolation"],
    ];
    for words in commands {
        let words = words.iter();
        let egret = words.fold(Egret::builder(EGRET), |egret, word| egret.arg(word));
        let finished = egret
            .ca(&world.ca)
            .identity(&identity)
            .option("--log", "trace")
            .route(&format!("to={},identity=meter", upstream.url()))
            .run();
        assert!(finished.stdout.contains("meter"), "{finished:?}");
        Secret::of_key(&leaf).assert_not_in(&printed(&finished));
    }
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.filter_map(byte).collect()
}

#[test]
fn a_key_in_the_place_of_another_file_is_not_shown() {
    let world = World::new();
    let leaf = world.devices.client("meter");
    world.dir.identity("meter", &leaf);
    let path = |name: &str| world.dir.file(name).display().to_string();
    let (cert, key) = (path("meter.crt"), path("meter.key"));
    let body: String = leaf
        .key_pem
        .lines()
        .filter(|line| !line.contains('-'))
        .collect();
    let bare = path_of(&world, "bare.key", &body);
    let cut = path_of(&world, "cut.key", &leaf.key_pem[..120]);
    let lines = path_of(
        &world,
        "lines.key",
        &leaf.key_pem.replace('\n', "\n--identity "),
    );
    let wrong: Vec<Vec<String>> = [&key, &bare, &cut, &lines]
        .into_iter()
        .flat_map(|file| {
            // Without its first line nothing tells a key from a word.
            let options = if *file == bare { &key } else { file };
            [
                vec![format!("@{options}")],
                vec!["--identity".to_owned(), format!("x,cert={file}")],
                vec!["--identity".to_owned(), format!("x,cert={file},key={cert}")],
                vec![
                    "--identity".to_owned(),
                    format!("x,cert={cert},key={file},ca={file}"),
                ],
                vec![
                    "--identity".to_owned(),
                    format!("x,cert={cert},key={key},crl={file}"),
                ],
                vec!["--ca".to_owned(), file.clone()],
            ]
        })
        .collect();
    let secret = Secret::of_key(&leaf);
    for options in wrong {
        for command in ["check", "probe"] {
            let mut builder = Egret::builder(EGRET).arg(command).option("--log", "trace");
            if !options.iter().any(|option| option == "--ca") {
                builder = builder.ca(&world.ca);
            }
            for option in &options {
                builder = builder.arg(option);
            }
            let identity = if options.concat().contains("x,") {
                "x"
            } else {
                "none"
            };
            let route = format!("127.0.0.1:0,to=https://localhost:1,identity={identity}");
            let finished = builder.option("--route", &route).run();
            assert_ne!(
                finished.code(),
                Some(0),
                "{options:?}: {}",
                printed(&finished)
            );
            secret.assert_not_in(&printed(&finished));
        }
    }
}

fn path_of(world: &World, name: &str, text: &str) -> String {
    let path: &Path = &world.dir.write(name, text);
    path.display().to_string()
}
