use std::time::Duration;

use agents::prelude::*;
use agents::serde_json::Value;
use agents_tests::TestServer;

use crate::captured;

/// An agent that fails everywhere.
#[agent]
#[derive(Default)]
struct Faulty;

fn fault() -> Result<()> {
    Err(std::io::Error::other("the spring is broken"))?
}

#[agent]
impl Faulty {
    #[hook]
    fn on_start(&self, cx: &Context<Self>) -> Result<()> {
        if cx.name() == "err-start" { fault() } else { Ok(()) }
    }

    #[hook]
    fn authorize(&self, request: &ConnectRequest) -> Result<(), Refusal> {
        if request.query("own").is_some() {
            fault()?;
        }
        Ok(())
    }

    #[hook]
    fn on_connect(&self, request: &ConnectRequest) -> Result<()> {
        if request.query("connect").is_some() { fault() } else { Ok(()) }
    }

    #[hook]
    fn on_message(&self, message: Message) -> Result<()> {
        match message.text() {
            Some("panic") => panic!("the spring is broken"),
            _ => fault(),
        }
    }

    #[hook]
    fn on_request(&self, _: Request) -> Result<String> {
        fault()?;
        Ok(String::new())
    }

    #[hook]
    fn on_alarm(&self) -> Result<()> {
        fault()
    }

    #[callable]
    fn fail(&self) -> Result<()> {
        fault()
    }

    #[callable]
    fn panic(&self) {
        panic!("the spring is broken")
    }

    #[callable]
    fn ring(&self, cx: &Context<Self>) -> Result<()> {
        cx.object().set_alarm(Duration::from_millis(1))
    }

    #[callable]
    fn task(&self, cx: &Context<Self>) -> Result<()> {
        cx.spawn(async { fault() })
    }
}

/// Waits until the log has an error of an agent.
async fn error_of(name: &str) -> Value {
    for _ in 0..1000 {
        if let Some(error) = errors_of(name).pop() {
            return error;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no error of {name} is in the log: {:#?}", captured::about(name));
}

fn errors_of(name: &str) -> Vec<Value> {
    captured::about(name).into_iter().filter(|event| event["level"] == "ERROR").collect()
}

#[tokio::test]
async fn each_error_is_logged_once_with_its_agent() {
    captured::keep();
    let decide = async |incoming: AdmissionRequest| -> Result<(), Refusal> {
        match incoming.request().query("host").as_deref() {
            Some("panic") => panic!("the spring is broken"),
            Some(_) => Ok(fault()?),
            None => Ok(()),
        }
    };
    let agents = Agents::new().register::<Faulty>().authorize(decide);
    let server = TestServer::start_resident(agents, "each start is an event of the log").await;
    for (name, method) in [("err-fail", "fail"), ("err-panic", "panic")] {
        let mut client = server.join(&format!("/agents/faulty/{name}"), false).await;
        client.call_error(method, json!([])).await;
        assert_eq!(error_of(name).await["method"], method);
    }
    for (name, method) in [("err-alarm", "ring"), ("err-task", "task")] {
        let mut client = server.join(&format!("/agents/faulty/{name}"), false).await;
        client.call(method, json!([])).await;
        error_of(name).await;
    }
    for (name, text) in [("err-message", "any"), ("err-message-panics", "panic")] {
        let mut client = server.join(&format!("/agents/faulty/{name}"), false).await;
        client.send(text).await;
        error_of(name).await;
    }
    for (name, query, method) in [
        ("err-start", "", "fetch"),
        ("err-own", "?own=1", "authorize"),
        ("err-connect", "?connect=1", "on_connect"),
        ("err-host", "?host=1", "authorize"),
        ("err-host-panics", "?host=panic", "authorize"),
    ] {
        let mut client = server.connect(&format!("/agents/faulty/{name}{query}")).await;
        client.end().await;
        assert_eq!(error_of(name).await["method"], method);
    }
    let answer = reqwest::get(server.url("/agents/faulty/err-request")).await.expect("an answer");
    assert_eq!(answer.status(), 500);
    assert_eq!(error_of("err-request").await["method"], "on_request");
    server.shutdown().await;
    for name in [
        "err-fail",
        "err-panic",
        "err-alarm",
        "err-task",
        "err-message",
        "err-message-panics",
        "err-start",
        "err-own",
        "err-connect",
        "err-host",
        "err-host-panics",
        "err-request",
    ] {
        let errors: Vec<_> = errors_of(name).into_iter().filter(|error| error["name"] == name).collect();
        let [error] = &errors[..] else { panic!("{name}: {:#?}", captured::about(name)) };
        assert_eq!(
            (&error["class"], &error["target"]),
            (&"faulty".into(), &"agents::error".into()),
            "{error}"
        );
        let message = error["message"].as_str().expect("text");
        assert!(message.contains("the spring is broken"), "{error}");
        assert!(error["code"].is_string(), "{error}");
    }
}
