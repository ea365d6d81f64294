//! The text of `egret --help`, kept true by a test against the options, the keys and the limits.

use crate::limits::{
    CLIENTS_DEFAULT, CLIENTS_MAX, CONNECTIONS_DEFAULT, CONNECTIONS_MAX, SESSIONS_DEFAULT,
    SESSIONS_MAX, WAITING_DEFAULT, WAITING_MAX,
};

/// What `egret --help` prints. Numbers that a build can set are not written out.
pub fn help() -> String {
    format!(
        "\
Usage: egret [run] OPTIONS
       egret check OPTIONS
       egret probe [URL[,KEY=VALUE]...] OPTIONS

A forward proxy for small devices: plain HTTP in, mutual TLS out.
run (the default) starts it. check validates options and files without opening
a socket, and prints what would run. probe connects to each upstream of the
options as run would, once without and once with a session of its own, and tells
what happened, what is wrong and what to change.

Who we are to the cloud, and whom we trust there; may be repeated:
  --identity NAME[,KEY=VALUE]...
      cert=FILE          certificate chain, PEM (default: no client certificate)
      key=FILE           its key, PEM (default: in the file of cert=)
      ca=FILE            roots, PEM (default: those of --ca)
      ca=pin             no roots: the server's key must be one of pin=
      pin=sha256/BASE64  the server's key must be this one, or that of another
                         pin=; may be repeated (at most 8)
      crl=FILE           revocation lists of the chain's CAs, PEM or DER; may be
                         repeated (at most 8)
      tls=1.2|1.3        exactly this version (default: both)
      alpn=PROTO         protocol offered (default: http/1.1); empty sends none
      connections=N      most upstream connections (default: {CONNECTIONS_DEFAULT}; at most {CONNECTIONS_MAX})
      waiting=N          most requests waiting (default: {WAITING_DEFAULT}; at most {WAITING_MAX})
      sessions=N         upstreams whose TLS sessions are kept
                         (default: {SESSIONS_DEFAULT}; at most {SESSIONS_MAX}); 0 turns resumption off
  The identity none is built in: no client certificate, roots of --ca. Only its
  connections=, waiting= and sessions= can be set.

Where requests arrive, and where they go, as whom; may be repeated:
  --route LISTEN,to=https://HOST[:PORT][/PREFIX],identity=NAME[,KEY=VALUE]...
      to=URL             the upstream; its PREFIX is put before the path
      identity=NAME      one of --identity, or none
      path=/PREFIX       take these paths only; the longest one wins
                         (default: all paths)
      strip=yes|no       take path= off before PREFIX is put on (default: no)
      sni=NAME           TLS server name, and the name verified
                         (default: HOST)
      verify=NAME        the name verified (default: sni=, else HOST)
      host=NAME|keep     Host sent, keep: the client's own (default: HOST)
      origins=any        web pages of any origin may use it (default: only
                         programs, and pages of the listener itself)
  Routes that share a LISTEN must differ in path=, or in uid=: of those with the
  longest path, one that names the peer's uid goes before one without uid=.

A forward proxy, its destinations, and as whom they are reached over TLS; may be
repeated:
  --forward LISTEN,to=PATTERN,identity=NAME[,KEY=VALUE]...
      to=PATTERN         destinations: HOST, *.SUFFIX (names below it) or *,
                         each with :PORT, :* (any) or without (443)
      identity=NAME      one of --identity, or none
      tunnel=on|off      permit CONNECT: a blind relay, into which no identity
                         can be added (default: off)
  Programs use it by http_proxy=http://LISTEN and http:// URLs. Rules that share
  a LISTEN are tried in order; the first that matches destination and peer
  decides. A LISTEN has routes or forward rules, not both.

More keys of --route and --forward:
      redirects=WORD     keep: leave Location as it is; rewrite: to the
                         address the client called (default: rewrite)
      via=on|off         add a Via field (default: on)
      response-timeout=DUR
                         in place of --response-timeout
      clients=N          most client connections of this LISTEN
                         (default: an equal share of --max-clients)
      from=CIDR          peers admitted over TCP; may be repeated (default: all;
                         needed where LISTEN is not a loopback address)
      uid=UID            users admitted, by number, on unix: and systemd:; may
                         be repeated (default: all)
      mode=OCTAL         permissions of a unix: socket (default: 0660)
      group=NAME         group of a unix: socket (default: the process's)
  LISTEN is PORT (127.0.0.1 and ::1), IP:PORT, [IPV6]:PORT, unix:PATH, or
  systemd:NAME, a socket that systemd passes; port 0 takes a free one.

What it does, for people and for Prometheus:
  --admin LISTEN[,KEY=VALUE]...
                         /metrics, /healthz, /readyz, a status page at /, and
                         /status.json; 4 clients, beside --max-clients. It takes
                         from=, uid=, mode= and group= as above.

What to probe in place of all upstreams: URL is https://HOST[:PORT][/PATH]
      identity=NAME      one of --identity, or none (default: as the routes to
                         that host and port; without one, the only --identity;
                         without any, none)
      sni=NAME, verify=NAME, host=NAME
                         as of a route (default: as the route to that host and
                         port with that identity)
  --json                 print the report as JSON
  --isolation            in place of that: ask as one identity with cert=, as
                         none and as another, in every order and with TLS 1.2
                         and 1.3, and tell whether the server confuses them

Trust and limits:
  --ca FILE              roots of identities without ca=, PEM
                         (default: the system's)
  --max-clients N        client connections (default: {CLIENTS_DEFAULT}; at most {CLIENTS_MAX})
  --max-header SIZE      a request's head (default: 16k; 1k to 32k)
  --max-body SIZE        a request's body (default: no limit)

Timeouts, each at most 1440m:
  --connect-timeout DUR  DNS, TCP and TLS together (default: 10s)
  --header-timeout DUR   a client's head, first byte to last (default: 15s)
  --wait-timeout DUR     for a free upstream connection (default: 5s)
  --response-timeout DUR from the end of the request to the response's head,
                         and between pieces of its body (default: 60s)
  --idle-timeout DUR     a silent client (default: 75s)
  --upstream-idle DUR    an unused upstream connection (default: 30s);
                         0: a new connection for every request
  --tunnel-idle DUR      an upgraded or tunnelled connection (default: 10m)
  --drain-timeout DUR    requests in flight at a stop (default: 10s);
                         0: stop at once

Others:
  --reload-interval DUR  how often certificate files are looked at
                         (default: 60s); 0: only on SIGHUP
  --access-log           one line a request, in logfmt, to standard output
  --syslog               both logs to /dev/log
  --keylog FILE          the secrets of all TLS connections, for Wireshark: who
                         reads it can read everything (default: none)
  --log LEVEL            off, error, warn, info, debug or trace, to standard
                         error (default: info)
  --pidfile FILE         the number of the process, from when it listens to its
                         end (default: none)
  @FILE                  more options from a file: words as in a shell, # starts
                         a comment
  -h, --help             this text
  -V, --version          the version

A value is given as --flag VALUE or --flag=VALUE and holds no comma.
DUR is 500ms, 5s or 2m, a bare number is seconds. SIZE is 16384, 16k or 1m.

Example: two certificates, and none
  egret --identity client,cert=client.crt,key=client.key \\
        --identity another,cert=a.crt,key=a.key \\
        --route 127.0.0.1:8080,to=https://certauth.example,identity=client \\
        --route 127.0.0.1:8081,to=https://certauth.example,identity=another \\
        --route 127.0.0.1:8082,to=https://certauth.example,identity=none

Example: a forward proxy, one identity for our cloud and none for the rest
  egret --identity client,cert=client.crt,key=client.key \\
        --forward 127.0.0.1:3128,to=*.cloud.example,identity=client \\
        --forward 127.0.0.1:3128,to=*,identity=none

Exit codes: 0 stopped cleanly, 1 failed at run time, 2 options, 3 files.
Of probe: 0 all upstreams are good, 1 one is not, 2 options, 3 files.
"
    )
}
