//! Search keys (RFC 9051 section 6.4.4).

use crate::cursor::{Bad, Cursor};
use crate::date::Date;
use crate::flag::{Keyword, SystemFlag};
use crate::limits::{SEARCH_DEPTH_MAX, SEARCH_STRINGS_MAX};
use crate::sequence::SequenceSet;

/// `search-key`. `S` is the type of a set of numbers: a parsed set at first, UIDs once it is resolved against the
/// mailbox. Strings are as the client wrote them and match as substrings, ignoring case (RFC 5051). Nested at most
/// [`SEARCH_DEPTH_MAX`] deep.
#[derive(Clone, PartialEq)]
pub enum SearchKey<S> {
    /// All of these keys; every message if there are none.
    And(Vec<Self>),
    /// `OR`
    Or(Box<Self>, Box<Self>),
    /// `NOT`
    Not(Box<Self>),
    /// `ANSWERED`, `DELETED` and so on.
    Flag(SystemFlag),
    /// `KEYWORD`
    Keyword(Keyword),
    /// `FROM`, `SUBJECT` and so on, and `HEADER`: the field's name and a part of its decoded text. An empty text tests
    /// whether the field exists.
    Header(String, String),
    /// `BODY`
    Body(String),
    /// `TEXT`
    Text(String),
    /// `BEFORE`: of the internal date.
    Before(Date),
    /// `ON`
    On(Date),
    /// `SINCE`: on the day or after.
    Since(Date),
    /// `SENTBEFORE`: of the Date field, as written there.
    SentBefore(Date),
    /// `SENTON`
    SentOn(Date),
    /// `SENTSINCE`
    SentSince(Date),
    /// `LARGER`: more octets than this.
    Larger(u64),
    /// `SMALLER`
    Smaller(u64),
    /// Messages by number.
    Set(S),
}

/// A set of numbers in a key, as parsed.
#[derive(Clone, PartialEq)]
pub(crate) enum Numbers {
    /// `sequence-set`
    Sequence(SequenceSet),
    /// `UID sequence-set`
    Uid(SequenceSet),
}

impl<S> SearchKey<S> {
    /// The same key with mapped sets.
    pub(crate) fn map<T, E>(&self, set: &mut impl FnMut(&S) -> Result<T, E>) -> Result<SearchKey<T>, E> {
        Ok(match self {
            Self::And(keys) => SearchKey::And(keys.iter().map(|key| key.map(set)).collect::<Result<_, _>>()?),
            Self::Or(one, two) => SearchKey::Or(Box::new(one.map(set)?), Box::new(two.map(set)?)),
            Self::Not(key) => SearchKey::Not(Box::new(key.map(set)?)),
            Self::Flag(flag) => SearchKey::Flag(*flag),
            Self::Keyword(keyword) => SearchKey::Keyword(keyword.clone()),
            Self::Header(name, text) => SearchKey::Header(name.clone(), text.clone()),
            Self::Body(text) => SearchKey::Body(text.clone()),
            Self::Text(text) => SearchKey::Text(text.clone()),
            Self::Before(date) => SearchKey::Before(*date),
            Self::On(date) => SearchKey::On(*date),
            Self::Since(date) => SearchKey::Since(*date),
            Self::SentBefore(date) => SearchKey::SentBefore(*date),
            Self::SentOn(date) => SearchKey::SentOn(*date),
            Self::SentSince(date) => SearchKey::SentSince(*date),
            Self::Larger(size) => SearchKey::Larger(*size),
            Self::Smaller(size) => SearchKey::Smaller(*size),
            Self::Set(numbers) => SearchKey::Set(set(numbers)?),
        })
    }
}

impl SearchKey<Numbers> {
    /// `search-key *(SP search-key)`, to the end of the command.
    pub(crate) fn parse_all(cursor: &mut Cursor<'_>) -> Result<Self, Bad> {
        let mut keys = vec![Self::parse(cursor, 0)?];
        while cursor.eat(b' ') {
            keys.push(Self::parse(cursor, 0)?);
        }
        cursor.end()?;
        let all = Self::And(keys);
        if all.strings() > SEARCH_STRINGS_MAX {
            return Err(Bad("too many search strings"));
        }
        Ok(all)
    }

    /// The number of strings to search for.
    fn strings(&self) -> usize {
        match self {
            Self::And(keys) => keys.iter().map(Self::strings).sum(),
            Self::Or(one, two) => one.strings() + two.strings(),
            Self::Not(key) => key.strings(),
            Self::Header(..) | Self::Body(_) | Self::Text(_) => 1,
            _ => 0,
        }
    }

    fn parse(cursor: &mut Cursor<'_>, depth: usize) -> Result<Self, Bad> {
        if depth == SEARCH_DEPTH_MAX {
            return Err(Bad("search keys nested too deeply"));
        }
        match cursor.peek() {
            Some(b'(') => {
                let keys = cursor.list(usize::MAX, |cursor| Self::parse(cursor, depth + 1))?;
                return if keys.is_empty() { Err(Bad("expected a search key")) } else { Ok(Self::And(keys)) };
            }
            Some(b'0'..=b'9' | b'*' | b'$') => return Ok(Self::Set(Numbers::Sequence(cursor.sequence_set()?))),
            _ => {}
        }
        let not = |key| Self::Not(Box::new(key));
        let word = cursor.word()?;
        Ok(match word.as_str() {
            "ALL" => Self::And(Vec::new()),
            "ANSWERED" => Self::Flag(SystemFlag::Answered),
            "DELETED" => Self::Flag(SystemFlag::Deleted),
            "DRAFT" => Self::Flag(SystemFlag::Draft),
            "FLAGGED" => Self::Flag(SystemFlag::Flagged),
            "SEEN" => Self::Flag(SystemFlag::Seen),
            "UNANSWERED" => not(Self::Flag(SystemFlag::Answered)),
            "UNDELETED" => not(Self::Flag(SystemFlag::Deleted)),
            "UNDRAFT" => not(Self::Flag(SystemFlag::Draft)),
            "UNFLAGGED" => not(Self::Flag(SystemFlag::Flagged)),
            "UNSEEN" => not(Self::Flag(SystemFlag::Seen)),
            // \Recent is never set (RFC 3501 section 6.4.4; dropped by RFC 9051).
            "RECENT" | "NEW" => not(Self::And(Vec::new())),
            "OLD" => Self::And(Vec::new()),
            "KEYWORD" => Self::Keyword(keyword(cursor)?),
            "UNKEYWORD" => not(Self::Keyword(keyword(cursor)?)),
            "BCC" | "CC" | "FROM" | "SUBJECT" | "TO" => Self::Header(word.to_ascii_lowercase(), text(cursor)?),
            "HEADER" => {
                let name = text(cursor)?;
                Self::Header(name, text(cursor)?)
            }
            "BODY" => Self::Body(text(cursor)?),
            "TEXT" => Self::Text(text(cursor)?),
            "BEFORE" => Self::Before(date(cursor)?),
            "ON" => Self::On(date(cursor)?),
            "SINCE" => Self::Since(date(cursor)?),
            "SENTBEFORE" => Self::SentBefore(date(cursor)?),
            "SENTON" => Self::SentOn(date(cursor)?),
            "SENTSINCE" => Self::SentSince(date(cursor)?),
            "LARGER" => Self::Larger(size(cursor)?),
            "SMALLER" => Self::Smaller(size(cursor)?),
            "UID" => {
                cursor.space()?;
                Self::Set(Numbers::Uid(cursor.sequence_set()?))
            }
            "NOT" => {
                cursor.space()?;
                not(Self::parse(cursor, depth + 1)?)
            }
            "OR" => {
                cursor.space()?;
                let one = Self::parse(cursor, depth + 1)?;
                cursor.space()?;
                Self::Or(Box::new(one), Box::new(Self::parse(cursor, depth + 1)?))
            }
            _ => return Err(Bad("unknown search key")),
        })
    }
}

fn text(cursor: &mut Cursor<'_>) -> Result<String, Bad> {
    cursor.space()?;
    cursor.astring_text()
}

fn date(cursor: &mut Cursor<'_>) -> Result<Date, Bad> {
    cursor.space()?;
    Date::parse(cursor)
}

fn size(cursor: &mut Cursor<'_>) -> Result<u64, Bad> {
    cursor.space()?;
    cursor.number64()
}

fn keyword(cursor: &mut Cursor<'_>) -> Result<Keyword, Bad> {
    cursor.space()?;
    Keyword::new(cursor.atom()?).ok_or(Bad("keyword too long"))
}
