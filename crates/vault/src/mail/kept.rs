//! Message keys that the node's own process keeps for owners who are signed in: a client that reads one message after another
//! would otherwise go to the vault's process and back for each, which costs more than opening it.
//!
//! All sessions of an owner share them. They are wiped with the owner's last session, when nobody asked for any in the
//! last minute or two, when the account is closed, and when the vault's process is started again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use terms::{AccountId, MessageId};

use crate::crypto::Key32;
use crate::mail::message::{KeyAsk, MessageKey};

/// How many keys are kept for an owner: of a mailbox that is read from end to end, without asking twice. About three
/// megabytes, for owners who read that much.
const KEPT_MAX: usize = 32 * 1024;

/// What is kept, by owner.
#[derive(Default)]
pub(crate) struct Registry(Mutex<HashMap<AccountId, Weak<KeptKeys>>>);

impl Registry {
    fn owners(&self) -> MutexGuard<'_, HashMap<AccountId, Weak<KeptKeys>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys of an owner, for a new session: shared with the others that are open.
    pub(crate) fn enter(&self, account: AccountId) -> Arc<KeptKeys> {
        let mut owners = self.owners();
        if let Some(kept) = owners.get(&account).and_then(Weak::upgrade) {
            return kept;
        }
        owners.retain(|_, kept| kept.strong_count() > 0);
        let kept = Arc::new(KeptKeys::default());
        owners.insert(account, Arc::downgrade(&kept));
        kept
    }

    /// Wipes the keys of an owner. The sessions that are open keep none from now on.
    pub(crate) fn end(&self, account: AccountId) {
        let ended = self.owners().remove(&account);
        if let Some(kept) = ended.and_then(|kept| kept.upgrade()) {
            kept.end();
        }
    }

    /// As [`end`](Self::end), for all owners.
    pub(crate) fn end_all(&self) {
        let ended: Vec<Weak<KeptKeys>> = self.owners().drain().map(|(_, kept)| kept).collect();
        ended.iter().filter_map(Weak::upgrade).for_each(|kept| kept.end());
    }

    /// Wipes the keys of owners who did not ask since the last call.
    pub(crate) fn forget_unused(&self) {
        let all: Vec<Arc<KeptKeys>> = self.owners().values().filter_map(Weak::upgrade).collect();
        all.iter().for_each(|kept| kept.forget_unused());
    }
}

/// The keys of one owner.
#[derive(Default)]
pub(crate) struct KeptKeys(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// Nothing is kept any more.
    over: bool,
    /// Somebody asked since the last look.
    asked: bool,
    /// Keys that came together, the oldest first. They do not move, so that no copy stays behind when a table grows.
    blocks: VecDeque<Box<[(KeyAsk, Key32)]>>,
    /// The number of the first block.
    first: u64,
    /// How many keys the blocks have.
    count: usize,
    /// In which block, and where in it.
    by_id: HashMap<MessageId, (u64, usize)>,
}

impl KeptKeys {
    fn inner(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys of these messages, in their order; `None` when one is not kept.
    pub(crate) fn find(&self, account: AccountId, asks: &[KeyAsk]) -> Option<Vec<MessageKey>> {
        let mut inner = self.inner();
        inner.asked = true;
        asks.iter().map(|ask| Some(MessageKey::from_parts(account, *ask, inner.key(ask)?.clone()))).collect()
    }

    /// Keeps keys, and in their place forgets the oldest.
    pub(crate) fn keep(&self, keys: &[MessageKey]) {
        let mut inner = self.inner();
        if inner.over || keys.is_empty() || keys.len() > KEPT_MAX {
            return;
        }
        while inner.count + keys.len() > KEPT_MAX && inner.forget_oldest() {}
        let number = inner.first + inner.blocks.len() as u64;
        inner.by_id.extend(keys.iter().enumerate().map(|(at, key)| (key.id(), (number, at))));
        inner.count += keys.len();
        let block = keys.iter().map(|key| (key.ask(), Key32::new(*key.expose())));
        inner.blocks.push_back(block.collect());
    }

    fn end(&self) {
        *self.inner() = Kept { over: true, ..Kept::default() };
    }

    fn forget_unused(&self) {
        let mut inner = self.inner();
        if !std::mem::take(&mut inner.asked) {
            *inner = Kept { over: inner.over, ..Kept::default() };
        }
    }
}

impl Kept {
    /// The key of exactly this ask: epoch and arrival are bound into a key.
    fn key(&self, ask: &KeyAsk) -> Option<&Key32> {
        let (block, at) = self.by_id.get(&ask.id)?;
        let block = self.blocks.get(usize::try_from(block.checked_sub(self.first)?).ok()?)?;
        let (asked, key) = block.get(*at)?;
        (asked == ask).then_some(key)
    }

    /// Forgets the oldest block; `false` when there is none.
    fn forget_oldest(&mut self) -> bool {
        let Some(block) = self.blocks.pop_front() else { return false };
        let number = self.first;
        self.first += 1;
        self.count -= block.len();
        for (ask, _) in &block {
            // A message that came again stands in a later block.
            if self.by_id.get(&ask.id).is_some_and(|(of, _)| *of == number) {
                self.by_id.remove(&ask.id);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use terms::{EpochId, UnixMillis};

    use super::*;

    const OWNER: AccountId = AccountId([7; 16]);

    fn ask(number: u32) -> KeyAsk {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        KeyAsk { epoch: EpochId(1), id: MessageId(id), arrival: UnixMillis(number.into()) }
    }

    fn keys(numbers: std::ops::Range<u32>) -> Vec<MessageKey> {
        let key = |number: u32| MessageKey::from_parts(OWNER, ask(number), Key32::new([number as u8; 32]));
        numbers.map(key).collect()
    }

    fn has(kept: &KeptKeys, numbers: &[u32]) -> bool {
        let asks: Vec<KeyAsk> = numbers.iter().copied().map(ask).collect();
        let found = kept.find(OWNER, &asks);
        for (key, number) in found.iter().flatten().zip(numbers) {
            assert_eq!((key.ask(), key.expose()), (ask(*number), &[*number as u8; 32]));
        }
        found.is_some()
    }

    #[test]
    fn what_was_kept_is_found_and_nothing_else() {
        let kept = KeptKeys::default();
        kept.keep(&keys(0..10));
        kept.keep(&keys(5..20));
        assert!(has(&kept, &[0, 19, 7]) && !has(&kept, &[3, 20]));
        let other = KeyAsk { arrival: UnixMillis(99), ..ask(3) };
        assert!(kept.find(OWNER, &[other]).is_none(), "another arrival is another key");
        let other = KeyAsk { epoch: EpochId(2), ..ask(3) };
        assert!(kept.find(OWNER, &[other]).is_none(), "another epoch is another key");
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many() {
        let kept = KeptKeys::default();
        kept.keep(&keys(0..10));
        kept.keep(&keys(5..100));
        kept.keep(&keys(100..100 + KEPT_MAX as u32 - 95));
        assert!(!has(&kept, &[0]) && has(&kept, &[5, 99, 100]));
        let mut inner = kept.inner();
        while inner.forget_oldest() {}
        assert_eq!((inner.count, inner.by_id.len()), (0, 0));
    }

    #[test]
    fn sessions_of_an_owner_share_and_an_end_is_an_end() {
        let registry = Registry::default();
        let one = registry.enter(OWNER);
        let two = registry.enter(OWNER);
        one.keep(&keys(0..4));
        assert!(has(&two, &[2]));
        registry.forget_unused();
        assert!(has(&two, &[2]), "somebody had asked");
        registry.forget_unused();
        registry.forget_unused();
        assert!(!has(&two, &[2]));
        one.keep(&keys(0..4));
        registry.end(OWNER);
        one.keep(&keys(0..4));
        assert!(!has(&one, &[2]) && !has(&two, &[2]), "what is over stays over");
        let three = registry.enter(OWNER);
        three.keep(&keys(0..4));
        assert!(has(&three, &[2]) && !has(&one, &[2]));
        registry.end_all();
        assert!(!has(&three, &[2]));
        drop(three);
        let four = registry.enter(OWNER);
        four.keep(&keys(0..4));
        drop(four);
        assert!(!has(&registry.enter(OWNER), &[2]), "they went with the last session");
    }
}
