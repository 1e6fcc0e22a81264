//! HTTP answers that are read completely.

use agents::serde_json::json;
use agents_tests::{TestServer, patient};
use reqwest::Client;

/// Sends a GET request and returns the status and the body.
pub(crate) async fn get(server: &TestServer, path: &str) -> (u16, String) {
    let response = patient(Client::new().get(server.url(path)).send()).await.expect("an answer");
    (response.status().as_u16(), patient(response.text()).await.expect("a body"))
}

/// Sends a POST request and returns the status and the body.
pub(crate) async fn post(server: &TestServer, path: &str, body: &str) -> (u16, String) {
    let request = Client::new().post(server.url(path)).body(body.to_owned());
    let response = patient(request.send()).await.expect("an answer");
    (response.status().as_u16(), patient(response.text()).await.expect("a body"))
}

/// Returns the body of a response to a request that was refused, or whose handler returned a visible error.
pub(crate) fn error_body(code: &str, message: &str) -> String {
    json!({ "code": code, "message": message }).to_string()
}
