//! The keys that sign for the node.

use vault::{UnlockError, VaultError};

use crate::crypto::SigningKey;
use crate::files::{NODE_FILE, damaged};
use crate::node::keys::NodeKeys;

/// The keys that sign for the node, the one whose proofs count first; then the next, while one is being replaced.
pub(crate) struct Signing(pub(crate) Vec<(ledger::Verifier, SigningKey)>);

impl Signing {
    /// The keys of these seeds.
    pub(crate) fn of(node: &NodeKeys) -> Result<Self, VaultError> {
        let one = |seed| {
            let key = SigningKey::from_seed(seed).map_err(|_| damaged(NODE_FILE))?;
            let verifier = ledger::Verifier::new(&node.log_origin, key.public())
                .map_err(|_| VaultError::Unlock(UnlockError::LogOrigin))?;
            Ok((verifier, key))
        };
        Ok(Self(node.seeds.iter().map(one).collect::<Result<_, VaultError>>()?))
    }
}
