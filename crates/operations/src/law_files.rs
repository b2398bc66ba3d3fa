//! Work on law sets as files, which needs no node: checking a set, deciding by it, comparing two.

use std::path::{Path, PathBuf};

use desk::{LawFiles, WhatIf};
use durable::{Disk, RealDisk, SystemClock, Visibility};
use rules::{Case, CheckReport, Decision, Difference, Finding, HomeFacts, LawSet, Outcome, SetDifference};
use serde::{Deserialize, Serialize};
use terms::{Clock, Digest};

use crate::error::{OperationError, RoomError};
use crate::law::{LawError, built_in, files_of};

/// A law set with its cases.
pub(crate) struct SetWithCases {
    pub(crate) law: LawSet,
    pub(crate) cases: Vec<Case>,
}

impl SetWithCases {
    pub(crate) fn of(files: &LawFiles) -> Result<Self, LawError> {
        let law = LawSet::load(files)?;
        let cases = rules::read_cases(&law, files)?;
        Ok(Self { law, cases })
    }

    /// The cases of the file at `path`, which belongs to the set in `dir` or in the folder above it that has a vocabulary.
    fn around(path: &Path, dir: Option<&Path>) -> Result<(Self, Vec<Case>), LawError> {
        let whole = std::fs::canonicalize(path)
            .map_err(|error| LawError::NoCase { path: path.to_owned(), problem: error.to_string() })?;
        let root = match dir {
            Some(dir) => std::fs::canonicalize(dir).map_err(RoomError::at(dir))?,
            None => {
                let root = whole.ancestors().find(|folder| folder.join("vocabulary.toml").is_file());
                root.ok_or_else(|| LawError::NoSet(path.to_owned()))?.to_owned()
            }
        };
        let mut files = files_of(Some(&root))?;
        let relative = match whole.strip_prefix(&root).ok().and_then(Path::to_str) {
            Some(relative) => relative.to_owned(),
            // A case file from elsewhere is read beside those of the set.
            None => {
                let text = std::fs::read_to_string(&whole).map_err(RoomError::at(&whole))?;
                files.push(("cases/given.toml".to_owned(), text));
                "cases/given.toml".to_owned()
            }
        };
        let set = Self::of(&files)?;
        let cases: Vec<Case> = set.cases.iter().filter(|case| case.file == relative).cloned().collect();
        if cases.is_empty() {
            return Err(LawError::NoExpectation(path.to_owned()));
        }
        Ok((set, cases))
    }
}

/// Decides a demand without a node, for the home whose facts are in a file, under the set that is built in.
///
/// # Errors
/// A file that cannot be read; the demand's.
pub fn decide_at_home(text: &str, on: Option<&str>, home: &Path) -> Result<WhatIf, OperationError> {
    let facts = std::fs::read_to_string(home).map_err(|error| LawError::from(RoomError::file(home, error)))?;
    let facts: HomeFacts = toml::from_str(&facts)
        .map_err(|error| LawError::HomeFacts { path: home.to_owned(), problem: error.to_string() })?;
    let law = LawSet::load(&built_in()).map_err(LawError::from)?;
    Ok(desk::what_if(&law, &facts, text, on, SystemClock.now())?)
}

/// A law set that was checked: every case run, the whole set looked over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LawChecked {
    /// The set.
    pub law: Digest,
    /// Whether it may be used: every case passes and there is no fault.
    pub passes: bool,
    /// How many rules it has.
    pub rules: u64,
    /// How many cases it has.
    pub cases: u64,
    /// The cases that fail.
    pub failed: Vec<FailedCase>,
    /// What is wrong with the set.
    pub faults: Vec<LawFinding>,
    /// Combinations of facts on which no rule speaks.
    pub gaps: Vec<LawFinding>,
    /// Instruments on which no rule of law speaks in a home, with the reason.
    #[serde(default)]
    pub unanswered: Vec<LawFinding>,
    /// What a reader should know and may accept.
    pub remarks: Vec<LawFinding>,
    /// What was not looked at in full.
    pub uncovered: Vec<LawFinding>,
}

/// A case that fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct FailedCase {
    pub case: String,
    pub file: String,
    pub title: String,
    /// What was expected and what came.
    pub failures: Vec<String>,
}

/// Something found about rules or facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct LawFinding {
    /// File and line, where there is one.
    pub place: String,
    pub what: String,
}

impl LawChecked {
    pub(crate) fn of(set: &SetWithCases) -> Self {
        let report: CheckReport = rules::check(&set.law, &set.cases);
        let passes = report.passes();
        let found = |findings: Vec<Finding>| {
            findings.into_iter().map(|Finding { place, what }| LawFinding { place, what }).collect()
        };
        let failed = report.cases.iter().filter(|case| !case.failures.is_empty()).map(|case| FailedCase {
            case: case.id.clone(),
            file: case.file.clone(),
            title: case.title.clone(),
            failures: case.failures.clone(),
        });
        Self {
            law: set.law.digest(),
            passes,
            rules: set.law.rules().len() as u64,
            cases: report.cases.len() as u64,
            failed: failed.collect(),
            faults: found(report.faults),
            gaps: found(report.gaps),
            unanswered: found(report.unanswered),
            remarks: found(report.remarks),
            uncovered: found(report.uncovered),
        }
    }
}

/// Runs every case of the set in `dir`, or of the one that is built in, and looks the set over.
///
/// # Errors
/// A set that cannot be read or does not load.
pub fn check_law(dir: Option<&Path>) -> Result<LawChecked, LawError> {
    Ok(LawChecked::of(&SetWithCases::of(&files_of(dir)?)?))
}

/// Changes of rules that no case would catch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LawDays {
    /// How many rules the set has.
    pub rules: u64,
    /// How many cases it has.
    pub cases: u64,
    /// The changes, one sentence each.
    pub unheld: Vec<String>,
    /// Cases that would catch them, where the facts of another case serve: path below the set, and text.
    pub proposed: LawFiles,
    /// Whether those were written.
    pub written: bool,
    /// Rules for which a case must be written by hand.
    pub by_hand: Vec<String>,
}

/// Lists the changes of rules that no case would catch; with `write`, writes the cases that would into `dir`.
///
/// # Errors
/// A set that cannot be read or does not load; the disk's.
pub fn days_of_law(dir: Option<&Path>, write: bool) -> Result<LawDays, LawError> {
    let set = SetWithCases::of(&files_of(dir)?)?;
    let unheld = rules::unheld(&set.law, &set.cases);
    let proposed = rules::proposed_cases(&set.law, &set.cases, &unheld);
    let target = dir.filter(|_| write);
    if let Some(dir) = target {
        // An older case of the same name is replaced: its days are wrong, or it would have caught the change.
        proposed.files.iter().try_for_each(|(path, text)| put(&dir.join(path), text))?;
    }
    Ok(LawDays {
        rules: set.law.rules().len() as u64,
        cases: set.cases.len() as u64,
        unheld: unheld.iter().map(ToString::to_string).collect(),
        proposed: proposed.files,
        written: target.is_some(),
        by_hand: proposed.by_hand,
    })
}

/// Writes a text that anyone may read, and its folder.
///
/// # Errors
/// The disk's.
pub fn put(path: &Path, text: &str) -> Result<(), LawError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(RoomError::at(folder))?;
    }
    RealDisk.write_atomic(path, text.as_bytes(), Visibility::Shared).map_err(RoomError::at(path))?;
    Ok(())
}

/// What a law set makes of a case file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct CaseExplained {
    pub case: String,
    pub title: String,
    pub decision: Decision,
}

/// Decides the cases of a case file by the set in `law`, or by the one around it.
///
/// # Errors
/// A file that is not a case; a set that cannot be read or does not load.
pub fn explain_file(case: &Path, law: Option<&Path>) -> Result<Vec<CaseExplained>, LawError> {
    let (set, cases) = SetWithCases::around(case, law)?;
    let one = |case: Case| {
        let decision = rules::decide(&set.law, &case.facts, case.mode);
        CaseExplained { case: case.id, title: case.title, decision }
    };
    Ok(cases.into_iter().map(one).collect())
}

/// What two law sets make of a case file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct CaseReplayed {
    pub case: String,
    pub title: String,
    pub law: Digest,
    pub outcome: Outcome,
    pub law_today: Digest,
    pub outcome_today: Outcome,
    /// A line for each thing that differs.
    pub difference: Vec<Difference>,
}

/// Decides the cases of a case file by its set and by the set in `with`, or the one that is built in.
///
/// # Errors
/// As [`explain_file`].
pub fn replay_file(case: &Path, law: Option<&Path>, with: Option<&Path>) -> Result<Vec<CaseReplayed>, LawError> {
    let (set, cases) = SetWithCases::around(case, law)?;
    let today = LawSet::load(&files_of(with)?)?;
    let one = |case: Case| {
        let first = rules::decide(&set.law, &case.facts, case.mode);
        let second = rules::decide(&today, &case.facts, case.mode);
        CaseReplayed {
            case: case.id,
            title: case.title,
            law: set.law.digest(),
            outcome: first.outcome,
            law_today: today.digest(),
            outcome_today: second.outcome,
            difference: rules::difference(&first, &second),
        }
    };
    Ok(cases.into_iter().map(one).collect())
}

/// What a new law set changes in rules and in the case files that both have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct SetsCompared {
    pub old: Digest,
    pub new: Digest,
    pub rules_gone: Vec<String>,
    pub rules_new: Vec<String>,
    pub rules_changed: Vec<String>,
    /// Cases that are decided differently, and how.
    pub cases: Vec<(String, Vec<Difference>)>,
    /// Files of the old and of the new set.
    pub files: (u64, u64),
}

/// Compares two sets.
///
/// # Errors
/// A set that does not load.
pub fn compare_files(old: &LawFiles, new: &LawFiles) -> Result<SetsCompared, LawError> {
    let files = (old.len() as u64, new.len() as u64);
    let (old, new) = (SetWithCases::of(old)?, SetWithCases::of(new)?);
    let SetDifference { rules_gone, rules_new, rules_changed, cases } =
        rules::compare_sets((&old.law, &old.cases), (&new.law, &new.cases));
    let (old, new) = (old.law.digest(), new.law.digest());
    Ok(SetsCompared { old, new, rules_gone, rules_new, rules_changed, cases, files })
}

/// Where the law was written as pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct LawRendered {
    pub law: String,
    pub files: u64,
    /// Where to begin reading.
    pub index: PathBuf,
}
