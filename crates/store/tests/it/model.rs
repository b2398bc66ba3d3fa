//! The store against a model that is too simple to be wrong, over random operations and restarts.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use store::{CompactionPlan, FlagChange, FlagSet, Limit, Limits, MailboxView, Policy, Settings, StoreError};
use terms::{AccountId, CaseId, Clock, MailboxId, UnixMillis};
use vault::SignedIn;

use crate::house::{House, seen};

#[derive(Debug, Clone)]
enum Step {
    Append {
        mailbox: usize,
        count: usize,
        flags: FlagSet,
    },
    Flags {
        mailbox: usize,
        picks: Picks,
        change: FlagChange,
    },
    Transfer {
        from: usize,
        picks: Picks,
        to: usize,
        moves: bool,
    },
    Expunge {
        mailbox: usize,
        picks: Picks,
    },
    ExpungeDeleted {
        mailbox: usize,
    },
    Create {
        name: usize,
    },
    Delete {
        name: usize,
    },
    Rename {
        from: usize,
        to: usize,
    },
    Subscribe {
        name: usize,
        subscribed: bool,
    },
    Hold {
        case: u64,
        from: i64,
        until: i64,
    },
    Release {
        case: u64,
    },
    /// Restore messages from the bin: those whose number leaves this remainder.
    Restore {
        picks: Picks,
    },
    /// A session looks at a mailbox, or looks again.
    Look {
        session: usize,
        mailbox: usize,
    },
    Refresh {
        session: usize,
    },
    /// The most messages that the account may have.
    Limit {
        messages: Option<u64>,
    },
    /// Space is reclaimed, which nobody notices.
    Compact,
    Reopen,
    Kill,
}

/// Which UIDs: those that leave this rest by this divisor.
#[derive(Debug, Clone, Copy)]
struct Picks(u32, u32);

/// Sessions, each with a view of its own.
const SESSIONS: usize = 4;

const NAMES: [&str; 5] = ["INBOX", "a", "a/b", "c", "c/d/e"];

fn flags() -> impl Strategy<Value = FlagSet> {
    (0_u8..32, prop::collection::btree_set(prop::sample::select(vec!["k1", "k2", "$K3"]), 0..3))
        .prop_map(|(system, keywords)| FlagSet { system, keywords: keywords.into_iter().map(str::to_owned).collect() })
}

fn step() -> impl Strategy<Value = Step> {
    let (one, picks) = (|| 0_usize..NAMES.len(), || (1_u32..5, 0_u32..5).prop_map(|(by, rest)| Picks(by, rest)));
    let change = (0..3, flags()).prop_map(|(how, flags)| match how {
        0 => FlagChange::Set(flags),
        1 => FlagChange::Add(flags),
        _ => FlagChange::Remove(flags),
    });
    prop_oneof![
        6 => (one(), 1_usize..300, flags()).prop_map(|(mailbox, count, flags)| Step::Append {
            mailbox,
            // Mostly few; now and then more than a block has.
            count: if count > 270 { count } else { count % 4 + 1 },
            flags,
        }),
        4 => (one(), picks(), change).prop_map(|(mailbox, picks, change)| Step::Flags { mailbox, picks, change }),
        3 => (one(), picks(), one(), any::<bool>())
            .prop_map(|(from, picks, to, moves)| Step::Transfer { from, picks, to, moves }),
        2 => (one(), picks()).prop_map(|(mailbox, picks)| Step::Expunge { mailbox, picks }),
        1 => one().prop_map(|mailbox| Step::ExpungeDeleted { mailbox }),
        3 => one().prop_map(|name| Step::Create { name }),
        1 => one().prop_map(|name| Step::Delete { name }),
        1 => (one(), one()).prop_map(|(from, to)| Step::Rename { from, to }),
        1 => (one(), any::<bool>()).prop_map(|(name, subscribed)| Step::Subscribe { name, subscribed }),
        2 => (1_u64..4, 0_i64..30, 1_i64..30)
            .prop_map(|(case, from, len)| Step::Hold { case, from, until: from + len }),
        1 => (1_u64..4).prop_map(|case| Step::Release { case }),
        2 => picks().prop_map(|picks| Step::Restore { picks }),
        3 => (0..SESSIONS, one()).prop_map(|(session, mailbox)| Step::Look { session, mailbox }),
        3 => (0..SESSIONS).prop_map(|session| Step::Refresh { session }),
        1 => prop::option::of(0_u64..400).prop_map(|messages| Step::Limit { messages }),
        2 => Just(Step::Compact),
        1 => Just(Step::Reopen),
        1 => Just(Step::Kill),
    ]
}

/// The model: what the account should be.
#[derive(Debug, Default)]
struct Model {
    mailboxes: BTreeMap<String, Folder>,
    subscriptions: BTreeSet<String>,
    /// Text and arrival of every message that ever existed.
    messages: Vec<(String, i64)>,
    holds: BTreeMap<u64, BTreeSet<usize>>,
    messages_max: Option<u64>,
    /// Whether what is deleted can be restored, and what is in the bin, by number.
    restorable: bool,
    bin: BTreeMap<u32, Binned>,
    bin_last: u32,
    /// Names of deleted mailboxes.
    gone_names: BTreeMap<u32, String>,
}

#[derive(Debug)]
struct Binned {
    message: usize,
    flags: FlagSet,
    mailbox: u32,
}

/// What a session has been shown: by position UID and flags. It stays so, whatever others do, until it looks again.
struct Session {
    mailbox: usize,
    view: MailboxView,
    shown: Vec<(u32, FlagSet)>,
}

impl Session {
    fn new(mailbox: usize, view: MailboxView) -> Self {
        let shown = view.entries().map(|entry| (entry.uid, (*entry.flags).clone())).collect();
        Self { mailbox, view, shown }
    }

    /// Sequence numbers, UIDs and flags are those that were shown.
    fn check(&self) {
        assert_eq!(self.view.len() as usize, self.shown.len());
        for (at, (uid, flags)) in (0..).zip(&self.shown) {
            let entry = self.view.at(at).unwrap();
            assert_eq!((entry.uid, &*entry.flags), (*uid, flags));
            assert_eq!(self.view.position(*uid), Some(at));
        }
    }

    /// What is told of the difference to a later view of the same mailbox makes of what was shown what is there now.
    fn follow(&mut self, later: MailboxView) {
        let changes = later.changes_after(&self.view);
        assert!(later.highest_modseq() >= self.view.highest_modseq(), "a MODSEQ went back");
        assert!(later.uid_next() >= self.view.uid_next(), "a UID went back");
        let mut rows: BTreeMap<u32, FlagSet> = self.shown.drain(..).collect();
        rows.retain(|uid, _| !changes.vanished.contains(*uid));
        for entry in &changes.changed {
            assert!(entry.modseq > self.view.highest_modseq(), "a change below what was told");
            rows.insert(entry.uid, (*entry.flags).clone());
        }
        let next = Self::new(self.mailbox, later);
        assert!(rows.into_iter().eq(next.shown.iter().cloned()), "the changes lead elsewhere");
        *self = next;
    }
}

#[derive(Debug, Default)]
struct Folder {
    id: u32,
    last_uid: u32,
    /// By UID: message, flags.
    rows: BTreeMap<u32, (usize, FlagSet)>,
    gone: BTreeSet<u32>,
}

impl Folder {
    fn add(&mut self, message: usize, flags: FlagSet) {
        self.last_uid += 1;
        self.rows.insert(self.last_uid, (message, flags));
    }

    fn pick(&self, Picks(by, rest): Picks) -> Vec<u32> {
        (1..=self.last_uid + 2).filter(|uid| uid % by == rest % by).collect()
    }

    fn remove(&mut self, uids: &[u32]) -> Vec<u32> {
        let gone: Vec<u32> = uids.iter().copied().filter(|uid| self.rows.remove(uid).is_some()).collect();
        self.gone.extend(&gone);
        gone
    }
}

impl Model {
    fn live(&self) -> BTreeSet<usize> {
        self.mailboxes.values().flat_map(|folder| folder.rows.values().map(|(message, _)| *message)).collect()
    }

    fn binned(&self) -> BTreeSet<usize> {
        self.bin.values().map(|binned| binned.message).collect()
    }

    fn kept(&self) -> BTreeSet<usize> {
        self.holds.values().flatten().copied().chain(self.live()).chain(self.binned()).collect()
    }

    /// Takes messages out of a mailbox, one after the other: the last copy of each goes to the bin.
    fn expunge(&mut self, name: &str, uids: &[u32]) -> Option<Vec<u32>> {
        let id = self.mailboxes.get(name)?.id;
        let mut gone = Vec::new();
        for &uid in uids {
            let folder = self.mailboxes.get_mut(name)?;
            let Some((message, flags)) = folder.rows.get(&uid).cloned() else { continue };
            gone.extend(folder.remove(&[uid]));
            if self.restorable && !self.live().contains(&message) {
                self.bin_last += 1;
                self.bin.insert(self.bin_last, Binned { message, flags, mailbox: id });
            }
        }
        Some(gone)
    }

    /// The name of a mailbox, whether it exists or was deleted.
    fn name_of(&self, id: u32) -> String {
        let there = self.mailboxes.iter().find(|(_, folder)| folder.id == id).map(|(name, _)| name.clone());
        there.unwrap_or_else(|| self.gone_names[&id].clone())
    }

    /// Whether so many messages more are within the limit.
    fn has_space(&self, more: usize) -> bool {
        let there: usize = self.mailboxes.values().map(|folder| folder.rows.len()).sum();
        more == 0 || self.messages_max.is_none_or(|most| (there + more) as u64 <= most)
    }

    fn renamed(&self, from: &str, to: &str) -> Option<Vec<(String, String)>> {
        let moved = |name: &String| name == from || name.starts_with(&format!("{from}/"));
        let pairs: Vec<(String, String)> = self
            .mailboxes
            .keys()
            .filter(|name| moved(name))
            .map(|name| (name.clone(), format!("{to}{}", &name[from.len()..])))
            .collect();
        let clash = pairs.iter().any(|(_, new)| self.mailboxes.contains_key(new) && !moved(new));
        (!pairs.is_empty() && !clash && from != to).then_some(pairs)
    }
}

struct Run {
    house: House,
    account: AccountId,
    owner: SignedIn,
    model: Model,
    start: UnixMillis,
    mailboxes_made: u32,
    sessions: [Option<Session>; SESSIONS],
}

impl Run {
    fn new(restorable: bool) -> Self {
        let mut house = House::new();
        house.settings = Settings { segment_bytes: 20_000, changes_before_fold: 6, ..Settings::default() };
        let (account, owner) = house.account("ann@example.org");
        let mut model = Model { restorable, ..Model::default() };
        model.mailboxes.insert("INBOX".to_owned(), Folder { id: 1, ..Folder::default() });
        model.subscriptions.insert("INBOX".to_owned());
        let start = house.clock.now();
        let mut this = Self { house, account, owner, model, start, mailboxes_made: 1, sessions: Default::default() };
        this.reopen();
        this
    }

    /// The id by which a test refers to a mailbox: one that never existed, if there is none with that name.
    fn id(&self, name: usize) -> MailboxId {
        MailboxId(self.model.mailboxes.get(NAMES[name]).map_or(9999, |folder| folder.id))
    }

    fn take(&mut self, step: Step) {
        let account = self.account;
        self.house.clock.advance(1000);
        match step {
            Step::Append { mailbox, count, flags } => self.append(mailbox, count, &flags),
            Step::Flags { mailbox, picks, change } => self.flags(mailbox, picks, change),
            Step::Transfer { from, picks, to, moves } => self.transfer(from, picks, to, moves),
            Step::Expunge { mailbox, picks } => {
                let id = self.id(mailbox);
                let uids = self.model.mailboxes.get(NAMES[mailbox]).map_or(vec![1], |folder| folder.pick(picks));
                let expunged = self.house.store().expunge(account, id, &uids).map(|done| done.uids);
                assert_eq!(expunged, self.model.expunge(NAMES[mailbox], &uids).ok_or(StoreError::NoSuchMailbox));
            }
            Step::ExpungeDeleted { mailbox } => {
                let id = self.id(mailbox);
                let expunged = self.house.store().expunge_deleted(account, id, None).map(|done| done.uids);
                let deleted = self.model.mailboxes.get(NAMES[mailbox]).map_or(Vec::new(), |folder| {
                    let deleted = folder.rows.iter().filter(|(_, (_, flags))| flags.is_deleted());
                    deleted.map(|(uid, _)| *uid).collect()
                });
                let gone = self.model.expunge(NAMES[mailbox], &deleted);
                assert_eq!(expunged, gone.ok_or(StoreError::NoSuchMailbox));
            }
            Step::Create { name } => {
                let made = self.house.store().create_mailbox(account, NAMES[name], None).is_ok();
                assert_eq!(made, !self.model.mailboxes.contains_key(NAMES[name]));
                if made {
                    self.mailboxes_made += 1;
                    let folder = Folder { id: self.mailboxes_made, ..Folder::default() };
                    self.model.mailboxes.insert(NAMES[name].to_owned(), folder);
                }
            }
            Step::Delete { name } => {
                let deleted = self.house.store().delete_mailbox(account, NAMES[name]).is_ok();
                assert_eq!(deleted, name != 0 && self.model.mailboxes.contains_key(NAMES[name]));
                if deleted {
                    let uids: Vec<u32> = self.model.mailboxes[NAMES[name]].rows.keys().copied().collect();
                    self.model.expunge(NAMES[name], &uids);
                    let folder = self.model.mailboxes.remove(NAMES[name]).unwrap();
                    self.model.gone_names.insert(folder.id, NAMES[name].to_owned());
                }
            }
            Step::Rename { from, to } => self.rename(NAMES[from], NAMES[to]),
            Step::Subscribe { name, subscribed } => {
                self.house.store().set_subscribed(account, NAMES[name], subscribed).unwrap();
                if subscribed {
                    self.model.subscriptions.insert(NAMES[name].to_owned());
                } else {
                    self.model.subscriptions.remove(NAMES[name]);
                }
            }
            Step::Hold { case, from, until } => {
                let at = |seconds: i64| self.start.plus_millis(seconds * 1000);
                let (from, until) = (at(from), at(until));
                let held = self.house.store().hold(CaseId(case), account, from, until).unwrap();
                let kept = self.model.kept();
                let hold = self.model.holds.entry(case).or_default();
                let messages = &self.model.messages;
                hold.extend(kept.into_iter().filter(|&at| (from.0..until.0).contains(&messages[at].1)));
                assert_eq!(held, hold.len() as u64);
            }
            Step::Release { case } => {
                let released = self.house.store().release_hold(CaseId(case)).unwrap();
                assert_eq!(released, u64::from(self.model.holds.remove(&case).is_some()));
            }
            Step::Restore { picks } => self.restore(picks),
            Step::Look { session, mailbox } => {
                let view = self.house.store().snapshot(account, self.id(mailbox));
                assert_eq!(view.is_ok(), self.model.mailboxes.contains_key(NAMES[mailbox]));
                self.sessions[session] = view.ok().map(|view| Session::new(mailbox, view));
            }
            Step::Refresh { session } => {
                let Some(mut session_now) = self.sessions[session].take() else { return };
                let id = session_now.view.id();
                // The mailbox may be gone, or have another name: the session has its id.
                let there = self.model.mailboxes.values().any(|folder| folder.id == id.0);
                let later = self.house.store().snapshot(account, id);
                assert_eq!(later.is_ok(), there);
                if let Ok(later) = later {
                    session_now.follow(later);
                    self.sessions[session] = Some(session_now);
                }
            }
            Step::Limit { messages } => {
                let messages_limit = messages.map_or(Limit::Unlimited, Limit::At);
                let limits = Limits { bytes: Limit::Policy, messages: messages_limit };
                self.house.store().set_limits(account, limits).unwrap();
                self.model.messages_max = messages;
            }
            Step::Compact => {
                let store = self.house.store();
                let before = store.mailboxes(account).unwrap();
                let plan = CompactionPlan { dead_percent: 20, bytes_per_second: 0 };
                store.compact(&plan, &mut |_, _| true).unwrap();
                assert_eq!(store.mailboxes(account).unwrap(), before);
                let report = store.verify();
                assert!(report.is_sound(), "{:?}", report.damages);
            }
            Step::Reopen => {
                let before = seen(self.house.store(), account);
                // No session outlives its node.
                self.sessions = Default::default();
                self.reopen();
                assert_eq!(seen(self.house.store(), account), before);
            }
            Step::Kill => {
                let before = seen(self.house.store(), account);
                self.house.after_a_kill(|copy| assert_eq!(seen(copy, account), before));
            }
        }
    }

    /// Reopens the store, with the operator's policy.
    fn reopen(&mut self) {
        self.house.reopen();
        let restorable_days = if self.model.restorable { 14 } else { 0 };
        self.house.store().set_policy(Policy { restorable_days, ..Policy::default() });
    }

    fn restore(&mut self, Picks(by, rest): Picks) {
        let numbers: Vec<u32> = self.model.bin.keys().copied().filter(|number| number % by == rest % by).collect();
        let restored = self.house.store().restore(&self.owner, &numbers).map(|restored| restored.messages);
        if !self.model.has_space(numbers.len()) {
            assert_eq!(restored, Err(StoreError::OverQuota));
            return;
        }
        assert_eq!(restored, Ok(numbers.len() as u64));
        let mut groups: BTreeMap<u32, Vec<Binned>> = BTreeMap::new();
        for number in numbers {
            let binned = self.model.bin.remove(&number).unwrap();
            groups.entry(binned.mailbox).or_default().push(binned);
        }
        for (mailbox, group) in groups {
            let name = self.model.name_of(mailbox);
            let made = &mut self.mailboxes_made;
            let folder = self.model.mailboxes.entry(name).or_insert_with(|| {
                *made += 1;
                Folder { id: *made, ..Folder::default() }
            });
            let undelete = FlagChange::Remove(FlagSet::system(FlagSet::DELETED));
            group.into_iter().for_each(|binned| folder.add(binned.message, undelete.after(&binned.flags)));
        }
    }

    fn append(&mut self, mailbox: usize, count: usize, flags: &FlagSet) {
        let first = self.model.messages.len();
        let id = self.id(mailbox);
        let one = |n: usize| {
            let mut message = self.house.message(self.account, id, &format!("message {}", first + n));
            message.flags = flags.clone();
            message
        };
        let stored = self.house.store().append((0..count).map(one).collect());
        let now = self.house.clock.now().0;
        let has_space = self.model.has_space(count);
        let Some(folder) = self.model.mailboxes.get_mut(NAMES[mailbox]) else {
            assert!(matches!(stored, Err(StoreError::NoSuchMailbox | StoreError::OverQuota)), "{stored:?}");
            return;
        };
        if !has_space {
            assert_eq!(stored, Err(StoreError::OverQuota));
            return;
        }
        for (n, appended) in stored.unwrap().into_iter().enumerate() {
            self.model.messages.push((format!("message {}", first + n), now));
            folder.add(first + n, flags.clone());
            assert_eq!((appended.mailbox, appended.uid), (id, folder.last_uid));
        }
    }

    fn flags(&mut self, mailbox: usize, picks: Picks, change: FlagChange) {
        let id = self.id(mailbox);
        let folder = self.model.mailboxes.get_mut(NAMES[mailbox]);
        let uids = folder.as_ref().map_or(vec![1], |folder| folder.pick(picks));
        let flagged = self.house.store().change_flags(self.account, id, &uids, change.clone(), None);
        let Some(folder) = folder else {
            assert_eq!(flagged, Err(StoreError::NoSuchMailbox));
            return;
        };
        let mut changed = Vec::new();
        for uid in uids {
            if let Some((_, flags)) = folder.rows.get_mut(&uid) {
                let after = change.after(flags);
                if after != *flags {
                    *flags = after;
                    changed.push(uid);
                }
            }
        }
        let flagged = flagged.unwrap();
        assert_eq!(flagged.changed, changed);
        assert_eq!(flagged.modseq.is_some(), !changed.is_empty());
    }

    fn transfer(&mut self, from: usize, picks: Picks, to: usize, moves: bool) {
        let (source, target) = (self.id(from), self.id(to));
        let uids = self.model.mailboxes.get(NAMES[from]).map_or(vec![1], |folder| folder.pick(picks));
        let store = self.house.store();
        let done = if moves {
            store.move_(self.account, source, &uids, target)
        } else {
            store.copy(self.account, source, &uids, target)
        };
        let picked = self
            .model
            .mailboxes
            .get(NAMES[from])
            .map_or(0, |folder| uids.iter().filter(|uid| folder.rows.contains_key(uid)).count());
        let has_space = moves || self.model.has_space(picked);
        let names = &mut self.model.mailboxes;
        if !names.contains_key(NAMES[from]) || !names.contains_key(NAMES[to]) {
            assert_eq!(done, Err(StoreError::NoSuchMailbox));
            return;
        }
        if !has_space {
            assert_eq!(done, Err(StoreError::OverQuota));
            return;
        }
        let rows: Vec<(u32, (usize, FlagSet))> =
            uids.iter().filter_map(|uid| Some((*uid, names.get(NAMES[from])?.rows.get(uid)?.clone()))).collect();
        let mut pairs = Vec::new();
        if let Some(folder) = names.get_mut(NAMES[to]) {
            for (uid, (message, flags)) in &rows {
                folder.add(*message, flags.clone());
                pairs.push((*uid, folder.last_uid));
            }
        }
        if let Some(folder) = names.get_mut(NAMES[from]).filter(|_| moves) {
            folder.remove(&rows.iter().map(|(uid, _)| *uid).collect::<Vec<_>>());
        }
        assert_eq!(done.unwrap().uids, pairs);
    }

    fn rename(&mut self, from: &str, to: &str) {
        let done = self.house.store().rename_mailbox(self.account, from, to);
        if from == "INBOX" {
            assert_eq!(done.is_ok(), !self.model.mailboxes.contains_key(to));
            if done.is_ok() {
                self.mailboxes_made += 1;
                let mut folder = Folder { id: self.mailboxes_made, ..Folder::default() };
                let inbox = self.model.mailboxes.get_mut("INBOX").unwrap();
                for (message, flags) in inbox.rows.values() {
                    folder.add(*message, flags.clone());
                }
                let uids: Vec<u32> = inbox.rows.keys().copied().collect();
                inbox.remove(&uids);
                self.model.mailboxes.insert(to.to_owned(), folder);
            }
            return;
        }
        let pairs = self.model.renamed(from, to);
        assert_eq!(done.is_ok(), pairs.is_some(), "{from} to {to}: {done:?}");
        let taken: Vec<(String, String, Folder)> = pairs
            .into_iter()
            .flatten()
            .filter_map(|(old, new)| Some((self.model.mailboxes.remove(&old)?, old, new)))
            .map(|(folder, old, new)| (old, new, folder))
            .collect();
        let moved: BTreeSet<String> = taken
            .iter()
            .filter(|(old, ..)| self.model.subscriptions.remove(old))
            .map(|(_, new, _)| new.clone())
            .collect();
        self.model.subscriptions.extend(moved);
        self.model.mailboxes.extend(taken.into_iter().map(|(_, new, folder)| (new, folder)));
    }

    /// The store is as the model says, down to the bytes.
    fn check(&self) {
        let (store, model) = (self.house.store(), &self.model);
        let seen = seen(store, self.account);
        assert_eq!(seen.subscriptions, model.subscriptions.iter().cloned().collect::<Vec<_>>());
        assert_eq!(seen.mailboxes.len(), model.mailboxes.len());
        for (info, entries, changes) in &seen.mailboxes {
            let folder = &model.mailboxes[&info.name];
            assert_eq!((info.id.0, info.uid_next), (folder.id, folder.last_uid + 1));
            assert_eq!(info.subscribed, model.subscriptions.contains(&info.name));
            let rows = entries.iter().map(|entry| (entry.uid, (*entry.flags).clone()));
            let expected = folder.rows.iter().map(|(uid, (_, flags))| (*uid, flags.clone()));
            assert_eq!(rows.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
            let texts = self.house.texts(&self.owner, info.id);
            let expected = folder.rows.values().map(|(message, _)| &model.messages[*message].0);
            assert!(texts.iter().eq(expected));
            // Every UID that ever existed is there or has vanished, and no other.
            let vanished: BTreeSet<u32> = changes.vanished.iter().collect();
            assert!(folder.gone.is_subset(&vanished) && vanished.iter().all(|uid| !folder.rows.contains_key(uid)));
            assert_eq!(changes.changed.len(), entries.len());
        }
        let scope = store.scope(self.account, UnixMillis(0), UnixMillis(i64::MAX)).unwrap();
        let (live, kept) = (model.live(), model.kept());
        assert_eq!(scope.len(), kept.len());
        assert_eq!(scope.iter().filter(|message| message.held_only).count(), kept.len() - live.len());
        let told = store.deleted(&self.owner).unwrap();
        let told = told.iter().map(|gone| (gone.number, gone.mailbox.clone(), (*gone.entry.flags).clone()));
        let expected =
            model.bin.iter().map(|(number, gone)| (*number, model.name_of(gone.mailbox), gone.flags.clone()));
        assert!(told.eq(expected), "the bin");
        let report = store.verify();
        assert!(report.is_sound(), "{report:?}");
        assert_eq!(report.messages, kept.len() as u64);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_store_does_what_the_model_does(restorable in any::<bool>(), steps in prop::collection::vec(step(), 1..60)) {
        let mut run = Run::new(restorable);
        for step in steps {
            run.take(step);
            run.sessions.iter().flatten().for_each(Session::check);
        }
        run.check();
        run.reopen();
        run.check();
    }
}
