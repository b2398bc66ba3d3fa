//! Bringing mail in from files, and writing an account's mail out as files.

use std::path::PathBuf;

use mailroom::export::{ExportPlan, ExportReport};
use mailroom::import::{ImportPlan, ImportReport};
use serde::{Deserialize, Serialize};

use crate::error::{OperationError, RoomError};
use crate::node::Node;
use crate::operation::{Operation, OwnerCredentials, Progress, Unit};
use crate::places::Through;

/// Why mail was not brought in or written out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the texts say it")]
pub enum TransferError {
    #[error("{0}")]
    Import(String),
    #[error("{0}")]
    Export(String),
    #[error(transparent)]
    Room(RoomError),
}

/// Brings mail in from files that the node can read.
#[derive(Debug, Serialize, Deserialize)]
pub struct Import {
    /// Whose mail it becomes.
    pub address: String,
    /// The mailbox under which it goes.
    pub mailbox: String,
    /// Absolute path of an mbox, a Maildir, a folder of `.eml`, or one file.
    pub source: PathBuf,
    /// By what it is reached.
    #[serde(skip)]
    pub through: Through,
}

impl Operation for Import {
    type Target = Node;
    type Output = ImportReport;
    type Error = OperationError;

    fn run(self, node: &Node, progress: &mut dyn FnMut(Progress)) -> Result<ImportReport, OperationError> {
        let Self { address, mailbox, source, through } = self;
        let account = node.account(&address)?;
        let (journal_dir, message_bytes_max) = (node.dir.join("import"), node.config.message_size_bytes_max);
        let files = through.files();
        let plan = ImportPlan { account, mailbox, source, files, journal_dir, message_bytes_max };
        let report = mailroom::import::run(&node.mailroom, node.disk.as_ref(), &plan, &mut |step| {
            progress(Progress { unit: Unit::Messages, done: step.done, total: step.total, failed: step.failed });
        });
        Ok(report.map_err(|error| TransferError::Import(error.to_string()))?)
    }
}

/// Writes an account's mail out as files, for its owner.
#[derive(Debug, Serialize, Deserialize)]
pub struct Export {
    /// Whose mail.
    pub address: String,
    /// The owner's: nobody else exports.
    pub owner: OwnerCredentials,
    /// Absolute path of an empty or earlier export's directory.
    pub target: PathBuf,
    /// By what it is reached.
    #[serde(skip)]
    pub through: Through,
}

impl Operation for Export {
    type Target = Node;
    type Output = ExportReport;
    type Error = TransferError;

    fn run(self, node: &Node, progress: &mut dyn FnMut(Progress)) -> Result<ExportReport, TransferError> {
        let owner = node.signed_in(&self.address, &self.owner)?;
        let plan = ExportPlan { target: self.target, files: self.through.files() };
        let report = mailroom::export::run(&node.mailroom, &owner, &plan, &mut |step| {
            progress(Progress { unit: Unit::Messages, done: step.done, total: step.total, failed: step.failed });
        });
        report.map_err(|error| TransferError::Export(error.to_string()))
    }
}
