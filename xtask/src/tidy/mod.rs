//! The house rules, each a function that reads the tree and reports what breaks it.
//!
//! One file per rule and one table that lists them. A rule's own tests are small broken trees in `xtask/cases/`,
//! each with what must be found in it; `the_tree_is_tidy` runs all rules on the project.

mod absences;
mod circles;
mod citations;
mod documents;
mod excuses;
mod lockfile;
mod machines;
mod manifests;
mod map;
mod names;
mod readme;
mod reasons;
mod results;
mod rooms;
mod shape;
mod size;
mod test_binaries;
mod words;

use std::fmt;
use std::process::ExitCode;

use crate::tree::{File, Tree};

/// For the list of commands.
pub(crate) const ABOUT: &str = "Hold the tree against the house rules (`cargo test -p xtask` does, too)";

pub(crate) use words::{ABOUT as WORDS_ABOUT, run as list_words};

/// One house rule.
struct Rule {
    name: &'static str,
    /// What holds when the rule is kept.
    says: &'static str,
    check: fn(&Tree, &mut Findings),
}

const RULES: &[Rule] = &[
    Rule { name: "rooms", says: "a room uses rooms of lower layers only", check: rooms::check },
    Rule { name: "absences", says: "what a room must not touch is not in it", check: absences::check },
    Rule { name: "citations", says: "no statute in Rust: law is data", check: citations::check },
    Rule { name: "manifests", says: "every crate says what it is, and inherits the rest", check: manifests::check },
    Rule { name: "lockfile", says: "every crate comes from crates.io, with its checksum", check: lockfile::check },
    Rule { name: "reasons", says: "every outside crate has its why on a page, and a user", check: reasons::check },
    Rule { name: "names", says: "no module is called after being shared", check: names::check },
    Rule { name: "shape", says: "a file says why it exists, and ends before it is a heap", check: shape::check },
    Rule { name: "excuses", says: "nothing is put off, skipped or silenced without a reason", check: excuses::check },
    Rule { name: "machines", says: "nothing in the tree knows the machine it was written on", check: machines::check },
    Rule {
        name: "documents",
        says: "every link and every named thing is there, no page is lost",
        check: documents::check,
    },
    Rule { name: "map", says: "ARCHITECTURE.md draws the layers that the table holds", check: map::check },
    Rule { name: "readme", says: "the README has the two commands that everything else calls", check: readme::check },
    Rule { name: "size", says: "functions of 100 lines at most; a long file says why", check: size::check },
    Rule { name: "tests", says: "one binary of integration tests for a crate", check: test_binaries::check },
    Rule { name: "words", says: "plain words, in code and in what people read", check: words::check },
    Rule { name: "circles", says: "no circle of imports between folders of a crate", check: circles::check },
    Rule { name: "results", says: "above the store a result has a type", check: results::check },
];

/// Something that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    /// From 1; 0 for the file as a whole.
    line: usize,
    rule: &'static str,
    says: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, rule, says } = self;
        write!(f, "{path}:{line}: [{rule}] {says}")
    }
}

/// What a rule has found so far.
#[derive(Debug)]
pub(crate) struct Findings {
    rule: &'static str,
    found: Vec<Finding>,
}

impl Findings {
    /// Nothing yet, for the rule of this name.
    pub(crate) fn of(rule: &'static str) -> Self {
        Self { rule, found: Vec::new() }
    }

    /// Notes that `file` breaks the rule at `line` (0: as a whole).
    pub(crate) fn at(&mut self, file: &File, line: usize, says: impl Into<String>) {
        self.missing(&file.path, line, says);
    }

    /// The same for a path that may not exist.
    pub(crate) fn missing(&mut self, path: &str, line: usize, says: impl Into<String>) {
        self.found.push(Finding { path: path.to_owned(), line, rule: self.rule, says: says.into() });
    }

    /// All of it, in the order of paths and lines, each once.
    pub(crate) fn sorted(mut self) -> Vec<Finding> {
        self.found.sort();
        self.found.dedup();
        self.found
    }
}

/// `cargo xtask tidy [RULE…]`: all rules, or those named.
pub(crate) fn run(wanted: &[String]) -> ExitCode {
    if let Some(unknown) = wanted.iter().find(|name| RULES.iter().all(|rule| rule.name != **name)) {
        eprintln!("There is no rule `{unknown}`. The rules:");
        for rule in RULES {
            eprintln!("  {:<10} {}", rule.name, rule.says);
        }
        return ExitCode::from(2);
    }
    let tree = Tree::of_project();
    let mut found = Vec::new();
    let named = |rule: &&Rule| wanted.iter().any(|name| rule.name == name);
    for rule in RULES.iter().filter(|rule| wanted.is_empty() || named(rule)) {
        found.extend(findings(rule, &tree));
    }
    for finding in &found {
        println!("{finding}");
    }
    if found.is_empty() {
        println!("tidy: {} files, nothing to say", tree.files().count());
        ExitCode::SUCCESS
    } else {
        eprintln!("tidy: {} findings", found.len());
        ExitCode::FAILURE
    }
}

fn findings(rule: &Rule, tree: &Tree) -> Vec<Finding> {
    let mut found = Findings::of(rule.name);
    (rule.check)(tree, &mut found);
    found.sorted()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole project keeps the house rules.
    #[test]
    fn the_tree_is_tidy() {
        let tree = Tree::of_project();
        let found: Vec<String> =
            RULES.iter().flat_map(|rule| findings(rule, &tree)).map(|finding| finding.to_string()).collect();
        assert!(found.is_empty(), "\n{}\n{} findings", found.join("\n"), found.len());
    }

    /// A case is a text file: `=== PATH` begins a file of a small tree, and a line that ends in `<-- RULE` must be
    /// found by that rule (the mark is cut off first). `=== PATH <-- RULE` is a finding about the file as a whole.
    /// Only the rule that the case is named after runs: `xtask/cases/RULE-what-is-wrong.txt`.
    #[test]
    fn each_rule_finds_what_breaks_it() {
        let project = Tree::of_project();
        let cases: Vec<&File> = project.files().filter(|file| file.is_case()).collect();
        for case in &cases {
            check(case);
        }
        for rule in RULES {
            let own = format!("xtask/cases/{}-", rule.name);
            assert!(cases.iter().any(|case| case.path.starts_with(&own)), "the rule `{}` has no case", rule.name);
        }
    }

    fn check(case: &File) {
        let name = case.path.rsplit('/').next().unwrap_or_default();
        let rule = RULES
            .iter()
            .find(|rule| name.starts_with(&format!("{}-", rule.name)))
            .unwrap_or_else(|| panic!("{}: no rule of this name", case.path));
        let mark = format!("<-- {}", rule.name);
        let (mut files, mut expected) = (Vec::<(String, String)>::new(), Vec::new());
        for line in case.text.lines() {
            let (bare, marked) = line.strip_suffix(&mark).map_or((line, false), |bare| (bare.trim_end(), true));
            let line_number = if let Some(path) = bare.strip_prefix("=== ") {
                files.push((path.to_owned(), String::new()));
                0
            } else if let Some((_, text)) = files.last_mut() {
                text.push_str(bare);
                text.push('\n');
                text.lines().count()
            } else {
                continue; // what the case is about, before its first file
            };
            if marked && let Some((path, _)) = files.last() {
                expected.push((path.clone(), line_number));
            }
        }
        expected.sort();
        let found = findings(rule, &Tree::new(files));
        let mut places: Vec<(String, usize)> = found.iter().map(|found| (found.path.clone(), found.line)).collect();
        places.dedup();
        assert_eq!(places, expected, "{}: {found:#?}", case.path);
    }
}
