//! The README has the two commands that everything else calls: the one that shows the program, and the one that
//! tests it. `.ci/run` reads the second from there, so that it is written once.

use crate::markdown;
use crate::tidy::Findings;
use crate::tree::Tree;

const README: &str = "README.md";

/// What shows the program.
const SHOW: &str = "cargo run --release --bin bailiwick -- demo";

/// How the command that tests it begins.
const TEST: &str = "cargo test";

pub(crate) fn check(tree: &Tree, found: &mut Findings) {
    let Some(file) = tree.file(README) else {
        found.missing(README, 0, "there is none");
        return;
    };
    let blocks = markdown::blocks(&file.text);
    let commands: Vec<_> = blocks.iter().flat_map(|block| &block.lines).collect();
    let bare = |text: &str| text.trim_start().trim_start_matches("$ ").trim_end().to_owned();
    if !commands.iter().any(|line| bare(line.text) == SHOW) {
        found.at(file, 0, format!("no block of code has the line `{SHOW}`"));
    }
    let mut tests = commands.iter().filter(|line| bare(line.text).starts_with(TEST));
    if tests.next().is_none() {
        found.at(file, 0, format!("no block of code has a line that begins with `{TEST}`"));
    }
    for second in tests {
        found.at(file, second.line, "a second test command: .ci/run runs the first, and there should be one");
    }
}
