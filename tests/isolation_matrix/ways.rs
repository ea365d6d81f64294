//! The ways to the cloud that must stay apart: who asks, and where.

use crate::support::upstream::{Resumption, Versions};

/// As whom, and with which trust, a request is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    None,
    A,
    B,
    /// Certificate A, which is another one from the middle of each run on.
    Rotated,
    /// Certificate A, and roots that the cloud does not descend from.
    OtherRoots,
    /// Certificate A, and the pin of a key that the cloud does not have.
    OtherPin,
    /// Certificate A, another SNI.
    OtherSni,
    /// Certificate A, another name verified.
    OtherName,
}

impl Variant {
    pub const ALL: [Self; 8] = [
        Self::None,
        Self::A,
        Self::B,
        Self::Rotated,
        Self::OtherRoots,
        Self::OtherPin,
        Self::OtherSni,
        Self::OtherName,
    ];

    pub fn label(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::A => "A",
            Self::B => "B",
            Self::Rotated => "A rotated",
            Self::OtherRoots => "A, other roots",
            Self::OtherPin => "A, other pin",
            Self::OtherSni => "A, other SNI",
            Self::OtherName => "A, other name",
        }
    }

    /// What the options and the files call the identity.
    pub fn identity(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::A | Self::OtherSni | Self::OtherName => "a",
            Self::B => "b",
            Self::Rotated => "rotated",
            Self::OtherRoots => "roots",
            Self::OtherPin => "pin",
        }
    }

    /// Whether no request may go out at all.
    pub fn is_refused(self) -> bool {
        matches!(self, Self::OtherRoots | Self::OtherPin)
    }

    /// The subject that the cloud must see.
    pub fn subject(self, is_turned: bool) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::B => Some("CN=b"),
            Self::Rotated if is_turned => Some("CN=after"),
            Self::Rotated => Some("CN=before"),
            _ => Some("CN=a"),
        }
    }
}

/// Which upstream, beside that of [`Place::Same`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Same,
    /// The same address and port under another SNI (on a forward listener: without one).
    OtherSni,
    /// A relay to the very same server.
    OtherPort,
}

impl Place {
    pub const ALL: [Self; 3] = [Self::Same, Self::OtherSni, Self::OtherPort];

    pub fn label(self) -> &'static str {
        match self {
            Self::Same => "same host",
            Self::OtherSni => "other SNI",
            Self::OtherPort => "other port",
        }
    }
}

/// How a request comes to the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    Route,
    Forward,
}

/// One who asks, at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    pub variant: Variant,
    pub place: Place,
}

impl Way {
    pub fn all() -> Vec<Self> {
        let places = |variant| Place::ALL.map(|place| Self { variant, place });
        Variant::ALL.into_iter().flat_map(places).collect()
    }

    pub fn label(self) -> String {
        format!("{}, {}", self.variant.label(), self.place.label())
    }

    fn number(self) -> usize {
        let at = Place::ALL.iter().position(|place| *place == self.place);
        at.unwrap_or_default()
    }

    /// The SNI that a route asks for, where it is not the host of the URL.
    pub fn sni_option(self) -> Option<String> {
        match (self.variant, self.place) {
            (Variant::OtherSni, _) => Some(format!("sni-{}.example", self.number())),
            (_, Place::OtherSni) => Some("other.example".to_owned()),
            _ => None,
        }
    }

    /// The name that a route verifies, where it is not the SNI.
    pub fn name_option(self) -> Option<String> {
        let differs = self.variant == Variant::OtherName;
        differs.then(|| format!("name-{}.example", self.number()))
    }

    /// The host that a client of a forward listener names. An address is sent without SNI.
    pub fn host(self) -> &'static str {
        match self.place {
            Place::OtherSni => "127.0.0.1",
            Place::Same | Place::OtherPort => "localhost",
        }
    }

    /// The SNI that the cloud must see.
    pub fn sni(self, door: Door) -> Option<String> {
        match door {
            Door::Route => self.sni_option().or(Some("localhost".to_owned())),
            Door::Forward => (self.place != Place::OtherSni).then(|| "localhost".to_owned()),
        }
    }
}

/// Every name that the cloud's certificate is for.
pub fn names() -> Vec<String> {
    let fixed = ["localhost", "127.0.0.1", "other.example"].map(str::to_owned);
    let ways = Way::all().into_iter();
    let options = ways.flat_map(|way| [way.sni_option(), way.name_option()]);
    let mut names: Vec<String> = fixed.into_iter().chain(options.flatten()).collect();
    names.sort();
    names.dedup();
    names
}

/// What the cloud remembers, and whether the proxy keeps connections.
#[derive(Debug, Clone, Copy)]
pub struct Mode {
    pub label: &'static str,
    pub versions: Versions,
    pub resumption: Resumption,
    pub is_pooled: bool,
}

impl Mode {
    pub fn all() -> Vec<Self> {
        let kinds = [
            ("1.2 id", Versions::Only12, Resumption::SessionIds),
            ("1.2 ticket", Versions::Only12, Resumption::Tickets),
            ("1.3 ticket", Versions::Only13, Resumption::Tickets),
            ("1.2 none", Versions::Only12, Resumption::None),
            ("1.3 none", Versions::Only13, Resumption::None),
        ];
        let mode = |is_pooled| {
            kinds.map(|(label, versions, resumption)| Self {
                label,
                versions,
                resumption,
                is_pooled,
            })
        };
        [mode(false), mode(true)].concat()
    }

    /// How a way that was used before is used again where nothing is lost.
    pub fn reuse(self) -> Reuse {
        match (self.is_pooled, self.resumption) {
            (true, _) => Reuse::Connection,
            (false, Resumption::None) => Reuse::Nothing,
            (false, _) => Reuse::Session,
        }
    }
}

/// What a request took over from one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    Nothing,
    Session,
    Connection,
}
