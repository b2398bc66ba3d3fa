//! Adopting a set, and confirming a rule: counsel's signature, then the ledger, then the effect.

use ledger::Opening;
use rules::LawSet;
use serde_json::json;
use terms::Digest;

use crate::law::{Kind, LawFiles, Signed, rule_text, set_text};
use crate::{Desk, DeskError, Said};

impl Desk {
    /// Takes the set of these files into use, on counsel's signed `note`. Durable when it returns: the set, the ledger's
    /// entry, the set's name as the one in use. Cases that are open keep the decision they have.
    ///
    /// # Errors
    /// The set does not load, has no cases, or they do not pass; `note` is not counsel's signature under it; the
    /// ledger's, and then the set in use is the one it was.
    pub fn adopt(&self, files: &LawFiles, note: &str) -> Result<Said, DeskError> {
        let _turn = self.turn();
        let refuse = |what: String| DeskError::Law(what);
        let counsel = self.parts.law.counsel.as_ref().ok_or_else(|| refuse(NO_COUNSEL.to_owned()))?;
        let law = LawSet::load(files).map_err(|errors| refuse(errors.to_string()))?;
        let cases = rules::read_cases(&law, files).map_err(|errors| refuse(errors.to_string()))?;
        let report = rules::check(&law, &cases);
        if cases.is_empty() || !report.passes() {
            return Err(refuse(format!("a set is adopted only when it has cases and passes its check:\n{report}")));
        }
        crate::Texts::of(files).map_err(refuse)?;
        let signed = counsel.verify_note(note).is_ok_and(|text| text == set_text(law.digest()));
        if !signed {
            return Err(refuse(format!(
                "the signature is not that of {} under the set {}; sign this very set with `law sign`",
                counsel.name(),
                law.digest()
            )));
        }
        let before = self.parts.law.now().law.digest();
        let name = self.parts.law.shelf.keep(files).map_err(refuse)?;
        let statement = json!({
            "kind": "law_adopted", "law": law.digest(), "before": before, "counsel": counsel.to_string(),
            "rules": law.rules().len(), "cases": cases.len(),
        });
        self.record_signed(Kind::Set, &name, law.digest(), note, statement)?;
        self.parts.law.shelf.put_in_use(&name).map_err(refuse)?;
        self.parts.law.refresh().map_err(refuse)?;
        let text =
            format!("The law set {} is in use, signed by {}; before it was {before}.", law.digest(), counsel.name());
        Ok(Said { text, data: json!({ "law": law.digest(), "before": before, "counsel": counsel.name() }) })
    }

    /// Takes counsel's signature under one rule of the set in use. From then on decisions may rest on the rule although
    /// its source was not read. Durable when it returns.
    ///
    /// # Errors
    /// No such rule, a signature that is not counsel's under the rule as it stands; the ledger's.
    pub fn confirm(&self, note: &str) -> Result<Said, DeskError> {
        let _turn = self.turn();
        let refuse = |what: String| DeskError::Law(what);
        let counsel = self.parts.law.counsel.as_ref().ok_or_else(|| refuse(NO_COUNSEL.to_owned()))?;
        let text = counsel
            .verify_note(note)
            .map_err(|error| refuse(format!("not a note that {} signed: {error}", counsel.name())))?;
        let now = self.parts.law.now();
        let rule = text.lines().nth(1).and_then(|id| now.law.rule(id));
        let Some(rule) = rule.filter(|rule| rule_text(&rule.id, rule.digest()) == text) else {
            return Err(refuse(
                "the note is not about a rule of the set in use as it stands; sign the rule of this very set"
                    .to_owned(),
            ));
        };
        let statement = json!({ "kind": "rule_confirmed", "rule": rule.id, "digest": rule.digest(), "counsel": counsel.to_string() });
        self.record_signed(Kind::Rule, &rule.id, rule.digest(), note, statement)?;
        self.parts.law.refresh().map_err(refuse)?;
        let text = format!("{} is confirmed by {}; decisions may rest on it.", rule.id, counsel.name());
        Ok(Said { text, data: json!({ "rule": rule.id, "digest": rule.digest(), "counsel": counsel.name() }) })
    }

    /// Ledger before act: the salt is durable, then the log has the leaf, then the proof is kept beside the signature.
    fn record_signed(
        &self,
        kind: Kind,
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
        let body = serde_json::to_vec(&body).map_err(|error| DeskError::Law(error.to_string()))?;
        let opening = Opening::new(body, self.parts.entropy.as_ref());
        let mut signed =
            Signed { format: 1, of: of.to_owned(), note: note.to_owned(), digest, at: now, opening, receipt: None };
        self.parts.law.shelf.put_signed(kind, &signed).map_err(DeskError::Law)?;
        signed.receipt = self.parts.log.append(&[signed.opening.commitment()])?.pop();
        self.parts.law.shelf.put_signed(kind, &signed).map_err(DeskError::Law)
    }
}

const NO_COUNSEL: &str = "this node knows no counsel: put counsel's public key into node.toml as `counsel`, and restart \
                          it; `law counsel-key` makes a key";
