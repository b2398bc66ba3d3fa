//! Clearances that are kept: what two officers opened, across restarts, until its time ends.

use terms::{Digest, Secret};
use vault::calls::clearances::Calls as _;
use vault::inside::Cleared;
use vault::{FileError, OrderError, VaultError, calls};
use zeroize::Zeroizing;

use crate::files::{CLEARANCE_SUFFIX, CLEARANCES, clearance_file, damaged, unreadable};
use crate::keeper::Keeper;

impl calls::clearances::Calls for Keeper {
    fn keep_clearance(&self, order: Digest, clearance: &Secret<Vec<u8>>) -> Result<(), VaultError> {
        let file = clearance_file(order);
        let plain = clearance.expose();
        read(&file, order, plain)?.order.check_time(self.clock.now())?;
        self.folder.write(&file, &self.own.seal(&file, plain, &*self.entropy))
    }

    fn kept_clearance(&self, order: Digest) -> Result<Secret<Vec<u8>>, VaultError> {
        let file = clearance_file(order);
        let sealed = self.folder.read(&file)?.ok_or(VaultError::Order(OrderError::NoClearance(order)))?;
        let plain = self.own.open(&file, &sealed).map(Zeroizing::new).map_err(|_| damaged(&file))?;
        let cleared = read(&file, order, &plain)?;
        if let Err(expired) = cleared.order.check_time(self.clock.now()) {
            self.folder.remove(&file)?;
            return Err(expired);
        }
        cleared.to_secret()
    }

    fn forget_clearance(&self, order: Digest) -> Result<(), VaultError> {
        self.folder.remove(&clearance_file(order))
    }
}

impl Keeper {
    /// Removes the clearances whose time is over. A damaged one stays, for somebody to look at.
    pub(crate) fn forget_expired_clearances(&self) -> Result<(), VaultError> {
        for name in self.folder.list(CLEARANCES)? {
            let order = name.strip_suffix(CLEARANCE_SUFFIX).and_then(|order| order.parse().ok());
            if let Some(Err(error @ VaultError::Files(FileError::Disk { .. }))) =
                order.map(|order| self.kept_clearance(order))
            {
                return Err(error);
            }
        }
        Ok(())
    }
}

/// What is kept of the clearance of `order`.
fn read(file: &str, order: Digest, plain: &[u8]) -> Result<Cleared, VaultError> {
    let cleared = Cleared::from_bytes(plain).ok_or_else(|| unreadable(file, &[Cleared::MAGIC], plain))?;
    if cleared.order.digest() == order { Ok(cleared) } else { Err(damaged(file)) }
}
