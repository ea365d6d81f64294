//! Listening sockets: bound here, or passed on by the service manager.

use std::fmt;
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use listenfd::ListenFd;
use rustix::io::Errno;
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};

use super::Acceptor;
use crate::config::{Listen, SocketAccess};
use crate::limits;

/// A socket that listens.
#[derive(Debug)]
pub struct Bound {
    /// The socket.
    pub acceptor: Acceptor,
    /// Where, the port as the system chose it.
    pub at: At,
}

/// Where a socket listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// TCP.
    Tcp(SocketAddr),
    /// A unix socket that was made here, and goes with us.
    Unix(PathBuf),
    /// A unix socket of the service manager.
    Passed(String),
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Passed(name) => write!(f, "systemd:{name}"),
        }
    }
}

/// A LISTEN that cannot be had.
#[derive(Debug)]
pub enum BindError {
    /// An address.
    Address(SocketAddr, io::Error),
    /// A unix socket.
    Path(PathBuf, io::Error),
    /// A live socket stands at the path.
    Live(PathBuf),
    /// Something else than a socket stands at the path.
    NotASocket(PathBuf),
    /// There is no such group.
    NoGroup(String),
    /// The socket cannot be given to the group.
    Group(String, io::Error),
    /// The service manager passed no socket of that name; those it did.
    NotPassed(String, Vec<String>),
    /// The passed socket is of a kind that nothing can be accepted from.
    WrongKind(String, io::Error),
    /// The passed socket is open to others, and `from=` is missing.
    OpenToAll(String, SocketAddr),
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address, error) => {
                write!(f, "cannot listen on {address}: ")?;
                match error.kind() {
                    io::ErrorKind::AddrInUse => f.write_str(
                        "another program has it; stop that one (ss -ltnp shows it) or choose another port",
                    ),
                    io::ErrorKind::PermissionDenied => f.write_str(
                        "not permitted; choose a port from 1024 on, or start with CAP_NET_BIND_SERVICE",
                    ),
                    _ => write!(f, "{error}"),
                }
            }
            Self::Path(path, error) => write!(
                f,
                "cannot listen on unix:{}: {error}; the folder must be there and ours to write",
                path.display()
            ),
            Self::Live(path) => write!(
                f,
                "unix:{} is in use by another program; stop that one or choose another path",
                path.display()
            ),
            Self::NotASocket(path) => write!(
                f,
                "{} is there and is not a socket; remove it or choose another path",
                path.display()
            ),
            Self::NoGroup(name) => {
                write!(f, "there is no group {name:?}; add it or give its number")
            }
            Self::Group(name, error) => write!(
                f,
                "cannot give the socket to group {name:?}: {error}; the user that egret runs as must be in it"
            ),
            Self::NotPassed(name, passed) if passed.is_empty() => write!(
                f,
                "no socket {name:?} was passed; start egret from a systemd socket unit with FileDescriptorName={name}"
            ),
            Self::NotPassed(name, passed) => write!(
                f,
                "no socket {name:?} was passed, but {}; correct FileDescriptorName= of the socket unit",
                passed.join(", ")
            ),
            Self::WrongKind(name, error) => write!(
                f,
                "the socket {name:?} that was passed cannot be used: {error}; it must be a listening stream socket"
            ),
            Self::OpenToAll(name, address) => write!(
                f,
                "the socket {name:?} listens on {address}, which others can reach; say from= whom to admit"
            ),
        }
    }
}

/// Binds all addresses of one LISTEN. `guarded` says that `from=` admits some peers only.
///
/// # Errors
/// What cannot be had. `::1` of a bare port may be missing where IPv6 is off.
pub fn bind(
    listen: &Listen,
    access: &SocketAccess,
    guarded: bool,
    passed: &mut Passed,
) -> Result<Vec<Bound>, BindError> {
    match listen {
        Listen::Unix(path) => bind_unix(path, access).map(|bound| vec![bound]),
        Listen::Systemd(name) => passed.take(name, guarded),
        Listen::Loopback(_) | Listen::Tcp(_) => bind_all(&listen.addresses()),
    }
}

fn bind_all(addresses: &[SocketAddr]) -> Result<Vec<Bound>, BindError> {
    let mut bound: Vec<Bound> = Vec::new();
    for address in addresses {
        let mut address = *address;
        // A bare port 0 is the same port on both loopback addresses.
        if let Some(At::Tcp(first)) = bound.first().map(|first| &first.at) {
            address.set_port(first.port());
        }
        match bind_tcp(address) {
            Ok(one) => bound.push(one),
            Err(error) if !bound.is_empty() && is_without_ipv6(&error) => {
                let only = IpAddr::from([127, 0, 0, 1]);
                ::log::info!("no IPv6 here: listening on {only} only");
            }
            Err(error) => return Err(BindError::Address(address, error)),
        }
    }
    Ok(bound)
}

fn bind_tcp(address: SocketAddr) -> io::Result<Bound> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM.cloexec().nonblocking(),
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    match socket.bind(&address.into()) {
        Err(error) if is_not_here(&error, address) => {
            ::log::warn!(
                "{address} is not an address of this device yet; listening for it all the same"
            );
            match address {
                SocketAddr::V4(_) => socket.set_freebind_v4(true)?,
                SocketAddr::V6(_) => socket.set_freebind_v6(true)?,
            }
            socket.bind(&address.into())?;
        }
        result => result?,
    }
    socket.listen(limits::BACKLOG)?;
    let address = socket.local_addr()?.as_socket().unwrap_or(address);
    Ok(Bound {
        acceptor: Acceptor::tcp(socket.into())?,
        at: At::Tcp(address),
    })
}

fn is_not_here(error: &io::Error, address: SocketAddr) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable && !address.ip().is_loopback()
}

fn is_without_ipv6(error: &io::Error) -> bool {
    let missing = [Errno::ADDRNOTAVAIL, Errno::AFNOSUPPORT];
    Errno::from_io_error(error).is_some_and(|errno| missing.contains(&errno))
}

fn bind_unix(path: &Path, access: &SocketAccess) -> Result<Bound, BindError> {
    remove_stale(path)?;
    let group = access.group.as_deref().map(group_number).transpose()?;
    let acceptor = listen_at(path, access, group)?;
    Ok(Bound {
        acceptor,
        at: At::Unix(path.into()),
    })
}

/// Access is set before the socket listens: nobody slips in before.
fn listen_at(
    path: &Path,
    access: &SocketAccess,
    group: Option<u32>,
) -> Result<Acceptor, BindError> {
    let failed = |error| BindError::Path(path.into(), error);
    let socket = unix_socket().map_err(failed)?;
    let address = SockAddr::unix(path).map_err(failed)?;
    socket.bind(&address).map_err(failed)?;
    if let (Some(group), Some(name)) = (group, &access.group) {
        chown(path, None, Some(group)).map_err(|error| BindError::Group(name.clone(), error))?;
    }
    let mode = fs::Permissions::from_mode(access.mode);
    fs::set_permissions(path, mode).map_err(failed)?;
    socket.listen(limits::BACKLOG).map_err(failed)?;
    Acceptor::unix(socket.into()).map_err(failed)
}

fn unix_socket() -> io::Result<Socket> {
    Socket::new(Domain::UNIX, Type::STREAM.cloexec().nonblocking(), None)
}

/// A socket that nobody listens on is left over from a program that ended.
fn remove_stale(path: &Path) -> Result<(), BindError> {
    let Ok(there) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !there.file_type().is_socket() {
        return Err(BindError::NotASocket(path.into()));
    }
    // Not blocking: a live one whose queue is full would keep us waiting.
    let knock = || unix_socket()?.connect(&SockAddr::unix(path)?);
    match knock() {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|error| BindError::Path(path.into(), error))
        }
        _ => Err(BindError::Live(path.into())),
    }
}

/// A group's number, by its number or its name in /etc/group.
fn group_number(name: &str) -> Result<u32, BindError> {
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    groups
        .lines()
        .map(|line| line.split(':'))
        .find_map(|mut fields| match fields.next() {
            Some(group) if group == name => fields.nth(1)?.parse().ok(),
            _ => None,
        })
        .ok_or_else(|| BindError::NoGroup(name.into()))
}

/// Sockets that the service manager passed on (sd_listen_fds(3)).
pub struct Passed {
    sockets: ListenFd,
    names: Vec<String>,
}

impl Passed {
    /// Those in the environment, if they are meant for this process.
    pub fn from_environment() -> Self {
        let sockets = ListenFd::from_env();
        let text = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let names = match sockets.len() {
            0 => Vec::new(),
            count => {
                let mut names: Vec<String> = text.split(':').map(String::from).collect();
                names.resize(count, String::from("unknown"));
                names
            }
        };
        Self { sockets, names }
    }

    fn take(&mut self, name: &str, guarded: bool) -> Result<Vec<Bound>, BindError> {
        let indices: Vec<usize> = (0..self.names.len())
            .filter(|index| self.names.get(*index).is_some_and(|known| known == name))
            .collect();
        let mut bound = Vec::new();
        for index in indices {
            bound.extend(self.take_one(index, name, guarded)?);
        }
        match bound.is_empty() {
            true => Err(BindError::NotPassed(name.into(), self.names.clone())),
            false => Ok(bound),
        }
    }

    fn take_one(
        &mut self,
        index: usize,
        name: &str,
        guarded: bool,
    ) -> Result<Option<Bound>, BindError> {
        let wrong = |error| BindError::WrongKind(name.into(), error);
        if let Ok(Some(listener)) = self.sockets.take_unix_listener(index) {
            must_listen(&listener).map_err(wrong)?;
            listener.set_nonblocking(true).map_err(wrong)?;
            return Ok(Some(Bound {
                acceptor: Acceptor::unix(listener).map_err(wrong)?,
                at: At::Passed(name.into()),
            }));
        }
        let Some(listener) = self.sockets.take_tcp_listener(index).map_err(wrong)? else {
            return Ok(None);
        };
        must_listen(&listener).map_err(wrong)?;
        listener.set_nonblocking(true).map_err(wrong)?;
        let address = listener.local_addr().map_err(wrong)?;
        if !guarded && !address.ip().is_loopback() {
            return Err(BindError::OpenToAll(name.into(), address));
        }
        Ok(Some(Bound {
            acceptor: Acceptor::tcp(listener).map_err(wrong)?,
            at: At::Tcp(address),
        }))
    }
}

/// A connection (`Accept=yes`) cannot be accepted from, and would be tried without end.
fn must_listen(socket: &impl AsFd) -> io::Result<()> {
    match SockRef::from(socket).is_listener()? {
        true => Ok(()),
        false => Err(io::Error::other("it does not listen (Accept=yes?)")),
    }
}
