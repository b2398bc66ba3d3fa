//! Plain words: the private dialect of the project's first months, and what an engineer, an operator or a lawyer would
//! say instead.
//!
//! Everything that people read is looked at: names in the code, comments, literals, documents, templates, the law's
//! texts, file names. A phrase is found across line ends, and `public_half` and `PublicHalf` are the words `public half`.
//! A word that is right in another sense is left out of the table, or has its exception beside it.

use std::collections::BTreeMap;
use std::process::ExitCode;

use crate::rust::{self, Kind};
use crate::tidy::Findings;
use crate::tree::{File, Tree};

/// For the list of commands.
pub(crate) const ABOUT: &str = "List words of the house's old dialect, with better ones (words PATH… looks there only)";

/// A phrase that the project no longer uses.
struct Banned {
    /// The words, lower case: alternatives are separated by `|`, and `*` at the end of one stands for any ending.
    phrase: &'static str,
    better: &'static str,
    /// Longer phrases in which these words are fine.
    but: &'static [&'static str],
    place: Place,
}

/// Where a phrase is looked for.
enum Place {
    Anywhere,
    /// In files whose path begins with one of these.
    Under(&'static [&'static str]),
    /// The same, but only in identifiers and file names.
    NamesUnder(&'static [&'static str]),
}

/// The crates and documents that deal with keys.
const KEYS: &[&str] = &[
    "crates/vault/",
    "crates/keeper/",
    "crates/operations/",
    "crates/bailiwick/",
    "docs/formats/keys.md",
    "docs/backup.md",
    "docs/custody.md",
    "docs/threat-model.md",
    "docs/vault-process.md",
    "docs/flows/",
];

/// Where the text is not about a protocol: a byte is called a byte.
const BYTES: &[&str] = &[
    "crates/vault/",
    "crates/keeper/",
    "crates/durable/",
    "crates/store/",
    "crates/operations/",
    "crates/bailiwick/",
    "crates/ledger/",
    "docs/formats/keys.md",
    "docs/formats/store.md",
    "docs/formats/index.md",
    "docs/formats/record.md",
    "docs/formats/backup.md",
    "docs/formats/ledger.md",
    "docs/README.md",
];

const fn anywhere(phrase: &'static str, better: &'static str) -> Banned {
    Banned { phrase, better, but: &[], place: Place::Anywhere }
}

const fn but(phrase: &'static str, better: &'static str, but: &'static [&'static str]) -> Banned {
    Banned { phrase, better, but, place: Place::Anywhere }
}

const fn under(phrase: &'static str, better: &'static str, but: &'static [&'static str], paths: Paths) -> Banned {
    Banned { phrase, better, but, place: Place::Under(paths) }
}

type Paths = &'static [&'static str];

const BANNED: &[Banned] = &[
    // Turns of another language.
    anywhere("of before", "previous, earlier"),
    but("of now", "current", &["as of now"]),
    anywhere("of today|yesterday", "today's, yesterday's, current"),
    anywhere("anew|afresh", "again; is rebuilt, start over"),
    anywhere("whoever|whomever|whosever", "anyone who, the person who"),
    anywhere("somebody who", "anyone who, a person who"),
    anywhere("people|those who were named", "key holders"),
    anywhere("flow|flows|flowed back", "the WAL is checkpointed"),
    anywhere("carry|carries|carried|carrying on", "continue, resume"),
    anywhere("an|a own", "its own, their own"),
    anywhere("how it fares", "its state, its health"),
    anywhere("in a circle", "circular, a loop"),
    anywhere("going|goes in circles", "a loop"),
    anywhere("in the place of", "instead of; replaces"),
    anywhere("is|are|was|were none of", "is not one of; is not"),
    but(
        "is|are|was|were no",
        "is not a, are not",
        &[
            "there is|are|was|were no",
            "is|are|was|were no longer|more|less|fewer|better|worse|later|earlier|way|doubt|secret|one|match",
            // The name of a rule of law.
            "place is no ground",
        ],
    ),
    anywhere("lie|lies in|on|at|beside|under", "is in, is stored in; is on"),
    anywhere("speak|speaks|spoken of", "mentions, names"),
    anywhere("give|gives|given|gave|giving back", "reclaim, free, return"),
    anywhere("goes|go away again", "is removed"),
    anywhere("mend|mends|mended|mending", "fix, repair"),
    anywhere("for ever", "permanently, for good, always"),
    anywhere("defect|defects of", "internal error (a bug)"),
    anywhere("errand|errands", "task"),
    anywhere("somebody said", "was requested"),
    but("chance|chances", "randomness; random", &["by chance", "chance of", "a chance"]),
    but(
        "no|enough|more|much|makes|has|have|without room",
        "space, capacity",
        &["no room can|may|uses|below|but|knows", "no other room", "more room|rooms of"],
    ),
    but("room for|left|again|enough", "space, capacity", &["room for itself"]),
    // Names.
    anywhere("strongroom*", "VaultServer, vault, server"),
    anywhere("shown hand", "OfficerProof"),
    anywhere("two|no|take|deal|key|node|set|of hands", "key holders; consent, officers"),
    Banned {
        phrase: "hand|hands",
        better: "OfficerProof, Consent, key holder",
        but: &["by hand", "hand over", "hands over"],
        place: Place::NamesUnder(&["crates/", "docs/"]),
    },
    anywhere("lectern*", "published law"),
    under(
        "book|books|shelf|shelves",
        "published law, law site, law archive",
        &[],
        &["crates/doors/", "crates/pages/", "crates/bailiwick/", "crates/operations/", "crates/desk/", "docs/"],
    ),
    anywhere("scribe|scribes", "row writer"),
    anywhere("performer|performers", "backend"),
    anywhere("reckon*", "compute"),
    anywhere("public|private|secret|old|new|another|either|neither half", "public key, private key; old key"),
    but("halves", "keys; key pair", &["two|both halves of the|an|a|his|her"]),
    anywhere("gag|gags|gagged", "non-disclosure"),
    anywhere("verdict|verdicts", "decision, outcome"),
    anywhere("tenant|tenants", "jurisdiction, account"),
    but("shut|shuts|shutting", "quarantined; closed, locked, stopped", &["shut|shuts|shutting down", "shut off"]),
    but(
        "paper|papers",
        "demand; paper share",
        &["paper share|shares|recipient|recipients", "on|of paper", "paper form"],
    ),
    under("period|periods", "day key", &["grace|retention|additional|notice period", "period of"], KEYS),
    Banned {
        phrase: "letter|letters",
        better: "DeliveryCopy, MessageReader, message",
        but: &[],
        place: Place::NamesUnder(&["crates/mailroom/", "crates/store/", "crates/doors/src/imap"]),
    },
    under("octet|octets", "byte", &["original octets"], BYTES),
    // Pages, letters, help.
    anywhere("code|codes of an|the app", "authenticator code; two-factor authentication"),
    anywhere("sessions of browsers", "active sessions"),
    anywhere("let the password alone", "allow the account password"),
    under(
        "hand|hands|handed|handing over",
        "produce, disclose",
        &[],
        &["law/house/letters/", "law/house/certificate.txt"],
    ),
];

/// Files that may say a phrase, and why.
const ALLOWED: &[(&str, &str, &str)] = &[
    ("docs/glossary.md", "tenant|tenants", GLOSSARY),
    ("docs/glossary.md", "paper|papers", GLOSSARY),
    ("docs/glossary.md", "verdict|verdicts", GLOSSARY),
    ("docs/glossary.md", "gag|gags|gagged", GLOSSARY),
    ("crates/rules/tests/explain/", "is|are|was|were no", "a condition in a printed proof: `fact is no`"),
    ("crates/vault/src/owners/network.rs", "octet|octets", "the standard library's name for the bytes of an address"),
];

const GLOSSARY: &str = "its last column has the words that we do not use";

/// Kinds of files that people read. Mail, fixtures and what other programs wrote may say what they like.
const READ: [&str; 9] = ["rs", "md", "html", "toml", "css", "js", "py", "sh", "txt"];

/// A word in lower case, with its line.
#[derive(Debug, PartialEq, Eq)]
struct Word {
    text: String,
    line: usize,
    /// Whether only spaces, a line end or `_` separate it from the word before it.
    follows: bool,
    is_name: bool,
}

pub(crate) fn check(tree: &Tree, found: &mut Findings) {
    for hit in hits(tree, |_| true) {
        found.missing(&hit.path, hit.line, format!("\"{}\": better: {}", hit.words, hit.banned.better));
    }
}

/// `cargo xtask words [PATH…]`: every hit under the paths, then counts.
pub(crate) fn run(paths: &[String]) -> ExitCode {
    let tree = Tree::of_project();
    let hits = hits(&tree, |path| paths.is_empty() || paths.iter().any(|start| path.starts_with(start.as_str())));
    let (mut places, mut phrases) = (BTreeMap::<String, usize>::new(), BTreeMap::<&str, usize>::new());
    for hit in &hits {
        println!("{}:{}: {} -> {}", hit.path, hit.line, hit.words, hit.banned.better);
        let depth = if hit.path.starts_with("crates/") { 2 } else { 1 };
        *places.entry(hit.path.split('/').take(depth).collect::<Vec<_>>().join("/")).or_default() += 1;
        *phrases.entry(hit.banned.phrase).or_default() += 1;
    }
    for (name, count) in phrases.into_iter().map(|(name, count)| (name.to_owned(), count)).chain(places) {
        println!("{count:6}  {name}");
    }
    println!("{:6}  in all", hits.len());
    if hits.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Hit {
    path: String,
    line: usize,
    words: String,
    banned: &'static Banned,
}

fn hits(tree: &Tree, wanted: impl Fn(&str) -> bool) -> Vec<Hit> {
    let mut hits = Vec::new();
    for file in tree.files().filter(|file| is_read(file) && wanted(&file.path)) {
        let words = words_of(file);
        for banned in BANNED.iter().filter(|banned| banned.applies_to(file)) {
            for at in 0..words.len() {
                let Some(len) = matches(&words[at..], banned.phrase) else { continue };
                let names_only = matches!(banned.place, Place::NamesUnder(_));
                if (names_only && !words[at].is_name) || banned.but.iter().any(|but| excepted(&words, at, len, but)) {
                    continue;
                }
                let said: Vec<&str> = words[at..at + len].iter().map(|word| word.text.as_str()).collect();
                hits.push(Hit { path: file.path.clone(), line: words[at].line, words: said.join(" "), banned });
            }
        }
    }
    hits.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    hits
}

fn is_read(file: &File) -> bool {
    let ours = READ.iter().any(|extension| file.has_extension(extension)) || file.path == ".ci/run";
    ours && !file.is_case() && file.path != "xtask/src/tidy/words.rs"
}

impl Banned {
    fn applies_to(&self, file: &File) -> bool {
        let here = |paths: Paths| paths.iter().any(|path| file.path.starts_with(path));
        let allowed = ALLOWED.iter().any(|(path, phrase, _)| file.path.starts_with(path) && *phrase == self.phrase);
        !allowed
            && match self.place {
                Place::Anywhere => true,
                Place::Under(paths) | Place::NamesUnder(paths) => here(paths),
            }
    }
}

/// If the words begin with the phrase, how many of them it takes.
fn matches(words: &[Word], phrase: &str) -> Option<usize> {
    let mut len = 0;
    for wanted in phrase.split(' ') {
        let word = words.get(len).filter(|word| len == 0 || word.follows)?;
        let fits = |one: &str| match one.strip_suffix('*') {
            Some(start) => word.text.starts_with(start),
            None => word.text == one,
        };
        if !wanted.split('|').any(fits) {
            return None;
        }
        len += 1;
    }
    Some(len)
}

/// Whether the words at `at` are part of a longer phrase in which they are fine.
fn excepted(words: &[Word], at: usize, len: usize, but: &str) -> bool {
    let reach = but.split(' ').count();
    (at.saturating_sub(reach)..at + len)
        .any(|start| matches(&words[start..], but).is_some_and(|found| start <= at && start + found > at))
}

/// Every word that a reader of the file sees, its name first (line 0).
fn words_of(file: &File) -> Vec<Word> {
    let mut words = Vec::new();
    for part in file.path.split('/') {
        read(part.rsplit_once('.').map_or(part, |(stem, _)| stem), 0, true, false, &mut words);
    }
    if !file.has_extension("rs") {
        read(&file.text, 1, false, false, &mut words);
        return words;
    }
    // A comment of several lines is one text; so is each literal.
    let mut comment_end = 0;
    for token in rust::tokens(&file.text) {
        match token.kind {
            Kind::Comment => {
                read(token.text, token.line, false, comment_end + 1 == token.line, &mut words);
                comment_end = token.line + token.text.matches('\n').count();
            }
            Kind::Text => read(token.text, token.line, false, false, &mut words),
            Kind::Word => read(token.text, token.line, true, false, &mut words),
            Kind::Mark | Kind::Other => {}
        }
    }
    words
}

/// Reads the words of a text whose first line has this number. `glued`: its first word follows the one before.
fn read(text: &str, mut line: usize, is_name: bool, glued: bool, words: &mut Vec<Word>) {
    let (mut follows, mut fresh_line, mut escaped) = (glued, true, false);
    let mut word = String::new();
    let mut last = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if escaped {
            // `\n` in a literal is not the letter n, and a line end after `\` is a space.
            escaped = false;
            line += usize::from(c == '\n');
            continue;
        }
        let hump = c.is_uppercase()
            && (last.is_lowercase() || last.is_uppercase() && chars.peek().is_some_and(|next| next.is_lowercase()));
        if !word.is_empty() && (!c.is_alphanumeric() || hump) {
            words.push(Word { text: std::mem::take(&mut word).to_lowercase(), line, follows, is_name });
            follows = true;
        }
        match c {
            _ if c.is_alphanumeric() => {
                word.push(c);
                fresh_line = false;
            }
            '\n' => {
                // An empty line ends a sentence.
                follows &= !fresh_line;
                line += 1;
                fresh_line = true;
            }
            '\\' => escaped = true,
            '/' | '!' | '#' | '*' | '>' | '-' if fresh_line => {}
            ' ' | '\t' | '\r' | '_' | '-' | '`' | '*' => {}
            _ => follows = false,
        }
        last = c;
    }
    if !word.is_empty() {
        words.push(Word { text: word.to_lowercase(), line, follows, is_name });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn finds(path: &str, text: &str, expected: &[&str]) {
        let tree = Tree::new([(path.to_owned(), text.to_owned())]);
        let found: Vec<String> = hits(&tree, |_| true).into_iter().map(|hit| hit.words).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn finds_phrases_in_names_and_across_lines() {
        finds("crates/x/src/lib.rs", "//! The key of\n//! before.\n", &["of before"]);
        finds("crates/x/src/lib.rs", "struct PublicHalf { private_half: u8 }\n", &["public half", "private half"]);
        finds("crates/x/src/lib.rs", "const A: &str = \"carried \\\n    on\\nanew\";\n", &["carried on", "anew"]);
        finds("crates/x/src/lib.rs", "fn f(before: u8) {} // what it is made of\nfn g(before: u8) {}\n", &[]);
        finds("docs/x.md", "It is made of. Before that\n\n* of\n\nbefore\n", &[]);
        finds("docs/x.md", "There is no key, it is no longer here, and this is no key.\n", &["is no"]);
        finds("docs/x.md", "It shuts down, half an hour of work, a paper share.\n", &[]);
        finds("crates/vault/src/hands.rs", "fn a() { by_hand(); hand(); } // a hand\n", &["hands", "hand"]);
    }
}
