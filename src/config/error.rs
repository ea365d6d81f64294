//! What can be wrong with the options, in words a person can act on.

use std::fmt;

use super::host::HostFault;
use super::path::PathFault;
use super::values::Bound;
use crate::flags::FlagError;
use crate::limits;

/// Said of what the contract names and a later version brings.
const NOT_BUILT: &str = "is not built yet in this version";

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
    /// A key that a later version brings.
    KeyNotBuilt(&'static str),
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
    /// No route at all.
    NoRoute,
    /// More routes than there may be.
    TooManyRoutes(usize),
    /// More `from=` than a route may have.
    TooManyRanges(usize),
    /// An address that other machines reach, and no `from=`.
    OpenToAll(String),
    /// Two routes that would take the same requests.
    SameRoute(String),
    /// Two LISTEN that are different texts for one socket.
    Overlap {
        /// This LISTEN.
        listen: String,
        /// The other one.
        other: String,
        /// The route of the other one.
        route: String,
    },
    /// Two routes of one LISTEN that say different `clients=`.
    ClientsDiffer {
        /// Said here.
        clients: usize,
        /// Said there.
        other: usize,
        /// The other route.
        route: String,
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
    /// Known, and not built.
    NotBuilt,
    /// Not a name for an identity.
    IdentityName,
    /// Not an ALPN protocol.
    Alpn,
    /// A URL of another scheme, or none.
    NotHttps,
    /// A URL with a user in it.
    UserInfo,
    /// A URL with a query.
    Query,
    /// A URL with a fragment.
    Fragment,
    /// Not a port.
    Port,
    /// Not a host.
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
    /// A LISTEN of a kind that a later version brings.
    ListenNotBuilt(&'static str),
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

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(fault) | Self::Key { fault: fault @ Fault::NotHttps, .. } => fault.fmt(f),
            Self::Key { key, value, fault: Fault::NotBuilt } => {
                write!(f, "{key}={value} {NOT_BUILT}")
            }
            Self::Key { key, value, fault } => write!(f, "{key}={}: {fault}", value.escape_debug()),
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
            Self::KeyNotBuilt(key) => write!(f, "{key}= {NOT_BUILT}"),
            Self::Repeated(key) => write!(f, "{key}= is given more than once; give it once"),
            Self::Missing { key, remedy } => write!(f, "{key}= is missing; {remedy}"),
            Self::Needs { key, needed } => {
                write!(f, "{key}= needs {needed}=; add it, or leave {key}= out")
            }
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
                "none is given; add --route LISTEN,to=https://HOST,identity=NAME; run: egret --help",
            ),
            Self::TooManyRoutes(count) => {
                write!(f, "{count} routes, the maximum is {}", limits::ROUTES_MAX)
            }
            Self::TooManyRanges(count) => {
                write!(f, "{count} from=, the maximum is {}", limits::RANGES_PER_ROUTE)
            }
            Self::OpenToAll(listen) => write!(
                f,
                "{listen} is open to other machines; add from=CIDR for those that may use it, or \
                 listen on 127.0.0.1"
            ),
            Self::SameRoute(route) => write!(
                f,
                "takes the same requests as --route {route:?}; give them different path= or LISTEN"
            ),
            Self::Overlap { listen, other, route } => write!(
                f,
                "{listen} and {other} of --route {route:?} overlap; write LISTEN the same way in \
                 both, or take another port"
            ),
            Self::ClientsDiffer { clients, other, route } => write!(
                f,
                "clients={clients} differs from clients={other} of --route {route:?} on the same \
                 LISTEN; give it once"
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
            Self::NotBuilt => f.write_str(NOT_BUILT),
            Self::IdentityName => {
                f.write_str("must begin with a NAME of 1 to 64 of A-Z a-z 0-9 . _ -")
            }
            Self::Alpn => f.write_str("must be at most 255 visible ASCII characters"),
            Self::NotHttps => f.write_str("upstream must be https://"),
            Self::UserInfo => f.write_str("user and password are not supported; take them away"),
            Self::Query => f.write_str("must have no query; clients send theirs"),
            Self::Fragment => f.write_str("must have no fragment; take the # away"),
            Self::Port => f.write_str("port must be 1 to 65535"),
            Self::Host(fault) => fault.fmt(f),
            Self::AddressAsSni => f.write_str(
                "must be a DNS name; TLS sends no server name for an address, leave sni= out",
            ),
            Self::Path(fault) => fault.fmt(f),
            Self::Listen => f.write_str("must begin with LISTEN: PORT (at most 65535), IP:PORT or [IPV6]:PORT"),
            Self::ListenName => f.write_str(
                "must listen on an address, not a name: PORT (for localhost), IP:PORT or [IPV6]:PORT",
            ),
            Self::ListenBrackets => {
                f.write_str("must have brackets around the IPv6 address: [IPV6]:PORT")
            }
            Self::ListenNotBuilt(kind) => write!(f, "{kind} {NOT_BUILT}"),
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
