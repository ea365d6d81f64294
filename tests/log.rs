//! The log, and who reads it.

mod support;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use support::client::Client;
use support::egret::Egret;
use support::world::World;

/// Stands between egret and whoever reads its log, and can be made to stall.
struct Reader {
    pid_file: PathBuf,
}

impl Reader {
    /// egret's standard error is a pipe of which `cat` reads.
    const SCRIPT: &str = r#"mkfifo "$PIPE"; cat <"$PIPE" >&2 & echo $! >"$PIPE.pid"
        exec "$0" "$@" 2>"$PIPE""#;

    fn signal(&self, name: &str) {
        let pid = fs::read_to_string(&self.pid_file).expect("a number");
        let mut kill = Command::new("kill");
        let sent = kill.arg(format!("-{name}")).arg(pid.trim()).status();
        assert!(sent.expect("kill").success());
    }
}

impl Drop for Reader {
    /// It ends when egret does, but not while it stalls.
    fn drop(&mut self) {
        self.signal("CONT");
    }
}

#[test]
fn a_reader_that_stalls_is_not_waited_for_and_is_told_how_much_it_missed() {
    let world = World::new();
    let pipe = world.dir.path().join("pipe");
    // Nothing listens there: each request is a line of the log.
    let egret = Egret::builder(env!("CARGO_BIN_EXE_egret"))
        .ca(&world.ca)
        .route("to=https://127.0.0.1:1,identity=none")
        .through_shell(Reader::SCRIPT)
        .env("PIPE", &pipe.to_string_lossy())
        .start();
    let reader = Reader {
        pid_file: pipe.with_extension("pid"),
    };
    let mut client = Client::connect(egret.addr(0));
    reader.signal("STOP");
    // A pipe holds 64 KiB, and a line has more than 100 bytes.
    let requests = 1200;
    for _ in 0..requests {
        assert_eq!(client.get("/").expect("an answer").status, 502);
    }
    reader.signal("CONT");
    let told = (0..20_000).any(|_| {
        assert_eq!(client.get("/").expect("an answer").status, 502);
        egret.log().contains("lines were lost")
    });
    assert!(told, "{}", egret.log());
    let log = egret.log();
    let told = log.lines().find(|line| line.contains("lines were lost"));
    let told = told.expect("it was found");
    assert!(told.contains("warn  log: "), "{told}");
    let lost: usize = told
        .split(' ')
        .find_map(|word| word.parse().ok())
        .expect("a number");
    let written = log.lines().take_while(|line| *line != told);
    let written = written.filter(|line| line.contains(" 502 ") || line.contains("127.0.0.1:1:"));
    assert!(lost > 0 && written.count() + lost >= requests, "{log}");
}
