//! The tags of a connection.

use thiserror::Error;

/// How many tags a user may give a connection besides its id.
pub(crate) const MAX_TAGS: usize = 9;
/// How long a tag may be, in bytes of UTF-8.
pub(crate) const MAX_TAG_BYTES: usize = 256;

/// Tags that cannot be given to a connection; it is closed with 1011 and this text.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TagsError {
    /// More tags than a connection can have.
    #[error("a connection has at most {MAX_TAGS} tags, got {0}")]
    TooMany(usize),
    /// An empty tag.
    #[error("a tag must not be empty")]
    Empty,
    /// A tag that is too long.
    #[error("a tag has at most {MAX_TAG_BYTES} bytes, got {0}")]
    TooLong(usize),
}

/// Puts the id first, drops repeated tags and checks the limits.
pub(crate) fn check_tags(id: &str, given: Vec<String>) -> Result<Vec<String>, TagsError> {
    let mut tags = vec![id.to_owned()];
    for tag in given {
        if tag.is_empty() {
            return Err(TagsError::Empty);
        }
        if tag.len() > MAX_TAG_BYTES {
            return Err(TagsError::TooLong(tag.len()));
        }
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    match tags.len() - 1 {
        count if count > MAX_TAGS => Err(TagsError::TooMany(count)),
        _ => Ok(tags),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(count: usize) -> Vec<String> {
        (0..count).map(|n| n.to_string()).collect()
    }

    #[test]
    fn the_id_is_first_and_duplicates_are_dropped() {
        // S31, S32, S45
        let given = vec!["a".to_owned(), "id".to_owned(), "a".to_owned()];
        assert_eq!(check_tags("id", given).unwrap(), ["id", "a"]);
        assert_eq!(check_tags("id", vec![]).unwrap(), ["id"]);
    }

    #[test]
    fn limits_hold() {
        // S46, S47
        assert_eq!(check_tags("id", tags(9)).unwrap().len(), 10);
        assert_eq!(check_tags("id", tags(10)), Err(TagsError::TooMany(10)));
        assert_eq!(check_tags("id", vec![String::new()]), Err(TagsError::Empty));
        assert!(check_tags("id", vec!["é".repeat(128)]).is_ok());
        assert_eq!(check_tags("id", vec!["x".repeat(257)]), Err(TagsError::TooLong(257)));
    }
}
