//! FETCH (RFC 9051 section 6.4.5; the RFC822 items of RFC 3501 section 6.4.5)

use std::collections::HashMap;
use std::sync::Arc;

use super::{Command, NextNeed, Parsed, WrongAnswer};
use crate::code::Ending;
use crate::context::Context;
use crate::cursor::{Bad, Cursor};
use crate::date::DateTime;
use crate::fetch::{FetchItem, FetchRow, FetchValue, Partial};
use crate::flag::{FlagChange, Flags, SystemFlag};
use crate::limits::FETCH_ITEMS_MAX;
use crate::need::{Answer, Need, Refusal, Uids};
use crate::output::Output;
use crate::section::{Section, SectionText, write_part};
use crate::sequence::SequenceSet;

struct Fetch {
    set: SequenceSet,
    uid: bool,
    said: Vec<Label>,
    items: Arc<[FetchItem]>,
    /// Whether an item sets `\Seen`.
    marks_seen: bool,
    work: Option<Work>,
}

struct Work {
    left: Uids,
    /// Rows that are held back until `\Seen` is set on their messages.
    held: Vec<FetchRow>,
    /// Whether a message was gone.
    missing: bool,
    /// Whether a message was damaged.
    damaged: bool,
    /// Whether a part could not be decoded.
    unknown_encoding: bool,
}

/// How an item is written: its name, and where its value is.
#[derive(Debug, Clone, PartialEq)]
enum Label {
    Uid,
    Flags,
    /// The item of that index, under its own name.
    Item(usize),
    /// The item of that index, under a name of RFC 3501.
    Legacy(usize, &'static str),
}

/// A parsed `fetch-att`.
enum Attribute {
    Uid,
    Flags,
    Item { item: FetchItem, seen: bool, legacy: Option<&'static str> },
}

/// `fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")")`
pub(super) fn parse(cursor: &mut Cursor<'_>, _: &Context) -> Parsed {
    parse_as(cursor, false)
}

/// `uid = "UID" SP fetch`
pub(super) fn parse_uid(cursor: &mut Cursor<'_>, _: &Context) -> Parsed {
    parse_as(cursor, true)
}

fn parse_as(cursor: &mut Cursor<'_>, uid: bool) -> Parsed {
    cursor.space()?;
    let set = cursor.sequence_set()?;
    cursor.space()?;
    let attributes = match parse_macro(cursor) {
        Some(attributes) => attributes,
        None if cursor.peek() == Some(b'(') => cursor.list(FETCH_ITEMS_MAX, parse_attribute)?,
        None => vec![parse_attribute(cursor)?],
    };
    cursor.end()?;
    if attributes.is_empty() {
        return Err(Bad("FETCH requires at least one item"));
    }
    // Section 6.4.9: the UID is part of every FETCH response that a UID command causes.
    let mut said = if uid { vec![Label::Uid] } else { Vec::new() };
    let mut items: Vec<FetchItem> = Vec::new();
    let mut marks_seen = false;
    for attribute in attributes {
        let say = match attribute {
            Attribute::Uid => Label::Uid,
            Attribute::Flags => Label::Flags,
            Attribute::Item { item, seen, legacy } => {
                marks_seen |= seen;
                let at = items.iter().position(|have| *have == item).unwrap_or_else(|| {
                    items.push(item);
                    items.len() - 1
                });
                legacy.map_or(Label::Item(at), |name| Label::Legacy(at, name))
            }
        };
        if !said.contains(&say) {
            said.push(say);
        }
    }
    Ok(Box::new(Fetch { set, uid, said, items: items.into(), marks_seen, work: None }))
}

fn plain(item: FetchItem) -> Attribute {
    Attribute::Item { item, seen: false, legacy: None }
}

/// `"ALL" / "FULL" / "FAST"`, as the rest of the command.
fn parse_macro(cursor: &mut Cursor<'_>) -> Option<Vec<Attribute>> {
    let mut ahead = cursor.clone();
    let word = ahead.word().ok()?;
    let mut attributes = vec![Attribute::Flags, plain(FetchItem::InternalDate), plain(FetchItem::Size)];
    match word.as_str() {
        "FAST" => {}
        "ALL" => attributes.push(plain(FetchItem::Envelope)),
        "FULL" => attributes.extend([plain(FetchItem::Envelope), plain(FetchItem::Body)]),
        _ => return None,
    }
    *cursor = ahead;
    Some(attributes)
}

/// `fetch-att`
fn parse_attribute(cursor: &mut Cursor<'_>) -> Result<Attribute, Bad> {
    let word = cursor.word()?;
    let section = cursor.peek() == Some(b'[');
    let legacy = |text, seen, name| {
        let item = FetchItem::Section(Section::of_message(text), None);
        Attribute::Item { item, seen, legacy: Some(name) }
    };
    Ok(match word.as_str() {
        "UID" => Attribute::Uid,
        "FLAGS" => Attribute::Flags,
        "INTERNALDATE" => plain(FetchItem::InternalDate),
        "RFC822.SIZE" => plain(FetchItem::Size),
        "ENVELOPE" => plain(FetchItem::Envelope),
        "BODYSTRUCTURE" => plain(FetchItem::BodyStructure),
        "BODY" if !section => plain(FetchItem::Body),
        "BODY" | "BODY.PEEK" => {
            let section = Section::parse(cursor)?;
            let item = FetchItem::Section(section, Partial::parse(cursor)?);
            Attribute::Item { item, seen: word == "BODY", legacy: None }
        }
        "BINARY" | "BINARY.PEEK" => {
            let part = Section::parse_binary(cursor)?;
            let item = FetchItem::Binary(part, Partial::parse(cursor)?);
            Attribute::Item { item, seen: word == "BINARY", legacy: None }
        }
        "BINARY.SIZE" => plain(FetchItem::BinarySize(Section::parse_binary(cursor)?)),
        "RFC822" => legacy(None, true, "RFC822"),
        "RFC822.HEADER" => legacy(Some(SectionText::Header), false, "RFC822.HEADER"),
        "RFC822.TEXT" => legacy(Some(SectionText::Text), true, "RFC822.TEXT"),
        _ => return Err(Bad("unknown data item")),
    })
}

impl Fetch {
    fn begin(&self, context: &mut Context) -> Result<Work, Ending> {
        let uids = context.selected()?.messages(&self.set, self.uid)?;
        Ok(Work { left: Uids::new(uids), held: Vec::new(), missing: false, damaged: false, unknown_encoding: false })
    }

    fn ending(&self, work: &Work) -> Ending {
        if work.damaged {
            return Refusal::Corrupt.into();
        }
        if work.unknown_encoding {
            return Ending::no("Unknown Content-Transfer-Encoding").code("UNKNOWN-CTE");
        }
        // RFC 2180 section 4.1: by sequence number the client refers to messages that it believes exist. A missing UID
        // is not an error (RFC 9051 section 6.4.9).
        if work.missing && !self.uid {
            return Ending::no("Some of the requested messages no longer exist").code("EXPUNGEISSUED");
        }
        Ending::ok("FETCH done")
    }

    /// Writes rows; `seen` has the flags of those that this FETCH marked as seen.
    fn write(
        &self,
        work: &mut Work,
        rows: Vec<FetchRow>,
        seen: &HashMap<u32, Flags>,
        context: &mut Context,
    ) -> Result<(), WrongAnswer> {
        let Some(selected) = context.selected.as_mut() else { return Err(WrongAnswer) };
        let out = &mut context.out;
        let says_flags = self.said.contains(&Label::Flags);
        if says_flags || !seen.is_empty() {
            selected.introduce(rows.iter().map(|row| seen.get(&row.uid).unwrap_or(&row.flags)), out);
        }
        for row in rows {
            let Some(number) = selected.number(row.uid) else { continue };
            let marked = seen.get(&row.uid);
            let flags = marked.unwrap_or(&row.flags);
            if row.values.len() != self.items.len() {
                return Err(WrongAnswer);
            }
            if row.values.iter().any(|value| matches!(value, FetchValue::UnknownEncoding)) {
                work.unknown_encoding = true;
                continue;
            }
            out.raw("* ");
            out.number(number.into());
            out.raw(" FETCH (");
            for (count, said) in self.said.iter().enumerate() {
                out.raw(if count > 0 { " " } else { "" });
                match said {
                    Label::Uid => {
                        out.raw("UID ");
                        out.number(row.uid.into());
                    }
                    Label::Flags => {
                        out.raw("FLAGS ");
                        out.flags(flags);
                    }
                    Label::Item(at) | Label::Legacy(at, _) => {
                        let (Some(item), Some(value)) = (self.items.get(*at), row.values.get(*at)) else {
                            return Err(WrongAnswer);
                        };
                        match said {
                            Label::Legacy(_, name) => out.raw(name),
                            _ => write_name(item, out),
                        }
                        out.raw(" ");
                        write_value(item, value, out)?;
                    }
                }
            }
            // Section 6.4.5: flags that the FETCH changed are part of its response.
            if marked.is_some() && !says_flags {
                out.raw(" FLAGS ");
                out.flags(flags);
            }
            out.raw(")\r\n");
        }
        Ok(())
    }
}

/// The name of an item in a response: as requested, without `.PEEK`, and of a partial only the origin.
fn write_name(item: &FetchItem, out: &mut Output) {
    let origin = |partial: &Option<Partial>, out: &mut Output| {
        if let Some(partial) = partial {
            out.raw(&format!("<{}>", partial.origin));
        }
    };
    let numbered = |name: &str, part: &[u32], out: &mut Output| {
        out.raw(name);
        out.raw("[");
        write_part(part, out);
        out.raw("]");
    };
    match item {
        FetchItem::InternalDate => out.raw("INTERNALDATE"),
        FetchItem::Size => out.raw("RFC822.SIZE"),
        FetchItem::Envelope => out.raw("ENVELOPE"),
        FetchItem::Body => out.raw("BODY"),
        FetchItem::BodyStructure => out.raw("BODYSTRUCTURE"),
        FetchItem::Section(section, partial) => {
            out.raw("BODY");
            section.write(out);
            origin(partial, out);
        }
        FetchItem::Binary(part, partial) => {
            numbered("BINARY", part, out);
            origin(partial, out);
        }
        FetchItem::BinarySize(part) => numbered("BINARY.SIZE", part, out),
    }
}

fn write_value(item: &FetchItem, value: &FetchValue, out: &mut Output) -> Result<(), WrongAnswer> {
    match (item, value) {
        (FetchItem::InternalDate, FetchValue::Moment(moment)) => out.raw(&DateTime(*moment).to_string()),
        (FetchItem::Size | FetchItem::BinarySize(_), FetchValue::Number(number)) => out.number(*number),
        // `number` has no NIL: a part that does not exist has 0 octets.
        (FetchItem::BinarySize(_), FetchValue::Nil) => out.number(0),
        (FetchItem::Envelope | FetchItem::Body | FetchItem::BodyStructure, FetchValue::Wire(wire)) => out.bytes(wire),
        (FetchItem::Section(..), FetchValue::Octets(octets)) => out.literal(octets),
        (FetchItem::Binary(..), FetchValue::Octets(octets)) => out.literal8(octets),
        (FetchItem::Section(..) | FetchItem::Binary(..), FetchValue::Nil) => out.raw("NIL"),
        _ => return Err(WrongAnswer),
    }
    Ok(())
}

impl Command for Fetch {
    fn ask(&mut self, context: &mut Context) -> NextNeed {
        let work = match self.work.take() {
            Some(work) => work,
            None => match self.begin(context) {
                Ok(work) => work,
                Err(ending) => return ending.into(),
            },
        };
        let need = if !work.held.is_empty() {
            let unseen = work.held.iter().filter(|row| !row.flags.has(SystemFlag::Seen));
            let uids = unseen.map(|row| row.uid).collect();
            let flags = Flags::new([SystemFlag::Seen], []);
            Need::ChangeFlags { uids, change: FlagChange::Add, flags, quiet: false }
        } else if work.left.as_slice().is_empty() {
            return self.ending(&work).into();
        } else {
            Need::Fetch { uids: work.left.clone(), items: self.items.clone() }
        };
        self.work = Some(work);
        NextNeed::Need(need)
    }

    fn say(&mut self, answer: Answer, context: &mut Context) -> Result<(), WrongAnswer> {
        let Some(mut work) = self.work.take() else { return Err(WrongAnswer) };
        match answer {
            Answer::Rows(answer) => {
                work.left.advance(answer.covered);
                work.damaged |= answer.damaged > 0;
                work.missing |= answer.rows.len() + answer.damaged < answer.covered;
                let writable = context.selected.as_ref().is_some_and(|selected| !selected.read_only);
                let unseen = |row: &FetchRow| !row.flags.has(SystemFlag::Seen);
                if self.marks_seen && writable && answer.rows.iter().any(unseen) {
                    work.held = answer.rows;
                } else {
                    self.write(&mut work, answer.rows, &HashMap::new(), context)?;
                }
            }
            Answer::Flags(changed) => {
                let seen = changed.rows.into_iter().map(|row| (row.uid, row.flags)).collect();
                let rows = std::mem::take(&mut work.held);
                self.write(&mut work, rows, &seen, context)?;
            }
            _ => return Err(WrongAnswer),
        }
        self.work = Some(work);
        Ok(())
    }

    fn refused(&mut self, refusal: Refusal, context: &mut Context) -> Option<Ending> {
        let Some(mut work) = self.work.take() else { return Some(refusal.into()) };
        if work.held.is_empty() {
            return Some(refusal.into());
        }
        // A message that cannot be marked as seen can still be read, for instance when the disk is full.
        self.marks_seen = false;
        let rows = std::mem::take(&mut work.held);
        let written = self.write(&mut work, rows, &HashMap::new(), context);
        self.work = Some(work);
        written.err().map(|WrongAnswer| Ending::server_bug())
    }
}
