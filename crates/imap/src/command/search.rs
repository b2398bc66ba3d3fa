//! SEARCH (RFC 9051 section 6.4.4), with ESEARCH (RFC 4731) and saved results (RFC 5182)

use std::sync::Arc;

use super::{Command, NextNeed, Parsed, WrongAnswer};
use crate::code::{Ending, Status};
use crate::context::Context;
use crate::cursor::{Bad, Cursor};
use crate::need::{Answer, Need, Refusal, UidRanges, Uids};
use crate::output::Output;
use crate::search::{Numbers, SearchKey};
use crate::sequence::write_set;

struct Search {
    uid: bool,
    /// Absent: no RETURN was given.
    options: Option<Vec<Return>>,
    charset: bool,
    key: SearchKey<Numbers>,
    work: Option<Work>,
}

struct Work {
    left: Uids,
    key: Arc<SearchKey<UidRanges>>,
    found: Vec<u32>,
}

/// `search-return-opt`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Return {
    Min,
    Max,
    All,
    Count,
    Save,
}

/// `search = "SEARCH" [search-return-opts] SP search-program`
pub(super) fn parse(cursor: &mut Cursor<'_>, _: &Context) -> Parsed {
    parse_as(cursor, false)
}

/// `uid = "UID" SP search`
pub(super) fn parse_uid(cursor: &mut Cursor<'_>, _: &Context) -> Parsed {
    parse_as(cursor, true)
}

/// `[search-return-opts] SP ["CHARSET" SP charset SP] search-key *(SP search-key)`
fn parse_as(cursor: &mut Cursor<'_>, uid: bool) -> Parsed {
    cursor.space()?;
    let mut options = None;
    if follows(cursor, "RETURN") {
        cursor.space()?;
        let list = cursor.list(16, |cursor| match cursor.word()?.as_str() {
            "MIN" => Ok(Return::Min),
            "MAX" => Ok(Return::Max),
            "ALL" => Ok(Return::All),
            "COUNT" => Ok(Return::Count),
            "SAVE" => Ok(Return::Save),
            _ => Err(Bad("unknown result option")),
        })?;
        // Section 6.4.4: an empty list means ALL.
        options = Some(if list.is_empty() { vec![Return::All] } else { list });
        cursor.space()?;
    }
    let mut charset = true;
    if follows(cursor, "CHARSET") {
        cursor.space()?;
        let name = cursor.astring_text()?;
        charset = ["UTF-8", "US-ASCII"].iter().any(|known| known.eq_ignore_ascii_case(&name));
        cursor.space()?;
        if !charset {
            // The keys are in an unsupported charset: do not parse them.
            return Ok(Box::new(Search { uid, options, charset, key: SearchKey::And(Vec::new()), work: None }));
        }
    }
    let key = SearchKey::parse_all(cursor)?;
    Ok(Box::new(Search { uid, options, charset, key, work: None }))
}

/// Consumes `word` if it is next.
fn follows(cursor: &mut Cursor<'_>, word: &str) -> bool {
    let mut ahead = cursor.clone();
    let there = ahead.word().is_ok_and(|next| next == word);
    if there {
        *cursor = ahead;
    }
    there
}

impl Search {
    fn wants(&self, option: Return) -> bool {
        self.options.as_ref().is_some_and(|options| options.contains(&option))
    }

    fn begin(&mut self, context: &mut Context) -> Result<Work, Ending> {
        if !self.charset {
            return Err(Ending::no("Unsupported charset").code("BADCHARSET (US-ASCII UTF-8)"));
        }
        let selected = context.selected()?;
        let key = Arc::new(self.key.map(&mut |numbers| selected.search_ranges(numbers))?);
        Ok(Work { left: Uids::new(selected.uids().collect()), key, found: Vec::new() })
    }

    /// Section 6.4.4.1: a failed SEARCH with SAVE clears the saved result.
    fn failed(&self, ending: &Ending, context: &mut Context) {
        if ending.status == Status::No
            && self.wants(Return::Save)
            && let Some(selected) = context.selected.as_mut()
        {
            selected.saved.clear();
        }
    }

    fn finish(&self, found: &[u32], context: &mut Context) {
        let Some(selected) = context.selected.as_mut() else { return };
        if self.wants(Return::Save) {
            // Section 6.4.4.1, table 4.
            let ends_only = !self.wants(Return::All) && !self.wants(Return::Count);
            let (min, max) = (self.wants(Return::Min), self.wants(Return::Max));
            selected.saved = if ends_only && (min || max) {
                let ends = [found.first().filter(|_| min), found.last().filter(|_| max)];
                let mut ends: Vec<u32> = ends.into_iter().flatten().copied().collect();
                ends.dedup();
                ends
            } else {
                found.to_vec()
            };
        }
        let numbers: Vec<u32> =
            if self.uid { found.to_vec() } else { found.iter().filter_map(|uid| selected.number(*uid)).collect() };
        match &self.options {
            None if !context.rev2 => write_search(&numbers, &mut context.out),
            None => self.write_esearch(&[Return::All], &numbers, context),
            Some(options) if options.iter().all(|option| *option == Return::Save) => {}
            Some(options) => self.write_esearch(options, &numbers, context),
        }
    }

    /// `* ESEARCH (TAG "…") [UID] …` (section 7.3.4)
    fn write_esearch(&self, options: &[Return], numbers: &[u32], context: &mut Context) {
        let tag = String::from_utf8_lossy(&context.tag).into_owned();
        let out = &mut context.out;
        out.raw("* ESEARCH (TAG ");
        out.quoted(&tag);
        out.raw(if self.uid { ") UID" } else { ")" });
        for (option, name, number) in [(Return::Min, "MIN", numbers.first()), (Return::Max, "MAX", numbers.last())] {
            if let Some(number) = number.filter(|_| options.contains(&option)) {
                out.raw(&format!(" {name} {number}"));
            }
        }
        if options.contains(&Return::Count) {
            out.raw(&format!(" COUNT {}", numbers.len()));
        }
        if options.contains(&Return::All) && !numbers.is_empty() {
            let mut set = String::from(" ALL ");
            write_set(numbers, &mut set);
            out.raw(&set);
        }
        out.end_line();
    }
}

/// `* SEARCH …` (RFC 3501 section 7.2.5)
fn write_search(numbers: &[u32], out: &mut Output) {
    out.raw("* SEARCH");
    for number in numbers {
        out.raw(" ");
        out.number(u64::from(*number));
    }
    out.end_line();
}

impl Command for Search {
    fn ask(&mut self, context: &mut Context) -> NextNeed {
        let work = match self.work.take() {
            Some(work) => work,
            None => match self.begin(context) {
                Ok(work) => work,
                Err(ending) => {
                    self.failed(&ending, context);
                    return ending.into();
                }
            },
        };
        if work.left.as_slice().is_empty() {
            self.finish(&work.found, context);
            return Ending::ok("SEARCH done").into();
        }
        let need = Need::Search { uids: work.left.clone(), key: work.key.clone() };
        self.work = Some(work);
        NextNeed::Need(need)
    }

    fn say(&mut self, answer: Answer, _: &mut Context) -> Result<(), WrongAnswer> {
        let (Answer::Found(found), Some(work)) = (answer, &mut self.work) else { return Err(WrongAnswer) };
        work.left.advance(found.covered);
        work.found.extend(found.uids);
        Ok(())
    }

    fn still_at_work(&self) -> Option<&'static str> {
        Some("* OK Still searching\r\n")
    }

    fn refused(&mut self, refusal: Refusal, context: &mut Context) -> Option<Ending> {
        let ending = refusal.into();
        self.failed(&ending, context);
        Some(ending)
    }
}
