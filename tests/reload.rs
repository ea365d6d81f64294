//! Files that change while egret runs: however they are written, the new ones take the place of the
//! old once they are whole.

mod keeping;
mod support;

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use keeping::{FAILED, OFTEN, UNSETTLED, device, device_in_one, start};
use support::certs::Leaf;
use support::world::World;

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
fn an_idle_connection_that_ends_with_its_certificate_is_counted() {
    let world = World::new();
    let option = world.device("x");
    let mut it = start(world, &option, OFTEN);
    it.ask();
    it.world.dir.identity("x", &device(&it.world, "r2"));
    it.wait_for_epoch(2);
    it.egret.signal("TERM");
    it.egret.wait_exit();
    it.egret.wait_line("not kept epoch_ended=1");
}
