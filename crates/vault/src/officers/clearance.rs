//! Clearances: the proof that two different officers approved and that the ledger has it (ARCHITECTURE.md, invariant 2).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use terms::{Clock, Digest, EpochId, MessageId, OfficerName, Secret, UnixMillis};
use zeroize::Zeroizing;

use crate::crypto::Key32;
use crate::encode::{Decoder, Encoder};
use crate::mail::message::{KeyAsk, MessageKey};
use crate::officers::order::Order;
use crate::{MailError, OrderError, VaultError};

/// What a case may open: the message keys of one order's scope, until the order's time ends. Made by the vault alone, by
/// `clear` from two proven approvals, or by `clearance` from what it kept of one.
///
/// ```compile_fail,E0451
/// let forged = vault::Clearance { order: todo!(), officers: todo!(), cleared: todo!(), keys: todo!(), clock: todo!() };
/// ```
///
/// Not `Clone`, and `Debug` prints the order's digest only; its keys are wiped when it is dropped.
pub struct Clearance {
    order: Order,
    officers: [OfficerName; 2],
    cleared: UnixMillis,
    keys: BTreeMap<MessageId, MessageKey>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Clearance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clearance({})", self.order.digest())
    }
}

impl Clearance {
    /// What was approved.
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// The two officers who approved.
    pub fn officers(&self) -> &[OfficerName; 2] {
        &self.officers
    }

    /// When the vault cleared it.
    pub fn cleared(&self) -> UnixMillis {
        self.cleared
    }

    /// The messages it opens, in the order of their ids.
    pub fn messages(&self) -> impl ExactSizeIterator<Item = MessageId> + '_ {
        self.keys.keys().copied()
    }

    /// Whether its time has not ended.
    ///
    /// # Errors
    /// `OrderError::Expired`.
    pub fn check_time(&self) -> Result<(), VaultError> {
        self.order.check_time(self.clock.now())
    }

    /// The key of a message in scope. The time is checked at each call.
    ///
    /// # Errors
    /// `OrderError::Expired`, and `OrderError::NotCleared` for a message that was not asked for.
    pub fn message_key(&self, id: MessageId) -> Result<&MessageKey, VaultError> {
        self.check_time()?;
        self.keys.get(&id).ok_or(VaultError::Order(OrderError::NotCleared(id)))
    }

    /// What the keeper gave, which is kept while the order's time lasts; `None` when it is none, or of another order.
    pub(crate) fn from_bytes(order: Digest, bytes: &[u8], clock: Arc<dyn Clock>) -> Option<Self> {
        let Cleared { order: cleared_order, officers, cleared, keys } = Cleared::from_bytes(bytes)?;
        let account = cleared_order.account;
        let keys = keys.into_iter().map(|(ask, key)| (ask.id, MessageKey::from_parts(account, ask, key)));
        (cleared_order.digest() == order).then(|| Self {
            order: cleared_order,
            officers,
            cleared,
            keys: keys.collect(),
            clock,
        })
    }

    /// The bytes that are kept.
    pub(crate) fn to_secret(&self) -> Result<Secret<Vec<u8>>, VaultError> {
        let keys = self.keys.values().map(|key| (key.ask(), key.expose()));
        write(&self.order, &self.officers, self.cleared, keys)
    }
}

/// A clearance as the keeper makes it and keeps it: it opens nothing before the vault's handle has it.
#[allow(missing_docs, reason = "as in a clearance")]
pub struct Cleared {
    pub order: Order,
    pub officers: [OfficerName; 2],
    pub cleared: UnixMillis,
    pub keys: Vec<(KeyAsk, Key32)>,
}

impl Cleared {
    /// The first bytes of what is kept: "Bailiwick vault clearance", format 1.
    pub const MAGIC: &[u8; 4] = b"BVC\x01";

    /// The bytes that are kept, before sealing (docs/formats/keys.md).
    ///
    /// # Errors
    /// `OrderError::Malformed`, `MailError::TooLong`.
    pub fn to_secret(&self) -> Result<Secret<Vec<u8>>, VaultError> {
        let keys = self.keys.iter().map(|(ask, key)| (*ask, &**key));
        write(&self.order, &self.officers, self.cleared, keys)
    }

    /// Reads what was kept.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut rest = Decoder::new(Self::MAGIC, bytes)?;
        let order: Order = serde_json::from_slice(rest.bytes()?).ok()?;
        let officers = [rest.text()?.parse().ok()?, rest.text()?.parse().ok()?];
        let cleared = UnixMillis(rest.i64()?);
        let mut keys = Vec::new();
        for _ in 0..rest.u32()? {
            let id = MessageId(rest.array()?);
            let epoch = EpochId(rest.u32()?);
            let arrival = UnixMillis(rest.i64()?);
            let mut key = Key32::default();
            key.copy_from_slice(rest.take(32)?);
            keys.push((KeyAsk { epoch, id, arrival }, key));
        }
        rest.end()?;
        Some(Self { order, officers, cleared, keys })
    }
}

fn write<'k>(
    order: &Order,
    officers: &[OfficerName; 2],
    cleared: UnixMillis,
    keys: impl ExactSizeIterator<Item = (KeyAsk, &'k [u8; 32])>,
) -> Result<Secret<Vec<u8>>, VaultError> {
    let order = serde_json::to_vec(order)
        .map_err(|_| VaultError::Order(OrderError::Malformed("it cannot be written as JSON".into())))?;
    let mut out = Zeroizing::new(Vec::with_capacity(512 + order.len() + keys.len() * 60));
    let head = Encoder::new(Cleared::MAGIC)
        .bytes(&order)
        .text(officers[0].as_str())
        .text(officers[1].as_str())
        .i64(cleared.0)
        .u32(u32::try_from(keys.len()).map_err(|_| VaultError::Mail(MailError::TooLong))?)
        .finish();
    out.extend_from_slice(&head);
    for (ask, key) in keys {
        out.extend_from_slice(&ask.id.0);
        out.extend_from_slice(&ask.epoch.0.to_be_bytes());
        out.extend_from_slice(&ask.arrival.0.to_be_bytes());
        out.extend_from_slice(key);
    }
    Ok(Secret::new(std::mem::take(&mut *out)))
}
