//! Calls for the service key and the node's signature.

use super::Call;
use crate::VaultError;
use crate::strongroom::Strongroom;
use crate::wire::{Octets, wire_struct};

/// Seal under the service key.
pub(crate) struct Seal {
    pub(crate) context: String,
    pub(crate) plain: Octets,
}
wire_struct!(Seal { context, plain });

impl Call for Seal {
    type Answer = Octets;

    fn serve(self, room: &Strongroom) -> Result<Octets, VaultError> {
        Ok(Octets(room.keeper()?.service_seal(&self.context, &self.plain.0)))
    }
}

/// Open what was sealed under the service key.
pub(crate) struct Open {
    pub(crate) context: String,
    pub(crate) sealed: Octets,
}
wire_struct!(Open { context, sealed });

impl Call for Open {
    type Answer = Octets;

    fn serve(self, room: &Strongroom) -> Result<Octets, VaultError> {
        room.keeper()?.service_open(&self.context, &self.sealed.0).map(Octets)
    }
}

/// A keyed hash under the service key.
pub(crate) struct Hash {
    pub(crate) context: String,
    pub(crate) data: Octets,
}
wire_struct!(Hash { context, data });

impl Call for Hash {
    type Answer = [u8; 32];

    fn serve(self, room: &Strongroom) -> Result<[u8; 32], VaultError> {
        Ok(room.keeper()?.service_hash(&self.context, &self.data.0))
    }
}

/// The node's signature.
pub(crate) struct Sign {
    pub(crate) message: Octets,
}
wire_struct!(Sign { message });

impl Call for Sign {
    type Answer = [u8; 64];

    fn serve(self, room: &Strongroom) -> Result<[u8; 64], VaultError> {
        Ok(room.keeper()?.sign(&self.message.0))
    }
}
