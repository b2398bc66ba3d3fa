//! The selected mailbox as the client sees it: the mapping of sequence numbers to messages.
//!
//! The client's view changes only by what is reported to it, and EXPUNGE may be reported only at certain times (RFC
//! 9051 section 7.5.1). Until then, expunged messages are kept in `gone` and retain their numbers.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use crate::code::Ending;
use crate::cursor::Bad;
use crate::flag::{Flags, Keyword, SystemFlag};
use crate::limits::KEYWORDS_TOLD_MAX;
use crate::name::MailboxName;
use crate::need::{Changes, FlagRow, UidRanges};
use crate::output::Output;
use crate::places::Places;
use crate::search::Numbers;
use crate::sequence::{SequenceSet, resolve};

/// A mailbox after SELECT or EXAMINE.
#[derive(Debug)]
pub(crate) struct Selected {
    pub(crate) name: MailboxName,
    pub(crate) read_only: bool,
    /// A message's sequence number is its place here, counted from 1.
    uids: Places,
    /// Expunged but not yet reported.
    gone: BTreeSet<u32>,
    /// The saved search result (`$`): UIDs, ascending.
    pub(crate) saved: Vec<u32>,
    /// Keywords that the client has seen in a FLAGS response.
    keywords: BTreeSet<Keyword>,
}

/// For a sequence number without a message.
pub(crate) const NO_SUCH_NUMBER: &str = "Invalid message sequence number";

impl Selected {
    /// A newly opened mailbox.
    pub(crate) fn new(name: MailboxName, read_only: bool, uids: &UidRanges, keywords: Vec<Keyword>) -> Self {
        let keywords = keywords.into_iter().collect();
        Self { name, read_only, uids: Places::of(uids), gone: BTreeSet::new(), saved: Vec::new(), keywords }
    }

    /// The UIDs of all messages, in order.
    pub(crate) fn uids(&self) -> impl Iterator<Item = u32> + '_ {
        self.uids.iter()
    }

    /// The sequence number of a message.
    pub(crate) fn number(&self, uid: u32) -> Option<u32> {
        self.uids.find(uid).and_then(|at| u32::try_from(at + 1).ok())
    }

    /// The number of messages.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.uids.len()).unwrap_or(u32::MAX)
    }

    /// The UIDs denoted by a set, as ascending ranges, which may include UIDs without a message.
    ///
    /// A sequence number above the number of messages is an error, including `*` in an empty mailbox; a UID that does
    /// not exist is not (RFC 9051 sections 9, `seq-number`, and 6.4.9).
    pub(crate) fn ranges(&self, set: &SequenceSet, uid: bool) -> Result<UidRanges, Bad> {
        let ranges = match set {
            SequenceSet::Saved => self.saved.iter().map(|uid| *uid..=*uid).collect(),
            SequenceSet::Ranges(ranges) if uid => resolve(ranges, self.uids.last().unwrap_or(0)),
            SequenceSet::Ranges(ranges) => {
                let to_uids = |range: RangeInclusive<u32>| {
                    let uid = |number: u32| self.uids.get(number.checked_sub(1)? as usize);
                    Some(uid(*range.start())?..=uid(*range.end())?)
                };
                let numbers = resolve(ranges, self.count());
                numbers.into_iter().map(to_uids).collect::<Option<_>>().ok_or(Bad(NO_SUCH_NUMBER))?
            }
        };
        Ok(UidRanges::new(ranges))
    }

    /// The UIDs of the existing messages denoted by a set, ascending.
    pub(crate) fn messages(&self, set: &SequenceSet, uid: bool) -> Result<Vec<u32>, Bad> {
        Ok(self.uids.within(&self.ranges(set, uid)?))
    }

    /// The UIDs denoted by a set in a search key.
    pub(crate) fn search_ranges(&self, numbers: &Numbers) -> Result<UidRanges, Bad> {
        match numbers {
            Numbers::Sequence(set) => self.ranges(set, false),
            Numbers::Uid(set) => self.ranges(set, true),
        }
    }

    /// Reports changes to the client: EXPUNGE if it is allowed now, then EXISTS, then flags.
    pub(crate) fn apply(&mut self, changes: &Changes, expunge: bool, out: &mut Output) {
        self.gone.extend(changes.gone.iter().filter(|uid| self.uids.find(**uid).is_some()));
        if expunge {
            self.tell_gone(out);
        }
        let known = self.uids.len();
        changes.new.iter().for_each(|uid| self.uids.add(*uid));
        if self.uids.len() > known {
            out.raw(&format!("* {} EXISTS\r\n", self.uids.len()));
        }
        self.tell_flags(&changes.flags, true, out);
    }

    /// `* n EXPUNGE` for each, highest number first, so that numbers do not shift.
    fn tell_gone(&mut self, out: &mut Output) {
        if self.gone.is_empty() {
            return;
        }
        let gone: Vec<u32> = std::mem::take(&mut self.gone).into_iter().collect();
        for place in self.uids.remove(&gone).into_iter().rev() {
            out.raw("* ");
            out.number(place as u64 + 1);
            out.raw(" EXPUNGE\r\n");
        }
        self.saved.retain(|uid| gone.binary_search(uid).is_err());
    }

    /// `* n FETCH (FLAGS …)` for each, with the UID if `uid`.
    pub(crate) fn tell_flags(&mut self, rows: &[FlagRow], uid: bool, out: &mut Output) {
        self.introduce(rows.iter().map(|row| &row.flags), out);
        for row in rows {
            let Some(number) = self.number(row.uid) else { continue };
            out.raw("* ");
            out.number(number.into());
            out.raw(" FETCH (");
            if uid {
                out.raw("UID ");
                out.number(row.uid.into());
                out.raw(" ");
            }
            out.raw("FLAGS ");
            out.flags(&row.flags);
            out.raw(")\r\n");
        }
    }

    /// Reports keywords that the client has not seen (RFC 9051 section 7.3.5) before they are used: all new ones at
    /// once, since each report repeats the whole list.
    pub(crate) fn introduce<'f>(&mut self, flags: impl Iterator<Item = &'f Flags>, out: &mut Output) {
        let known = self.keywords.len();
        for flags in flags {
            if !flags.keywords.is_empty() && !flags.keywords.is_subset(&self.keywords) {
                self.keywords.extend(flags.keywords.iter().cloned());
            }
        }
        if self.keywords.len() > known && known < KEYWORDS_TOLD_MAX {
            self.tell_keywords(out);
        }
    }

    /// `* FLAGS (…)`
    pub(crate) fn tell_keywords(&self, out: &mut Output) {
        out.raw(&format!("* FLAGS {}\r\n", self.all_flags()));
    }

    /// The flags that have been reported to the client.
    pub(crate) fn all_flags(&self) -> Flags {
        Flags::new(SystemFlag::ALL, self.keywords.iter().take(KEYWORDS_TOLD_MAX).cloned())
    }
}

impl From<Bad> for Ending {
    fn from(bad: Bad) -> Self {
        Self::bad(bad.0)
    }
}
