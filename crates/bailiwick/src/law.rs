//! `law`, and which law set a node uses.
//!
//! The law is data in `law/` of the source tree, built into the program so that one file is enough to start. A node
//! keeps each set that it ever used ([`desk::DeskLaw`]): a decision names the digest, and replays from that copy
//! whatever a later program brings.

mod cases;
mod counsel;
mod days;
pub(crate) mod pages;

use std::path::Path;
use std::process::ExitCode;

use doors::control::Request;
use durable::SystemClock;
use include_dir::{Dir, DirEntry, include_dir};
use rules::{HomeFacts, LawSet};
use serde_json::json;
use terms::Clock;

use crate::cli::show::desk as show;
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
        LawCommand::Explain { case, law, node } => cases::explain(case, law.as_deref(), node),
        LawCommand::Replay { case, law, with, node } => cases::replay(case, law.as_deref(), with.as_deref(), node),
        LawCommand::Diff { old, new, recorded, node } => cases::diff(old, new, *recorded, node),
        LawCommand::Adopt { dir, signature, node } => counsel::adopt(dir, signature, node),
        LawCommand::Confirm { signature, node } => counsel::confirm(signature, node),
        LawCommand::CounselKey { file, name } => counsel::make_key(file, name),
        LawCommand::Sign(args) => counsel::sign(args),
        LawCommand::Render { dir, law } => pages::render(dir, law.as_deref()),
        LawCommand::Days { law, write } => days::command(law.as_deref(), *write),
    }
}

/// Decides without a node, for the home whose facts are in a file.
fn decide(text: &str, on: Option<&str>, home: &Path, is_json: bool) -> Result<ExitCode, String> {
    let name = home.display();
    let facts = std::fs::read_to_string(home).map_err(|error| format!("{name}: {error}"))?;
    let facts: HomeFacts = toml::from_str(&facts).map_err(|error| format!("{name}: {error}"))?;
    let law = LawSet::load(&built_in()).map_err(|errors| errors.to_string())?;
    let said = desk::what_if(&law, &facts, text, on, SystemClock.now()).map_err(|error| show::error(&error))?;
    client::print(is_json, &show::what_if(&said), &json!(said));
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
    client::print(false, &report.to_string(), &serde_json::Value::Null);
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
