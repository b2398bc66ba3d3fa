//! `law days`: which changes of a rule no case notices, and the cases that would.

use std::path::Path;
use std::process::ExitCode;

use durable::{Disk, RealDisk, Visibility};
use rules::LawSet;

use crate::client;

/// Names what is not held; with `write`, writes a case for each rule where the facts of another case serve.
pub(super) fn command(dir: Option<&Path>, write: bool) -> Result<ExitCode, String> {
    let files = super::files_of(dir)?;
    let law = LawSet::load(&files).map_err(|errors| errors.to_string())?;
    let cases = rules::read_cases(&law, &files).map_err(|errors| errors.to_string())?;
    let unheld = rules::unheld(&law, &cases);
    let mut said: Vec<String> = unheld.iter().map(ToString::to_string).collect();
    let (changes, rules, cases_read) = (unheld.len(), law.rules().len(), cases.len());
    said.push(format!("{changes} changes of {rules} rules are not noticed by any of {cases_read} cases"));
    let proposed = rules::proposed_cases(&law, &cases, &unheld);
    for (path, text) in &proposed.files {
        match dir.filter(|_| write) {
            Some(dir) => put(&dir.join(path), text)?,
            None => said.push(format!("\n# {path}\n{text}")),
        }
    }
    for rule in &proposed.by_hand {
        said.push(format!("{rule}: the facts of no case serve for every end of it; write one by hand"));
    }
    client::say(said.join("\n"));
    Ok(if unheld.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Writes a new case. An older one of the same name is replaced: its days are wrong, or they would have been noticed.
fn put(path: &Path, text: &str) -> Result<(), String> {
    let wrong = |error: std::io::Error| format!("{}: {error}", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(wrong)?;
    }
    RealDisk.write_atomic(path, text.as_bytes(), Visibility::Shared).map_err(wrong)
}
