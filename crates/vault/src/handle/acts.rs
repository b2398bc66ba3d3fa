//! What two officers do together without opening mail.

use terms::Secret;

use super::Vault;
use crate::VaultError;
use crate::officers::act::{Act, ActId, OfficerProof, SignedAct};

/// An act that two people have agreed to and that the vault has not carried out yet. It waits ten minutes for its proof.
#[derive(Debug)]
pub struct BegunAct {
    id: ActId,
    signed: SignedAct,
}

impl BegunAct {
    /// What they have signed; the ledger is to record [`act_statement`](crate::act_statement) of it.
    pub fn signed(&self) -> &SignedAct {
        &self.signed
    }
}

/// Officers, the escrow key and its shares.
impl Vault {
    /// Two agree to an act: officers in power with their passphrases, or paper shares of the present deal. Their shares
    /// are joined to prove them, and nothing is changed. `newcomer` is the passphrase that a new officer has chosen.
    ///
    /// # Errors
    /// `OfficerError::TwoOfficers`, `OfficerError::SameOfficer`, `OfficerError::NoSuchOfficer`, `OfficerError::NotInPower`,
    /// `OfficerError::WrongOfficerPassphrase`, `OfficerError::PaperShareUnreadable`, `OfficerError::PaperShareOutdated`,
    /// `OfficerError::SharesDisagree`; `OfficerError::OfficerExists`, `OfficerError::OfficerRoster`,
    /// [`VaultError::EmptyPassphrase`], `RotationError::RotationUnfinished` for acts that cannot be;
    /// `FileError::Damaged`, `FileError::Disk`.
    pub fn begin_act(
        &self,
        act: Act,
        newcomer: Option<&Secret<String>>,
        proofs: [OfficerProof; 2],
    ) -> Result<BegunAct, VaultError> {
        let (signed, id) = self.link.begin_act(&act, newcomer, &proofs)?;
        Ok(BegunAct { id, signed })
    }

    /// Carries out an agreed act once this home's ledger proves it. Durable when it returns. Returns the words of the
    /// paper shares, for [`Act::PrintShares`]. After [`Act::Remove`] and [`Act::RotateEscrow`],
    /// [`sweep_escrow`](Self::sweep_escrow) is to be called until it is finished.
    ///
    /// # Errors
    /// `OfficerError::ActOver`, `OfficerError::ActNotProven`, those of [`begin_act`](Self::begin_act) for what has changed
    /// meanwhile; `FileError::Disk`.
    pub fn finish_act(
        &self,
        act: BegunAct,
        opening: &ledger::Opening,
        receipt: &ledger::Receipt,
    ) -> Result<Vec<Secret<String>>, VaultError> {
        self.link.finish_act(act.id, opening, receipt)
    }
}
