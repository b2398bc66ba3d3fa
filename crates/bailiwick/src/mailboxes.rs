//! `account quota`, `account undelete`: how much an owner may have, and what an owner deleted and may have back.

use std::process::ExitCode;

use doors::control::{AccountAct, AccountRequest, Outcome, Request};
use mailroom::record::Record;
use serde_json::json;
use store::{DeletedMessage, Limit, Limits, Policy, Usage};
use terms::{AccountId, Secret};
use vault::{Network, Part, Scopes, SignedIn};

use crate::cli::account::Whose;
use crate::client::ask;
use crate::config::MailboxesConfig;
use crate::node::Node;

/// Messages whose headers are opened at once for a list.
const OPENED_AT_ONCE: usize = 256;

/// Octets of a header that are looked through for a subject.
const HEADER_BYTES_MAX: u64 = 64 * 1024;

/// Letters of a subject in a list.
const SUBJECT_CHARS_MAX: usize = 60;

impl MailboxesConfig {
    /// As the store wants it.
    pub(crate) fn policy(&self) -> Policy {
        Policy { bytes_max: self.quota_bytes, messages_max: self.quota_messages, restorable_days: self.restorable_days }
    }
}

/// `account quota`
pub(crate) fn quota(whose: &Whose, size: Option<&str>, messages: Option<&str>) -> Result<ExitCode, String> {
    let act = AccountAct::Quota { size: size.map(str::to_owned), messages: messages.map(str::to_owned) };
    ask(&whose.node, Request::Account(AccountRequest { address: whose.address.clone(), act }))
}

/// `account undelete`
pub(crate) fn undelete(
    whose: &Whose,
    list: bool,
    mailbox: Option<&str>,
    numbers: &[u32],
    all: bool,
) -> Result<ExitCode, String> {
    if !list && !all && numbers.is_empty() && mailbox.is_none() {
        return Err("say what to restore: numbers from --list, --mailbox NAME, or --all".to_owned());
    }
    let shown = crate::owner::shown(&whose.node, &whose.address)?;
    let act = AccountAct::Undelete { shown, list, mailbox: mailbox.map(str::to_owned), numbers: numbers.to_vec() };
    ask(&whose.node, Request::Account(AccountRequest { address: whose.address.clone(), act }))
}

/// A size as people write it: bytes, or with k, M, G or T, which count in 1024; `none` and `default`.
fn limit(text: &str) -> Result<Limit, String> {
    let wrong = || format!("{text}: a limit is a number, with k, M, G or T if you like; none; or default");
    match text.to_ascii_lowercase().as_str() {
        "none" => Ok(Limit::Unlimited),
        "default" => Ok(Limit::Policy),
        lower => {
            let digits = lower.trim_end_matches("ib").trim_end_matches('b').trim_end();
            let (digits, unit) = match digits.char_indices().next_back() {
                Some((at, 'k')) => (&digits[..at], 10),
                Some((at, 'm')) => (&digits[..at], 20),
                Some((at, 'g')) => (&digits[..at], 30),
                Some((at, 't')) => (&digits[..at], 40),
                _ => (digits, 0),
            };
            let number: u64 = digits.trim_end().parse().map_err(|_| wrong())?;
            number.checked_mul(1 << unit).map(Limit::At).ok_or_else(wrong)
        }
    }
}

fn of_most(used: u64, most: Option<u64>, limit: Limit) -> String {
    let most = most.map_or("no limit".to_owned(), |most| format!("of {most}"));
    let source = if limit == Limit::Policy { "the node's" } else { "its own" };
    format!("{used} {most} ({source})")
}

fn usage_said(address: &str, usage: &Usage) -> Outcome {
    let text = format!(
        "{address}\nbytes     {}\nmessages  {}",
        of_most(usage.bytes, usage.bytes_max, usage.limits.bytes),
        of_most(usage.messages, usage.messages_max, usage.limits.messages),
    );
    let data = json!({
        "bytes": usage.bytes, "bytes_max": usage.bytes_max, "messages": usage.messages,
        "messages_max": usage.messages_max,
    });
    Outcome { text, data }
}

impl Node {
    /// Shows an account's quota, or sets it.
    pub(crate) fn quota(
        &self,
        account: AccountId,
        address: &str,
        size: Option<&str>,
        messages: Option<&str>,
    ) -> Result<Outcome, String> {
        let said = |error: store::StoreError| error.to_string();
        let store = &self.mailroom.store;
        if size.is_some() || messages.is_some() {
            let mut limits: Limits = store.usage(account).map_err(said)?.limits;
            if let Some(size) = size {
                limits.bytes = limit(size)?;
            }
            if let Some(messages) = messages {
                limits.messages = limit(messages)?;
            }
            store.set_limits(account, limits).map_err(said)?;
        }
        Ok(usage_said(address, &store.usage(account).map_err(said)?))
    }

    /// Lists what an owner deleted, or brings it back: what the numbers name, or all of a mailbox, or all.
    pub(crate) fn undelete(
        &self,
        address: &str,
        (password, code): (&Secret<String>, Option<&Secret<String>>),
        list: bool,
        mailbox: Option<&str>,
        numbers: &[u32],
    ) -> Result<Outcome, String> {
        let said = |error: store::StoreError| error.to_string();
        let store = &self.mailroom.store;
        let owner = self.mailroom.sign_in(address, password, code, Scopes::PAGES, Network::HERE);
        let owner = owner.map_err(|error| error.to_string())?;
        let mut deleted = store.deleted(&owner).map_err(said)?;
        deleted.retain(|message| mailbox.is_none_or(|name| message.mailbox == name));
        if !numbers.is_empty() {
            deleted.retain(|message| numbers.contains(&message.number));
        }
        if list {
            return self.deleted_said(&owner, &deleted);
        }
        let numbers: Vec<u32> = deleted.iter().map(|message| message.number).collect();
        let restored = store.restore(&owner, &numbers).map_err(said)?;
        let mut text = format!("{} messages are back.", restored.messages);
        for (name, count) in &restored.mailboxes {
            text.push_str(&format!("\n  {count} in {name}"));
        }
        let mailboxes: serde_json::Map<_, _> =
            restored.mailboxes.iter().map(|(name, count)| (name.clone(), json!(count))).collect();
        Ok(Outcome { text, data: json!({ "restored": restored.messages, "mailboxes": mailboxes }) })
    }

    fn deleted_said(&self, owner: &SignedIn, deleted: &[DeletedMessage]) -> Result<Outcome, String> {
        let (mut lines, mut data) = (Vec::new(), Vec::new());
        for some in deleted.chunks(OPENED_AT_ONCE) {
            for (message, subject) in some.iter().zip(self.subjects(owner, some)?) {
                let short: String = subject.chars().take(SUBJECT_CHARS_MAX).collect();
                lines.push(format!(
                    "{:>6}  deleted {}, until {}  {}  {} bytes  {short}",
                    message.number, message.deleted, message.until, message.mailbox, message.entry.view_size_bytes
                ));
                data.push(json!({
                    "number": message.number, "mailbox": message.mailbox, "deleted": message.deleted.rfc3339(),
                    "until": message.until.rfc3339(), "bytes": message.entry.view_size_bytes, "subject": subject,
                }));
            }
        }
        let text = if lines.is_empty() { "Nothing can be restored.".to_owned() } else { lines.join("\n") };
        Ok(Outcome { text, data: serde_json::Value::Array(data) })
    }

    /// The subjects of deleted messages, opened by their owner; empty where there is none or it does not open.
    fn subjects(&self, owner: &SignedIn, some: &[DeletedMessage]) -> Result<Vec<String>, String> {
        let store = &self.mailroom.store;
        let entries: Vec<_> = some.iter().map(|message| message.entry.clone()).collect();
        let records = store.open_parts(owner, &entries, Part::Record).map_err(|error| error.to_string())?;
        let one = |(entry, record): (&store::MessageEntry, Result<Vec<u8>, store::StoreError>)| {
            let record = record.ok().and_then(|octets| Record::decode(&octets).ok());
            let header = record.map_or(HEADER_BYTES_MAX, |record| record.header_bytes.min(HEADER_BYTES_MAX));
            let opened = store.open_range(owner, entry, Part::Original, 0..header).ok();
            let subject = opened.and_then(|octets| message::header_decoded(&octets, "Subject").next());
            subject.unwrap_or_default().chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
        };
        Ok(entries.iter().zip(records).map(one).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_as_people_write_them() {
        for (text, expected) in [
            ("0", Some(Limit::At(0))),
            ("1000", Some(Limit::At(1000))),
            ("10k", Some(Limit::At(10 << 10))),
            ("5G", Some(Limit::At(5 << 30))),
            ("5 GiB", Some(Limit::At(5 << 30))),
            ("2MB", Some(Limit::At(2 << 20))),
            ("1T", Some(Limit::At(1 << 40))),
            ("None", Some(Limit::Unlimited)),
            ("default", Some(Limit::Policy)),
            ("", None),
            ("-1", None),
            ("k", None),
            ("1.5G", None),
            ("99999999999999T", None),
        ] {
            assert_eq!(limit(text).ok(), expected, "{text}");
        }
    }
}
