//! What a proxy holds: at rest, after a load, with clients that do nothing, and with clients that
//! take nothing. Each is alone with the cloud meanwhile: nobody shares a library with it.

use std::io::Write;
use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::cloud::Upstream;
use crate::load::{Client, Crowd, SMALL, Way};
use crate::plan::{Bench, Result};
use crate::process::{Memory, cpu, settled};
use crate::proxies::{EGRET, Job, Kind, Proxy, small_build};
use crate::sheet::Sheet;
use crate::support::wait_until;

/// A load.
const CLIENTS: usize = 64;
const IDLE: usize = 1_000;
const STALLED: usize = 100;
/// A system may buffer one whole.
const UNDER_WAY: usize = STALLED * 9 / 10;
/// How long it is watched whether those cost processor time.
const WATCH: Duration = Duration::from_secs(2);
/// A client that takes nothing should not have much taken for it by its system either.
const RECEIVE_BUFFER: usize = 16 * 1024;

const DOWNLOAD: &[u8] = b"GET /stalled HTTP/1.1\r\nHost: localhost\r\n\r\n";

pub fn measure(bench: &Bench) -> Result<Vec<Sheet>> {
    let mut sheet = bench.sheet("memory");
    for _ in 0..bench.plan.long_rounds {
        for (n, kind) in bench.kinds.iter().enumerate() {
            rest_and_load(bench, kind, n, &mut sheet)?;
            idle_clients(bench, kind, n, &mut sheet)?;
            stalled_downloads(bench, kind, n, &mut sheet)?;
        }
    }
    let egret = bench.names.iter().position(|name| name == EGRET);
    egret.map_or(Ok(()), |column| small(bench, column, &mut sheet))?;
    Ok(vec![sheet])
}

fn note(sheet: &mut Sheet, what: &str, column: usize, memory: Memory) {
    sheet.add(&format!("{what}: PSS, KiB"), column, memory.pss);
    sheet.add(&format!("{what}: RSS, KiB"), column, memory.rss);
}

fn rest_and_load(bench: &Bench, kind: &Kind, n: usize, sheet: &mut Sheet) -> Result<()> {
    let proxy = bench.start(kind, &bench.usual())?;
    note(
        sheet,
        "before the first request",
        n,
        settled(&proxy.pids())?,
    );
    let mut crowd = Crowd::gather(proxy.addr(0), CLIENTS, Way::Kept)?;
    crowd.ask(SMALL, 4 * bench.plan.requests)?;
    drop(crowd);
    note(sheet, "after 64 clients", n, settled(&proxy.pids())?);
    Ok(())
}

/// Two listeners and a thousand clients and more: egret's identities have no room for a hundred
/// connections each. Both have answered: what a first request leaves behind is no client's.
fn wide(bench: &Bench, kind: &Kind) -> Result<Proxy> {
    let job = Job {
        to: &[Upstream::Kept, Upstream::Kept],
        clients: Some(1_024),
        ..bench.usual()
    };
    let proxy = bench.start(kind, &job)?;
    for listener in 0..2 {
        Client::connect(proxy.addr(listener))?.ask(SMALL)?;
    }
    Ok(proxy)
}

fn idle_clients(bench: &Bench, kind: &Kind, n: usize, sheet: &mut Sheet) -> Result<()> {
    let proxy = wide(bench, kind)?;
    let before = settled(&proxy.pids())?;
    let asked = |client: usize| {
        let mut client = Client::connect(proxy.addr(client % 2))?;
        client.ask(SMALL).map(|()| client.into_stream())
    };
    let clients: Vec<TcpStream> = (0..IDLE).map(asked).collect::<std::io::Result<_>>()?;
    let with = settled(&proxy.pids())?;
    note(sheet, "with 1,000 idle clients", n, with);
    let each = (with.pss - before.pss) * 1_024.0 / IDLE as f64;
    sheet.add("an idle client: bytes", n, each);
    drop(clients);
    Ok(())
}

fn stalled_downloads(bench: &Bench, kind: &Kind, n: usize, sheet: &mut Sheet) -> Result<()> {
    let proxy = wide(bench, kind)?;
    let before = settled(&proxy.pids())?;
    let stall = |client: usize| {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        socket.connect(&proxy.addr(client % 2).into())?;
        let mut stream = TcpStream::from(socket);
        stream.write_all(DOWNLOAD).map(|()| stream)
    };
    let clients: Vec<TcpStream> = (0..STALLED).map(stall).collect::<std::io::Result<_>>()?;
    wait_until("the downloads are under way", || {
        bench.site.server.sending() >= UNDER_WAY
    });
    let with = settled(&proxy.pids())?;
    note(sheet, "with 100 stalled downloads of 10 MiB", n, with);
    let each = (with.pss - before.pss) * 1_024.0 / STALLED as f64;
    sheet.add("a stalled download: bytes", n, each);
    let spent = cpu(&proxy.pids())?;
    sleep(WATCH);
    let spent = cpu(&proxy.pids())? - spent;
    sheet.add("100 stalled downloads: processor time of 2 s, µs", n, spent);
    if bench.site.server.sending() < UNDER_WAY {
        return Err("downloads that nobody takes went on".into());
    }
    drop(clients);
    Ok(())
}

/// The static build for small devices.
fn small(bench: &Bench, column: usize, sheet: &mut Sheet) -> Result<()> {
    const ROW: &str = "the static `small` build, before the first request: PSS, KiB";
    let Some(program) = small_build()? else {
        sheet.say(ROW, column, "not built");
        return Ok(());
    };
    let kind = Kind::Egret(program);
    for _ in 0..bench.plan.long_rounds {
        let proxy = bench.start(&kind, &bench.usual())?;
        sheet.add(ROW, column, settled(&proxy.pids())?.pss);
    }
    Ok(())
}
