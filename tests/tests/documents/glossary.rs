//! The terms of `docs/glossary.md`.

use crate::support::read;

const MOST_SENTENCES: usize = 3;

#[test]
fn terms_are_in_order_once_and_explained_in_few_sentences() {
    let page = read("docs/glossary.md");
    let mut last = String::new();
    for entry in page.split("\n\n").filter(|entry| entry.starts_with("**")) {
        let (term, text) = entry.trim_end().split_once(".**\n").expect(entry);
        let term = term[2..].replace('`', "").replace('-', " ").to_lowercase();
        assert!(last < term, "`{term}` does not stand behind `{last}`");
        assert!((1..=MOST_SENTENCES).contains(&text.lines().count()), "{entry}");
        last = term;
    }
    assert!(last.starts_with('w'), "the last term is `{last}`");
}
