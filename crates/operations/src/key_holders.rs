//! Key holders: the people of whom two unlock a node by hand, for a node that exists already.

use serde::{Deserialize, Serialize};
use serde_json::json;
use terms::OfficerName;

use crate::config::Unlock;
use crate::error::OperationError;
use crate::handle::NodeHandle;
use crate::keys::KeysError;
use crate::operation::{Operation, Progress, SecretText};
use crate::unlocking::Unlocking;

/// Lists the key holders.
#[derive(Debug, Serialize, Deserialize)]
pub struct ListKeyHolders {}

/// Who unlocks the node by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct KeyHolders {
    pub holders: Vec<OfficerName>,
}

impl Operation for ListKeyHolders {
    type Target = NodeHandle;
    type Output = KeyHolders;
    type Error = KeysError;

    fn run(self, handle: &NodeHandle, _: &mut dyn FnMut(Progress)) -> Result<KeyHolders, KeysError> {
        Ok(KeyHolders { holders: handle.closed.gate.key_holders()? })
    }
}

/// Replaces the list of key holders. A node that unlocked itself by a passphrase file waits for two of them from its next
/// start.
#[derive(Debug, Serialize, Deserialize)]
pub struct SetKeyHolders {
    /// Two to nine, each with their own passphrase.
    pub holders: Vec<(OfficerName, SecretText)>,
    /// The node's.
    pub passphrase: SecretText,
}

/// The key holders are others; earlier ones unlock nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct KeyHoldersSet {
    pub holders: Vec<OfficerName>,
    /// A token unlocks the node as it did; the key holders do when it cannot.
    pub token_stays: bool,
    /// The ledger's entry.
    pub entry: u64,
}

impl Operation for SetKeyHolders {
    type Target = dyn Unlocking;
    type Output = KeyHoldersSet;
    type Error = OperationError;

    /// The ledger first, then the vault, the configuration, and at last the end of the passphrase file.
    fn run(self, node: &dyn Unlocking, _: &mut dyn FnMut(Progress)) -> Result<KeyHoldersSet, OperationError> {
        node.no_rotation()?;
        let passphrase = &self.passphrase.0;
        node.gate().check_passphrase(passphrase).map_err(KeysError::from)?;
        let cost = node.cost();
        let names: Vec<OfficerName> = self.holders.iter().map(|(name, _)| name.clone()).collect();
        let entry = node.record("key-holders", json!({ "holders": names })).map_err(KeysError::from)?;
        let holders: Vec<_> = self.holders.into_iter().map(|(name, words)| (name, words.0)).collect();
        let dealt = node.gate().set_key_holders(passphrase, &holders, cost);
        node.done_or_recorded(entry, dealt).map_err(KeysError::from)?;
        let mut token_stays = false;
        node.change_unlocking(|vault| match vault.unlock {
            Unlock::PassphraseFile => vault.unlock = Unlock::ByHand,
            Unlock::ByHand => {}
            Unlock::Token => token_stays = true,
        })?;
        Ok(KeyHoldersSet { holders: names, token_stays, entry })
    }
}
