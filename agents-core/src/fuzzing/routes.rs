//! Addresses: the agent of a path, and the file of that agent.

use crate::agent::query_value;
use crate::server::{Address, canonical_name, parse_address};
use crate::storage::{decode_name, encode_name};

const LONGEST: usize = 1024;

/// Checks that a path names at most one agent. The file name of an agent must be one plain component, decode
/// to the name, and differ from that of any other name, also on a file system that ignores case.
pub fn routes(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (path, query) = text.split_once('?').unwrap_or((&text, ""));
    let _ = query_value(&format!("/?{query}"), "token");
    if let Some(Address { class, name }) = parse_address(path) {
        assert!(!class.is_empty() && !name.is_empty());
        assert!(!class.contains('/') && !name.contains('/') && path.contains(name));
        if let Ok(form) = canonical_name(name, LONGEST) {
            assert!(form.len() <= LONGEST && form != "." && form != "..");
            assert_eq!(canonical_name(&form, LONGEST).as_deref(), Ok(&*form), "a canonical name is stable");
            // The class may be any text here; classes that a program registers have plain names.
            let path = format!("/agents/room/{form}");
            assert_eq!(
                parse_address(&path),
                Some(Address { class: "room", name: &form }),
                "a canonical name appears in an address as it is"
            );
            assert_eq!(path.parse::<http::Uri>().map(|uri| uri.path() == path).ok(), Some(true));
        }
    }
    let names: Vec<&str> = text.split(['\n', '/']).take(8).collect();
    for name in &names {
        let file = encode_name(name);
        assert!(!file.is_empty() && file.len() <= 180, "{file}");
        assert!(!file.starts_with('.') && !file.ends_with('.') && !file.ends_with(' '), "{file}");
        let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'%' | b'~');
        assert!(file.bytes().all(plain), "{file}");
        if let Some(read) = decode_name(&file) {
            assert_eq!(read, *name);
        }
        for other in &names {
            assert_eq!(
                encode_name(other).eq_ignore_ascii_case(&file),
                other == name,
                "{other:?} and {name:?}"
            );
        }
    }
}
