//! A Rust file begins with `//!` and why it exists, and ends before it becomes a heap.

use crate::tidy::Findings;
use crate::tree::Tree;

/// Where a file stops being one noun. The longest file of comparable projects that reviewers still praise is near
/// it; the ones that grew a "deliver" of a thousand lines are beyond.
const LINES_MAX: usize = 1000;

pub(crate) fn check(tree: &Tree, found: &mut Findings) {
    for file in tree.files().filter(|file| file.has_extension("rs") && !file.is_case()) {
        let head = file.text.lines().next().unwrap_or_default();
        if head.strip_prefix("//!").is_none_or(|why| why.trim().is_empty()) {
            found.at(file, 1, "the first line is not a `//!` that says why this file exists");
        }
        let lines = file.text.lines().count();
        if lines > LINES_MAX {
            found.at(file, 0, format!("{lines} lines, more than {LINES_MAX}: which noun of it is a file of its own?"));
        }
    }
}
