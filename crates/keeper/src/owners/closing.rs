//! Closing an account: its keys are overwritten, and with them nobody can open the mail any more. What a case holds is not:
//! the keys of the messages that it holds, and of no other, are sealed to the escrow key first.
//!
//! The store closes the account too, in between. So the vault notes first that the owner is closing it, and of what cases
//! hold then; after an interruption that note is enough to end the keys without the owner, who cannot sign in any more.

use std::sync::PoisonError;

use terms::{AccountId, CaseId, EpochId};
use vault::calls::closing::HeldByCase;
use vault::calls::resets::Calls as _;
use vault::inside::{Decoder, Encoder};
use vault::{Custody, KeyAsk, MailError, Order, OrderError, OwnerError, SealedEpochKey, SessionId, VaultError, calls};
use zeroize::Zeroizing;

use crate::crypto::{
    AeadKey, HYBRID_OVERHEAD, Key32, NONCE_ZERO, PrivateKey, Prk, open_hybrid, random_key, seal_hybrid, sha256,
};
use crate::files::{CLOSING, HELD, account_file, closing_file, damaged, held_file, ring_file, seen_file, unreadable};
use crate::keeper::Keeper;
use crate::owners::sessions::Session;

/// "Bailiwick vault held", format 1.
const MAGIC: &[u8; 4] = b"BVH\x01";

/// "Bailiwick vault, exit", format 1: that an account is being closed.
const NOTE_MAGIC: &[u8; 4] = b"BVX\x01";

impl calls::closing::Calls for Keeper {
    fn close_account_of(
        &self,
        session: SessionId,
        held: &[HeldByCase],
        epochs: &[(EpochId, SealedEpochKey)],
    ) -> Result<(), VaultError> {
        let session = self.sessions.find(session)?;
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        self.hold_all(&session, held, epochs)?;
        self.end_keys(session.account())
    }

    fn begin_closing_of(
        &self,
        session: SessionId,
        held: &[HeldByCase],
        epochs: &[(EpochId, SealedEpochKey)],
    ) -> Result<(), VaultError> {
        let session = self.sessions.find(session)?;
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        self.hold_all(&session, held, epochs)?;
        let note = Encoder::new(NOTE_MAGIC).fixed(&digest_of(held)).finish();
        self.folder.write(&closing_file(session.account()), &note)
    }

    fn closings(&self) -> Result<Vec<AccountId>, VaultError> {
        Ok(self.folder.list(CLOSING)?.iter().filter_map(|name| name.parse().ok()).collect())
    }

    fn finish_closing(&self, account: AccountId, held: &[HeldByCase]) -> Result<(), VaultError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let file = closing_file(account);
        let note = self.folder.read(&file)?.ok_or(VaultError::Owner(OwnerError::NoClosing(account)))?;
        let digest = Decoder::new(NOTE_MAGIC, &note).and_then(|mut rest| {
            let digest: [u8; 32] = rest.array()?;
            rest.end().map(|()| digest)
        });
        let digest = digest.ok_or_else(|| unreadable(&file, &[NOTE_MAGIC], &note))?;
        let nothing = held.iter().all(|(_, asks)| asks.is_empty());
        if self.folder.exists(&account_file(account)) && !nothing && digest != digest_of(held) {
            return Err(VaultError::Owner(OwnerError::HeldChanged(account)));
        }
        self.end_keys(account)
    }

    fn forget_held(&self, case: CaseId) -> Result<(), VaultError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        for (of, account) in self.all_held()? {
            if of == case {
                self.folder.remove(&held_file(of, account))?;
            }
        }
        Ok(())
    }
}

impl Keeper {
    /// Seals for each case what it holds.
    fn hold_all(
        &self,
        session: &Session,
        held: &[HeldByCase],
        epochs: &[(EpochId, SealedEpochKey)],
    ) -> Result<(), VaultError> {
        let account = session.account();
        // Under `owner` custody two officers open nothing before, so they open nothing afterwards either.
        let by_officers = self.account_keys(account)?.custody() != Custody::Owner;
        for (case, asks) in held.iter().filter(|(_, asks)| by_officers && !asks.is_empty()) {
            let keys = session.message_keys(&self.rings(), epochs, asks)?;
            self.hold(*case, account, asks, &keys)?;
        }
        Ok(())
    }

    /// Overwrites what opens an account. The caller holds `changing`.
    fn end_keys(&self, account: AccountId) -> Result<(), VaultError> {
        self.folder.remove(&account_file(account))?;
        // It opens with the account's private key only, which is gone.
        self.folder.remove(&ring_file(account))?;
        self.folder.remove(&seen_file(account))?;
        self.forget_rotation(account)?;
        self.stop_reset(account)?;
        self.remembered.forget(account);
        self.sessions.forget(|session| session.account() == account);
        // Last: as long as it is there, somebody continues.
        self.folder.remove(&closing_file(account))
    }

    /// Seals the keys of held messages to the escrow key.
    fn hold(&self, case: CaseId, account: AccountId, asks: &[KeyAsk], keys: &[Key32]) -> Result<(), VaultError> {
        let mut plain = Zeroizing::new(Vec::with_capacity(4 + asks.len() * 60));
        plain.extend_from_slice(
            &u32::try_from(asks.len()).map_err(|_| VaultError::Mail(MailError::TooLong))?.to_be_bytes(),
        );
        for (ask, key) in asks.iter().zip(keys) {
            plain.extend_from_slice(&ask.id.0);
            plain.extend_from_slice(&ask.epoch.0.to_be_bytes());
            plain.extend_from_slice(&ask.arrival.0.to_be_bytes());
            plain.extend_from_slice(key.as_ref());
        }
        let (key, escrow) = (random_key(&*self.entropy), self.roster().escrow);
        let mut text = Vec::with_capacity(plain.len() + 16);
        text_key(&key).seal_into(NONCE_ZERO, MAGIC, &plain, &mut text);
        self.write_held(case, account, &escrow, &key, &text)
    }

    fn write_held(
        &self,
        case: CaseId,
        account: AccountId,
        escrow: &[u8; 32],
        key: &Key32,
        text: &[u8],
    ) -> Result<(), VaultError> {
        let info = self.held_info(case, account);
        let sealed = seal_hybrid(escrow, &info, key.as_ref(), &*self.entropy)
            .map_err(|_| VaultError::Mail(MailError::UnusableKey))?;
        let file = Encoder::new(MAGIC).u64(case.0).fixed(&account.0).fixed(escrow).fixed(&sealed).bytes(text).finish();
        self.folder.write_checked(&self.own, &held_file(case, account), file)
    }

    fn held_info(&self, case: CaseId, account: AccountId) -> Vec<u8> {
        Encoder::new(b"bailiwick/held/v1").text(self.home.as_str()).u64(case.0).fixed(&account.0).finish()
    }

    /// What a case holds of a closed account, still sealed; `None` when there is nothing.
    fn held(&self, case: CaseId, account: AccountId) -> Result<Option<Held>, VaultError> {
        let file = held_file(case, account);
        let Some(bytes) = self.folder.read_checked(&self.own, &file)? else { return Ok(None) };
        let held = Held::parse(&bytes).filter(|held| held.case == case && held.account == account);
        held.map(Some).ok_or_else(|| unreadable(&file, &[MAGIC], &bytes))
    }

    /// The keys that an order asks for, of a closed account that its case holds.
    pub(crate) fn held_keys(
        &self,
        order: &Order,
        escrow: &PrivateKey,
        asks: &[KeyAsk],
    ) -> Result<Vec<(KeyAsk, Key32)>, VaultError> {
        let account = order.account;
        let held = self.held(order.case, account)?.ok_or(VaultError::Owner(OwnerError::NoSuchAccount(account)))?;
        let refused = || VaultError::Order(OrderError::EscrowDoesNotOpen(account));
        let plain = held.open(&self.held_info(order.case, account), escrow).ok_or_else(refused)?;
        let keys = parse_keys(&plain).ok_or_else(|| damaged(&held_file(order.case, account)))?;
        let key = |ask: &KeyAsk| {
            let (_, key) =
                keys.iter().find(|(held, _)| held == ask).ok_or(VaultError::Order(OrderError::NotHeld(ask.id)))?;
            Ok((*ask, key.clone()))
        };
        asks.iter().map(key).collect()
    }

    fn all_held(&self) -> Result<Vec<(CaseId, AccountId)>, VaultError> {
        let parse = |name: &String| {
            let (case, account) = name.strip_suffix(".keys")?.split_once('-')?;
            Some((CaseId(case.parse().ok()?), account.parse().ok()?))
        };
        Ok(self.folder.list(HELD)?.iter().filter_map(parse).collect())
    }

    /// Seals what is held to the current escrow key, where it is sealed to `old`. The caller holds `changing`.
    pub(crate) fn reseal_held(&self, old: &PrivateKey) -> Result<(), VaultError> {
        for (case, account) in self.all_held()? {
            let Some(held) = self.held(case, account)? else { continue };
            if held.escrow == old.public().map_err(|_| VaultError::Order(OrderError::EscrowDoesNotOpen(account)))? {
                let key = held.open_key(&self.held_info(case, account), old);
                let key = key.ok_or(VaultError::Order(OrderError::EscrowDoesNotOpen(account)))?;
                self.write_held(case, account, &self.roster().escrow, &key, &held.text)?;
            }
        }
        Ok(())
    }
}

/// What is held, whatever the order in which it is told.
fn digest_of(held: &[HeldByCase]) -> [u8; 32] {
    let ids = held.iter().flat_map(|(case, asks)| asks.iter().map(|ask| (case.0, ask.id.0)));
    let ids: std::collections::BTreeSet<(u64, [u8; 16])> = ids.collect();
    let told = ids.iter().fold(Encoder::new(b"bailiwick/closing/v1"), |told, (case, id)| told.u64(*case).fixed(id));
    sha256(&[&told.finish()])
}

/// The keys of held messages, sealed.
struct Held {
    case: CaseId,
    account: AccountId,
    escrow: [u8; 32],
    sealed: Vec<u8>,
    text: Vec<u8>,
}

impl Held {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut rest = Decoder::new(MAGIC, bytes)?;
        let held = Self {
            case: CaseId(rest.array().map(u64::from_be_bytes)?),
            account: AccountId(rest.array()?),
            escrow: rest.array()?,
            sealed: rest.take(HYBRID_OVERHEAD + 32)?.to_vec(),
            text: rest.bytes()?.to_vec(),
        };
        rest.end()?;
        Some(held)
    }

    fn open_key(&self, info: &[u8], escrow: &PrivateKey) -> Option<Key32> {
        let opened = open_hybrid(escrow, info, &self.sealed).ok()?;
        let mut key = Key32::default();
        key.copy_from_slice(opened.get(..32)?);
        Some(key)
    }

    fn open(&self, info: &[u8], escrow: &PrivateKey) -> Option<Zeroizing<Vec<u8>>> {
        let key = self.open_key(info, escrow)?;
        let mut plain = Zeroizing::new(Vec::with_capacity(self.text.len()));
        text_key(&key).open_into(NONCE_ZERO, MAGIC, &self.text, &mut plain).ok()?;
        Some(plain)
    }
}

/// The key of the text. It is fresh with each text, so its one nonce is used once.
fn text_key(key: &Key32) -> AeadKey {
    AeadKey::new(&Prk::from_uniform(key).expand::<32>(&[b"bailiwick/held/v1"]))
}

fn parse_keys(plain: &[u8]) -> Option<Vec<(KeyAsk, Key32)>> {
    let mut rest = Decoder::new(&[], plain)?;
    let mut keys = Vec::new();
    for _ in 0..rest.u32()? {
        let ask = KeyAsk {
            id: terms::MessageId(rest.array()?),
            epoch: EpochId(rest.u32()?),
            arrival: terms::UnixMillis(rest.i64()?),
        };
        keys.push((ask, Zeroizing::new(rest.array()?)));
    }
    rest.end()?;
    Some(keys)
}
