//! Paths of the program that lead to agents without a name in the path.

use std::collections::HashMap;
use std::sync::Arc;

use crate::agent::{ConnectRequest, Refusal};
use crate::error::{Error, Result};
use crate::object::{Behavior, BoxFuture};

type Find = Box<dyn Fn(ConnectRequest) -> BoxFuture<'static, Result<String, Refusal>> + Send + Sync>;

/// A path that leads to an agent whose name a function finds.
pub(in crate::server) struct NamedRoute {
    pub(in crate::server) path: String,
    pub(in crate::server) class: String,
    pub(in crate::server) find: Find,
}

impl NamedRoute {
    fn segments(&self) -> impl Iterator<Item = &str> {
        segments(&self.path)
    }

    fn leads(&self, path: &str) -> bool {
        let mut asked = segments(path);
        self.segments().all(|segment| asked.next() == Some(segment))
    }

    fn check(&self) -> Result<(), &'static str> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
        let sound = |segment: &str| segment.chars().all(plain) && segment.chars().any(|c| c != '.');
        if !self.path.starts_with('/') || !self.segments().all(sound) {
            return Err("is not a path that can be served");
        }
        match self.segments().next() {
            None => Err("would match every request"),
            Some("agents") => Err("is reserved for agents with names"),
            Some(_) => Ok(()),
        }
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

/// All such paths of a host, the longest first.
#[derive(Default)]
pub(in crate::server) struct NamedRoutes(Vec<NamedRoute>);

impl NamedRoutes {
    pub(in crate::server) fn add(&mut self, route: NamedRoute) {
        let length = route.segments().count();
        let at = self.0.partition_point(|other| other.segments().count() >= length);
        self.0.insert(at, route);
    }

    /// Finds the route that a path equals or lies below.
    pub(in crate::server) fn find(&self, path: &str) -> Option<&NamedRoute> {
        self.0.iter().find(|route| route.leads(path))
    }

    /// Returns the paths, each without a slash at its end.
    pub(in crate::server) fn paths(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|route| route.segments().map(|segment| format!("/{segment}")).collect())
    }

    /// Warns if the host finds names for clients and also lets them choose names.
    pub(in crate::server) fn warn_if_passed_by(&self) {
        for NamedRoute { path, class, .. } in &self.0 {
            tracing::warn!(
                path,
                class,
                "any client can also reach the agents of this path under `/agents`, by a name of its choice: \
                 refuse that in `Agents::authorize`"
            );
        }
    }

    pub(in crate::server) fn check(&self, classes: &HashMap<String, Arc<dyn Behavior>>) -> Result<()> {
        let wrong = |path: &str, why: &str| Err(Error::new("route", format!("the path `{path}` {why}")));
        for (index, route) in self.0.iter().enumerate() {
            if let Err(why) = route.check() {
                return wrong(&route.path, why);
            }
            if self.0[..index].iter().any(|other| other.segments().eq(route.segments())) {
                return wrong(&route.path, "is given twice");
            }
            if !classes.contains_key(&route.class) {
                let why = format!("leads to the class `{}`, which is not registered", route.class);
                return wrong(&route.path, &why);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(paths: &[&str]) -> NamedRoutes {
        let mut routes = NamedRoutes::default();
        for path in paths {
            let find = Box::new(|_| -> BoxFuture<'static, _> { Box::pin(async { Ok(String::new()) }) });
            routes.add(NamedRoute { path: (*path).to_owned(), class: "a".to_owned(), find });
        }
        routes
    }

    #[test]
    fn the_longest_path_leads() {
        let routes = routes(&["/user", "/user/settings/", "/me"]);
        let found = |path| routes.find(path).map(|route| route.path.as_str());
        for (path, expected) in [
            ("/user", Some("/user")),
            ("//user/", Some("/user")),
            ("/user/more", Some("/user")),
            ("/user/settings", Some("/user/settings/")),
            ("/user/settings/a/b", Some("/user/settings/")),
            ("/me", Some("/me")),
            ("/users", None),
            ("/", None),
            ("/other/user", None),
        ] {
            assert_eq!(found(path), expected, "{path}");
        }
        assert_eq!(routes.paths().collect::<Vec<_>>(), ["/user/settings", "/user", "/me"]);
    }

    #[test]
    fn paths_are_checked() {
        let check = |path| routes(&[path]).check(&HashMap::new()).unwrap_err().to_string();
        for path in ["user", "/", "", "//", "/agents", "/agents/x", "/a b", "/{user}", "/a/../b", "/a/*"] {
            let error = check(path);
            assert!(!error.contains("class"), "{path}: {error}");
        }
        assert!(check("/user/v1.2").contains("is not registered"));
    }
}
