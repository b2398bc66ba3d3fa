//! Officers: who may approve at this home, and what each of them holds alone.
//!
//! The roster names them and has their public halves. Each officer's secrets (the key that signs approvals, the key to
//! which other officers release their shares, and one share of the escrow key) are sealed under that officer's own
//! passphrase, in a file of their own.

use terms::{Jurisdiction, OfficerName, Secret, UnixMillis};
use zeroize::Zeroizing;

use crate::VaultError;
use crate::account::Stretch;
use crate::crypto::{
    KeyPair, Lanes, PassphraseBox, PassphraseError, PrivateHalf, SHARE_LEN, Share, SigningKey, random_key,
};
use crate::encode::{Decoder, Encoder};
use crate::folder::{ROSTER_FILE, damaged, officer_file, unreadable};

/// A home has 2 officers at least, because two must agree, and 9 at most.
pub(crate) const OFFICERS_MIN: usize = 2;
/// See [`OFFICERS_MIN`].
pub(crate) const OFFICERS_MAX: usize = 9;

/// "Bailiwick vault roster", format 1.
const ROSTER_MAGIC: &[u8; 4] = b"BVR\x01";

/// "Bailiwick vault officer", format 1.
const OFFICER_MAGIC: &[u8; 4] = b"BVO\x01";

/// What everybody may know of an officer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfficerPublic {
    /// The officer's name at this desk.
    pub name: OfficerName,
    /// Checks the officer's approvals: Ed25519.
    pub verifying_key: [u8; 32],
    /// Other officers release their shares to it: X25519.
    pub sharing_key: [u8; 32],
    /// Since when.
    pub enrolled: UnixMillis,
}

/// The officers of a home and the public half of its escrow key.
#[derive(Clone)]
pub(crate) struct Roster {
    pub(crate) home: Jurisdiction,
    pub(crate) escrow: [u8; 32],
    pub(crate) officers: Vec<OfficerPublic>,
}

impl Roster {
    pub(crate) fn officer(&self, name: &OfficerName) -> Option<&OfficerPublic> {
        self.officers.iter().find(|officer| officer.name == *name)
    }

    /// The file's octets, without the check at the end (docs/formats/keys.md).
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Encoder::new(ROSTER_MAGIC).text(self.home.as_str()).fixed(&self.escrow);
        out = out.u8(u8::try_from(self.officers.len()).unwrap_or(u8::MAX));
        for officer in &self.officers {
            out = out.text(officer.name.as_str()).fixed(&officer.verifying_key).fixed(&officer.sharing_key);
            out = out.i64(officer.enrolled.0);
        }
        out.finish()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, VaultError> {
        Self::parse(bytes).ok_or_else(|| unreadable(ROSTER_FILE, ROSTER_MAGIC, bytes))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut rest = Decoder::new(ROSTER_MAGIC, bytes)?;
        let home = rest.text()?.parse().ok()?;
        let escrow = rest.array()?;
        let mut officers = Vec::new();
        for _ in 0..rest.u8()? {
            officers.push(OfficerPublic {
                name: rest.text()?.parse().ok()?,
                verifying_key: rest.array()?,
                sharing_key: rest.array()?,
                enrolled: UnixMillis(rest.i64()?),
            });
        }
        rest.end()?;
        Some(Self { home, escrow, officers })
    }
}

/// What an officer holds alone, opened.
pub(crate) struct OfficerSecrets {
    pub(crate) signing: SigningKey,
    pub(crate) sharing: PrivateHalf,
    pub(crate) share: Share,
}

/// An officer's secrets, sealed under the officer's passphrase.
pub(crate) struct OfficerKeys {
    name: OfficerName,
    sealed: PassphraseBox,
}

const SECRETS_LEN: usize = 32 + 32 + SHARE_LEN;

impl OfficerKeys {
    /// Makes an officer's keys and seals them with `share`.
    pub(crate) fn enrol(
        home: &Jurisdiction,
        escrow: &[u8; 32],
        name: OfficerName,
        passphrase: &Secret<String>,
        share: &Share,
        now: UnixMillis,
        stretch: Stretch<'_>,
    ) -> Result<(Self, OfficerPublic), VaultError> {
        let seed = random_key(stretch.entropy);
        let signing = SigningKey::from_seed(&seed).map_err(|_| VaultError::UnusableKey)?;
        let sharing = KeyPair::generate(stretch.entropy);
        let public = OfficerPublic {
            name: name.clone(),
            verifying_key: signing.public(),
            sharing_key: sharing.public,
            enrolled: now,
        };
        let mut plain = Zeroizing::new(Vec::with_capacity(SECRETS_LEN));
        plain.extend_from_slice(seed.as_ref());
        plain.extend_from_slice(sharing.private.expose());
        plain.extend_from_slice(share.expose());
        let context = context(home, escrow, &public);
        let sealed = PassphraseBox::seal(passphrase, &context, &plain, stretch.cost, stretch.lanes, stretch.entropy)
            .map_err(|_| VaultError::CostTooHigh)?;
        Ok((Self { name, sealed }, public))
    }

    /// Opens the secrets with the officer's passphrase. `public` is the officer's line of the roster.
    pub(crate) fn open(
        &self,
        roster: &Roster,
        public: &OfficerPublic,
        passphrase: &Secret<String>,
        lanes: &Lanes,
    ) -> Result<OfficerSecrets, VaultError> {
        let context = context(&roster.home, &roster.escrow, public);
        let plain = self.sealed.open(passphrase, &context, lanes).map_err(|why| match why {
            PassphraseError::Wrong => VaultError::WrongOfficerPassphrase(self.name.clone()),
            PassphraseError::Damaged => damaged(&officer_file(&self.name)),
        })?;
        Self::secrets(&plain)
            .filter(|secrets| secrets.signing.public() == public.verifying_key)
            .ok_or_else(|| damaged(&officer_file(&self.name)))
    }

    fn secrets(plain: &[u8]) -> Option<OfficerSecrets> {
        let mut rest = Decoder::new(&[], plain)?;
        let secrets = OfficerSecrets {
            signing: SigningKey::from_seed(&Zeroizing::new(rest.array()?)).ok()?,
            sharing: PrivateHalf::from_bytes(rest.take(32)?)?,
            share: Share::from_bytes(rest.take(SHARE_LEN)?)?,
        };
        rest.end()?;
        Some(secrets)
    }

    /// The file's octets, without the check at the end (docs/formats/keys.md).
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        Encoder::new(OFFICER_MAGIC).text(self.name.as_str()).octets(self.sealed.as_bytes()).finish()
    }

    /// Reads the file's octets. The file must be `name`'s.
    pub(crate) fn from_bytes(name: &OfficerName, bytes: &[u8]) -> Result<Self, VaultError> {
        Self::parse(name, bytes).ok_or_else(|| unreadable(&officer_file(name), OFFICER_MAGIC, bytes))
    }

    fn parse(name: &OfficerName, bytes: &[u8]) -> Option<Self> {
        let mut rest = Decoder::new(OFFICER_MAGIC, bytes)?;
        if rest.text()? != name.as_str() {
            return None;
        }
        let sealed = PassphraseBox::from_bytes(rest.octets()?);
        rest.end()?;
        Some(Self { name: name.clone(), sealed })
    }
}

/// Binds the sealed secrets to the home, its escrow key and the officer's public halves: a roster that somebody changed
/// does not open them.
fn context(home: &Jurisdiction, escrow: &[u8; 32], public: &OfficerPublic) -> Vec<u8> {
    Encoder::new(b"bailiwick/officer/v1")
        .text(home.as_str())
        .fixed(escrow)
        .text(public.name.as_str())
        .fixed(&public.verifying_key)
        .fixed(&public.sharing_key)
        .finish()
}
