//! Signed-in owners: the proof of right that opens one's own mail.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use terms::{AccountId, EpochId};

use crate::mail::kept::KeptKeys;
use crate::transport::Link;

/// The id of an open session: 128 random bits, so that one session does not guess another.
pub type SessionId = [u8; 16];

/// Proof that the owner of an account has shown the secret of the account. Made by the vault's `sign_in` alone: there is
/// no other way to get one.
///
/// ```compile_fail,E0451
/// let forged = vault::SignedIn { ticket: todo!() };
/// ```
///
/// The opened key stays with the keeper, under an id; what it holds are message keys that were asked for (`kept.rs`), which
/// all sessions of the owner share and which go with the last. Clones share one session; when the last is dropped the keeper
/// closes it, and when it has forgotten the sign-in, too, the key is wiped. `Debug` prints the account's id only.
#[derive(Clone)]
pub struct SignedIn {
    ticket: Arc<Ticket>,
}

struct Ticket {
    account: AccountId,
    session: SessionId,
    /// Epochs that the keeper has open for this session: it need not be asked again.
    open: Mutex<HashSet<EpochId>>,
    /// Message keys of this owner that came before.
    kept: Arc<KeptKeys>,
    link: Link,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.link.close_session(self.session);
    }
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedIn({})", self.ticket.account)
    }
}

impl SignedIn {
    pub(crate) fn new(account: AccountId, session: SessionId, link: Link) -> Self {
        let kept = link.kept.enter(account);
        Self { ticket: Arc::new(Ticket { account, session, open: Mutex::default(), kept, link }) }
    }

    /// Whose mail it opens.
    pub fn account(&self) -> AccountId {
        self.ticket.account
    }

    pub(crate) fn session(&self) -> SessionId {
        self.ticket.session
    }

    /// The message keys of this owner that are kept in this process.
    pub(crate) fn kept(&self) -> &KeptKeys {
        &self.ticket.kept
    }

    /// The epochs that the keeper is known to have open for this session.
    pub(crate) fn open_epochs(&self) -> MutexGuard<'_, HashSet<EpochId>> {
        self.ticket.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
