//! Officers: who may approve at this home, and what each of them holds alone.
//!
//! The roster names them, has their public keys, and holds each officer's share of the escrow key, sealed to that
//! officer. An officer's own secrets (the key that signs approvals, and the key to which shares are sealed) are in a file
//! of their own, under the officer's passphrase. So new shares can be dealt to officers who are not present, and a
//! deal takes effect in one step, when the roster is replaced.

use std::collections::BTreeMap;

use terms::{Entropy, Jurisdiction, OfficerName, Secret, UnixMillis};
use vault::inside::{Decoder, Encoder};
use vault::{MailError, OfficerError, OfficerPublic, VaultError};
use zeroize::Zeroizing;

use crate::account::Stretch;
use crate::crypto::{
    KeyPair, Lanes, PassphraseBox, PassphraseError, PrivateKey, Share, SigningKey, open_hybrid, random_key, seal_hybrid,
};
use crate::files::{ROSTER_FILE, damaged, officer_file, unreadable};

/// A home has 2 officers at least, because two must agree, and 9 at most.
pub(crate) const OFFICERS_MIN: usize = 2;
/// See [`OFFICERS_MIN`].
pub(crate) const OFFICERS_MAX: usize = 9;

/// Paper shares at most: with the officers' they stay far below the 255 places of a deal, and a drawer is not an archive.
pub(crate) const PAPER_SHARES_MAX: u8 = 9;

/// "Bailiwick vault roster", format 1.
const ROSTER_MAGIC: &[u8; 4] = b"BVR\x01";

/// "Bailiwick vault officer", format 1.
const OFFICER_MAGIC: &[u8; 4] = b"BVO\x01";

/// What the roster keeps of an officer beside that.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Seat {
    /// The officer's share of the present deal, sealed to the officer's sharing key. Empty before the first deal.
    pub(crate) share: Vec<u8>,
    /// How many entries the ledger had when the enrolment was recorded: an approval that counts stands behind them.
    pub(crate) entries: u64,
}

/// An escrow key that is being replaced: opened by anyone who has the new one, until every account is sealed to that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Previous {
    pub(crate) public: [u8; 32],
    /// Its private key, sealed to the new key.
    pub(crate) sealed: Vec<u8>,
}

/// The officers of a home and the public key of its escrow key.
#[derive(Clone)]
pub(crate) struct Roster {
    pub(crate) home: Jurisdiction,
    pub(crate) escrow: [u8; 32],
    /// Counts the deals of shares, from 1.
    pub(crate) deal: u32,
    /// How many shares of this deal are on paper. Their places follow the officers'.
    pub(crate) paper_shares: u8,
    pub(crate) previous: Option<Previous>,
    pub(crate) officers: Vec<OfficerPublic>,
    pub(crate) seats: BTreeMap<OfficerName, Seat>,
}

impl Roster {
    /// The roster of a new home, before shares are dealt.
    pub(crate) fn new(home: Jurisdiction, escrow: [u8; 32]) -> Self {
        let (officers, seats) = (Vec::new(), BTreeMap::new());
        Self { home, escrow, deal: 0, paper_shares: 0, previous: None, officers, seats }
    }

    pub(crate) fn officer(&self, name: &OfficerName) -> Option<&OfficerPublic> {
        self.officers.iter().find(|officer| officer.name == *name)
    }

    /// An officer whose approvals count at `now`.
    pub(crate) fn in_power(&self, name: &OfficerName, now: UnixMillis) -> Result<&OfficerPublic, VaultError> {
        let officer =
            self.officer(name).ok_or_else(|| VaultError::Officer(OfficerError::NoSuchOfficer(name.clone())))?;
        if now < officer.in_power {
            return Err(VaultError::Officer(OfficerError::NotInPower {
                officer: name.clone(),
                until: officer.in_power,
            }));
        }
        Ok(officer)
    }

    pub(crate) fn add(&mut self, officer: OfficerPublic, entries: u64) {
        self.seats.insert(officer.name.clone(), Seat { share: Vec::new(), entries });
        self.officers.push(officer);
    }

    pub(crate) fn remove(&mut self, name: &OfficerName) {
        self.officers.retain(|officer| officer.name != *name);
        self.seats.remove(name);
    }

    /// Deals new shares of `escrow` on a new polynomial: one to each officer, sealed to that officer, and `paper_shares` that are
    /// handed out. No share of an earlier deal joins with one of this.
    pub(crate) fn deal(
        &mut self,
        escrow: &KeyPair,
        paper_shares: u8,
        entropy: &dyn Entropy,
    ) -> Result<Vec<Share>, VaultError> {
        let count = u8::try_from(self.officers.len()).map_err(|_| VaultError::Officer(OfficerError::OfficerRoster))?;
        let mut shares = crate::crypto::split(escrow.private.expose(), count + paper_shares, entropy);
        let on_paper = shares.split_off(usize::from(count));
        self.escrow = escrow.public;
        self.deal += 1;
        self.paper_shares = paper_shares;
        for (officer, share) in self.officers.iter().zip(&shares) {
            let info = self.share_info(officer);
            let sealed = seal_hybrid(&officer.sharing_key, &info, share.expose(), entropy);
            let sealed = sealed.map_err(|_| VaultError::Mail(MailError::UnusableKey))?;
            self.seats.entry(officer.name.clone()).or_default().share = sealed;
        }
        Ok(on_paper)
    }

    /// Binds a sealed share to the home, its escrow key, the deal and the officer.
    fn share_info(&self, officer: &OfficerPublic) -> Vec<u8> {
        Encoder::new(b"bailiwick/share/v1")
            .text(self.home.as_str())
            .fixed(&self.escrow)
            .u32(self.deal)
            .text(officer.name.as_str())
            .fixed(&officer.sharing_key)
            .finish()
    }

    /// The info under which an escrow key's predecessor is sealed to it.
    pub(crate) fn previous_info(home: &Jurisdiction, previous: &[u8; 32], escrow: &[u8; 32]) -> Vec<u8> {
        Encoder::new(b"bailiwick/previous-escrow/v1").text(home.as_str()).fixed(previous).fixed(escrow).finish()
    }

    /// The escrow key before this one, by this one's private key; `None` when none is being replaced.
    pub(crate) fn open_previous(&self, escrow: &PrivateKey) -> Option<PrivateKey> {
        let previous = self.previous.as_ref()?;
        let info = Self::previous_info(&self.home, &previous.public, &self.escrow);
        PrivateKey::from_bytes(&open_hybrid(escrow, &info, &previous.sealed).ok()?)
    }

    /// The file's bytes, without the check at the end (docs/formats/keys.md).
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Encoder::new(ROSTER_MAGIC).text(self.home.as_str()).fixed(&self.escrow);
        out = out.u32(self.deal).u8(self.paper_shares);
        out = match &self.previous {
            None => out.u8(0),
            Some(previous) => out.u8(1).fixed(&previous.public).bytes(&previous.sealed),
        };
        out = out.u8(u8::try_from(self.officers.len()).unwrap_or(u8::MAX));
        for officer in &self.officers {
            let seat = self.seats.get(&officer.name).cloned().unwrap_or_default();
            out = out.text(officer.name.as_str()).fixed(&officer.verifying_key).fixed(&officer.sharing_key);
            out = out.i64(officer.enrolled.0).i64(officer.in_power.0).u64(seat.entries);
            out = out.bytes(&seat.share);
        }
        out.finish()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, VaultError> {
        Self::parse(bytes).ok_or_else(|| unreadable(ROSTER_FILE, &[ROSTER_MAGIC], bytes))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut rest = Decoder::new(ROSTER_MAGIC, bytes)?;
        let mut roster = Self::new(rest.text()?.parse().ok()?, rest.array()?);
        roster.deal = rest.u32()?;
        roster.paper_shares = rest.u8()?;
        roster.previous = match rest.u8()? {
            0 => None,
            1 => Some(Previous { public: rest.array()?, sealed: rest.bytes()?.to_vec() }),
            _ => return None,
        };
        for _ in 0..rest.u8()? {
            let officer = OfficerPublic {
                name: rest.text()?.parse().ok()?,
                verifying_key: rest.array()?,
                sharing_key: rest.array()?,
                enrolled: UnixMillis(rest.i64()?),
                in_power: UnixMillis(rest.i64()?),
            };
            let (entries, share) = (rest.array().map(u64::from_be_bytes)?, rest.bytes()?);
            roster.seats.insert(officer.name.clone(), Seat { share: share.to_vec(), entries });
            roster.officers.push(officer);
        }
        rest.end()?;
        Some(roster)
    }
}

/// What an officer holds alone, opened.
pub(crate) struct OfficerSecrets {
    pub(crate) signing: SigningKey,
    pub(crate) sharing: PrivateKey,
    pub(crate) share: Share,
}

/// An officer's own two secrets.
struct Own {
    seed: Zeroizing<[u8; 32]>,
    sharing: PrivateKey,
}

/// An officer's secrets, sealed under the officer's passphrase.
pub(crate) struct OfficerKeys {
    name: OfficerName,
    sealed: PassphraseBox,
}

impl OfficerKeys {
    /// Makes an officer's keys. The officer is in power from `in_power` on.
    pub(crate) fn enrol(
        home: &Jurisdiction,
        name: OfficerName,
        passphrase: &Secret<String>,
        now: UnixMillis,
        in_power: UnixMillis,
        stretch: Stretch<'_>,
    ) -> Result<(Self, OfficerPublic), VaultError> {
        let seed = random_key(stretch.entropy);
        let signing = SigningKey::from_seed(&seed).map_err(|_| VaultError::Mail(MailError::UnusableKey))?;
        let sharing = KeyPair::generate(stretch.entropy);
        let public = OfficerPublic {
            name,
            verifying_key: signing.public(),
            sharing_key: sharing.public,
            enrolled: now,
            in_power,
        };
        let own = Own { seed, sharing: sharing.private };
        Ok((Self::seal(home, &public, &own, passphrase, stretch)?, public))
    }

    fn seal(
        home: &Jurisdiction,
        public: &OfficerPublic,
        own: &Own,
        passphrase: &Secret<String>,
        stretch: Stretch<'_>,
    ) -> Result<Self, VaultError> {
        let plain = Zeroizing::new([own.seed.as_ref(), &own.sharing.expose()[..]].concat());
        let context = context(home, public);
        let sealed = PassphraseBox::seal(passphrase, &context, &plain, stretch.cost, stretch.lanes, stretch.entropy)
            .map_err(|_| VaultError::CostTooHigh)?;
        Ok(Self { name: public.name.clone(), sealed })
    }

    /// Opens the secrets with the officer's passphrase. `public` is the officer's line of the roster.
    pub(crate) fn open(
        &self,
        roster: &Roster,
        public: &OfficerPublic,
        passphrase: &Secret<String>,
        lanes: &Lanes,
    ) -> Result<OfficerSecrets, VaultError> {
        let own = self.unseal(&roster.home, public, passphrase, lanes)?;
        let damaged = || damaged(&officer_file(&self.name));
        let sealed = roster.seats.get(&public.name).map(|seat| seat.share.as_slice()).unwrap_or_default();
        let share = open_hybrid(&own.sharing, &roster.share_info(public), sealed).map_err(|_| damaged())?;
        let share = Share::from_bytes(&share);
        let signing = SigningKey::from_seed(&own.seed).map_err(|_| damaged())?;
        Ok(OfficerSecrets { signing, sharing: own.sharing, share: share.ok_or_else(damaged)? })
    }

    /// The same secrets under another passphrase.
    pub(crate) fn reseal(
        &self,
        home: &Jurisdiction,
        public: &OfficerPublic,
        (old, new): (&Secret<String>, &Secret<String>),
        stretch: Stretch<'_>,
    ) -> Result<Self, VaultError> {
        let own = self.unseal(home, public, old, stretch.lanes)?;
        Self::seal(home, public, &own, new, stretch)
    }

    fn unseal(
        &self,
        home: &Jurisdiction,
        public: &OfficerPublic,
        passphrase: &Secret<String>,
        lanes: &Lanes,
    ) -> Result<Own, VaultError> {
        let damaged = || damaged(&officer_file(&self.name));
        let plain = self.sealed.open(passphrase, &context(home, public), lanes).map_err(|why| match why {
            PassphraseError::Wrong => VaultError::Officer(OfficerError::WrongOfficerPassphrase(self.name.clone())),
            PassphraseError::Damaged => damaged(),
        })?;
        let own = parse_secrets(&plain).ok_or_else(damaged)?;
        let fits = SigningKey::from_seed(&own.seed).is_ok_and(|signing| signing.public() == public.verifying_key);
        if fits { Ok(own) } else { Err(damaged()) }
    }

    /// The file's bytes, without the check at the end (docs/formats/keys.md).
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        Encoder::new(OFFICER_MAGIC).text(self.name.as_str()).bytes(self.sealed.as_bytes()).finish()
    }

    /// Reads the file's bytes. The file must be `name`'s.
    pub(crate) fn from_bytes(name: &OfficerName, bytes: &[u8]) -> Result<Self, VaultError> {
        Self::parse(name, bytes).ok_or_else(|| unreadable(&officer_file(name), &[OFFICER_MAGIC], bytes))
    }

    fn parse(name: &OfficerName, bytes: &[u8]) -> Option<Self> {
        let mut rest = Decoder::new(OFFICER_MAGIC, bytes)?;
        if rest.text()? != name.as_str() {
            return None;
        }
        let sealed = PassphraseBox::from_bytes(rest.bytes()?);
        rest.end()?;
        Some(Self { name: name.clone(), sealed })
    }
}

fn parse_secrets(plain: &[u8]) -> Option<Own> {
    let mut rest = Decoder::new(&[], plain)?;
    let own = Own { seed: Zeroizing::new(rest.array()?), sharing: PrivateKey::from_bytes(rest.take(32)?)? };
    rest.end()?;
    Some(own)
}

/// Binds the sealed secrets to the home and the officer's public keys: a roster that somebody changed does not open
/// them.
fn context(home: &Jurisdiction, public: &OfficerPublic) -> Vec<u8> {
    Encoder::new(b"bailiwick/officer/v1")
        .text(home.as_str())
        .text(public.name.as_str())
        .fixed(&public.verifying_key)
        .fixed(&public.sharing_key)
        .finish()
}
