//! What a session's request amounts to, given the account as it is. Pure: it returns the change, and applies nothing.

use std::collections::{BTreeMap, BTreeSet};

use terms::{MailboxId, UnixMillis};

use crate::account::change::ChangeKind;
use crate::account::state::{AccountState, Mailbox};
use crate::error::StoreError;
use crate::values::flags::{FlagChange, FlagSet};
use crate::values::name::{self, INBOX};
use crate::values::special_use::SpecialUse;
use crate::values::uid_set::UidSet;

/// Mailboxes per account. Dovecot's users rarely pass some hundreds; each costs a kilobyte in memory and on disk.
const MAILBOXES_MAX: usize = 10_000;

/// The last mailbox id: the number above it is the bin's on disk.
const MAILBOX_ID_MAX: u32 = u32::MAX - 1;

/// Keywords on one message, and bytes in one keyword: a client with more uses them as a database.
const KEYWORDS_MAX: usize = 128;
const KEYWORD_BYTES_MAX: usize = 255;

/// The mailbox with that id.
pub(crate) fn mailbox(state: &AccountState, id: MailboxId) -> Result<&Mailbox, StoreError> {
    state.mailboxes.get(&id).map(|mailbox| &**mailbox).ok_or(StoreError::NoSuchMailbox)
}

/// Creates a mailbox. It gets a UIDVALIDITY that the account never had: the time in seconds, or one more than the last.
pub(crate) fn create(
    state: &AccountState,
    name: &str,
    special_use: Option<SpecialUse>,
    now: UnixMillis,
) -> Result<ChangeKind, StoreError> {
    let name = name::canonical(name)?;
    if state.named(&name).is_some() {
        return Err(StoreError::MailboxExists);
    }
    if state.mailboxes.len() >= MAILBOXES_MAX || state.mailbox_last >= MAILBOX_ID_MAX {
        return Err(StoreError::TooMany("mailboxes (10,000 at most)"));
    }
    let least = state.uid_validity_last.checked_add(1).ok_or(StoreError::TooMany("values of UIDVALIDITY"))?;
    let uid_validity = u32::try_from(now.seconds()).unwrap_or(least).max(least);
    Ok(ChangeKind::Create { name, uid_validity, special_use })
}

/// The first of the new UIDVALIDITY values for all mailboxes: the time in seconds, or one more than the last.
pub(crate) fn renumber(state: &AccountState, now: UnixMillis) -> Result<u32, StoreError> {
    let too_many = StoreError::TooMany("values of UIDVALIDITY");
    let least = state.uid_validity_last.checked_add(1).ok_or(too_many.clone())?;
    let first = u32::try_from(now.seconds()).unwrap_or(least).max(least);
    let count = u32::try_from(state.mailboxes.len()).map_err(|_| too_many.clone())?;
    first.checked_add(count).map(|_| first).ok_or(too_many)
}

/// Deletes a mailbox with its messages, which go to the bin if `keep` is set. Mailboxes below it stay.
pub(crate) fn delete(state: &AccountState, name: &str, keep: bool) -> Result<ChangeKind, StoreError> {
    let name = name::canonical(name)?;
    if name == INBOX {
        return Err(StoreError::InboxStays);
    }
    let mailbox = state.named(&name).ok_or(StoreError::NoSuchMailbox)?;
    Ok(ChangeKind::Delete { mailbox: mailbox.id, keep: keep && state.bin.has_numbers(mailbox.rows.len()) })
}

/// Renames a mailbox and those below it; INBOX instead gives all its messages to a new mailbox of that name (RFC 9051
/// section 6.3.6). The changes are made one after the other: the second one for INBOX comes from `then`.
pub(crate) fn rename(state: &AccountState, from: &str, to: &str, now: UnixMillis) -> Result<ChangeKind, StoreError> {
    let (from, to) = (name::canonical(from)?, name::canonical(to)?);
    if from == INBOX {
        return create(state, &to, None, now);
    }
    let moved =
        |name: &str| (name == from || name::is_below(name, &from)).then(|| format!("{to}{}", &name[from.len()..]));
    let names: Vec<(MailboxId, String)> =
        state.mailboxes.values().filter_map(|mailbox| Some((mailbox.id, moved(&mailbox.name)?))).collect();
    if names.is_empty() {
        return Err(StoreError::NoSuchMailbox);
    }
    if from == to {
        return Err(StoreError::MailboxExists);
    }
    let staying: BTreeSet<&str> =
        state.mailboxes.values().map(|mailbox| &*mailbox.name).filter(|name| moved(name).is_none()).collect();
    for (_, name) in &names {
        name::canonical(name)?;
        if staying.contains(name.as_str()) {
            return Err(StoreError::MailboxExists);
        }
    }
    Ok(ChangeKind::Rename { names })
}

/// The INBOX of an account, if `name` means it.
pub(crate) fn inbox_of(state: &AccountState, name: &str) -> Option<MailboxId> {
    (name::canonical(name).ok()? == INBOX).then(|| state.named(INBOX).map(|mailbox| mailbox.id))?
}

/// Subscribes to a name or unsubscribes from it; `None` if nothing changes.
pub(crate) fn subscribe(state: &AccountState, name: &str, subscribed: bool) -> Result<Option<ChangeKind>, StoreError> {
    let name = name::canonical(name)?;
    if subscribed && state.subscriptions.len() >= MAILBOXES_MAX {
        return Err(StoreError::TooMany("subscriptions (10,000 at most)"));
    }
    Ok((state.subscriptions.contains(&name) != subscribed).then_some(ChangeKind::Subscribe { name, subscribed }))
}

/// `flags` as the mailbox keeps them: keywords in the spelling that came first, system flags that exist.
pub(crate) fn keep_flags(mailbox: &Mailbox, flags: &FlagSet) -> Result<FlagSet, StoreError> {
    if flags.keywords.len() > KEYWORDS_MAX || flags.keywords.iter().any(|keyword| keyword.len() > KEYWORD_BYTES_MAX) {
        return Err(StoreError::TooMany("keywords (128 of 255 bytes at most)"));
    }
    let mut kept = FlagSet::system(flags.system);
    if flags.keywords.is_empty() {
        return Ok(kept);
    }
    let known = mailbox.flags.sets().iter().flat_map(|set| &set.keywords);
    let mut spelling: BTreeMap<String, &String> = BTreeMap::new();
    for keyword in known.chain(&flags.keywords) {
        spelling.entry(keyword.to_ascii_lowercase()).or_insert(keyword);
    }
    let keep = |keyword: &String| spelling.get(&keyword.to_ascii_lowercase()).map_or(keyword, |known| known).clone();
    kept.keywords = flags.keywords.iter().map(keep).collect();
    Ok(kept)
}

/// What a change of flags amounts to.
pub(crate) struct FlagDecision {
    /// `None` when nothing changes.
    pub(crate) act: Option<ChangeKind>,
    /// The UIDs that change, ascending.
    pub(crate) changed: Vec<u32>,
    /// The UIDs that were changed after `unchanged_since`, ascending.
    pub(crate) modified: Vec<u32>,
}

/// Changes flags of those of `uids` that exist, and whose MODSEQ is not above `unchanged_since`.
pub(crate) fn flags(
    state: &AccountState,
    id: MailboxId,
    uids: &UidSet,
    change: &FlagChange,
    unchanged_since: Option<u64>,
) -> Result<FlagDecision, StoreError> {
    let mailbox = mailbox(state, id)?;
    let change = change.with(keep_flags(mailbox, change.named())?);
    let mut matters: Vec<Option<Result<bool, StoreError>>> = vec![None; mailbox.flags.sets().len()];
    let (mut changed, mut modified) = (Vec::new(), Vec::new());
    for &(first, last) in uids.ranges() {
        for row in mailbox.rows.from(mailbox.rows.rank(first)).take_while(|row| row.uid <= last) {
            if unchanged_since.is_some_and(|since| row.modseq > since) {
                modified.push(row.uid);
                continue;
            }
            let judge = || {
                let before = mailbox.flags.set(row.flags).cloned().unwrap_or_default();
                let after = change.after(&before);
                if after.keywords.len() > KEYWORDS_MAX {
                    return Err(StoreError::TooMany("keywords (128 of 255 bytes at most)"));
                }
                Ok(after != *before)
            };
            if matters[row.flags as usize].get_or_insert_with(judge).clone()? {
                changed.push(row.uid);
            }
        }
    }
    let act = (!changed.is_empty()).then(|| {
        let uids = mailbox.rows.cover(changed.iter().copied());
        ChangeKind::Flags { mailbox: id, uids, change }
    });
    Ok(FlagDecision { act, changed, modified })
}

/// Which of the given messages an expunge removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expunge {
    /// All.
    Any,
    /// Those with `\Deleted`, as they are at the moment of the commit.
    Deleted,
}

/// Expunges those of `uids` that exist, into the bin if `keep` is set; also returns them, ascending.
pub(crate) fn expunge(
    state: &AccountState,
    id: MailboxId,
    uids: &UidSet,
    which: Expunge,
    keep: bool,
) -> Result<(Option<ChangeKind>, Vec<u32>), StoreError> {
    let mailbox = mailbox(state, id)?;
    if which == Expunge::Deleted && mailbox.deleted == 0 {
        return Ok((None, Vec::new()));
    }
    let deleted: Vec<bool> = mailbox.flags.sets().iter().map(|flags| flags.is_deleted()).collect();
    let mut gone = Vec::new();
    for &(first, last) in uids.ranges() {
        let rows = mailbox.rows.from(mailbox.rows.rank(first)).take_while(|row| row.uid <= last);
        let takes = |flags: u32| which == Expunge::Any || deleted.get(flags as usize).copied().unwrap_or(false);
        gone.extend(rows.filter(|row| takes(row.flags)).map(|row| row.uid));
    }
    let act = (!gone.is_empty()).then(|| {
        let uids = mailbox.rows.cover(gone.iter().copied());
        ChangeKind::Expunge { mailbox: id, uids, keep: keep && state.bin.has_numbers(mailbox.rows.len()) }
    });
    Ok((act, gone))
}

/// The UID of each message where it was, and where it will be.
pub(crate) type UidPairs = Vec<(u32, u32)>;

/// Copies or moves those of `uids` that exist; also returns them, ascending, with their new UIDs.
pub(crate) fn transfer(
    state: &AccountState,
    from: MailboxId,
    uids: &UidSet,
    to: MailboxId,
    moves: bool,
) -> Result<(Option<ChangeKind>, UidPairs), StoreError> {
    let (source, target) = (mailbox(state, from)?, mailbox(state, to)?);
    let mut taken = Vec::new();
    for &(first, last) in uids.ranges() {
        let rows = source.rows.from(source.rows.rank(first)).take_while(|row| row.uid <= last);
        taken.extend(rows.map(|row| row.uid));
    }
    check_uids_left(target, taken.len())?;
    let pairs = taken.iter().copied().zip(target.uid_next..).collect();
    let act = (!taken.is_empty()).then(|| {
        let uids = source.rows.cover(taken.iter().copied());
        if moves { ChangeKind::Move { from, uids, to } } else { ChangeKind::Copy { from, uids, to } }
    });
    Ok((act, pairs))
}

/// Checks that a mailbox has UIDs left for this many more messages.
pub(crate) fn check_uids_left(mailbox: &Mailbox, more: usize) -> Result<(), StoreError> {
    let more = u32::try_from(more).map_err(|_| StoreError::TooMany("messages at once"))?;
    // The last number stays unused: UIDNEXT must be one that no message has.
    match mailbox.uid_next.checked_add(more) {
        Some(_) => Ok(()),
        None => Err(StoreError::TooMany("messages in a mailbox, ever (4,294,967,294 at most)")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::apply::apply;
    use crate::account::change::Change;

    fn account(names: &[&str]) -> AccountState {
        let mut state = AccountState::default();
        for name in names {
            let act = create(&state, name, None, UnixMillis(1_000_000)).unwrap();
            let change = Change { at: UnixMillis(0), modseq: state.modseq + 1, act };
            apply(&mut state, &change).unwrap();
        }
        state
    }

    fn after_rename(names: &[&str], from: &str, to: &str) -> Result<Vec<String>, StoreError> {
        let mut state = account(names);
        let act = rename(&state, from, to, UnixMillis(0))?;
        let change = Change { at: UnixMillis(0), modseq: state.modseq + 1, act };
        apply(&mut state, &change).unwrap();
        Ok(state.mailboxes.values().map(|mailbox| mailbox.name.to_string()).collect())
    }

    #[test]
    fn renames_take_the_children_along() {
        let names = ["INBOX", "a", "a/b", "ab", "c"];
        for (from, to, expected) in [
            ("a", "x", Ok(vec!["INBOX", "x", "x/b", "ab", "c"])),
            ("a", "a/b", Ok(vec!["INBOX", "a/b", "a/b/b", "ab", "c"])),
            ("a/b", "c/d", Ok(vec!["INBOX", "a", "c/d", "ab", "c"])),
            ("a", "c", Err(StoreError::MailboxExists)),
            ("a", "a", Err(StoreError::MailboxExists)),
            ("a", "inbox", Err(StoreError::MailboxExists)),
            ("z", "y", Err(StoreError::NoSuchMailbox)),
            ("inbox", "old", Ok(vec!["INBOX", "a", "a/b", "ab", "c", "old"])),
            ("inbox", "a", Err(StoreError::MailboxExists)),
        ] {
            let expected = expected.map(|names| names.into_iter().map(str::to_owned).collect());
            assert_eq!(after_rename(&names, from, to), expected, "{from} to {to}");
        }
        let too_long = "x".repeat(name::NAME_BYTES_MAX - 1);
        assert_eq!(after_rename(&names, "a", &too_long), Err(StoreError::BadName));
    }

    #[test]
    fn uid_validity_only_grows() {
        let state = account(&["INBOX", "a", "b"]);
        let values: Vec<u32> = state.mailboxes.values().map(|mailbox| mailbox.uid_validity).collect();
        assert_eq!(values, [1000, 1001, 1002]);
        let act = create(&state, "c", None, UnixMillis(-5)).unwrap();
        assert!(matches!(act, ChangeKind::Create { uid_validity: 1003, .. }));
        let act = create(&state, "c", None, UnixMillis(9_000_000)).unwrap();
        assert!(matches!(act, ChangeKind::Create { uid_validity: 9000, .. }));
    }

    #[test]
    fn keywords_keep_their_first_spelling() {
        let mut state = account(&["INBOX"]);
        let inbox = MailboxId(1);
        let first = FlagSet::none().and_keyword("$Work");
        let mailbox_mut = std::sync::Arc::make_mut(state.mailboxes.get_mut(&inbox).unwrap());
        crate::account::state::FlagTable::intern(&mut mailbox_mut.flags, &first);
        let given = FlagSet::system(0xff).and_keyword("$WORK").and_keyword("New").and_keyword("NEW");
        let kept = keep_flags(mailbox(&state, inbox).unwrap(), &given).unwrap();
        assert_eq!(kept, FlagSet::system(FlagSet::SYSTEM).and_keyword("$Work").and_keyword("NEW"));
    }
}
