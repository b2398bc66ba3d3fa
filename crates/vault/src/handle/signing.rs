//! The node's signature, and replacing the key that makes it.

use std::sync::{Arc, PoisonError};

use super::Vault;
use crate::VaultError;
use crate::transport::Link;

/// The node's signature.
impl Vault {
    /// Signs for the node: the checkpoints of its log, and certificates. Signs by the present key also after that was
    /// replaced, and so signs nothing then: get a new signer.
    pub fn log_signer(&self) -> Arc<dyn ledger::Signer> {
        self.signer_of(*self.log_verifier().key())
    }

    /// Checks what [`log_signer`](Self::log_signer) signed: the origin of the node's log and its public key.
    pub fn log_verifier(&self) -> ledger::Verifier {
        self.verifier.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn signer_of(&self, public: [u8; 32]) -> Arc<dyn ledger::Signer> {
        Arc::new(NodeSigner { link: self.link.clone(), public })
    }
}

/// Replacing the signing key: begin, record the change in the ledger, let the log change over with both signers
/// ([`ledger::Log::change_key`]), finish. Each step may be repeated, and none needs anybody's secret.
impl Vault {
    /// Makes the next signing key, or finds the one that was made. It signs nothing by itself. Durable when it returns.
    ///
    /// # Errors
    /// `FileError::Damaged`, `FileError::Disk`.
    pub fn begin_signing_rotation(&self) -> Result<Arc<dyn ledger::Signer>, VaultError> {
        Ok(self.signer_of(self.link.begin_signing_rotation()?))
    }

    /// The signer of the key that a log publishes: the present one, or the next where the log has changed over already.
    /// `None` for a key that is neither.
    ///
    /// # Errors
    /// [`VaultError::Locked`].
    pub fn signer_for(&self, published: &ledger::Verifier) -> Result<Option<Arc<dyn ledger::Signer>>, VaultError> {
        let keys = self.link.signing_keys()?;
        Ok(keys.contains(published.key()).then(|| self.signer_of(*published.key())))
    }

    /// The log has changed over to `new`, the next key: from now on it alone signs, and the one before is overwritten. Proofs
    /// under heads that only the old key has signed no longer count: get new ones. Calling it again is harmless. Durable when it
    /// returns.
    ///
    /// # Errors
    /// `RotationError::NoRotation` when `new` is neither the next key nor the present one; `FileError::Disk`.
    pub fn finish_signing_rotation(&self, new: &ledger::Verifier) -> Result<(), VaultError> {
        self.link.finish_signing_rotation(new.key())?;
        *self.verifier.write().unwrap_or_else(PoisonError::into_inner) = new.clone();
        Ok(())
    }
}

/// One of the node's signing keys as the ledger sees it.
struct NodeSigner {
    link: Link,
    public: [u8; 32],
}

impl ledger::Signer for NodeSigner {
    fn public_key(&self) -> [u8; 32] {
        self.public
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], ledger::LedgerError> {
        let signed = self.link.sign_as(&self.public, message);
        signed.map_err(|error| ledger::LedgerError::NoSignature { why: error.to_string() })
    }
}
