//! Ledger before act (invariant 4): how an event is recorded.

use ledger::Opening;
use serde_json::json;
use vault::Approval;

use crate::{Case, Desk, DeskError, Event, EventKind};

impl Desk {
    /// Records an event whose public statement is `statement`, and returns when it is proven: the salt is in the case file,
    /// then the leaf is in the log, then the proof is in the case file. All three are durable when this returns.
    ///
    /// `statement` names no person: it may be opened to the public one day.
    ///
    /// # Errors
    /// The ledger's: the event is withdrawn, and the case stands where it stood. The disk's, when the ledger has the event
    /// and its proof could not be kept: the next action on the case, or the next start, keeps it.
    pub(crate) fn record(
        &self,
        case: &mut Case,
        kind: EventKind,
        statement: serde_json::Value,
    ) -> Result<(), DeskError> {
        self.record_with(case, kind, statement, |_| {})
    }

    /// As [`record`](Self::record); `effect` is what the event changes in the case. It is written together with the event,
    /// so that a power cut leaves both or neither, and [`Case::state`] counts it once the event is proven.
    pub(crate) fn record_with(
        &self,
        case: &mut Case,
        kind: EventKind,
        statement: serde_json::Value,
        effect: impl FnOnce(&mut Case),
    ) -> Result<(), DeskError> {
        let mut body = json!({
            "format": "bailiwick/ledger-entry/v1",
            "kind": kind.as_str(),
            "home": self.parts.home,
            "case": case.id,
            "at": self.parts.clock.now().rfc3339(),
        });
        if let (Some(body), serde_json::Value::Object(more)) = (body.as_object_mut(), statement) {
            body.extend(more);
        }
        let body = serde_json::to_vec(&body).map_err(|error| DeskError::Ledger(error.to_string()))?;
        self.record_bytes(case, kind, body, None, effect)
    }

    /// Records an approval: its statement is the vault's, since the vault will demand exactly that.
    pub(crate) fn record_approval(&self, case: &mut Case, approval: Approval) -> Result<(), DeskError> {
        self.record_bytes(case, EventKind::Approval, vault::approval_statement(&approval), Some(approval), |_| {})
    }

    fn record_bytes(
        &self,
        case: &mut Case,
        kind: EventKind,
        body: Vec<u8>,
        approval: Option<Approval>,
        effect: impl FnOnce(&mut Case),
    ) -> Result<(), DeskError> {
        let before = case.clone();
        let opening = Opening::new(body, self.parts.entropy.as_ref());
        case.events.push(Event { kind, at: self.parts.clock.now(), opening, receipt: None, approval });
        effect(case);
        let recorded = self.save(case).and_then(|()| self.settle_records(case));
        if recorded.is_err() && case.events.last().is_some_and(|event| event.receipt.is_none()) {
            // The caller is told that it was not done, so it must not come true later. If the file cannot be written now,
            // the event keeps waiting in it, for the next action.
            *case = before;
            let _ = self.save(case);
        }
        recorded
    }

    /// Gives every event its proof. One that a power cut left without is appended again: a second leaf with the same
    /// commitment says no more than the first.
    pub(crate) fn settle_records(&self, case: &mut Case) -> Result<(), DeskError> {
        let mut changed = false;
        for event in case.events.iter_mut().filter(|event| event.receipt.is_none()) {
            event.receipt = self.parts.log.append(&[event.opening.commitment()])?.pop();
            changed = true;
        }
        if changed { self.save(case) } else { Ok(()) }
    }

    /// An entry that commits to nothing but its salt.
    pub(crate) fn append_dummy(&self) -> Result<(), DeskError> {
        let opening = Opening::new(
            br#"{"format":"bailiwick/ledger-entry/v1","kind":"dummy"}"#.to_vec(),
            self.parts.entropy.as_ref(),
        );
        self.parts.log.append(&[opening.commitment()])?;
        Ok(())
    }
}
