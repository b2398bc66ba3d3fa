//! Unlocking with key holders: the service key sealed to a key of which any two key holders have shares, each share under that
//! person's own passphrase (docs/formats/keys.md, `node.holders`).
//!
//! The key is a pair, so that a service key that takes the place of another is sealed to the same people without them.

use terms::{Entropy, OfficerName, Secret, UnixMillis};
use vault::inside::{Decoder, Encoder};
use vault::{MailError, OfficerError, VaultError};

use crate::account::Stretch;
use crate::crypto::{
    HYBRID_OVERHEAD, Key32, KeyPair, Lanes, PassphraseBox, PassphraseError, PrivateKey, Share, join, open_hybrid, same,
    seal_hybrid, split,
};
use crate::files::{Folder, HOLDERS_FILE, damaged, unreadable};
use crate::node::service_key::ServiceKey;
use crate::officers::roster::{OFFICERS_MAX, OFFICERS_MIN};

/// "Bailiwick vault unlocking", format 1.
const MAGIC: &[u8; 4] = b"BVU\x01";

/// How long the first person's share waits for the second's: long enough to walk to the machine, too short to forget it.
pub(crate) const WAIT_MILLIS: i64 = 10 * 60 * 1000;

/// A person's share that is open, and since when.
pub(crate) struct OpenedPart {
    pub(crate) holder: OfficerName,
    pub(crate) share: Share,
    pub(crate) at: UnixMillis,
}

/// The key holders, any two of whom unlock the vault together.
pub(crate) struct KeyHolders {
    public: [u8; 32],
    /// The service key; two while one is replaced, since nobody knows at which moment the power goes.
    sealed: Vec<Vec<u8>>,
    holders: Vec<(OfficerName, PassphraseBox)>,
}

impl KeyHolders {
    /// Deals shares to `holders` (2 to 9, of different names, each with a passphrase).
    pub(crate) fn deal(
        service_key: &Key32,
        holders: &[(OfficerName, Secret<String>)],
        stretch: Stretch<'_>,
    ) -> Result<Self, VaultError> {
        let names: std::collections::BTreeSet<&OfficerName> = holders.iter().map(|(name, _)| name).collect();
        let count = u8::try_from(holders.len()).map_err(|_| VaultError::Officer(OfficerError::OfficerRoster))?;
        if names.len() != holders.len() || !(OFFICERS_MIN..=OFFICERS_MAX).contains(&holders.len()) {
            return Err(VaultError::Officer(OfficerError::OfficerRoster));
        }
        if holders.iter().any(|(_, passphrase)| passphrase.expose().is_empty()) {
            return Err(VaultError::EmptyPassphrase);
        }
        let pair = KeyPair::generate(stretch.entropy);
        let shares = split(pair.private.expose(), count, stretch.entropy);
        let mut boxes = Vec::with_capacity(holders.len());
        for ((name, passphrase), share) in holders.iter().zip(&shares) {
            let context = share_context(&pair.public, name);
            let (cost, lanes, entropy) = (stretch.cost, stretch.lanes, stretch.entropy);
            let sealed = PassphraseBox::seal(passphrase, &context, share.expose(), cost, lanes, entropy);
            boxes.push((name.clone(), sealed.map_err(|_| VaultError::CostTooHigh)?));
        }
        let mut key_holders = Self { public: pair.public, sealed: Vec::new(), holders: boxes };
        key_holders.seal_keys(&[service_key], stretch.entropy)?;
        Ok(key_holders)
    }

    /// The same people for other service keys. Nobody needs to be there; but only for a file that is
    /// [`verified`](Self::verified), or the keys would go to anyone who swapped it.
    pub(crate) fn seal_keys(&mut self, keys: &[&Key32], entropy: &dyn Entropy) -> Result<(), VaultError> {
        let seal = |key: &&Key32| seal_hybrid(&self.public, &key_info(&self.public), key.as_ref(), entropy);
        self.sealed =
            keys.iter().map(seal).collect::<Result<_, _>>().map_err(|_| VaultError::Mail(MailError::UnusableKey))?;
        Ok(())
    }

    /// Who they are.
    pub(crate) fn names(&self) -> Vec<OfficerName> {
        self.holders.iter().map(|(name, _)| name.clone()).collect()
    }

    /// One person's share.
    pub(crate) fn open_part_of(
        &self,
        holder: &OfficerName,
        passphrase: &Secret<String>,
        lanes: &Lanes,
        at: UnixMillis,
    ) -> Result<OpenedPart, VaultError> {
        let known = self.holders.iter().find(|(name, _)| name == holder);
        let (_, boxed) = known.ok_or_else(|| VaultError::Officer(OfficerError::NoSuchOfficer(holder.clone())))?;
        let share = boxed.open(passphrase, &share_context(&self.public, holder), lanes).map_err(|why| match why {
            PassphraseError::Wrong => VaultError::Officer(OfficerError::WrongOfficerPassphrase(holder.clone())),
            PassphraseError::Damaged => damaged(HOLDERS_FILE),
        })?;
        let share = Share::from_bytes(&share).ok_or_else(|| damaged(HOLDERS_FILE))?;
        Ok(OpenedPart { holder: holder.clone(), share, at })
    }

    /// The service keys, by two people's shares: one, or the new and the old while it is replaced.
    pub(crate) fn service_keys(&self, one: &OpenedPart, two: &OpenedPart) -> Result<Vec<Key32>, VaultError> {
        let private = join(&one.share, &two.share).map_err(|_| damaged(HOLDERS_FILE))?;
        let private = PrivateKey::from_bytes(private.as_ref()).ok_or_else(|| damaged(HOLDERS_FILE))?;
        let open = |sealed: &Vec<u8>| {
            let opened = open_hybrid(&private, &key_info(&self.public), sealed).ok()?;
            let mut key = Key32::default();
            key.copy_from_slice(opened.get(..32)?);
            Some(key)
        };
        self.sealed.iter().map(open).collect::<Option<_>>().ok_or_else(|| damaged(HOLDERS_FILE))
    }

    /// Writes the file. Durable when it returns.
    pub(crate) fn write(&self, folder: &Folder, own: &ServiceKey) -> Result<(), VaultError> {
        let mut body = self.to_bytes();
        let check = own.hash(HOLDERS_FILE, &body);
        body.extend_from_slice(&check);
        folder.write_summed(HOLDERS_FILE, body)
    }

    fn to_bytes(&self) -> Vec<u8> {
        let count = |len: usize| u8::try_from(len).unwrap_or(u8::MAX);
        let mut out = Encoder::new(MAGIC).fixed(&self.public).u8(count(self.sealed.len()));
        for sealed in &self.sealed {
            out = out.bytes(sealed);
        }
        out = out.u8(count(self.holders.len()));
        for (name, boxed) in &self.holders {
            out = out.text(name.as_str()).bytes(boxed.as_bytes());
        }
        out.finish()
    }

    /// Reads the file, if there is one, before there is a service key.
    pub(crate) fn read(folder: &Folder) -> Result<Option<Self>, VaultError> {
        Ok(Self::read_both(folder)?.map(|(key_holders, _)| key_holders))
    }

    /// Reads the file, if there is one, and refuses one that was not written by someone who had a service key.
    pub(crate) fn verified(folder: &Folder, own: &ServiceKey) -> Result<Option<Self>, VaultError> {
        let Some((key_holders, check)) = Self::read_both(folder)? else { return Ok(None) };
        let right = own.hashes(HOLDERS_FILE, &key_holders.to_bytes()).iter().any(|wanted| same(wanted, &check));
        if right { Ok(Some(key_holders)) } else { Err(damaged(HOLDERS_FILE)) }
    }

    fn read_both(folder: &Folder) -> Result<Option<(Self, [u8; 32])>, VaultError> {
        let Some(bytes) = folder.read_summed(HOLDERS_FILE)? else { return Ok(None) };
        Self::parse(&bytes).map(Some).ok_or_else(|| unreadable(HOLDERS_FILE, &[MAGIC], &bytes))
    }

    fn parse(bytes: &[u8]) -> Option<(Self, [u8; 32])> {
        let mut rest = Decoder::new(MAGIC, bytes)?;
        let public = rest.array()?;
        let mut sealed = Vec::new();
        for _ in 0..rest.u8()? {
            sealed.push(rest.bytes()?.to_vec());
        }
        if sealed.iter().any(|sealed| sealed.len() != HYBRID_OVERHEAD + 32) {
            return None;
        }
        let mut holders = Vec::new();
        for _ in 0..rest.u8()? {
            holders.push((rest.text()?.parse().ok()?, PassphraseBox::from_bytes(rest.bytes()?)));
        }
        let check = rest.array()?;
        rest.end()?;
        Some((Self { public, sealed, holders }, check))
    }
}

fn key_info(public: &[u8; 32]) -> Vec<u8> {
    Encoder::new(b"bailiwick/key-holders/v1").fixed(public).finish()
}

fn share_context(public: &[u8; 32], holder: &OfficerName) -> Vec<u8> {
    Encoder::new(b"bailiwick/key-holder/v1").fixed(public).text(holder.as_str()).finish()
}
