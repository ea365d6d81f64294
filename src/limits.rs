//! Every capacity, size and deadline of egret, and how they relate.
//!
//! Flags choose a value within these; nothing in the program grows past them. The README has a
//! line for each. Those made by [`capacity`] are the environment's when egret is built:
//! `EGRET_CLIENTS_MAX=64 cargo build`.

use std::time::Duration;

/// What the environment of the build says, else `usual`. That a variable is one of these is
/// build.rs's to check.
#[allow(
    clippy::panic,
    reason = "only constants call it: what panics is the compiler"
)]
const fn capacity(said: Option<&str>, usual: usize) -> usize {
    let Some(text) = said else { return usual };
    match usize::from_str_radix(text, 10) {
        Ok(number) => number,
        Err(_) => panic!("the environment says what is no whole number; correct or unset it"),
    }
}

/// A default, which follows where its maximum was set below it.
const fn at_most(most: usize, usual: usize) -> usize {
    if usual < most { usual } else { most }
}

// ---- how many ----

/// Identities, the built-in `none` included.
pub const IDENTITIES_MAX: usize = capacity(option_env!("EGRET_IDENTITIES_MAX"), 16);
/// `--route` and `--forward` options together.
pub const ROUTES_MAX: usize = capacity(option_env!("EGRET_ROUTES_MAX"), 64);
/// Client connections over all listeners, the most that `--max-clients` may say.
pub const CLIENTS_MAX: usize = capacity(option_env!("EGRET_CLIENTS_MAX"), 1024);
/// Client connections over all listeners by default.
pub const CLIENTS_DEFAULT: usize = at_most(CLIENTS_MAX, 256);
/// Clients of `--admin`, beside those of `--max-clients`.
pub const ADMIN_CLIENTS: usize = 4;
/// Upstream connections of one identity, the most that `connections=` may say.
pub const CONNECTIONS_MAX: usize = capacity(option_env!("EGRET_CONNECTIONS_MAX"), 64);
/// Upstream connections of one identity by default.
pub const CONNECTIONS_DEFAULT: usize = at_most(CONNECTIONS_MAX, 16);
/// Requests of one identity that wait for a connection, the most that `waiting=` may say.
pub const WAITING_MAX: usize = capacity(option_env!("EGRET_WAITING_MAX"), 256);
/// Requests of one identity that wait for a connection by default.
pub const WAITING_DEFAULT: usize = at_most(WAITING_MAX, 32);
/// Upstreams of one identity whose TLS sessions are kept, the most that `sessions=` may say.
pub const SESSIONS_MAX: usize = capacity(option_env!("EGRET_SESSIONS_MAX"), 64);
/// Upstreams of one identity whose TLS sessions are kept by default.
pub const SESSIONS_DEFAULT: usize = at_most(SESSIONS_MAX, 16);
/// TLS 1.3 tickets kept for one upstream of one identity.
pub const TICKETS_PER_UPSTREAM: usize = 2;
/// TLS handshakes under way in the process.
pub const HANDSHAKES_MAX: usize = capacity(option_env!("EGRET_HANDSHAKES_MAX"), 16);
/// TLS handshakes under way of one identity.
pub const HANDSHAKES_PER_IDENTITY: usize = at_most(HANDSHAKES_MAX, 8);
/// Host names whose addresses are remembered.
pub const DNS_NAMES: usize = capacity(option_env!("EGRET_DNS_NAMES"), 64);
/// Addresses remembered of one host name; more are dropped.
pub const DNS_ADDRESSES: usize = 8;
/// Lookups that may wait for one of the resolver's threads.
pub const DNS_QUEUE: usize = capacity(option_env!("EGRET_DNS_QUEUE"), 16);
/// Threads that call the system's resolver, which blocks.
pub const DNS_THREADS: usize = capacity(option_env!("EGRET_DNS_THREADS"), 2);
/// Sockets that race for one upstream connection.
pub const DIAL_SOCKETS: usize = 2;
/// Bytes of a route's name in metrics; longer ones are cut and numbered.
pub const ROUTE_LABEL_MAX: usize = 64;
/// Characters of an identity's name.
pub const IDENTITY_NAME_MAX: usize = 64;
/// `from=` ranges of one route or forward rule.
pub const RANGES_PER_ROUTE: usize = 16;
/// `uid=` of one route or forward rule.
pub const UIDS_PER_ROUTE: usize = 16;
/// `pin=` of one identity.
pub const PINS_PER_IDENTITY: usize = 8;
/// `crl=` of one identity.
pub const CRLS_PER_IDENTITY: usize = 8;
/// Header fields of one message, either way.
pub const FIELDS_MAX: usize = 100;
/// Descriptors beside those of clients and upstream connections: log, event loop, listeners,
/// files, lookups, attempts to connect.
pub const SPARE_DESCRIPTORS: usize = 48;
/// Connections that the kernel holds for one listening socket until they are accepted.
pub const BACKLOG: i32 = 128;
/// Interim (1xx) responses before one final response.
pub const INTERIM_MAX: usize = 16;
/// Reads for what an upstream said before its connection failed: an alert, behind two tickets.
pub const LAST_READS: usize = 4;
/// Answers to requests that were read together before other clients have their turn.
pub const ANSWERS_TOGETHER: u8 = 16;
/// Pieces of a body that are passed on in a row, either way.
pub const PIECES_TOGETHER: u8 = 8;
/// Pieces that one system call is given to write.
pub const WRITE_SLICES: usize = 9;
/// Failures that the status page remembers.
pub const RECENT_ERRORS: usize = 32;
/// Peers whose refusal was logged lately.
pub const REFUSED_PEERS: usize = 64;

// ---- how large, in bytes ----

/// A client's request head, the most that `--max-header` may say.
pub const HEAD_MAX: usize = 32 * 1024;
/// A client's request head by default.
pub const HEAD_DEFAULT: usize = 16 * 1024;
/// The least that `--max-header` may say.
pub const HEAD_MIN: usize = 1024;
/// The head of a request to `--admin`: a browser sends the cookies of everything on the host.
pub const ADMIN_HEAD_MAX: usize = 16 * 1024;
/// An upstream's response head.
pub const UPSTREAM_HEAD_MAX: usize = 32 * 1024;
/// A request target (RFC 9110 §4.1 asks for at least 8000); longer is 414.
pub const TARGET_MAX: usize = 8 * 1024;
/// A request method; the longest registered one has 17 bytes.
pub const METHOD_MAX: usize = 32;
/// The extensions of all chunks in one message together.
pub const CHUNK_EXTENSIONS_MAX: usize = 4 * 1024;
/// One chunk-size line, extensions included.
pub const CHUNK_LINE_MAX: usize = 1024;
/// The trailer section of one message.
pub const TRAILERS_MAX: usize = 8 * 1024;
/// A certificate chain that a server presents; a larger one is refused.
pub const CHAIN_MAX: usize = 16 * 1024;
/// The stack of a resolver thread. It is reserved, not used: getaddrinfo touches about 24 KiB of it
/// (glibc 2.36), and the modules that nsswitch.conf names may want more.
pub const DNS_STACK: usize = 256 * 1024;
/// Each direction of a tunnel.
pub const TUNNEL_BUFFER: usize = 8 * 1024;
/// Bytes of a head read from a client at once.
pub const READ_STEP: usize = 4 * 1024;
/// Bytes of a body read from a client at once.
pub const BODY_STEP: usize = 32 * 1024;
/// What goes out in one piece, although it came in several.
pub const SEND_TOGETHER: usize = 4 * 1024;
/// Room for the head of an answer; a larger one takes more.
pub const ANSWER_HEAD: usize = 512;
/// What is read of a response before the client has taken what came earlier.
pub const RELAY_TOGETHER: usize = 32 * 1024;
/// A certificate, key or CA file.
pub const PEM_FILE_MAX: u64 = 4 * 1024 * 1024;
/// The body of an answer that `egret probe` reads.
pub const PROBE_BODY: usize = 64 * 1024;
/// A file of revocation lists.
pub const CRL_FILE_MAX: u64 = 1024 * 1024;
/// An `@FILE` of options.
pub const OPTIONS_FILE_MAX: u64 = 256 * 1024;
/// A line of the log, or of the access log: what a pipe takes whole (PIPE_BUF).
pub const LOG_LINE_MAX: usize = 4 * 1024;
/// A line to the system's logger (RFC 3164 §4.1).
pub const SYSLOG_LINE_MAX: usize = 1024;
/// The target in a line of the access log; more is cut off.
pub const ACCESS_TARGET_MAX: usize = 512;
/// A failure as the status page remembers it; more is cut off.
pub const FAILURE_TEXT_MAX: usize = 512;
/// Certificates in our own chain.
pub const OWN_CHAIN_CERTS_MAX: usize = 16;

// ---- what one of each takes at its worst, in bytes of heap (tests/memory.rs measures them) ----

/// A client connection and the request that it has under way.
pub const CLIENT_BYTES: usize = 96 * 1024;
/// What an upstream connection adds to the client that it serves.
pub const CONNECTION_BYTES: usize = 208 * 1024;
/// What a request adds to its client while it waits for a connection.
pub const WAITING_BYTES: usize = 384;
/// One upstream's TLS sessions.
pub const SESSION_BYTES: usize = 248 * 1024;
/// A remembered host name.
pub const DNS_NAME_BYTES: usize = 512;
/// One epoch of an identity, without its roots.
pub const IDENTITY_BYTES: usize = 56 * 1024;
/// A root certificate.
pub const ROOT_BYTES: usize = 1024;
/// What a root takes on top while its file is read.
pub const ROOT_READ_BYTES: usize = 2560;
/// A KiB of revocation lists.
pub const CRL_KIB_BYTES: usize = 7 * 1024;
/// What a KiB of revocation lists takes on top while its file is read.
pub const CRL_KIB_READ_BYTES: usize = 9 * 1024;
/// A route, and its listener.
pub const ROUTE_BYTES: usize = 12 * 1024;
/// A client of `--admin`, and an answer that it does not take.
pub const ADMIN_CLIENT_BYTES: usize = 104 * 1024;
/// What a route or an identity adds to such an answer.
pub const ADMIN_ENTRY_BYTES: usize = 8 * 1024;
/// A failure that is remembered.
pub const FAILURE_BYTES: usize = 576;
/// What is there however small the tables are.
pub const PROCESS_BYTES: usize = 98 * 1024;

// ---- how long ----

/// `--connect-timeout`: DNS, TCP and TLS together.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// `--header-timeout`: a client's head, from its first byte to its last.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// `--wait-timeout`: for a free upstream connection.
pub const WAIT_TIMEOUT: Duration = Duration::from_secs(5);
/// `--response-timeout`: from the request's last byte to the response's head, and between pieces.
pub const RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);
/// `--idle-timeout`: a silent client.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(75);
/// How long an upstream connection lies idle until its end is noticed at once: most are used again
/// before, and nothing is set up for those.
pub const WATCH_AFTER: Duration = Duration::from_millis(500);
/// `--upstream-idle`: a pooled connection.
pub const UPSTREAM_IDLE: Duration = Duration::from_secs(30);
/// `--tunnel-idle`: an upgraded or tunnelled connection.
pub const TUNNEL_IDLE: Duration = Duration::from_secs(10 * 60);
/// `--drain-timeout`: requests in flight at a stop.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// What a service manager waits for a stop unless told otherwise (systemd's DefaultTimeoutStopSec);
/// it is asked for more only where `--drain-timeout` is longer.
pub const STOP_ALLOWED: Duration = Duration::from_secs(90);
/// What it is then asked for on top of `--drain-timeout`.
pub const STOP_MARGIN: Duration = Duration::from_secs(5);
/// `--reload-interval`: how often certificate files are looked at.
pub const RELOAD_INTERVAL: Duration = Duration::from_secs(60);
/// How long files that changed and do not load, or do not match each other, may yet be in the
/// middle of their change.
pub const RELOAD_PATIENCE: Duration = Duration::from_secs(2);
/// How often they are looked at meanwhile.
pub const RELOAD_STEP: Duration = Duration::from_millis(100);
/// For how long a file that was written may be written again and have the same time: FAT notes
/// times in steps of two seconds, and boards boot from it.
pub const FILE_TIME_STEP: Duration = Duration::from_secs(2);
/// How often the dates of our certificates are compared with the clock.
pub const DATES_INTERVAL: Duration = Duration::from_secs(60);
/// How often a clock that is not set is looked at.
pub const CLOCK_INTERVAL: Duration = Duration::from_secs(1);
/// How long the sessions of an upstream are resumed before its certificate is verified again
/// (RFC 8446 §4.6.1 permits a week).
pub const SESSION_LIFE: Duration = Duration::from_secs(60 * 60);
/// The longest duration that an option may say.
pub const DURATION_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a body waits for the upstream's 100 (Continue) before it is sent all the same.
pub const CONTINUE_WAIT: Duration = Duration::from_secs(1);
/// How long a DNS answer is used without asking again.
pub const DNS_FRESH: Duration = Duration::from_secs(5);
/// The share of the connect timeout that a new DNS answer is waited for when an older one is at
/// hand: a quarter leaves the rest to TCP and TLS.
pub const DNS_PATIENCE_SHARE: u32 = 4;
/// How long before its end a certificate is warned of, or the last third of a shorter life.
pub const EXPIRY_NOTICE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long before its end a certificate is warned of again.
pub const EXPIRY_REMINDER: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long before its end a certificate is warned of for the last time.
pub const EXPIRY_LAST_CALL: Duration = Duration::from_secs(24 * 60 * 60);
/// How long the last good DNS answer may stand in when DNS fails.
pub const DNS_STALE: Duration = Duration::from_secs(24 * 60 * 60);
/// The delay before the next address is tried beside the one under way (RFC 8305 §5).
pub const DIAL_STAGGER: Duration = Duration::from_millis(250);
/// How long accepting pauses after the process ran out of descriptors or memory.
pub const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);
/// How long a closing connection is read from, so that our answer is not lost to a reset.
pub const LINGER: Duration = Duration::from_secs(2);
/// What peers can bring about again and again is logged at most once in this time: that one of
/// them was refused, that descriptors ran out.
pub const REFUSAL_LOG: Duration = Duration::from_secs(60);
/// A client of `--admin` sends its head in this time.
pub const ADMIN_HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// A client of `--admin` that is silent, or does not take its answer, for so long is closed.
pub const ADMIN_IDLE: Duration = Duration::from_secs(20);
/// TCP keepalive on upstream sockets: idle time before the first probe.
pub const KEEPALIVE_TIME: Duration = Duration::from_secs(30);
/// TCP keepalive on upstream sockets: between probes.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// TCP_USER_TIMEOUT on upstream sockets: unacknowledged data (LTE and NAT die silently).
pub const USER_TIMEOUT: Duration = Duration::from_secs(30);

/// What `check` would print for tables that are all as large as they can be, without roots.
const WORST_CASE: u64 = {
    let identity = times(CONNECTIONS_MAX, CONNECTION_BYTES)
        .saturating_add(times(WAITING_MAX, WAITING_BYTES))
        .saturating_add(times(SESSIONS_MAX, SESSION_BYTES))
        .saturating_add(2 * IDENTITY_BYTES as u64);
    identity
        .saturating_mul(IDENTITIES_MAX as u64)
        .saturating_add(times(CLIENTS_MAX, CLIENT_BYTES))
        .saturating_add(times(DNS_NAMES, DNS_NAME_BYTES))
};

const fn times(capacity: usize, bytes: usize) -> u64 {
    (capacity as u64).saturating_mul(bytes as u64)
}

const _: () = {
    assert!(0 < IDENTITIES_MAX, "EGRET_IDENTITIES_MAX counts none");
    assert!(
        IDENTITIES_MAX <= u8::MAX as usize,
        "EGRET_IDENTITIES_MAX is above 255"
    );
    assert!(
        0 < ROUTES_MAX && ROUTES_MAX <= u8::MAX as usize,
        "EGRET_ROUTES_MAX is not within 1 to 255"
    );
    assert!(0 < CLIENTS_DEFAULT, "EGRET_CLIENTS_MAX must not be 0");
    assert!(
        0 < CONNECTIONS_DEFAULT,
        "EGRET_CONNECTIONS_MAX must not be 0"
    );
    assert!(0 < HANDSHAKES_PER_IDENTITY);
    assert!(
        IDENTITIES_MAX <= HANDSHAKES_MAX,
        "EGRET_HANDSHAKES_MAX is below IDENTITIES_MAX: each identity has one place of its own"
    );
    assert!(ADMIN_HEAD_MAX <= HEAD_MAX);
    assert!(HEAD_MIN <= HEAD_DEFAULT && HEAD_DEFAULT <= HEAD_MAX);
    assert!(0 < DNS_THREADS, "EGRET_DNS_THREADS must not be 0");
    // An answer is never put out of the table while its own renewal is under way.
    assert!(
        DNS_QUEUE + DNS_THREADS < DNS_NAMES,
        "EGRET_DNS_NAMES must be above DNS_QUEUE and DNS_THREADS together"
    );
    assert!(
        WORST_CASE < usize::MAX as u64,
        "the tables together are more than the target can address: lower a capacity"
    );
    assert!(TARGET_MAX < HEAD_DEFAULT);
    assert!(ACCESS_TARGET_MAX < SYSLOG_LINE_MAX && SYSLOG_LINE_MAX < LOG_LINE_MAX);
    assert!(CHUNK_LINE_MAX <= CHUNK_EXTENSIONS_MAX);
    assert!(RELOAD_STEP.as_nanos() < RELOAD_PATIENCE.as_nanos());
};
