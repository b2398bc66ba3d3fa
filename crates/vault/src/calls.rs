//! What a node may ask of its vault: one struct for each call, and the table of them.
//!
//! To add a call:
//!
//! 1. *Message*: a struct with owned plain data in `calls/<subject>.rs`, its fields named in [`wire_struct!`], and an
//!    `impl Call` that says what the answer is and which method of the keeper gives it. Passwords and passphrases are
//!    [`terms::Secret`]. An answer holds no private half, no share and no service key: what must stay with the keeper
//!    stays there under an id (`keeper/sessions.rs`).
//! 2. *Table*: a line below, with the next free number. `SLOW` is true for a call that computes Argon2id or may wait.
//! 3. *Keeper*: the method in `keeper/<subject>.rs`, that does it.
//! 4. *Handle*: the public method in `vault/<subject>.rs`, with the documentation of what it does, what is durable when it
//!    returns and how it refuses.
//! 5. A new refusal is a variant of [`VaultError`] and a line in `wire/error.rs`; a new noun gets its line in
//!    `wire/nouns.rs`.
//!
//! A test in `tests/it` calls the public method; the octets are tested with it.
//!
//! [`wire_struct!`]: crate::wire::wire_struct

pub(crate) mod accounts;
pub(crate) mod acts;
pub(crate) mod index;
pub(crate) mod keys;
pub(crate) mod officers;
pub(crate) mod pairs;
pub(crate) mod room;
pub(crate) mod secrets;
pub(crate) mod service;
pub(crate) mod sign_in;
pub(crate) mod signing;
pub(crate) mod token;

use zeroize::Zeroizing;

use crate::VaultError;
use crate::encode::Decoder;
use crate::strongroom::Strongroom;
use crate::wire::{Out, Wire, to_frame};

/// One call: what is asked, and what answers it.
pub(crate) trait Call: Wire + Numbered {
    /// What comes back.
    type Answer: Wire;

    /// Whether it computes Argon2id or may wait for long, and so must not stand in the way of the others.
    const SLOW: bool = false;

    /// Does it, in the vault's process.
    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError>;
}

/// A call's number in the table.
pub(crate) trait Numbered {
    const NUMBER: u16;
}

macro_rules! table {
    ($($number:literal $call:path;)*) => {
        $(impl Numbered for $call {
            const NUMBER: u16 = $number;
        })*

        fn number_is_slow(number: u16) -> bool {
            match number {
                $($number => <$call as Call>::SLOW,)*
                _ => false,
            }
        }

        fn serve(room: &Strongroom, number: u16, rest: Decoder<'_>) -> Option<Zeroizing<Vec<u8>>> {
            match number {
                $($number => serve_one::<$call>(room, rest),)*
                _ => None,
            }
        }
    };
}

table! {
    1 room::Create;
    2 room::Open;
    3 room::About;
    4 room::State;
    5 room::DealHands;
    6 room::TakeHand;
    10 service::SealAll;
    11 service::OpenAll;
    12 service::HashAll;
    21 accounts::PublicKey;
    24 accounts::CloseSession;
    25 accounts::ForgetStale;
    26 accounts::GuessedKib;
    28 accounts::MessageKeys;
    29 accounts::EpochsOpened;
    40 officers::List;
    41 officers::Approve;
    42 officers::DropShare;
    43 officers::CheckApproval;
    44 officers::Clear;
    45 officers::KeepClearance;
    46 officers::KeptClearance;
    47 officers::ForgetClearance;
    70 acts::Begin;
    71 acts::Finish;
    72 acts::Sweep;
    73 acts::Replaced;
    74 acts::ChangePassphrase;
    60 sign_in::SignIn;
    61 sign_in::ScramBegin;
    62 sign_in::ScramFinish;
    63 sign_in::OpenSession;
    64 sign_in::ResumeSession;
    65 sign_in::LeaveSession;
    66 sign_in::SessionSecrets;
    80 keys::CloseAccount;
    81 keys::ForgetHeld;
    82 keys::BackUp;
    83 keys::DestroyPeriods;
    84 keys::Restore;
    85 keys::Generations;
    86 keys::BeginService;
    87 keys::ResealOwn;
    88 keys::FinishService;
    89 keys::Hashes;
    91 keys::ChangePassphrase;
    90 index::Key;
    100 secrets::Create;
    101 secrets::Guard;
    102 secrets::SetPassword;
    103 secrets::SetCustody;
    104 secrets::AddAppPassword;
    105 secrets::List;
    106 secrets::RevokeAppPassword;
    107 secrets::EndSessions;
    108 secrets::NewCodeSecret;
    109 secrets::TurnCodesOn;
    110 secrets::TurnCodesOff;
    111 secrets::LetPasswordServeMail;
    112 secrets::NewRecoveryCodes;
    113 secrets::Recover;
    114 secrets::Reset;
    115 secrets::StopReset;
    120 pairs::Begin;
    121 pairs::Reseal;
    122 pairs::Finish;
    123 pairs::Standing;
    124 signing::SignAs;
    125 signing::Keys;
    126 signing::Begin;
    127 signing::Finish;
    140 token::Add;
    141 token::Ask;
    142 token::Take;
    143 room::ListHands;
    190 room::CheckPassphrase;
    191 token::Remove;
    192 secrets::CheckOwner;
    210 room::DamagedFiles;
    193 keys::BeginClosing;
    194 keys::Closings;
    195 keys::FinishClosing;
}

/// A frame with a request: the call's number and the call. Its head is not filled in.
pub(crate) fn request<C: Call>(call: &C) -> Zeroizing<Vec<u8>> {
    let mut out = Out::framed();
    C::NUMBER.put(&mut out);
    call.put(&mut out);
    out.finish()
}

/// Whether a request is of a call that must not stand in the way of others.
pub(crate) fn is_slow(request: &[u8]) -> bool {
    request.first_chunk().is_some_and(|number| number_is_slow(u16::from_be_bytes(*number)))
}

/// A frame with a refusal that no call made.
pub(crate) fn refusal(error: VaultError) -> Zeroizing<Vec<u8>> {
    to_frame(&Err::<(), _>(error))
}

/// Does what a request asks; a frame with its answer, whose head is not filled in. A request that is none is answered
/// with [`VaultError::Garbled`].
pub(crate) fn answer(room: &Strongroom, request: &[u8]) -> Zeroizing<Vec<u8>> {
    let answered = Decoder::new(&[], request).and_then(|mut rest| {
        let number = u16::take(&mut rest)?;
        serve(room, number, rest)
    });
    answered.unwrap_or_else(|| refusal(VaultError::Garbled))
}

fn serve_one<C: Call>(room: &Strongroom, mut rest: Decoder<'_>) -> Option<Zeroizing<Vec<u8>>> {
    let call = C::take(&mut rest)?;
    rest.end()?;
    Some(to_frame(&call.serve(room)))
}
