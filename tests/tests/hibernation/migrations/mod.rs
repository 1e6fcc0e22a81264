//! Data of older programs: converted once, before the agent starts, completely or not at all.

mod check;
mod failures;
mod refused;
mod steps;
mod upgrades;

use std::path::Path;

use agents::prelude::*;
use agents::testing::{TestConnection, TestHost};
use serde_json::Value;

/// The first version of a program: a state and a table that it makes in `on_start`.
mod first {
    use agents::prelude::*;

    #[wire]
    #[derive(Clone, Default)]
    pub(super) struct Board {
        pub(super) title: String,
    }

    #[agent(state = Board, name = "board", migrations = migrations![
        "CREATE TABLE cards (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT",
    ])]
    #[derive(Default)]
    pub(super) struct First;

    #[agent]
    impl First {
        #[callable]
        fn rename(&self, cx: &Context<Self>, title: String) -> Result<()> {
            cx.set_state(Board { title })
        }

        #[callable]
        fn add(&self, cx: &Context<Self>, text: String) -> Result<()> {
            sql!(cx, "INSERT INTO cards (text) VALUES ({text})").map(drop)
        }

        #[callable]
        fn cards(&self, cx: &View<Self>) -> Result<Vec<String>> {
            sql!(cx, "SELECT text FROM cards ORDER BY id")
        }

        #[callable]
        fn ring(&self, cx: &Context<Self>, seconds: u64) -> Result<()> {
            cx.object().set_alarm(std::time::Duration::from_secs(seconds))
        }

        #[callable]
        fn clear(&self, cx: &Context<Self>) -> Result<()> {
            cx.object().delete_all()
        }
    }
}

/// The third version of the state, with two more migrations. Its hook understands the first two versions.
mod third {
    use agents::prelude::*;
    use agents_tests::Recorder;
    use serde_json::{Value, json};

    #[wire]
    #[derive(Clone, Debug, Default)]
    pub(super) struct Board {
        pub(super) name: String,
        pub(super) cards: u64,
    }

    #[agent(state = Board, version = 3, name = "board", migrations = migrations![
        "CREATE TABLE cards (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT",
        "ALTER TABLE cards ADD COLUMN author TEXT",
        "CREATE INDEX authors ON cards (author); UPDATE cards SET author = 'unknown';",
    ])]
    pub(super) struct Third {
        pub(super) recorder: Recorder,
        /// The title at which the hook fails.
        pub(super) fails_at: &'static str,
        /// The title at which the hook panics.
        pub(super) panics_at: &'static str,
        /// The title at which `on_start` fails.
        pub(super) start_fails_at: &'static str,
    }

    #[agent]
    impl Third {
        #[hook]
        fn migrate(&self, cx: &Context<Self>, from: u32, old: Value) -> Result<Board> {
            let authors: Vec<String> = sql!(cx, "SELECT author FROM cards ORDER BY id")?;
            self.recorder.note(json!(["migrate", from, old, authors]));
            assert_eq!(cx.state().unwrap_err().code(), "migrating");
            let name = old["title"].as_str().unwrap_or_default().to_owned();
            sql!(cx, "INSERT INTO cards (text, author) VALUES ('migrated', 'hook')")?;
            if name == self.fails_at {
                return Err(Error::msg("this title cannot be converted"));
            }
            assert!(name != self.panics_at, "on purpose");
            Ok(Board { name, cards: authors.len() as u64 })
        }

        #[hook]
        fn on_start(&mut self, cx: &Context<Self>) -> Result<()> {
            let board = cx.state()?;
            self.recorder.note(json!(["start", board.name]));
            if board.name == self.start_fails_at {
                return Err(Error::msg("the start fails"));
            }
            Ok(())
        }

        #[hook]
        fn on_alarm(&self, cx: &Context<Self>) -> Result<()> {
            self.recorder.note(json!(["alarm", cx.state()?.name]));
            Ok(())
        }

        #[callable]
        fn authors(&self, cx: &View<Self>) -> Result<Vec<String>> {
            sql!(cx, "SELECT coalesce(author, '') FROM cards ORDER BY id")
        }

        #[callable]
        fn clear(&self, cx: &Context<Self>) -> Result<()> {
            cx.object().delete_all()
        }
    }

    impl Third {
        pub(super) fn new(recorder: Recorder) -> Self {
            let never = "-";
            Self { recorder, fails_at: never, panics_at: never, start_fails_at: never }
        }
    }
}

fn of_first(data: &Path) -> TestHost {
    TestHost::start_in(data, || Agents::new().register::<first::First>()).expect("the host starts")
}

fn of_third(data: &Path, make: impl Fn() -> third::Third + Clone + Send + Sync + 'static) -> TestHost {
    let program = move || {
        let make = make.clone();
        Agents::new().register_with::<third::Third>(move |_| make())
    };
    TestHost::start_in(data, program).expect("the host starts")
}

/// Writes a board with the first version of the program.
async fn written_by_first(data: &Path, title: &str, cards: &[&str]) {
    let host = of_first(data);
    let mut client = board(&host, "one").await;
    client.call::<()>("rename", [title]).await;
    for card in cards {
        client.call::<()>("add", [card]).await;
    }
    host.shutdown().await;
}

async fn board(host: &TestHost, name: &str) -> TestConnection {
    host.connect(&format!("/agents/board/{name}")).await
}

/// Returns the state that a new client is greeted with, and the client.
async fn greeted(host: &TestHost) -> (Option<Value>, TestConnection) {
    let mut client = board(host, "one").await;
    (client.greeting().await, client)
}
