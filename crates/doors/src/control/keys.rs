//! What the command line asks of a node about its keys: their end, their backup, their replacement.

use serde::{Deserialize, Serialize};
use terms::OfficerName;

use super::Phrase;

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeysRequest {
    /// Closes an account, with the owner's password: its mail opens for nobody from then on.
    CloseAccount {
        /// Whose.
        address: String,
        /// The owner's.
        password: Phrase,
        /// A code, where codes are on.
        code: Option<Phrase>,
    },
    /// Backs the keys up.
    BackUp {
        /// Absolute path of the folder for the backups.
        target: String,
        /// Absolute path of the folder for copies of the days' keys, elsewhere.
        periods: Option<String>,
        /// After how many days the key of a day is destroyed; as the node is configured when absent.
        window_days: Option<u32>,
    },
    /// Replaces the service key, or carries on.
    RotateService {
        /// The node's passphrase.
        passphrase: Phrase,
    },
    /// Replaces the node's passphrase.
    NodePassphrase {
        /// The one that is to go.
        old: Phrase,
        /// The one that comes.
        new: Phrase,
    },
    /// Replaces the key that signs the ledger, or carries on.
    RotateSigning,
    /// Who unlocks the node by hand.
    HandsList,
    /// Names the people of whom two unlock the node by hand, in the place of those who were named before.
    HandsSet {
        /// Two to nine, each with an own passphrase.
        holders: Vec<(OfficerName, Phrase)>,
        /// The node's passphrase.
        passphrase: Phrase,
    },
    /// Lets no token unlock the node any more.
    TokenRemove {
        /// The label of the one that does.
        label: String,
        /// Whether the passphrase is to lie in a file again.
        to_file: bool,
        /// The node's passphrase.
        passphrase: Phrase,
    },
    /// Lets a token unlock the node.
    TokenAdd {
        /// Absolute path of its PKCS#11 module.
        module: String,
        /// Its label.
        label: String,
        /// Hexadecimal `CKA_ID` of the key that is to be used; without one a key is made.
        key_id: Option<String>,
        /// Absolute path of the file that will hold the PIN.
        pin_file: Option<String>,
        /// The systemd credential that will hold the PIN.
        pin_credential: Option<String>,
        /// Whether the token is reached over a network.
        network: bool,
        /// The PIN.
        pin: Phrase,
        /// The node's passphrase.
        passphrase: Phrase,
    },
}
