//! Calls for the service key.

use super::Call;
use crate::VaultError;
use crate::strongroom::Strongroom;
use crate::wire::{Octets, wire_struct};

/// Seal a block under the service key: contexts and plain texts.
pub(crate) struct SealAll {
    pub(crate) items: Vec<(String, Octets)>,
}
wire_struct!(SealAll { items });

impl Call for SealAll {
    type Answer = Vec<Octets>;

    fn serve(self, room: &Strongroom) -> Result<Vec<Octets>, VaultError> {
        let keeper = room.keeper()?;
        Ok(self.items.iter().map(|(context, plain)| Octets(keeper.service_seal(context, &plain.0))).collect())
    }
}

/// Open a block that was sealed under the service key: contexts and sealed texts.
pub(crate) struct OpenAll {
    pub(crate) items: Vec<(String, Octets)>,
}
wire_struct!(OpenAll { items });

impl Call for OpenAll {
    /// `None` for what does not open.
    type Answer = Vec<Option<Octets>>;

    fn serve(self, room: &Strongroom) -> Result<Vec<Option<Octets>>, VaultError> {
        let keeper = room.keeper()?;
        let open = |(context, sealed): &(String, Octets)| keeper.service_open(context, &sealed.0).ok().map(Octets);
        Ok(self.items.iter().map(open).collect())
    }
}

/// Keyed hashes of a block of data, in one context, under the service key.
pub(crate) struct HashAll {
    pub(crate) context: String,
    pub(crate) data: Vec<Octets>,
}
wire_struct!(HashAll { context, data });

impl Call for HashAll {
    type Answer = Vec<[u8; 32]>;

    fn serve(self, room: &Strongroom) -> Result<Vec<[u8; 32]>, VaultError> {
        let keeper = room.keeper()?;
        Ok(self.data.iter().map(|data| keeper.service_hash(&self.context, &data.0)).collect())
    }
}
