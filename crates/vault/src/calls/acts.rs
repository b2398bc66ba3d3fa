//! Calls for what two officers do together that opens no mail.

use terms::{OfficerName, Secret};

use super::Call;
use crate::VaultError;
use crate::act::{Act, Hand, SignedAct};
use crate::keeper::escrow;
use crate::strongroom::Strongroom;
use crate::wire::{Json, wire_struct};

/// Two agree to an act.
pub(crate) struct Begin {
    pub(crate) act: Json<Act>,
    pub(crate) newcomer: Option<Secret<String>>,
    pub(crate) hands: Vec<Hand>,
}
wire_struct!(Begin { act, newcomer, hands });

impl Call for Begin {
    type Answer = (Json<SignedAct>, [u8; 16]);
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        let (signed, id) = room.keeper()?.begin_act(self.act.0, self.newcomer.as_ref(), &self.hands)?;
        Ok((Json(signed), id))
    }
}

/// The ledger has the act: do it.
pub(crate) struct Finish {
    pub(crate) act: [u8; 16],
    pub(crate) opening: Json<ledger::Opening>,
    pub(crate) receipt: Json<ledger::Receipt>,
}
wire_struct!(Finish { act, opening, receipt });

impl Call for Finish {
    type Answer = Vec<Secret<String>>;

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        room.keeper()?.finish_act(self.act, &self.opening.0, &self.receipt.0)
    }
}

/// Seal some accounts to the new escrow key.
pub(crate) struct Sweep {
    pub(crate) count: u64,
}
wire_struct!(Sweep { count });

impl Call for Sweep {
    type Answer = escrow::Sweep;
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<escrow::Sweep, VaultError> {
        room.keeper()?.sweep_escrow(self.count)
    }
}

/// Whether the escrow key is being replaced.
pub(crate) struct Replaced {}
wire_struct!(Replaced {});

impl Call for Replaced {
    type Answer = bool;

    fn serve(self, room: &Strongroom) -> Result<bool, VaultError> {
        Ok(room.keeper()?.escrow_is_replaced())
    }
}

/// Wrap an officer's secrets under another passphrase.
pub(crate) struct ChangePassphrase {
    pub(crate) officer: OfficerName,
    pub(crate) old: Secret<String>,
    pub(crate) new: Secret<String>,
}
wire_struct!(ChangePassphrase { officer, old, new });

impl Call for ChangePassphrase {
    type Answer = ();
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<(), VaultError> {
        room.keeper()?.change_officer_passphrase(&self.officer, &self.old, &self.new)
    }
}
