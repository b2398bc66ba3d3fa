//! Calls to a vault that may be locked.

use terms::{Jurisdiction, OfficerName, Secret};

use super::Call;
use crate::VaultError;
use crate::crypto::CostProfile;
use crate::keeper::Founding;
use crate::process::Confinement;
use crate::strongroom::Strongroom;
use crate::wire::wire_struct;

/// Make a new vault.
pub(crate) struct Create {
    pub(crate) home: Jurisdiction,
    pub(crate) log_origin: String,
    pub(crate) passphrase: Secret<String>,
    pub(crate) officers: Vec<(OfficerName, Secret<String>)>,
    pub(crate) cost: CostProfile,
}
wire_struct!(Create { home, log_origin, passphrase, officers, cost });

impl Call for Create {
    type Answer = ();
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<(), VaultError> {
        let Self { home, log_origin, passphrase, officers, cost } = self;
        room.create(Founding { home, log_origin, passphrase, officers, cost })
    }
}

/// Unlock the vault with the node's passphrase.
pub(crate) struct Open {
    pub(crate) passphrase: Secret<String>,
    pub(crate) cost: CostProfile,
}
wire_struct!(Open { passphrase, cost });

impl Call for Open {
    type Answer = ();
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<(), VaultError> {
        room.open(&self.passphrase, self.cost)
    }
}

/// Is this the node's passphrase?
pub(crate) struct CheckPassphrase {
    pub(crate) passphrase: Secret<String>,
}
wire_struct!(CheckPassphrase { passphrase });

impl Call for CheckPassphrase {
    type Answer = ();
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<(), VaultError> {
        room.service_key(&self.passphrase).map(drop)
    }
}

/// Name the people of whom two unlock the vault by hand.
pub(crate) struct DealHands {
    pub(crate) passphrase: Secret<String>,
    pub(crate) holders: Vec<(OfficerName, Secret<String>)>,
    pub(crate) cost: CostProfile,
}
wire_struct!(DealHands { passphrase, holders, cost });

impl Call for DealHands {
    type Answer = ();
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<(), VaultError> {
        room.deal_hands(&self.passphrase, self.holders, self.cost)
    }
}

/// Who are the people of whom two unlock the vault by hand?
pub(crate) struct ListHands {}
wire_struct!(ListHands {});

impl Call for ListHands {
    /// Nobody, where nobody was named.
    type Answer = Vec<OfficerName>;

    fn serve(self, room: &Strongroom) -> Result<Vec<OfficerName>, VaultError> {
        room.hands()
    }
}

/// One person's part in unlocking by hand.
pub(crate) struct TakeHand {
    pub(crate) holder: OfficerName,
    pub(crate) passphrase: Secret<String>,
    pub(crate) cost: CostProfile,
}
wire_struct!(TakeHand { holder, passphrase, cost });

impl Call for TakeHand {
    /// Whether the vault is unlocked then.
    type Answer = bool;
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<bool, VaultError> {
        room.take_hand(&self.holder, &self.passphrase, self.cost)
    }
}

/// Whether the vault is locked, and what holds for its process.
pub(crate) struct State {}
wire_struct!(State {});

impl Call for State {
    /// Unlocked; the process, when it is one of its own.
    type Answer = (bool, Option<Confinement>);

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        Ok((room.keeper().is_ok(), room.confinement().cloned()))
    }
}

/// Which of the vault's files are damaged?
pub(crate) struct DamagedFiles {}
wire_struct!(DamagedFiles {});

impl Call for DamagedFiles {
    /// How many were looked at, and the names of those that are damaged.
    type Answer = (u64, Vec<String>);
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        room.keeper()?.damaged_files()
    }
}

/// Whose vault is this?
pub(crate) struct About {}
wire_struct!(About {});

/// What everybody may know of an unlocked vault.
pub(crate) struct Facts {
    pub(crate) home: Jurisdiction,
    pub(crate) log_origin: String,
    pub(crate) log_public_key: [u8; 32],
}
wire_struct!(Facts { home, log_origin, log_public_key });

impl Call for About {
    type Answer = Facts;

    fn serve(self, room: &Strongroom) -> Result<Facts, VaultError> {
        let keeper = room.keeper()?;
        let verifiers = keeper.log_verifiers();
        let verifier = verifiers.first().ok_or(VaultError::Locked)?;
        Ok(Facts {
            home: keeper.home().clone(),
            log_origin: verifier.name().to_owned(),
            log_public_key: *verifier.key(),
        })
    }
}
