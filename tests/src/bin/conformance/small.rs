//! Agents that differ in one point each.

use std::time::Duration;

use agents::prelude::*;
use agents::serde_json::Value;

use crate::types::Counter;

/// An agent without a declared state type: the state is any JSON, and there is no initial state.
#[agent]
#[derive(Default)]
pub(crate) struct TestNoState;

#[agent]
impl TestNoState {
    #[callable]
    fn ping(&self) -> String {
        "pong".to_owned()
    }

    #[callable]
    fn set_state_to(&self, cx: &Context<Self>, value: Value) -> Result<()> {
        cx.set_state(value)
    }

    #[callable]
    fn get_state(&self, cx: &View<Self>) -> Result<Option<Value>> {
        Ok(cx.try_state()?.map(|state| (*state).clone()))
    }
}

/// An agent that sends no identity frame.
#[agent(state = Counter, send_identity = false)]
#[derive(Default)]
pub(crate) struct TestNoIdentity;

#[agent]
impl TestNoIdentity {
    #[callable]
    fn increment(&self, cx: &Context<Self>) -> Result<i64> {
        cx.update_state(|state| {
            state.count += 1;
            state.count
        })
    }
}

/// An agent whose address has a dash before every capital: `test-o-auth-agent`.
#[agent(state = Counter)]
#[derive(Default)]
pub(crate) struct TestOAuthAgent;

#[agent]
impl TestOAuthAgent {
    #[callable]
    fn who(&self, cx: &View<Self>) -> String {
        cx.name().to_owned()
    }
}

/// An agent whose address is in lower case with a dash: `loud-case`.
#[allow(non_camel_case_types)]
#[agent]
#[derive(Default)]
pub(crate) struct LOUD_CASE;

#[agent]
impl LOUD_CASE {
    #[callable]
    fn who(&self, cx: &View<Self>) -> String {
        cx.name().to_owned()
    }
}

/// An agent with an alarm.
#[agent]
#[derive(Default)]
pub(crate) struct TestAlarm;

#[agent]
impl TestAlarm {
    #[hook]
    fn on_start(&self, cx: &Context<Self>) -> Result<()> {
        sql!(cx, "CREATE TABLE IF NOT EXISTS events (what TEXT NOT NULL)")?;
        Ok(())
    }

    #[hook]
    fn on_connect(&self, cx: &Context<Self>, conn: &Connection<Self>) -> Result<()> {
        match count(cx, "rang")? {
            0 => Ok(()),
            rang => conn.send(&json!({ "rang": rang })),
        }
    }

    #[hook]
    fn on_alarm(&self, cx: &Context<Self>) -> Result<()> {
        sql!(cx, "INSERT INTO events (what) VALUES ('rang')")?;
        cx.broadcast(&json!({ "rang": count(cx, "rang")? }))
    }

    /// Sets an alarm that fires after so many milliseconds.
    #[callable]
    fn remind(&self, cx: &Context<Self>, ms: u64) -> Result<()> {
        sql!(cx, "INSERT INTO events (what) VALUES ('asked')")?;
        cx.object().set_alarm(Duration::from_millis(ms))
    }

    #[callable]
    fn asked(&self, cx: &Context<Self>) -> Result<u64> {
        count(cx, "asked")
    }
}

fn count(cx: &Context<TestAlarm>, what: &str) -> Result<u64> {
    sql!(cx, "SELECT count(*) FROM events WHERE what = {what}")
}
