//! `law`, and which law set a node uses.
//!
//! The law is data in `law/` of the source tree, built into the program so that one file is enough to start. A node
//! copies each set that it adopts into its own directory under the set's digest: a decision names the digest, and
//! replays from that copy whatever a later program brings.

mod days;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use desk::Texts;
use doors::control::Request;
use durable::{Disk, SystemClock, Visibility};
use include_dir::{Dir, DirEntry, include_dir};
use rules::{HomeFacts, LawSet};
use terms::Clock;

use crate::cli::{LawArgs, LawCommand};
use crate::client;

/// The law set that this program brings.
static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../law");

/// Runs a `law` subcommand.
pub(crate) fn command(args: &LawArgs) -> Result<ExitCode, String> {
    match &args.command {
        LawCommand::Decide { file, on, home: Some(home), node } => {
            decide(&client::demand_text(file)?, on.as_deref(), home, node.json)
        }
        LawCommand::Decide { file, on, home: None, node } => {
            client::ask(node, Request::LawDecide { text: client::demand_text(file)?, on: on.clone() })
        }
        LawCommand::Check { law } => check(law.as_deref()),
        LawCommand::Days { law, write } => days::command(law.as_deref(), *write),
    }
}

/// Decides without a node, for the home whose facts are in a file.
fn decide(text: &str, on: Option<&str>, home: &Path, json: bool) -> Result<ExitCode, String> {
    let name = home.display();
    let facts = std::fs::read_to_string(home).map_err(|error| format!("{name}: {error}"))?;
    let facts: HomeFacts = toml::from_str(&facts).map_err(|error| format!("{name}: {error}"))?;
    let law = LawSet::load(&built_in()).map_err(|errors| errors.to_string())?;
    let said = desk::what_if(&law, &facts, text, on, SystemClock.now()).map_err(|error| error.to_string())?;
    client::print(json, &said.text, &said.data);
    Ok(ExitCode::SUCCESS)
}

/// The files of the set in `dir`, or of the one that is built in.
fn files_of(dir: Option<&Path>) -> Result<Vec<(String, String)>, String> {
    match dir {
        Some(dir) => read_tree(dir).map_err(|error| format!("{}: {error}", dir.display())),
        None => Ok(built_in()),
    }
}

fn check(dir: Option<&Path>) -> Result<ExitCode, String> {
    let files = files_of(dir)?;
    let law = LawSet::load(&files).map_err(|errors| errors.to_string())?;
    let cases = rules::read_cases(&law, &files).map_err(|errors| errors.to_string())?;
    let report = rules::check(&law, &cases);
    println!("{report}");
    Ok(if report.passes() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The built-in files as (path, text), in order of path.
pub(crate) fn built_in() -> Vec<(String, String)> {
    fn walk(dir: &Dir<'_>, files: &mut Vec<(String, String)>) {
        for entry in dir.entries() {
            match entry {
                DirEntry::Dir(dir) => walk(dir, files),
                DirEntry::File(file) => {
                    if let (Some(path), Some(text)) = (file.path().to_str(), file.contents_utf8()) {
                        files.push((path.to_owned(), text.to_owned()));
                    }
                }
            }
        }
    }
    let mut files = Vec::new();
    walk(&BUILT_IN, &mut files);
    files.sort();
    files
}

/// The files below `dir` as (relative path, text), in order of path.
fn read_tree(dir: &Path) -> std::io::Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if let Some(name) = path.strip_prefix(dir).ok().and_then(Path::to_str) {
                files.push((name.to_owned(), std::fs::read_to_string(&path)?));
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The law set in use at the node whose law directory is `dir`, and the house's texts that came with it; the built-in
/// set is adopted at the first start. Each set is one file, `<digest>.json`: an object of path and text.
///
/// # Errors
/// A set that does not load, or a directory that cannot be written.
pub(crate) fn adopted(disk: &dyn Disk, dir: &Path) -> Result<(LawSet, Texts), String> {
    let current = dir.join("current");
    if disk.exists(&current) {
        let digest = disk.read(&current).map_err(|error| error.to_string())?;
        let digest = String::from_utf8_lossy(&digest).trim().to_owned();
        let wrong = |what: String| format!("law set {digest} in {}: {what}", dir.display());
        let text = disk.read(&set_path(dir, &digest)).map_err(|error| wrong(error.to_string()))?;
        let files: BTreeMap<String, String> =
            serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
        let files: Vec<(String, String)> = files.into_iter().collect();
        let law = LawSet::load(&files).map_err(|errors| wrong(errors.to_string()))?;
        return if law.digest().to_string() == digest {
            Ok((law, texts(&files)?))
        } else {
            Err(wrong("it is not the one that was adopted; restore it from the backup".to_owned()))
        };
    }
    let files = built_in();
    let law = LawSet::load(&files).map_err(|errors| errors.to_string())?;
    let digest = law.digest().to_string();
    let object: BTreeMap<&str, &str> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let text = serde_json::to_vec_pretty(&object).map_err(|error| error.to_string())?;
    // The name last: a set is in use when its name is written.
    disk.write_atomic(&set_path(dir, &digest), &text, Visibility::Shared)
        .and_then(|()| disk.write_atomic(&current, digest.as_bytes(), Visibility::Shared))
        .map_err(|error| format!("{}: {error}", dir.display()))?;
    Ok((law, texts(&files)?))
}

fn set_path(dir: &Path, digest: &str) -> PathBuf {
    dir.join(format!("{digest}.json"))
}

/// The house's texts among the set's files.
fn texts(files: &[(String, String)]) -> Result<Texts, String> {
    let text = |path: &str| {
        let found = files.iter().find(|(name, _)| name == path);
        found.map(|(_, text)| text.clone()).ok_or_else(|| format!("the law set lacks {path}"))
    };
    Ok(Texts {
        certificate: text("house/certificate.txt")?,
        not_compelled: text("house/letters/not-compelled.txt")?,
        partial: text("house/letters/partial.txt")?,
        counsel: text("house/letters/counsel.txt")?,
    })
}
