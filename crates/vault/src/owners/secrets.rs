//! The nouns of signing in and of an owner's secrets, as they pass between a door and the vault.

use std::fmt;

use terms::{AccountId, Secret, UnixMillis};

use crate::owners::custody::Custody;
use crate::owners::network::Network;
use crate::owners::scopes::Scopes;

/// How long it is kept: sign-in records exist for security only, 7 days by default (the desk answers "not stored" for
/// what is older).
pub const SEEN_DAYS: i64 = 7;

/// How long a sign-in that Argon2id verified is remembered: 5 minutes. Long enough for a client that opens several
/// connections or polls each minute, short enough that a stolen memory image holds few keys.
pub const REMEMBERED_MILLIS: i64 = 5 * 60 * 1000;

/// How many recovery codes an owner is given at a time. Each serves once.
pub const RECOVERY_CODES: usize = 8;

/// Whom somebody claims to be, as the mailroom found it. `Debug` prints no name.
#[derive(Clone, PartialEq, Eq)]
pub enum Claim {
    /// The owner of this account.
    Account(AccountId),
    /// A name that is nobody's here: the same is done for it, and refused in the same words.
    Nobody(String),
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Account(_) => "Claim(account)",
            Self::Nobody(_) => "Claim(nobody)",
        })
    }
}

/// An attempt to sign in: as whom, for what, from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// As whom.
    pub claim: Claim,
    /// For what: one scope.
    pub scope: Scopes,
    /// From where.
    pub network: Network,
}

/// What an owner shows to change a secret: the password, and with two-factor authentication on, a code or a recovery code. An
/// app password or a session does not serve for that: who steals one reads mail and locks nobody out.
#[derive(Debug, Clone)]
pub struct OwnerProof {
    /// The password.
    pub password: Secret<String>,
    /// A code, where codes are on.
    pub code: Option<Secret<String>>,
    /// From where it is shown.
    pub network: Network,
}

impl OwnerProof {
    /// A password shown on this machine.
    pub fn here(password: Secret<String>, code: Option<Secret<String>>) -> Self {
        Self { password, code, network: Network::HERE }
    }
}

/// How an account is guarded. Holds nothing that the provider must not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountGuard {
    /// Who can open it.
    pub custody: Custody,
    /// A code of the owner's app is asked for beside the password.
    pub codes: bool,
    /// The password alone signs in to mail clients. Always so while codes are off.
    pub password_serves_mail: bool,
    /// Recovery codes that are left.
    pub recovery_codes: u32,
    /// App passwords in use.
    pub app_passwords: u32,
    /// Web sessions that are open.
    pub sessions: u32,
}

/// A reset of the password that two officers have begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingReset {
    /// When it was begun.
    pub begun: UnixMillis,
    /// When it can be finished.
    pub not_before: UnixMillis,
    /// Codes are off afterwards.
    pub without_codes: bool,
}

/// What an owner sees of an app password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppPasswordInfo {
    /// Its number.
    pub id: u32,
    /// Its name. May be personal.
    pub name: String,
    /// What it serves for.
    pub scopes: Scopes,
    /// When it was made.
    pub created: UnixMillis,
    /// When it ends, if it does.
    pub expires: Option<UnixMillis>,
    /// The day on which it was used last; `None` when that was not in the last [`SEEN_DAYS`](crate::SEEN_DAYS) days: longer
    /// is not stored.
    pub last_used: Option<UnixMillis>,
}

/// What an owner sees of a web session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionInfo {
    /// Its number.
    pub id: u32,
    /// The name that it was given when it began, such as the browser's.
    pub name: String,
    /// When it began.
    pub created: UnixMillis,
    /// When it ends.
    pub expires: UnixMillis,
}

/// The secrets of an account that an owner can revoke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerSecrets {
    /// App passwords, the oldest first.
    pub app_passwords: Vec<AppPasswordInfo>,
    /// Web sessions, the oldest first.
    pub sessions: Vec<SessionInfo>,
}
