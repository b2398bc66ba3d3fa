//! Resuming: what a power cut or an error left undone between a record and its effect is done before anything else.

use crate::{Case, CaseState, Desk, DeskError};
use terms::CaseId;

impl Desk {
    /// Reads a case and completes the events that it has recorded. Doing it again changes nothing. Every action on a case
    /// begins with this, and so does the start of the node.
    pub(crate) fn resume(&self, id: CaseId) -> Result<Case, DeskError> {
        let mut case = self.load(id)?;
        self.continue_case(&mut case)?;
        Ok(case)
    }

    /// As [`resume`](Self::resume), for a case that is already read.
    pub(crate) fn continue_case(&self, case: &mut Case) -> Result<(), DeskError> {
        self.settle_records(case)?;
        self.finish_intake(case)?;
        if case.state() != CaseState::Sealed {
            // What is left of a failed attempt is not a package.
            self.remove(&self.package_path(case))?;
        }
        self.forget_spent(case)
    }

    /// Drops the shares and the clearance that have served their purpose or will not be used any more.
    fn forget_spent(&self, case: &mut Case) -> Result<(), DeskError> {
        let Some(order) = &case.order else { return Ok(()) };
        let (digest, lapsed) = (order.digest(), order.expires <= self.parts.clock.now());
        let ended = matches!(case.state(), CaseState::Sealed | CaseState::Refused);
        if ended || lapsed {
            self.parts.vault.forget_clearance(digest)?;
        }
        let spent = case.keeps_shares() && (ended || lapsed || self.kept_clearance(case)?.is_some());
        if spent && case.forget_shares() { self.save(case) } else { Ok(()) }
    }
}
