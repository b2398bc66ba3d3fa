//! Every link leads somewhere, every path and every name of the code that a document mentions exists, and every
//! page of `docs/` can be reached from `docs/README.md`.

use std::collections::BTreeSet;

use crate::markdown;
use crate::rust::{self, Kind};
use crate::tidy::Findings;
use crate::tree::{File, Tree};

/// Beginnings of inline code that is taken for a path of this project.
const PLACES: [&str; 7] = ["crates/", "xtask/", "docs/", "law/", "rfc/", ".ci/", "changes/"];

/// Documents that describe the code by its names. A name that no longer exists makes such a page wrong.
fn describes_code(file: &File) -> bool {
    file.path == "ARCHITECTURE.md" || file.path.starts_with("docs/flows/")
}

pub(crate) fn check(tree: &Tree, found: &mut Findings) {
    let mut names = None;
    for file in pages(tree) {
        for link in markdown::links(&file.text) {
            if let Err(says) = follow(tree, file, link.text) {
                found.at(file, link.line, says);
            }
        }
        for code in markdown::inline_code(&file.text) {
            if let Some(says) = lost_path(tree, code.text) {
                found.at(file, code.line, says);
            } else if describes_code(file)
                && let Some(name) = lost_name(names.get_or_insert_with(|| names_of_the_code(tree)), code.text)
            {
                found.at(file, code.line, format!("`{}`: the code has no `{name}`", code.text));
            }
        }
    }
    for file in tree.files().filter(|file| file.has_extension("rs") && !file.is_case()) {
        for comment in rust::tokens(&file.text).iter().filter(|token| token.kind == Kind::Comment) {
            for (offset, line) in comment.text.lines().enumerate() {
                if let Some(page) = lost_page_of(tree, line) {
                    found.at(file, comment.line + offset, format!("`{page}` is not there"));
                }
            }
        }
    }
    lost_pages(tree, found);
}

/// A document that a comment points to and that is not there: a page of `docs/`, or one that the project does not have.
fn lost_page_of<'a>(tree: &Tree, comment: &'a str) -> Option<&'a str> {
    let end = |c: char| !(c.is_alphanumeric() || matches!(c, '/' | '-' | '_' | '.'));
    comment
        .split(end)
        .map(|word| word.trim_end_matches('.'))
        .find(|word| *word == "DESIGN" || word.starts_with("docs/") && word.ends_with(".md") && !tree.holds(word))
}

fn pages(tree: &Tree) -> impl Iterator<Item = &File> {
    tree.files().filter(|file| file.has_extension("md") && !file.is_case())
}

/// The path from the root that a relative target means.
fn resolve(from: &File, target: &str) -> String {
    let mut parts: Vec<&str> = from.path.split('/').collect();
    parts.pop();
    let target = target.strip_prefix('/').map_or(target, |absolute| {
        parts.clear();
        absolute
    });
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn follow(tree: &Tree, from: &File, target: &str) -> Result<(), String> {
    if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
        return Ok(());
    }
    let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
    let path = if path.is_empty() { from.path.clone() } else { resolve(from, path) };
    if !tree.holds(&path) {
        return Err(format!("the link to `{target}` leads nowhere"));
    }
    match (anchor, tree.file(&path)) {
        (Some(anchor), Some(page)) if page.has_extension("md") => {
            let known = markdown::anchors(&page.text).iter().any(|known| known == anchor);
            if known { Ok(()) } else { Err(format!("`{path}` has no heading `#{anchor}`")) }
        }
        _ => Ok(()),
    }
}

/// If the code is a path of this project that does not exist, what to report.
///
/// `crates/x/src/y.rs:12` and `crates/x/src/y.rs::name` are understood: the line is not checked, the name is.
fn lost_path(tree: &Tree, code: &str) -> Option<String> {
    if !PLACES.iter().any(|place| code.starts_with(place)) || code.contains(['*', '<', '{', '…', ' ', '$']) {
        return None;
    }
    let (path, name) = match code.split_once("::") {
        Some((path, name)) => (path, Some(name)),
        None => (code.split_once(':').map_or(code, |(path, _)| path), None),
    };
    if !tree.holds(path) {
        return Some(format!("`{path}` is not there"));
    }
    let name = name?.rsplit("::").next()?;
    let file = tree.file(path)?;
    let there = rust::tokens(&file.text).iter().any(|token| token.kind == Kind::Word && token.text == name);
    (!there).then(|| format!("`{path}` has no `{name}`"))
}

/// Every word and every string's content that is a word, in the Rust of the project.
fn names_of_the_code(tree: &Tree) -> BTreeSet<&str> {
    tree.files()
        .filter(|file| file.has_extension("rs") && !file.is_case())
        .flat_map(|file| rust::tokens(&file.text))
        .filter(|token| token.kind == Kind::Word)
        .map(|token| token.text)
        .collect()
}

/// For `a::b`, `b()` and `a::b()`: the first part that the code does not have.
fn lost_name<'a>(names: &BTreeSet<&str>, code: &'a str) -> Option<&'a str> {
    let bare = code.strip_suffix("()").unwrap_or(code);
    let is_name = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_');
    let spoken = (bare.contains("::") || bare.len() < code.len()) && bare.split("::").all(is_name);
    if spoken { bare.split("::").find(|part| !names.contains(part)) } else { None }
}

/// Pages of `docs/` that no path of links from `docs/README.md` reaches.
fn lost_pages(tree: &Tree, found: &mut Findings) {
    const START: &str = "docs/README.md";
    let mut reached = BTreeSet::new();
    let mut open = vec![START.to_owned()];
    while let Some(path) = open.pop() {
        let Some(file) = tree.file(&path) else { continue };
        if !reached.insert(path) || !file.has_extension("md") {
            continue;
        }
        for link in markdown::links(&file.text) {
            let target = link.text.split('#').next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") {
                open.push(resolve(file, target));
            }
        }
    }
    for file in pages(tree).filter(|file| file.path.starts_with("docs/") && !reached.contains(&file.path)) {
        found.at(file, 0, format!("no link from {START} leads here"));
    }
}
