//! Signing in.

use terms::{AccountId, Secret};

use super::calls;
use crate::VaultError;
use crate::owners::scram::{ChannelBinding, ExchangeId};
use crate::owners::secrets::{Attempt, OwnerSecrets};
use crate::owners::session_token::SessionToken;
use crate::owners::sign_in::SessionId;

calls! {
    sign_in for Vault;

    /// Signs an owner in by password or app password.
    raw fn sign_in_as(attempt: &Attempt, password: &Secret<String>, code: Option<&Secret<String>>) -> SessionId, slow;

    /// A client's first message of SCRAM.
    raw fn scram_begin(
        attempt: &Attempt,
        plus: bool,
        bindings: &[ChannelBinding],
        first: &[u8],
    ) -> (ExchangeId, Vec<u8>);

    /// A client's last message of SCRAM.
    raw fn scram_finish(exchange: ExchangeId, last: &[u8]) -> (AccountId, SessionId, Vec<u8>);

    /// Signs an owner in for the pages, with a session that carries its own secret. Durable when it returns.
    raw fn open_session(
        attempt: &Attempt,
        password: &Secret<String>,
        code: Option<&Secret<String>>,
        name: &str,
        lasts_millis: i64,
    ) -> (SessionToken, AccountId, SessionId), slow;

    /// Resumes a web session.
    raw fn resume_session(token: &SessionToken) -> (AccountId, SessionId);

    /// Ends a web session by its own token. Durable when it returns; one that is over is not an error.
    ///
    /// # Errors
    /// `FileError::Damaged`, `FileError::Disk`.
    pub fn leave_session(token: &SessionToken);

    /// What the owner's page shows of a web session: whose it is, its number, and what the owner can revoke. Opens no mail
    /// and none of the account's private keys.
    ///
    /// # Errors
    /// `OwnerError::NoSession`; `FileError::Damaged`, `FileError::Disk`.
    pub fn session_secrets(token: &SessionToken) -> (AccountId, u32, OwnerSecrets);
}
