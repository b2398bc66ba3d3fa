//! How much an owner may have, and what an owner deleted and may have back.

use std::collections::BTreeMap;

use mailroom::record::Record;
use serde::{Deserialize, Serialize};
use store::{DeletedMessage, Limit, Policy};
use terms::Secret;
use vault::{Network, Part, Scopes, SignedIn, VaultError};

use crate::accounts::AccountError;
use crate::config::MailboxesConfig;
use crate::node::Node;
use crate::operation::{Moment, Operation, OwnerCredentials, Progress};

/// Messages whose headers are opened at once for a list.
const OPENED_AT_ONCE: usize = 256;

/// Bytes of a header that are looked through for a subject.
const HEADER_BYTES_MAX: u64 = 64 * 1024;

impl MailboxesConfig {
    /// As the store wants it.
    pub(crate) fn policy(&self) -> Policy {
        Policy { bytes_max: self.quota_bytes, messages_max: self.quota_messages, restorable_days: self.restorable_days }
    }
}

/// Shows how much an account has and may have.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ShowQuota {
    pub address: String,
}

/// Sets what is given of an account's limits, as people write it: a number with k, M, G or T, `none`, or `default`.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct SetQuota {
    pub address: String,
    pub bytes: Option<String>,
    pub messages: Option<String>,
}

/// How much an account has and may have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// Whose.
    pub address: String,
    /// Bytes, as clients see sizes.
    pub bytes: u64,
    /// No limit when absent.
    pub bytes_max: Option<u64>,
    /// Whether the limit is the account's own, not what node.toml says for all.
    pub bytes_own: bool,
    /// Messages, counted in each mailbox.
    pub messages: u64,
    /// No limit when absent.
    pub messages_max: Option<u64>,
    /// Whether the limit is the account's own.
    pub messages_own: bool,
}

impl Operation for ShowQuota {
    type Target = Node;
    type Output = Quota;
    type Error = AccountError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<Quota, AccountError> {
        let usage = node.mailroom.store.usage(node.account(&self.address)?)?;
        Ok(Quota {
            address: self.address,
            bytes: usage.bytes,
            bytes_max: usage.bytes_max,
            bytes_own: usage.limits.bytes != Limit::Policy,
            messages: usage.messages,
            messages_max: usage.messages_max,
            messages_own: usage.limits.messages != Limit::Policy,
        })
    }
}

impl Operation for SetQuota {
    type Target = Node;
    type Output = Quota;
    type Error = AccountError;

    fn run(self, node: &Node, progress: &mut dyn FnMut(Progress)) -> Result<Quota, AccountError> {
        let (account, store) = (node.account(&self.address)?, &node.mailroom.store);
        let mut limits = store.usage(account)?.limits;
        if let Some(bytes) = &self.bytes {
            limits.bytes = limit(bytes)?;
        }
        if let Some(messages) = &self.messages {
            limits.messages = limit(messages)?;
        }
        store.set_limits(account, limits)?;
        ShowQuota { address: self.address }.run(node, progress)
    }
}

/// A size as people write it: bytes, or with k, M, G or T, which count in 1024; `none` and `default`.
fn limit(text: &str) -> Result<Limit, AccountError> {
    let wrong = || AccountError::BadLimit(text.to_owned());
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

/// Lists what an owner deleted and may have back.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ListDeleted {
    pub address: String,
    pub owner: OwnerCredentials,
    /// Only what was in this mailbox last.
    pub mailbox: Option<String>,
}

/// What can be restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
#[allow(missing_docs, reason = "the names say it")]
pub struct DeletedList {
    pub messages: Vec<Deleted>,
}

/// A deleted message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deleted {
    /// Names it in [`Undelete`]; never used again within the account.
    pub number: u32,
    /// The mailbox that had it last, which may be gone.
    pub mailbox: String,
    /// When it was deleted.
    pub deleted: Moment,
    /// Until when it can be restored.
    pub until: Moment,
    /// Its size, as clients see it.
    pub bytes: u64,
    /// Empty where there is none, or it does not open.
    pub subject: String,
}

impl std::fmt::Debug for Deleted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Deleted({})", self.number)
    }
}

impl Operation for ListDeleted {
    type Target = Node;
    type Output = DeletedList;
    type Error = AccountError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<DeletedList, AccountError> {
        let owner = node.signed_in(&self.address, &self.owner)?;
        let mut messages = Vec::new();
        for some in node.deleted(&owner, self.mailbox.as_deref())?.chunks(OPENED_AT_ONCE) {
            for (message, subject) in some.iter().zip(node.subjects(&owner, some)?) {
                messages.push(Deleted {
                    number: message.number,
                    mailbox: message.mailbox.clone(),
                    deleted: message.deleted.into(),
                    until: message.until.into(),
                    bytes: u64::from(message.entry.view_size_bytes),
                    subject,
                });
            }
        }
        Ok(DeletedList { messages })
    }
}

/// Restores what an owner deleted: what the numbers name, or all of a mailbox, or all.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Undelete {
    pub address: String,
    pub owner: OwnerCredentials,
    /// Only what was in this mailbox last.
    pub mailbox: Option<String>,
    /// Numbers from the list; all when empty.
    pub numbers: Vec<u32>,
}

/// Deleted messages are back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undeleted {
    /// How many.
    pub restored: u64,
    /// How many in each mailbox.
    pub mailboxes: BTreeMap<String, u64>,
}

impl Operation for Undelete {
    type Target = Node;
    type Output = Undeleted;
    type Error = AccountError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<Undeleted, AccountError> {
        let owner = node.signed_in(&self.address, &self.owner)?;
        let deleted = node.deleted(&owner, self.mailbox.as_deref())?.into_iter().map(|message| message.number);
        let numbers: Vec<u32> =
            deleted.filter(|number| self.numbers.is_empty() || self.numbers.contains(number)).collect();
        let restored = node.mailroom.store.restore(&owner, &numbers)?;
        Ok(Undeleted { restored: restored.messages, mailboxes: restored.mailboxes.into_iter().collect() })
    }
}

impl Node {
    /// An owner, by password and code.
    pub(crate) fn signed_in(&self, address: &str, owner: &OwnerCredentials) -> Result<SignedIn, VaultError> {
        let (password, code): (&Secret<String>, _) = (&owner.password.0, owner.code());
        self.mailroom.sign_in(address, password, code, Scopes::PAGES, Network::HERE)
    }

    fn deleted(&self, owner: &SignedIn, mailbox: Option<&str>) -> Result<Vec<DeletedMessage>, AccountError> {
        let mut deleted = self.mailroom.store.deleted(owner)?;
        deleted.retain(|message| mailbox.is_none_or(|name| message.mailbox == name));
        Ok(deleted)
    }

    /// The subjects of deleted messages, opened by their owner; empty where there is none or it does not open.
    fn subjects(&self, owner: &SignedIn, some: &[DeletedMessage]) -> Result<Vec<String>, AccountError> {
        let store = &self.mailroom.store;
        let entries: Vec<_> = some.iter().map(|message| message.entry.clone()).collect();
        let records = store.open_parts(owner, &entries, Part::Record)?;
        let one = |(entry, record): (&store::MessageEntry, Result<Vec<u8>, store::StoreError>)| {
            let record = record.ok().and_then(|bytes| Record::decode(&bytes).ok());
            let header = record.map_or(HEADER_BYTES_MAX, |record| record.header_bytes.min(HEADER_BYTES_MAX));
            let opened = store.open_range(owner, entry, Part::Original, 0..header).ok();
            let subject = opened.and_then(|bytes| message::header_decoded(&bytes, "Subject").next());
            subject
                .unwrap_or_default()
                .chars()
                .map(|letter| if terms::is_hidden(letter) { ' ' } else { letter })
                .collect()
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
