//! Files that change for the worse, or not at all, and the signal to look at them: the former ones
//! serve, and the log says so once.

mod keeping;
mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use keeping::{EGRET, FAILED, NEVER, OFTEN, Setting, UNSETTLED, device, start, start_with};
use support::certs::Leaf;
use support::egret::Egret;
use support::world::World;

// ---- bad files ----

/// A second identity, whose reloads show that the files of `x`, which come first, were looked at.
struct Looks {
    device: Leaf,
    other: Leaf,
    done: u32,
}

impl Looks {
    fn new(world: &World) -> Self {
        Self {
            device: device(world, "y"),
            other: device(world, "other"),
            done: 1,
        }
    }

    fn option(&self, world: &World) -> String {
        let text = format!("{}{}", self.device.cert_pem, self.device.key_pem);
        let file = world.dir.write("y.pem", &text);
        format!("y,cert={}", file.display())
    }

    /// Returns when files were looked at so many times.
    fn wait(&mut self, it: &Setting, count: u32) {
        for _ in 0..count {
            self.done += 1;
            std::mem::swap(&mut self.device, &mut self.other);
            self.option(&it.world);
            let line = format!("reloaded identity \"y\": epoch {}, ", self.done);
            it.egret.wait_line(&line);
        }
    }
}

fn start_with_looks(world: World) -> (Setting, Looks) {
    let looks = Looks::new(&world);
    let (x, y) = (world.device("x"), looks.option(&world));
    let it = start_with(world, &x, |egret| {
        egret
            .option("--reload-interval", OFTEN)
            .identity(&y)
            .route("to=https://localhost:1,identity=y")
    });
    (it, looks)
}

#[test]
fn a_bad_file_is_told_of_once_for_each_change_however_often_it_is_looked_at() {
    let (it, mut looks) = start_with_looks(World::new());
    let truncated = device(&it.world, "second").cert_pem;
    let truncated = &truncated[..truncated.len() / 2];
    for (failures, (bad, why)) in (1..).zip([
        (truncated, "truncated"),
        ("not a certificate\n", "PEM"),
        ("nor is this one\n", "PEM"),
    ]) {
        it.world.dir.write("x.crt", bad);
        it.wait_for_lines(FAILED, failures);
        looks.wait(&it, 5);
        it.is_now("CN=x", 1, failures);
        let log = it.egret.log();
        let last = log.lines().rfind(|line| line.contains(FAILED));
        let last = last.expect("a line");
        assert!(last.contains("x.crt: ") && last.contains(why), "{last}");
    }
}

#[test]
fn a_file_that_is_gone_is_told_of_once_and_the_former_serves_until_it_is_back() {
    let (it, mut looks) = start_with_looks(World::new());
    let key = it.world.dir.file("x.key");
    fs::remove_file(&key).expect("removed");
    let line = it.egret.wait_line(FAILED);
    assert!(line.contains("x.key: no such file"), "{line}");
    looks.wait(&it, 5);
    it.is_now("CN=x", 1, 1);
    it.world.dir.identity("x", &device(&it.world, "second"));
    it.wait_for_epoch(2);
    it.is_now("CN=second", 2, 1);
}

/// Has egret obey the modes of files: root reads everything.
const AS_ANYBODY: &str = r#"
    [ "$(id -u)" = 0 ] || exec "$0" "$@"
    exec setpriv --bounding-set=-dac_override,-dac_read_search "$0" "$@"
"#;

#[test]
fn a_file_that_may_be_read_again_is_found_although_it_looks_as_it_did() {
    let world = World::new();
    let option = world.device("x");
    let it = start_with(world, &option, |egret| {
        let egret = egret.through_shell(AS_ANYBODY);
        egret.option("--reload-interval", OFTEN)
    });
    let key = it.world.dir.file("x.key");
    let allow = |mode| fs::set_permissions(&key, Permissions::from_mode(mode)).expect("a mode");
    allow(0o000);
    it.egret.signal("HUP");
    let line = it.egret.wait_line(FAILED);
    assert!(line.contains("x.key: permission denied; "), "{line}");
    it.is_now("CN=x", 1, 1);
    allow(0o600);
    it.egret
        .wait_line("identity \"x\" unchanged, keeping epoch 1");
    it.is_now("CN=x", 1, 1);
}

#[test]
fn the_former_file_put_back_is_unchanged_and_its_connections_live_on() {
    let world = World::new();
    let option = world.device("x");
    let it = start(world, &option, OFTEN);
    let cert = it.world.dir.file("x.crt");
    let former = fs::read_to_string(&cert).expect("a file");
    assert_eq!(it.ask().connection, 1);
    it.world.dir.write("x.crt", "not a certificate\n");
    it.egret.wait_line(FAILED);
    it.world.dir.write("x.crt", &former);
    it.egret
        .wait_line("identity \"x\" unchanged, keeping epoch 1");
    it.is_now("CN=x", 1, 1);
    assert_eq!(it.ask().connection, 1);
}

// ---- signals ----

#[test]
fn a_signal_with_nothing_changed_keeps_epoch_sessions_and_connections() {
    for (upstream_idle, pooled) in [("0", false), ("30s", true)] {
        let world = World::new();
        let option = world.device("x");
        let it = start_with(world, &option, |egret| {
            egret
                .option("--upstream-idle", upstream_idle)
                .option("--reload-interval", NEVER)
        });
        for epoch in 2..=3 {
            it.world.dir.identity("x", &device(&it.world, "x"));
            it.egret.signal("HUP");
            it.wait_for_epoch(epoch);
        }
        let before = it.ask();
        it.egret.signal("HUP");
        it.egret
            .wait_line("identity \"x\" unchanged, keeping epoch 3");
        let after = it.ask();
        assert_eq!((before.resumed, before.connection), (false, 1));
        let kept = (after.resumed, after.connection == before.connection);
        assert_eq!(kept, (!pooled, pooled), "{after:?}");
        it.is_now("CN=x", 3, 0);
    }
}

#[test]
fn two_signals_at_once_are_one_reload() {
    let world = World::new();
    let option = world.device("x");
    let it = start(world, &option, NEVER);
    it.world.dir.identity("x", &device(&it.world, "second"));
    it.egret.signal("HUP");
    it.egret.signal("HUP");
    it.wait_for_epoch(2);
    it.egret.signal("HUP");
    it.egret
        .wait_line("identity \"x\" unchanged, keeping epoch 2");
    it.is_now("CN=second", 2, 0);
}

#[test]
fn without_an_interval_only_a_signal_has_files_looked_at() {
    let world = World::new();
    let option = world.device("x");
    let it = start(world, &option, NEVER);
    // Another, with the same files, shows that there was time enough.
    let other = Egret::builder(EGRET)
        .ca(&it.world.ca)
        .identity(&option)
        .route("to=https://localhost:1,identity=x")
        .option("--reload-interval", OFTEN)
        .start();
    for epoch in 2..=6 {
        it.world.dir.identity("x", &device(&it.world, "second"));
        other.wait_line(&format!("reloaded identity \"x\": epoch {epoch}, "));
    }
    it.is_now("CN=x", 1, 0);
    it.egret.signal("HUP");
    it.wait_for_epoch(2);
    it.is_now("CN=second", 2, 0);
}

#[test]
fn a_stop_does_not_wait_for_files_that_may_yet_change() {
    let world = World::new();
    let option = world.device("x");
    let mut it = start(world, &option, NEVER);
    it.world.dir.write("x.crt", "");
    it.egret.signal("HUP");
    it.egret.wait_line(UNSETTLED);
    it.egret.signal("TERM");
    assert_eq!(it.egret.wait_exit().code(), Some(0));
    // That line comes at the end of the wait.
    assert_eq!(it.count(FAILED), 0);
}
