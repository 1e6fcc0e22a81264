use std::time::Duration;

use agents::auth::Sessions;
use agents::http::Request;
use agents::prelude::*;

use crate::captured;

const WARNING: &str = "a login over plain HTTP";

#[tokio::test]
async fn a_login_whose_cookie_the_browser_drops_is_logged() {
    captured::keep();
    let sessions = Sessions::<String>::random().unwrap();
    for (host, origin, logged) in [
        ("localhost", "http://localhost", false),
        ("app.example", "https://app.example", false),
        ("app.example", "http://app.example", true),
    ] {
        let request = Request::post("/login").header("host", host).header("origin", origin).body(()).unwrap();
        let cookie =
            sessions.set(&ConnectRequest::from(&request), &"ann".to_owned(), Duration::from_secs(60));
        assert!(cookie.is_ok(), "{origin}");
        assert_eq!(captured::text().contains(WARNING), logged, "{origin}");
    }
}
