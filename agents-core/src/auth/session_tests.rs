//! Sessions: what the cookie looks like, which ones are valid, and who may set one.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::agent::ConnectRequest;
use crate::auth::{Sessions, SetCookie};

const OLD: &str = "an old key of thirty-two bytes ...";
const NEW: &str = "a new key of thirty-two bytes ....";
const HOUR: Duration = Duration::from_secs(3600);

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct User {
    name: String,
}

fn ada() -> User {
    User { name: "ada".to_owned() }
}

fn sessions(keys: &[&str]) -> Sessions<User> {
    Sessions::new(keys).unwrap()
}

fn request(host: &str, headers: &[(&str, &str)]) -> ConnectRequest {
    let mut request = http::Request::get("/agents/room/one").header("host", host);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    ConnectRequest::from(&request.body(()).unwrap())
}

/// Returns the text of a cookie, and the name and value that the browser sends back.
fn sent(cookie: &SetCookie) -> (String, String) {
    let text = cookie.header_value().to_str().unwrap().to_owned();
    let pair = text.split(';').next().unwrap().to_owned();
    (text, pair)
}

fn reason(sessions: &Sessions<User>, pair: &str) -> String {
    let refusal = sessions.verify(&request("app.example", &[("cookie", pair)])).unwrap_err();
    assert_eq!(refusal.code(), 4401);
    refusal.reason().to_owned()
}

#[test]
fn a_cookie_is_for_this_host_alone_and_for_tls_unless_the_host_is_local() {
    let sessions = sessions(&[NEW]);
    for (host, origin, local) in [
        ("app.example", None, false),
        ("192.168.1.5:8787", None, false),
        ("localhost.example", None, false),
        ("localhost:8787", Some("https://localhost:8787"), false),
        ("localhost:8787", Some("http://localhost:8787"), true),
        ("LOCALHOST", None, true),
        ("app.localhost:80", None, true),
        ("127.0.0.1:8787", None, true),
        ("[::1]:8787", None, true),
    ] {
        let origin: Vec<_> = origin.map(|origin| ("origin", origin)).into_iter().collect();
        let cookie = sessions.set(&request(host, &origin), &ada(), HOUR).unwrap();
        let (text, pair) = sent(&cookie);
        assert_eq!(text.starts_with("session="), local, "{host}: {text}");
        assert_eq!(text.starts_with("__Host-session="), !local, "{host}: {text}");
        assert_eq!(text.ends_with("; Secure"), !local, "{host}: {text}");
        assert!(text.contains("; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax"), "{text}");
        assert!(!format!("{cookie:?}").contains(&pair), "{cookie:?}");
        assert_eq!(sessions.verify(&request(host, &[("cookie", &pair)])).unwrap(), ada());
    }
    // A page of another subdomain, or one without TLS, can set the plain name.
    let (_, plain) = sent(&sessions.set(&request("localhost", &[]), &ada(), HOUR).unwrap());
    assert_eq!(reason(&sessions, &plain), "log in first");
    let (text, _) = sent(&sessions.clear(&request("app.example", &[])).unwrap());
    assert_eq!(text, "__Host-session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure");
}

#[test]
fn only_what_a_key_has_signed_is_valid_until_it_expires() {
    let made = |sessions: &Sessions<User>, lifetime| {
        sent(&sessions.set(&request("app.example", &[]), &ada(), lifetime).unwrap()).1
    };
    let both = sessions(&[NEW, OLD]);
    let old = made(&sessions(&[OLD]), HOUR);
    assert_eq!(both.verify(&request("app.example", &[("cookie", &old)])).unwrap(), ada());
    assert_eq!(reason(&sessions(&[NEW]), &old), "the session is not valid", "the old key is gone");
    let new = made(&both, HOUR);
    assert_eq!(sessions(&[NEW]).verify(&request("app.example", &[("cookie", &new)])).unwrap(), ada());
    assert_eq!(reason(&both, &made(&both, Duration::ZERO)), "the session has expired");

    // Each letter counts, of the content and of the signature.
    for at in new.find('=').unwrap() + 1..new.len() - 1 {
        let mut bytes = new.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        assert_eq!(reason(&both, std::str::from_utf8(&bytes).unwrap()), "the session is not valid", "{at}");
    }
    for cut in ["__Host-session=", "__Host-session=a", "__Host-session=.", "__Host-session=a.b", "other=a"] {
        let expected = if cut.ends_with('=') || cut.starts_with("other") {
            "log in first"
        } else {
            "the session is not valid"
        };
        assert_eq!(reason(&both, cut), expected, "{cut}");
    }
    // The value of one cookie is worth nothing under another name.
    let admins = sessions(&[NEW]).cookie_name("admin").unwrap();
    let moved = new.replace("session", "admin");
    assert_eq!(reason(&admins, &moved), "the session is not valid");
    // A signed identity of another type is not one of ours.
    let other = Sessions::<u32>::new([NEW]).unwrap();
    let (_, number) = sent(&other.set(&request("app.example", &[]), &7, HOUR).unwrap());
    assert_eq!(reason(&both, &number), "the session is not valid");
    assert_eq!(both.verify_if_given(&request("app.example", &[("cookie", &number)])), Ok(None));
    assert_eq!(both.verify_if_given(&request("app.example", &[("cookie", &new)])), Ok(Some(ada())));
}

#[test]
fn a_foreign_page_neither_uses_nor_sets_nor_removes_a_session() {
    let sessions = sessions(&[NEW]);
    let (_, pair) = sent(&sessions.set(&request("app.example", &[]), &ada(), HOUR).unwrap());
    let foreign = request("app.example", &[("origin", "https://evil.example"), ("cookie", &pair)]);
    assert_eq!(sessions.verify(&foreign).unwrap_err().code(), 4403);
    assert_eq!(sessions.verify_if_given(&foreign).unwrap_err().code(), 4403);
    assert_eq!(sessions.set(&foreign, &ada(), HOUR).unwrap_err().code(), 4403);
    assert_eq!(sessions.clear(&foreign).unwrap_err().code(), 4403);
}

#[test]
fn keys_names_and_sizes_are_checked() {
    let code = |keys: &[&str]| Sessions::<User>::new(keys).unwrap_err().code();
    assert_eq!(code(&[]), "session_key");
    assert_eq!(code(&[NEW, "short"]), "session_key");
    for name in ["", "a b", "a=b", "a;b", "ü"] {
        let error = sessions(&[NEW]).cookie_name(name).unwrap_err();
        assert_eq!(error.code(), "session_cookie", "{name}");
    }
    let large = User { name: "x".repeat(4000) };
    assert_eq!(sessions(&[NEW]).set(&request("app.example", &[]), &large, HOUR).unwrap_err().code(), 4500);
}
