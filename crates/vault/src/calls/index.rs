//! Calls for owners' indexes.

use super::Call;
use crate::VaultError;
use crate::crypto::Key32;
use crate::keeper::sessions::SessionId;
use crate::strongroom::Strongroom;
use crate::wire::wire_struct;

/// The key of a signed-in owner's index.
pub(crate) struct Key {
    pub(crate) session: SessionId,
}
wire_struct!(Key { session });

impl Call for Key {
    type Answer = Key32;

    fn serve(self, room: &Strongroom) -> Result<Key32, VaultError> {
        room.keeper()?.index_key(self.session)
    }
}
