//! Accounts: making them, listing them, how each is guarded.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use terms::{AccountId, Address, Secret};
use vault::{AccountGuard, Custody, UnknownCustody};

use crate::error::RoomError;
use crate::node::{Node, PASSWORD_CHARS_MIN};
use crate::operation::{Moment, Operation, OwnerCredentials, Progress, SecretText, shown_once};

/// Why something about an account was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the texts say it")]
pub enum AccountError {
    #[error("{0}")]
    BadAddress(String),
    #[error("no account has this address at this node, which is home to {}", domains.join(", "))]
    NoAccount { domains: Vec<String> },
    #[error("the domain does not live at this node; it is home to {}", domains.join(", "))]
    ForeignDomain { domains: Vec<String> },
    #[error("there is an account with this address already")]
    AddressTaken,
    #[error("a password has at least {PASSWORD_CHARS_MIN} characters")]
    ShortPassword,
    #[error("custody is strict, standard or owner")]
    UnknownCustody,
    #[error("an app password needs at least one use: imap, smtp or pages")]
    NoScope,
    #[error("{0}: a limit is a number, optionally with k, M, G or T; `none`; or `default`")]
    BadLimit(String),
    #[error("the owner could not be notified, so the reset was stopped: {0}")]
    OwnerNotNotified(String),
    #[error(transparent)]
    Room(RoomError),
}

/// How a mailbox can be opened at rest, by name. In JSON `strict`, `standard` or `owner`.
pub(crate) mod custody_name {
    use super::*;

    pub(crate) fn serialize<S: serde::Serializer>(custody: &Custody, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(custody.as_str())
    }

    pub(crate) fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Custody, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error: UnknownCustody| serde::de::Error::custom(error))
    }
}

/// Makes an account with an INBOX.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct AddAccount {
    pub address: String,
    #[serde(with = "custody_name")]
    pub custody: Custody,
    /// The owner's first password.
    pub password: SecretText,
}

/// A new account.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct AccountAdded {
    pub account: AccountId,
    pub address: String,
    #[serde(with = "custody_name")]
    pub custody: Custody,
    /// Under `owner` custody: they exist in this answer only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recovery_codes: Vec<SecretText>,
}

impl Operation for AddAccount {
    type Target = Node;
    type Output = AccountAdded;
    type Error = AccountError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<AccountAdded, AccountError> {
        let Self { address, custody, password } = self;
        let (account, codes) = node.add_account(&address, custody, &password.0)?;
        Ok(AccountAdded { account, address, custody, recovery_codes: shown_once(codes) })
    }
}

/// Lists the accounts of this home.
#[derive(Debug, Serialize, Deserialize)]
pub struct ListAccounts {}

/// The accounts of a home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
#[allow(missing_docs, reason = "the names say it")]
pub struct AccountList {
    pub accounts: Vec<ListedAccount>,
}

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[allow(missing_docs, reason = "the names say it")]
pub enum ListedAccount {
    Readable {
        account: AccountId,
        addresses: Vec<Address>,
        messages: u64,
        /// The highest MODSEQ of its mailboxes.
        modseq: u64,
        created: Moment,
    },
    /// Its profile is damaged.
    Quarantined { account: AccountId, quarantined: bool },
}

impl Operation for ListAccounts {
    type Target = Node;
    type Output = AccountList;
    type Error = AccountError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<AccountList, AccountError> {
        let store = &node.mailroom.store;
        let readable = store.accounts().into_iter().map(|account| {
            let mailboxes = store.mailboxes(account.id).unwrap_or_default();
            ListedAccount::Readable {
                account: account.id,
                messages: mailboxes.iter().map(|mailbox| u64::from(mailbox.messages)).sum(),
                modseq: mailboxes.iter().map(|mailbox| mailbox.highest_modseq).max().unwrap_or_default(),
                addresses: account.addresses,
                created: account.created.into(),
            }
        });
        let quarantined = store
            .quarantined_accounts()
            .into_iter()
            .map(|account| ListedAccount::Quarantined { account, quarantined: true });
        Ok(AccountList { accounts: readable.chain(quarantined).collect() })
    }
}

/// Shows how an account is guarded, and what its custody means.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ShowCustody {
    pub address: String,
}

/// How an account is guarded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustodyShown {
    /// Whose.
    pub address: String,
    /// Who can open the mailbox at rest.
    #[serde(with = "custody_name")]
    pub custody: Custody,
    /// What that means: question and answer.
    pub means: BTreeMap<String, String>,
    /// A code of the owner's app is asked for beside the password.
    pub codes: bool,
    /// The password alone signs in to mail clients. Always so while codes are off.
    pub password_serves_mail: bool,
    /// Recovery codes that are left.
    pub recovery_codes: u32,
    /// App passwords in use.
    pub app_passwords: u32,
    /// Web sessions that are open.
    pub sessions: u32,
}

impl Operation for ShowCustody {
    type Target = Node;
    type Output = CustodyShown;
    type Error = AccountError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<CustodyShown, AccountError> {
        let guard = node.mailroom.vault.account_guard(node.account(&self.address)?)?;
        let AccountGuard { custody, codes, password_serves_mail, recovery_codes, app_passwords, sessions } = guard;
        let means = custody.said().map(|(question, answer)| (question.to_owned(), answer.to_owned()));
        let means = means.into_iter().collect();
        let address = self.address;
        Ok(CustodyShown {
            address,
            custody,
            means,
            codes,
            password_serves_mail,
            recovery_codes,
            app_passwords,
            sessions,
        })
    }
}

/// Changes who can open a mailbox at rest.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct SetCustody {
    pub address: String,
    pub owner: OwnerCredentials,
    #[serde(with = "custody_name")]
    pub to: Custody,
}

/// The custody is another one.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct CustodySet {
    pub address: String,
    #[serde(with = "custody_name")]
    pub custody: Custody,
    /// Under `owner` custody: they exist in this answer only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recovery_codes: Vec<SecretText>,
}

impl Operation for SetCustody {
    type Target = Node;
    type Output = CustodySet;
    type Error = AccountError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<CustodySet, AccountError> {
        let account = node.account(&self.address)?;
        let codes = node.mailroom.vault.set_custody(account, &self.owner.proof(), self.to)?;
        Ok(CustodySet { address: self.address, custody: self.to, recovery_codes: shown_once(codes) })
    }
}

/// Changes an owner's password, with the present one.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ChangePassword {
    pub address: String,
    pub owner: OwnerCredentials,
    pub new: SecretText,
}

/// The password is another one; web sessions have ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordChanged {}

impl Operation for ChangePassword {
    type Target = Node;
    type Output = PasswordChanged;
    type Error = AccountError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<PasswordChanged, AccountError> {
        let account = node.account(&self.address)?;
        check_password(&self.new.0)?;
        node.mailroom.vault.set_password(account, &self.owner.proof(), &self.new.0)?;
        Ok(PasswordChanged {})
    }
}

impl Node {
    /// The account of an address.
    pub(crate) fn account(&self, address: &str) -> Result<AccountId, AccountError> {
        let account = self.mailroom.store.account_of(&parsed(address)?)?;
        account.ok_or_else(|| AccountError::NoAccount { domains: self.config.domains.clone() })
    }

    /// Makes an account for `address`, with an INBOX; under `owner` custody with recovery codes, which exist in this answer
    /// only.
    ///
    /// # Errors
    /// An address outside the node's domains or already taken; a short password; the vault's or the store's.
    pub fn add_account(
        &self,
        address: &str,
        custody: Custody,
        password: &Secret<String>,
    ) -> Result<(AccountId, Vec<Secret<String>>), AccountError> {
        let address = parsed(address)?;
        if !self.config.domains.iter().any(|domain| domain == address.domain().as_str()) {
            return Err(AccountError::ForeignDomain { domains: self.config.domains.clone() });
        }
        check_password(password)?;
        if self.mailroom.store.account_of(&address)?.is_some() {
            return Err(AccountError::AddressTaken);
        }
        let account = AccountId::random(self.mailroom.entropy.as_ref());
        let (public, codes) = self.mailroom.vault.create_account_in(account, custody, password)?;
        self.mailroom.store.create_account(account, std::slice::from_ref(&address), &public, "")?;
        Ok((account, codes))
    }
}

fn parsed(address: &str) -> Result<Address, AccountError> {
    address.parse().map_err(|error| AccountError::BadAddress(format!("{error}")))
}

/// Refuses a password that is too short.
pub(crate) fn check_password(password: &Secret<String>) -> Result<(), AccountError> {
    if mailroom::is_password_long_enough(password) { Ok(()) } else { Err(AccountError::ShortPassword) }
}
