//! An owner's secrets beside the password: app passwords, two-factor authentication, recovery codes, web sessions. Each
//! operation names the account by its address.

use serde::{Deserialize, Serialize};
use vault::Scopes;

use crate::accounts::{AccountError, check_password};
use crate::node::Node;
use crate::operation::{Moment, Operation, OwnerCredentials, Progress, SecretText, shown_once};

/// Milliseconds of a day.
const DAY_MILLIS: i64 = 86_400_000;

/// What an app password may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Reading mail.
    Imap,
    /// Sending mail.
    Smtp,
    /// The owner's pages.
    Pages,
}

impl Scope {
    const ALL: [(Self, Scopes); 3] =
        [(Self::Imap, Scopes::IMAP), (Self::Smtp, Scopes::SMTP), (Self::Pages, Scopes::PAGES)];

    fn of(scopes: Scopes) -> Vec<Self> {
        Self::ALL.into_iter().filter(|(_, one)| scopes.covers(*one)).map(|(scope, _)| scope).collect()
    }

    fn joined(scopes: &[Self]) -> Scopes {
        let wanted = Self::ALL.into_iter().filter(|(scope, _)| scopes.contains(scope));
        wanted.fold(Scopes::NONE, |all, (_, one)| all.with(one))
    }

    /// Its name at the command line and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Imap => "imap",
            Self::Smtp => "smtp",
            Self::Pages => "pages",
        }
    }
}

/// Makes a random password for one mail client.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct AddAppPassword {
    pub address: String,
    pub owner: OwnerCredentials,
    pub name: String,
    pub scopes: Vec<Scope>,
    /// After how many days it ends, if it does.
    pub days: Option<u32>,
}

/// A new app password.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct AppPasswordAdded {
    pub id: u32,
    /// It exists in this answer only.
    pub password: SecretText,
    #[serde(rename = "for")]
    pub scopes: Vec<Scope>,
}

impl Operation for AddAppPassword {
    type Target = Node;
    type Output = AppPasswordAdded;
    type Error = AccountError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<AppPasswordAdded, AccountError> {
        let account = node.account(&self.address)?;
        let scopes = Scope::joined(&self.scopes);
        if scopes == Scopes::NONE {
            return Err(AccountError::NoScope);
        }
        let expires = self.days.map(|days| node.mailroom.clock.now().plus_millis(i64::from(days) * DAY_MILLIS));
        let made = node.mailroom.vault.add_app_password(account, &self.owner.proof(), &self.name, scopes, expires);
        let (id, password) = made?;
        Ok(AppPasswordAdded { id, password: password.into(), scopes: Scope::of(scopes) })
    }
}

/// Lists the app passwords.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ListAppPasswords {
    pub address: String,
    pub owner: OwnerCredentials,
}

/// The app passwords of an account, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
#[allow(missing_docs, reason = "the names say it")]
pub struct AppPasswords {
    pub app_passwords: Vec<AppPassword>,
}

/// An app password, without the password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct AppPassword {
    pub id: u32,
    pub name: String,
    #[serde(rename = "for")]
    pub scopes: Vec<Scope>,
    /// The day, `YYYY-MM-DD`.
    pub created: String,
    pub expires: Option<Moment>,
    /// The day of its last use in the last [`vault::SEEN_DAYS`] days; longer is not stored.
    pub last_used: Option<String>,
}

impl Operation for ListAppPasswords {
    type Target = Node;
    type Output = AppPasswords;
    type Error = AccountError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<AppPasswords, AccountError> {
        let account = node.account(&self.address)?;
        let secrets = node.mailroom.vault.owner_secrets(account, &self.owner.proof())?;
        let one = |one: vault::AppPasswordInfo| AppPassword {
            id: one.id,
            name: one.name,
            scopes: Scope::of(one.scopes),
            created: Moment(one.created).day(),
            expires: one.expires.map(Moment),
            last_used: one.last_used.map(|at| Moment(at).day()),
        };
        Ok(AppPasswords { app_passwords: secrets.app_passwords.into_iter().map(one).collect() })
    }
}

/// Ends an app password.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct RevokeAppPassword {
    pub address: String,
    pub owner: OwnerCredentials,
    pub id: u32,
}

/// The app password opens nothing any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct AppPasswordRevoked {
    pub id: u32,
}

impl Operation for RevokeAppPassword {
    type Target = Node;
    type Output = AppPasswordRevoked;
    type Error = AccountError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<AppPasswordRevoked, AccountError> {
        let account = node.account(&self.address)?;
        node.mailroom.vault.revoke_app_password(account, &self.owner.proof(), self.id)?;
        Ok(AppPasswordRevoked { id: self.id })
    }
}

/// A fresh secret for an authenticator app. It changes nothing until [`TurnCodesOn`] shows a code of it.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct NewCodeSecret {
    pub address: String,
}

/// A secret for an authenticator app.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CodeSecret {
    /// For typing, in base32.
    pub secret: SecretText,
    /// The same as an `otpauth:` address.
    pub uri: SecretText,
}

impl Operation for NewCodeSecret {
    type Target = Node;
    type Output = CodeSecret;
    type Error = AccountError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<CodeSecret, AccountError> {
        node.account(&self.address)?;
        let secret = node.mailroom.vault.new_code_secret()?;
        let uri = vault::otpauth(&self.address, &secret);
        Ok(CodeSecret { secret: secret.into(), uri: uri.into() })
    }
}

/// Turns two-factor authentication on.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct TurnCodesOn {
    pub address: String,
    pub owner: OwnerCredentials,
    /// The secret, which the app has.
    pub secret: SecretText,
    /// What the app shows now.
    pub code: SecretText,
}

/// Turns two-factor authentication off.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct TurnCodesOff {
    pub address: String,
    pub owner: OwnerCredentials,
}

/// Whether the password alone signs in to mail clients although two-factor authentication is on.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct LetPasswordServeMail {
    pub address: String,
    pub owner: OwnerCredentials,
    pub allow: bool,
}

/// How signing in is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInSet {
    /// A code of the owner's app is asked for beside the password.
    pub codes: bool,
    /// The password alone signs in to mail clients.
    pub password_serves_mail: bool,
}

impl Operation for TurnCodesOn {
    type Target = Node;
    type Output = SignInSet;
    type Error = AccountError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<SignInSet, AccountError> {
        let account = node.account(&self.address)?;
        node.mailroom.vault.turn_codes_on(account, &self.owner.proof(), &self.secret.0, &self.code.0)?;
        node.sign_in_set(&self.address)
    }
}

impl Operation for TurnCodesOff {
    type Target = Node;
    type Output = SignInSet;
    type Error = AccountError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<SignInSet, AccountError> {
        let account = node.account(&self.address)?;
        node.mailroom.vault.turn_codes_off(account, &self.owner.proof())?;
        node.sign_in_set(&self.address)
    }
}

impl Operation for LetPasswordServeMail {
    type Target = Node;
    type Output = SignInSet;
    type Error = AccountError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<SignInSet, AccountError> {
        let account = node.account(&self.address)?;
        node.mailroom.vault.let_password_serve_mail(account, &self.owner.proof(), self.allow)?;
        node.sign_in_set(&self.address)
    }
}

impl Node {
    fn sign_in_set(&self, address: &str) -> Result<SignInSet, AccountError> {
        let guard = self.mailroom.vault.account_guard(self.account(address)?)?;
        Ok(SignInSet { codes: guard.codes, password_serves_mail: guard.password_serves_mail })
    }
}

/// Makes new recovery codes; earlier ones stop working.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct NewRecoveryCodes {
    pub address: String,
    pub owner: OwnerCredentials,
}

/// New recovery codes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecoveryCodes {
    /// They exist in this answer only.
    pub recovery_codes: Vec<SecretText>,
}

impl Operation for NewRecoveryCodes {
    type Target = Node;
    type Output = RecoveryCodes;
    type Error = AccountError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<RecoveryCodes, AccountError> {
        let account = node.account(&self.address)?;
        let codes = node.mailroom.vault.new_recovery_codes(account, &self.owner.proof())?;
        Ok(RecoveryCodes { recovery_codes: shown_once(codes) })
    }
}

/// Sets a new password with a recovery code, which is used up.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct UseRecoveryCode {
    pub address: String,
    pub code: SecretText,
    pub new: SecretText,
}

/// A recovery code was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryCodeUsed {
    /// How many are left.
    pub recovery_codes: u32,
}

impl Operation for UseRecoveryCode {
    type Target = Node;
    type Output = RecoveryCodeUsed;
    type Error = AccountError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<RecoveryCodeUsed, AccountError> {
        let account = node.account(&self.address)?;
        check_password(&self.new.0)?;
        node.mailroom.vault.recover(account, &self.code.0, &self.new.0)?;
        Ok(RecoveryCodeUsed { recovery_codes: node.mailroom.vault.account_guard(account)?.recovery_codes })
    }
}

/// Lists the web sessions.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ListSessions {
    pub address: String,
    pub owner: OwnerCredentials,
}

/// The web sessions of an account, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Sessions {
    pub sessions: Vec<Session>,
}

/// A web session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its number.
    pub id: u32,
    /// The name that it was given when it began, such as the browser's.
    pub name: String,
    /// When it began.
    pub created: Moment,
    /// When it ends.
    pub expires: Moment,
}

impl Operation for ListSessions {
    type Target = Node;
    type Output = Sessions;
    type Error = AccountError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<Sessions, AccountError> {
        let account = node.account(&self.address)?;
        let secrets = node.mailroom.vault.owner_secrets(account, &self.owner.proof())?;
        let one = |one: vault::SessionInfo| {
            let vault::SessionInfo { id, name, created, expires } = one;
            Session { id, name, created: created.into(), expires: expires.into() }
        };
        Ok(Sessions { sessions: secrets.sessions.into_iter().map(one).collect() })
    }
}

/// Ends one web session, or all.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct EndSessions {
    pub address: String,
    pub owner: OwnerCredentials,
    /// Which; all when absent.
    pub id: Option<u32>,
}

/// Web sessions have ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionsEnded {
    /// Which; all when absent.
    pub id: Option<u32>,
}

impl Operation for EndSessions {
    type Target = Node;
    type Output = SessionsEnded;
    type Error = AccountError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<SessionsEnded, AccountError> {
        let account = node.account(&self.address)?;
        node.mailroom.vault.end_sessions(account, &self.owner.proof(), self.id)?;
        Ok(SessionsEnded { id: self.id })
    }
}
