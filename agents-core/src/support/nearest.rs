//! The name that was probably meant by a name that does not exist.

/// The maximum number of characters of a name that are compared; a client may have chosen the name.
const COMPARED: usize = 64;

/// Returns the candidate that resembles a name, if one does: at most a third of the letters differ. Case and
/// signs between the words do not count.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = letters(name);
    let most = (name.chars().count() / 3).max(1);
    let distances = candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&name, &letters(candidate)), candidate));
    distances.filter(|(distance, _)| *distance <= most).min().map(|(_, candidate)| candidate)
}

fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).take(COMPARED).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_that_was_meant_is_found() {
        let classes = ["chat-room", "counter", "game"];
        for (name, meant) in [
            ("ChatRoom", Some("chat-room")),
            ("chat_rooms", Some("chat-room")),
            ("conuter", Some("counter")),
            ("gme", Some("game")),
            ("nope", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, classes), meant, "{name}");
        }
        assert_eq!(nearest("a", []), None);
        assert_eq!(nearest(&"x".repeat(1 << 20), classes), None);
    }
}
