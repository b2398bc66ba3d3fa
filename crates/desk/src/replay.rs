//! Recorded cases under the law of their day, the current law, and of a set that is not in use: explained, replayed, compared.

use rules::{Decision, LawSet};
use serde::{Deserialize, Serialize};
use terms::CaseId;

use crate::case::Case;
use crate::desk::Desk;
use crate::error::DeskError;
use crate::law::{LawError, LawFiles, LawInUse};
use crate::results::{CaseDifference, DecisionExplained, DecisionReplayed, LawCompared};

/// Which law set.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LawChoice {
    /// One that this node has had in use, by its digest.
    Digest(String),
    /// These files.
    Files(LawFiles),
}

impl Desk {
    /// Whose signature the set in use carries; `None`: it came with the program, and nobody signed it.
    pub fn law_adopted_by(&self) -> Option<String> {
        self.parts.law.now().adopted_by.clone()
    }

    /// The set in use, for its readers.
    ///
    /// # Errors
    /// The set's file cannot be read.
    pub fn law_in_use(&self) -> Result<LawInUse, DeskError> {
        let _turn = self.turn();
        Ok(self.parts.law.in_use()?)
    }

    /// The proof tree of a case's decision: the rules applied, those defeated and by what, the facts used, the facts
    /// missing.
    ///
    /// # Errors
    /// [`DeskError::NoCase`], or a case file that does not open.
    pub fn explain(&self, id: CaseId) -> Result<DecisionExplained, DeskError> {
        let _turn = self.turn();
        let case = self.load(id)?;
        Ok(DecisionExplained { case: id, decision: case.decision })
    }

    /// Decides a case again: with the set of the day, which must give the recorded decision, and with the set in use.
    ///
    /// # Errors
    /// [`DeskError::NoCase`], a case file that does not open, a set of the day that is no longer here.
    pub fn replay(&self, id: CaseId) -> Result<DecisionReplayed, DeskError> {
        let _turn = self.turn();
        let case = self.load(id)?;
        let (law, _) = self.parts.law.archive.load(&case.decision.law.to_string())?;
        let again = rules::decide(&law, &case.facts, case.decision.mode);
        let now = self.parts.law.now();
        let mut facts = case.facts.clone();
        // Today's law is read with today's signatures.
        facts.signed.clone_from(&now.signed);
        let today = rules::decide(&now.law, &facts, case.decision.mode);
        Ok(DecisionReplayed {
            case: id,
            law_of_the_day: law.digest(),
            as_recorded: again == case.decision,
            outcome: again.outcome,
            differs_from_record: rules::difference(&case.decision, &again),
            law_today: now.law.digest(),
            outcome_today: today.outcome,
            difference: rules::difference(&case.decision, &today),
        })
    }

    /// Which recorded cases the set `new` would decide differently from `old`. Changes nothing.
    ///
    /// # Errors
    /// A set that does not load, or that this node never had.
    pub fn law_diff(&self, old: &LawChoice, new: &LawChoice) -> Result<LawCompared, DeskError> {
        let _turn = self.turn();
        let (old, new) = (self.chosen(old)?, self.chosen(new)?);
        let decide = |law: &LawSet, case: &Case| -> Decision { rules::decide(law, &case.facts, case.decision.mode) };
        let (mut cases, mut damaged) = (Vec::new(), Vec::new());
        let ids = self.case_ids()?;
        for id in &ids {
            let Ok(case) = self.load(*id) else {
                damaged.push(*id);
                continue;
            };
            let difference = rules::difference(&decide(&old, &case), &decide(&new, &case));
            if !difference.is_empty() {
                cases.push(CaseDifference { case: *id, difference });
            }
        }
        Ok(LawCompared { old: old.digest(), new: new.digest(), recorded: ids.len(), cases, damaged })
    }

    fn chosen(&self, choice: &LawChoice) -> Result<LawSet, LawError> {
        match choice {
            LawChoice::Digest(digest) => self.parts.law.archive.load(digest).map(|(law, _)| law),
            LawChoice::Files(files) => LawSet::load(files).map_err(|errors| LawError::DoesNotLoad(errors.to_string())),
        }
    }
}
