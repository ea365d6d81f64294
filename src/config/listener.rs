//! Which routes share a LISTEN, and how listeners share `--max-clients`.

use super::route::{self, Draft};
use super::{ConfigError, Listen, ListenerConfig, Problem, RouteId};

const MAX_CLIENTS: &str = "--max-clients";

/// A LISTEN, its routes, and the first of them that says `clients=`.
struct Group<'a> {
    listen: &'a Listen,
    /// In the order given, never empty.
    routes: Vec<(usize, &'a Draft)>,
}

/// Groups routes by LISTEN; reports routes and LISTEN that collide, and `clients=` that do not fit.
pub(super) fn group(
    drafts: &[Draft],
    max_clients: usize,
    errors: &mut Vec<ConfigError>,
) -> Vec<ListenerConfig> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (index, draft) in drafts.iter().enumerate() {
        let Some(listen) = &draft.listen else {
            continue;
        };
        let problem = match groups.iter_mut().find(|group| group.listen == listen) {
            Some(group) => {
                let problem = group.collision(draft);
                group.routes.push((index, draft));
                problem
            }
            None => {
                let problem = overlap(listen, &groups);
                groups.push(Group {
                    listen,
                    routes: vec![(index, draft)],
                });
                problem
            }
        };
        errors.extend(problem.map(|problem| ConfigError::new(route::OPTION, &draft.text, problem)));
    }
    let share = share(&groups, max_clients, errors);
    groups.iter().map(|group| group.finish(share)).collect()
}

impl Group<'_> {
    /// Why a route cannot join.
    fn collision(&self, draft: &Draft) -> Option<Problem> {
        self.same_route(draft)
            .or_else(|| self.clients_differ(draft))
    }

    fn same_route(&self, draft: &Draft) -> Option<Problem> {
        let sound = |other: &&Draft| other.path_is_sound && draft.path_is_sound;
        let mut others = self.drafts().filter(sound);
        let other = others.find(|other| other.path == draft.path)?;
        Some(Problem::SameRoute(other.text.clone()))
    }

    fn clients_differ(&self, draft: &Draft) -> Option<Problem> {
        let clients = draft.clients?;
        let (other, route) = self.said_clients()?;
        (clients != other).then(|| Problem::ClientsDiffer {
            clients,
            other,
            route: route.to_owned(),
        })
    }

    fn drafts(&self) -> impl Iterator<Item = &Draft> {
        self.routes.iter().map(|(_, draft)| *draft)
    }

    /// The first `clients=` said, and the route that says it.
    fn said_clients(&self) -> Option<(usize, &str)> {
        self.drafts()
            .find_map(|draft| Some((draft.clients?, draft.text.as_str())))
    }

    fn finish(&self, share: usize) -> ListenerConfig {
        let id = |(index, _): &(usize, &Draft)| u8::try_from(*index).ok().map(RouteId);
        ListenerConfig {
            listen: self.listen.clone(),
            routes: self.routes.iter().filter_map(id).collect(),
            clients: self.said_clients().map_or(share, |(clients, _)| clients),
        }
    }
}

/// The first LISTEN that wants the same socket under another text.
fn overlap(listen: &Listen, groups: &[Group<'_>]) -> Option<Problem> {
    let group = groups.iter().find(|group| group.listen.overlaps(listen))?;
    Some(Problem::Overlap {
        listen: listen.to_string(),
        other: group.listen.to_string(),
        route: group.drafts().next()?.text.clone(),
    })
}

/// What each LISTEN without `clients=` gets: an equal share of what the others leave.
fn share(groups: &[Group<'_>], most: usize, errors: &mut Vec<ConfigError>) -> usize {
    let said: Vec<usize> = groups
        .iter()
        .filter_map(|group| Some(group.said_clients()?.0))
        .collect();
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
