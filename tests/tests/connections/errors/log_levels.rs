//! The log contains errors of the program, and no errors that a client can cause as often as it likes.

use agents::prelude::*;
use agents_tests::{Received, TestServer};

use crate::support::captured_log;

#[wire]
#[derive(Clone, Default)]
struct Page {
    text: String,
}

#[agent(state = Page)]
#[derive(Default)]
struct Wall;

#[agent]
impl Wall {
    #[hook]
    fn should_connection_be_readonly(&self, request: &ConnectRequest) -> bool {
        request.query("view").is_some()
    }

    #[hook]
    fn connection_tags(&self, request: &ConnectRequest) -> Result<Vec<String>> {
        let count: u32 = request.query("tags").map_or(Ok(0), |count| count.parse())?;
        Ok((0..count).map(|tag| tag.to_string()).collect())
    }

    #[hook]
    fn on_message(&self, cx: &Context<Self>, conn: &Connection<Self>, message: Message) -> Result<()> {
        match message.text() {
            Some("broken") => Err(std::io::Error::other("a fault of the program"))?,
            Some("write") => cx.set_state(Page::default())?,
            Some("guarded") => cx.require_writable()?,
            _ => message.json::<Page>().map(drop)?,
        }
        conn.send("done")
    }

    #[callable(write)]
    fn erase(&self) {}
}

#[tokio::test]
async fn what_a_client_does_wrong_is_no_error_in_the_log() {
    captured_log::keep();
    let server = TestServer::start(Agents::new().register::<Wall>()).await;
    let mut viewer = server.join("/agents/wall/blame?view=1", true).await;
    for _ in 0..3 {
        for text in ["write", "guarded", "no JSON", r#"{"text":1}"#, "{}"] {
            viewer.send(text).await;
        }
        viewer.call_error("erase", json!([])).await;
        viewer.drain().await;
        let mut tagged = server.connect("/agents/wall/blame?tags=11").await;
        assert!(matches!(tagged.next().await, Received::Close(1011, _)));
    }
    assert_eq!(captured_log::errors_with("name=\"blame\""), Vec::<String>::new());
    // An error of the program is logged as an error.
    viewer.send("broken").await;
    viewer.drain().await;
    let errors = captured_log::errors_with("name=\"blame\"");
    assert!(errors.len() == 1 && errors[0].contains("a fault of the program"), "{errors:?}");
}
