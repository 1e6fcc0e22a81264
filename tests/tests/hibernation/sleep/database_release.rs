//! Idle agents that close their database before they hibernate.

use std::time::Duration;

use agents::prelude::*;
use agents::testing::TestHost;

#[wire]
#[derive(Clone, Default)]
struct Count {
    count: u64,
}

#[agent(state = Count)]
#[derive(Default)]
struct Counter {
    since_wake: std::sync::atomic::AtomicU64,
}

#[agent]
impl Counter {
    #[callable]
    fn add(&self, cx: &Context<Self>) -> Result<(u64, u64, u64)> {
        let since = 1 + self.since_wake.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        cx.storage().put(&format!("call {since}"), &since)?;
        let keys = cx.storage().list::<u64>(agents::storage::KvRange::all())?.len() as u64;
        let count = cx.update_state(|state| {
            state.count += 1;
            state.count
        })?;
        Ok((count, since, keys))
    }
}

// S66, S73: the instance stays, and its database is closed and opened again.
#[tokio::test(start_paused = true)]
async fn a_database_that_was_closed_early_is_opened_again_and_nothing_is_lost() {
    for open_databases in [0, 1000] {
        let host = TestHost::start(move || {
            let mut limits = agents::limits::Limits::default();
            limits.open_databases = open_databases;
            Agents::new().register::<Counter>().limits(limits)
        })
        .unwrap();
        let counter = host.agent::<Counter>("one");
        let mut client = counter.connect("").await;
        client.greeting().await;
        let file = host.data().join("counter/one.sqlite-wal");
        for call in 1..5 {
            assert_eq!(client.call::<(u64, u64, u64)>("add", ()).await, (call, call, call));
            let open = std::fs::metadata(&file).unwrap().len();
            assert!(open > 4, "the database was written: {open}");
            host.advance(Duration::from_secs(1)).await;
            assert!(counter.is_awake());
            assert_eq!(counter.status().unwrap().pinned_by, []);
            let idle = std::fs::metadata(&file).unwrap().len();
            assert_eq!(idle == 4, open_databases == 0, "closed cleanly or still open: {idle}");
        }
        counter.hibernate().await.unwrap();
        assert_eq!(client.call::<(u64, u64, u64)>("add", ()).await, (5, 1, 4));
        assert_eq!(counter.status().unwrap().metrics.commits, 6);
    }
}
