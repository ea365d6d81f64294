//! Clients: good ones that check every answer, and others.

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::SockRef;

use crate::ledger::{Fault, Ledger};
use crate::plan::{Plan, body};
use crate::random::Random;
use crate::support::client::{Client, Failure, Response};
use crate::support::upstream::checksum;

/// Where requests go in, and what they meet there.
#[derive(Debug, Clone)]
pub struct Entry {
    pub addr: SocketAddr,
    pub identity: &'static str,
    /// Which upstream.
    pub cloud: usize,
    /// Of the upstream, where this is a forward listener.
    pub forward: Option<u16>,
    /// Whether its identity has fewer places than there are clients.
    pub narrow: bool,
}

struct Asked<'a> {
    entry: &'a Entry,
    id: String,
    plan: Plan,
    size: usize,
    sent: Vec<u8>,
    method: &'static str,
    epoch: u32,
    from: Instant,
}

/// Refused, whatever comes after them.
const GARBAGE: &[&str] = &[
    "\r\n\r\n\r\n\r\n",
    "GET\r\n\r\n",
    "GET / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\nHost: a\n\n",
    "GET / HTTP/3.0\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n",
];

/// Asks until it is over.
pub fn run(ledger: &Ledger, entries: &[Entry], mut random: Random) {
    while !ledger.is_over() {
        let entry = &entries[random.size(entries.len())];
        let Ok(mut client) = Client::try_connect(entry.addr) else {
            ledger.wrong(format!("no connection to {}", entry.addr));
            return;
        };
        match random.below(100) {
            0..52 => one_after_the_other(ledger, entry, &mut client, &mut random),
            52..60 => at_their_leisure(ledger, entry, &mut client, &mut random),
            60..75 => together(ledger, entry, &mut client, &mut random),
            75..93 => abort(ledger, entry, client, &mut random),
            93..98 => garbage(ledger, &mut client, &mut random),
            _ => half_a_head(ledger, &mut client),
        }
    }
}

fn one_after_the_other(
    ledger: &Ledger,
    entry: &Entry,
    client: &mut Client<TcpStream>,
    random: &mut Random,
) {
    for _ in 0..random.below(12) {
        let (asked, bytes) = request(ledger, entry, random);
        // An early answer may come although the body cannot be sent any more.
        let _ = client.write_raw(&bytes);
        if !judge(ledger, &asked, client)
            || (random.percent(10) && !ledger.pause(random.millis(1, 200)))
        {
            return;
        }
    }
}

fn together(ledger: &Ledger, entry: &Entry, client: &mut Client<TcpStream>, random: &mut Random) {
    let count = 2 + random.below(6);
    let requests: Vec<_> = (0..count).map(|_| request(ledger, entry, random)).collect();
    let all: Vec<u8> = requests
        .iter()
        .flat_map(|(_, bytes)| bytes.clone())
        .collect();
    if all.len() > 48 * 1024 {
        // What nobody reads yet must fit into what the kernel takes.
        return;
    }
    let _ = client.write_raw(&all);
    for (asked, _) in &requests {
        if !judge(ledger, asked, client) {
            return;
        }
    }
}

/// Sends a body piece by piece, and begins late to read what comes back.
fn at_their_leisure(
    ledger: &Ledger,
    entry: &Entry,
    client: &mut Client<TcpStream>,
    random: &mut Random,
) {
    let (asked, bytes) = request(ledger, entry, random);
    let head = bytes.windows(4).position(|end| end == b"\r\n\r\n");
    let (head, body) = bytes.split_at(head.map_or(0, |at| at + 4));
    let _ = client.write_raw(head);
    for piece in body.chunks(1 + body.len() / (1 + random.size(8))) {
        ledger.pause(random.millis(1, 60));
        let _ = client.write_raw(piece);
    }
    ledger.pause(random.millis(1, 1500));
    ledger.count("stalled");
    judge(ledger, &asked, client);
}

/// Sends some of a request, perhaps reads some of the answer, and is gone.
fn abort(ledger: &Ledger, entry: &Entry, mut client: Client<TcpStream>, random: &mut Random) {
    let (_, bytes) = request(ledger, entry, random);
    let some = 1 + random.size(bytes.len());
    let all = random.percent(50);
    let _ = client.write_raw(if all { &bytes } else { &bytes[..some] });
    if all && random.percent(50) {
        // It may be cut off, as any other.
        let _ = client.read_exact(1);
    }
    if random.percent(50) {
        let reset = Some(Duration::ZERO);
        SockRef::from(&*client.stream())
            .set_linger(reset)
            .expect("a socket");
    }
    ledger.count("aborted");
}

fn garbage(ledger: &Ledger, client: &mut Client<TcpStream>, random: &mut Random) {
    let bytes = random.pick(GARBAGE);
    let _ = client.write_raw(bytes.as_bytes());
    client.finish_writing();
    ledger.count("garbage");
    match client.read_response() {
        Ok(refused) if (400..=505).contains(&refused.status) => {}
        Err(Failure::Closed | Failure::Reset) => {}
        other => ledger.wrong(format!("{bytes:?} was answered with {other:?}")),
    }
}

fn half_a_head(ledger: &Ledger, client: &mut Client<TcpStream>) {
    let _ = client.write_raw(b"GET / HTTP/1.1\r\nHo");
    match client.read_response() {
        Ok(refused) if refused.status == 408 => ledger.count("408"),
        other => ledger.wrong(format!("half a head was answered with {other:?}")),
    }
}

/// A request and its bytes.
fn request<'a>(ledger: &Ledger, entry: &'a Entry, random: &mut Random) -> (Asked<'a>, Vec<u8>) {
    let (id, plan) = (ledger.id(), Plan::any(random.size(1 << 20)));
    let size = match random.below(20) {
        0 => random.size(600_000),
        1..6 => random.size(40_000),
        _ => random.size(300),
    };
    let method = random.pick(&["GET", "GET", "GET", "PUT", "POST", "POST"]);
    let sent = match (method, random.below(10)) {
        ("GET", _) => Vec::new(),
        (_, 0) => body(&id, random.size(150_000)),
        (_, 1) => Vec::new(),
        _ => body(&id, 1 + random.size(2000)),
    };
    let epoch = ledger.epoch(entry.identity);
    let target = match entry.forward {
        Some(port) => format!("http://n{}.cloud.test:{port}/{id}", random.below(200)),
        None => format!("/{id}"),
    };
    let mut head = format!(
        "{method} {target} HTTP/1.1\r\nHost: {}\r\nX-Id: {id}\r\nX-Plan: {}\r\nX-Size: {size}\r\n\
         X-Identity: {}\r\nX-Epoch: {epoch}\r\n",
        target.split('/').nth(2).unwrap_or("localhost"),
        plan.name(),
        entry.identity,
    );
    if random.percent(10) && !sent.is_empty() {
        head += "Expect: 100-continue\r\n";
    }
    let bytes = match (sent.is_empty(), random.percent(50)) {
        (true, _) => (head + "\r\n").into_bytes(),
        (_, true) => {
            head += &format!("Content-Length: {}\r\n\r\n", sent.len());
            [head.as_bytes(), &sent].concat()
        }
        (_, false) => {
            let mut bytes = (head + "Transfer-Encoding: chunked\r\n\r\n").into_bytes();
            for chunk in sent.chunks(1 + random.size(5000)) {
                bytes.extend(format!("{:x}\r\n", chunk.len()).as_bytes());
                bytes.extend(chunk);
                bytes.extend(b"\r\n");
            }
            bytes.extend(b"0\r\n\r\n");
            bytes
        }
    };
    let from = Instant::now();
    (
        Asked {
            entry,
            id,
            plan,
            size,
            sent,
            method,
            epoch,
            from,
        },
        bytes,
    )
}

/// Reads the answer and looks at it; whether the connection can be used again.
fn judge(ledger: &Ledger, asked: &Asked<'_>, client: &mut Client<TcpStream>) -> bool {
    let outcome = client.read_response_to(asked.method);
    let wrong = match &outcome {
        Ok(response) => match response.header("proxy-status") {
            Some(error) => refused(ledger, asked, error),
            None => answered(ledger, asked, response),
        },
        Err(Failure::Truncated(part)) => cut(ledger, asked, part),
        // Cut off before a byte of the head was sent.
        Err(Failure::Reset | Failure::Closed) => cut(ledger, asked, &Response::default()),
        Err(failure) => Some(failure.to_string()),
    };
    if let Some(wrong) = wrong {
        let Asked {
            id,
            plan,
            entry,
            method,
            from,
            ..
        } = asked;
        let after = from.elapsed();
        ledger.wrong(format!(
            "{method} {id} ({plan:?}, {after:?}) at {entry:?}: {wrong}; {}",
            ledger.faults_at(entry.cloud, *from)
        ));
        return false;
    }
    outcome.is_ok_and(|response| response.header("connection") != Some("close"))
}

fn refused(ledger: &Ledger, asked: &Asked<'_>, proxy_status: &str) -> Option<String> {
    let error = proxy_status
        .split("error=")
        .nth(1)
        .and_then(|rest| rest.split(';').next());
    let error = error.unwrap_or_default();
    ledger.count(error);
    let full = asked.entry.narrow && error == "connection_limit_reached";
    let fault = |fault: Fault| fault.explains(error);
    // All handshakes that an identity may have under way at once may be at an upstream that stalls.
    let crowded = error == "connection_limit_reached"
        && ledger.any_fault_anywhere(asked.from, |_, fault| fault == Fault::Accepts);
    let explained = full
        || crowded
        || asked.plan.explains(error)
        || ledger.any_fault(asked.entry.cloud, asked.from, fault);
    (!explained).then(|| format!("nothing explains {proxy_status}"))
}

fn answered(ledger: &Ledger, asked: &Asked<'_>, response: &Response) -> Option<String> {
    ledger.count(&format!("answer {}", response.status));
    let not = |what: &str| {
        Some(format!(
            "{what}: {:?}",
            response.raw_head.escape_ascii().to_string()
        ))
    };
    if asked.plan.status() != Some(response.status) {
        return not("not the status that was asked for");
    }
    if response.header("x-id") != Some(&asked.id) {
        return not("the answer to another request");
    }
    if !Ledger::is_subject(
        asked.entry.identity,
        asked.epoch,
        response.header("x-subject"),
    ) {
        return not("another identity");
    }
    if response.header("x-got") != Some(&checksum(&asked.sent).hex()) {
        return not("another body arrived");
    }
    if response.body != body(&asked.id, asked.size) {
        return not("another body came back");
    }
    None
}

fn cut(ledger: &Ledger, asked: &Asked<'_>, part: &Response) -> Option<String> {
    ledger.count("cut");
    if !body(&asked.id, asked.size).starts_with(&part.body) {
        return Some("cut off, and not its own body before".into());
    }
    let down = |fault| fault == Fault::Down;
    let explained = asked.plan.cuts() || ledger.any_fault(asked.entry.cloud, asked.from, down);
    let (status, length) = (part.status, part.body.len());
    (!explained).then(|| format!("{status} cut off after {length}, and nothing explains it"))
}
