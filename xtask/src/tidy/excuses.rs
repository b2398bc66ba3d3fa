//! Nothing is put off, skipped or silenced without a reason: no `TODO` in the tree (what is not done is an issue, or
//! a sentence that says what is weaker), no `#[ignore]`, `#[allow]` or `#[expect]` without its reason.

use crate::rust::{self, Kind, Token};
use crate::tidy::Findings;
use crate::tree::{File, Tree};

const PUT_OFF: [&str; 4] = ["TODO", "FIXME", "XXX", "HACK"];

/// Kinds of files other than Rust in which a human leaves such words. Sample mail may say what it likes.
const PROSE: [&str; 7] = ["md", "toml", "sh", "py", "html", "css", "yaml"];

pub(crate) fn check(tree: &Tree, found: &mut Findings) {
    for file in tree.files().filter(|file| !file.is_case()) {
        if file.has_extension("rs") {
            let tokens = rust::tokens(&file.text);
            for comment in tokens.iter().filter(|token| token.kind == Kind::Comment) {
                for (offset, line) in comment.text.lines().enumerate() {
                    put_off(file, comment.line + offset, line, found);
                }
            }
            attributes(file, &tokens, found);
        } else if PROSE.iter().any(|extension| file.has_extension(extension)) || file.path == ".ci/run" {
            for (offset, line) in file.text.lines().enumerate() {
                put_off(file, offset + 1, line, found);
            }
        }
    }
}

fn put_off(file: &File, line: usize, text: &str, found: &mut Findings) {
    // Between back quotes the word is mentioned, not used.
    for prose in text.split('`').step_by(2) {
        if let Some(word) = prose.split(|c: char| !c.is_alphanumeric()).find(|word| PUT_OFF.contains(word)) {
            found.at(file, line, format!("`{word}`: do it, open an issue, or say plainly what is weaker"));
        }
    }
}

fn attributes(file: &File, tokens: &[Token<'_>], found: &mut Findings) {
    for (at, window) in tokens.windows(2).enumerate() {
        let opens = window[0].text == "[" && at > 0 && matches!(tokens[at - 1].text, "#" | "!");
        if !opens || window[1].kind != Kind::Word || !matches!(window[1].text, "ignore" | "allow" | "expect") {
            continue;
        }
        let inside = tokens[at + 1..].iter().take_while(|token| token.text != "]");
        let given = match window[1].text {
            "ignore" => inside.clone().any(|token| token.kind == Kind::Text),
            _ => inside.clone().any(|token| token.text == "reason"),
        };
        if !given {
            found.at(file, window[1].line, format!("`#[{}]` without a reason", window[1].text));
        }
    }
}
