//! Clearances that are kept: what two officers opened, across restarts, until its time ends.

use terms::Digest;
use zeroize::Zeroizing;

use super::Keeper;
use crate::VaultError;
use crate::clearance::Clearance;
use crate::folder::{CLEARANCE_SUFFIX, CLEARANCES, clearance_file, damaged};

impl Keeper {
    /// Keeps a clearance across restarts: a file sealed under the service key that holds the message keys in scope and
    /// nothing wider. Durable when it returns. Whoever has the service key can open these messages until the file is
    /// forgotten: forget it as soon as the package is made.
    ///
    /// # Errors
    /// [`VaultError::Expired`], [`VaultError::Disk`].
    pub(crate) fn keep_clearance(&self, order: Digest, kept: &[u8]) -> Result<(), VaultError> {
        let file = clearance_file(order);
        let clearance = Clearance::from_bytes(&file, order, kept, self.clock.clone())?;
        clearance.check_time()?;
        self.folder.write(&file, &self.own.seal(&file, kept, &*self.entropy))
    }

    /// The clearance that was kept for an order. One whose time is over is removed.
    ///
    /// # Errors
    /// [`VaultError::NoClearance`], [`VaultError::Expired`], [`VaultError::Damaged`], [`VaultError::Disk`].
    pub(crate) fn clearance(&self, order: Digest) -> Result<Clearance, VaultError> {
        let file = clearance_file(order);
        let sealed = self.folder.read(&file)?.ok_or(VaultError::NoClearance(order))?;
        let plain = self.own.open(&file, &sealed).map(Zeroizing::new).map_err(|_| damaged(&file))?;
        let clearance = Clearance::from_bytes(&file, order, &plain, self.clock.clone())?;
        if let Err(expired) = clearance.check_time() {
            self.folder.remove(&file)?;
            return Err(expired);
        }
        Ok(clearance)
    }

    /// Removes the clearance that was kept for an order; none is no error. Durable when it returns, as far as the file
    /// system goes: blocks that the disk has not reused yet are the operator's matter (docs/threat-model.md).
    ///
    /// # Errors
    /// [`VaultError::Disk`].
    pub(crate) fn forget_clearance(&self, order: Digest) -> Result<(), VaultError> {
        self.folder.remove(&clearance_file(order))
    }

    /// Removes the clearances whose time is over. A damaged one stays, for somebody to look at.
    pub(super) fn forget_expired_clearances(&self) -> Result<(), VaultError> {
        for name in self.folder.list(CLEARANCES)? {
            let order = name.strip_suffix(CLEARANCE_SUFFIX).and_then(|order| order.parse().ok());
            if let Some(Err(error @ VaultError::Disk { .. })) = order.map(|order| self.clearance(order)) {
                return Err(error);
            }
        }
        Ok(())
    }
}
