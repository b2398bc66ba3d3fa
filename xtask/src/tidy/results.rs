//! Above the store a result has a type: no `Result<_, String>`, no `serde_json::Value`. A caller can match an error that
//! is an enum; text for people is made in one place, where it is shown.

use crate::rust::{self, Kind, Token};
use crate::tidy::Findings;
use crate::tree::Tree;

/// The rooms above the store that answer somebody.
const ROOMS: [&str; 5] = ["operations", "desk", "doors", "pages", "bailiwick"];

/// Files that build JSON as such, and why.
const ALLOWED: &[(&str, &str)] = &[
    ("crates/desk/src/items.rs", "a sidecar is a JSON file of the package"),
    ("crates/operations/src/parent.rs", "the fields of a ledger entry are JSON"),
];

pub(crate) fn check(tree: &Tree, found: &mut Findings) {
    let ours = |room: &str| ROOMS.contains(&room);
    for file in tree.files().filter(|file| file.is_program_source() && file.room().is_some_and(ours)) {
        let code: Vec<Token<'_>> = rust::tokens(&file.text)
            .into_iter()
            .filter(|token| !token.in_test && !matches!(token.kind, Kind::Comment | Kind::Text))
            .collect();
        for at in 0..code.len() {
            if code[at].text == "Result" && fails_with_text(&code, at) {
                found.at(file, code[at].line, "`Result<_, String>`: an error is an enum that a caller can match");
            }
        }
        if ALLOWED.iter().any(|(path, _)| *path == file.path) {
            continue;
        }
        let imported = rust::spoken_paths(&code).iter().any(|path| path.segments.join("::") == "serde_json::Value");
        for (start, end) in types(&code) {
            for at in start..end {
                let spoken = code[at].text == "Value" && (imported || follows_serde_json(&code, at));
                if spoken {
                    found.at(file, code[at].line, "`serde_json::Value` in a result: give it a type of its own");
                }
            }
        }
    }
}

/// Whether the second argument of the `Result` at `at` is `String`.
fn fails_with_text(code: &[Token<'_>], at: usize) -> bool {
    let Some("<") = code.get(at + 1).map(|token| token.text) else { return false };
    let (mut depth, mut after_comma) = (0_usize, None);
    for (offset, token) in code[at + 1..].iter().enumerate() {
        let arrow = offset > 0 && code[at + offset].text == "-";
        match token.text {
            "<" | "(" | "[" => depth += 1,
            ">" if arrow => {}
            ">" | ")" | "]" => depth = depth.saturating_sub(1),
            "," if depth == 1 => after_comma = Some(at + 2 + offset),
            _ => {}
        }
        if depth == 0 {
            let end = at + 1 + offset;
            return after_comma.is_some_and(|start| code[start..end].iter().map(|token| token.text).eq(["String"]));
        }
    }
    false
}

/// The parts of the code that say what a function returns, and the bodies of structures and enumerations.
fn types(code: &[Token<'_>]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for at in 0..code.len() {
        if code[at].text == ">" && at > 0 && code[at - 1].text == "-" {
            let end = code[at..].iter().position(|token| matches!(token.text, "{" | ";" | "where"));
            found.push((at, end.map_or(code.len(), |end| at + end)));
        } else if matches!(code[at].text, "struct" | "enum") && code.get(at + 1).is_some_and(|t| t.kind == Kind::Word) {
            found.push((at, rust::item_end(code, at)));
        }
    }
    found
}

fn follows_serde_json(code: &[Token<'_>], at: usize) -> bool {
    at > 2 && code[at - 3].text == "serde_json"
}
