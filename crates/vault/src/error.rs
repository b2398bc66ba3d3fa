//! What can go wrong in the vault: whose fault, and what comes next. One list for each subject: the variant, what it
//! holds, and its text. How it passes between a node and its vault follows from that.

use std::borrow::Cow;
use std::fmt;
use std::io;

use terms::{AccountId, CaseId, Digest, EpochId, Jurisdiction, MessageId, OfficerName, UnixMillis};

use crate::encode::Decoder;
use crate::owners::scram::ScramError;
use crate::wire::{Out, Wire};

/// Errors of one subject. A new one is one line; on the wire its number is its place in the list.
macro_rules! errors {
    (
        $(#[$about:meta])*
        $name:ident;
        $(
            $variant:ident $(($($place:ident: $place_type:ty),*))? $({$($field:ident: $field_type:ty),*})?
                => $text:literal $(, $argument:expr)*;
        )*
    ) => {
        $(#[$about])*
        #[derive(Debug)]
        #[allow(missing_docs, reason = "the text of each says it")]
        #[non_exhaustive]
        pub enum $name {
            $($variant $(($($place_type),*))? $({$($field: $field_type),*})?,)*
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {$(
                    Self::$variant $(($($place),*))? $({$($field),*})? => write!(f, $text $(, $argument)*),
                )*}
            }
        }

        impl Wire for $name {
            fn put(&self, out: &mut Out) {
                enum Number {
                    $($variant,)*
                }
                match self {$(
                    Self::$variant $(($($place),*))? $({$($field),*})? => {
                        out.bytes(&[Number::$variant as u8]);
                        $($($place.put(out);)*)?
                        $($($field.put(out);)*)?
                    }
                )*}
            }

            fn take(rest: &mut Decoder<'_>) -> Option<Self> {
                enum Number {
                    $($variant,)*
                }
                let number = rest.u8()?;
                $(
                    if number == Number::$variant as u8 {
                        $($(let $place = Wire::take(rest)?;)*)?
                        $($(let $field = Wire::take(rest)?;)*)?
                        return Some(Self::$variant $(($($place),*))? $({$($field),*})?);
                    }
                )*
                None
            }
        }
    };
}

/// Makes the errors of a subject errors of the vault.
macro_rules! subjects {
    ($($subject:ident: $name:ident),* $(,)?) => {$(
        impl std::error::Error for $name {}

        impl From<$name> for VaultError {
            fn from(error: $name) -> Self {
                Self::$subject(error)
            }
        }
    )*};
}

subjects! {
    Files: FileError,
    Unlock: UnlockError,
    Owner: OwnerError,
    Officer: OfficerError,
    Order: OrderError,
    Mail: MailError,
    Rotation: RotationError,
}

errors! {
    /// Why the vault did not do it. No variant carries a secret, an address or mail.
    VaultError;
    Files(error: FileError) => "{error}";
    Unlock(error: UnlockError) => "{error}";
    Owner(error: OwnerError) => "{error}";
    Officer(error: OfficerError) => "{error}";
    Order(error: OrderError) => "{error}";
    Mail(error: MailError) => "{error}";
    Rotation(error: RotationError) => "{error}";
    Locked => "the vault is locked; unlock the node";
    Away => "the vault's process is not running; it is being restarted, try again";
    Busy => "the vault is overloaded; try again";
    SessionOver => "the vault does not know this session any more; sign in again";
    Garbled => "the node and its vault run different versions of the program; restart the node";
    EmptyPassphrase => "the password or passphrase is empty; choose one";
    CostTooHigh => "this machine has too little memory for Argon2id at the configured cost; lower the cost or add memory";
}

errors! {
    /// The vault's folder and its files.
    FileError;
    Disk { file: String, error: io::Error } => "disk error at vault file {file}: {error}; repair the disk and try again";
    AlreadyThere => "this folder already holds a vault; open it, or choose another folder";
    NotAVault => "this folder holds no vault; create one, or check the path";
    Damaged { file: String } => "vault file {file} was altered or damaged; restore it from a backup of this home";
    UnknownFormat { file: String } => "vault file {file} has a format that this program does not know";
}

errors! {
    /// Creating and unlocking a vault.
    UnlockError;
    WrongPassphrase => "the node's passphrase is wrong; the vault stays locked";
    LogOrigin => "a log's origin is 1 to 255 characters without spaces or +";
    NoKeyHolders => "this vault has no key holders (`bailiwick node key-holders set`)";
    NoTokenKey => "no token unlocks this vault (`bailiwick node token add`)";
    TokenKeyUnusable => "the token's key is not an RSA key of 2048 to 8192 bits; create one in the token";
    TokenAnswer => "what the token decrypted does not open this vault; is it another node's token?";
}

errors! {
    /// Owners: signing in, their secrets, their accounts.
    OwnerError;
    WrongPassword => "wrong account or password";
    NoSuchAccount(id: AccountId) => "the vault holds no keys of account {id}; check the id or the backup";
    AccountExists(id: AccountId) => "account {id} has keys already; account ids are never reused";
    OwnerCustody(id: AccountId) => "account {id} is in owner custody: the provider holds ciphertext that no officer can \
        open; answer that the mail exists and cannot be opened here";
    SlowDown(wait_millis: i64) => "too many failed sign-ins; try again in {} seconds, or use an app password",
        wait_millis / 1000 + 1;
    Scram(error: ScramError) => "{error}";
    Name => "a name has 1 to 64 bytes and no control characters";
    TooManyAppPasswords => "the account has the maximum number of app passwords; revoke one that is not used";
    NoSuchSecret(id: u32) => "the account has no app password or session number {id}; list them";
    Ends => "the expiry must be in the future and within the limit; choose another";
    WrongCode => "that code is not valid now; wait for the next one, and check the clock of this machine";
    WrongRecoveryCode => "not a recovery code of this account; each can be used once";
    NoReset(id: AccountId) => "no password reset of account {id} is pending: none was started, it lapsed, or the owner \
        stopped it by signing in";
    ResetWaits(until: UnixMillis) => "the owner has until {until} to stop the reset; finish it after that";
    NoSession => "the session is over; sign in again";
    NoClosing(id: AccountId) => "the closing of account {id} was never started; its owner closes it";
    HeldChanged(id: AccountId) => "the mail of account {id} that is on hold changed since its closing was started, so its \
        keys stay; they are destroyed when no case holds it any more";
}

errors! {
    /// Officers, and what two of them do together.
    OfficerError;
    WrongOfficerPassphrase(name: OfficerName) => "wrong passphrase for {name}; try again";
    OfficerRoster => "a home has 2 to 9 officers, each with a different name";
    NoSuchOfficer(name: OfficerName) => "no officer {name} is enrolled in this home";
    SameOfficer(name: OfficerName) => "both approvals are by {name}; another officer must approve";
    NotInPower { officer: OfficerName, until: UnixMillis } => "{officer} was enrolled recently and may approve from {until} \
        on; until then another officer must approve";
    OfficerExists(name: OfficerName) => "an officer {name} is already enrolled; choose another name";
    TwoOfficers => "two officers must agree to this, or one officer and a paper share";
    ActOver => "this act was carried out already, or its 10 minutes are over; start over";
    ActNotProven(why: Cow<'static, str>) => "this home's ledger does not prove the act: {why}; start over";
    PaperShareUnreadable(why: Cow<'static, str>) => "not a paper share of this home: {why}; type it again";
    PaperShareOutdated => "this paper share was replaced by a newer one and opens nothing; use the newest";
    SharesDisagree => "the two shares do not make this home's escrow key; restore the officers' files";
}

errors! {
    /// Orders, approvals and clearances.
    OrderError;
    Malformed(what: Cow<'static, str>) => "the order is malformed: {what}; draw up a new one";
    OtherHome { order: Jurisdiction, here: Jurisdiction } => "the order is for {order} and this is {here}; only the home's \
        own officers can clear it";
    Expired(at: UnixMillis) => "the order expired {at}; a new order needs two new approvals";
    NotEnrolled(name: OfficerName) => "{name} is not an officer of this home; an enrolled officer must approve";
    OtherOrder(name: OfficerName) => "{name}'s approval is for another order; ask for one of this order";
    FromTheFuture(name: OfficerName) => "{name}'s approval is dated in the future; check the node's clock";
    Signature(name: OfficerName) => "the approval is not signed by {name}; treat it as forged";
    Statement(name: OfficerName) => "the ledger entry given with {name}'s approval states something else";
    Proof { officer: OfficerName, why: String } => "this home's ledger does not prove {officer}'s approval: {why}";
    OtherShare(name: OfficerName) => "the opened share does not belong to {name}'s approval; {name} must approve again";
    ShareDoesNotOpen(name: OfficerName) => "the share that {name} released does not open for this order; {name} must \
        approve again";
    EscrowDoesNotOpen(id: AccountId) => "the escrow key does not open account {id}; its key file belongs to another home \
        or an earlier escrow key";
    NoContent(case: CaseId) => "the order of case {case} does not cover content; no message key is given out";
    OutOfScope(id: MessageId) => "message {id} arrived outside the order's dates; it is not opened";
    NotCleared(id: MessageId) => "the clearance has no key of message {id}; it was not asked for";
    NotHeld(id: MessageId) => "message {id} belongs to a closed account, and this case does not hold it";
    NoClearance(order: Digest) => "no clearance is kept for order {order}; two officers must approve";
}

errors! {
    /// Sealing and opening.
    MailError;
    UnusableKey => "not a usable X25519 public key; the account's record is damaged";
    DoesNotOpen => "sealed data does not open: it was sealed by another vault or for another purpose, or altered";
    MessageDoesNotOpen(id: MessageId) => "message {id} does not open: altered, truncated, or stored in another's place; \
        run `bailiwick fsck`";
    MessageUnreadable { id: MessageId, error: io::Error } => "message {id} could not be read: {error}; try again";
    SealedTwice(id: MessageId) => "message id {id} was used twice in one epoch; use a new id";
    IndexDoesNotOpen => "a block of the index does not open; the index can be rebuilt from the mail";
    TooLong => "a message of more than 2^32 chunks cannot be sealed";
    NoEpochKey(id: EpochId) => "the sealed key of epoch {id} was not given; the store must supply it";
    EpochDoesNotOpen(id: EpochId) => "the sealed key of epoch {id} belongs to another account, or was altered";
}

errors! {
    /// Replacing keys.
    RotationError;
    RotationUnfinished => "the escrow key is being replaced; two officers must finish that first (`bailiwick node rotate \
        escrow`)";
    NoRotation => "no key is being replaced here, or two officers or the account's owner must resume it";
    TooSoon => "something is still sealed under the old key; try again in a minute";
}

impl VaultError {
    /// Whether the same call may succeed later although nothing is changed: the vault is away, busy or still locked.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Away | Self::Busy | Self::Locked)
    }
}

impl std::error::Error for VaultError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Files(FileError::Disk { error, .. }) | Self::Mail(MailError::MessageUnreadable { error, .. }) => {
                Some(error)
            }
            _ => None,
        }
    }
}
