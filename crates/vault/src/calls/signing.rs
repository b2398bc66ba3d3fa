//! Calls for the node's signature, and for replacing the key that makes it.

use super::Call;
use crate::VaultError;
use crate::strongroom::Strongroom;
use crate::wire::{Octets, wire_struct};

/// The node's signature by the key of this public half.
pub(crate) struct SignAs {
    pub(crate) public: [u8; 32],
    pub(crate) message: Octets,
}
wire_struct!(SignAs { public, message });

impl Call for SignAs {
    type Answer = [u8; 64];

    fn serve(self, room: &Strongroom) -> Result<[u8; 64], VaultError> {
        room.keeper()?.sign_as(&self.public, &self.message.0)
    }
}

/// The public halves of the keys that sign: the present one, and the next where there is one.
pub(crate) struct Keys {}
wire_struct!(Keys {});

impl Call for Keys {
    type Answer = Vec<[u8; 32]>;

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        Ok(room.keeper()?.log_verifiers().iter().map(|verifier| *verifier.key()).collect())
    }
}

/// Make the next signing key.
pub(crate) struct Begin {}
wire_struct!(Begin {});

impl Call for Begin {
    type Answer = [u8; 32];

    fn serve(self, room: &Strongroom) -> Result<[u8; 32], VaultError> {
        room.keeper()?.begin_signing_rotation()
    }
}

/// The ledger has changed over to the key of this public half.
pub(crate) struct Finish {
    pub(crate) public: [u8; 32],
}
wire_struct!(Finish { public });

impl Call for Finish {
    type Answer = ();

    fn serve(self, room: &Strongroom) -> Result<(), VaultError> {
        room.keeper()?.finish_signing_rotation(&self.public)
    }
}
