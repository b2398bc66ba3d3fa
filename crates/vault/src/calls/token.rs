//! Calls for unlocking by a token.

use terms::Secret;

use super::Call;
use crate::VaultError;
use crate::crypto::CostProfile;
use crate::strongroom::Strongroom;
use crate::token::{TokenAsk, TokenKey};
use crate::wire::{Octets, wire_struct};

/// Let a token's key unlock the vault.
pub(crate) struct Add {
    pub(crate) passphrase: Secret<String>,
    pub(crate) key: TokenKey,
}
wire_struct!(Add { passphrase, key });

impl Call for Add {
    type Answer = ();
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<(), VaultError> {
        room.add_token(&self.passphrase, self.key)
    }
}

/// Let no token unlock the vault.
pub(crate) struct Remove {
    pub(crate) passphrase: Secret<String>,
}
wire_struct!(Remove { passphrase });

impl Call for Remove {
    type Answer = ();
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<(), VaultError> {
        room.remove_token(&self.passphrase)
    }
}

/// What is the token to open?
pub(crate) struct Ask {}
wire_struct!(Ask {});

impl Call for Ask {
    type Answer = TokenAsk;

    fn serve(self, room: &Strongroom) -> Result<TokenAsk, VaultError> {
        room.ask_token()
    }
}

/// What the token opened, sealed to the vault's key of the question.
pub(crate) struct Take {
    pub(crate) sealed: Octets,
    pub(crate) cost: CostProfile,
}
wire_struct!(Take { sealed, cost });

impl Call for Take {
    type Answer = ();
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<(), VaultError> {
        room.take_token(&self.sealed.0, self.cost)
    }
}
