//! The open mailbox as the client sees it: which sequence number is which message.
//!
//! The client's view changes only by what it is told, and EXPUNGE may be told only at certain times (RFC 9051
//! section 7.5.1). So messages that are gone wait in `gone` and keep their numbers until then.

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
    /// The sequence number of a message is its place here, counted from 1.
    uids: Places,
    /// Gone, and not yet told.
    gone: BTreeSet<u32>,
    /// `$`: UIDs, ascending.
    pub(crate) saved: Vec<u32>,
    /// Keywords that the client has seen in a FLAGS response.
    keywords: BTreeSet<Keyword>,
}

/// A number in a command means no message.
pub(crate) const NO_SUCH_NUMBER: &str = "There is no message of that number";

impl Selected {
    /// Just opened.
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

    /// How many messages there are.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.uids.len()).unwrap_or(u32::MAX)
    }

    /// The UIDs that a set means, ascending, as ranges. Every one that is the UID of a message here counts.
    ///
    /// A sequence number above the number of messages is an error, `*` in an empty mailbox included; a UID that does not
    /// exist is none (RFC 9051 sections 9, `seq-number`, and 6.4.9).
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

    /// The UIDs of the messages here that a set means, ascending.
    pub(crate) fn messages(&self, set: &SequenceSet, uid: bool) -> Result<Vec<u32>, Bad> {
        Ok(self.uids.within(&self.ranges(set, uid)?))
    }

    /// The UIDs that a set in a search key means.
    pub(crate) fn search_ranges(&self, numbers: &Numbers) -> Result<UidRanges, Bad> {
        match numbers {
            Numbers::Sequence(set) => self.ranges(set, false),
            Numbers::Uid(set) => self.ranges(set, true),
        }
    }

    /// Tells the client what changed: EXPUNGE if it may be said now, then EXISTS, then flags.
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

    /// `* n EXPUNGE` for each, the highest number first, so that none shifts another.
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

    /// Tells the client of keywords that it has not seen (RFC 9051 section 7.3.5), before they are used: once for all that
    /// are about to be, since the list is told whole.
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

    /// The flags that messages here may show, as far as they are told.
    pub(crate) fn all_flags(&self) -> Flags {
        Flags::new(SystemFlag::ALL, self.keywords.iter().take(KEYWORDS_TOLD_MAX).cloned())
    }
}

impl From<Bad> for Ending {
    fn from(bad: Bad) -> Self {
        Self::bad(bad.0)
    }
}
