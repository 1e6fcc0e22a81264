//! The expansion passes the strictest lints, and names of the user do not disturb it.

#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, unused_qualifications)]
#![deny(
    non_snake_case,
    unused_lifetimes,
    single_use_lifetimes,
    elided_lifetimes_in_paths,
    let_underscore_drop
)]
#![forbid(unsafe_code)]
#![allow(dead_code)]

use agents::prelude::*;

#[wire]
#[derive(Clone, Debug, Default)]
struct Count {
    value: u64,
}

#[agent(state = Count, hibernate_after = "1m")]
#[derive(Debug)]
struct Room;

#[agent]
impl Room {
    #[hook]
    async fn on_start(&mut self, cx: &Context<Self>) -> Result<()> {
        sql!(cx, "DELETE FROM t WHERE a = {1 + 1}").map(|_| ())
    }

    #[hook]
    fn validate_state_change(&self, _: &Count, _: &StateSource<Self>) {}

    #[callable]
    #[deprecated]
    async fn args(
        &self,
        call: Count,
        agent: u8,
        args: u8,
        cx: &Context<Self>,
        #[default = 1] out: u8,
    ) -> Result<u64> {
        cx.set_state(call.clone())?;
        Ok(call.value + u64::from(agent) + u64::from(args) + u64::from(out))
    }
}

/// Names of the user that the expansion also uses.
mod shadowed {
    use agents::{Context, agent};

    struct Option;
    struct Result;
    struct Box;
    struct Vec;
    struct String;
    struct Some;
    struct Send;
    struct Default;
    mod core {}
    mod std {}
    fn call() {}

    #[agent(state = super::Count)]
    struct Agent;

    #[agent]
    impl Agent {
        #[hook]
        fn on_connect(&self, cx: &Context<Self>) {
            _ = cx;
        }

        #[callable]
        async fn parts(&self, cx: &Context<Self>, agent: u8) -> u8 {
            _ = cx;
            agent
        }
    }
}

pub(crate) fn main() {}
