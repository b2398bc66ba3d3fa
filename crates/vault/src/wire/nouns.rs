//! The nouns as they pass between a node and its vault.

use terms::{AccountId, CaseId, Digest, EpochId, Jurisdiction, MessageId, OfficerName, UnixMillis};

use super::{Octets, Out, Wire, wire_struct};
use crate::account::app_password::Scopes;
use crate::account::session::SessionToken;
use crate::act::Hand;
use crate::crypto::CostProfile;
use crate::custody::Custody;
use crate::encode::Decoder;
use crate::epoch::{AccountPublicKey, SealedEpochKey};
use crate::keeper::escrow::Sweep;
use crate::keeper::pairs::Rotations;
use crate::keeper::periods::KeyBackup;
use crate::message::KeyAsk;
use crate::network::Network;
use crate::officer::OfficerPublic;
use crate::scram::{ChannelBinding, ScramError};
use crate::secrets::{
    AccountGuard, AppPasswordInfo, Attempt, Claim, OwnerProof, OwnerSecrets, PendingReset, SessionInfo,
};

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
wire_newtype!(AccountId, AccountPublicKey, CaseId, Digest, EpochId, MessageId, UnixMillis);

wire_struct!(KeyAsk { epoch, id, arrival });
wire_struct!(OfficerPublic { name, verifying_key, sharing_key, enrolled, in_power });
wire_struct!(Sweep { done, total, finished });
wire_struct!(Rotations { service, escrow, signing, accounts, at_hand });

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

/// As octets, in one piece each.
impl Wire for KeyBackup {
    fn put(&self, out: &mut Out) {
        self.day.put(out);
        for part in [&self.period, &self.sealed, &self.node] {
            Octets(part.clone()).put(out);
        }
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        let (day, period, sealed, node) =
            (u32::take(rest)?, Octets::take(rest)?.0, Octets::take(rest)?.0, Octets::take(rest)?.0);
        Some(Self { day, period, sealed, node })
    }
}

impl Wire for Hand {
    fn put(&self, out: &mut Out) {
        let (name, secret) = match self {
            Self::Officer(name, passphrase) => (Some(name.clone()), passphrase),
            Self::Paper(words) => (None, words),
        };
        name.put(out);
        secret.put(out);
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        let (name, secret) = (<Option<OfficerName> as Wire>::take(rest)?, Wire::take(rest)?);
        Some(match name {
            Some(name) => Self::Officer(name, secret),
            None => Self::Paper(secret),
        })
    }
}

impl Wire for SealedEpochKey {
    fn put(&self, out: &mut Out) {
        Octets(self.0.clone()).put(out);
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        Octets::take(rest).map(|octets| Self(octets.0))
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

macro_rules! wire_octets {
    ($($name:ty, $put:ident, $take:ident;)*) => {$(
        /// As the octets that stand for it.
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
wire_octets! {
    Scopes, bits, from_bits;
    Custody, octet, from_octet;
    ScramError, octet, from_octet;
    Network, octets, from_octets;
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
            Self::Exporter(data) => Ok::<_, Octets>(*data).put(out),
            Self::EndPoint(data) => Err::<[u8; 32], _>(Octets(data.clone())).put(out),
        }
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        Some(match Result::<[u8; 32], Octets>::take(rest)? {
            Ok(data) => Self::Exporter(data),
            Err(data) => Self::EndPoint(data.0),
        })
    }
}
