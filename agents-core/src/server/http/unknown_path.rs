//! Requests that name no agent: the texts of their refusals, and their lines in the log.

use crate::server::Host;
use crate::support::nearest::nearest;
use crate::support::sampled::sampled;
use crate::support::single_line::Shortened;

/// The maximum number of classes that a text names.
const NAMED: usize = 20;

impl Host {
    /// Logs a request to a class that is not registered. Returns the text that the client reads, which names
    /// the classes if the host gives hints.
    pub(super) fn unknown_class(&self, class: &str) -> String {
        let mut classes: Vec<_> = self.classes().collect();
        classes.sort_unstable();
        let meant = nearest(class, classes.iter().copied());
        let classes = listed(&classes);
        let class = Shortened(class);
        if !self.access().hints {
            sampled!(DEBUG, "requests to unknown classes", %class, meant, classes, "there is no such class");
            return "unknown agent class".to_owned();
        }
        sampled!(WARN, "requests to unknown classes", %class, meant, classes, "there is no such class");
        match meant {
            Some(meant) => {
                format!("unknown agent class `{class}`: did you mean `{meant}`? The classes are {classes}")
            }
            None if classes.is_empty() => format!("unknown agent class `{class}`: no class is registered"),
            None => format!("unknown agent class `{class}`, the classes are {classes}"),
        }
    }

    /// Logs a request to a path that leads to no agent, if the path looks like one. Returns the text that the
    /// client reads if the host gives hints.
    pub(super) fn no_agent(&self, path: &str, handshake: bool) -> Option<String> {
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        let (first, class) = (segments.next().unwrap_or_default(), segments.next());
        let is_near = nearest(first, ["agents"]).is_some();
        if !handshake && !is_near {
            return None;
        }
        let path = Shortened(path);
        if !self.access().hints {
            sampled!(DEBUG, "requests to no agent", %path, handshake, "a path leads to no agent");
            return None;
        }
        sampled!(WARN, "requests to no agent", %path, handshake, "a path leads to no agent");
        Some(match class.filter(|_| first == "agents") {
            Some(class) => format!("the name is missing, write /agents/{}/{{name}}", Shortened(class)),
            None => "the path of an agent is /agents/{class}/{name}".to_owned(),
        })
    }
}

/// Returns the names of classes in one text.
fn listed(classes: &[&str]) -> String {
    match classes.len().checked_sub(NAMED) {
        None | Some(0) => classes.join(", "),
        Some(others) => format!("{} and {others} others", classes[..NAMED].join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_classes_are_counted() {
        let names: Vec<String> = (10..40).map(|number| format!("c{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(listed(&[]), "");
        assert_eq!(listed(&names[..2]), "c10, c11");
        assert!(listed(&names[..20]).ends_with("c28, c29"));
        assert!(listed(&names).ends_with("c29 and 10 others"));
    }
}
