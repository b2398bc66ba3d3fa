//! What the command line asks of a node about one account and its owner's secrets.

use serde::{Deserialize, Serialize};

use super::Phrase;
use super::officers::ShownHand;

/// What an owner shows to change something.
#[derive(Debug, Serialize, Deserialize)]
pub struct Shown {
    /// The password.
    pub password: Phrase,
    /// A code of the app or a recovery code, where codes are on.
    pub code: Option<Phrase>,
}

/// What is asked about one account.
#[derive(Debug, Serialize, Deserialize)]
pub struct AccountRequest {
    /// The address.
    pub address: String,
    /// What.
    pub act: AccountAct,
}

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountAct {
    /// Makes the account.
    Add {
        /// `strict`, `standard` or `owner`.
        custody: String,
        /// The owner's first password.
        password: Phrase,
    },
    /// How it is guarded, and what its custody means.
    Guard,
    /// Another custody.
    Custody {
        /// By whom.
        shown: Shown,
        /// `strict`, `standard` or `owner`.
        to: String,
    },
    /// Another password.
    Password {
        /// By whom.
        shown: Shown,
        /// The new one.
        new: Phrase,
    },
    /// Another key, by the owner.
    RotateKey {
        /// By whom.
        shown: Shown,
        /// App passwords, sessions and recovery codes end.
        everything: bool,
    },
    /// Another key, by two officers.
    RotateKeyByOfficers {
        /// Who: two.
        hands: Vec<ShownHand>,
    },
    /// A new app password.
    AppPasswordAdd {
        /// By whom.
        shown: Shown,
        /// Its name.
        name: String,
        /// `imap`, `smtp`, `pages`.
        scopes: Vec<String>,
        /// After how many days it ends, if it does.
        days: Option<u32>,
    },
    /// The app passwords.
    AppPasswordList {
        /// By whom.
        shown: Shown,
    },
    /// An app password ends.
    AppPasswordRevoke {
        /// By whom.
        shown: Shown,
        /// Which.
        id: u32,
    },
    /// A fresh secret for an authenticator app.
    TotpSecret,
    /// Codes on.
    TotpOn {
        /// By whom.
        shown: Shown,
        /// The secret, which the app has.
        secret: Phrase,
        /// What the app shows now.
        code: Phrase,
    },
    /// Codes off.
    TotpOff {
        /// By whom.
        shown: Shown,
    },
    /// Whether the password alone signs in to mail clients although codes are on.
    TotpMailPassword {
        /// By whom.
        shown: Shown,
        /// Which of both.
        allow: bool,
    },
    /// New recovery codes.
    RecoveryNew {
        /// By whom.
        shown: Shown,
    },
    /// A new password by a recovery code.
    RecoveryUse {
        /// The code.
        code: Phrase,
        /// The new password.
        new: Phrase,
    },
    /// The web sessions.
    SessionList {
        /// By whom.
        shown: Shown,
    },
    /// One web session ends, or all.
    SessionEnd {
        /// By whom.
        shown: Shown,
        /// Which.
        id: Option<u32>,
    },
    /// Two officers begin a reset of the password.
    ResetBegin {
        /// Who: two.
        hands: Vec<ShownHand>,
        /// Codes are asked for no more afterwards.
        without_codes: bool,
    },
    /// How far a reset is.
    ResetShow,
    /// Two officers set the new password, once the delay is over.
    ResetFinish {
        /// Who: two.
        hands: Vec<ShownHand>,
        /// The new password.
        new: Phrase,
    },
    /// A reset is stopped.
    ResetStop,
    /// How much the account has and may have; sets what is given.
    Quota {
        /// The most bytes, as people write it.
        size: Option<String>,
        /// The most messages, as people write it.
        messages: Option<String>,
    },
    /// What the owner deleted: lists it, or brings it back.
    Undelete {
        /// By whom.
        shown: Shown,
        /// Only list.
        list: bool,
        /// What was in this mailbox only.
        mailbox: Option<String>,
        /// These only; all when empty.
        numbers: Vec<u32>,
    },
}
