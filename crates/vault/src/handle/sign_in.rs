//! Signing in.

use std::fmt;

use terms::{AccountId, Secret};

use super::Vault;
use crate::owners::network::Network;
use crate::owners::scopes::Scopes;
use crate::owners::scram::{ChannelBinding, ExchangeId};
use crate::owners::secrets::{Attempt, Claim};
use crate::owners::session_token::SessionToken;
use crate::owners::sign_in::SignedIn;
use crate::{OwnerError, VaultError};

/// An exchange of SCRAM that waits for the client's last message. It holds no secret: what the node must know stays with
/// the vault, for a minute.
pub struct ScramExchange(ExchangeId);

impl fmt::Debug for ScramExchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScramExchange(…)")
    }
}

/// Signing in.
impl Vault {
    /// Signs an owner in by the password, or by an app password for mail clients, from this machine. Computes Argon2id,
    /// unless the same account and password did so in the last [`REMEMBERED_MILLIS`](crate::REMEMBERED_MILLIS).
    ///
    /// # Errors
    /// As [`sign_in_as`](Self::sign_in_as).
    pub fn sign_in(&self, account: AccountId, password: &Secret<String>) -> Result<SignedIn, VaultError> {
        let attempt = Attempt { claim: Claim::Account(account), scope: Scopes::IMAP, network: Network::HERE };
        self.sign_in_as(&attempt, password, None)
    }

    /// Signs an owner in by the password, or by an app password of this scope. For [`Scopes::PAGES`] the password wants a
    /// code beside it where codes are on; for mail clients it then serves only where the owner allows it.
    ///
    /// An unknown name, or an account without keys, costs the same as a wrong password. Guesses are counted
    /// (`throttle.rs`): what fails here was one.
    ///
    /// # Errors
    /// `OwnerError::WrongPassword`, whatever was wrong; `OwnerError::NoSuchAccount` for an account without keys, after
    /// the same work; `OwnerError::SlowDown` before any work; `FileError::Damaged`, `FileError::Disk`.
    pub fn sign_in_as(
        &self,
        attempt: &Attempt,
        password: &Secret<String>,
        code: Option<&Secret<String>>,
    ) -> Result<SignedIn, VaultError> {
        let session = self.link.sign_in_as(attempt, password, code)?;
        // A claim that is nobody's opens nothing.
        let Claim::Account(account) = attempt.claim else { return Err(VaultError::Owner(OwnerError::WrongPassword)) };
        Ok(SignedIn::new(account, session, self.link.clone()))
    }

    /// Takes a client's first message of SCRAM-SHA-256, with `plus` of SCRAM-SHA-256-PLUS, and gives the node's. `bindings`
    /// are those of this connection; none means that PLUS was not offered. An unknown name gets a salt that looks
    /// real and stays the same.
    ///
    /// # Errors
    /// `OwnerError::Scram`; `FileError::Damaged`, `FileError::Disk`.
    pub fn scram_begin(
        &self,
        attempt: &Attempt,
        plus: bool,
        bindings: &[ChannelBinding],
        first: &[u8],
    ) -> Result<(ScramExchange, Vec<u8>), VaultError> {
        let (id, said) = self.link.scram_begin(attempt, plus, bindings, first)?;
        Ok((ScramExchange(id), said))
    }

    /// Takes a client's last message: signs in by the app password whose proof it is, and gives the node's last message.
    ///
    /// # Errors
    /// `OwnerError::WrongPassword`: no app password of the account fits, it is not for this scope, it has ended, the proof
    /// is of another channel, or a minute is over. `OwnerError::Scram`, `FileError::Damaged`, `FileError::Disk`.
    pub fn scram_finish(&self, exchange: ScramExchange, last: &[u8]) -> Result<(SignedIn, Vec<u8>), VaultError> {
        let (account, session, said) = self.link.scram_finish(exchange.0, last)?;
        Ok((SignedIn::new(account, session, self.link.clone()), said))
    }

    /// As [`sign_in_as`](Self::sign_in_as) for [`Scopes::PAGES`], and makes a web session that carries its own secret: the
    /// token for the browser. `name` tells the owner later which browser it was; it ends after `lasts_millis`, 30 days at
    /// most. Durable when it returns.
    ///
    /// # Errors
    /// As there; `OwnerError::Name`, `OwnerError::Ends`.
    pub fn open_session(
        &self,
        attempt: &Attempt,
        password: &Secret<String>,
        code: Option<&Secret<String>>,
        name: &str,
        lasts_millis: i64,
    ) -> Result<(SessionToken, SignedIn), VaultError> {
        let (token, account, session) = self.link.open_session(attempt, password, code, name, lasts_millis)?;
        Ok((token, SignedIn::new(account, session, self.link.clone())))
    }

    /// Resumes a web session.
    ///
    /// # Errors
    /// `OwnerError::NoSession`; `FileError::Damaged`, `FileError::Disk`.
    pub fn resume_session(&self, token: &SessionToken) -> Result<SignedIn, VaultError> {
        let (account, session) = self.link.resume_session(token)?;
        Ok(SignedIn::new(account, session, self.link.clone()))
    }
}
