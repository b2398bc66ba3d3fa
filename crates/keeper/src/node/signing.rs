//! The node's signing key, and replacing it. The next key is kept next to the present one in `node.keys` until the ledger has it;
//! each signs by its own public key, so that both can sign the change. Then the old seed is overwritten. No passphrase is
//! needed: the seeds are sealed under the service key.

use std::sync::{Arc, PoisonError};
use vault::{RotationError, VaultError, calls};

use crate::crypto::random_key;
use crate::files::{NODE_FILE, damaged};
use crate::keeper::Keeper;
use crate::node::keys::NodeKeys;
use crate::node::signing_keys::Signing;

impl calls::signing::Calls for Keeper {
    fn sign_as(&self, public: &[u8; 32], message: &[u8]) -> Result<[u8; 64], VaultError> {
        let signing = self.signing();
        let key = signing.0.iter().find(|(verifier, _)| verifier.key() == public);
        Ok(key.ok_or(VaultError::Rotation(RotationError::NoRotation))?.1.sign(message))
    }

    fn signing_keys(&self) -> Result<Vec<[u8; 32]>, VaultError> {
        Ok(self.log_verifiers().iter().map(|verifier| *verifier.key()).collect())
    }

    fn begin_signing_rotation(&self) -> Result<[u8; 32], VaultError> {
        self.change_seeds(|seeds| {
            if seeds.len() < 2 {
                seeds.push(random_key(&*self.entropy));
            }
        })?;
        self.log_verifiers().get(1).map(|next| *next.key()).ok_or(VaultError::Rotation(RotationError::NoRotation))
    }

    fn finish_signing_rotation(&self, public: &[u8; 32]) -> Result<(), VaultError> {
        match self.log_verifiers().as_slice() {
            [present] if present.key() == public => Ok(()),
            [_, next] if next.key() == public => self.change_seeds(|seeds| drop(seeds.remove(0))),
            _ => Err(VaultError::Rotation(RotationError::NoRotation)),
        }
    }
}

impl Keeper {
    fn signing(&self) -> Arc<Signing> {
        self.signing.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Who checks what the node signs: the origin of its log and its public key. And the next, while one is being replaced.
    pub(crate) fn log_verifiers(&self) -> Vec<ledger::Verifier> {
        self.signing().0.iter().map(|(verifier, _)| verifier.clone()).collect()
    }

    /// Whether the node's own log proves what `opening` says, by the present key or the next.
    pub(crate) fn check_entry(
        &self,
        opening: &ledger::Opening,
        receipt: &ledger::Receipt,
    ) -> Result<(), ledger::LedgerError> {
        let signing = self.signing();
        let mut proven = Err(ledger::LedgerError::Signature);
        for (verifier, _) in &signing.0 {
            proven = ledger::verify_opening(opening, receipt, verifier);
            if proven.is_ok() {
                break;
            }
        }
        proven
    }

    fn change_seeds(&self, change: impl FnOnce(&mut Vec<crate::crypto::Key32>)) -> Result<(), VaultError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let current = keys.all.first().ok_or_else(|| damaged(NODE_FILE))?;
        let bytes = self.folder.read_summed(NODE_FILE)?.ok_or_else(|| damaged(NODE_FILE))?;
        let (mut node, _) = NodeKeys::open_with(&bytes, &current.1)?;
        let before = node.seeds.clone();
        change(&mut node.seeds);
        let signing = Signing::of(&node)?;
        if before != node.seeds {
            self.folder.write_summed(NODE_FILE, node.with_seeds(&bytes, current, &*self.entropy)?)?;
        }
        *self.signing.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(signing);
        Ok(())
    }
}
