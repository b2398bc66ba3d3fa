//! Text that people give and others read.

/// Whether a character has no place in a name that is shown on pages, in logs and in letters: a control character, a line or paragraph
/// separator, or one that changes the direction of the text around it (Unicode Standard Annex 9: the embeddings, overrides and
/// isolates), so that `U+202E` makes a name read as another. The marks `U+200E`, `U+200F` and `U+061C` stay: names in Hebrew and
/// Arabic have them, and they change nothing beyond themselves.
pub fn is_hidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides() {
        for hidden in ['\0', '\n', '\u{85}', '\u{2028}', '\u{2029}', '\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}'] {
            assert!(is_hidden(hidden), "{hidden:?}");
        }
        for shown in ['a', ' ', 'ü', '\u{5d0}', '\u{200d}', '\u{200e}', '\u{200f}', '\u{61c}', '\u{202f}'] {
            assert!(!is_hidden(shown), "{shown:?}");
        }
    }
}
