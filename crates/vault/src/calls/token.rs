//! Unlocking by a token.

use terms::Secret;

use super::calls;
use crate::VaultError;
use crate::cost::CostProfile;
use crate::token::{TokenAsk, TokenKey};

calls! {
    token for VaultGate;

    /// Lets a token's key unlock the vault from now on, instead of another token's. `passphrase` is the node's. The
    /// token is not needed. Durable when it returns.
    ///
    /// # Errors
    /// `UnlockError::WrongPassphrase`, `UnlockError::TokenKeyUnusable`, `FileError::Disk`, [`VaultError::Away`].
    pub fn add_token(passphrase: &Secret<String>, key: &TokenKey), slow;

    /// Lets no token unlock the vault from now on: what it opened is overwritten. `passphrase` is the node's. It is not an error
    /// if there is no token. Durable when it returns. In an earlier copy of the folder the token still opens what is sealed
    /// under the service key of that time.
    ///
    /// # Errors
    /// `UnlockError::WrongPassphrase`, `FileError::Disk`, [`VaultError::Away`].
    pub fn remove_token(passphrase: &Secret<String>), slow;

    /// What the token is to open. An earlier question is void.
    raw fn ask_token() -> TokenAsk;

    /// What the token opened, sealed to the vault's key of the question.
    raw fn take_token(sealed: &[u8], cost: CostProfile), slow;
}
