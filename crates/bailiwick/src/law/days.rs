//! `law days`: which changes of a rule no case notices, and the cases that would.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use rules::{Change, HoldingDay, LawSet, Rule};

/// Names what is not held; with `write`, writes a case for each rule where the facts of another case serve.
pub(super) fn command(dir: Option<&Path>, write: bool) -> Result<ExitCode, String> {
    let files = super::files_of(dir)?;
    let law = LawSet::load(&files).map_err(|errors| errors.to_string())?;
    let cases = rules::read_cases(&law, &files).map_err(|errors| errors.to_string())?;
    let unheld = rules::unheld(&law, &cases);
    for one in &unheld {
        println!("{one}");
    }
    println!("{} changes of {} rules are not noticed by any of {} cases", unheld.len(), law.rules().len(), cases.len());
    let mut rules: Vec<&str> =
        unheld.iter().filter(|one| one.change != Change::Removed).map(|one| one.rule.as_str()).collect();
    rules.dedup();
    for rule in rules.into_iter().filter_map(|id| law.rule(id)) {
        let days = rules::holding_days(&law, &cases, &rule.id);
        let ends = if rule.in_force.to.is_some() { 4 } else { 2 };
        if days.len() < ends {
            println!("\n{}: the facts of no case serve for every end of it; write one by hand", rule.id);
        }
        for (path, text) in case_files(rule, &days) {
            match dir.filter(|_| write) {
                Some(dir) => put(&dir.join(&path), &text)?,
                None => println!("\n# {path}\n{text}"),
            }
        }
    }
    Ok(if unheld.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The case files for a rule's days: one for each case whose facts they take.
fn case_files(rule: &Rule, days: &[HoldingDay]) -> Vec<(String, String)> {
    let folder = rule.file.rsplit_once('/').map_or("house", |(folder, _)| folder);
    let mut files: Vec<(&str, String)> = Vec::new();
    for day in days {
        let known = files.iter().position(|(like, _)| *like == day.like);
        let at = known.unwrap_or_else(|| {
            let number = files.len();
            let ending = if number == 0 { String::new() } else { format!("-{}", number + 1) };
            let head = format!(
                "id = \"days-{id}{ending}\"\ntitle = \"The days of {id}\"\nlike = \"{like}\"\n",
                id = rule.id,
                like = day.like
            );
            files.push((&day.like, head));
            number
        });
        let field = if day.decides { "rules" } else { "not_rules" };
        let _ = write!(files[at].1, "\n[[day]]\non = {}\nexpect = {{ {field} = [\"{}\"] }}\n", day.on, rule.id);
    }
    let name = |at: usize| if at == 0 { String::new() } else { format!("-{}", at + 1) };
    files
        .into_iter()
        .enumerate()
        .map(|(at, (_, text))| (format!("{folder}/cases/days-{}{}.toml", rule.id, name(at)), text))
        .collect()
}

/// Writes a new case. An older one of the same name is replaced: its days are wrong, or they would have been noticed.
fn put(path: &Path, text: &str) -> Result<(), String> {
    let wrong = |error: std::io::Error| format!("{}: {error}", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(wrong)?;
    }
    std::fs::write(path, text).map_err(wrong)
}
