//! Calls for officers: approvals and clearances.

use terms::{Digest, EpochId, OfficerName, Secret};

use super::Call;
use crate::VaultError;
use crate::approval::{Approval, ProvenApproval};
use crate::epoch::SealedEpochKey;
use crate::keeper::sessions::ShareId;
use crate::message::KeyAsk;
use crate::officer::OfficerPublic;
use crate::order::Order;
use crate::strongroom::Strongroom;
use crate::wire::{Json, wire_struct};

/// The officers of this home.
pub(crate) struct List {}
wire_struct!(List {});

impl Call for List {
    type Answer = Vec<OfficerPublic>;

    fn serve(self, room: &Strongroom) -> Result<Vec<OfficerPublic>, VaultError> {
        Ok(room.keeper()?.officers())
    }
}

/// An officer approves an order.
pub(crate) struct Approve {
    pub(crate) order: Json<Order>,
    pub(crate) officer: OfficerName,
    pub(crate) passphrase: Secret<String>,
}
wire_struct!(Approve { order, officer, passphrase });

impl Call for Approve {
    type Answer = (Json<Approval>, ShareId);
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        let (approval, share) = room.keeper()?.approve(&self.order.0, &self.officer, &self.passphrase)?;
        Ok((Json(approval), share))
    }
}

/// An opened share is not wanted any more.
pub(crate) struct DropShare {
    pub(crate) share: ShareId,
}
wire_struct!(DropShare { share });

impl Call for DropShare {
    type Answer = ();

    fn serve(self, room: &Strongroom) -> Result<(), VaultError> {
        room.keeper()?.drop_share(self.share);
        Ok(())
    }
}

/// Whether an approval is an officer's, of an order that stands.
pub(crate) struct CheckApproval {
    pub(crate) order: Json<Order>,
    pub(crate) approval: Json<Approval>,
}
wire_struct!(CheckApproval { order, approval });

impl Call for CheckApproval {
    type Answer = ();

    fn serve(self, room: &Strongroom) -> Result<(), VaultError> {
        room.keeper()?.check_approval(&self.order.0, &self.approval.0)
    }
}

/// Make the clearance of an order.
pub(crate) struct Clear {
    pub(crate) order: Json<Order>,
    pub(crate) approvals: Json<[ProvenApproval; 2]>,
    pub(crate) opened: ShareId,
    pub(crate) epochs: Vec<(EpochId, SealedEpochKey)>,
    pub(crate) asks: Vec<KeyAsk>,
}
wire_struct!(Clear { order, approvals, opened, epochs, asks });

impl Call for Clear {
    type Answer = Secret<Vec<u8>>;

    fn serve(self, room: &Strongroom) -> Result<Secret<Vec<u8>>, VaultError> {
        let Self { order, approvals, opened, epochs, asks } = self;
        room.keeper()?.clear(&order.0, &approvals.0, opened, &epochs, &asks)?.to_secret()
    }
}

/// Keep a clearance across restarts.
pub(crate) struct KeepClearance {
    pub(crate) order: Digest,
    pub(crate) clearance: Secret<Vec<u8>>,
}
wire_struct!(KeepClearance { order, clearance });

impl Call for KeepClearance {
    type Answer = ();

    fn serve(self, room: &Strongroom) -> Result<(), VaultError> {
        room.keeper()?.keep_clearance(self.order, self.clearance.expose())
    }
}

/// The clearance that was kept.
pub(crate) struct KeptClearance {
    pub(crate) order: Digest,
}
wire_struct!(KeptClearance { order });

impl Call for KeptClearance {
    type Answer = Secret<Vec<u8>>;

    fn serve(self, room: &Strongroom) -> Result<Secret<Vec<u8>>, VaultError> {
        room.keeper()?.clearance(self.order)?.to_secret()
    }
}

/// Forget the clearance that was kept.
pub(crate) struct ForgetClearance {
    pub(crate) order: Digest,
}
wire_struct!(ForgetClearance { order });

impl Call for ForgetClearance {
    type Answer = ();

    fn serve(self, room: &Strongroom) -> Result<(), VaultError> {
        room.keeper()?.forget_clearance(self.order)
    }
}
