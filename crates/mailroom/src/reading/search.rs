//! SEARCH by scan: columns decide where they can, and a message is opened only where they cannot.

use imap::{Date, Found, SearchKey, UidRanges};
use message::{Day, SearchText};
use store::{Entry, MailboxView, StoreError};
use vault::SignedIn;

use super::Unmet;
use super::letter::Letter;
use super::words::system_bit;
use crate::Mailroom;

type Key = SearchKey<UidRanges>;

/// Octets that are opened before an answer: some 10 ms of work, after which the door can see whether the client is still
/// there.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// The matches among the first of `uids`. A message that is damaged matches nothing that it would have to be opened for.
pub(super) fn found(
    mail: &Mailroom,
    owner: &SignedIn,
    view: &MailboxView,
    uids: &[u32],
    key: &Key,
) -> Result<Found, Unmet> {
    let mut found = Found { covered: 0, uids: Vec::new() };
    let mut bytes = 0;
    for uid in uids {
        found.covered += 1;
        let Some(entry) = view.entry(*uid) else { continue };
        let matches = match by_columns(key, &entry) {
            Some(matches) => matches,
            None => {
                let searched = Searched { letter: Letter::new(mail, owner, &entry), text: std::cell::OnceCell::new() };
                let matches = match searched.matches(key) {
                    Ok(matches) => matches,
                    Err(StoreError::Damaged(_)) => false,
                    Err(error) => return Err(error.into()),
                };
                bytes += entry.original_size_bytes as usize;
                matches
            }
        };
        if matches {
            found.uids.push(*uid);
        }
        if bytes >= ANSWER_BYTES_MAX {
            break;
        }
    }
    Ok(found)
}

/// What the columns say; `None` when they do not know.
fn by_columns(key: &Key, entry: &Entry) -> Option<bool> {
    let day = || Date::of(entry.internal_date);
    Some(match key {
        Key::And(keys) => {
            let mut unknown = false;
            for key in keys {
                match by_columns(key, entry) {
                    Some(false) => return Some(false),
                    Some(true) => {}
                    None => unknown = true,
                }
            }
            return if unknown { None } else { Some(true) };
        }
        Key::Or(one, two) => {
            return match (by_columns(one, entry), by_columns(two, entry)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            };
        }
        Key::Not(key) => !by_columns(key, entry)?,
        Key::Flag(flag) => entry.flags.has(system_bit(*flag)),
        Key::Keyword(keyword) => entry.flags.keywords.iter().any(|have| have.eq_ignore_ascii_case(keyword.as_str())),
        Key::Before(date) => day() < *date,
        Key::On(date) => day() == *date,
        Key::Since(date) => day() >= *date,
        Key::Larger(size) => u64::from(entry.view_size_bytes) > *size,
        Key::Smaller(size) => u64::from(entry.view_size_bytes) < *size,
        Key::Set(uids) => uids.contains(entry.uid),
        Key::Header(..) | Key::Body(_) | Key::Text(_) | Key::SentBefore(_) | Key::SentOn(_) | Key::SentSince(_) => {
            return None;
        }
    })
}

/// A message that is opened to be looked through.
struct Searched<'r> {
    letter: Letter<'r>,
    text: std::cell::OnceCell<SearchText>,
}

impl Searched<'_> {
    /// Whether the message matches. What the columns know is asked first, at every level.
    fn matches(&self, key: &Key) -> Result<bool, StoreError> {
        if let Some(known) = by_columns(key, self.letter.entry) {
            return Ok(known);
        }
        match key {
            Key::And(keys) => {
                for key in keys {
                    if !self.matches(key)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Key::Or(one, two) => Ok(self.matches(one)? || self.matches(two)?),
            Key::Not(key) => Ok(!self.matches(key)?),
            Key::Header(name, text) => {
                let header = self.letter.header()?;
                Ok(message::header_decoded(&header, name).any(|value| value.to_lowercase().contains(text)))
            }
            Key::Body(text) => Ok(self.text()?.body.contains(text)),
            Key::Text(text) => {
                let all = self.text()?;
                Ok(all.header.contains(text) || all.body.contains(text))
            }
            Key::SentBefore(date) => self.sent(|sent| sent < *date),
            Key::SentOn(date) => self.sent(|sent| sent == *date),
            Key::SentSince(date) => self.sent(|sent| sent >= *date),
            // The columns have answered all others.
            _ => Ok(false),
        }
    }

    /// The day in the Date field as the sender wrote it; the internal date for a message without one.
    fn sent(&self, holds: impl Fn(Date) -> bool) -> Result<bool, StoreError> {
        let day = self.letter.record()?.sent.map(|(_, day)| day);
        Ok(holds(day.map_or_else(|| Date::of(self.letter.entry.internal_date), date)))
    }

    /// What is looked through, in lower case as the keys are: once for all of them.
    fn text(&self) -> Result<&SearchText, StoreError> {
        if self.text.get().is_none() {
            let whole = self.letter.whole()?;
            let mut text = message::search_text(&whole, self.letter.structure()?);
            text.header = text.header.to_lowercase();
            text.body = text.body.to_lowercase();
            let _ = self.text.set(text);
        }
        // It was just set.
        self.text.get().ok_or(StoreError::NoSuchMessage)
    }
}

fn date(day: Day) -> Date {
    Date(day.days_since_1970())
}
