//! No statute in Rust. What the law says stands in `law/`, dated and cited, and a rule changes there only.
//!
//! Looked at: string literals of what is shipped, and templates, for those are what the program can say or compare.
//! A comment may name a source: it explains why a type is as it is, and decides nothing.

use crate::rust::{self, Kind};
use crate::tidy::Findings;
use crate::tree::{File, Tree};

/// What citations look like. Each is matched as a word: no letter or digit directly before or after it.
const CITATIONS: &[&str] = &[
    "U.S.C.",
    "USC",
    "C.F.R.",
    "CFR",
    "F.2d",
    "F.3d",
    "F.4th",
    "F. Supp",
    "S. Ct.",
    "Fed. R.",
    "FRE",
    "FRCP",
    "FRCrP",
    "2510",
    "2701",
    "2702",
    "2703",
    "2703d",
    "2705",
    "2709",
    "2713",
    "3123",
    "1874",
    "GDPR",
    "DSGVO",
    "2023/1543",
    "2023/1544",
    "2016/679",
    "2002/58",
    "Regulation (EU)",
    "Directive (EU)",
    "CLOUD Act",
    "RGPD",
    "s.75",
    "Act 2008",
    "Act 2018",
    "StPO",
    "TKG",
    "TDDDG",
    "IRG",
    "StGB",
    "BDSG",
    "IPA 2016",
    "COPOA",
    "Art.",
    "Article",
    "§§",
];

/// A file that may carry a citation, with the citation and the reason. Empty, and should stay so.
const ALLOWED: &[(&str, &str, &str)] = &[];

pub(crate) fn check(tree: &Tree, found: &mut Findings) {
    for file in tree.files().filter(|file| file.room().is_some()) {
        if file.is_program_source() {
            let texts = rust::tokens(&file.text).into_iter().filter(|token| token.kind == Kind::Text && !token.in_test);
            for token in texts {
                for (offset, line) in token.text.lines().enumerate() {
                    look(file, token.line + offset, line, found);
                }
            }
        } else if file.path.split('/').nth(2) == Some("templates") {
            for (offset, line) in file.text.lines().enumerate() {
                look(file, offset + 1, line, found);
            }
        }
    }
}

fn look(file: &File, line: usize, text: &str, found: &mut Findings) {
    for citation in CITATIONS {
        let allowed = ALLOWED.iter().any(|(path, allowed, _)| *path == file.path && allowed == citation);
        if !allowed && stands_in(text, citation) {
            found.at(file, line, format!("`{citation}` cites law: say it in law/ and read it from there"));
        }
    }
    // A section sign cites law unless it belongs to an RFC.
    if text.contains('§') && !text.contains("RFC") {
        found.at(file, line, "`§` cites law: say it in law/ and read it from there");
    }
}

/// Whether `wanted` stands in `text` as a word of its own.
fn stands_in(text: &str, wanted: &str) -> bool {
    text.match_indices(wanted).any(|(at, found)| {
        let touches = |inside: Option<char>, outside: Option<char>| {
            inside.is_some_and(char::is_alphanumeric) && outside.is_some_and(char::is_alphanumeric)
        };
        let (before, after) = (text[..at].chars().next_back(), text[at + found.len()..].chars().next());
        !touches(found.chars().next(), before) && !touches(found.chars().next_back(), after)
    })
}
