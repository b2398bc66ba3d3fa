//! Calls to a vault that may be locked.

use terms::{Jurisdiction, OfficerName, Secret};

use super::Call;
use crate::VaultError;
use crate::crypto::CostProfile;
use crate::keeper::Founding;
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
        let verifier = keeper.log_verifier();
        Ok(Facts {
            home: keeper.home().clone(),
            log_origin: verifier.name().to_owned(),
            log_public_key: *verifier.key(),
        })
    }
}
