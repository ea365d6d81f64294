//! What can be wrong with the options, in words a person can act on.

use std::fmt;

use super::host::HostFault;
use super::listen::UnixFault;
use super::path::PathFault;
use super::values::Bound;
use crate::flags::FlagError;
use crate::limits;

/// One mistake in the options; exit code 2. Its text is one line: option, value, cause, remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigError {
    /// The command line could not be read in the first place.
    Flag(FlagError),
    /// An option does not mean anything that egret could do.
    Option {
        /// Its name, such as `--route`.
        option: &'static str,
        /// Its value as given; `None`: the option is missing, or the mistake is in several.
        value: Option<String>,
        /// What is wrong.
        problem: Problem,
    },
}

/// An option as it was given, for messages about another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Its name.
    pub option: &'static str,
    /// Its value.
    pub value: String,
}

/// What is wrong with an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The value, or the bare value that leads a list.
    Value(Fault),
    /// The value of a key.
    Key {
        /// The key's name.
        key: &'static str,
        /// Its value as given.
        value: String,
        /// What is wrong with that value.
        fault: Fault,
    },
    /// A part of a list that is no `key=value`.
    NoPair(String),
    /// A key that the option does not have.
    UnknownKey {
        /// As given.
        key: String,
        /// What may have been meant.
        nearest: Option<&'static str>,
        /// The keys there are.
        allowed: Vec<&'static str>,
    },
    /// A key given again that may be given once.
    Repeated(&'static str),
    /// A key that the option cannot do without.
    Missing {
        /// Its name.
        key: &'static str,
        /// What to write.
        remedy: &'static str,
    },
    /// A key that says something about another one, which is not there.
    Needs {
        /// The key.
        key: &'static str,
        /// What it needs.
        needed: &'static str,
    },
    /// `ca=pin` and nothing that it could trust.
    NoPin,
    /// `crl=` beside `ca=pin`.
    CrlWithoutChain,
    /// A key of `none` that is not one of its limits.
    OnlyLimits(&'static str),
    /// An identity's name for the second time.
    SameIdentity,
    /// More identities than there may be.
    TooManyIdentities(usize),
    /// An `identity=` that no `--identity` defines.
    UnknownIdentity {
        /// As given.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// No route and no forward rule at all.
    NoRoute,
    /// A probe without a URL, and no option names an upstream.
    NothingToProbe,
    /// No identity of any upstream has a certificate.
    NothingToCompare,
    /// A URL to probe, and several identities to do it as.
    ChooseIdentity(Vec<String>),
    /// More routes and forward rules than there may be.
    TooManyRoutes(usize),
    /// A key that may repeat, too often.
    TooMany {
        /// The key.
        key: &'static str,
        /// How often it is given.
        count: usize,
        /// How often it may be.
        most: usize,
    },
    /// `from=` where no peer has an address.
    FromOnUnix,
    /// `uid=` where no peer has one.
    UidOnTcp,
    /// A key of sockets in the file system, on another.
    OnlyUnix(&'static str),
    /// An address that other machines reach, and no `from=`.
    OpenToAll(String),
    /// Two routes that would take the same requests.
    SameRoute {
        /// The other one.
        other: Given,
        /// Whether `uid=` could tell them apart.
        by_uid: bool,
    },
    /// A LISTEN for two of routes, forward rules and `--admin`; this is the first of the other kind.
    BothKinds(Given),
    /// Two LISTEN that are different texts for one socket.
    Overlap {
        /// This LISTEN.
        listen: String,
        /// The other one.
        other: String,
        /// The option of the other one.
        of: Given,
    },
    /// Two options of one LISTEN that say different things of it.
    Differs {
        /// The key.
        key: &'static str,
        /// Said here.
        value: String,
        /// Said there.
        other: String,
        /// The other option.
        of: Given,
    },
    /// The `clients=` of all LISTEN are more than `--max-clients`.
    ClientsSum {
        /// Their sum.
        sum: usize,
        /// `--max-clients`.
        most: usize,
    },
    /// Nothing of `--max-clients` is left for a LISTEN.
    ClientsShare {
        /// LISTEN without `clients=`.
        listeners: usize,
        /// What is left for them.
        left: usize,
    },
}

/// What is wrong with one value, whatever it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// An empty file name.
    NoFile,
    /// Not a whole number.
    NotANumber,
    /// Not a duration.
    NotADuration,
    /// Not a size.
    NotASize,
    /// More than the built-in maximum.
    Above(Bound),
    /// Less than the least.
    Below(Bound),
    /// No time at all.
    ZeroDuration,
    /// None of these words.
    NotOneOf(Vec<&'static str>),
    /// Not a pin.
    Pin,
    /// Not a name for an identity.
    IdentityName,
    /// Not an ALPN protocol.
    Alpn,
    /// A URL of another scheme, or none.
    NotHttps,
    /// A URL with a query.
    Query,
    /// A URL with a fragment.
    Fragment,
    /// Not a host, or none with a port.
    Host(HostFault),
    /// An address for SNI.
    AddressAsSni,
    /// Not a path, or not a clean one.
    Path(PathFault),
    /// Not a LISTEN.
    Listen,
    /// A LISTEN with a name in place of an address.
    ListenName,
    /// A LISTEN with an IPv6 address without brackets.
    ListenBrackets,
    /// Not the path of a unix socket.
    Unix(UnixFault),
    /// Not a name that systemd gives a socket.
    SystemdName,
    /// Not permission bits.
    Mode,
    /// Not a group.
    Group,
    /// Not a user's number.
    Uid,
    /// Not a pattern of destinations.
    Pattern,
    /// A URL in place of a pattern.
    PatternUrl,
    /// Not a port of a pattern.
    PatternPort,
    /// Not an address range.
    Cidr,
    /// A range longer than its address.
    CidrBits(u8),
    /// An address that is not the first of its range.
    CidrHostBits {
        /// The range that contains it.
        range: String,
        /// The address alone.
        address: String,
    },
}

impl From<HostFault> for Fault {
    fn from(fault: HostFault) -> Self {
        Self::Host(fault)
    }
}

impl ConfigError {
    pub(super) fn new(option: &'static str, value: &str, problem: Problem) -> Self {
        Self::Option {
            option,
            value: Some(value.to_owned()),
            problem,
        }
    }

    /// Whether it is about this value of this option.
    pub(super) fn is_of(&self, name: &str, text: &str) -> bool {
        matches!(self, Self::Option { option, value: Some(value), .. } if *option == name && value == text)
    }

    pub(super) fn of_all(option: &'static str, problem: Problem) -> Self {
        Self::Option {
            option,
            value: None,
            problem,
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(error) => error.fmt(f),
            Self::Option {
                option,
                value: Some(value),
                problem,
            } => {
                write!(f, "{option} {value:?}: {problem}")
            }
            Self::Option {
                option,
                value: None,
                problem,
            } => write!(f, "{option}: {problem}"),
        }
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.option, self.value)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(fault) | Self::Key { fault: fault @ Fault::NotHttps, .. } => fault.fmt(f),
            Self::Key { key, value, fault } => write!(f, "{key}={}: {fault}", value.escape_debug()),
            Self::NoPair(part) if part.is_empty() => {
                f.write_str("a comma has nothing behind it; take it away, or the blank after it")
            }
            Self::NoPair(part) => {
                write!(f, "{part:?} is not KEY=VALUE; a comma separates, a value holds none")
            }
            Self::UnknownKey { key, nearest, allowed } => {
                match key.trim() == key {
                    true => write!(f, "{}= is unknown; ", key.escape_debug())?,
                    false => write!(f, "{key:?} has a blank too many; ")?,
                }
                if let Some(nearest) = nearest {
                    write!(f, "did you mean {nearest}=? ")?;
                }
                write!(f, "allowed: {}=", allowed.join("=, "))
            }
            Self::Repeated(key) => write!(f, "{key}= is given more than once; give it once"),
            Self::Missing { key, remedy } => write!(f, "{key}= is missing; {remedy}"),
            Self::Needs { key, needed } => {
                write!(f, "{key}= needs {needed}=; add it, or leave {key}= out")
            }
            Self::NoPin => f.write_str(
                "ca=pin trusts no key but those of pin=; add pin=sha256/BASE64 of the server's key",
            ),
            Self::CrlWithoutChain => f.write_str(
                "ca=pin leaves no chain that crl= could be about; leave crl= out, or give ca=FILE",
            ),
            Self::OnlyLimits(key) => write!(
                f,
                "{key}= cannot be set on the built-in none, only connections=, waiting= and \
                 sessions=; choose another name"
            ),
            Self::SameIdentity => {
                f.write_str("there is an identity of this name already; choose another name")
            }
            Self::TooManyIdentities(count) => write!(
                f,
                "{count} identities with the built-in none, the maximum is {}",
                limits::IDENTITIES_MAX
            ),
            Self::UnknownIdentity { name, known } => write!(
                f,
                "identity={}: no --identity has this name; there are: {}",
                name.escape_debug(),
                // It is always there, and always first.
                known.join(", ").replacen("none", "none (built in)", 1).escape_debug()
            ),
            Self::NoRoute => f.write_str(
                "none is given, and no --forward; add --route LISTEN,to=https://HOST,identity=NAME; run: egret --help",
            ),
            Self::NothingToProbe => f.write_str(
                "no --route is given, and no --forward to one host; name a URL: egret probe https://HOST OPTIONS",
            ),
            Self::NothingToCompare => f.write_str(
                "needs an identity with cert= for the upstream, or two to compare; add --identity NAME,cert=FILE",
            ),
            Self::ChooseIdentity(names) => write!(
                f,
                "choose as whom: put ,identity=NAME behind the URL, one of {} and none",
                names.join(", ").escape_debug()
            ),
            Self::TooManyRoutes(count) => {
                write!(f, "{count} with --forward, the maximum is {}", limits::ROUTES_MAX)
            }
            Self::TooMany { key, count, most } => {
                write!(f, "{count} {key}=, the maximum is {most}")
            }
            Self::FromOnUnix => f.write_str(
                "from= is not for unix:, whose peers have no address; admit them by uid=, mode= \
                 or group=",
            ),
            Self::UidOnTcp => f.write_str(
                "uid= is for unix: and systemd: only, as TCP does not tell who a peer is; listen \
                 there, or admit peers by from=",
            ),
            Self::OnlyUnix(key) => {
                write!(f, "{key}= is for unix: only; leave it out, or listen on unix:PATH")
            }
            Self::OpenToAll(listen) => write!(
                f,
                "{listen} is open to other machines; add from=CIDR for those that may use it, or \
                 listen on 127.0.0.1"
            ),
            Self::SameRoute { other, by_uid } => {
                let keys = if *by_uid { "path=, uid=" } else { "path=" };
                write!(
                    f,
                    "takes the same requests as {other}; give them different {keys} or LISTEN"
                )
            }
            Self::BothKinds(other) => write!(
                f,
                "shares its LISTEN with {other}; routes, forward rules and --admin need one each"
            ),
            Self::Overlap { listen, other, of } => write!(
                f,
                "{listen} and {other} of {of} overlap; write LISTEN the same way in both, or take \
                 another port"
            ),
            Self::Differs { key, value, other, of } => write!(
                f,
                "{key}={} differs from {key}={} of {of} on the same LISTEN; give it once",
                value.escape_debug(),
                other.escape_debug()
            ),
            Self::ClientsSum { sum, most } => write!(
                f,
                "clients= of all LISTEN are {sum} together, more than {most}; lower them or raise \
                 --max-clients"
            ),
            Self::ClientsShare { listeners, left } => write!(
                f,
                "{left} left to share among {listeners} LISTEN without clients=, each needs 1; \
                 raise --max-clients or lower clients="
            ),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFile => f.write_str("must name a file"),
            Self::NotANumber => f.write_str("must be a whole number"),
            Self::NotADuration => {
                f.write_str("must be a duration: 500ms, 5s or 2m, a bare number is seconds")
            }
            Self::NotASize => f.write_str("must be a size: 16384, 16k or 1m"),
            Self::Above(most) => write!(f, "is above the maximum of {most}"),
            Self::Below(least) => write!(f, "must be at least {least}"),
            Self::ZeroDuration => f.write_str("must be more than 0"),
            Self::NotOneOf(words) => write!(f, "must be {}", Words(words)),
            Self::Pin => f.write_str(
                "must be sha256/ and the base64 of 32 bytes, as openssl tells them (see README)",
            ),
            Self::IdentityName => {
                f.write_str("must begin with a NAME of 1 to 64 of A-Z a-z 0-9 . _ -")
            }
            Self::Alpn => f.write_str("must be at most 255 visible ASCII characters"),
            Self::NotHttps => f.write_str("upstream must be https://"),
            Self::Query => f.write_str("must have no query; clients send theirs"),
            Self::Fragment => f.write_str("must have no fragment; take the # away"),
            Self::Host(fault) => fault.fmt(f),
            Self::AddressAsSni => f.write_str(
                "must be a DNS name; TLS sends no server name for an address, leave sni= out",
            ),
            Self::Path(fault) => fault.fmt(f),
            Self::Listen => f.write_str(
                "must begin with LISTEN: PORT (at most 65535), IP:PORT, [IPV6]:PORT, unix:PATH or systemd:NAME",
            ),
            Self::ListenName => f.write_str(
                "must listen on an address, not a name: PORT (for localhost), IP:PORT or [IPV6]:PORT",
            ),
            Self::ListenBrackets => {
                f.write_str("must have brackets around the IPv6 address: [IPV6]:PORT")
            }
            Self::Unix(fault) => fault.fmt(f),
            Self::SystemdName => f.write_str(
                "systemd: must be followed by a FileDescriptorName=: 1 to 255 printable ASCII \
                 characters without :",
            ),
            Self::Mode => f.write_str("must be octal permission bits, 0 to 0777"),
            Self::Group => f.write_str("must name a group"),
            Self::Uid => f.write_str("must be a user's number; run: id -u NAME"),
            Self::Pattern => f.write_str(
                "must be HOST, *.SUFFIX or *, each with :PORT, with :* or without (443); a * \
                 stands nowhere else",
            ),
            Self::PatternUrl => {
                f.write_str("must be HOST, *.SUFFIX or *, without https:// and without a path")
            }
            Self::PatternPort => f.write_str("port must be 1 to 65535, or * for any"),
            Self::Cidr => {
                f.write_str("must be an address or a range such as 192.168.1.0/24 or fd00::/8")
            }
            Self::CidrBits(most) => write!(f, "must have at most {most} bits after the /"),
            Self::CidrHostBits { range, address } => {
                write!(f, "is no first address of a range; write {range}, or {address} alone")
            }
        }
    }
}

/// `a`, `a or b`, `a, b or c`.
struct Words<'a>(&'a [&'static str]);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => Ok(()),
            [only] => f.write_str(only),
            [most @ .., last] => write!(f, "{} or {last}", most.join(", ")),
        }
    }
}
