//! The forms of Rust names on the wire: classes in kebab case, methods and fields in camel case.
//!
//! The macros use these rules while they expand, and the server and its clients while they run. The crate has no
//! dependencies, so that the macros are compiled without those of the protocol.

/// Returns the kebab-case form of a class name, which addresses contain.
///
/// A name in capitals is lower-cased and its underscores become dashes. In any other name each capital
/// becomes a dash and its lower-case letter, and underscores become dashes. One dash at the start and one at
/// the end are dropped. The npm client converts the name that it is given in the same way.
///
/// ```
/// use agents_case::kebab_case;
///
/// assert_eq!(kebab_case("ChatRoom"), "chat-room");
/// assert_eq!(kebab_case("TestOAuthAgent"), "test-o-auth-agent");
/// assert_eq!(kebab_case("LOUD_CASE"), "loud-case");
/// assert_eq!(kebab_case("chat-room"), "chat-room");
/// ```
pub fn kebab_case(class: &str) -> String {
    let loud = class == class.to_uppercase() && class != class.to_lowercase();
    if loud {
        return class.to_lowercase().replace('_', "-");
    }
    let mut out = String::with_capacity(class.len() + 4);
    for letter in class.chars() {
        if letter.is_ascii_uppercase() {
            out.push('-');
            out.push(letter.to_ascii_lowercase());
        } else if letter == '_' {
            out.push('-');
        } else {
            out.push(letter);
        }
    }
    // A leading capital has produced a dash. A dash that the user wrote first is dropped the same way.
    let out = out.strip_prefix('-').unwrap_or(&out);
    out.strip_suffix('-').unwrap_or(out).to_owned()
}

/// Returns the camel-case form of a Rust name, which methods and fields have on the wire.
///
/// ```
/// use agents_case::camel_case;
///
/// assert_eq!(camel_case("get_stats"), "getStats");
/// assert_eq!(camel_case("post"), "post");
/// ```
pub fn camel_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut upper = false;
    for letter in name.chars() {
        if letter == '_' {
            upper = !out.is_empty();
        } else if upper {
            out.extend(letter.to_uppercase());
            upper = false;
        } else {
            out.push(letter);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kebab_case_follows_the_npm_client() {
        for (class, kebab) in [
            ("Counter", "counter"),
            ("ChatRoom", "chat-room"),
            ("TestOAuthAgent", "test-o-auth-agent"),
            ("LOUD", "loud"),
            ("LOUD_CASE", "loud-case"),
            ("snake_case", "snake-case"),
            ("Trailing_", "trailing"),
            ("already-kebab", "already-kebab"),
            ("V2Room", "v2-room"),
            ("X", "x"),
        ] {
            assert_eq!(kebab_case(class), kebab, "{class}");
        }
    }

    #[test]
    fn camel_case_keeps_digits_and_leading_underscores_out() {
        assert_eq!(camel_case("set_my_readonly"), "setMyReadonly");
        assert_eq!(camel_case("step_2_done"), "step2Done");
        assert_eq!(camel_case("_hidden"), "hidden");
        assert_eq!(camel_case("_x_2_y"), "x2Y");
        assert_eq!(camel_case("__"), "");
    }
}
