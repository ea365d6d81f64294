//! Files that change while egret runs, without a signal and with one: however they are written,
//! the new ones take the place of the old once they are whole, and the log says so once.

mod support;

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use support::certs::Leaf;
use support::client;
use support::egret::{Builder, Egret};
use support::upstream::{Seen, Upstream};
use support::world::World;

const EGRET: &str = env!("CARGO_BIN_EXE_egret");

/// Only a signal has files looked at.
const NEVER: &str = "0";
/// Files are looked at all the time.
const OFTEN: &str = "10ms";

/// What the log says at `--log debug` when egret saw files that do not load yet.
const UNSETTLED: &str = "identity \"x\": its files may yet be in the middle of a change: ";
const FAILED: &str = "reload of identity \"x\" failed, keeping epoch ";

/// A place for requests as the identity `x`.
struct Setting {
    egret: Egret,
    upstream: Upstream,
    world: World,
}

/// Starts egret with the identity `x` of this option, whose files are there.
fn start(world: World, identity: &str, interval: &str) -> Setting {
    start_with(world, identity, |egret| {
        egret.option("--reload-interval", interval)
    })
}

fn start_with(world: World, identity: &str, with: impl FnOnce(Builder) -> Builder) -> Setting {
    age(world.dir.path());
    let upstream = world.upstream().start();
    let egret = Egret::builder(EGRET)
        .ca(&world.ca)
        .option("--log", "debug")
        .identity(identity)
        .route(&format!("to={},identity=x", upstream.url()));
    Setting {
        egret: with(egret).start(),
        upstream,
        world,
    }
}

/// Makes the files of a folder look as if they had been there for long: what was just written is
/// read again even if it looks the same.
fn age(folder: &Path) {
    let long_ago = SystemTime::now() - Duration::from_secs(3600);
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            age(&path);
        } else {
            let file = File::options().write(true).open(path);
            let aged = file.and_then(|file| file.set_modified(long_ago));
            aged.expect("a time");
        }
    }
}

impl Setting {
    /// What the upstream saw of a request.
    fn ask(&self) -> Seen {
        let answer = client::get(self.egret.addr(0), "/");
        assert_eq!(answer.status, 200, "{}", answer.text());
        self.upstream.last().expect("the request that was answered")
    }

    /// Requests come as this subject, and the log has told of so many epochs and failures of `x`.
    fn is_now(&self, subject: &str, epoch: u32, failures: usize) {
        assert_eq!(self.ask().client_subject.as_deref(), Some(subject));
        let reloads = self.count("reloaded identity \"x\": epoch ");
        let told = (reloads, self.count(FAILED));
        assert_eq!(told, (epoch as usize - 1, failures));
    }

    fn count(&self, part: &str) -> usize {
        let log = self.egret.log();
        log.lines().filter(|line| line.contains(part)).count()
    }

    fn wait_for_epoch(&self, epoch: u32) {
        let line = format!("reloaded identity \"x\": epoch {epoch}, ");
        self.egret.wait_line(&line);
    }

    fn wait_for_lines(&self, part: &str, count: usize) {
        let has = |line: &&String| line.contains(part);
        self.egret
            .wait_log(|lines| lines.iter().filter(has).count() >= count);
    }
}

fn device(world: &World, name: &str) -> Leaf {
    world.devices.client(name)
}

/// Certificate and key as one text.
fn device_in_one(world: &World, name: &str) -> String {
    let leaf = device(world, name);
    leaf.cert_pem + &leaf.key_pem
}

/// `x` with these files.
fn identity(cert: &Path, key: &Path) -> String {
    format!("x,cert={},key={}", cert.display(), key.display())
}

/// Writes into the file that is there, as `cat >FILE` does.
fn in_place(file: &Path, contents: &str) {
    fs::write(file, contents).expect("written");
}

// ---- ways to write ----

#[test]
fn files_renamed_over_the_former_are_seen() {
    let world = World::new();
    let option = world.device("x");
    let it = start(world, &option, OFTEN);
    for epoch in 2..=5 {
        let name = format!("r{epoch}");
        it.world.dir.identity("x", &device(&it.world, &name));
        it.wait_for_epoch(epoch);
        it.is_now(&format!("CN={name}"), epoch, 0);
    }
}

#[test]
fn files_written_in_place_are_seen() {
    let world = World::new();
    let option = world.device("x");
    let it = start(world, &option, OFTEN);
    let (cert, key) = (it.world.dir.file("x.crt"), it.world.dir.file("x.key"));
    for epoch in 2..=5 {
        let name = format!("r{epoch}");
        let leaf = device(&it.world, &name);
        // Either order is somebody's.
        if epoch % 2 == 0 {
            in_place(&cert, &leaf.cert_pem);
            in_place(&key, &leaf.key_pem);
        } else {
            in_place(&key, &leaf.key_pem);
            in_place(&cert, &leaf.cert_pem);
        }
        it.wait_for_epoch(epoch);
        it.is_now(&format!("CN={name}"), epoch, 0);
    }
}

#[test]
fn a_file_of_the_same_size_and_time_is_seen_when_it_was_just_written() {
    let world = World::new();
    let padded = |name: &str| format!("{:4096}", device_in_one(&world, name));
    let (one, two) = (padded("one"), padded("two"));
    let file = world.dir.write("x.pem", &device_in_one(&world, "zero"));
    let it = start(world, &format!("x,cert={}", file.display()), "300ms");
    it.world.dir.write("x.pem", &one);
    it.wait_for_epoch(2);
    let modified = fs::metadata(&file).and_then(|file| file.modified());
    let mut open = File::options().write(true).open(&file).expect("a file");
    open.write_all(two.as_bytes()).expect("written");
    open.set_modified(modified.expect("a time"))
        .expect("a time");
    it.wait_for_epoch(3);
    it.is_now("CN=two", 3, 0);
}

/// A folder as Kubernetes mounts secrets: the files are links into `..data`, a link to the folder
/// of the day, which is replaced in one step.
struct Mount {
    folder: PathBuf,
    version: u32,
}

impl Mount {
    fn new(folder: PathBuf, leaf: &Leaf) -> Self {
        fs::create_dir(&folder).expect("a folder");
        let mut mount = Self { folder, version: 0 };
        mount.update(leaf);
        for name in ["tls.crt", "tls.key"] {
            let target = Path::new("..data").join(name);
            symlink(target, mount.folder.join(name)).expect("a link");
        }
        mount
    }

    fn update(&mut self, leaf: &Leaf) {
        let former = self.path(&format!("..2026_{}", self.version));
        self.version += 1;
        let name = format!("..2026_{}", self.version);
        fs::create_dir(self.path(&name)).expect("a folder");
        fs::write(self.path(&name).join("tls.crt"), &leaf.cert_pem).expect("written");
        fs::write(self.path(&name).join("tls.key"), &leaf.key_pem).expect("written");
        symlink(&name, self.path("..data_tmp")).expect("a link");
        fs::rename(self.path("..data_tmp"), self.path("..data")).expect("renamed");
        if self.version > 1 {
            fs::remove_dir_all(former).expect("removed");
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

#[test]
fn a_folder_that_kubernetes_swaps_is_seen() {
    let world = World::new();
    let mut mount = Mount::new(world.dir.file("mount"), &device(&world, "first"));
    let option = identity(&mount.path("tls.crt"), &mount.path("tls.key"));
    let it = start(world, &option, OFTEN);
    it.is_now("CN=first", 1, 0);
    for epoch in 2..=5 {
        let name = format!("r{epoch}");
        mount.update(&device(&it.world, &name));
        it.wait_for_epoch(epoch);
        it.is_now(&format!("CN={name}"), epoch, 0);
    }
}

#[test]
fn links_that_certbot_turns_are_seen() {
    let world = World::new();
    let (live, archive) = (world.dir.file("live/x"), world.dir.file("archive/x"));
    fs::create_dir_all(&live).expect("a folder");
    fs::create_dir_all(&archive).expect("a folder");
    let renew = |number: u32, leaf: &Leaf| {
        for (name, contents) in [("fullchain", &leaf.cert_pem), ("privkey", &leaf.key_pem)] {
            let target = format!("{name}{number}.pem");
            fs::write(archive.join(&target), contents).expect("written");
            let link = live.join(format!("{name}.pem"));
            if number > 1 {
                fs::remove_file(&link).expect("removed");
            }
            symlink(Path::new("../../archive/x").join(target), link).expect("a link");
        }
    };
    renew(1, &device(&world, "first"));
    let option = identity(&live.join("fullchain.pem"), &live.join("privkey.pem"));
    let it = start(world, &option, OFTEN);
    it.is_now("CN=first", 1, 0);
    for epoch in 2..=5 {
        let name = format!("r{epoch}");
        renew(epoch, &device(&it.world, &name));
        it.wait_for_epoch(epoch);
        it.is_now(&format!("CN={name}"), epoch, 0);
    }
}

// ---- half-written files ----

#[test]
fn a_certificate_whose_key_follows_soon_is_one_reload_and_no_failure() {
    let world = World::new();
    let option = world.device("x");
    let it = start(world, &option, OFTEN);
    let leaf = device(&it.world, "second");
    it.world.dir.write("x.crt", &leaf.cert_pem);
    it.egret.wait_line(UNSETTLED);
    // Meanwhile there is no reason to be without.
    it.is_now("CN=x", 1, 0);
    it.world.dir.write("x.key", &leaf.key_pem);
    it.wait_for_epoch(2);
    it.is_now("CN=second", 2, 0);
}

#[test]
fn a_certificate_whose_key_is_late_is_one_failure_and_then_a_reload() {
    let world = World::new();
    let option = world.device("x");
    let it = start(world, &option, OFTEN);
    let leaf = device(&it.world, "second");
    it.world.dir.write("x.crt", &leaf.cert_pem);
    let line = it.egret.wait_line(FAILED);
    assert!(line.contains("keeping epoch 1: "), "{line}");
    assert!(
        line.contains("x.key: this key (P-256) is not the key of"),
        "{line}"
    );
    it.is_now("CN=x", 1, 1);
    it.world.dir.write("x.key", &leaf.key_pem);
    it.wait_for_epoch(2);
    it.is_now("CN=second", 2, 1);
}

#[test]
fn a_file_that_grows_as_it_is_written_is_one_reload_and_no_failure() {
    let world = World::new();
    let file = world.dir.write("x.pem", &device_in_one(&world, "x"));
    let it = start(world, &format!("x,cert={}", file.display()), OFTEN);
    let text = device_in_one(&it.world, "second");
    let mut open = File::create(&file).expect("a file");
    for part in text.as_bytes().chunks(text.len() / 3 + 1) {
        let seen = it.count(UNSETTLED);
        it.wait_for_lines(UNSETTLED, seen + 1);
        open.write_all(part).expect("written");
    }
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
