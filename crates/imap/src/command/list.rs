//! LIST (RFC 9051 section 6.3.9), with selection and return options (RFC 5258), special use (RFC 6154) and status
//! (RFC 5819)

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use super::status::{self, StatusItem};
use super::{Command, NextNeed, Parsed, WrongAnswer};
use crate::code::Ending;
use crate::context::Context;
use crate::cursor::{Bad, Cursor};
use crate::limits::{LIST_NAMES_MAX, PATTERNS_MAX};
use crate::need::{Answer, MailboxRow, Mailboxes, Need, Refusal};
use crate::pattern::{Budget, Pattern, Spent};

struct List {
    select: Select,
    show: Show,
    patterns: Vec<Pattern>,
    /// `LIST "" ""` returns the separator.
    separator_only: bool,
    asked: bool,
    /// It would cost more than one command may.
    spent: bool,
}

/// `list-select-opts`
#[derive(Default)]
struct Select {
    /// Options were given, so the client understands the extended attributes.
    extended: bool,
    subscribed: bool,
    special_use: bool,
    recursive: bool,
}

/// `list-return-opts`
#[derive(Default)]
struct Show {
    extended: bool,
    subscribed: bool,
    status: Vec<StatusItem>,
}

/// `list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]`
pub(super) fn parse(cursor: &mut Cursor<'_>, _: &Context) -> Parsed {
    cursor.space()?;
    let mut select = Select::default();
    if cursor.peek() == Some(b'(') {
        select = parse_select(cursor)?;
        cursor.space()?;
    }
    let reference = cursor.astring()?;
    cursor.space()?;
    let several = cursor.peek() == Some(b'(');
    let patterns =
        if several { cursor.list(PATTERNS_MAX, Cursor::list_mailbox)? } else { vec![cursor.list_mailbox()?] };
    let mut show = Show::default();
    if cursor.eat(b' ') {
        show = parse_show(cursor)?;
    }
    cursor.end()?;
    let separator_only = !several && !select.extended && patterns.iter().all(Vec::is_empty);
    let patterns = patterns.iter().map(|pattern| Pattern::new(&reference, pattern)).collect::<Result<_, _>>()?;
    Ok(Box::new(List { select, show, patterns, separator_only, asked: false, spent: false }))
}

fn parse_select(cursor: &mut Cursor<'_>) -> Result<Select, Bad> {
    let mut select = Select { extended: true, ..Select::default() };
    for option in cursor.list(16, Cursor::word)? {
        match option.as_str() {
            "SUBSCRIBED" => select.subscribed = true,
            "SPECIAL-USE" => select.special_use = true,
            "RECURSIVEMATCH" => select.recursive = true,
            // There are no remote mailboxes.
            "REMOTE" => {}
            _ => return Err(Bad("unknown selection option")),
        }
    }
    if select.recursive && !select.subscribed && !select.special_use {
        return Err(Bad("RECURSIVEMATCH requires another selection option"));
    }
    Ok(select)
}

fn parse_show(cursor: &mut Cursor<'_>) -> Result<Show, Bad> {
    if cursor.word()? != "RETURN" {
        return Err(Bad("expected RETURN"));
    }
    cursor.space()?;
    let mut show = Show { extended: true, ..Show::default() };
    cursor.list(16, |cursor| {
        match cursor.word()?.as_str() {
            "SUBSCRIBED" => show.subscribed = true,
            // Always shown.
            "CHILDREN" | "SPECIAL-USE" => {}
            "STATUS" => {
                cursor.space()?;
                show.status = status::parse_items(cursor)?;
            }
            _ => return Err(Bad("unknown return option")),
        }
        Ok(())
    })?;
    Ok(show)
}

/// A name in the hierarchy.
#[derive(Default)]
pub(super) struct Name<'m> {
    /// The mailbox, if it exists.
    pub(super) row: Option<&'m MailboxRow>,
    pub(super) subscribed: bool,
    /// Whether there is a mailbox below; a subscription alone does not count.
    pub(super) has_children: bool,
}

/// Every name that could be listed: mailboxes, subscriptions, and their ancestors.
///
/// # Errors
/// [`Spent`] if there are more than [`LIST_NAMES_MAX`].
fn tree(mailboxes: &Mailboxes) -> Result<BTreeMap<&str, Name<'_>>, Spent> {
    let mut names: BTreeMap<&str, Name<'_>> = BTreeMap::new();
    let within = |names: &BTreeMap<&str, Name<'_>>| if names.len() > LIST_NAMES_MAX { Err(Spent) } else { Ok(()) };
    for row in &mailboxes.rows {
        names.entry(row.name.as_str()).or_default().row = Some(row);
        for above in ancestors(row.name.as_str()) {
            // What is above one with children has been there.
            if std::mem::replace(&mut names.entry(above).or_default().has_children, true) {
                break;
            }
            within(&names)?;
        }
    }
    for name in &mailboxes.subscribed {
        names.entry(name.as_str()).or_default().subscribed = true;
        for above in ancestors(name.as_str()) {
            let before = names.len();
            names.entry(above).or_default();
            if names.len() == before {
                break;
            }
            within(&names)?;
        }
    }
    Ok(names)
}

/// The names above `name`, the nearest first.
fn ancestors(name: &str) -> impl Iterator<Item = &str> {
    name.rmatch_indices('/').map(|(at, _)| &name[..at])
}

/// A name that matches a command's patterns.
pub(super) struct Match<'m> {
    pub(super) name: &'m str,
    pub(super) what: Name<'m>,
    /// A wanted name below it does not match, so that this one stands for it.
    pub(super) hides: bool,
}

/// The names that match, in their order.
///
/// # Errors
/// [`Spent`] if there are too many names or matching them costs too much.
pub(super) fn matching<'m>(
    mailboxes: &'m Mailboxes,
    matches: impl Fn(&str, &mut Budget) -> Result<bool, Spent>,
    wanted: impl Fn(&Name<'_>) -> bool,
) -> Result<Vec<Match<'m>>, Spent> {
    let mut budget = Budget::new();
    let (mut found, mut parents) = (Vec::new(), HashSet::new());
    for (name, what) in tree(mailboxes)? {
        if matches(name, &mut budget)? {
            found.push((name, what));
        } else if wanted(&what) {
            // What is above one that is there is there.
            let _ = ancestors(name).take_while(|above| parents.insert(*above)).count();
        }
    }
    Ok(found.into_iter().map(|(name, what)| Match { name, what, hides: parents.contains(name) }).collect())
}

/// A name as this client sees it.
pub(super) fn wire_name<'n>(name: &'n str, context: &Context) -> Cow<'n, str> {
    let plain = context.rev2 || name.bytes().all(|byte| byte != b'&' && (byte == b' ' || byte.is_ascii_graphic()));
    if plain { Cow::Borrowed(name) } else { Cow::Owned(crate::mutf7::encode(name)) }
}

impl List {
    fn matches(&self, name: &str, context: &Context, budget: &mut Budget) -> Result<bool, Spent> {
        let wire = wire_name(name, context);
        for pattern in &self.patterns {
            if pattern.matches(name, &wire, budget)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a name matches the selection options; without options, whether it is a mailbox or has one below.
    fn selects(&self, name: &Name<'_>) -> bool {
        let special_use = || name.row.is_some_and(|row| row.special_use.is_some());
        match (self.select.subscribed, self.select.special_use) {
            (false, false) => name.row.is_some() || name.has_children,
            (subscribed, special) => (!subscribed || name.subscribed) && (!special || special_use()),
        }
    }

    fn write(&self, mailboxes: &Mailboxes, context: &mut Context) -> Result<(), Spent> {
        // Section 6.3.9.6: a parent is listed for selected children that are not listed themselves.
        let matching = matching(
            mailboxes,
            |name, budget| self.matches(name, context, budget),
            |what| self.select.recursive && self.selects(what),
        )?;
        for Match { name, what, hides: child_info } in matching {
            if !self.selects(&what) && !child_info {
                continue;
            }
            self.write_line(name, &what, child_info, context);
            if let Some(row) = what.row
                && !self.show.status.is_empty()
            {
                status::write(row, &self.show.status, context);
            }
        }
        Ok(())
    }

    /// `* LIST (attributes) "/" mailbox [("CHILDINFO" (…))]`
    fn write_line(&self, name: &str, what: &Name<'_>, child_info: bool, context: &mut Context) {
        let mut attributes = Vec::new();
        if what.row.is_none() {
            // A client without the extension knows only the weaker attribute (section 6.3.9.4).
            let extended = self.select.extended || self.show.extended || context.rev2;
            attributes.push(if extended { "\\NonExistent" } else { "\\Noselect" });
        }
        if what.subscribed && (self.show.subscribed || self.select.subscribed) {
            attributes.push("\\Subscribed");
        }
        attributes.extend(what.row.and_then(|row| row.special_use).map(|special_use| special_use.as_str()));
        attributes.push(if what.has_children { "\\HasChildren" } else { "\\HasNoChildren" });
        let wire = wire_name(name, context);
        let out = &mut context.out;
        out.raw(&format!("* LIST ({}) \"/\" ", attributes.join(" ")));
        out.astring(&wire);
        if child_info {
            let criteria = match (self.select.subscribed, self.select.special_use) {
                (true, true) => "\"SUBSCRIBED\" \"SPECIAL-USE\"",
                (true, false) => "\"SUBSCRIBED\"",
                _ => "\"SPECIAL-USE\"",
            };
            out.raw(&format!(" (\"CHILDINFO\" ({criteria}))"));
        }
        out.end_line();
    }
}

impl Command for List {
    fn ask(&mut self, context: &mut Context) -> NextNeed {
        if self.separator_only {
            context.out.raw("* LIST (\\Noselect) \"/\" \"\"\r\n");
        } else if !self.asked {
            self.asked = true;
            return NextNeed::Need(Need::Mailboxes);
        } else if self.spent {
            return Ending::from(Refusal::Limit).into();
        }
        Ending::ok("LIST done").into()
    }

    fn say(&mut self, answer: Answer, context: &mut Context) -> Result<(), WrongAnswer> {
        let Answer::Mailboxes(mailboxes) = answer else { return Err(WrongAnswer) };
        self.spent = self.write(&mailboxes, context) == Err(Spent);
        Ok(())
    }
}
