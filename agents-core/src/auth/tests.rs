//! Tokens: every kind of key, every reason for a refusal, and forged headers. The tokens in `test_keys`
//! expire in 2100.

use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::agent::{ConnectRequest, Refusal};
use crate::auth::Tokens;

const SECRET: &str = "a secret of thirty-two bytes ...";
const FUTURE: u64 = 4_102_444_800;

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct User {
    sub: String,
}

fn ada() -> User {
    User { sub: "ada".to_owned() }
}

fn tokens() -> Tokens<User> {
    Tokens::hs256(SECRET).unwrap()
}

/// Returns a token that is signed with the secret.
fn signed(header: &Header, claims: Value) -> String {
    encode(header, &claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

fn hs256(claims: Value) -> String {
    signed(&Header::new(Algorithm::HS256), claims)
}

fn reason(result: Result<User, Refusal>) -> String {
    let refusal = result.unwrap_err();
    assert_eq!(refusal.code(), 4401);
    refusal.reason().to_owned()
}

fn request(uri: &str, headers: &[(&str, &str)]) -> ConnectRequest {
    let mut request = http::Request::get(uri).header("host", "agents.example");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    ConnectRequest::from(&request.body(()).unwrap())
}

/// Encodes a header that no library writes.
fn base64(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits =
            chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for letter in 0..=chunk.len() {
            out.push(char::from(LETTERS[(bits >> (18 - 6 * letter) & 63) as usize]));
        }
    }
    out
}

#[test]
fn s176_what_is_signed_is_verified_and_lives_for_a_time() {
    let tokens = tokens().audience("here").issuer("us");
    let token = tokens.sign(&ada(), Duration::from_secs(60)).unwrap();
    assert_eq!(tokens.verify_token(&token), Ok(ada()));
    let other = Tokens::<Value>::hs256(SECRET).unwrap().audience("here").verify_token(&token).unwrap();
    assert_eq!((&other["aud"], &other["iss"]), (&json!("here"), &json!("us")));
    assert_eq!(other["exp"].as_u64().unwrap() - other["iat"].as_u64().unwrap(), 60);
    // The signer sets the lifetime, and the claims do not change it.
    let forever = Tokens::<Value>::hs256(SECRET).unwrap();
    let token = forever.sign(&json!({ "sub": "x", "exp": FUTURE }), Duration::from_secs(1)).unwrap();
    assert!(forever.verify_token(&token).unwrap()["exp"].as_u64().unwrap() < FUTURE);
    assert_eq!(forever.sign(&json!("text"), Duration::ZERO).unwrap_err().code(), "token_sign");
}

#[test]
fn s176_every_kind_of_key_takes_its_own_tokens_alone() {
    type Make = fn(&'static [u8]) -> crate::Result<Tokens<User>>;
    let rsa: (Make, &[u8]) = (|pem| Tokens::rs256(pem), include_bytes!("test_keys/rsa.pem"));
    let ec: (Make, &[u8]) = (|pem| Tokens::es256(pem), include_bytes!("test_keys/ec.pem"));
    let ed: (Make, &[u8]) = (|pem| Tokens::eddsa(pem), include_bytes!("test_keys/ed.pem"));
    let (rs256, es256, eddsa) = (
        include_str!("test_keys/rs256.jwt").trim(),
        include_str!("test_keys/es256.jwt").trim(),
        include_str!("test_keys/eddsa.jwt").trim(),
    );
    for ((make, pem), own) in [(rsa, rs256), (ec, es256), (ed, eddsa)] {
        let tokens = make(pem).unwrap();
        assert_eq!(tokens.verify_token(own), Ok(ada()));
        assert_eq!(tokens.sign(&ada(), Duration::from_secs(1)).unwrap_err().code(), "token_sign");
        // The same claims with the public key as a secret.
        let confused = encode(
            &Header::new(Algorithm::HS256),
            &json!({ "sub": "ada", "exp": FUTURE }),
            &EncodingKey::from_secret(pem),
        );
        let ps256 = include_str!("test_keys/ps256.jwt").trim();
        for other in [rs256, es256, eddsa, ps256, &confused.unwrap()] {
            if other != own {
                assert_eq!(reason(tokens.verify_token(other)), "the token is not valid");
            }
        }
        let other_signature = format!("{}{}", &own[..own.len() - 10], "AAAAAAAAAA");
        assert_eq!(reason(tokens.verify_token(&other_signature)), "the token is not valid");
    }
}

#[test]
fn bad_keys_are_told_at_once() {
    let code = |result: crate::Result<Tokens<User>>| result.unwrap_err().code();
    assert_eq!(code(Tokens::hs256("x".repeat(31))), "token_key");
    assert!(Tokens::<User>::hs256("x".repeat(32)).is_ok());
    let (rsa, weak) = (include_str!("test_keys/rsa.pem"), include_str!("test_keys/weak.pem"));
    let (ec, p384) = (include_str!("test_keys/ec.pem"), include_str!("test_keys/p384.pem"));
    for pem in ["", "nonsense", weak, ec, p384] {
        assert_eq!(code(Tokens::rs256(pem)), "token_key", "{pem}");
    }
    for pem in ["", rsa, p384, include_str!("test_keys/ed.pem")] {
        assert_eq!(code(Tokens::es256(pem)), "token_key", "{pem}");
    }
    for pem in ["", rsa, ec] {
        assert_eq!(code(Tokens::eddsa(pem)), "token_key", "{pem}");
    }
}

#[test]
fn s176_a_refusal_says_why_and_never_what() {
    let plain = tokens();
    let here = tokens().audience("here").issuer("us");
    let now = jsonwebtoken::get_current_timestamp();
    let good = json!({ "sub": "ada", "exp": FUTURE, "aud": "here", "iss": "us" });
    let with = |key: &str, value: Value| {
        let mut claims = good.clone();
        claims[key] = value;
        hs256(claims)
    };
    assert_eq!(here.verify_token(&hs256(good.clone())), Ok(ada()));
    assert_eq!(here.verify_token(&with("aud", json!(["there", "here"]))), Ok(ada()));
    for (token, expected) in [
        (with("exp", json!(now - 31)), "the token has expired"),
        (with("exp", json!(1)), "the token has expired"),
        (with("exp", Value::Null), "the token does not expire"),
        (with("exp", json!("4102444800")), "the token does not expire"),
        (with("exp", json!(-1)), "the token does not expire"),
        (with("nbf", json!(now + 3600)), "the token is not valid yet"),
        (with("aud", json!("there")), "the token is for another audience"),
        (with("aud", json!(["there"])), "the token is for another audience"),
        (with("aud", Value::Null), "the token is for another audience"),
        (with("iss", json!("them")), "the token is of another issuer"),
        (with("iss", Value::Null), "the token is of another issuer"),
        (with("sub", json!(7)), "the token is not valid"),
        (with("sub", json!("x".repeat(9000))), "the token is not valid"),
        ("x.y.z".to_owned(), "the token is not valid"),
        ("..".to_owned(), "the token is not valid"),
        ("é".to_owned(), "the token is not valid"),
    ] {
        assert_eq!(reason(here.verify_token(&token)), expected, "{token}");
    }
    // A verifier without an audience does not accept a token for one.
    assert_eq!(reason(plain.verify_token(&hs256(good.clone()))), "the token is for another audience");
    // Within the leeway the token is valid, and without a leeway it is not.
    let old = hs256(json!({ "sub": "ada", "exp": now - 10 }));
    assert_eq!(plain.verify_token(&old), Ok(ada()));
    assert_eq!(reason(plain.clone().leeway(Duration::ZERO).verify_token(&old)), "the token has expired");
    assert_eq!(plain.clone().leeway(Duration::MAX).verify_token(&old), Ok(ada()));
    // A token without an expiry is valid only if the program allows it; an expired one never is.
    let endless = hs256(json!({ "sub": "ada" }));
    assert_eq!(reason(plain.verify_token(&endless)), "the token does not expire");
    let optional = plain.expiry_optional();
    assert_eq!(optional.verify_token(&endless), Ok(ada()));
    let expired = hs256(json!({ "sub": "ada", "exp": now - 100 }));
    assert_eq!(reason(optional.verify_token(&expired)), "the token has expired");
}

#[test]
fn the_header_of_a_token_decides_nothing() {
    let claims = json!({ "sub": "ada", "exp": FUTURE });
    let payload = base64(&claims.to_string());
    let good = hs256(claims.clone());
    let signature = good.rsplit('.').next().unwrap();
    for header in [
        json!({ "alg": "none" }),
        json!({ "alg": "None", "typ": "JWT" }),
        json!({ "alg": "" }),
        json!({ "typ": "JWT" }),
        json!({ "alg": "RS256" }),
        json!({ "alg": "HS256", "crit": ["b64"], "b64": false }),
    ] {
        for signature in ["", signature] {
            let token = format!("{}.{payload}.{signature}", base64(&header.to_string()));
            assert_eq!(reason(tokens().verify_token(&token)), "the token is not valid", "{header}");
        }
    }
    // The signature is valid, but the hash is another one, or the header has an extension that must be
    // understood.
    let other = signed(&Header::new(Algorithm::HS512), claims.clone());
    assert_eq!(reason(tokens().verify_token(&other)), "the token is not valid");
    let mut critical = Header::new(Algorithm::HS256);
    critical.crit = Some(vec!["exp".to_owned()]);
    assert_eq!(reason(tokens().verify_token(&signed(&critical, claims))), "the token is not valid");
    assert_eq!(tokens().verify_token(&good), Ok(ada()), "the test makes valid tokens");
}

#[test]
fn s20_a_token_is_found_where_it_may_be() {
    let tokens = tokens().cookie("session");
    let token = tokens.sign(&ada(), Duration::from_secs(60)).unwrap();
    let (bearer, cookie) = (format!("bearer  {token}"), format!("a=b; session={token}"));
    let query = format!("/agents/a/b?x=1&token={token}");
    for found in [
        request(&query, &[]),
        request("/", &[("authorization", &bearer)]),
        request("/", &[("cookie", &cookie)]),
        request("/", &[("cookie", &cookie), ("origin", "https://agents.example")]),
        request("/?token=", &[("cookie", &cookie)]),
        // An `Authorization` header of another scheme is ignored.
        request(&query, &[("authorization", "Basic YTpi")]),
        // The client itself set the query, so the origin does not matter.
        request(&query, &[("origin", "https://evil.example"), ("cookie", &cookie)]),
    ] {
        assert_eq!(tokens.verify(&found), Ok(ada()), "{found:?}");
    }
    let required = Err(Refusal::unauthorized("a token is required"));
    for missing in [
        request("/", &[]),
        request("/?token=", &[]),
        request("/", &[("authorization", "Bearer")]),
        request("/", &[("cookie", "session=")]),
        request(&format!("/?Token={token}"), &[]),
    ] {
        assert_eq!(tokens.verify(&missing), required, "{missing:?}");
    }
    // An invalid token in the header is not replaced by a valid one in the query.
    let both = request(&query, &[("authorization", "Bearer x.y.z")]);
    assert_eq!(reason(tokens.verify(&both)), "the token is not valid");
    // S113: a foreign page sends the cookie of its visitor.
    for page in [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
        let refusal = tokens.verify(&request("/", &[("cookie", &cookie), page])).unwrap_err();
        assert_eq!(refusal.code(), 4403, "{page:?}");
    }
    // Another place is read only if it is configured.
    let renamed = self::tokens().query("key");
    assert_eq!(renamed.verify(&request(&format!("/?key={token}"), &[])), Ok(ada()));
    assert_eq!(renamed.verify(&request(&query, &[])), required);
    assert_eq!(renamed.verify(&request("/", &[("cookie", &cookie)])), required);
    assert_eq!(renamed.without_query().verify(&request(&format!("/?key={token}"), &[])), required);
}

#[test]
fn debug_shows_no_key() {
    let shown = format!("{:?}", tokens().audience("here"));
    assert!(shown.contains("here") && !shown.contains("secret of"), "{shown}");
}
