//! The desk of one home, and what needs no file of its own: opening it, listing and showing its cases.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use durable::Disk;
use ledger::Log;
use rules::HomeFacts;
use store::Store;
use terms::{CaseId, Clock, Digest, Entropy, Jurisdiction};
use vault::Vault;

use crate::error::DeskError;
use crate::law::DeskLaw;
use crate::next::next_action;
use crate::results::{CaseDetail, CaseList, CaseSummary, Damaged, DamagedCase, ListedCase};

/// What a desk is made of.
#[allow(missing_docs, reason = "the names say it")]
pub struct DeskParts {
    pub disk: Arc<dyn Disk>,
    pub dir: PathBuf,
    pub home: Jurisdiction,
    /// As letters name the node.
    pub node_name: String,
    pub vault: Arc<Vault>,
    pub store: Arc<Store>,
    pub log: Arc<Log>,
    pub law: DeskLaw,
    /// What the operator declares about itself and its entities.
    pub home_facts: HomeFacts,
    /// Demands are received at this clock's time.
    pub clock: Arc<dyn Clock>,
    /// For the salts of ledger entries.
    pub entropy: Arc<dyn Entropy>,
}

/// The desk of one home. It does one thing at a time, since the events of a case are a chain.
pub struct Desk {
    pub(crate) parts: DeskParts,
    turn: Mutex<()>,
    troubles: Vec<String>,
}

impl Desk {
    /// Opens the desk and completes what a power cut interrupted. A case that is damaged, or cannot be continued yet, stops
    /// neither the others nor the node: [`Desk::troubles`] names it, and so does each action on it.
    ///
    /// # Errors
    /// The desk's directory cannot be made or read.
    pub fn open(parts: DeskParts) -> Result<Self, DeskError> {
        for dir in ["cases", "letters", "packages", "house"] {
            let path = parts.dir.join(dir);
            let made = parts.disk.create_dir_all(&path).and_then(|()| parts.disk.finish_shredding(&path));
            made.map_err(|error| DeskError::file(&path, error))?;
        }
        let mut desk = Self { parts, turn: Mutex::new(()), troubles: Vec::new() };
        for id in desk.case_ids()? {
            if let Err(error) = desk.resume(id) {
                desk.troubles.push(format!("case {id} waits: {error}"));
            }
        }
        Ok(desk)
    }

    /// The cases that could not be continued when the desk was opened, each with the reason. No owner is named.
    pub fn troubles(&self) -> &[String] {
        &self.troubles
    }

    /// Digest of the law set in use.
    pub fn law_digest(&self) -> Digest {
        self.parts.law.now().law.digest()
    }

    /// All cases, the newest last. A damaged one is listed as such.
    ///
    /// # Errors
    /// The directory of the cases cannot be read.
    pub fn list(&self) -> Result<CaseList, DeskError> {
        let _turn = self.turn();
        let listed = |id| match self.load(id) {
            Ok(case) => ListedCase::Readable(CaseSummary::of(&case)),
            Err(error) => {
                ListedCase::Damaged(DamagedCase { case: id, state: Damaged::Damaged, problem: error.to_string() })
            }
        };
        Ok(CaseList { cases: self.case_ids()?.into_iter().map(listed).collect() })
    }

    /// One case: facts, decision per item and copy, reasons, deadline, available legal process, next action.
    ///
    /// # Errors
    /// [`DeskError::NoCase`], or a case file that does not open.
    pub fn show(&self, id: CaseId) -> Result<CaseDetail, DeskError> {
        let _turn = self.turn();
        let case = self.load(id)?;
        // Whether it can be collected now; a vault that cannot say has no clearance to show.
        let cleared = self.kept_clearance(&case).is_ok_and(|clearance| clearance.is_some());
        let owner_only = match case.account {
            Some(account) => self.only_the_owner_opens(account)?,
            None => false,
        };
        Ok(CaseDetail::of(&case, next_action(&case, cleared, self.parts.clock.now()), owner_only))
    }

    /// Drops the shares and clearances of expired orders. A case that cannot be continued keeps its own.
    ///
    /// # Errors
    /// The directory of the cases cannot be read.
    pub fn forget_lapsed(&self) -> Result<(), DeskError> {
        let _turn = self.turn();
        for id in self.case_ids()? {
            // The next action on that case says what is wrong with it.
            let _ = self.resume(id);
        }
        Ok(())
    }

    /// Runs `look` while nothing changes a case or the node's own entries: for a copy of the desk's files.
    pub fn at_rest<T>(&self, look: impl FnOnce() -> T) -> T {
        let _turn = self.turn();
        look()
    }

    /// Adds an empty entry to the ledger, indistinguishable from the others.
    ///
    /// # Errors
    /// The ledger's.
    pub fn record_dummy(&self) -> Result<(), DeskError> {
        let _turn = self.turn();
        self.append_dummy()
    }

    /// A poisoned lock does no harm here: every action starts from the files.
    pub(crate) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
