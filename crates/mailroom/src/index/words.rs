//! Words of a text, and what a search can ask about them.
//!
//! A text is split by the class of each character alone, so that the words of a piece of a text are pieces of the text's
//! words. What a reader would call a word matters only for speed: a search within one word is answered from
//! the dictionary; any other is answered from it approximately and then compared with the text.

use memchr::memmem::Finder;

/// The longest word that is stored whole, in characters. A longer run (base64, a line of dashes and letters) is stored in
/// windows of this length that overlap by half, so that anything with at most [`PIECE_CHARS_MAX`] characters is
/// completely in one of them.
const WORD_CHARS_MAX: usize = 128;

/// The longest text that is searched for within a word.
const PIECE_CHARS_MAX: usize = WORD_CHARS_MAX / 2;

/// Words of a phrase that are looked up; the rest is left to the text. The longest ones are the most selective.
const LOOKUPS_MAX: usize = 6;

/// The separator of words in a dictionary's block. No word contains it: it is of the class `Gap`.
pub(super) const BETWEEN: u8 = 0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Between words.
    Gap,
    /// Part of a word.
    Word,
    /// A word of its own: a character of a script without spaces, or a pictograph.
    Solo,
}

fn class(c: char) -> Class {
    match c {
        'A'..='Z' | 'a'..='z' | '0'..='9' | '_' => Class::Word,
        '\0'..='\u{7f}' => Class::Gap,
        // Thai, Lao; Myanmar; Khmer; signs and pictures; kana and Bopomofo; Han.
        '\u{e00}'..='\u{eff}'
        | '\u{1000}'..='\u{109f}'
        | '\u{1780}'..='\u{17ff}'
        | '\u{2600}'..='\u{27bf}'
        | '\u{2e80}'..='\u{2fdf}'
        | '\u{3040}'..='\u{312f}'
        | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{1f000}'..='\u{1faff}'
        | '\u{20000}'..='\u{3ffff}' => Class::Solo,
        // Marks stay with the letter that they belong to.
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5c7}' | '\u{64b}'..='\u{65f}' => Class::Word,
        _ if c.is_alphanumeric() => Class::Word,
        _ => Class::Gap,
    }
}

/// A run of one class: a word, or one character that is a word.
struct Run<'t> {
    text: &'t str,
    chars: usize,
    solo: bool,
}

/// The runs of a text, in order.
fn runs<'t>(text: &'t str, mut found: impl FnMut(usize, Run<'t>)) {
    let mut start = 0;
    let mut chars = 0;
    for (at, c) in text.char_indices() {
        match class(c) {
            Class::Word => {
                if chars == 0 {
                    start = at;
                }
                chars += 1;
            }
            other => {
                if chars > 0 {
                    found(start, Run { text: &text[start..at], chars, solo: false });
                    chars = 0;
                }
                if other == Class::Solo {
                    found(at, Run { text: &text[at..at + c.len_utf8()], chars: 1, solo: true });
                }
            }
        }
    }
    if chars > 0 {
        found(start, Run { text: &text[start..], chars, solo: false });
    }
}

/// The words of a text as in the dictionary; a word is repeated as often as it occurs.
pub(super) fn words<'t>(text: &'t str, mut found: impl FnMut(&'t str)) {
    runs(text, |_, run| {
        if run.chars <= WORD_CHARS_MAX {
            return found(run.text);
        }
        let ends: Vec<usize> = run.text.char_indices().map(|(at, _)| at).chain([run.text.len()]).collect();
        let mut from = 0;
        loop {
            let to = (from + WORD_CHARS_MAX).min(run.chars);
            found(&run.text[ends[from]..ends[to]]);
            if to == run.chars {
                break;
            }
            from += PIECE_CHARS_MAX;
        }
    });
}

/// What is searched for: a text in the form of `casemap`, and how to look it up in the dictionary.
pub(crate) struct Query {
    finder: Finder<'static>,
    /// What a block of the dictionary must contain for each word of the text; empty if the text has no word.
    pub(super) lookups: Vec<Finder<'static>>,
    /// Whether the dictionary's answer is complete: the text is within one word.
    pub(crate) exact: bool,
}

impl Query {
    /// A query for a text in the form of `casemap`.
    pub(crate) fn new(text: &str) -> Self {
        let mut lookups: Vec<Vec<u8>> = Vec::new();
        let mut exact = false;
        runs(text, |start, run| {
            let (first, last) = (start == 0, start + run.text.len() == text.len());
            let short = run.chars <= PIECE_CHARS_MAX;
            exact |= first && last && short;
            let piece = run.text.char_indices().nth(PIECE_CHARS_MAX).map_or(run.text, |(at, _)| &run.text[..at]);
            let mut lookup = Vec::with_capacity(piece.len() + 2);
            // A word at an edge of the text may continue beyond it; one within ends where it ends.
            if run.solo || (short && !first) {
                lookup.push(BETWEEN);
            }
            lookup.extend_from_slice(piece.as_bytes());
            if run.solo || (short && !last) {
                lookup.push(BETWEEN);
            }
            lookups.push(lookup);
        });
        lookups.sort_unstable_by(|one, two| two.len().cmp(&one.len()).then_with(|| one.cmp(two)));
        lookups.dedup();
        lookups.truncate(LOOKUPS_MAX);
        let lookups = lookups.iter().map(|lookup| Finder::new(lookup).into_owned()).collect();
        Self { finder: Finder::new(text.as_bytes()).into_owned(), lookups, exact }
    }

    /// Whether a text contains it.
    pub(crate) fn is_in(&self, text: &[u8]) -> bool {
        self.finder.find(text).is_some()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list(text: &str) -> Vec<&str> {
        let mut out = Vec::new();
        words(text, |word| out.push(word));
        out
    }

    #[test]
    fn words_as_they_come() {
        assert_eq!(list("HELLO, WORLD_1 E\u{301}T E"), ["HELLO", "WORLD_1", "E\u{301}T", "E"]);
        assert_eq!(list("ANN@IE.EXAMPLE"), ["ANN", "IE", "EXAMPLE"]);
        assert_eq!(list("A\u{65e5}\u{672c}B"), ["A", "\u{65e5}", "\u{672c}", "B"]);
        assert_eq!(list(" \r\n.,"), [""; 0]);
        let long = "X".repeat(300);
        assert_eq!(list(&long).iter().map(|word| word.len()).collect::<Vec<_>>(), [128, 128, 128, 108]);
    }

    /// What the dictionary says about a text: whether each lookup is in it.
    fn asked(text: &str, query: &Query) -> bool {
        let mut block = vec![BETWEEN];
        words(text, |word| {
            block.extend_from_slice(word.as_bytes());
            block.push(BETWEEN);
        });
        query.lookups.iter().all(|lookup| lookup.find(&block).is_some())
    }

    fn text() -> impl Strategy<Value = String> {
        "[AB_. ,\u{301}\u{65e5}\u{672c}\u{e01}-]{0,12}([A-C]{0,200}|[AB ]{0,9})[AB. \u{65e5}]{0,6}"
    }

    proptest! {
        /// A text that contains the query is never ruled out by its words; one that does not is, if all words are looked up.
        #[test]
        fn the_dictionary_is_never_wrong(text in text(), other in text(), from in 0_usize..200, len in 0_usize..90) {
            let chars: Vec<char> = text.chars().collect();
            let from = from.min(chars.len());
            let piece: String = chars[from..chars.len().min(from + len)].iter().collect();
            let query = Query::new(&piece);
            prop_assert!(asked(&text, &query), "{piece:?} in {text:?}");
            for text in [&text, &other] {
                let there = text.contains(&piece);
                prop_assert!(!there || asked(text, &query));
                if query.exact {
                    prop_assert_eq!(there, asked(text, &query), "{:?} in {:?}", piece, text);
                }
                prop_assert_eq!(query.is_in(text.as_bytes()), there);
            }
        }
    }
}
