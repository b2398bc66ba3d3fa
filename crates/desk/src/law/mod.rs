//! Which law set decides at this desk, and how another comes into use.
//!
//! ```text
//! law/<digest>.json          each set ever in use: an object of path and text
//! law/current                which of them decides
//! law/adopted/<n>.json       counsel's signature under a set, with its ledger entry
//! law/confirmed/<rule>.json  counsel's signature under one rule, with its ledger entry
//! ```
//!
//! The set that comes with the program is taken into use when a node is created: nobody has signed it, and it says so.
//! Every other comes into use by [`Desk::adopt`](crate::Desk::adopt) alone: its cases pass, counsel signed its digest, the ledger has
//! the adoption, and only then `current` names it.

mod archive;
mod counsel;
mod error;
mod texts;

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use durable::Disk;
use ledger::Verifier;
use rules::{LawSet, RuleSignature};

pub use counsel::{CounselKey, rule_text, set_text};
pub use error::LawError;
pub use texts::Texts;

pub(crate) use archive::{LawArchive, SignatureKind, Signed};

/// The files of a law set: path and text.
pub type LawFiles = Vec<(String, String)>;

/// The law set in use, for its readers.
pub struct LawInUse {
    /// Its files.
    pub files: LawFiles,
    /// The name of the key that signed the set; `None`: it came with the program, and nobody signed it.
    pub adopted_by: Option<String>,
    /// Counsel's signatures under single rules that are in effect.
    pub signed: Vec<RuleSignature>,
}

/// The law at a desk.
pub struct DeskLaw {
    pub(crate) archive: LawArchive,
    /// Whose signature counts; `None`: nobody's, and no set can be adopted.
    pub(crate) counsel: Option<Verifier>,
    now: RwLock<Arc<InUse>>,
}

/// The set in use.
pub(crate) struct InUse {
    pub(crate) law: LawSet,
    pub(crate) texts: Texts,
    /// Counsel's signatures under single rules that are in effect.
    pub(crate) signed: Vec<RuleSignature>,
    /// Who signed the set; `None`: nobody, it came with the program.
    pub(crate) adopted_by: Option<String>,
}

impl DeskLaw {
    /// Opens the law directory `dir`. Where it is empty, `built_in` is kept there and taken into use. Durable when it
    /// returns.
    ///
    /// # Errors
    /// A set that does not load or is not the one that was adopted, a directory that cannot be written.
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        built_in: &[(String, String)],
        counsel: Option<Verifier>,
    ) -> Result<Self, LawError> {
        let archive = LawArchive::new(disk, dir)?;
        if archive.current()?.is_none() {
            let name = archive.keep(built_in)?;
            archive.put_in_use(&name)?;
        }
        let now = Self::read(&archive, counsel.as_ref())?;
        Ok(Self { archive, counsel, now: RwLock::new(Arc::new(now)) })
    }

    fn read(archive: &LawArchive, counsel: Option<&Verifier>) -> Result<InUse, LawError> {
        let name = archive.current()?.ok_or(LawError::NoneInUse)?;
        let (law, files) = archive.load(&name)?;
        let texts = Texts::of(&files)?;
        let signed = counsel.map_or_else(|| Ok(Vec::new()), |counsel| archive.confirmed(counsel))?;
        Ok(InUse { law, texts, signed, adopted_by: archive.adopted_by(&name)? })
    }

    /// The set in use, for its readers.
    ///
    /// # Errors
    /// The set's file cannot be read.
    pub fn in_use(&self) -> Result<LawInUse, LawError> {
        let now = self.now();
        let name = self.archive.current()?.unwrap_or_else(|| now.law.digest().to_string());
        let (_, files) = self.archive.load(&name)?;
        Ok(LawInUse { files, adopted_by: now.adopted_by.clone(), signed: now.signed.clone() })
    }

    /// Reads the set in use again, after another was adopted.
    pub(crate) fn refresh(&self) -> Result<(), LawError> {
        let now = Arc::new(Self::read(&self.archive, self.counsel.as_ref())?);
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = now;
        Ok(())
    }

    /// The set in use. A caller keeps the one it got when another is adopted.
    pub(crate) fn now(&self) -> Arc<InUse> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
