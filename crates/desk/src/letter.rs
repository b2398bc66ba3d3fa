//! Letters: why nothing, or not everything, is produced, and which legal process is available.

use std::path::PathBuf;

use terms::CaseId;

use crate::answer::Answer;
use crate::case::{Case, CaseState, EventKind};
use crate::desk::Desk;
use crate::error::{DeskError, NotNow};
use crate::next::next_action;
use crate::results::{CaseSummary, LetterWritten};
use crate::{proposal, wording};

impl Desk {
    /// Writes the case's letter, records its digest, and keeps a sealed copy. Durable when it returns. Where a part is
    /// produced, the letter is about the rest, and may be written before the package or after it. A second call returns
    /// the same letter.
    ///
    /// # Errors
    /// A case in which nothing is refused, or whose sender is not verified; the ledger's and the disk's.
    pub fn refuse(&self, id: CaseId) -> Result<LetterWritten, DeskError> {
        let _turn = self.turn();
        let mut case = self.resume(id)?;
        if case.letter.is_some() && case.has(EventKind::Letter) {
            return self.letter_again(&case);
        }
        self.refusable(&case)?;
        let text = wording::letter(&self.parts, &case);
        // Sealed first and shown only when recorded: a power cut after the record must not lose the text.
        self.write_sealed(&self.letter_path(id), &letter_context(id), text.as_bytes())?;
        let digest = proposal::sha256(text.as_bytes());
        let statement = serde_json::json!({ "letter": digest, "outcome": case.decision.outcome });
        self.record_with(&mut case, EventKind::Letter, statement, |case| case.letter = Some(letter_file(id)))?;
        self.continue_case(&mut case)?;
        Ok(LetterWritten { summary: CaseSummary::of(&case), letter: text })
    }

    /// Whether a letter may be written: something is refused, and the sender is verified.
    fn refusable(&self, case: &Case) -> Result<(), DeskError> {
        let answer = Answer::of(case);
        let why = match answer.produce.is_empty() {
            _ if answer.letter => return Ok(()),
            true => NotNow::NoLetter,
            false => NotNow::NothingRefused,
        };
        let next = match case.state() {
            CaseState::Sealed => None,
            _ => Some(next_action(case, false, self.parts.clock.now())),
        };
        Err(DeskError::not_now(case.id, why, next))
    }

    /// The letter that was written earlier.
    fn letter_again(&self, case: &Case) -> Result<LetterWritten, DeskError> {
        let text = self.read_sealed(&self.letter_path(case.id), &letter_context(case.id))?;
        let letter = String::from_utf8_lossy(&text).into_owned();
        Ok(LetterWritten { summary: CaseSummary::of(case), letter })
    }

    pub(crate) fn letter_path(&self, id: CaseId) -> PathBuf {
        self.dir("letters").join(letter_file(id))
    }
}

fn letter_file(id: CaseId) -> String {
    format!("case-{id:06}.letter")
}

pub(crate) fn letter_context(id: CaseId) -> String {
    format!("desk/letter/{id}")
}
