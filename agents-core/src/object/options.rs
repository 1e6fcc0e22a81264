//! How the objects of a class are kept.

use std::time::Duration;

/// Options of a class of objects, with their defaults.
#[derive(Clone, Debug)]
pub struct ObjectOptions {
    pub(crate) hibernate: bool,
    pub(crate) hibernate_after: Duration,
    pub(crate) wakes_on_close: bool,
    /// Calls of other agents are given to `fetch`.
    pub(crate) takes_calls: bool,
}

impl ObjectOptions {
    /// The defaults: sleeps after 10 s without work.
    pub const fn new() -> Self {
        Self {
            hibernate: true,
            hibernate_after: Duration::from_secs(10),
            wakes_on_close: true,
            takes_calls: false,
        }
    }

    /// Whether an idle object leaves memory.
    #[must_use]
    pub const fn hibernate(mut self, hibernate: bool) -> Self {
        self.hibernate = hibernate;
        self
    }

    /// How long an object is idle before it leaves memory.
    #[must_use]
    pub const fn hibernate_after(mut self, after: Duration) -> Self {
        self.hibernate_after = after;
        self
    }

    /// Whether the end of a connection wakes a sleeping object; `true` by default.
    ///
    /// Say `false` for a class whose `web_socket_close` does nothing: closes then cost no wake.
    #[must_use]
    pub const fn wakes_on_close(mut self, hears: bool) -> Self {
        self.wakes_on_close = hears;
        self
    }

    /// Whether it has methods that agents call.
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
