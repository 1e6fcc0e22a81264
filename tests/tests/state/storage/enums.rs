//! Enums and tuple structs with `#[wire]` as columns of SQL.

use agents::errors::StorageError;
use agents::prelude::*;
use agents_tests::{Client, TestServer};

#[wire(rename_all = "snake_case")]
#[derive(Clone, Copy, Debug, PartialEq)]
enum Status {
    InProgress,
    #[serde(rename = "finished", alias = "over")]
    Done,
}

#[wire]
#[derive(Clone, Debug, PartialEq)]
struct TaskId(u64);

#[wire]
#[derive(Debug)]
struct Task {
    id: TaskId,
    status: Status,
    before: Option<Status>,
}

#[agent]
#[derive(Default)]
struct Tasks;

#[agent]
impl Tasks {
    #[hook]
    fn on_start(&self, cx: &Context<Self>) -> Result<()> {
        sql!(cx, "CREATE TABLE IF NOT EXISTS tasks (id INTEGER PRIMARY KEY, status TEXT, before TEXT)")
            .map(drop)
    }

    #[callable]
    fn put(&self, cx: &Context<Self>, id: TaskId, status: Status, before: Option<Status>) -> Result<String> {
        sql!(cx, "INSERT INTO tasks VALUES ({id}, {status}, {before})")?;
        sql!(cx, "SELECT typeof(status) || ' ' || status FROM tasks WHERE status = {status} AND id = {id}")
    }

    #[callable]
    fn put_text(&self, cx: &Context<Self>, status: String) -> Result<u64> {
        sql!(cx, "INSERT INTO tasks (status) VALUES ({status})")
    }

    #[callable]
    fn all(&self, cx: &View<Self>) -> Result<Vec<Task>> {
        sql!(cx, "SELECT * FROM tasks ORDER BY id")
    }

    #[callable]
    fn statuses(&self, cx: &View<Self>) -> Result<Vec<Status>> {
        sql!(cx, "SELECT status FROM tasks ORDER BY id")
    }

    #[callable]
    fn status(&self, cx: &View<Self>, id: TaskId) -> Result<Option<Status>> {
        sql!(cx, "SELECT status FROM tasks WHERE id = {id}")
    }

    #[callable]
    fn befores(&self, cx: &View<Self>) -> Result<Vec<Option<Status>>> {
        let rows: Vec<(Option<Status>,)> = sql!(cx, "SELECT before FROM tasks ORDER BY id")?;
        Ok(rows.into_iter().map(|(before,)| before).collect())
    }

    #[callable]
    fn newest(&self, cx: &View<Self>) -> Result<TaskId> {
        sql!(cx, "SELECT max(id) FROM tasks")
    }

    /// Returns the texts of the errors of rows that are not of their type.
    #[callable]
    fn errors(&self, cx: &View<Self>) -> Result<Vec<String>> {
        let alone: Result<Vec<Status>> = sql!(cx, "SELECT status FROM tasks");
        let row: Result<Vec<Task>> = sql!(cx, "SELECT * FROM tasks");
        let number: Result<Status> = sql!(cx, "SELECT 5 AS status");
        let nothing: Result<Status> = sql!(cx, "SELECT NULL AS status");
        let two: Result<Status> = sql!(cx, "SELECT status, id FROM tasks LIMIT 1");
        let errors = [alone.err(), row.err(), number.err(), nothing.err(), two.err()];
        Ok(errors
            .into_iter()
            .map(|error| {
                let error = error.expect("an error");
                assert!(error.downcast_ref::<StorageError>().is_some() && error.client_message().is_none());
                error.to_string()
            })
            .collect())
    }
}

async fn client() -> (TestServer, Client) {
    let server = TestServer::start(Agents::new().register::<Tasks>()).await;
    let client = server.join("/agents/tasks/one", false).await;
    (server, client)
}

#[tokio::test]
async fn a_variant_is_its_name_in_a_column() {
    let (_server, mut client) = client().await;
    assert_eq!(client.call("put", json!([1, "in_progress"])).await, json!("text in_progress"));
    assert_eq!(client.call("put", json!([2, "finished", "in_progress"])).await, json!("text finished"));
    let first = json!({ "id": 1, "status": "in_progress", "before": null });
    let second = json!({ "id": 2, "status": "finished", "before": "in_progress" });
    assert_eq!(client.call("all", json!([])).await, json!([first, second]));
    assert_eq!(client.call("statuses", json!([])).await, json!(["in_progress", "finished"]));
    assert_eq!(client.call("befores", json!([])).await, json!([null, "in_progress"]));
    assert_eq!(client.call("status", json!([2])).await, json!("finished"));
    assert_eq!(client.call("status", json!([3])).await, json!(null));
    assert_eq!(client.call("newest", json!([])).await, json!(2));
    client.call("putText", json!(["over"])).await;
    assert_eq!(client.call("status", json!([3])).await, json!("finished"), "an alias is read");
}

#[tokio::test]
async fn another_text_is_an_error_without_the_text() {
    let (_server, mut client) = client().await;
    client.call("putText", json!(["secret"])).await;
    let expected = "column `status`: expected one of `in_progress`, `finished`, `over`, got another text";
    let errors = client.call("errors", json!([])).await;
    assert_eq!(errors[0], json!(expected));
    assert_eq!(errors[1], json!(expected));
    for (place, found) in [(2, "an integer"), (3, "NULL")] {
        let error = errors[place].as_str().expect("a text");
        assert!(error.starts_with("column `status`: ") && error.contains(found), "{error}");
    }
    assert_eq!(errors[4], json!("the query has 2 columns, 1 are requested"));
}
