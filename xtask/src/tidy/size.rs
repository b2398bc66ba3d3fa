//! No function of over 100 lines in what is shipped, and a file of over 500 says at its head why it is long.
//!
//! The reason is a line of the file's head comment that begins with `//! Long because`.

use crate::rust::{self, Kind, Token};
use crate::tidy::Findings;
use crate::tree::{File, Tree};

/// Two screens. Counted from the first line of the signature to the closing brace, comments included.
const FUNCTION_LINES_MAX: usize = 100;

/// Where a reader starts to wonder whether this is still one thing.
const FILE_LINES_MAX: usize = 500;

const WHY: &str = "//! Long because";

pub(crate) fn check(tree: &Tree, found: &mut Findings) {
    for file in tree.files().filter(|file| file.is_program_source()) {
        functions(file, found);
        let lines = file.text.lines().count();
        let mut head = file.text.lines().take_while(|line| line.starts_with("//!"));
        if lines > FILE_LINES_MAX && !head.any(|line| line.starts_with(WHY)) {
            let says =
                format!("{lines} lines, more than {FILE_LINES_MAX}: split it, or say why: `{WHY} …` at its head");
            found.at(file, 0, says);
        }
    }
}

fn functions(file: &File, found: &mut Findings) {
    let code: Vec<Token<'_>> = rust::tokens(&file.text)
        .into_iter()
        .filter(|token| !token.in_test && !matches!(token.kind, Kind::Comment | Kind::Text))
        .collect();
    for (at, pair) in code.windows(2).enumerate() {
        // `fn(u8)` is a type.
        if pair[0].text != "fn" || pair[1].kind != Kind::Word {
            continue;
        }
        let end = rust::item_end(&code, at);
        let last = code.get(end.saturating_sub(1)).map_or(pair[0].line, |token| token.line);
        let lines = last + 1 - pair[0].line;
        if lines > FUNCTION_LINES_MAX {
            let says = format!("`{}` has {lines} lines, more than {FUNCTION_LINES_MAX}", pair[1].text);
            found.at(file, pair[0].line, says);
        }
    }
}
