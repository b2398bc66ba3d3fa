//! Conversions between the store's types and the machine's. Each crate has its own, since neither may depend on the other.

use imap::{Flags, Keyword, MailboxName, MailboxRow, Refusal, SystemFlag};
use store::{FlagSet, MailboxInfo, StoreError};

const SYSTEM: [(SystemFlag, u8); 5] = [
    (SystemFlag::Answered, FlagSet::ANSWERED),
    (SystemFlag::Flagged, FlagSet::FLAGGED),
    (SystemFlag::Deleted, FlagSet::DELETED),
    (SystemFlag::Seen, FlagSet::SEEN),
    (SystemFlag::Draft, FlagSet::DRAFT),
];

pub(super) fn flags(set: &FlagSet) -> Flags {
    let system = SYSTEM.into_iter().filter(|(_, bit)| set.has(*bit)).map(|(flag, _)| flag);
    Flags::new(system, set.keywords.iter().filter_map(|keyword| Keyword::new(keyword)))
}

pub(super) fn flag_set(flags: &Flags) -> FlagSet {
    let system = SYSTEM.into_iter().filter(|(flag, _)| flags.has(*flag)).fold(0, |bits, (_, bit)| bits | bit);
    FlagSet { system, keywords: flags.keywords.iter().map(|keyword| keyword.as_str().to_owned()).collect() }
}

pub(super) fn system_bit(flag: SystemFlag) -> u8 {
    match flag {
        SystemFlag::Answered => FlagSet::ANSWERED,
        SystemFlag::Flagged => FlagSet::FLAGGED,
        SystemFlag::Deleted => FlagSet::DELETED,
        SystemFlag::Seen => FlagSet::SEEN,
        SystemFlag::Draft => FlagSet::DRAFT,
    }
}

pub(super) fn special_use(purpose: imap::SpecialUse) -> store::SpecialUse {
    match purpose {
        imap::SpecialUse::Archive => store::SpecialUse::Archive,
        imap::SpecialUse::Drafts => store::SpecialUse::Drafts,
        imap::SpecialUse::Junk => store::SpecialUse::Junk,
        imap::SpecialUse::Sent => store::SpecialUse::Sent,
        imap::SpecialUse::Trash => store::SpecialUse::Trash,
    }
}

/// `None` if IMAP cannot express the name; the store's names are narrower, so that does not happen.
pub(super) fn mailbox_row(info: &MailboxInfo) -> Option<MailboxRow> {
    let special_use = info.special_use.map(|purpose| match purpose {
        store::SpecialUse::Archive => imap::SpecialUse::Archive,
        store::SpecialUse::Drafts => imap::SpecialUse::Drafts,
        store::SpecialUse::Junk => imap::SpecialUse::Junk,
        store::SpecialUse::Sent => imap::SpecialUse::Sent,
        store::SpecialUse::Trash => imap::SpecialUse::Trash,
    });
    Some(MailboxRow {
        name: MailboxName::new(&info.name).ok()?,
        special_use,
        messages: info.messages,
        unseen: info.unseen,
        deleted: info.deleted,
        uid_next: info.uid_next,
        uid_validity: info.uid_validity,
        size_bytes: info.size_bytes,
        deleted_size_bytes: info.deleted_size_bytes,
    })
}

/// What the client may learn about an error of the store.
pub(super) fn refusal(error: &StoreError) -> Refusal {
    match error {
        StoreError::NoSuchMailbox => Refusal::NoSuchMailbox,
        StoreError::MailboxExists => Refusal::AlreadyExists,
        StoreError::BadName | StoreError::InboxStays => Refusal::Cannot,
        StoreError::TooLarge => Refusal::TooBig,
        StoreError::TooMany(_) | StoreError::TooSlow => Refusal::Limit,
        StoreError::OverQuota => Refusal::OverQuota,
        StoreError::Damaged(_) => Refusal::Corrupt,
        _ => Refusal::Unavailable,
    }
}
