//! `systemd:NAME`: sockets that a service manager made and passed on.

mod support;

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

use rustix::process::getuid;
use support::client::{Client, get};
use support::egret::{Builder, Egret};
use support::upstream::Upstream;
use support::world::World;

const EGRET: &str = env!("CARGO_BIN_EXE_egret");

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

    fn to(&self, identity: &str, more: &str) -> String {
        format!("to={},identity={identity}{more}", self.upstream.url())
    }

    /// A start with a route at `systemd:web` that fails with this text.
    fn fails(&self, more: &str, expected: &str, passing: impl FnOnce(Builder) -> Builder) {
        let egret = self.egret().route_at("systemd:web", &self.to("a", more));
        let ended = passing(egret).run();
        assert_eq!(ended.code(), Some(1), "{}", ended.stderr);
        assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    }
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

fn subject_at(address: SocketAddr) -> Option<String> {
    get(address, "/").echo("client_subject")
}

#[test]
fn each_route_gets_the_socket_of_its_name() {
    let site = Site::new();
    let (first, first_at) = listener();
    let (second, second_at) = listener();
    let (third, third_at) = listener();
    let egret = site
        .egret()
        .passing("other", first)
        .passing("web", second)
        .passing("proxy", third)
        .route_at("systemd:web", &site.to("a", ""))
        .route_at("systemd:other", &site.to("b", ""))
        .forward_at("systemd:proxy", "to=*:*,identity=b")
        .start();
    assert_eq!(egret.addr(0), second_at);
    assert_eq!(subject_at(second_at).as_deref(), Some("CN=a"));
    assert_eq!(subject_at(first_at).as_deref(), Some("CN=b"));
    let target = format!("http://localhost:{}/", site.upstream.port());
    let response = get(third_at, &target);
    assert_eq!(response.echo("client_subject").as_deref(), Some("CN=b"));
}

#[test]
fn all_sockets_of_one_name_are_served() {
    let site = Site::new();
    let path = site.world.dir.file("web.sock");
    let unix = UnixListener::bind(&path).expect("a socket");
    let (first, first_at) = listener();
    let (second, second_at) = listener();
    let mut egret = site
        .egret()
        .passing("web", first)
        .passing("web", unix)
        .passing("web", second)
        .route_at("systemd:web", &site.to("a", ",path=/a"))
        .route_at("systemd:web", &site.to("b", ""))
        .start();
    for address in [first_at, second_at] {
        assert_eq!(subject_at(address).as_deref(), Some("CN=b"));
        assert_eq!(
            get(address, "/a").echo("client_subject").as_deref(),
            Some("CN=a")
        );
    }
    let response = Client::connect_unix(&path).get("/").expect("an answer");
    assert_eq!(response.echo("client_subject").as_deref(), Some("CN=b"));
    egret.wait_line("listening on systemd:web (--route systemd:web,");
    egret.signal("TERM");
    assert_eq!(egret.wait_exit().code(), Some(0));
    assert!(path.exists(), "the file is the service manager's");
}

#[test]
fn a_passed_socket_goes_on_listening_over_a_restart() {
    let site = Site::new();
    let (socket, at) = listener();
    let kept = socket.try_clone().expect("the service manager's own");
    let start = |socket, identity| {
        site.egret()
            .passing("web", socket)
            .route_at("systemd:web", &site.to(identity, ""))
            .start()
    };
    let mut egret = start(socket, "a");
    assert_eq!(subject_at(at).as_deref(), Some("CN=a"));
    egret.signal("TERM");
    assert_eq!(egret.wait_exit().code(), Some(0));
    // Whoever comes meanwhile waits in the socket's queue.
    let mut early = Client::<TcpStream>::connect(at);
    early
        .write_raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .expect("written");
    let _egret = start(kept, "b");
    let response = early.read_response().expect("an answer");
    assert_eq!(response.echo("client_subject").as_deref(), Some("CN=b"));
}

#[test]
fn users_of_a_passed_unix_socket_are_told_apart() {
    let site = Site::new();
    let path = site.world.dir.file("web.sock");
    let own = getuid().as_raw();
    let start = |more: &str| {
        let _gone = std::fs::remove_file(&path);
        let unix = UnixListener::bind(&path).expect("a socket");
        site.egret()
            .passing("web", unix)
            .route_at("systemd:web", &site.to("a", more))
            .start()
    };
    let status = || {
        Client::connect_unix(&path)
            .get("/")
            .expect("an answer")
            .status
    };
    let egret = start(&format!(",uid={own}"));
    assert_eq!(status(), 200);
    drop(egret);
    let egret = start(&format!(",uid={}", own + 1));
    assert_eq!(status(), 403);
    drop(egret);
    // from= lists peers of TCP: nobody of a unix socket is among them.
    let _egret = start(",from=127.0.0.1");
    assert_eq!(status(), 403);
}

#[test]
fn a_name_that_was_not_passed_is_an_error_that_says_which_were() {
    let site = Site::new();
    let none = "no socket \"web\" was passed; start egret from a systemd socket unit with FileDescriptorName=web";
    site.fails("", none, |egret| egret);
    site.fails(
        "",
        "no socket \"web\" was passed, but http, admin; correct FileDescriptorName= of the socket unit",
        |egret| {
            egret
                .passing("http", listener().0)
                .passing("admin", listener().0)
        },
    );
    // Those of another process are not ours.
    site.fails("", none, |egret| {
        egret.passing("web", listener().0).env("LISTEN_PID", "1")
    });
}

#[test]
fn a_socket_that_others_can_reach_needs_from() {
    let site = Site::new();
    let open = || TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a port");
    site.fails("", "the socket \"web\" listens on 0.0.0.0:", |egret| {
        egret.passing("web", open())
    });
    let socket = open();
    let port = socket.local_addr().expect("an address").port();
    let route = |identity, path| site.to(identity, &format!(",from=127.0.0.1{path}"));
    let _egret = site
        .egret()
        .passing("web", socket)
        .route_at("systemd:web", &route("a", ""))
        .route_at("systemd:web", &route("b", ",path=/b"))
        .start();
    let at = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    assert_eq!(subject_at(at).as_deref(), Some("CN=a"));
    // One route without from= opens the socket for all.
    site.fails(
        ",path=/b",
        "others can reach; say from= whom to admit",
        |egret| {
            egret
                .passing("web", open())
                .route_at("systemd:web", &route("a", ""))
        },
    );
}

#[test]
fn what_nothing_can_be_accepted_from_is_refused() {
    let site = Site::new();
    let (socket, at) = listener();
    let client = TcpStream::connect(at).expect("a connection");
    let (connection, _) = socket.accept().expect("the same");
    site.fails(
        "",
        "the socket \"web\" that was passed cannot be used: it does not listen",
        |egret| egret.passing("web", connection),
    );
    drop(client);
    let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let datagrams = UnixDatagram::unbound().expect("a socket");
    let file = std::fs::File::open("/dev/null").expect("a file");
    let unusable = "it must be a listening stream socket";
    let (stream, _peer) = UnixStream::pair().expect("two sockets");
    site.fails("", unusable, |egret| egret.passing("web", stream));
    site.fails("", unusable, |egret| egret.passing("web", udp));
    site.fails("", unusable, |egret| egret.passing("web", datagrams));
    site.fails("", unusable, |egret| egret.passing("web", file));
}
