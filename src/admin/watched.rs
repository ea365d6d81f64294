//! Routes and forward rules, as those are told of them who ask.

use std::rc::Rc;

use crate::config::Listen;
use crate::limits::ROUTE_LABEL_MAX;
use crate::proxy::Tally;
use crate::proxy::destination::Serves;
use crate::proxy::forward::Rule;
use crate::proxy::target::Route;

/// One route or forward rule.
pub struct Watched {
    /// LISTEN and path, or LISTEN and destinations: short, and of no other one.
    pub(super) name: String,
    /// Where it leads.
    pub(super) to: String,
    /// The name of its identity.
    pub(super) identity: String,
    /// What it did.
    pub(super) tally: Rc<Tally>,
}

impl Watched {
    /// What a LISTEN serves.
    pub fn all(listen: &Listen, serves: &Serves) -> Vec<Self> {
        match serves {
            Serves::Routes(routes) => {
                let route = |route| Self::route(listen, route);
                routes.all().map(route).collect()
            }
            Serves::Rules(rules) => {
                let rule = |rule| Self::rule(listen, rule);
                rules.0.iter().map(rule).collect()
            }
        }
    }

    fn route(listen: &Listen, route: &Route) -> Self {
        let path = route.config.path.as_deref().unwrap_or_default();
        Self {
            name: format!("{listen}{path}"),
            to: route.config.to.to_string(),
            identity: route.identity.config.name.clone(),
            tally: Rc::clone(&route.tally),
        }
    }

    fn rule(listen: &Listen, rule: &Rule) -> Self {
        Self {
            name: format!("{listen} {}", rule.config.to),
            to: rule.config.to.to_string(),
            identity: rule.identity.config.name.clone(),
            tally: Rc::clone(&rule.tally),
        }
    }
}

/// Shortens the names, and numbers those that are the same: `uid=` and `from=` make different routes
/// of one path.
pub(super) fn distinct(mut routes: Vec<Watched>) -> Vec<Watched> {
    let mut taken: Vec<String> = Vec::new();
    for route in &mut routes {
        let mut names = (1..).map(|number| numbered(&route.name, number));
        if let Some(name) = names.find(|name| !taken.contains(name)) {
            taken.push(name.clone());
            route.name = name;
        }
    }
    routes
}

fn numbered(name: &str, number: usize) -> String {
    let end = match number {
        1 => String::new(),
        number => format!("#{number}"),
    };
    let room = ROUTE_LABEL_MAX - end.len();
    let cut = (0..=room.min(name.len())).rev();
    let cut = cut.into_iter().find_map(|at| name.get(..at));
    format!("{}{end}", cut.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        let watched = |name: &&str| Watched {
            name: String::from(*name),
            to: String::new(),
            identity: String::new(),
            tally: Rc::default(),
        };
        let routes = distinct(names.iter().map(watched).collect());
        routes.into_iter().map(|route| route.name).collect()
    }

    #[test]
    fn routes_of_one_path_are_told_apart() {
        assert_eq!(
            names(&["unix:/a/b", "unix:/a/b", "8080", "unix:/a/b"]),
            ["unix:/a/b", "unix:/a/b#2", "8080", "unix:/a/b#3"]
        );
        assert_eq!(names(&["a", "a#2", "a"]), ["a", "a#2", "a#3"]);
    }

    #[test]
    fn long_names_are_short_and_still_told_apart() {
        let long = "\u{fc}".repeat(ROUTE_LABEL_MAX);
        let names = names(&[&long, &long]);
        assert_ne!(names[0], names[1]);
        assert!(names.iter().all(|name| name.len() <= ROUTE_LABEL_MAX));
        assert!(names[1].ends_with("\u{fc}#2"));
    }
}
