//! What is recorded: a commitment of fixed size, and the opening that reveals what it stands for.

use std::fmt;

use aws_lc_rs::digest;
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use crate::LedgerError;
use crate::hash::Hash;
use crate::merkle::leaf_hash;

/// The version of an entry, its first byte. There is only one so far.
const ENTRY_VERSION: u8 = 1;

/// The size of an entry: a version byte and the 32 bytes of a commitment. All entries have the same size, so that their
/// length reveals nothing.
pub const ENTRY_SIZE_BYTES: usize = 33;

/// Domain separation from every other use of SHA-256 in the project.
const DOMAIN: &[u8] = b"bailiwick/ledger/commitment/v1\0";

/// `SHA-256("bailiwick/ledger/commitment/v1" || 0x00 || salt || body)`. Thanks to the salt it reveals nothing about the
/// body; thanks to the hash it matches only one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Commitment(#[serde(with = "hex32")] pub [u8; 32]);

impl Commitment {
    /// The entry's bytes in the log.
    pub fn entry(&self) -> [u8; ENTRY_SIZE_BYTES] {
        let mut entry = [ENTRY_VERSION; ENTRY_SIZE_BYTES];
        entry[1..].copy_from_slice(&self.0);
        entry
    }

    /// Reads the commitment from an entry's bytes.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] for another size or version.
    pub fn from_entry(entry: &[u8]) -> Result<Self, LedgerError> {
        match entry.split_first() {
            Some((&ENTRY_VERSION, rest)) => rest
                .try_into()
                .map(Self)
                .map_err(|_| LedgerError::Malformed("an entry is a version byte and a 32-byte commitment")),
            _ => Err(LedgerError::Malformed("unknown version of an entry (only 1 is known)")),
        }
    }

    /// The tree leaf of this entry (RFC 6962 section 2.1).
    pub fn leaf(&self) -> Hash {
        leaf_hash(&self.entry())
    }
}

/// What an entry says. Private: it is kept sealed, and disclosed in a package, or to the public when it may be.
///
/// `Debug` prints none of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// 32 unpredictable bytes, without which nobody can test guessed bodies against the commitment.
    #[serde(with = "hex32")]
    pub salt: [u8; 32],
    /// The recorded JSON, byte for byte as committed to.
    #[serde(with = "base64")]
    pub body: Vec<u8>,
}

impl Opening {
    /// An opening of `body` with a fresh salt.
    pub fn new(body: Vec<u8>, entropy: &dyn terms::Entropy) -> Self {
        let mut salt = [0; 32];
        entropy.fill(&mut salt);
        Self { salt, body }
    }

    /// The commitment that goes into the log.
    pub fn commitment(&self) -> Commitment {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(DOMAIN);
        context.update(&self.salt);
        context.update(&self.body);
        let mut out = [0; 32];
        out.copy_from_slice(context.finish().as_ref());
        Commitment(out)
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opening(…)")
    }
}

mod hex32 {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&terms::hex(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        terms::unhex(&text)
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| D::Error::custom("expected 64 hexadecimal digits"))
    }
}

mod base64 {
    use super::BASE64;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        BASE64.decode(text.as_bytes()).map_err(|_| D::Error::custom("expected base64"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sevens;
    impl terms::Entropy for Sevens {
        fn fill(&self, out: &mut [u8]) {
            out.fill(7);
        }
    }

    #[test]
    fn an_entry_holds_one_size_and_one_body() {
        let opening = Opening::new(b"{\"kind\":\"intake\"}".to_vec(), &Sevens);
        // Pinned: the format must not change. `printf 'bailiwick/ledger/commitment/v1\0'; 32 times \x07; the body`,
        // sha256sum.
        assert_eq!(
            terms::hex(&opening.commitment().0),
            "2a558d19a0c32ed2902b31cedce8b72d168133d0bdc35538637c2f98b75ab29f"
        );
        let entry = opening.commitment().entry();
        assert_eq!(Commitment::from_entry(&entry).unwrap(), opening.commitment());
        for bad in [&entry[..32], &[&entry[..], &[0]].concat(), &[2; 33][..], &[]] {
            assert!(Commitment::from_entry(bad).is_err());
        }
        for other in [
            Opening { body: b"{\"kind\":\"intakf\"}".to_vec(), ..opening.clone() },
            Opening { salt: [8; 32], ..opening.clone() },
        ] {
            assert_ne!(other.commitment(), opening.commitment());
        }
        let json = serde_json::to_string(&opening).unwrap();
        assert_eq!(serde_json::from_str::<Opening>(&json).unwrap(), opening);
        assert_eq!(format!("{opening:?}"), "Opening(…)");
    }
}
