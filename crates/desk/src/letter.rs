//! Letters: why nothing, or not all, is handed over, and what would reach the data instead.

use std::path::PathBuf;

use terms::CaseId;

use crate::answer::Answer;
use crate::next::instead;
use crate::{Case, Desk, DeskError, Kind, Said, State, proposal, show, wording};

impl Desk {
    /// Writes the case's letter, records its digest, and keeps a sealed copy. Durable when it returns. Where a part is
    /// handed over, the letter is about the rest, and may be written before the package or after it. Asked again, it is
    /// the same letter.
    ///
    /// # Errors
    /// A case in which nothing is refused, or whose sender is not verified; the ledger's and the disk's.
    pub fn refuse(&self, id: CaseId) -> Result<Said, DeskError> {
        let _turn = self.turn();
        let mut case = self.resume(id)?;
        if case.letter.is_some() && case.has(Kind::Letter) {
            return self.letter_again(&case);
        }
        self.refusable(&case)?;
        let text = wording::letter(&self.parts, &case);
        // Sealed, and shown to nobody before it is recorded: a power cut after the record must not lose the text.
        self.write_sealed(&self.letter_path(id), &letter_context(id), text.as_bytes())?;
        let digest = proposal::sha256(text.as_bytes());
        let statement = serde_json::json!({ "letter": digest, "outcome": case.decision.outcome });
        self.record_with(&mut case, Kind::Letter, statement, |case| case.letter = Some(letter_file(id)))?;
        self.carry_on(&mut case)?;
        Ok(show::letter(&case, &text))
    }

    /// Whether there is something to refuse, and somebody to tell.
    fn refusable(&self, case: &Case) -> Result<(), DeskError> {
        let (id, answer) = (case.id, Answer::of(case));
        let text = match case.state() {
            _ if answer.letter => return Ok(()),
            _ if answer.produce.is_empty() => {
                format!("no letter is written in case {id}. Next: {}", instead(case, &answer))
            }
            State::Sealed => "the package of this case is sealed; there is nothing to refuse".to_owned(),
            _ => format!(
                "the rules compel everything that is asked in case {id}, so there is nothing to refuse; `case approve {id}` \
                 is next. To depart from the rules is counsel's, with reasons"
            ),
        };
        Err(DeskError::NotNow(text))
    }

    /// The letter that was written before.
    fn letter_again(&self, case: &Case) -> Result<Said, DeskError> {
        let text = self.read_sealed(&self.letter_path(case.id), &letter_context(case.id))?;
        Ok(show::letter(case, &String::from_utf8_lossy(&text)))
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
