//! Alarms that fire at the same moment as something else.

use std::time::Duration;

use serde_json::{Value, json};

use crate::named::{MOMENT, all_asleep, text, until};
use crate::stage::host;

#[tokio::test(start_paused = true)]
async fn an_alarm_while_falling_asleep_rings_in_the_next_life() {
    let (host, object, stage, mut notes) = host(&["hibernate"]);
    let mut client = object.connect("_pk=a").await;
    client.send("alarm 2000").await;
    until(&mut notes, "message alarm 2000").await;
    tokio::spawn({
        let object = object.clone();
        async move { object.hibernate().await }
    });
    until(&mut notes, "hibernate").await;
    host.advance(Duration::from_secs(3)).await;
    assert_eq!(notes.so_far(), Vec::<Value>::new());
    stage.open("hibernate", 2);
    assert_eq!(until(&mut notes, "alarm").await, ["asleep", "start"]);
    for expected in ["welcome", "set", "rang"] {
        assert_eq!(text(&mut client).await, expected);
    }
    all_asleep(&host).await;
    assert_eq!(notes.so_far(), ["hibernate", "asleep"], "the alarm was delivered once");
}

#[tokio::test(start_paused = true)]
async fn an_alarm_handler_that_waits_is_not_called_meanwhile() {
    let (host, object, _, mut notes) = host(&["slow alarm"]);
    let mut client = object.connect("_pk=a").await;
    client.send("alarm 1000").await;
    host.advance(Duration::from_secs(2)).await;
    until(&mut notes, "alarm").await;
    // Another alarm is set, and due while the handler of the first still runs.
    client.send("alarm 500").await;
    for expected in ["welcome", "set", "set", "rang", "rang"] {
        assert_eq!(text(&mut client).await, expected);
    }
    assert_eq!(notes.so_far(), ["message alarm 500", "alarm"]);
    all_asleep(&host).await;
}

#[tokio::test(start_paused = true)]
async fn an_alarm_whose_writes_are_lost_rings_again() {
    for sync in [false, true] {
        let (host, object, _, mut notes) = host(&[]);
        let mut client = object.connect("_pk=a").await;
        client.send("alarm 1000").await;
        assert_eq!(text(&mut client).await, "welcome");
        assert_eq!(text(&mut client).await, "set");
        // The index of alarms is written before the disk fails.
        host.advance(MOMENT).await;
        let faults = host.faults();
        if sync {
            faults.fail_syncs(1)
        } else {
            faults.fail_commits(1)
        }
        host.advance(Duration::from_secs(60)).await;
        let rang = notes.so_far().iter().filter(|note| *note == "alarm").count();
        // A write that was committed and not synced is still in the file.
        assert_eq!(rang, if sync { 1 } else { 2 });
        let mut again = object.connect("_pk=b").await;
        assert_eq!(text(&mut again).await, "welcome");
        again.send("read").await;
        assert_eq!(again.json().await, json!(["rang"]));
    }
}

#[tokio::test(start_paused = true)]
async fn an_alarm_rings_though_its_object_crashed_in_it() {
    let (host, object, stage, mut notes) = host(&["alarm"]);
    let mut client = object.connect("_pk=a").await;
    client.send("alarm 1000").await;
    until(&mut notes, "alarm").await;
    object.crash().await;
    stage.open("alarm", 5);
    host.advance(Duration::from_secs(60)).await;
    assert_eq!(notes.so_far().iter().filter(|note| *note == "alarm").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_alarm_rings_though_its_object_could_not_be_opened() {
    let (host, object, _, mut notes) = host(&[]);
    let mut client = object.connect("_pk=a").await;
    client.send("alarm 30000").await;
    assert_eq!(text(&mut client).await, "welcome");
    assert_eq!(text(&mut client).await, "set");
    drop(client);
    host.advance(Duration::from_secs(1)).await;
    object.hibernate().await.unwrap();
    let file = std::fs::read_dir(host.data().join("actor")).unwrap();
    let file = file.map(|entry| entry.unwrap().path()).find(|path| path.is_file()).unwrap();
    let hidden = file.with_extension("hidden");
    // A folder replaces the file.
    std::fs::rename(&file, &hidden).unwrap();
    std::fs::create_dir(&file).unwrap();
    host.advance(Duration::from_secs(31)).await;
    assert!(!notes.so_far().contains(&json!("alarm")));
    std::fs::remove_dir(&file).unwrap();
    std::fs::rename(&hidden, &file).unwrap();
    host.advance(Duration::from_secs(60)).await;
    assert_eq!(notes.so_far().iter().filter(|note| *note == "alarm").count(), 1);
}
