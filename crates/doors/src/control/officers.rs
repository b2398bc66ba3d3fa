//! What the command line asks of a node about its officers and keys.

use serde::{Deserialize, Serialize};
use terms::{OfficerName, Secret};
use vault::{Act, OfficerProof};

use super::Phrase;

/// What somebody who acts shows: an officer the passphrase, or whoever holds a share on paper its words.
#[derive(Debug, Serialize, Deserialize)]
pub struct ShownHand {
    /// The officer; nobody for a share on paper.
    pub officer: Option<OfficerName>,
    /// Passphrase or words.
    pub secret: Phrase,
}

impl ShownHand {
    /// As the vault takes it.
    pub fn into_proof(self) -> OfficerProof {
        let secret = Secret::new(self.secret.0.expose().clone());
        match self.officer {
            Some(officer) => OfficerProof::Officer(officer, secret),
            None => OfficerProof::PaperShare(secret),
        }
    }
}

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfficersRequest {
    /// Who the officers are.
    List,
    /// Two do something together that opens no mail.
    Act {
        /// What.
        act: Act,
        /// The passphrase of a new officer.
        newcomer: Option<Phrase>,
        /// Who: two.
        hands: Vec<ShownHand>,
    },
    /// An officer takes another passphrase.
    Passphrase {
        /// Who.
        officer: OfficerName,
        /// The present one.
        old: Phrase,
        /// The next one.
        new: Phrase,
    },
}
