//! The agent of this program.

use agents::prelude::*;

/// A task.
#[wire]
#[derive(Clone, PartialEq)]
pub struct Task {
    /// The number of the task, which no other task of the list has.
    pub id: u32,
    /// Its text.
    pub text: String,
    /// Whether it is done.
    pub done: bool,
}

/// The state of a list. Every client has a copy that follows it.
#[wire]
#[derive(Clone, Default)]
pub struct List {
    /// The tasks, oldest first.
    pub tasks: Vec<Task>,
    /// The number of the next task.
    pub next_id: u32,
}

/// A list of tasks.
#[agent(state = List)]
#[derive(Default)]
pub struct TodoList;

#[agent]
impl TodoList {
    /// Clients change the list through the methods below, and never replace it as a whole.
    #[hook]
    fn validate_state_change(&self, _next: &List, source: &StateSource<Self>) -> Result<()> {
        match source {
            StateSource::Client(_) => Err(Error::msg("call a method to change the list")),
            _ => Ok(()),
        }
    }

    /// Adds a task and returns it.
    #[callable]
    fn add(&self, cx: &Context<Self>, text: String) -> Result<Task> {
        let text = text.trim().to_owned();
        if text.is_empty() || text.len() > 200 {
            return Err(Error::new("invalid_text", "a task has 1 to 200 bytes"));
        }
        cx.update_state(|list| {
            let task = Task { id: list.next_id, text, done: false };
            list.next_id += 1;
            list.tasks.push(task.clone());
            task
        })
    }

    /// Marks a task as done or not done.
    #[callable]
    fn set_done(&self, cx: &Context<Self>, id: u32, done: bool) -> Result<()> {
        cx.update_state(|list| match list.tasks.iter_mut().find(|task| task.id == id) {
            Some(task) => {
                task.done = done;
                Ok(())
            }
            None => Err(Error::new("unknown_task", format!("there is no task {id}"))),
        })
    }

    /// Removes the tasks that are done and returns their number.
    #[callable]
    fn remove_done(&self, cx: &Context<Self>) -> Result<u32> {
        cx.update_state(|list| {
            let before = list.tasks.len();
            list.tasks.retain(|task| !task.done);
            (before - list.tasks.len()) as u32
        })
    }
}

#[cfg(test)]
mod tests {
    use agents::testing::TestHost;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_list_keeps_its_tasks_over_sleep_and_a_restart() {
        let host = TestHost::start(crate::agents).unwrap();
        let list = host.agent::<TodoList>("groceries");
        let mut client = list.connect("").await;
        let milk: Task = client.call("add", ("milk",)).await;

        list.hibernate().await.unwrap();
        client.call::<()>("setDone", (milk.id, true)).await;

        let host = host.restart().await.unwrap();
        let mut client = host.agent::<TodoList>("groceries").connect("").await;
        assert_eq!(client.greeting().await.unwrap()["tasks"][0]["done"], true);
        assert_eq!(client.call::<u32>("removeDone", ()).await, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_needs_a_text() {
        let host = TestHost::start(crate::agents).unwrap();
        let mut client = host.agent::<TodoList>("groceries").connect("").await;
        assert_eq!(client.call_error("add", (" ",)).await, "a task has 1 to 200 bytes");
    }
}
