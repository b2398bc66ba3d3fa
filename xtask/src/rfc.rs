//! The index of standards against the code: what the code names must be indexed, and what the index calls done must
//! be named where it is done.
//!
//! `cargo xtask rfc` checks; `cargo xtask rfc --write` copies the sections that the code names into the index (titles,
//! status and notes are written by hand).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::ExitCode;

use crate::rust::{self, Kind};
use crate::tidy::Findings;
use crate::tree::{File, Tree, root};

/// For the list of commands.
pub(crate) const ABOUT: &str = "Hold rfc/index.toml against the code (--write: list the sections that the code names)";

const INDEX: &str = "rfc/index.toml";

/// How much of a standard is implemented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Yes,
    Partial,
    /// Known and deliberately not offered.
    No,
}

impl Status {
    fn read(text: &str) -> Option<Self> {
        [Self::Yes, Self::Partial, Self::No].into_iter().find(|status| status.as_str() == text)
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Partial => "partial",
            Self::No => "no",
        }
    }
}

/// One entry of the index.
#[derive(Debug)]
struct Standard {
    /// As the code names it: `RFC 9051`, or a name such as `tlog-tiles`.
    name: String,
    title: String,
    status: Status,
    /// What is missing, or why it is not offered. `yes` needs none.
    note: String,
    sections: BTreeSet<Section>,
}

/// A section's number (or an appendix letter), ordered as a reader would order it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Section(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u32),
    Letter(String),
}

impl Section {
    fn read(text: &str) -> Self {
        let part = |part: &str| part.parse().map_or_else(|_| Part::Letter(part.to_owned()), Part::Number);
        Self(text.split('.').map(part).collect())
    }
}

impl std::fmt::Display for Section {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, part) in self.0.iter().enumerate() {
            let dot = if at > 0 { "." } else { "" };
            match part {
                Part::Number(number) => write!(f, "{dot}{number}")?,
                Part::Letter(letter) => write!(f, "{dot}{letter}")?,
            }
        }
        Ok(())
    }
}

/// `cargo xtask rfc [--write]`.
pub(crate) fn run(words: &[String]) -> ExitCode {
    let mut tree = Tree::of_project();
    if words.iter().any(|word| word == "--write") {
        match write(&tree) {
            Ok(()) => tree = Tree::of_project(),
            Err(says) => {
                eprintln!("{INDEX}: {says}");
                return ExitCode::FAILURE;
            }
        }
    }
    let mut found = Findings::of("rfc");
    check(&tree, &mut found);
    let found = found.sorted();
    for finding in &found {
        println!("{finding}");
    }
    if found.is_empty() {
        println!("rfc: the index and the code agree");
        ExitCode::SUCCESS
    } else {
        eprintln!("rfc: {} findings", found.len());
        ExitCode::FAILURE
    }
}

/// The rule: what the code names is indexed, what is indexed as done is named, sections included.
pub(crate) fn check(tree: &Tree, found: &mut Findings) {
    let Some(index) = tree.file(INDEX) else {
        found.missing(INDEX, 0, "there is none");
        return;
    };
    let standards = match read(&index.text) {
        Ok(standards) => standards,
        Err(says) => return found.at(index, 0, says),
    };
    let names: Vec<&str> = standards.iter().map(|standard| standard.name.as_str()).collect();
    let mut named: BTreeMap<String, BTreeSet<Section>> = BTreeMap::new();
    for file in tree.files().filter(|file| file.is_program_source()) {
        for mention in mentions(file, &names) {
            let Some(standard) = standards.iter().find(|standard| standard.name == mention.name) else {
                found.at(file, mention.line, format!("{} is not in {INDEX}", mention.name));
                continue;
            };
            for section in mention.sections.iter().filter(|section| !standard.sections.contains(section)) {
                let says = format!("{} §{section} is not in {INDEX} (cargo xtask rfc --write)", mention.name);
                found.at(file, mention.line, says);
            }
            named.entry(mention.name).or_default().extend(mention.sections);
        }
    }
    for standard in &standards {
        let line = index.text.lines().position(|line| line == format!("name = \"{}\"", standard.name));
        let line = line.map_or(0, |at| at + 1);
        let sections = named.get(&standard.name);
        if sections.is_none() && standard.status != Status::No {
            let says = format!("{} is `{}` and no code names it", standard.name, standard.status.as_str());
            found.at(index, line, says);
        }
        if standard.status != Status::Yes && standard.note.is_empty() {
            found.at(index, line, format!("{} is `{}`: note what is missing", standard.name, standard.status.as_str()));
        }
        for section in standard.sections.iter().filter(|section| sections.is_none_or(|named| !named.contains(section)))
        {
            found.at(index, line, format!("no code names {} §{section}", standard.name));
        }
        if names.iter().filter(|name| **name == standard.name).count() > 1 {
            found.at(index, line, format!("{} stands here twice", standard.name));
        }
    }
}

/// Reads the index; the error says what is wrong with it.
fn read(text: &str) -> Result<Vec<Standard>, String> {
    let table: toml::Table = text.parse().map_err(|error| format!("no TOML: {error}"))?;
    let entries = table.get("standard").and_then(toml::Value::as_array).ok_or("no [[standard]]")?;
    entries
        .iter()
        .map(|entry| {
            let text = |key: &str| entry.get(key).and_then(toml::Value::as_str);
            let name = text("name").ok_or("a standard without a name")?.to_owned();
            let status = text("status").and_then(Status::read);
            let sections = entry.get("sections").and_then(toml::Value::as_array);
            Ok(Standard {
                title: text("title").ok_or_else(|| format!("{name} has no title"))?.to_owned(),
                status: status.ok_or_else(|| format!("{name}: the status is one of yes, partial, no"))?,
                note: text("note").unwrap_or_default().to_owned(),
                sections: sections.into_iter().flatten().filter_map(|s| s.as_str()).map(Section::read).collect(),
                name,
            })
        })
        .collect()
}

/// Rewrites the index with the sections that the code names now. Lines before the first entry are kept.
#[expect(clippy::disallowed_methods, reason = "a file of the tree, under version control: git is its durability")]
fn write(tree: &Tree) -> Result<(), String> {
    let index = tree.file(INDEX).ok_or("there is none")?;
    let mut standards = read(&index.text)?;
    let names: Vec<String> = standards.iter().map(|standard| standard.name.clone()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for standard in &mut standards {
        standard.sections.clear();
    }
    for file in tree.files().filter(|file| file.is_program_source()) {
        for mention in mentions(file, &names) {
            if let Some(standard) = standards.iter_mut().find(|standard| standard.name == mention.name) {
                standard.sections.extend(mention.sections);
            }
        }
    }
    let mut text = index.text.split("[[standard]]").next().unwrap_or_default().trim_end().to_owned();
    text.push('\n');
    for standard in &standards {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let _ = write!(text, "\n[[standard]]\nname = {}\n", quoted(&standard.name));
        let _ = writeln!(text, "title = {}", quoted(&standard.title));
        let _ = writeln!(text, "status = {}", quoted(standard.status.as_str()));
        if !standard.note.is_empty() {
            let _ = writeln!(text, "note = {}", quoted(&standard.note));
        }
        let sections: Vec<String> = standard.sections.iter().map(|section| quoted(&section.to_string())).collect();
        let _ = writeln!(text, "sections = [{}]", sections.join(", "));
    }
    std::fs::write(root().join(INDEX), text).map_err(|error| error.to_string())
}

/// A place where a file names a standard, with the sections it names there.
#[derive(Debug, PartialEq, Eq)]
struct Mention {
    name: String,
    line: usize,
    sections: Vec<Section>,
}

/// Every mention of an RFC, and of the other indexed names, in comments and string literals.
fn mentions(file: &File, names: &[&str]) -> Vec<Mention> {
    let mut found = Vec::new();
    for token in rust::tokens(&file.text) {
        if !matches!(token.kind, Kind::Comment | Kind::Text) {
            continue;
        }
        for (offset, line) in token.text.lines().enumerate() {
            let line_number = token.line + offset;
            for (at, _) in line.match_indices("RFC") {
                if let Some((name, rest)) = rfc_name(&line[at..]) {
                    found.push(Mention { name, line: line_number, sections: sections(rest) });
                }
            }
            for name in names.iter().filter(|name| !name.starts_with("RFC ")) {
                for (at, _) in line.match_indices(name) {
                    let rest = &line[at + name.len()..];
                    found.push(Mention { name: (*name).to_owned(), line: line_number, sections: sections(rest) });
                }
            }
        }
    }
    found
}

/// `RFC 9051`, `RFC9051` or `RFC-9051` in its one spelling, and what follows it. `RFC822` is an item of FETCH.
fn rfc_name(text: &str) -> Option<(String, &str)> {
    let glued = text.strip_prefix("RFC")?;
    let after = glued.strip_prefix([' ', '-']).unwrap_or(glued);
    let digits = after.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = after.split_at(digits);
    let digits_min = if glued.len() == after.len() { 4 } else { 1 };
    (number.len() >= digits_min).then(|| (format!("RFC {number}"), rest))
}

/// The sections that follow a standard's name: ` §7.5.2`, `, section 7.5`, ` §§4.1 and 4.2`, ` §2.3, §2.4`, ` 7.5.2`,
/// `, Appendix B`.
fn sections(mut rest: &str) -> Vec<Section> {
    let mut found = Vec::new();
    let mut many = false;
    loop {
        let mut text = rest.trim_start_matches([' ', ',', '(', ':']);
        if !found.is_empty() {
            text = text.strip_prefix("and ").or_else(|| text.strip_prefix("to ")).unwrap_or(text);
            text = text.trim_start_matches(['-', '–']);
        }
        let marks = ["§§", "sections ", "Sections ", "§", "section ", "Section ", "appendix ", "Appendix "];
        let mark = marks.iter().find(|mark| text.starts_with(**mark));
        many |= mark.is_some_and(|mark| *mark == "§§" || mark.ends_with("s "));
        let text = mark.map_or(text, |mark| &text[mark.len()..]).trim_start();
        let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).unwrap_or(text.len());
        let word = text[..end].trim_end_matches('.');
        let first_is_digit = word.starts_with(|c: char| c.is_ascii_digit());
        let appendix = mark.is_some_and(|mark| mark.to_ascii_lowercase().starts_with("app")) && word.len() == 1;
        let numbered = first_is_digit && word.split('.').all(|part| part.parse::<u32>().is_ok());
        let plain = numbered && (mark.is_some() || many || word.contains('.'));
        if !(plain || appendix) {
            return found;
        }
        found.push(Section::read(word));
        rest = &text[word.len()..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_and_the_code_agree() {
        let mut found = Findings::of("rfc");
        check(&Tree::of_project(), &mut found);
        let found: Vec<String> = found.sorted().iter().map(ToString::to_string).collect();
        assert!(found.is_empty(), "\n{}\n{} findings", found.join("\n"), found.len());
    }

    #[track_caller]
    fn reads(comment: &str, expected: &[&str]) {
        let file = File { path: "crates/x/src/lib.rs".to_owned(), text: format!("// {comment}\n") };
        let mut found = Vec::new();
        for mention in mentions(&file, &["tlog-tiles"]) {
            found.push(mention.name.clone());
            found.extend(mention.sections.iter().map(|section| format!("§{section}")));
        }
        assert_eq!(found, expected, "{comment}");
    }

    #[test]
    fn reads_mentions_and_their_sections() {
        reads("RFC 9051 §7.5.2: x", &["RFC 9051", "§7.5.2"]);
        reads("see RFC9051, section 6.3.1.", &["RFC 9051", "§6.3.1"]);
        reads("RFC 5321 §4.1.1, §4.2 and RFC 3461", &["RFC 5321", "§4.1.1", "§4.2", "RFC 3461"]);
        reads("RFC 5321 §§4.1.1 and 4.2", &["RFC 5321", "§4.1.1", "§4.2"]);
        reads("RFC 5321 4.5.3.1.4 says 500", &["RFC 5321", "§4.5.3.1.4"]);
        reads("RFC 5321 has 2 parts", &["RFC 5321"]);
        reads("RFC 6962 Appendix A", &["RFC 6962", "§A"]);
        reads("a tlog-tiles path", &["tlog-tiles"]);
        reads("RFCs, RFC822.SIZE", &[]);
    }

    #[track_caller]
    fn finds(index: &str, source: &str, expected: usize) {
        let tree =
            Tree::new([(INDEX.to_owned(), index.to_owned()), ("crates/x/src/lib.rs".to_owned(), source.to_owned())]);
        let mut found = Findings::of("rfc");
        check(&tree, &mut found);
        let found = found.sorted();
        assert_eq!(found.len(), expected, "{found:#?}");
    }

    #[test]
    fn the_index_cannot_drift() {
        let index = "[[standard]]\nname = \"RFC 1\"\ntitle = \"Host\"\nstatus = \"yes\"\nsections = [\"2\"]\n";
        finds(index, "// RFC 1 §2\n", 0);
        finds(index, "// RFC 1 §2, RFC 2\n", 1);
        finds(index, "// RFC 1 §3\n", 2);
        finds(index, "// nothing\n", 2);
        finds(&index.replace("yes", "partial"), "// RFC 1 §2\n", 1);
        finds("[[standard]]\nname = \"RFC 1\"\ntitle = \"t\"\nstatus = \"no\"\nnote = \"why\"\n", "// x\n", 0);
    }
}
