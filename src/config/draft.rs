//! What `--route`, `--forward` and `--admin` have in common: keys, and how they are read.

use std::time::Duration;

use super::list::{Key, List};
use super::{Cidr, ConfigError, Given, IdentityConfig, IdentityId, Listen, Problem, values};
use crate::limits;

const REDIRECTS: [(&str, bool); 2] = [("keep", true), ("rewrite", false)];

/// A `--route`, a `--forward` or an `--admin` as far as it could be read.
pub(super) trait Draft: Sized + 'static {
    /// The option's name.
    const OPTION: &'static str;

    /// The option's keys.
    const KEYS: &'static [Key<Self>];

    /// One of which only the text is known.
    fn new(common: Common) -> Self;

    /// What it has in common with the other kinds.
    fn common(&self) -> &Common;

    /// What it has in common with the other kinds.
    fn common_mut(&mut self) -> &mut Common;

    /// What is wrong with its own keys together.
    fn across(&mut self, list: &List<'_>) -> Option<Problem>;
}

/// What all of them may say, as far as it could be read.
pub(super) struct Common {
    pub(super) given: Given,
    /// `None`: ill.
    pub(super) listen: Option<Listen>,
    /// As given; `None`: missing.
    identity: Option<String>,
    pub(super) keep_redirects: bool,
    pub(super) via: bool,
    pub(super) response_timeout: Option<Duration>,
    pub(super) from: Vec<Cidr>,
    pub(super) uid: Vec<u32>,
    /// Of the LISTEN, as are the next two.
    pub(super) clients: Option<usize>,
    pub(super) mode: Option<u32>,
    pub(super) group: Option<String>,
}

impl Common {
    fn new(option: &'static str, text: &str) -> Self {
        Self {
            given: Given {
                option,
                value: text.to_owned(),
            },
            listen: None,
            identity: None,
            keep_redirects: false,
            via: true,
            response_timeout: None,
            from: Vec::new(),
            uid: Vec::new(),
            clients: None,
            mode: None,
            group: None,
        }
    }

    /// The identity, unless it is missing or unknown, which was reported.
    pub(super) fn identity_id(&self, identities: &[IdentityConfig]) -> Option<IdentityId> {
        let name = self.identity.as_deref()?;
        let index = identities
            .iter()
            .position(|identity| identity.name == name)?;
        u8::try_from(index).ok().map(IdentityId)
    }

    fn unknown_identity(&self, known: &[IdentityConfig]) -> Option<Problem> {
        let name = self.identity.as_ref()?;
        let known: Vec<_> = known.iter().map(|identity| identity.name.clone()).collect();
        (!known.contains(name)).then(|| Problem::UnknownIdentity {
            name: name.clone(),
            known,
        })
    }

    fn open_to_all(&self, list: &List<'_>) -> Option<Problem> {
        let listen = self.listen.as_ref()?;
        let open = listen.is_open() == Some(true) && !list.has("from");
        open.then(|| Problem::OpenToAll(listen.to_string()))
    }

    /// Keys that mean nothing on this kind of LISTEN. What systemd hands over may be of any kind,
    /// but its file is systemd's.
    fn misplaced(&self, list: &List<'_>) -> Vec<Problem> {
        let Some(listen) = &self.listen else {
            return Vec::new();
        };
        let is_unix = matches!(listen, Listen::Unix(_));
        let is_tcp = matches!(listen, Listen::Loopback(_) | Listen::Tcp(_));
        let table = [
            ("from", is_unix, Problem::FromOnUnix),
            ("uid", is_tcp, Problem::UidOnTcp),
            ("mode", !is_unix, Problem::OnlyUnix("mode")),
            ("group", !is_unix, Problem::OnlyUnix("group")),
        ];
        table
            .into_iter()
            .filter(|(key, wrong, _)| *wrong && list.has(key))
            .map(|(_, _, problem)| problem)
            .collect()
    }

    fn too_many(&self) -> impl Iterator<Item = Problem> {
        [
            ("from", self.from.len(), limits::RANGES_PER_ROUTE),
            ("uid", self.uid.len(), limits::UIDS_PER_ROUTE),
        ]
        .into_iter()
        .filter(|(_, count, most)| count > most)
        .map(|(key, count, most)| Problem::TooMany { key, count, most })
    }
}

pub(super) const fn identity<D: Draft>() -> Key<D> {
    Key::new("identity", |draft: &mut D, text| {
        draft.common_mut().identity = Some(text.to_owned());
        Ok(())
    })
    .required("choose as whom to send: identity=NAME, or identity=none for no certificate")
}

pub(super) const fn redirects<D: Draft>() -> Key<D> {
    Key::new("redirects", |draft: &mut D, text| {
        values::word(text, &REDIRECTS).map(|keep| draft.common_mut().keep_redirects = keep)
    })
}

pub(super) const fn via<D: Draft>() -> Key<D> {
    Key::new("via", |draft: &mut D, text| {
        values::word(text, &values::ON_OFF).map(|via| draft.common_mut().via = via)
    })
}

pub(super) const fn response_timeout<D: Draft>() -> Key<D> {
    Key::new("response-timeout", |draft: &mut D, text| {
        values::duration(text).map(|time| draft.common_mut().response_timeout = Some(time))
    })
}

pub(super) const fn clients<D: Draft>() -> Key<D> {
    Key::new("clients", |draft: &mut D, text| {
        let count = values::count(text, 1, limits::CLIENTS_MAX);
        count.map(|count| draft.common_mut().clients = Some(count))
    })
}

pub(super) const fn from<D: Draft>() -> Key<D> {
    Key::new("from", |draft: &mut D, text| {
        Cidr::parse(text).map(|range| draft.common_mut().from.push(range))
    })
    .repeats()
}

pub(super) const fn uid<D: Draft>() -> Key<D> {
    Key::new("uid", |draft: &mut D, text| {
        values::uid(text).map(|uid| draft.common_mut().uid.push(uid))
    })
    .repeats()
}

pub(super) const fn mode<D: Draft>() -> Key<D> {
    Key::new("mode", |draft: &mut D, text| {
        values::mode(text).map(|mode| draft.common_mut().mode = Some(mode))
    })
}

pub(super) const fn group<D: Draft>() -> Key<D> {
    Key::new("group", |draft: &mut D, text| {
        values::group(text).map(|group| draft.common_mut().group = Some(group))
    })
}

/// Reads all options of one kind. `identities` are the ones known; `None`: not all could be read,
/// so that an unknown one is no mistake.
pub(super) fn read_all<D: Draft>(
    texts: &[String],
    identities: Option<&[IdentityConfig]>,
    errors: &mut Vec<ConfigError>,
) -> Vec<D> {
    let mut drafts = Vec::new();
    for text in texts {
        let (draft, mut problems) = read::<D>(text);
        problems.extend(identities.and_then(|known| draft.common().unknown_identity(known)));
        errors.extend(
            problems
                .into_iter()
                .map(|problem| ConfigError::new(D::OPTION, text, problem)),
        );
        drafts.push(draft);
    }
    drafts
}

fn read<D: Draft>(text: &str) -> (D, Vec<Problem>) {
    let mut draft = D::new(Common::new(D::OPTION, text));
    let list = List::read(text, D::KEYS, &mut draft);
    let mut problems = Vec::new();
    match Listen::parse(list.bare) {
        Ok(listen) => draft.common_mut().listen = Some(listen),
        Err(fault) => problems.push(Problem::Value(fault)),
    }
    problems.extend_from_slice(&list.problems);
    problems.extend(draft.across(&list));
    let common = draft.common();
    problems.extend(common.open_to_all(&list));
    problems.extend(common.misplaced(&list));
    problems.extend(common.too_many());
    (draft, problems)
}
