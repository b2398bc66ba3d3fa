//! `i;unicode-casemap` (RFC 5051): the normalization with which a search compares texts.
//!
//! Each character is mapped to titlecase, then decomposed (including compatibility decompositions), recursively. The
//! mapping does not depend on neighbouring characters, so the form of a text is the concatenation of the forms of its
//! pieces, and substrings remain substrings.

use unicode_normalization::char::decompose_compatible;

/// The text normalized as in RFC 5051 section 2.
pub fn casemap(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    casemap_into(text, &mut out);
    out
}

/// Appends the form of `text` to `out`.
pub fn casemap_into(text: &str, out: &mut String) {
    let mut rest = text;
    while !rest.is_empty() {
        // Most mail is ASCII, whose titlecase is its capital.
        let ascii = rest.bytes().position(|octet| !octet.is_ascii()).unwrap_or(rest.len());
        let (plain, other) = rest.split_at(ascii);
        let start = out.len();
        out.push_str(plain);
        out[start..].make_ascii_uppercase();
        let end = other.bytes().position(|octet| octet.is_ascii()).unwrap_or(other.len());
        other[..end].chars().for_each(|c| one(c, out));
        rest = &other[end..];
    }
}

fn one(c: char, out: &mut String) {
    let title = titlecase(c);
    // UnicodeData.txt lists no decomposition for Hangul syllables; the normalization forms compute one.
    if matches!(title, '\u{ac00}'..='\u{d7a3}') {
        out.push(title);
        return;
    }
    // The result of a decomposition decomposes no further, but may have a titlecase mapping (the z of \u{1c5}).
    decompose_compatible(title, |part| match titlecase(part) {
        same if same == part || part == title => out.push(part),
        other => one(other, out),
    });
}

/// The simple titlecase mapping of UnicodeData.txt. It equals the simple uppercase mapping except for digraphs, which
/// have a third form, and Georgian, which does not capitalize words. Rust has only the full uppercase mapping, which
/// gives two characters for Greek letters with iota subscript.
fn titlecase(c: char) -> char {
    match c {
        '\u{01c4}'..='\u{01c6}' => '\u{01c5}',
        '\u{01c7}'..='\u{01c9}' => '\u{01c8}',
        '\u{01ca}'..='\u{01cc}' => '\u{01cb}',
        '\u{01f1}'..='\u{01f3}' => '\u{01f2}',
        '\u{10d0}'..='\u{10ff}' => c,
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => plus(c, 8),
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => plus(c, 9),
        _ => {
            let mut upper = c.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(one), None) => one,
                _ => c,
            }
        }
    }
}

fn plus(c: char, more: u32) -> char {
    char::from_u32(u32::from(c) + more).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn as_in_the_standard() {
        for (text, form) in [
            ("", ""),
            ("Hello, World 9", "HELLO, WORLD 9"),
            ("stra\u{df}e", "STRA\u{df}E"),
            ("\u{e9}", "E\u{301}"),
            ("e\u{301}", "E\u{301}"),
            ("\u{c5}ngstr\u{f6}m \u{212b}", "A\u{30a}NGSTRO\u{308}M A\u{30a}"),
            ("\u{1c6}\u{1c4}\u{1c5}", "DZ\u{30c}DZ\u{30c}DZ\u{30c}"),
            ("\u{3c3}\u{3c2}\u{3a3}", "\u{3a3}\u{3a3}\u{3a3}"),
            ("\u{1fb3}\u{1fbc}", "\u{391}\u{399}\u{391}\u{399}"),
            ("\u{1f80}\u{1f88}", "\u{391}\u{313}\u{399}\u{391}\u{313}\u{399}"),
            ("\u{fb01}n", "FIN"),
            ("\u{ff41}\u{ff21}", "AA"),
            ("\u{10d0}\u{1c90}", "\u{10d0}\u{1c90}"),
            ("\u{ac00}", "\u{ac00}"),
            ("\u{436}\u{416}", "\u{416}\u{416}"),
            ("\u{b5}", "\u{39c}"),
            ("\u{130}", "I\u{307}"),
            ("\u{131}", "I"),
        ] {
            assert_eq!(casemap(text), form, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_piece_of_a_text_is_a_piece_of_its_form(one: String, two: String, three: String) {
            let whole = format!("{one}{two}{three}");
            prop_assert_eq!(casemap(&whole), casemap(&one) + &casemap(&two) + &casemap(&three));
        }

        #[test]
        fn capitals_and_small_letters_are_one(text in "[a-zA-Z\u{e0}-\u{f6}\u{3b1}-\u{3c9}\u{430}-\u{44f} .]*") {
            prop_assert_eq!(casemap(&text), casemap(&text.to_uppercase()));
        }
    }
}
