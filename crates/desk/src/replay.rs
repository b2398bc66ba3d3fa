//! Recorded cases under the law of their day, of today, and of a set that is not in use: explained, replayed, compared.

use rules::{Decision, LawSet};
use serde::{Deserialize, Serialize};
use serde_json::json;
use terms::CaseId;

use crate::law::{LawFiles, LawInUse};
use crate::{Case, Desk, DeskError, Said};

/// A law set that somebody names.
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

    /// The set in use, for whoever reads it: its files, whose signature it carries, and counsel's signatures under single
    /// rules.
    ///
    /// # Errors
    /// The set's file, in words.
    pub fn law_in_use(&self) -> Result<LawInUse, DeskError> {
        let _turn = self.turn();
        self.parts.law.in_use().map_err(DeskError::Law)
    }

    /// The proof tree of a case's decision: the rules applied, those defeated and by what, the facts used, the facts
    /// missing.
    ///
    /// # Errors
    /// [`DeskError::NoCase`], or a case file that does not open.
    pub fn explain(&self, id: CaseId) -> Result<Said, DeskError> {
        let _turn = self.turn();
        let case = self.load(id)?;
        Ok(Said { text: rules::explain(&case.decision), data: json!({ "case": id, "decision": case.decision }) })
    }

    /// Decides a case again: with the set of the day, which must give the recorded decision, and with the set in use.
    ///
    /// # Errors
    /// [`DeskError::NoCase`], a case file that does not open, a set of the day that is no longer here.
    pub fn replay(&self, id: CaseId) -> Result<Said, DeskError> {
        let _turn = self.turn();
        let case = self.load(id)?;
        let (law, _) = self.parts.law.shelf.load(&case.decision.law.to_string()).map_err(DeskError::Law)?;
        let again = rules::decide(&law, &case.facts, case.decision.mode);
        let same = again == case.decision;
        let now = self.parts.law.now();
        let mut facts = case.facts.clone();
        // Today's law is read with the signatures of today.
        facts.signed.clone_from(&now.signed);
        let today = rules::decide(&now.law, &facts, case.decision.mode);
        let lines = rules::difference(&case.decision, &today);
        let mut text = if same {
            format!("Case {id}: the set of the day, {}, decides as recorded: {}.", law.digest(), again.outcome)
        } else {
            format!(
                "Case {id}: the set of the day, {}, does NOT decide as recorded. The record, the set or this program is \
                 not what it was:\n  {}",
                law.digest(),
                rules::difference(&case.decision, &again).join("\n  ")
            )
        };
        text.push_str(&match lines.as_slice() {
            [] => format!("\nThe set in use, {}, decides the same.", now.law.digest()),
            lines => format!("\nThe set in use, {}, decides otherwise:\n  {}", now.law.digest(), lines.join("\n  ")),
        });
        let data = json!({
            "case": id, "law_of_the_day": law.digest(), "as_recorded": same, "outcome": again.outcome,
            "law_today": now.law.digest(), "outcome_today": today.outcome, "difference": lines,
        });
        Ok(Said { text, data })
    }

    /// Which recorded cases the set `new` would decide otherwise than `old`. Changes nothing.
    ///
    /// # Errors
    /// A set that does not load, or that this node never had.
    pub fn law_diff(&self, old: &LawChoice, new: &LawChoice) -> Result<Said, DeskError> {
        let _turn = self.turn();
        let (old, new) = (self.chosen(old)?, self.chosen(new)?);
        let decide = |law: &LawSet, case: &Case| -> Decision { rules::decide(law, &case.facts, case.decision.mode) };
        let (mut lines, mut data, mut damaged) = (Vec::new(), Vec::new(), Vec::new());
        let ids = self.case_ids()?;
        for id in &ids {
            let Ok(case) = self.load(*id) else {
                damaged.push(*id);
                continue;
            };
            let difference = rules::difference(&decide(&old, &case), &decide(&new, &case));
            if !difference.is_empty() {
                lines.push(format!("  case {id}\n    {}", difference.join("\n    ")));
                data.push(json!({ "case": id, "difference": difference }));
            }
        }
        let mut text = format!("{} of {} recorded cases are decided otherwise", lines.len(), ids.len());
        if !damaged.is_empty() {
            text.push_str(&format!("; {} could not be read", damaged.len()));
        }
        if !lines.is_empty() {
            text.push_str(&format!("\n{}", lines.join("\n")));
        }
        Ok(Said { text, data: json!({ "old": old.digest(), "new": new.digest(), "cases": data, "damaged": damaged }) })
    }

    fn chosen(&self, choice: &LawChoice) -> Result<LawSet, DeskError> {
        match choice {
            LawChoice::Digest(digest) => self.parts.law.shelf.load(digest).map(|(law, _)| law).map_err(DeskError::Law),
            LawChoice::Files(files) => LawSet::load(files).map_err(|errors| DeskError::Law(errors.to_string())),
        }
    }
}
