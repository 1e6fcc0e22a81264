//! Options of a class of objects.

use std::time::Duration;

/// Options of a class of objects, with their defaults.
#[derive(Clone, Debug)]
pub struct ObjectOptions {
    pub(crate) hibernate: bool,
    pub(crate) hibernate_after: Duration,
    pub(crate) wakes_on_close: bool,
    /// `true` if `fetch` receives calls of other agents.
    pub(crate) takes_calls: bool,
}

impl ObjectOptions {
    /// Returns the defaults: an object hibernates after 10 s without work.
    pub const fn new() -> Self {
        Self {
            hibernate: true,
            hibernate_after: Duration::from_secs(10),
            wakes_on_close: true,
            takes_calls: false,
        }
    }

    /// Sets whether an idle object hibernates; `true` by default.
    #[must_use]
    pub const fn hibernate(mut self, hibernate: bool) -> Self {
        self.hibernate = hibernate;
        self
    }

    /// Sets the time for which an object is idle before it hibernates; 10 s by default.
    #[must_use]
    pub const fn hibernate_after(mut self, after: Duration) -> Self {
        self.hibernate_after = after;
        self
    }

    /// Sets whether the end of a connection wakes a hibernating object; `true` by default.
    ///
    /// Set `false` for a class whose `web_socket_close` does nothing: the end of a connection then wakes no
    /// object.
    #[must_use]
    pub const fn wakes_on_close(mut self, wakes: bool) -> Self {
        self.wakes_on_close = wakes;
        self
    }

    /// Sets whether the class has methods that agents call.
    pub(crate) const fn takes_calls(mut self, takes: bool) -> Self {
        self.takes_calls = takes;
        self
    }
}

impl Default for ObjectOptions {
    fn default() -> Self {
        Self::new()
    }
}
