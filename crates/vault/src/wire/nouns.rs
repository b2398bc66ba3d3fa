//! The nouns as they pass between a node and its vault.

use terms::{AccountId, CaseId, Digest, EpochId, Jurisdiction, MessageId, OfficerName, UnixMillis};

use super::{Out, Wire, by_value, wire_json, wire_struct};
use crate::backup::KeyBackup;
use crate::cost::CostProfile;
use crate::encode::Decoder;
use crate::founding::Founding;
use crate::mail::epoch::{AccountPublicKey, SealedEpochKey};
use crate::mail::message::KeyAsk;
use crate::officers::act::{Act, OfficerProof, SignedAct};
use crate::officers::approval::{Approval, ProvenApproval};
use crate::officers::escrow::Sweep;
use crate::officers::officer::OfficerPublic;
use crate::officers::order::Order;
use crate::owners::custody::Custody;
use crate::owners::network::Network;
use crate::owners::scopes::Scopes;
use crate::owners::scram::{ChannelBinding, ScramError};
use crate::owners::secrets::{
    AccountGuard, AppPasswordInfo, Attempt, Claim, OwnerProof, OwnerSecrets, PendingReset, SessionInfo,
};
use crate::owners::session_token::SessionToken;
use crate::rotations::Rotations;

by_value!(AccountId, CaseId, Digest, CostProfile, Custody, Founding, Option<UnixMillis>, Scopes);
wire_json!(Order, Approval, [ProvenApproval; 2], Act, SignedAct, ledger::Opening, ledger::Receipt);

macro_rules! wire_newtype {
    ($($name:ident),*) => {$(
        impl Wire for $name {
            fn put(&self, out: &mut Out) {
                self.0.put(out);
            }

            fn take(rest: &mut Decoder<'_>) -> Option<Self> {
                Wire::take(rest).map($name)
            }
        }
    )*};
}
wire_newtype!(AccountId, AccountPublicKey, CaseId, Digest, EpochId, MessageId, SealedEpochKey, UnixMillis);

wire_struct!(Founding { home, log_origin, passphrase, officers, cost });
wire_struct!(KeyAsk { epoch, id, arrival });
wire_struct!(OfficerPublic { name, verifying_key, sharing_key, enrolled, in_power });
wire_struct!(Sweep { done, total, finished });
wire_struct!(KeyBackup { day, day_key, sealed, node });
wire_struct!(Rotations { service, escrow, signing, accounts, resumable });

macro_rules! wire_text {
    ($($name:ty),*) => {$(
        /// As its text, which must be one.
        impl Wire for $name {
            fn put(&self, out: &mut Out) {
                self.as_str().to_owned().put(out);
            }

            fn take(rest: &mut Decoder<'_>) -> Option<Self> {
                String::take(rest)?.parse().ok()
            }
        }
    )*};
}
wire_text!(Jurisdiction, OfficerName);

impl Wire for OfficerProof {
    fn put(&self, out: &mut Out) {
        let (name, secret) = match self {
            Self::Officer(name, passphrase) => (Some(name.clone()), passphrase),
            Self::PaperShare(words) => (None, words),
        };
        name.put(out);
        secret.put(out);
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        let (name, secret) = (<Option<OfficerName> as Wire>::take(rest)?, Wire::take(rest)?);
        Some(match name {
            Some(name) => Self::Officer(name, secret),
            None => Self::PaperShare(secret),
        })
    }
}

impl Wire for CostProfile {
    fn put(&self, out: &mut Out) {
        self.numbers().iter().for_each(|number| number.put(out));
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        Self::new(rest.u32()?, rest.u32()?, rest.u32()?)
    }
}

wire_struct!(Attempt { claim, scope, network });
wire_struct!(OwnerProof { password, code, network });
wire_struct!(AccountGuard { custody, codes, password_serves_mail, recovery_codes, app_passwords, sessions });
wire_struct!(AppPasswordInfo { id, name, scopes, created, expires, last_used });
wire_struct!(PendingReset { begun, not_before, without_codes });
wire_struct!(SessionInfo { id, name, created, expires });
wire_struct!(OwnerSecrets { app_passwords, sessions });

macro_rules! wire_bytes {
    ($($name:ty, $put:ident, $take:ident;)*) => {$(
        /// As the bytes that stand for it.
        impl Wire for $name {
            fn put(&self, out: &mut Out) {
                self.$put().put(out);
            }

            fn take(rest: &mut Decoder<'_>) -> Option<Self> {
                Self::$take(Wire::take(rest)?).into()
            }
        }
    )*};
}
wire_bytes! {
    Scopes, bits, from_bits;
    Custody, byte, from_byte;
    ScramError, byte, from_byte;
    Network, bytes, from_bytes;
}

impl Wire for SessionToken {
    fn put(&self, out: &mut Out) {
        self.expose().to_owned().put(out);
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        Wire::take(rest).map(Self::new)
    }
}

impl Wire for Claim {
    fn put(&self, out: &mut Out) {
        match self {
            Self::Account(account) => Ok::<_, String>(*account).put(out),
            Self::Nobody(name) => Err::<AccountId, _>(name.clone()).put(out),
        }
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        Some(match Result::take(rest)? {
            Ok(account) => Self::Account(account),
            Err(name) => Self::Nobody(name),
        })
    }
}

impl Wire for ChannelBinding {
    fn put(&self, out: &mut Out) {
        match self {
            Self::Exporter(data) => Ok::<_, Vec<u8>>(*data).put(out),
            Self::EndPoint(data) => Err::<[u8; 32], _>(data.clone()).put(out),
        }
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        Some(match Result::<[u8; 32], Vec<u8>>::take(rest)? {
            Ok(data) => Self::Exporter(data),
            Err(data) => Self::EndPoint(data),
        })
    }
}
