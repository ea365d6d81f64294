//! `--pidfile`: when it is there, whose it is, and what stands in its way.

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use support::client::get;
use support::egret::{Builder, Egret};
use support::gate::Gate;
use support::upstream::{Reply, Seen, Step};
use support::world::World;

const EGRET: &str = env!("CARGO_BIN_EXE_egret");

fn egret(world: &World, file: &Path) -> Builder {
    Egret::builder(EGRET)
        .ca(&world.ca)
        .route("to=https://localhost:1,identity=none")
        .option("--pidfile", &file.display().to_string())
}

/// Starts it and waits until it wrote its number.
fn start(world: &World, file: &Path) -> Egret {
    let egret = egret(world, file).start();
    let line = format!("{}\n", egret.pid());
    support::wait_until("its number is there", || {
        fs::read_to_string(file).is_ok_and(|text| text == line)
    });
    egret
}

fn stop(egret: &mut Egret) {
    egret.signal("TERM");
    assert_eq!(egret.wait_exit().code(), Some(0));
}

#[test]
fn it_holds_the_number_of_the_process_and_goes_with_it() {
    let world = World::new();
    let folder = world.dir.file("run");
    fs::create_dir(&folder).expect("a folder");
    let file = folder.join("egret.pid");
    let mut egret = start(&world, &file);
    stop(&mut egret);
    let left: Vec<_> = fs::read_dir(&folder).expect("the folder").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn one_that_was_left_behind_is_replaced() {
    let world = World::new();
    let file = world.dir.file("egret.pid");
    for left in ["1\n", "", "rubbish, and longer than any number"] {
        fs::write(&file, left).expect("written");
        let mut egret = start(&world, &file);
        stop(&mut egret);
        assert!(!file.exists());
    }
    // A process that was killed leaves its own.
    let mut killed = start(&world, &file);
    killed.signal("KILL");
    assert_eq!(killed.wait_exit().code(), None);
    assert!(file.exists());
    stop(&mut start(&world, &file));
    assert!(!file.exists());
}

#[test]
fn one_that_is_no_longer_ours_stays() {
    let world = World::new();
    let file = world.dir.file("egret.pid");
    let mut first = start(&world, &file);
    // The next one may be there before the first has drained.
    let mut second = start(&world, &file);
    stop(&mut first);
    let text = fs::read_to_string(&file).expect("it is there");
    assert_eq!(text, format!("{}\n", second.pid()));
    stop(&mut second);
    assert!(!file.exists());
}

#[test]
fn one_that_somebody_removed_is_no_failure() {
    let world = World::new();
    let file = world.dir.file("egret.pid");
    let mut egret = start(&world, &file);
    fs::remove_file(&file).expect("removed");
    stop(&mut egret);
    assert!(!egret.log().contains("error"), "{}", egret.log());
}

#[test]
fn while_requests_finish_it_is_still_there() {
    let world = World::new();
    let gate = Gate::new();
    let held = Arc::clone(&gate);
    let answer = move |_: &Seen| {
        Reply::script(vec![
            Step::WaitFor(Arc::clone(&held)),
            Step::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()),
        ])
    };
    let upstream = world.upstream().handler(answer).start();
    let file = world.dir.file("egret.pid");
    let mut egret = Egret::builder(EGRET)
        .ca(&world.ca)
        .route(&format!("to={},identity=none", upstream.url()))
        .option("--pidfile", &file.display().to_string())
        .start();
    let addr = egret.addr(0);
    let client = std::thread::spawn(move || get(addr, "/").status);
    upstream.wait_until(|state| state.seen.len() == 1);
    egret.signal("TERM");
    egret.wait_line("stopping: 1 client connections open");
    assert!(file.exists());
    gate.open();
    assert_eq!(client.join().expect("no panic"), 200);
    assert_eq!(egret.wait_exit().code(), Some(0));
    assert!(!file.exists());
}

#[test]
fn one_that_cannot_be_written_ends_the_start_with_1() {
    let world = World::new();
    let file = world.dir.file("missing").join("egret.pid");
    let ended = egret(&world, &file).run();
    assert_eq!(ended.code(), Some(1));
    let expected = format!(
        "--pidfile {file:?}: cannot be written: No such file or directory (os error 2); \
         the folder must be there and ours to write"
    );
    assert!(ended.stderr.contains(&expected), "{}", ended.stderr);
}

#[test]
fn what_is_not_a_file_is_never_replaced() {
    let world = World::new();
    let (target, link) = (
        world.dir.write("target", "precious"),
        world.dir.file("link"),
    );
    symlink(&target, &link).expect("a link");
    let folder = world.dir.file("folder");
    fs::create_dir(&folder).expect("a folder");
    for path in [&link, &folder] {
        let ended = egret(&world, path).run();
        assert_eq!(ended.code(), Some(1));
        let expected = format!(
            "--pidfile {path:?}: is there and is not a file; remove it or choose another path"
        );
        assert!(ended.stderr.contains(&expected), "{}", ended.stderr);
    }
    assert_eq!(fs::read_to_string(&target).expect("there"), "precious");
}

#[test]
fn a_start_that_fails_before_it_listens_leaves_the_other_ones_alone() {
    let world = World::new();
    let file = world.dir.file("egret.pid");
    let running = start(&world, &file);
    let taken = format!("{},to=https://localhost:1,identity=none", running.addr(0));
    let ended = egret(&world, &file).option("--route", &taken).run();
    assert_eq!(ended.code(), Some(1), "{}", ended.stderr);
    let text = fs::read_to_string(&file).expect("it is there");
    assert_eq!(text, format!("{}\n", running.pid()));
}

#[test]
fn check_writes_none_and_an_empty_name_is_an_error() {
    let world = World::new();
    let file = world.dir.file("egret.pid");
    let route = "127.0.0.1:0,to=https://localhost:1,identity=none";
    let check = |value: &str| {
        Egret::builder(EGRET)
            .arg("check")
            .ca(&world.ca)
            .option("--route", route)
            .arg(&format!("--pidfile={value}"))
            .run()
    };
    assert_eq!(check(&file.display().to_string()).code(), Some(0));
    assert!(!file.exists());
    let ended = check("");
    assert_eq!(ended.code(), Some(2));
    assert!(ended.stderr.contains("--pidfile \"\""), "{}", ended.stderr);
}
