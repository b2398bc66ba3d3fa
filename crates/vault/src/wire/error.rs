//! Refusals as they pass between a node and its vault. A new variant of [`VaultError`] gets a line with the next number.

use std::borrow::Cow;
use std::io;

use super::{Out, Wire};
use crate::VaultError;
use crate::encode::Decoder;

macro_rules! errors {
    ($($number:literal $variant:ident $(($($place:ident),*))? $({$($field:ident),*})?;)*) => {
        impl Wire for VaultError {
            fn put(&self, out: &mut Out) {
                match self {$(
                    Self::$variant $(($($place),*))? $({$($field),*})? => {
                        u8::put(&$number, out);
                        $($($place.put(out);)*)?
                        $($($field.put(out);)*)?
                    }
                )*}
            }

            fn take(rest: &mut Decoder<'_>) -> Option<Self> {
                Some(match rest.u8()? {
                    $($number => {
                        $($(let $place = Wire::take(rest)?;)*)?
                        $($(let $field = Wire::take(rest)?;)*)?
                        Self::$variant $(($($place),*))? $({$($field),*})?
                    })*
                    _ => return None,
                })
            }
        }
    };
}

errors! {
    1 Disk { file, error };
    2 AlreadyThere;
    3 NotAVault;
    4 Damaged { file };
    5 UnknownFormat { file };
    6 WrongPassphrase;
    7 WrongPassword;
    8 WrongOfficerPassphrase(name);
    9 EmptyPassphrase;
    10 CostTooHigh;
    11 OfficerRoster;
    12 LogOrigin;
    13 NoSuchAccount(account);
    14 AccountExists(account);
    15 NoSuchOfficer(name);
    16 UnusableKey;
    17 DoesNotOpen;
    18 MessageDoesNotOpen(message);
    19 MessageUnreadable { id, error };
    20 SealedTwice(message);
    21 TooLong;
    22 NoEpochKey(epoch);
    23 EpochDoesNotOpen(epoch);
    24 Order(what);
    25 OtherHome { order, here };
    26 Expired(at);
    27 SameOfficer(name);
    28 NotEnrolled(name);
    29 OtherOrder(name);
    30 FromTheFuture(name);
    31 Signature(name);
    32 Statement(name);
    33 Proof { officer, why };
    34 OtherShare(name);
    35 ShareDoesNotOpen(name);
    36 SharesDisagree;
    37 EscrowDoesNotOpen(account);
    38 NoContent(case);
    39 OutOfScope(message);
    40 NotCleared(message);
    41 NoClearance(order);
    42 Locked;
    43 SessionOver;
    44 Garbled;
    45 Away;
    46 Busy;
    47 NoHands;
    50 OwnerCustody(account);
    51 SlowDown(wait_millis);
    52 Scram(error);
    53 Name;
    54 TooManyAppPasswords;
    55 NoSuchSecret(id);
    56 Ends;
    57 WrongCode;
    58 WrongRecoveryCode;
    59 NoSession;
    60 NoReset(account);
    61 ResetWaits(until);
    70 NotInPower { officer, until };
    71 OfficerExists(name);
    72 TwoHands;
    73 ActOver;
    74 ActNotProven(why);
    75 PaperUnreadable(why);
    76 PaperOutdated;
    77 RotationUnfinished;
    78 NoRotation;
    120 FirstFormat(account);
    79 NotHeld(message);
    80 TooSoon;
    90 IndexDoesNotOpen;
    140 NoTokenKey;
    141 TokenKeyUnusable;
    142 TokenAnswer;
    190 NoClosing(account);
    191 HeldChanged(account);
}

impl Wire for Cow<'static, str> {
    fn put(&self, out: &mut Out) {
        self.as_ref().to_owned().put(out);
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        String::take(rest).map(Cow::Owned)
    }
}

/// The kinds of failure that callers tell apart; every other passes as its text.
const KINDS: [io::ErrorKind; 6] = [
    io::ErrorKind::Other,
    io::ErrorKind::NotFound,
    io::ErrorKind::PermissionDenied,
    io::ErrorKind::StorageFull,
    io::ErrorKind::ReadOnlyFilesystem,
    io::ErrorKind::UnexpectedEof,
];

impl Wire for io::Error {
    fn put(&self, out: &mut Out) {
        let at = KINDS.iter().position(|kind| *kind == self.kind()).unwrap_or(0);
        u8::try_from(at).unwrap_or(0).put(out);
        self.to_string().put(out);
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        let kind = KINDS.get(usize::from(rest.u8()?))?;
        Some(Self::new(*kind, String::take(rest)?))
    }
}
