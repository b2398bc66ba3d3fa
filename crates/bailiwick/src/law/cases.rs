//! `law explain`, `law replay` and `law diff`: what a decision rests on, and what another set would make of it. A case is
//! a number at a node, or a case file of a law set.

use std::path::Path;
use std::process::ExitCode;

use doors::control::{LawName, Request};
use rules::{Case, LawSet};
use serde_json::json;

use crate::cli::NodeChoice;
use crate::client;

/// A law set with its cases.
struct Set {
    law: LawSet,
    files: Vec<(String, String)>,
    cases: Vec<Case>,
}

impl Set {
    fn of(files: Vec<(String, String)>) -> Result<Self, String> {
        let law = LawSet::load(&files).map_err(|errors| errors.to_string())?;
        let cases = rules::read_cases(&law, &files).map_err(|errors| errors.to_string())?;
        Ok(Self { law, files, cases })
    }

    /// The cases of the file at `path`, which belongs to the set in `dir` or in the folder above it that has a
    /// vocabulary.
    fn around(path: &Path, dir: Option<&Path>) -> Result<(Self, Vec<Case>), String> {
        let name = path.display();
        let whole =
            std::fs::canonicalize(path).map_err(|error| format!("{name}: {error}; a case is a number or a file"))?;
        let root = match dir {
            Some(dir) => std::fs::canonicalize(dir).map_err(|error| format!("{}: {error}", dir.display()))?,
            None => whole
                .ancestors()
                .find(|folder| folder.join("vocabulary.toml").is_file())
                .ok_or_else(|| format!("{name} lies in no law set; name one with --law"))?
                .to_owned(),
        };
        let mut files = super::files_of(Some(&root))?;
        let relative = match whole.strip_prefix(&root) {
            Ok(relative) => client::utf8(relative)?.to_owned(),
            // A case file from elsewhere is read beside those of the set.
            Err(_) => {
                let text = std::fs::read_to_string(&whole).map_err(|error| format!("{name}: {error}"))?;
                files.push(("cases/given.toml".to_owned(), text));
                "cases/given.toml".to_owned()
            }
        };
        let set = Self::of(files)?;
        let cases: Vec<Case> = set.cases.iter().filter(|case| case.file == relative).cloned().collect();
        if cases.is_empty() {
            return Err(format!(
                "{name} expects nothing: it is a pattern for other cases, or lies in no folder `cases`"
            ));
        }
        Ok((set, cases))
    }
}

/// The proof tree: of a case's decision at a node, or of what the set makes of a case file.
pub(super) fn explain(case: &str, law: Option<&Path>, node: &NodeChoice) -> Result<ExitCode, String> {
    if let Ok(case) = case.parse() {
        return client::ask(node, Request::LawExplain { case });
    }
    let (set, cases) = Set::around(Path::new(case), law)?;
    for case in cases {
        let decision = rules::decide(&set.law, &case.facts, case.mode);
        let text = format!("{}: {}\n{}", case.id, case.title, rules::explain(&decision));
        client::print(node.json, &text, &json!({ "case": case.id, "decision": decision }));
    }
    Ok(ExitCode::SUCCESS)
}

/// The same facts under the set of the day and under today's.
pub(super) fn replay(
    case: &str,
    law: Option<&Path>,
    with: Option<&Path>,
    node: &NodeChoice,
) -> Result<ExitCode, String> {
    if let Ok(case) = case.parse() {
        return client::ask(node, Request::LawReplay { case });
    }
    let (set, cases) = Set::around(Path::new(case), law)?;
    let today = LawSet::load(&super::files_of(with)?).map_err(|errors| errors.to_string())?;
    for case in cases {
        let first = rules::decide(&set.law, &case.facts, case.mode);
        let second = rules::decide(&today, &case.facts, case.mode);
        let lines = rules::difference(&first, &second);
        let mut text = format!("{}: {}\n{} under {}", case.id, case.title, first.outcome, set.law.digest());
        text.push_str(&format!("\n{} under {}", second.outcome, today.digest()));
        lines.iter().for_each(|line| text.push_str(&format!("\n  {line}")));
        let data = json!({
            "case": case.id, "law": set.law.digest(), "outcome": first.outcome, "law_today": today.digest(),
            "outcome_today": second.outcome, "difference": lines,
        });
        client::print(node.json, &text, &data);
    }
    Ok(ExitCode::SUCCESS)
}

/// What a new set changes: in rules and case files where both are directories, in recorded cases at a node.
pub(super) fn diff(old: &str, new: &str, recorded: bool, node: &NodeChoice) -> Result<ExitCode, String> {
    let (one, two) = (named(old)?, named(new)?);
    if let (LawName::Files(old), LawName::Files(new)) = (&one, &two) {
        let (old, new) = (Set::of(old.clone())?, Set::of(new.clone())?);
        let found = rules::compare_sets((&old.law, &old.cases), (&new.law, &new.cases));
        let data = json!({
            "old": old.law.digest(), "new": new.law.digest(), "rules_gone": found.rules_gone,
            "rules_new": found.rules_new, "rules_changed": found.rules_changed, "cases": found.cases,
            "files": [old.files.len(), new.files.len()],
        });
        client::print(node.json, &found.to_string(), &data);
        if !recorded {
            return Ok(ExitCode::SUCCESS);
        }
    }
    client::ask(node, Request::LawDiff { old: one, new: two })
}

/// A directory, or the digest of a set that the node has had in use.
fn named(name: &str) -> Result<LawName, String> {
    if Path::new(name).is_dir() {
        super::files_of(Some(Path::new(name))).map(LawName::Files)
    } else if name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(LawName::Digest(name.to_owned()))
    } else {
        Err(format!("{name}: no such directory, and no digest of a set either"))
    }
}
