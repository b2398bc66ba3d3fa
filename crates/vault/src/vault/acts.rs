//! What two officers do together that opens no mail, as the rest of the node has it.

use terms::{OfficerName, Secret};

use super::Vault;
use crate::VaultError;
use crate::act::{Act, Hand, SignedAct};
use crate::calls::acts;
use crate::keeper::escrow::Sweep;
use crate::wire::Json;

/// An act that two have agreed to and the vault has not done yet. It waits ten minutes for its proof.
#[derive(Debug)]
pub struct BegunAct {
    id: [u8; 16],
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
    /// Two agree to an act: officers in power with their passphrases, or shares on paper of the present deal. Their shares
    /// are joined to prove them, and nothing is changed. `newcomer` is the passphrase that a new officer has chosen.
    ///
    /// # Errors
    /// [`VaultError::TwoHands`], [`VaultError::SameOfficer`], [`VaultError::NoSuchOfficer`], [`VaultError::NotInPower`],
    /// [`VaultError::WrongOfficerPassphrase`], [`VaultError::PaperUnreadable`], [`VaultError::PaperOutdated`],
    /// [`VaultError::SharesDisagree`]; [`VaultError::OfficerExists`], [`VaultError::OfficerRoster`],
    /// [`VaultError::EmptyPassphrase`], [`VaultError::RotationUnfinished`] for acts that cannot be;
    /// [`VaultError::Damaged`], [`VaultError::Disk`].
    pub fn begin_act(
        &self,
        act: Act,
        newcomer: Option<&Secret<String>>,
        hands: [Hand; 2],
    ) -> Result<BegunAct, VaultError> {
        let call = acts::Begin { act: Json(act), newcomer: newcomer.cloned(), hands: hands.into() };
        let (Json(signed), id) = self.link.call(call)?;
        Ok(BegunAct { id, signed })
    }

    /// Does what two have agreed to, when this home's ledger proves it. Durable when it returns. Gives the words of the
    /// shares on paper, for [`Act::PrintShares`]. After [`Act::Remove`] and [`Act::RotateEscrow`],
    /// [`sweep_escrow`](Self::sweep_escrow) is to be called until it is finished.
    ///
    /// # Errors
    /// [`VaultError::ActOver`], [`VaultError::ActNotProven`], those of [`begin_act`](Self::begin_act) for what has changed
    /// meanwhile; [`VaultError::Disk`].
    pub fn finish_act(
        &self,
        act: BegunAct,
        opening: &ledger::Opening,
        receipt: &ledger::Receipt,
    ) -> Result<Vec<Secret<String>>, VaultError> {
        let (opening, receipt) = (Json(opening.clone()), Json(receipt.clone()));
        self.link.call(acts::Finish { act: act.id, opening, receipt })
    }

    /// Seals at most `count` accounts to the new escrow key. Each is durable when it returns; what is sealed to the old
    /// key opens in the meantime too. After the last account the old key is gone. After a restart two officers carry it on,
    /// by [`Act::RotateEscrow`].
    ///
    /// # Errors
    /// [`VaultError::NoRotation`], [`VaultError::Damaged`], [`VaultError::Disk`].
    pub fn sweep_escrow(&self, count: u64) -> Result<Sweep, VaultError> {
        self.link.call(acts::Sweep { count })
    }

    /// Whether the escrow key is being replaced, and the old one still opens what is sealed to it.
    ///
    /// # Errors
    /// [`VaultError::Locked`].
    pub fn escrow_is_replaced(&self) -> Result<bool, VaultError> {
        self.link.call(acts::Replaced {})
    }

    /// Wraps an officer's secrets under another passphrase. Durable when it returns; the old one opens nothing here.
    ///
    /// # Errors
    /// [`VaultError::NoSuchOfficer`], [`VaultError::WrongOfficerPassphrase`], [`VaultError::EmptyPassphrase`],
    /// [`VaultError::Damaged`], [`VaultError::Disk`].
    pub fn change_officer_passphrase(
        &self,
        officer: &OfficerName,
        old: &Secret<String>,
        new: &Secret<String>,
    ) -> Result<(), VaultError> {
        let call = acts::ChangePassphrase { officer: officer.clone(), old: old.clone(), new: new.clone() };
        self.link.call(call)
    }
}
