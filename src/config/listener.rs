//! Which routes or forward rules share a LISTEN, and how listeners share `--max-clients`. The LISTEN
//! of `--admin` is shared by nobody, and has clients of its own.

use super::admin::AdminDraft;
use super::draft::{Common, Draft};
use super::forward::ForwardDraft;
use super::route::RouteDraft;
use super::{
    ConfigError, ForwardId, Listen, ListenerConfig, Problem, RouteId, Serves, SocketAccess,
};

const MAX_CLIENTS: &str = "--max-clients";

/// Permission bits of a unix socket without `mode=`: its owner and its group may connect.
pub(super) const SOCKET_MODE: u32 = 0o660;

/// A route or a forward rule, with its place among its kind; or `--admin`.
#[derive(Clone, Copy)]
enum Member<'a> {
    Route(usize, &'a RouteDraft),
    Forward(usize, &'a ForwardDraft),
    Admin(&'a AdminDraft),
}

/// A LISTEN and those who share it.
struct Group<'a> {
    listen: &'a Listen,
    /// In the order given, never empty.
    members: Vec<Member<'a>>,
}

/// Groups routes and rules by LISTEN; reports those that collide, LISTEN that collide, and keys
/// of one LISTEN that do not agree or do not fit.
pub(super) fn group(
    routes: &[RouteDraft],
    forwards: &[ForwardDraft],
    admin: &[AdminDraft],
    max_clients: usize,
    errors: &mut Vec<ConfigError>,
) -> Vec<ListenerConfig> {
    let routes = (0..)
        .zip(routes)
        .map(|(at, draft)| Member::Route(at, draft));
    let forwards = (0..)
        .zip(forwards)
        .map(|(at, draft)| Member::Forward(at, draft));
    let mut groups: Vec<Group<'_>> = Vec::new();
    for member in routes.chain(forwards) {
        errors.extend(misplaced(member, &mut groups));
    }
    let share = share(&groups, max_clients, errors);
    let listeners = groups.iter().map(|group| group.finish(share)).collect();
    for draft in admin {
        errors.extend(misplaced(Member::Admin(draft), &mut groups));
    }
    listeners
}

/// Puts a member in the group of its LISTEN; tells whose mistake it is that it cannot be there.
fn misplaced<'a>(member: Member<'a>, groups: &mut Vec<Group<'a>>) -> Option<ConfigError> {
    let problem = place(member, groups)?;
    let given = &member.common().given;
    Some(ConfigError::new(given.option, &given.value, problem))
}

/// Puts a member in the group of its LISTEN; tells what is wrong with that.
fn place<'a>(member: Member<'a>, groups: &mut Vec<Group<'a>>) -> Option<Problem> {
    let listen = member.common().listen.as_ref()?;
    if let Some(group) = groups.iter_mut().find(|group| group.listen == listen) {
        let problem = group.collision(member);
        group.members.push(member);
        return problem;
    }
    let problem = overlap(listen, groups);
    groups.push(Group {
        listen,
        members: vec![member],
    });
    problem
}

impl<'a> Member<'a> {
    fn common(self) -> &'a Common {
        match self {
            Self::Route(_, draft) => draft.common(),
            Self::Forward(_, draft) => draft.common(),
            Self::Admin(draft) => draft.common(),
        }
    }

    /// Why two cannot share a LISTEN. Forward rules always can: the first that matches decides.
    fn collision(self, other: Self) -> Option<Problem> {
        let given = || other.common().given.clone();
        match (self, other) {
            (Self::Route(_, draft), Self::Route(_, other)) => {
                draft.collides(other).then(|| Problem::SameRoute {
                    other: given(),
                    by_uid: draft.common().listen.as_ref().is_some_and(tells_uids),
                })
            }
            (Self::Forward(..), Self::Forward(..)) => None,
            _ => Some(Problem::BothKinds(given())),
        }
    }
}

/// Whether `uid=` may tell peers apart there.
fn tells_uids(listen: &Listen) -> bool {
    matches!(listen, Listen::Unix(_) | Listen::Systemd(_))
}

impl<'a> Group<'a> {
    /// Why a member cannot join.
    fn collision(&self, member: Member<'_>) -> Option<Problem> {
        let collides = |other: &Member<'_>| member.collision(*other);
        let common = member.common();
        self.members
            .iter()
            .find_map(collides)
            .or_else(|| self.differs("clients", common, |one| Some(one.clients?.to_string())))
            .or_else(|| self.differs("mode", common, |one| Some(format!("{:04o}", one.mode?))))
            .or_else(|| self.differs("group", common, |one| one.group.clone()))
    }

    /// What a member says of the LISTEN, if the first that says it says otherwise.
    fn differs(
        &self,
        key: &'static str,
        member: &Common,
        said: fn(&Common) -> Option<String>,
    ) -> Option<Problem> {
        let value = said(member)?;
        let (first, other) = self.first(|common| Some((common, said(common)?)))?;
        (value != other).then(|| Problem::Differs {
            key,
            value,
            other,
            of: first.given.clone(),
        })
    }

    /// What the first member says that says it.
    fn first<T>(&self, said: impl Fn(&'a Common) -> Option<T>) -> Option<T> {
        self.members.iter().find_map(|member| said(member.common()))
    }

    fn clients(&self) -> Option<usize> {
        self.first(|common| common.clients)
    }

    fn finish(&self, share: usize) -> ListenerConfig {
        ListenerConfig {
            listen: self.listen.clone(),
            serves: self.serves(),
            clients: self.clients().unwrap_or(share),
            access: SocketAccess {
                mode: self.first(|common| common.mode).unwrap_or(SOCKET_MODE),
                group: self.first(|common| common.group.clone()),
            },
        }
    }

    /// All members are of one kind, or that was reported.
    fn serves(&self) -> Serves {
        let id = |index: usize| u8::try_from(index).ok();
        let route = |member: &Member<'_>| match member {
            Member::Route(index, _) => id(*index).map(RouteId),
            Member::Forward(..) | Member::Admin(_) => None,
        };
        let forward = |member: &Member<'_>| match member {
            Member::Forward(index, _) => id(*index).map(ForwardId),
            Member::Route(..) | Member::Admin(_) => None,
        };
        match self.members.first() {
            Some(Member::Forward(..)) => {
                Serves::Forwards(self.members.iter().filter_map(forward).collect())
            }
            _ => Serves::Routes(self.members.iter().filter_map(route).collect()),
        }
    }
}

/// The first LISTEN that wants the same socket under another text.
fn overlap(listen: &Listen, groups: &[Group<'_>]) -> Option<Problem> {
    let group = groups.iter().find(|group| group.listen.overlaps(listen))?;
    Some(Problem::Overlap {
        listen: listen.to_string(),
        other: group.listen.to_string(),
        of: group.first(|common| Some(common.given.clone()))?,
    })
}

/// What each LISTEN without `clients=` gets: an equal share of what the others leave.
fn share(groups: &[Group<'_>], most: usize, errors: &mut Vec<ConfigError>) -> usize {
    let said: Vec<usize> = groups.iter().filter_map(Group::clients).collect();
    let sum = said.iter().sum();
    let listeners = groups.len() - said.len();
    let Some(left) = most.checked_sub(sum) else {
        errors.push(ConfigError::of_all(
            MAX_CLIENTS,
            Problem::ClientsSum { sum, most },
        ));
        return 0;
    };
    if left < listeners {
        errors.push(ConfigError::of_all(
            MAX_CLIENTS,
            Problem::ClientsShare { listeners, left },
        ));
    }
    left / listeners.max(1)
}
