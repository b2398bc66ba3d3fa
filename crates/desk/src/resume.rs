//! Carrying on: what a power cut or an error left between a record and its effect is done before anything else is.

use crate::{Case, CaseState, Desk, DeskError};
use terms::CaseId;

impl Desk {
    /// Reads a case and does what is left of the steps that it has recorded. Doing it again changes nothing. Every action
    /// on a case begins with this, and so does the start of the node.
    pub(crate) fn resume(&self, id: CaseId) -> Result<Case, DeskError> {
        let mut case = self.load(id)?;
        self.carry_on(&mut case)?;
        Ok(case)
    }

    /// As [`resume`](Self::resume), for a case in hand.
    pub(crate) fn carry_on(&self, case: &mut Case) -> Result<(), DeskError> {
        self.settle_records(case)?;
        self.carry_on_intake(case)?;
        if case.state() != CaseState::Sealed {
            // What an attempt that failed left here is no package.
            self.remove(&self.package_path(case))?;
        }
        self.forget_spent(case)
    }

    /// Drops the shares and the clearance that have done what they were made for, or that nobody will use any more.
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
