//! What can go wrong in the vault: whose fault, and what comes next.

use std::borrow::Cow;
use std::fmt;
use std::io;

use crate::owners::scram::ScramError;
use terms::{AccountId, CaseId, Digest, EpochId, Jurisdiction, MessageId, OfficerName, UnixMillis};

/// Why the vault did not do it. No variant carries a secret, an address or mail.
#[derive(Debug)]
#[non_exhaustive]
pub enum VaultError {
    /// The disk failed.
    Disk {
        /// Which file of the vault, relative to its folder.
        file: String,
        /// What the operating system said.
        error: io::Error,
    },
    /// There is a vault in this folder already.
    AlreadyThere,
    /// There is no vault in this folder.
    NotAVault,
    /// A file is not as the vault wrote it.
    Damaged {
        /// Which file of the vault, relative to its folder.
        file: String,
    },
    /// A file is of a format that this program does not know.
    UnknownFormat {
        /// Which file of the vault, relative to its folder.
        file: String,
    },
    /// The node's passphrase is not the one that sealed the service key.
    WrongPassphrase,
    /// The owner's password is wrong.
    WrongPassword,
    /// The officer's passphrase is wrong.
    WrongOfficerPassphrase(OfficerName),
    /// A password or passphrase is empty.
    EmptyPassphrase,
    /// The machine has not enough memory for Argon2id at the cost that is set.
    CostTooHigh,
    /// Another number of officers than 2 to 9, or two of one name.
    OfficerRoster,
    /// The log's origin is empty, too long, or has a character that a signed note does not allow.
    LogOrigin,
    /// The vault holds no keys of this account.
    NoSuchAccount(AccountId),
    /// The account has keys already; ids are never reused.
    AccountExists(AccountId),
    /// The account is in `owner` custody: nobody but the owner opens its mail, two officers together neither.
    OwnerCustody(AccountId),
    /// Too many sign-ins failed. One may be tried again in so many milliseconds.
    SlowDown(i64),
    /// The exchange of SCRAM ends.
    Scram(ScramError),
    /// A name is empty, longer than 64 octets, or has control characters.
    Name,
    /// The account has as many app passwords as it can have.
    TooManyAppPasswords,
    /// The account has no app password or session of this number.
    NoSuchSecret(u32),
    /// An end that is in the past, or further off than it may be.
    Ends,
    /// The code is not the one that the owner's app shows now, or was used before.
    WrongCode,
    /// No recovery code of the account is this.
    WrongRecoveryCode,
    /// No reset of the account's password is under way.
    NoReset(AccountId),
    /// The delay of the reset is not over.
    ResetWaits(UnixMillis),
    /// The session is over, or never was.
    NoSession,
    /// No officer of this name is enrolled here.
    NoSuchOfficer(OfficerName),
    /// A public half is no usable X25519 key.
    UnusableKey,
    /// Sealed bytes do not open: not sealed by this vault for this purpose, or altered.
    DoesNotOpen,
    /// A part of a message does not open: altered, cut short, or not what was sealed for this account, id, part and time.
    MessageDoesNotOpen(MessageId),
    /// A part of a message could not be read.
    MessageUnreadable {
        /// Which message.
        id: MessageId,
        /// What the reader said.
        error: io::Error,
    },
    /// The same part of the same message id was sealed before in this epoch.
    SealedTwice(MessageId),
    /// A block of an owner's index was sealed with another key, or is damaged. It is derived data: make it anew.
    IndexDoesNotOpen,
    /// A message of more chunks than the format counts.
    TooLong,
    /// No sealed key of this epoch was given.
    NoEpochKey(EpochId),
    /// The sealed key of this epoch does not open with the account's key.
    EpochDoesNotOpen(EpochId),
    /// The order is malformed.
    Order(Cow<'static, str>),
    /// The order is for another home.
    OtherHome {
        /// The home that the order names.
        order: Jurisdiction,
        /// The home of this vault.
        here: Jurisdiction,
    },
    /// The order's time is over.
    Expired(UnixMillis),
    /// Both approvals are of one officer.
    SameOfficer(OfficerName),
    /// The approval is by somebody who is no officer here.
    NotEnrolled(OfficerName),
    /// The approval is for another order, case or home.
    OtherOrder(OfficerName),
    /// The approval is dated later than now.
    FromTheFuture(OfficerName),
    /// The approval's signature is not by the officer whom it names.
    Signature(OfficerName),
    /// What the ledger recorded is not this approval.
    Statement(OfficerName),
    /// The ledger's proof does not hold, or is of another log.
    Proof {
        /// Whose approval.
        officer: OfficerName,
        /// What the ledger room said.
        why: String,
    },
    /// The opened share does not belong to the approval that it came with.
    OtherShare(OfficerName),
    /// The first officer's released share does not open for the second officer and this order.
    ShareDoesNotOpen(OfficerName),
    /// The two shares do not make the escrow key of this home.
    SharesDisagree,
    /// The escrow key does not open the account's key.
    EscrowDoesNotOpen(AccountId),
    /// Message keys were asked for, and the order does not cover content.
    NoContent(CaseId),
    /// A message outside the order's time was asked for.
    OutOfScope(MessageId),
    /// The clearance has no key of this message.
    NotCleared(MessageId),
    /// The officer is enrolled, and the officer's approvals do not count yet.
    NotInPower {
        /// Who.
        officer: OfficerName,
        /// Until when they do not.
        until: UnixMillis,
    },
    /// An officer of this name is enrolled already.
    OfficerExists(OfficerName),
    /// An act of the officers needs two who agree to it.
    TwoHands,
    /// The act was not proven in time, or was done already.
    ActOver,
    /// The ledger does not prove the act.
    ActNotProven(Cow<'static, str>),
    /// The words are no share on paper; they say why.
    PaperUnreadable(Cow<'static, str>),
    /// The share on paper is of an earlier deal.
    PaperOutdated,
    /// The escrow key is being replaced; that comes first.
    RotationUnfinished,
    /// The account is closed, and the case does not hold this message.
    NotHeld(MessageId),
    /// Nobody began to close this account.
    NoClosing(AccountId),
    /// A case holds other mail of the account than when its closing was begun.
    HeldChanged(AccountId),
    /// The old key may still be needed; try again in a minute.
    TooSoon,
    /// No key is being replaced, or it waits for two officers or an owner.
    NoRotation,
    /// The account's keys are of the first format, in which the root is the private half.
    FirstFormat(AccountId),
    /// No clearance is kept for this order.
    NoClearance(Digest),
    /// The vault is locked: nobody has given it what opens the service key.
    Locked,
    /// Nobody was named who unlocks this vault by hand.
    NoHands,
    /// No token was named that unlocks this vault.
    NoTokenKey,
    /// The token's key is no RSA key that can be sealed to.
    TokenKeyUnusable,
    /// What the token opened does not open the vault, or was not for this vault's question.
    TokenAnswer,
    /// The process of the vault is not there; it is started again.
    Away,
    /// More is asked of the vault than it can take on.
    Busy,
    /// The vault does not know this session, or this opened share: it was closed, or the vault began anew.
    SessionOver,
    /// Node and vault do not understand each other: they are of two versions of the program.
    Garbled,
}

impl fmt::Display for VaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk { file, error } => write!(f, "the disk failed at vault file {file}: {error}; mend it and retry"),
            Self::AlreadyThere => f.write_str("this folder holds a vault already; open it, or choose another folder"),
            Self::NotAVault => f.write_str("this folder holds no vault; create one, or check the path"),
            Self::Damaged { file } => {
                write!(f, "vault file {file} was altered or damaged; restore it from a backup of this home")
            }
            Self::UnknownFormat { file } => {
                write!(f, "vault file {file} is of a format this program does not know; use a newer program")
            }
            Self::WrongPassphrase => f.write_str("the node's passphrase is wrong; the vault stays locked"),
            Self::WrongPassword => f.write_str("wrong account or password"),
            Self::WrongOfficerPassphrase(name) => write!(f, "that is not the passphrase of officer {name}; try again"),
            Self::EmptyPassphrase => f.write_str("an empty password or passphrase protects nothing; choose one"),
            Self::CostTooHigh => {
                f.write_str("this machine cannot run Argon2id at the cost that is set; lower it or add memory")
            }
            Self::OfficerRoster => f.write_str("a home has 2 to 9 officers, each of a different name"),
            Self::LogOrigin => f.write_str("a log's origin is 1 to 255 characters without spaces or +"),
            Self::NoSuchAccount(id) => write!(f, "the vault holds no keys of account {id}; check the id or the backup"),
            Self::AccountExists(id) => write!(f, "account {id} has keys already; account ids are never reused"),
            Self::OwnerCustody(id) => write!(
                f,
                "account {id} is in owner custody: the provider holds ciphertext that no officer can open; answer that \
                 the mail exists and cannot be opened here"
            ),
            Self::SlowDown(wait_millis) => write!(
                f,
                "too many sign-ins failed; try again in {} seconds, or with an app password",
                wait_millis / 1000 + 1
            ),
            Self::Scram(ScramError::Malformed) => f.write_str("the client's message is none of SCRAM-SHA-256"),
            Self::Scram(ScramError::OtherIdentity) => f.write_str("the client would act for somebody else"),
            Self::Scram(ScramError::Refused) => f.write_str("the client's proof is of another channel or exchange"),
            Self::Name => f.write_str("a name has 1 to 64 octets and no control characters"),
            Self::TooManyAppPasswords => {
                f.write_str("the account has as many app passwords as it can have; revoke one that is not used")
            }
            Self::NoSuchSecret(id) => write!(f, "the account has no app password or session of number {id}; list them"),
            Self::Ends => f.write_str("the end lies in the past or further off than it may; choose another"),
            Self::WrongCode => {
                f.write_str("that is not the code of now; wait for the next one, and check the clock of this machine")
            }
            Self::WrongRecoveryCode => f.write_str("no recovery code of the account is this; each serves once"),
            Self::NoReset(id) => write!(
                f,
                "no reset of account {id} is under way: none was begun, it lapsed, or the owner stopped it by showing the \
                 password"
            ),
            Self::ResetWaits(until) => write!(f, "the owner has until {until} to stop the reset; finish it then"),
            Self::NoSession => f.write_str("the session is over; sign in again"),
            Self::NoSuchOfficer(name) => write!(f, "no officer {name} is enrolled in this home"),
            Self::UnusableKey => f.write_str("this is no usable X25519 public key; the account's record is damaged"),
            Self::DoesNotOpen => f.write_str("sealed bytes do not open: not of this vault and purpose, or altered"),
            Self::MessageDoesNotOpen(id) => {
                write!(f, "message {id} does not open: altered, cut short, or stored in another's place; see fsck")
            }
            Self::MessageUnreadable { id, error } => write!(f, "message {id} could not be read: {error}; retry"),
            Self::SealedTwice(id) => write!(f, "message id {id} was used twice in one epoch; take a new id"),
            Self::IndexDoesNotOpen => {
                f.write_str("a block of an index does not open; the index can be made anew from the mail")
            }
            Self::TooLong => f.write_str("a message of more than 2^32 chunks cannot be sealed"),
            Self::NoEpochKey(id) => write!(f, "the sealed key of epoch {id} was not given; the store must supply it"),
            Self::EpochDoesNotOpen(id) => write!(f, "the sealed key of epoch {id} is not this account's, or altered"),
            Self::Order(what) => write!(f, "the order is malformed: {what}; make a new one"),
            Self::OtherHome { order, here } => {
                write!(f, "the order is for {order} and this is {here}; only the home's own officers clear")
            }
            Self::Expired(at) => write!(f, "the order's time ended {at}; a new order needs two new approvals"),
            Self::SameOfficer(name) => write!(f, "both approvals are {name}'s; another officer must approve"),
            Self::NotEnrolled(name) => write!(f, "{name} is no officer of this home; an enrolled officer must approve"),
            Self::OtherOrder(name) => write!(f, "{name}'s approval is for another order; ask for one of this order"),
            Self::FromTheFuture(name) => write!(f, "{name}'s approval is dated later than now; check the node's clock"),
            Self::Signature(name) => write!(f, "the approval is not signed by {name}; treat it as forged"),
            Self::Statement(name) => write!(f, "the ledger entry given with {name}'s approval states something else"),
            Self::Proof { officer, why } => {
                write!(f, "this home's ledger does not prove {officer}'s approval: {why}")
            }
            Self::OtherShare(name) => {
                write!(f, "the opened share is not of {name}'s approval given here; {name} must approve again")
            }
            Self::ShareDoesNotOpen(name) => {
                write!(f, "the share that {name} released does not open for this order; {name} must approve again")
            }
            Self::SharesDisagree => {
                f.write_str("the two shares do not make this home's escrow key; restore the officers' files")
            }
            Self::EscrowDoesNotOpen(id) => {
                write!(f, "the escrow key does not open account {id}; its keys file is of another home or an older key")
            }
            Self::NoContent(case) => {
                write!(f, "the order of case {case} does not cover content; no message key leaves")
            }
            Self::OutOfScope(id) => write!(f, "message {id} arrived outside the order's time; it stays shut"),
            Self::NotCleared(id) => write!(f, "the clearance has no key of message {id}; it was not asked for"),
            Self::NotInPower { officer, until } => {
                write!(
                    f,
                    "{officer} is enrolled, and approves from {until} on; another officer must approve until then"
                )
            }
            Self::OfficerExists(name) => write!(f, "an officer {name} is enrolled already; take another name"),
            Self::TwoHands => f.write_str("two officers must agree to this, or one and a share on paper"),
            Self::ActOver => f.write_str("this act is done or its 10 minutes are over; begin it anew"),
            Self::ActNotProven(why) => write!(f, "this home's ledger does not prove the act: {why}; begin it anew"),
            Self::PaperUnreadable(why) => write!(f, "this is no share of this home: {why}; type it again"),
            Self::PaperOutdated => {
                f.write_str("this paper is of an earlier deal and opens nothing; take the newest one")
            }
            Self::RotationUnfinished => {
                f.write_str("the escrow key is being replaced; two officers carry it on with `node rotate escrow`")
            }
            Self::NoClosing(id) => write!(f, "nobody began to close account {id}; its owner closes it"),
            Self::HeldChanged(id) => write!(
                f,
                "a case holds other mail of account {id} than when its closing was begun, so its keys stay; they are destroyed \
                 when the case holds it no more"
            ),
            Self::NotHeld(id) => write!(f, "message {id} is of a closed account, and this case does not hold it"),
            Self::TooSoon => f.write_str("something is still sealed under the old key; try again in a minute"),
            Self::NoRotation => {
                f.write_str("no key is being replaced here, or two officers, or the account's owner, must carry it on")
            }
            Self::FirstFormat(id) => {
                write!(f, "the keys of account {id} are of the first format; its owner replaces them with the password")
            }
            Self::NoClearance(order) => write!(f, "no clearance is kept for order {order}; two officers must approve"),
            Self::Locked => f.write_str("the vault is locked; unlock the node"),
            Self::NoHands => {
                f.write_str("no people were named who unlock this vault by hand (`bailiwick node hands set`)")
            }
            Self::NoTokenKey => f.write_str("no token was named that unlocks this vault (`bailiwick node token add`)"),
            Self::TokenKeyUnusable => f.write_str("the token's key is no RSA key of 2048 to 8192 bits; make one in it"),
            Self::TokenAnswer => {
                f.write_str("what the token opened does not open this vault; is it the token of another node?")
            }
            Self::Away => f.write_str("the vault's process is away; it is started again, retry"),
            Self::Busy => f.write_str("the vault has too much to do; retry"),
            Self::SessionOver => f.write_str("the vault does not know this session any more; sign in again"),
            Self::Garbled => f.write_str("node and vault do not understand each other; restart the node"),
        }
    }
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
            Self::Disk { error, .. } | Self::MessageUnreadable { error, .. } => Some(error),
            _ => None,
        }
    }
}
