//! Is everything there, and as it was written? Without an owner it cannot tell whether a message opens; a checksum says that
//! its sealed bytes are those that were stored. With an owner's sign-in, all of that account is opened (docs/fsck.md).

mod findings;

use durable::RealDisk;
use serde::{Deserialize, Serialize};

use crate::fsck_error::FsckError;
use crate::node::Node;
use crate::operation::{Operation, OwnerCredentials, Progress, Unit};

pub use findings::{Findings, Found};

/// Reads all that is stored and says what is damaged. One damage never stops the rest; the node continues meanwhile.
#[derive(Debug, Serialize, Deserialize)]
pub struct CheckNode {}

/// What is stored, and what of it is damaged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeChecked {
    /// Accounts.
    pub accounts: u64,
    /// Messages, live and held.
    pub messages: u64,
    /// Commits so far.
    pub commits: u64,
    /// Segments.
    pub segments: u64,
    /// Bytes of all segments.
    pub pack_bytes: u64,
    /// Bytes of the segments that messages refer to.
    pub live_bytes: u64,
    /// Files of indexes.
    pub index_files: u64,
    /// Files of the vault.
    pub vault_files: u64,
    /// Entries of the ledger.
    pub ledger_entries: u64,
    /// What was found.
    #[serde(flatten)]
    pub findings: Findings,
}

impl Operation for CheckNode {
    type Target = Node;
    type Output = NodeChecked;
    type Error = FsckError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<NodeChecked, FsckError> {
        let mut findings = Findings::default();
        let report = node.mailroom.store.verify();
        findings.mail(&report.damages);
        findings.notes(report.notes);
        report.unchecked.iter().for_each(|what| findings.unchecked(what.to_string()));
        let index = node.mailroom.check_index_files();
        findings.mail(&index.damages);
        findings.notes(index.notes);
        let vault_files = match node.mailroom.vault.damaged_files() {
            Ok((count, damaged)) => {
                damaged.iter().for_each(|file| findings.vault(file));
                count
            }
            Err(error) => {
                findings.unchecked(format!("vault: {error}"));
                0
            }
        };
        let survey = ledger::survey_dir(&RealDisk, &node.dir.join("ledger"), Some(&node.log.verifier()));
        survey.damages.iter().for_each(|damage| findings.ledger(damage));
        Ok(NodeChecked {
            accounts: report.accounts,
            messages: report.messages,
            commits: report.commits,
            segments: report.segments,
            pack_bytes: report.pack_bytes,
            live_bytes: report.live_bytes,
            index_files: index.files,
            vault_files,
            ledger_entries: survey.report.map_or(0, |ledger| ledger.size),
            findings: findings.judged(),
        })
    }
}

/// Opens all of an account for its owner, derives again what is derived, and says what differs.
#[derive(Debug, Serialize, Deserialize)]
pub struct CheckAccount {
    /// Whose.
    pub address: String,
    /// The owner's.
    pub owner: OwnerCredentials,
    /// The index is dropped and rebuilt afterwards.
    pub repair_index: bool,
}

/// What an account has, and what of it is damaged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountChecked {
    /// Messages that were opened.
    pub messages: u64,
    /// Bytes of their originals.
    pub bytes: u64,
    /// Files of the index.
    pub index_files: u64,
    /// Messages that are in the index.
    pub indexed: u64,
    /// Messages in the index that was rebuilt, if that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index_rebuilt: Option<u64>,
    /// What was found.
    #[serde(flatten)]
    pub findings: Findings,
}

impl Operation for CheckAccount {
    type Target = Node;
    type Output = AccountChecked;
    type Error = FsckError;

    fn run(self, node: &Node, progress: &mut dyn FnMut(Progress)) -> Result<AccountChecked, FsckError> {
        let owner = node.signed_in(&self.address, &self.owner)?;
        let report = mailroom::check::run(&node.mailroom, &owner, &mut |step| {
            progress(Progress { unit: Unit::Messages, done: step.done, total: step.total, failed: step.failed });
        })?;
        let mut findings = Findings::default();
        findings.mail(&report.damages);
        findings.notes(report.notes);
        let mut index_rebuilt = None;
        if self.repair_index {
            let size = node.mailroom.rebuild_index(&owner)?;
            let note =
                format!("the index was dropped and rebuilt: {} messages in {} files", size.messages, size.volumes);
            findings.notes(vec![note]);
            index_rebuilt = Some(size.messages as u64);
        }
        Ok(AccountChecked {
            messages: report.messages,
            bytes: report.bytes,
            index_files: report.volumes,
            indexed: report.indexed,
            index_rebuilt,
            findings: findings.judged(),
        })
    }
}
