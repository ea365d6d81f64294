//! Who may use a listener: files of unix sockets, `uid=` and `from=`.

mod support;

use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::process::{Uid, getgid, getuid};
use socket2::{Domain, SockAddr, Socket, Type};
use support::PATIENCE;
use support::client::{Client, Response};
use support::egret::{Builder, Egret, Finished};
use support::gate::Gate;
use support::upstream::{Reply, Step, Upstream};
use support::world::World;

const EGRET: &str = env!("CARGO_BIN_EXE_egret");
const NOBODY: u32 = 65534;

/// An upstream that echoes, and two identities.
struct Site {
    world: World,
    upstream: Upstream,
}

impl Site {
    fn new() -> Self {
        let world = World::new();
        let upstream = world.upstream().start();
        Self { world, upstream }
    }

    fn egret(&self) -> Builder {
        Egret::builder(EGRET)
            .ca(&self.world.ca)
            .identity(&self.world.device("a"))
            .identity(&self.world.device("b"))
    }

    /// What follows LISTEN of a route as that identity.
    fn to(&self, identity: &str, more: &str) -> String {
        format!("to={},identity={identity}{more}", self.upstream.url())
    }

    /// A path that no other socket has, and its LISTEN.
    fn socket(&self) -> (PathBuf, String) {
        let path = self.world.dir.file("egret.sock");
        let listen = format!("unix:{}", path.display());
        (path, listen)
    }

    /// egret with a route at that socket, run to its end.
    fn run_at(&self, listen: &str, more: &str) -> Finished {
        let route = self.to("a", more);
        self.egret().route_at(listen, &route).run()
    }
}

fn get(path: &Path) -> Response {
    Client::connect_unix(path).get("/").expect("an answer")
}

/// What another user gets; for root only.
fn get_as(uid: u32, path: &Path) -> Response {
    let path = path.to_owned();
    let other = std::thread::spawn(move || {
        let uid = Uid::from_raw(uid);
        // Of this thread alone, which ends with it.
        rustix::thread::set_thread_res_uid(uid, uid, uid).expect("root may be anybody");
        get(&path)
    });
    other.join().expect("an answer for the other user")
}

fn connect_from(address: &str, to: SocketAddr) -> Client<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let address: IpAddr = address.parse().expect("an address");
    socket
        .bind(&SocketAddr::new(address, 0).into())
        .expect("an address of ours");
    socket.connect(&to.into()).expect("a connection");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    Client::over(socket.into())
}

fn is_denied(response: &Response, peer: &str) {
    assert_eq!(response.status, 403, "{}", response.text());
    let text = response.text();
    assert!(
        text.starts_with(&format!("403 {peer} is not admitted here; ")),
        "{text}"
    );
    let status = response.header("proxy-status").unwrap_or_default();
    assert!(
        status.starts_with("egret; error=http_request_denied;"),
        "{status}"
    );
    assert_eq!(response.header("connection"), Some("close"));
}

#[test]
fn a_unix_listener_has_the_mode_and_the_group_that_were_asked_for() {
    let site = Site::new();
    let (path, listen) = site.socket();
    let own = getgid().as_raw();
    let group = if getuid().is_root() { 54321 } else { own };
    for (more, mode, gid) in [
        (String::new(), 0o660, own),
        (String::from(",mode=0600"), 0o600, own),
        (format!(",mode=0666,group={group}"), 0o666, group),
    ] {
        let egret = site.egret().route_at(&listen, &site.to("a", &more)).start();
        let file = fs::metadata(&path).expect("a socket");
        assert!(file.file_type().is_socket());
        assert_eq!((file.mode() & 0o7777, file.gid()), (mode, gid), "{more}");
        let response = get(&path);
        assert_eq!(response.echo("client_subject").as_deref(), Some("CN=a"));
        drop(egret);
    }
}

#[test]
fn a_group_may_be_named_and_must_be_there() {
    let site = Site::new();
    let (path, listen) = site.socket();
    let groups = fs::read_to_string("/etc/group").expect("groups");
    let own = getgid().as_raw().to_string();
    let name = groups
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|group| group.get(2) == Some(&own.as_str()))
        .map(|group| group[0].to_owned())
        .expect("our group has a name");
    let more = format!(",group={name}");
    let _egret = site.egret().route_at(&listen, &site.to("a", &more)).start();
    assert_eq!(
        fs::metadata(&path).expect("a socket").gid().to_string(),
        own
    );

    let listen = format!("{listen}.other");
    let ended = site.run_at(&listen, ",group=no-such-group");
    assert_eq!(ended.code(), Some(1));
    assert!(
        ended
            .stderr
            .contains("there is no group \"no-such-group\"; add it or give its number"),
        "{}",
        ended.stderr
    );
}

#[test]
fn the_sockets_file_goes_at_the_end_and_one_left_over_is_replaced() {
    let site = Site::new();
    let (path, listen) = site.socket();
    let start = || site.egret().route_at(&listen, &site.to("a", "")).start();
    let mut egret = start();
    egret.signal("TERM");
    assert_eq!(egret.wait_exit().code(), Some(0));
    assert!(!path.exists(), "the file is left over");

    let mut egret = start();
    egret.signal("KILL");
    egret.wait_exit();
    assert!(path.exists(), "nobody removed it");
    let refused = UnixStream::connect(&path).map_err(|error| error.kind());
    assert_eq!(refused.err(), Some(ErrorKind::ConnectionRefused));
    let _egret = start();
    assert_eq!(get(&path).status, 200);
}

#[test]
fn the_next_egret_has_its_socket_while_the_last_one_drains() {
    let site = Site::new();
    let (path, listen) = site.socket();
    let gate = Gate::new();
    let held = gate.clone();
    site.upstream
        .answer(move |seen| match seen.target.as_str() {
            "/slow" => Reply::script(vec![
                Step::WaitFor(held.clone()),
                Step::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()),
            ]),
            _ => Reply::echo(seen),
        });
    let start = |identity| {
        site.egret()
            .route_at(&listen, &site.to(identity, ""))
            .start()
    };
    let mut last = start("a");
    let mut slow = Client::connect_unix(&path);
    slow.write_raw(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        .expect("written");
    site.upstream.wait_until(|state| state.seen.len() == 1);
    last.signal("TERM");
    last.wait_line("stopping: 1 client connections open");
    let _next = start("b");
    gate.open();
    assert_eq!(slow.read_response().expect("an answer").status, 200);
    assert_eq!(last.wait_exit().code(), Some(0));
    let response = get(&path);
    assert_eq!(response.echo("client_subject").as_deref(), Some("CN=b"));
}

#[test]
fn a_live_socket_and_another_kind_of_file_are_left_alone() {
    let site = Site::new();
    let (path, listen) = site.socket();
    let refused = |text: &str| {
        let ended = site.run_at(&listen, "");
        assert_eq!(ended.code(), Some(1), "{}", ended.stderr);
        let expected = text.replace("PATH", &path.display().to_string());
        assert!(ended.stderr.contains(&expected), "{}", ended.stderr);
        assert!(path.exists() || path.is_symlink());
    };
    let in_use = "unix:PATH is in use by another program; stop that one or choose another path";

    let live = UnixListener::bind(&path).expect("a socket");
    refused(in_use);
    drop(live);
    fs::remove_file(&path).expect("our own file");

    // One whose queue is full takes no more connections, and lives all the same.
    let full = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
    let address = SockAddr::unix(&path).expect("an address");
    full.bind(&address).expect("a path");
    full.listen(0).expect("a listener");
    let mut waiting = Vec::new();
    loop {
        let client = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None).expect("a socket");
        match client.connect(&address) {
            Ok(()) => waiting.push(client),
            Err(error) => break assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
    refused(in_use);
    drop((full, waiting));
    fs::remove_file(&path).expect("our own file");

    let datagrams = UnixDatagram::bind(&path).expect("a socket");
    refused(in_use);
    drop(datagrams);
    fs::remove_file(&path).expect("our own file");

    let not_a_socket = "PATH is there and is not a socket; remove it or choose another path";
    fs::write(&path, "precious").expect("a file");
    refused(not_a_socket);
    assert_eq!(fs::read_to_string(&path).expect("the file"), "precious");
    fs::remove_file(&path).expect("our own file");
    std::os::unix::fs::symlink("/nowhere", &path).expect("a link");
    refused(not_a_socket);

    let ended = site.run_at("unix:/nowhere/egret.sock", "");
    assert_eq!(ended.code(), Some(1));
    assert!(
        ended
            .stderr
            .contains("cannot listen on unix:/nowhere/egret.sock: "),
        "{}",
        ended.stderr
    );
}

#[test]
fn uid_admits_those_users_and_no_others() {
    let site = Site::new();
    let (path, listen) = site.socket();
    let own = getuid().as_raw();
    let more = format!(",mode=0666,uid={own}");
    let egret = site.egret().route_at(&listen, &site.to("a", &more)).start();
    assert_eq!(get(&path).status, 200);
    if getuid().is_root() {
        is_denied(&get_as(NOBODY, &path), "uid 65534");
    }
    drop(egret);

    let others = format!(",uid={},uid={}", own + 1, own + 2);
    let egret = site
        .egret()
        .route_at(&listen, &site.to("a", &others))
        .start();
    let seen = site.upstream.seen().len();
    for _ in 0..3 {
        is_denied(&get(&path), &format!("uid {own}"));
    }
    assert_eq!(site.upstream.seen().len(), seen);
    egret.signal("HUP");
    egret.wait_line("unchanged, keeping epoch 1");
    let lines = egret.log();
    let said = lines
        .matches(&format!("uid {own} is not admitted here"))
        .count();
    assert_eq!(said, 1, "{lines}");
}

#[test]
fn routes_of_one_listen_and_path_differ_by_user() {
    let site = Site::new();
    let (path, listen) = site.socket();
    let own = getuid().as_raw();
    let subject = |response: Response| response.echo("client_subject");
    // The one for some users goes before the one for all others, in whatever order they stand.
    for own_first in [true, false] {
        let mine = (
            site.to("a", &format!(",mode=0666,uid={own}")),
            listen.clone(),
        );
        let rest = (site.to("b", ",mode=0666"), listen.clone());
        let (first, second) = if own_first {
            (&mine, &rest)
        } else {
            (&rest, &mine)
        };
        let egret = site
            .egret()
            .route_at(&first.1, &first.0)
            .route_at(&second.1, &second.0)
            .start();
        assert_eq!(subject(get(&path)).as_deref(), Some("CN=a"));
        if getuid().is_root() {
            assert_eq!(subject(get_as(NOBODY, &path)).as_deref(), Some("CN=b"));
        }
        drop(egret);
    }
    let other = format!(",uid={}", own + 1);
    let _egret = site
        .egret()
        .route_at(&listen, &site.to("a", &other))
        .route_at(&listen, &site.to("b", ""))
        .start();
    assert_eq!(subject(get(&path)).as_deref(), Some("CN=b"));
}

#[test]
fn a_forward_listener_may_be_a_unix_socket_with_rules_for_users() {
    let site = Site::new();
    let (path, listen) = site.socket();
    let own = getuid().as_raw();
    let target = format!("http://localhost:{}/x", site.upstream.port());
    let ask = || Client::connect_unix(&path).get(&target).expect("an answer");
    let _egret = site
        .egret()
        .forward_at(&listen, &format!("to=*:*,identity=a,uid={}", own + 1))
        .forward_at(&listen, &format!("to=*:*,identity=b,uid={own}"))
        .start();
    assert_eq!(ask().echo("client_subject").as_deref(), Some("CN=b"));
}

#[test]
fn from_chooses_among_rules_and_a_peer_of_none_is_told_nothing_else() {
    let site = Site::new();
    let egret = site
        .egret()
        .forward_at("127.0.0.1:0", "to=*:*,identity=a,from=127.0.0.2")
        .forward_at(
            "127.0.0.1:0",
            "to=*:*,identity=b,from=127.0.3.0/24,from=127.0.0.4",
        )
        .route_at("127.0.0.5:0", &site.to("a", ",path=/a,from=127.0.0.2"))
        .start();
    let target = format!("http://localhost:{}/x", site.upstream.port());
    let host = [("Host", "localhost")];
    let ask = |n: usize, from: &str, target: &str| {
        let mut client = connect_from(from, egret.addr(n));
        client
            .request("GET", target, &host, b"")
            .expect("an answer")
    };
    for (from, subject) in [
        ("127.0.0.2", "CN=a"),
        ("127.0.3.77", "CN=b"),
        ("127.0.0.4", "CN=b"),
    ] {
        let response = ask(0, from, &target);
        assert_eq!(response.echo("client_subject").as_deref(), Some(subject));
    }
    let seen = site.upstream.seen().len();
    let unknown = "http://unknown.example/";
    for (n, target) in [
        (0, target.as_str()),
        (0, unknown),
        (0, "/x"),
        (2, "/a"),
        (2, "/none"),
    ] {
        is_denied(&ask(n, "127.0.0.9", target), "127.0.0.9");
    }
    is_denied(&ask(0, "127.0.0.8", &target), "127.0.0.8");
    assert_eq!(site.upstream.seen().len(), seen);
    egret.wait_line("127.0.0.8 is not admitted here");
    let log = egret.log();
    assert_eq!(
        log.matches("127.0.0.9 is not admitted here").count(),
        1,
        "{log}"
    );
}

#[test]
fn a_refused_client_that_upgrades_or_sends_a_body_is_refused_all_the_same() {
    let site = Site::new();
    let egret = site
        .egret()
        .route_at("127.0.0.1:0", &site.to("a", ",from=127.0.0.2"))
        .forward_at("127.0.0.3:0", "to=*:*,tunnel=on,identity=a,from=127.0.0.2")
        .start();
    for (n, request) in [
        (
            0,
            "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        ),
        (
            0,
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde",
        ),
        (
            0,
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
        ),
        (0, "GET / HTTP/1.0\r\n\r\n"),
        (
            1,
            "CONNECT localhost:1 HTTP/1.1\r\nHost: localhost:1\r\n\r\n",
        ),
    ] {
        let mut client = connect_from("127.0.0.7", egret.addr(n));
        client.write_raw(request.as_bytes()).expect("written");
        let response = client.read_response().expect("an answer");
        is_denied(&response, "127.0.0.7");
        assert_eq!(response.interim, [0u16; 0]);
        assert_eq!(client.read_to_end().expect("a proper end"), b"");
    }
    assert_eq!(site.upstream.state(|state| state.accepted), 0);
}
