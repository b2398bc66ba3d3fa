//! The nouns as they pass between a node and its vault.

use terms::{AccountId, CaseId, Digest, EpochId, Jurisdiction, MessageId, OfficerName, UnixMillis};

use super::{Octets, Out, Wire, wire_struct};
use crate::crypto::CostProfile;
use crate::encode::Decoder;
use crate::epoch::{AccountPublicKey, SealedEpochKey};
use crate::message::KeyAsk;
use crate::officer::OfficerPublic;

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
wire_struct!(OfficerPublic { name, verifying_key, sharing_key, enrolled });

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
