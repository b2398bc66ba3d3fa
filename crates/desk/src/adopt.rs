//! Adopting a set, and confirming a rule: counsel's signature, then the ledger, then the effect.

use ledger::Opening;
use rules::LawSet;
use serde_json::json;
use terms::Digest;

use crate::desk::Desk;
use crate::error::DeskError;
use crate::law::{LawError, LawFiles, SignatureKind, Signed, Texts, rule_text, set_text};
use crate::results::{LawAdopted, RuleConfirmed};

impl Desk {
    /// Takes the set of these files into use, on counsel's signed `note`. Durable when it returns: the set, the ledger's
    /// entry, the set's name as the one in use. Open cases keep their decision.
    ///
    /// # Errors
    /// The set does not load, has no cases, or they do not pass; `note` is not counsel's signature under it; the
    /// ledger's, and then the previous set stays in use.
    pub fn adopt(&self, files: &LawFiles, note: &str) -> Result<LawAdopted, DeskError> {
        let _turn = self.turn();
        let counsel = self.parts.law.counsel.as_ref().ok_or(LawError::NoCounsel)?;
        let law = LawSet::load(files).map_err(|errors| LawError::DoesNotLoad(errors.to_string()))?;
        let cases = rules::read_cases(&law, files).map_err(|errors| LawError::DoesNotLoad(errors.to_string()))?;
        let report = rules::check(&law, &cases);
        if cases.is_empty() || !report.passes() {
            return Err(LawError::CheckFails(report.to_string()).into());
        }
        Texts::of(files)?;
        let is_signed = counsel.verify_note(note).is_ok_and(|text| text == set_text(law.digest()));
        if !is_signed {
            return Err(LawError::NotSigned { counsel: counsel.name().to_owned(), set: law.digest() }.into());
        }
        let previous = self.parts.law.now().law.digest();
        let name = self.parts.law.archive.keep(files)?;
        let statement = json!({
            "kind": "law_adopted", "law": law.digest(), "before": previous, "counsel": counsel.to_string(),
            "rules": law.rules().len(), "cases": cases.len(),
        });
        self.record_signed(SignatureKind::Set, &name, law.digest(), note, statement)?;
        self.parts.law.archive.put_in_use(&name)?;
        self.parts.law.refresh()?;
        Ok(LawAdopted { law: law.digest(), previous, counsel: counsel.name().to_owned() })
    }

    /// Takes counsel's signature under one rule of the set in use. From then on decisions may rest on the rule although
    /// its source was not read. Durable when it returns.
    ///
    /// # Errors
    /// No such rule, a signature that is not counsel's under the rule as it stands; the ledger's.
    pub fn confirm(&self, note: &str) -> Result<RuleConfirmed, DeskError> {
        let _turn = self.turn();
        let counsel = self.parts.law.counsel.as_ref().ok_or(LawError::NoCounsel)?;
        let text = counsel.verify_note(note).map_err(|error| LawError::NotCounsels {
            counsel: counsel.name().to_owned(),
            problem: error.to_string(),
        })?;
        let now = self.parts.law.now();
        let rule = text.lines().nth(1).and_then(|id| now.law.rule(id));
        let rule = rule.filter(|rule| rule_text(&rule.id, rule.digest()) == text).ok_or(LawError::NoSuchRule)?;
        let statement = json!({ "kind": "rule_confirmed", "rule": rule.id, "digest": rule.digest(), "counsel": counsel.to_string() });
        self.record_signed(SignatureKind::Rule, &rule.id, rule.digest(), note, statement)?;
        self.parts.law.refresh()?;
        Ok(RuleConfirmed { rule: rule.id.clone(), digest: rule.digest(), counsel: counsel.name().to_owned() })
    }

    /// Ledger before act: the salt is durable, then the log has the leaf, then the proof is kept beside the signature.
    fn record_signed(
        &self,
        kind: SignatureKind,
        of: &str,
        digest: Digest,
        note: &str,
        statement: serde_json::Value,
    ) -> Result<(), DeskError> {
        let now = self.parts.clock.now();
        let mut body = json!({ "format": "bailiwick/ledger-entry/v1", "home": self.parts.home, "at": now.rfc3339() });
        if let (Some(body), serde_json::Value::Object(more)) = (body.as_object_mut(), statement) {
            body.extend(more);
        }
        let body = serde_json::to_vec(&body).map_err(|error| DeskError::Ledger(error.to_string()))?;
        let opening = Opening::new(body, self.parts.entropy.as_ref());
        let mut signed =
            Signed { format: 1, of: of.to_owned(), note: note.to_owned(), digest, at: now, opening, receipt: None };
        self.parts.law.archive.put_signed(kind, &signed)?;
        signed.receipt = self.parts.log.append(&[signed.opening.commitment()])?.pop();
        Ok(self.parts.law.archive.put_signed(kind, &signed)?)
    }
}
