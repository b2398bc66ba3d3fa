//! Which law set a node uses, and what the law makes of a case or a demand.
//!
//! The law is data in `law/` of the source tree, built into the program so that one file is enough to start. A node
//! keeps each set that it ever used ([`desk::DeskLaw`]): a decision names the digest, and replays from that copy
//! whatever a later program brings.

use std::path::{Path, PathBuf};

use desk::{
    DecisionExplained, DecisionReplayed, DeskError, LawAdopted, LawChoice, LawCompared, LawFiles, RuleConfirmed, WhatIf,
};
use include_dir::{Dir, DirEntry, include_dir};
use serde::{Deserialize, Serialize};
use terms::CaseId;

use crate::error::RoomError;
use crate::law_files::LawChecked;
use crate::node::Node;
use crate::operation::{Operation, Progress};

/// Why something about a law set was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the texts say it")]
pub enum LawError {
    #[error("{}: {problem}; a case is a number or a file", path.display())]
    NoCase { path: PathBuf, problem: String },
    #[error("{} does not belong to a law set; name one with --law", .0.display())]
    NoSet(PathBuf),
    #[error("{} expects nothing: it is a pattern for other cases, or is not in a folder named `cases`", .0.display())]
    NoExpectation(PathBuf),
    #[error("{}: {problem}", path.display())]
    HomeFacts { path: PathBuf, problem: String },
    #[error("the set has no rule `{0}`")]
    NoRule(String),
    #[error("only a set that has cases and passes its check can be signed; see `bailiwick law check`")]
    FailsCheck(Box<LawChecked>),
    #[error("{} exists already; a key is never overwritten", .0.display())]
    KeyExists(PathBuf),
    #[error("{} is not a key of counsel's; `law counsel-key` makes one", .0.display())]
    NoKey(PathBuf),
    #[error("{}: {problem}", path.display())]
    Key { path: PathBuf, problem: String },
    #[error("{0}: the page could not be made")]
    NoPage(String),
    #[error(transparent)]
    Room(RoomError),
}

/// Explains a case's decision: its proof tree.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ExplainDecision {
    pub case: CaseId,
}

impl Operation for ExplainDecision {
    type Target = Node;
    type Output = DecisionExplained;
    type Error = DeskError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<DecisionExplained, DeskError> {
        node.desk.explain(self.case)
    }
}

/// Decides a case again, with the set of its day and with the one in use.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ReplayDecision {
    pub case: CaseId,
}

impl Operation for ReplayDecision {
    type Target = Node;
    type Output = DecisionReplayed;
    type Error = DeskError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<DecisionReplayed, DeskError> {
        node.desk.replay(self.case)
    }
}

/// A law set that a person names.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LawName {
    /// One that the node has had in use, by its digest.
    Digest(String),
    /// These files: path and text.
    Files(LawFiles),
}

impl From<LawName> for LawChoice {
    fn from(name: LawName) -> Self {
        match name {
            LawName::Digest(digest) => Self::Digest(digest),
            LawName::Files(files) => Self::Files(files),
        }
    }
}

/// Which recorded cases two law sets decide differently.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct CompareLaw {
    pub old: LawName,
    pub new: LawName,
}

impl Operation for CompareLaw {
    type Target = Node;
    type Output = LawCompared;
    type Error = DeskError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<LawCompared, DeskError> {
        node.desk.law_diff(&self.old.into(), &self.new.into())
    }
}

/// Takes a law set into use.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct AdoptLaw {
    pub files: LawFiles,
    /// Counsel's signed note.
    pub note: String,
}

impl Operation for AdoptLaw {
    type Target = Node;
    type Output = LawAdopted;
    type Error = DeskError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<LawAdopted, DeskError> {
        let adopted = node.desk.adopt(&self.files, &self.note)?;
        node.host.law_changed(node);
        Ok(adopted)
    }
}

/// Takes counsel's signature under one rule.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ConfirmRule {
    /// Counsel's signed note.
    pub note: String,
}

impl Operation for ConfirmRule {
    type Target = Node;
    type Output = RuleConfirmed;
    type Error = DeskError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<RuleConfirmed, DeskError> {
        let confirmed = node.desk.confirm(&self.note)?;
        node.host.law_changed(node);
        Ok(confirmed)
    }
}

/// Decides a demand without opening a case.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct DecideWhatIf {
    /// The demand file's.
    pub text: String,
    /// The day, `YYYY-MM-DD`; the demand's own or today when absent.
    pub on: Option<String>,
}

impl Operation for DecideWhatIf {
    type Target = Node;
    type Output = WhatIf;
    type Error = DeskError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<WhatIf, DeskError> {
        node.desk.what_if(&self.text, self.on.as_deref())
    }
}

/// The law set that this program brings.
static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../law");

/// The files of the set in `dir`, or of the one that is built in.
///
/// # Errors
/// A directory that cannot be read.
pub fn files_of(dir: Option<&Path>) -> Result<LawFiles, LawError> {
    match dir {
        Some(dir) => Ok(read_tree(dir).map_err(RoomError::at(dir))?),
        None => Ok(built_in()),
    }
}

/// The built-in files as (path, text), in order of path.
pub fn built_in() -> LawFiles {
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
fn read_tree(dir: &Path) -> std::io::Result<LawFiles> {
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
