//! Calls for replacing an account's pair.

use terms::{AccountId, EpochId, Secret};

use super::Call;
use crate::VaultError;
use crate::epoch::{AccountPublicKey, SealedEpochKey};
use crate::keeper::pairs::Rotations;
use crate::secrets::OwnerProof;
use crate::strongroom::Strongroom;
use crate::wire::wire_struct;

/// Make a new pair for an owner.
pub(crate) struct Begin {
    pub(crate) account: AccountId,
    pub(crate) proof: OwnerProof,
    pub(crate) everything: bool,
}
wire_struct!(Begin { account, proof, everything });

impl Call for Begin {
    type Answer = (AccountPublicKey, Vec<Secret<String>>);
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        room.keeper()?.begin_account_rotation(self.account, &self.proof, self.everything)
    }
}

/// Seal epoch keys to the new half.
pub(crate) struct Reseal {
    pub(crate) account: AccountId,
    pub(crate) sealed: Vec<(EpochId, SealedEpochKey)>,
}
wire_struct!(Reseal { account, sealed });

impl Call for Reseal {
    /// Those that were sealed to the old half.
    type Answer = Vec<(EpochId, SealedEpochKey)>;
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        room.keeper()?.reseal_epochs(self.account, &self.sealed)
    }
}

/// Destroy the old half.
pub(crate) struct Finish {
    pub(crate) account: AccountId,
    pub(crate) sealed: Vec<(EpochId, SealedEpochKey)>,
}
wire_struct!(Finish { account, sealed });

impl Call for Finish {
    type Answer = ();
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<(), VaultError> {
        room.keeper()?.finish_account_rotation(self.account, &self.sealed)
    }
}

/// What is being replaced.
pub(crate) struct Standing {}
wire_struct!(Standing {});

impl Call for Standing {
    type Answer = Rotations;

    fn serve(self, room: &Strongroom) -> Result<Rotations, VaultError> {
        room.keeper()?.rotations()
    }
}
