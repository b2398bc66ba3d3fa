//! A small backend: one account, mailboxes in memory, messages of a header and a body. It answers every need, long ones
//! in small pieces, so that the machine has to ask again.

use std::collections::BTreeMap;
use std::sync::Arc;

use imap::{
    Answer, Appended, Changes, Copied, Date, FetchItem, FetchRow, FetchRows, FetchValue, FlagChange, FlagRow, Flags,
    FlagsChanged, Keyword, MailboxName, MailboxRow, Mailboxes, Need, Octets, OpenedMailbox, Refusal, SearchHits,
    SearchKey, Section, SectionText, SpecialUse, SystemFlag, UidRanges,
};
use terms::UnixMillis;

pub(crate) const USER: &str = "ann@ie.example";
pub(crate) const PASSWORD: &str = "correct horse";

/// 2026-11-23 05:00:00 UTC
const NOW: UnixMillis = UnixMillis(1_795_410_000_000);

/// The number of messages that one answer covers.
const PIECE: usize = 2;

#[derive(Clone)]
struct Message {
    uid: u32,
    flags: Flags,
    date: UnixMillis,
    bytes: Arc<Vec<u8>>,
}

#[derive(Clone)]
struct Mailbox {
    uid_validity: u32,
    uid_next: u32,
    special_use: Option<SpecialUse>,
    messages: Vec<Message>,
}

impl Mailbox {
    fn new(uid_validity: u32, special_use: Option<SpecialUse>) -> Self {
        Self { uid_validity, uid_next: 1, special_use, messages: Vec::new() }
    }

    fn add(&mut self, mut message: Message) -> u32 {
        message.uid = self.uid_next;
        self.uid_next += 1;
        self.messages.push(message);
        self.uid_next - 1
    }

    fn find(&mut self, uid: u32) -> Option<&mut Message> {
        self.messages.iter_mut().find(|message| message.uid == uid)
    }
}

/// The open mailbox, as last reported to the machine.
struct Open {
    name: String,
    seen: Mailbox,
}

pub(crate) struct Backend {
    mailboxes: BTreeMap<String, Mailbox>,
    subscribed: Vec<String>,
    open: Option<Open>,
    signed_in: bool,
    uid_validity: u32,
    /// Nothing can be changed.
    pub(crate) full: bool,
}

fn flags(words: &[&str]) -> Flags {
    let mut flags = Flags::default();
    for word in words {
        match SystemFlag::ALL.into_iter().find(|flag| flag.as_str() == *word) {
            Some(flag) => flags.set(flag),
            None => {
                flags.keywords.insert(Keyword::new(word).unwrap());
            }
        }
    }
    flags
}

impl Backend {
    /// INBOX with four messages (UID 1, 2, 4 and 5), Sent, Work/2026, Entwürfe.
    pub(crate) fn new() -> Self {
        let mut backend = Self {
            mailboxes: BTreeMap::new(),
            subscribed: vec!["INBOX".to_owned(), "Work/2026".to_owned(), "Gone".to_owned()],
            open: None,
            signed_in: false,
            uid_validity: 1000,
            full: false,
        };
        for (name, special_use) in [
            ("INBOX", None),
            ("Sent", Some(SpecialUse::Sent)),
            ("Work/2026", None),
            ("Entwürfe", Some(SpecialUse::Drafts)),
        ] {
            backend.create(name, special_use);
        }
        backend.deliver("INBOX", &["\\Seen"], "one", "the first\r\n");
        backend.deliver("INBOX", &[], "two", "the second\r\n");
        backend.deliver("INBOX", &[], "three", "gone\r\n");
        backend.deliver("INBOX", &["\\Seen", "\\Flagged", "$Work"], "four", "the fourth, \u{fc}\r\n");
        backend.deliver("INBOX", &["\\Deleted"], "five", &"x".repeat(5000));
        backend.expunge("INBOX", 3);
        backend
    }

    fn create(&mut self, name: &str, special_use: Option<SpecialUse>) {
        self.uid_validity += 1;
        self.mailboxes.insert(name.to_owned(), Mailbox::new(self.uid_validity, special_use));
    }

    fn mailbox(&mut self, name: &str) -> Result<&mut Mailbox, Refusal> {
        self.mailboxes.get_mut(name).ok_or(Refusal::NoSuchMailbox)
    }

    /// Delivers a message from outside.
    pub(crate) fn deliver(&mut self, name: &str, words: &[&str], subject: &str, body: &str) {
        let bytes = format!("From: bob@us.example\r\nSubject: {subject}\r\nX-Empty:\r\n\r\n{body}").into_bytes();
        let message = Message { uid: 0, flags: flags(words), date: NOW, bytes: Arc::new(bytes) };
        self.mailbox(name).unwrap().add(message);
    }

    /// Another session removes a message.
    pub(crate) fn expunge(&mut self, name: &str, uid: u32) {
        self.mailbox(name).unwrap().messages.retain(|message| message.uid != uid);
    }

    /// Another session sets flags.
    pub(crate) fn flag(&mut self, name: &str, uid: u32, words: &[&str]) {
        self.mailbox(name).unwrap().find(uid).unwrap().flags = flags(words);
    }

    /// Another session deletes a mailbox.
    pub(crate) fn delete(&mut self, name: &str) {
        self.mailboxes.remove(name);
    }

    pub(crate) fn perform(&mut self, need: Need) -> Answer {
        self.attempt(need).unwrap_or_else(Answer::Refused)
    }

    fn attempt(&mut self, need: Need) -> Result<Answer, Refusal> {
        if let Need::SignIn { user, password } = need {
            self.signed_in = user == USER && password.expose() == PASSWORD;
            return if self.signed_in { Ok(Answer::Done) } else { Err(Refusal::WrongCredentials) };
        }
        // A made-up exchange: the machine does not look at the content.
        if let Need::ScramBegin { plus, message } = need {
            return match (plus, message.as_slice()) {
                (false, b"n,,n=ann,r=abc") => Ok(Answer::Challenge(b"r=abcdef,s=c2FsdA==,i=4096".to_vec())),
                (true, b"p=tls-exporter,,n=ann,r=abc") => Ok(Answer::Challenge(b"r=abcplus".to_vec())),
                (_, b"n,a=ben,n=ann,r=abc") => Err(Refusal::OtherIdentity),
                (_, b"n,,n=slow,r=abc") => Err(Refusal::TooManyFailures),
                _ => Err(Refusal::MalformedResponse),
            };
        }
        if let Need::ScramFinish { message } = need {
            self.signed_in = message == b"p=right";
            return if self.signed_in {
                Ok(Answer::Challenge(b"v=proof".to_vec()))
            } else {
                Err(Refusal::WrongCredentials)
            };
        }
        assert!(self.signed_in, "{need:?} before sign-in");
        match need {
            Need::SignIn { .. } | Need::ScramBegin { .. } | Need::ScramFinish { .. } => unreachable!(),
            Need::Mailboxes => {
                let name = |name: &String| MailboxName::new(name).unwrap();
                let rows = self.mailboxes.iter().map(|(name, mailbox)| row(name, mailbox)).collect();
                return Ok(Answer::Mailboxes(Mailboxes {
                    rows,
                    subscribed: self.subscribed.iter().map(name).collect(),
                }));
            }
            Need::Mailbox(name) => {
                return Ok(Answer::Mailbox(row(name.as_str(), self.mailbox(name.as_str())?)));
            }
            Need::Quota => {
                let all = || self.mailboxes.values().flat_map(|mailbox| &mailbox.messages);
                return Ok(Answer::Quota(imap::Quota {
                    bytes: all().map(|message| message.bytes.len() as u64).sum(),
                    bytes_max: Some(10 * 1024),
                    messages: all().count() as u64,
                    messages_max: Some(100),
                }));
            }
            Need::Create { name, special_use } => {
                if self.mailboxes.contains_key(name.as_str()) {
                    return Err(Refusal::AlreadyExists);
                }
                self.create(name.as_str(), special_use);
            }
            Need::Delete(name) => {
                self.mailbox(name.as_str())?;
                self.delete(name.as_str());
            }
            Need::Rename { from, to } => {
                self.mailbox(from.as_str())?;
                let below = format!("{}/", from.as_str());
                let moved: Vec<String> = self
                    .mailboxes
                    .keys()
                    .filter(|name| *name == from.as_str() || name.starts_with(&below))
                    .cloned()
                    .collect();
                for name in moved {
                    let mailbox = self.mailboxes.remove(&name).unwrap();
                    self.mailboxes.insert(format!("{}{}", to.as_str(), &name[from.as_str().len()..]), mailbox);
                }
            }
            Need::Subscribe { name, subscribed } => {
                self.subscribed.retain(|have| have != name.as_str());
                if subscribed {
                    self.subscribed.push(name.as_str().to_owned());
                }
            }
            Need::Open(name) => {
                self.open = None;
                let seen = self.mailbox(name.as_str())?.clone();
                let keywords =
                    seen.messages.iter().flat_map(|message| message.flags.keywords.iter().cloned()).collect();
                let unseen = seen.messages.iter().find(|message| !message.flags.has(SystemFlag::Seen));
                let opened = OpenedMailbox {
                    uids: UidRanges::of(seen.messages.iter().map(|message| message.uid..=message.uid)),
                    uid_validity: seen.uid_validity,
                    uid_next: seen.uid_next,
                    first_unseen: unseen.map(|message| message.uid),
                    keywords,
                };
                self.open = Some(Open { name: name.as_str().to_owned(), seen });
                return Ok(Answer::Opened(opened));
            }
            Need::Close => self.open = None,
            Need::Refresh => return self.refresh(),
            Need::Fetch { uids, items } => {
                let seen = &self.open.as_ref().unwrap().seen;
                let piece = &uids.as_slice()[..uids.as_slice().len().min(PIECE)];
                let found = piece.iter().filter_map(|uid| seen.messages.iter().find(|message| message.uid == *uid));
                let damaged = found.clone().filter(|message| contains(message, "damaged")).count();
                let rows = found
                    .filter(|message| !contains(message, "damaged"))
                    .map(|message| fetch(message, &items))
                    .collect();
                return Ok(Answer::Rows(FetchRows { covered: piece.len(), rows, damaged }));
            }
            Need::Search { uids, key } => {
                let seen = &self.open.as_ref().unwrap().seen;
                let piece = &uids.as_slice()[..uids.as_slice().len().min(PIECE)];
                let found = piece.iter().filter_map(|uid| seen.messages.iter().find(|message| message.uid == *uid));
                let uids = found.filter(|message| matches(&key, message)).map(|message| message.uid).collect();
                return Ok(Answer::Found(SearchHits { covered: piece.len(), uids }));
            }
            Need::ChangeFlags { .. } if self.full => return Err(Refusal::Unavailable),
            Need::ChangeFlags { uids, change, flags, quiet } => {
                return self.change_flags(&uids, change, &flags, quiet);
            }
            Need::Copy { uids, to } => return self.transfer(&uids, to.as_str(), false),
            Need::Move { uids, to } => return self.transfer(&uids, to.as_str(), true),
            Need::Expunge { among } => {
                let name = self.open.as_ref().unwrap().name.clone();
                let goes = |message: &Message| {
                    message.flags.has(SystemFlag::Deleted)
                        && among.as_ref().is_none_or(|uids| uids.contains(&message.uid))
                };
                self.mailbox(&name)?.messages.retain(|message| !goes(message));
            }
            Need::Append { mailbox, flags, internal_date, message } => {
                let mailbox = self.mailbox(mailbox.as_str())?;
                let date = internal_date.unwrap_or(NOW);
                let uid = mailbox.add(Message { uid: 0, flags, date, bytes: Arc::new(message) });
                return Ok(Answer::Appended(Appended { uid_validity: mailbox.uid_validity, uid }));
            }
        }
        Ok(Answer::Done)
    }

    fn refresh(&mut self) -> Result<Answer, Refusal> {
        let mut open = self.open.take().unwrap();
        let now = self.mailbox(&open.name)?.clone();
        let mut changes = Changes::default();
        for message in &open.seen.messages {
            match now.messages.iter().find(|other| other.uid == message.uid) {
                None => changes.gone.push(message.uid),
                Some(other) if other.flags != message.flags => {
                    changes.flags.push(FlagRow { uid: message.uid, flags: other.flags.clone() });
                }
                Some(_) => {}
            }
        }
        let new = now.messages.iter().filter(|message| message.uid >= open.seen.uid_next);
        changes.new = new.map(|message| message.uid).collect();
        open.seen = now;
        self.open = Some(open);
        Ok(Answer::Changes(changes))
    }

    fn change_flags(
        &mut self,
        uids: &[u32],
        change: FlagChange,
        named: &Flags,
        quiet: bool,
    ) -> Result<Answer, Refusal> {
        let mut open = self.open.take().unwrap();
        let mailbox = self.mailbox(&open.name)?;
        let mut rows = Vec::new();
        for uid in uids {
            let Some(message) = mailbox.find(*uid) else { continue };
            let system = SystemFlag::ALL.into_iter().filter(|flag| match change {
                FlagChange::Set => named.has(*flag),
                FlagChange::Add => named.has(*flag) || message.flags.has(*flag),
                FlagChange::Remove => !named.has(*flag) && message.flags.has(*flag),
            });
            let keywords = match change {
                FlagChange::Set => named.keywords.clone(),
                FlagChange::Add => message.flags.keywords.union(&named.keywords).cloned().collect(),
                FlagChange::Remove => message.flags.keywords.difference(&named.keywords).cloned().collect(),
            };
            message.flags = Flags::new(system, keywords);
            rows.push(FlagRow { uid: *uid, flags: message.flags.clone() });
            // The session knows its own changes.
            if let Some(seen) = open.seen.find(*uid) {
                seen.flags = message.flags.clone();
            }
        }
        self.open = Some(open);
        let there = rows.len();
        if quiet {
            let mut in_use: Vec<Flags> = Vec::new();
            for row in rows.drain(..) {
                if !in_use.contains(&row.flags) {
                    in_use.push(row.flags);
                }
            }
            return Ok(Answer::Flags(FlagsChanged { rows, in_use, there }));
        }
        Ok(Answer::Flags(FlagsChanged { rows, in_use: Vec::new(), there }))
    }

    fn transfer(&mut self, uids: &[u32], to: &str, moves: bool) -> Result<Answer, Refusal> {
        let from = self.open.as_ref().unwrap().name.clone();
        self.mailbox(to)?;
        let mut copied = Copied { uid_validity: self.mailbox(to)?.uid_validity, from: Vec::new(), to: Vec::new() };
        for uid in uids {
            let Some(message) = self.mailbox(&from)?.find(*uid).cloned() else { continue };
            copied.from.push(*uid);
            copied.to.push(self.mailbox(to)?.add(message));
            if moves {
                self.expunge(&from, *uid);
            }
        }
        Ok(Answer::Copied(copied))
    }
}

fn row(name: &str, mailbox: &Mailbox) -> MailboxRow {
    let count = |test: &dyn Fn(&Message) -> bool| {
        u32::try_from(mailbox.messages.iter().filter(|message| test(message)).count()).unwrap()
    };
    MailboxRow {
        name: MailboxName::new(name).unwrap(),
        special_use: mailbox.special_use,
        messages: count(&|_| true),
        unseen: count(&|message| !message.flags.has(SystemFlag::Seen)),
        deleted: count(&|message| message.flags.has(SystemFlag::Deleted)),
        uid_next: mailbox.uid_next,
        uid_validity: mailbox.uid_validity,
        size_bytes: mailbox.messages.iter().map(|message| message.bytes.len() as u64).sum(),
        deleted_size_bytes: mailbox
            .messages
            .iter()
            .filter(|message| message.flags.has(SystemFlag::Deleted))
            .map(|message| message.bytes.len() as u64)
            .sum(),
    }
}

fn contains(message: &Message, word: &str) -> bool {
    message.bytes.windows(word.len()).any(|window| window == word.as_bytes())
}

/// Where the body begins.
fn body_at(bytes: &[u8]) -> usize {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4)
}

fn header_fields(message: &Message) -> Vec<String> {
    let header = String::from_utf8_lossy(&message.bytes[..body_at(&message.bytes)]).into_owned();
    header.split_inclusive("\r\n").map(str::to_owned).collect()
}

fn section(message: &Message, section: &Section) -> Option<Octets> {
    let bytes = &message.bytes;
    let at = body_at(bytes);
    let fields = |names: &[String], wanted: bool| {
        let has = |field: &&String| {
            let name = field.split(':').next().unwrap_or_default();
            *field == "\r\n" || names.iter().any(|one| one.eq_ignore_ascii_case(name)) == wanted
        };
        let all = header_fields(message);
        all.iter().filter(has).cloned().collect::<String>().into_bytes()
    };
    let range = match (section.part.as_slice(), &section.text) {
        ([], None) => 0..bytes.len(),
        ([], Some(SectionText::Header)) => 0..at,
        ([], Some(SectionText::Text)) | ([1], None) => at..bytes.len(),
        ([], Some(SectionText::HeaderFields(names))) => return Some(fields(names, true).into()),
        ([], Some(SectionText::HeaderFieldsNot(names))) => return Some(fields(names, false).into()),
        _ => return None,
    };
    Some(Octets::slice(bytes.clone(), range))
}

fn fetch(message: &Message, items: &[FetchItem]) -> FetchRow {
    let subject = header_fields(message).iter().find_map(|field| field.strip_prefix("Subject: ").map(str::to_owned));
    let subject = subject.unwrap_or_default().trim().to_owned();
    let bytes = &message.bytes;
    let body = body_at(bytes)..bytes.len();
    let values = items.iter().map(|item| match item {
        FetchItem::InternalDate => FetchValue::Moment(message.date),
        FetchItem::Size => FetchValue::Number(bytes.len() as u64),
        FetchItem::Envelope => {
            FetchValue::Wire(format!("(NIL \"{subject}\" NIL NIL NIL NIL NIL NIL NIL NIL)").into_bytes())
        }
        FetchItem::Body => FetchValue::Wire(b"(\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 11 1)".to_vec()),
        FetchItem::BodyStructure => {
            FetchValue::Wire(b"(\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 11 1 NIL NIL NIL NIL)".to_vec())
        }
        FetchItem::Section(asked, partial) => section(message, asked).map_or(FetchValue::Nil, |octets| {
            let range = partial.map_or(0..octets.as_slice().len(), |partial| partial.within(octets.as_slice().len()));
            FetchValue::Octets(octets.cut(range))
        }),
        FetchItem::Binary(part, _) => match part.as_slice() {
            [1] if subject == "binary" => FetchValue::Octets(b"a\0b".to_vec().into()),
            [1] => FetchValue::Octets(Octets::slice(bytes.clone(), body.clone())),
            [7] => FetchValue::UnknownEncoding,
            _ => FetchValue::Nil,
        },
        FetchItem::BinarySize(part) => match part.as_slice() {
            [1] => FetchValue::Number(body.len() as u64),
            [7] => FetchValue::UnknownEncoding,
            _ => FetchValue::Nil,
        },
    });
    FetchRow { uid: message.uid, flags: message.flags.clone(), values: values.collect() }
}

fn matches(key: &SearchKey<UidRanges>, message: &Message) -> bool {
    let text = String::from_utf8_lossy(&message.bytes).to_lowercase();
    let (header, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let size = message.bytes.len() as u64;
    match key {
        SearchKey::And(keys) => keys.iter().all(|key| matches(key, message)),
        SearchKey::Or(one, two) => matches(one, message) || matches(two, message),
        SearchKey::Not(key) => !matches(key, message),
        SearchKey::Flag(flag) => message.flags.has(*flag),
        SearchKey::Keyword(keyword) => message.flags.keywords.iter().any(|have| have.is(keyword)),
        SearchKey::Header(name, part) => {
            let mut fields = header.split("\r\n").filter_map(|field| field.split_once(':'));
            fields.any(|(field, value)| field.eq_ignore_ascii_case(name) && value.contains(&part.to_lowercase()))
        }
        SearchKey::Body(part) => body.contains(&part.to_lowercase()),
        SearchKey::Text(part) => text.contains(&part.to_lowercase()),
        SearchKey::Before(date) | SearchKey::SentBefore(date) => Date::of(message.date) < *date,
        SearchKey::On(date) | SearchKey::SentOn(date) => Date::of(message.date) == *date,
        SearchKey::Since(date) | SearchKey::SentSince(date) => Date::of(message.date) >= *date,
        SearchKey::Larger(limit) => size > *limit,
        SearchKey::Smaller(limit) => size < *limit,
        SearchKey::Set(uids) => uids.contains(message.uid),
    }
}
