//! Bytes on a socket that no correct client sends. Each gets its close code, and no other client is affected.

use agents_tests::{Client, Received};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use crate::conformance::Program;

const MIB: usize = 1024 * 1024;

/// Returns a masked frame, as a client sends it.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [7, 1, 200, 44];
    let mut out = header(first, payload.len() as u64);
    out.extend(mask);
    out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    out
}

fn header(first: u8, len: u64) -> Vec<u8> {
    let mut out = vec![first];
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(len @ 0..=125), _) => out.push(0x80 | len),
        (_, Ok(len)) => {
            out.push(0x80 | 126);
            out.extend(len.to_be_bytes());
        }
        _ => {
            out.push(0x80 | 127);
            out.extend(len.to_be_bytes());
        }
    }
    out
}

fn unmasked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![first, u8::try_from(payload.len()).expect("a short payload")];
    out.extend(payload);
    out
}

/// Reads one frame of the server. Returns `None` at the end.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<(u8, Vec<u8>)> {
    let first = stream.read_u8().await.ok()?;
    let second = stream.read_u8().await.ok()?;
    assert_eq!(second & 0x80, 0, "a server does not mask");
    let len = match second {
        126 => u64::from(stream.read_u16().await.ok()?),
        127 => stream.read_u64().await.ok()?,
        len => u64::from(len),
    };
    let mut payload = vec![0; usize::try_from(len).expect("a length")];
    stream.read_exact(&mut payload).await.ok()?;
    Some((first, payload))
}

/// Returns the code and the reason of the next close frame. Other frames are skipped.
async fn closed(stream: &mut (impl AsyncRead + Unpin)) -> (u16, String) {
    loop {
        let (first, payload) = read(stream).await.expect("a close frame");
        if first == 0x88 {
            let reason = String::from_utf8(payload[2..].to_vec()).expect("UTF-8");
            return (u16::from_be_bytes([payload[0], payload[1]]), reason);
        }
    }
}

#[tokio::test]
async fn every_violation_has_its_code_and_disturbs_no_other_client() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut program = Program::start(&folder.path().join("data")).await;
    let mut witness = program.join("/agents/test-counter/a").await;
    let call = br#"{"type":"rpc","id":"1","method":"increment","args":[]}"#;
    let cases: Vec<(&str, Vec<u8>, u16)> = vec![
        ("an unmasked call", unmasked(0x81, call), 1002),
        ("an unmasked ping", unmasked(0x89, b""), 1002),
        ("a reserved bit", frame(0xc1, call), 1002),
        ("all reserved bits", frame(0xf2, b"x"), 1002),
        ("an unknown opcode", frame(0x83, b"x"), 1002),
        ("an unknown control opcode", frame(0x8b, b""), 1002),
        ("a continuation of nothing", frame(0x80, b"x"), 1002),
        ("a message inside another", [frame(0x01, b"{"), frame(0x81, call)].concat(), 1002),
        ("a fragmented ping", frame(0x09, b"x"), 1002),
        ("a fragmented close", frame(0x08, b""), 1002),
        ("a ping of 126 bytes", frame(0x89, &[b'x'; 126]), 1002),
        ("a ping of 70,000 bytes", frame(0x89, &[b'x'; 70_000]), 1002),
        ("a close of one byte", frame(0x88, b"\x03"), 1002),
        ("a close of 126 bytes", frame(0x88, &[0x03; 126]), 1002),
        ("close code 999", frame(0x88, &999_u16.to_be_bytes()), 1002),
        ("close code 1005", frame(0x88, &1005_u16.to_be_bytes()), 1002),
        ("close code 1006", frame(0x88, &1006_u16.to_be_bytes()), 1002),
        ("close code 5000", frame(0x88, &5000_u16.to_be_bytes()), 1002),
        ("a close reason that is not UTF-8", frame(0x88, b"\x03\xe8\xc3\x28"), 1007),
        ("text that is not UTF-8", frame(0x81, b"\"\xff\xfe\""), 1007),
        ("half a character", frame(0x81, b"\"\xe2\x82"), 1007),
        ("a surrogate", frame(0x81, b"\xed\xa0\x80"), 1007),
        ("bad UTF-8 over two fragments", [frame(0x01, b"\xe2\x82"), frame(0x80, b"\x28")].concat(), 1007),
        ("a length of 2^63", header(0x82, 1 << 63), 1009),
        ("a length of 2^64 - 1", header(0x82, u64::MAX), 1009),
        ("a length of 33 MiB", header(0x81, 33 << 20), 1009),
    ];
    for (what, mut bytes, code) in cases {
        if code == 1009 {
            // The rest of the header. The announced payload is never sent.
            bytes.extend([0; 4]);
        }
        let mut stream = program.join("/agents/test-counter/a").await.into_stream();
        stream.write_all(&bytes).await.expect(what);
        // Bytes after a violation are not read.
        let _ = stream.write_all(&frame(0x81, call)).await;
        let (got, reason) = closed(&mut stream).await;
        assert_eq!(got, code, "{what}: {reason}");
        assert!(!reason.is_empty() && reason.len() <= 123, "{what}: {reason:?}");
        drop(stream);
        let left = witness.json().await;
        assert_eq!((&left["type"], &left["wasClean"]), (&json!("left"), &json!(false)), "{what}: {left}");
    }
    assert_eq!(witness.call("getCount", json!([])).await, 0, "no call after a violation was run");
    assert_eq!(witness.drain().await, [], "everyone left once");
    assert!(program.is_running());
}

#[tokio::test]
async fn control_frames_and_fragments_are_read_as_they_come() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::start(&folder.path().join("data")).await;
    let mut stream = program.join("/agents/test-counter/a").await.into_stream();
    // A text in five fragments with pings in between, sent byte by byte.
    let text = "grüße 💥 in pieces".as_bytes();
    let mut bytes = frame(0x01, &text[..3]);
    bytes.extend(frame(0x89, b"are you there?"));
    bytes.extend(frame(0x00, &text[3..8]));
    bytes.extend(frame(0x00, b""));
    bytes.extend(frame(0x8a, b"unasked"));
    bytes.extend(frame(0x00, &text[8..12]));
    bytes.extend(frame(0x80, &text[12..]));
    for byte in bytes {
        stream.write_all(&[byte]).await.expect("a byte");
    }
    assert_eq!(read(&mut stream).await, Some((0x8a, b"are you there?".to_vec())));
    assert_eq!(read(&mut stream).await, Some((0x81, text.to_vec())));
    stream.write_all(&frame(0x88, b"\x0f\xa0bye")).await.expect("a close");
    assert_eq!(read(&mut stream).await, Some((0x88, b"\x0f\xa0bye".to_vec())));
    assert_eq!(read(&mut stream).await, None, "the connection ends");
}

#[tokio::test]
async fn a_message_of_32_mib_is_read_and_a_larger_one_is_1009() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::start(&folder.path().join("data")).await;
    let mut witness = program.join("/agents/test-counter/a").await;
    let padded = |bytes: usize| {
        let call = r#"{"type":"rpc","id":"big","method":"increment","args":[],"pad":""}"#;
        let pad = "x".repeat(bytes - call.len());
        format!("{}{pad}\"}}", &call[..call.len() - 2])
    };
    let mut client = program.join("/agents/test-counter/a").await;
    client.send(padded(32 * MIB)).await;
    assert_eq!(client.answer("big").await["result"], 1);
    witness.drain().await;
    for bytes in [32 * MIB + 1, 33 * MIB] {
        let mut client = program.join("/agents/test-counter/a").await;
        // The server may close the connection before all bytes are sent.
        client.try_send(padded(bytes)).await;
        match client.end().await {
            Received::Close(1009, reason) => assert!(!reason.is_empty()),
            end => panic!("{bytes} bytes: {end:?}"),
        }
        drop(client);
        assert_eq!(witness.json().await["type"], "left");
    }
    // Each fragment is within the limit, and together they exceed it.
    let mut stream = program.join("/agents/test-counter/a").await.into_stream();
    let _ = stream.write_all(&frame(0x01, &vec![b'x'; 20 * MIB])).await;
    let _ = stream.write_all(&frame(0x80, &vec![b'x'; 13 * MIB])).await;
    assert_eq!(closed(&mut stream).await.0, 1009);
    assert_eq!(witness.call("getCount", json!([])).await, 1);
}

#[tokio::test]
async fn tags_that_are_not_allowed_close_with_1011() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::start(&folder.path().join("data")).await;
    let long = format!("role={}", "x".repeat(257));
    for query in ["tags=10", "tags=9&role=one-more", "role=", &long] {
        let mut client = program.connect(&format!("/agents/test-counter/a?{query}")).await;
        match client.next().await {
            Received::Close(1011, reason) => assert!(reason.contains("tag"), "{query}: {reason}"),
            other => panic!("{query}: {other:?}"),
        }
    }
    let longest = format!("role={}", "x".repeat(256));
    for query in ["tags=9", "tags=8&role=one-more", "tags=9&role=t3", &longest] {
        let mut client = program.join(&format!("/agents/test-counter/a?{query}")).await;
        assert!(
            client.call("whoami", json!([])).await["tags"].as_array().is_some_and(|tags| tags.len() >= 2)
        );
    }
}

#[tokio::test]
async fn nonsense_in_well_formed_frames_is_a_message() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::start(&folder.path().join("data")).await;
    let mut client: Client = program.join("/agents/test-counter/a").await;
    let deep = "[".repeat(1_000_000);
    for text in ["", "{", "nul", "\"", "{\"type\":", "\u{0}", "[1,2", &deep, "{'type':'rpc'}", "\u{feff}{}"] {
        client.send(text).await;
        assert_eq!(client.next().await.text(), text, "echoed by the message hook");
    }
    for object in [
        json!({}),
        json!({ "type": null }),
        json!({ "type": ["rpc"] }),
        json!({ "type": "rpc" }),
        json!({ "type": "rpc", "id": {}, "method": [], "args": 0 }),
        json!({ "type": "cf_agent_state" }),
        json!({ "type": "cf_agent_identity", "name": "x" }),
    ] {
        client.send(object.to_string()).await;
        assert_eq!(client.json().await, json!({ "received": object }));
    }
    for state in [json!(null), json!([]), json!({}), json!({ "count": "1" }), json!({ "count": 1e300 })] {
        client.send(json!({ "type": "cf_agent_state", "state": state }).to_string()).await;
        assert_eq!(client.json().await["error"], "State update rejected", "{state}");
    }
    for args in [json!(["x"]), json!([{}]), json!([[1]]), json!([true, 1]), json!([1.5])] {
        let text = client.call_error("increment", args).await;
        assert!(!text.is_empty() && !text.contains("Internal"), "{text}");
    }
    let empty = vec![0_u8; 3];
    client.send_bytes(empty.clone()).await;
    assert_eq!(client.next().await, Received::Binary(empty));
    assert_eq!(client.call("getCount", json!([])).await, Value::from(0));
}
