//! What two officers do together that opens no mail.

use terms::{OfficerName, Secret};

use super::calls;
use crate::VaultError;
use crate::officers::act::{Act, ActId, OfficerProof, SignedAct};

calls! {
    acts for Vault;

    /// Records that two people agree to an act. It waits for its proof under the id.
    raw fn begin_act(act: &Act, newcomer: Option<&Secret<String>>, proofs: &[OfficerProof]) -> (SignedAct, ActId), slow;

    /// Carries out an agreed act once this home's ledger has it. Returns the words of the paper shares, if any.
    raw fn finish_act(act: ActId, opening: &ledger::Opening, receipt: &ledger::Receipt) -> Vec<Secret<String>>;

    /// Wraps an officer's secrets under another passphrase. Durable when it returns; the old one opens nothing here.
    ///
    /// # Errors
    /// `OfficerError::NoSuchOfficer`, `OfficerError::WrongOfficerPassphrase`, [`VaultError::EmptyPassphrase`],
    /// `FileError::Damaged`, `FileError::Disk`.
    pub fn change_officer_passphrase(officer: &OfficerName, old: &Secret<String>, new: &Secret<String>), slow;
}
