//! Drops values of users, so that their panics do not unwind through the runtime.

use agents_protocol::Error;
use tokio::task::JoinError;

pub(crate) use agents_protocol::unwind::{Panic, caught};

/// Drops a value of a user and logs a panic of its destructor, with the class and the name of its object.
pub(crate) fn discard<T>(value: T, (class, name): (&str, &str)) {
    if let Err(panic) = caught(|| drop(value)) {
        tracing::error!(target: "agents::error", class, name, "a destructor panicked: {panic}");
    }
}

/// Returns the error for work of another thread that has no result: it panicked, or the runtime shuts down.
pub(crate) fn unfinished(error: JoinError) -> Error {
    Error::hidden(if error.is_panic() { "panic" } else { "stopping" }, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bomb(&'static str);

    impl Drop for Bomb {
        fn drop(&mut self) {
            std::panic::panic_any(Self(self.0));
        }
    }

    #[test]
    fn a_destructor_that_panics_stops_no_other() {
        struct Both(Vec<Bomb>);
        impl Drop for Both {
            fn drop(&mut self) {
                // This destructor also runs while a panic unwinds. A second panic that escaped would then end
                // the process.
                for bomb in self.0.drain(..) {
                    discard(bomb, ("a", "test"));
                }
            }
        }
        let panic = caught(|| {
            let _both = Both(vec![Bomb("one"), Bomb("two")]);
            panic!("unwinds");
        });
        assert_eq!(panic.unwrap_err().to_string(), "unwinds");
    }
}
