//! Clearances: the proof that two different officers approved and that the ledger has it (ARCHITECTURE.md, invariant 2).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use terms::{Clock, Digest, MessageId, OfficerName, Secret, UnixMillis};
use zeroize::Zeroizing;

use crate::VaultError;
use crate::crypto::Key32;
use crate::encode::{Decoder, Encoder};
use crate::folder::{damaged, unreadable};
use crate::message::{KeyAsk, MessageKey};
use crate::order::Order;

/// "Bailiwick vault clearance", format 1.
const MAGIC: &[u8; 4] = b"BVC\x01";

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
    pub(crate) fn new(
        order: Order,
        officers: [OfficerName; 2],
        cleared: UnixMillis,
        keys: Vec<MessageKey>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let keys = keys.into_iter().map(|key| (key.id(), key)).collect();
        Self { order, officers, cleared, keys, clock }
    }

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
    /// [`VaultError::Expired`].
    pub fn check_time(&self) -> Result<(), VaultError> {
        self.order.check_time(self.clock.now())
    }

    /// The key of a message in scope. The time is checked at each call.
    ///
    /// # Errors
    /// [`VaultError::Expired`], and [`VaultError::NotCleared`] for a message that was not asked for.
    pub fn message_key(&self, id: MessageId) -> Result<&MessageKey, VaultError> {
        self.check_time()?;
        self.keys.get(&id).ok_or(VaultError::NotCleared(id))
    }

    /// The octets that are kept, before sealing (docs/formats/keys.md).
    pub(crate) fn to_secret(&self) -> Result<Secret<Vec<u8>>, VaultError> {
        let order =
            serde_json::to_vec(&self.order).map_err(|_| VaultError::Order("it cannot be written as JSON".into()))?;
        let mut out = Zeroizing::new(Vec::with_capacity(512 + order.len() + self.keys.len() * 60));
        let head = Encoder::new(MAGIC)
            .octets(&order)
            .text(self.officers[0].as_str())
            .text(self.officers[1].as_str())
            .i64(self.cleared.0)
            .u32(u32::try_from(self.keys.len()).map_err(|_| VaultError::TooLong)?)
            .finish();
        out.extend_from_slice(&head);
        for key in self.keys.values() {
            let ask = key.ask();
            out.extend_from_slice(&ask.id.0);
            out.extend_from_slice(&ask.epoch.0.to_be_bytes());
            out.extend_from_slice(&ask.arrival.0.to_be_bytes());
            out.extend_from_slice(key.expose());
        }
        Ok(Secret::new(std::mem::take(&mut *out)))
    }

    /// Reads what was kept of the clearance of `order`.
    pub(crate) fn from_bytes(
        file: &str,
        order: Digest,
        bytes: &[u8],
        clock: Arc<dyn Clock>,
    ) -> Result<Self, VaultError> {
        let clearance = Self::parse(bytes, clock).ok_or_else(|| unreadable(file, &[MAGIC], bytes))?;
        if clearance.order.digest() == order { Ok(clearance) } else { Err(damaged(file)) }
    }

    fn parse(bytes: &[u8], clock: Arc<dyn Clock>) -> Option<Self> {
        let mut rest = Decoder::new(MAGIC, bytes)?;
        let order: Order = serde_json::from_slice(rest.octets()?).ok()?;
        let officers = [rest.text()?.parse().ok()?, rest.text()?.parse().ok()?];
        let cleared = UnixMillis(rest.i64()?);
        let mut keys = Vec::new();
        for _ in 0..rest.u32()? {
            let id = MessageId(rest.array()?);
            let epoch = terms::EpochId(rest.u32()?);
            let arrival = UnixMillis(rest.i64()?);
            let mut key = Key32::default();
            key.copy_from_slice(rest.take(32)?);
            keys.push(MessageKey::from_parts(order.account, KeyAsk { epoch, id, arrival }, key));
        }
        rest.end()?;
        Some(Self::new(order, officers, cleared, keys, clock))
    }
}
