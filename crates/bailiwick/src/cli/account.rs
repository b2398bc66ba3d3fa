//! `account …`: an owner's account, custody and secrets. No secret is ever an argument: each is asked for.
//!
//! Prompts come in the order in which a person has the answers, and for the code only where codes are on.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use operations::accounts::{AddAccount, ChangePassword, ListAccounts, SetCustody, ShowCustody};
use operations::closing::CloseAccount;
use operations::mailboxes::{ListDeleted, SetQuota, ShowQuota, Undelete};
use operations::operation::OwnerCredentials;
use operations::reset::{BeginReset, FinishReset, ShowReset, StopReset};
use operations::rotation::{RotateAccountKey, RotateAccountKeyByOfficers};
use operations::secrets::{
    AddAppPassword, EndSessions, LetPasswordServeMail, ListAppPasswords, ListSessions, NewCodeSecret, NewRecoveryCodes,
    RevokeAppPassword, Scope, TurnCodesOff, TurnCodesOn, UseRecoveryCode,
};
use terms::OfficerName;
use vault::Custody;

use super::choice::NodeChoice;
use super::client::{ask, ask_and_print, new_secret, print, secret};
use super::error::CliError;
use super::officers::{By, consents, consents_of};
use super::show::account as show;

/// `account`
#[derive(Debug, Args)]
pub(crate) struct AccountArgs {
    #[command(subcommand)]
    pub command: AccountCommand,
}

/// `account …`
#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Create an account; asks for the owner's first password
    Add {
        /// The account's address
        address: String,
        /// Who can open the mailbox at rest: strict, standard or owner
        #[arg(long, default_value = "strict", value_name = "CUSTODY")]
        custody: Custody,
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Close an account; asks for the owner's password. Nobody can open its mail afterwards
    Close(Whose),
    /// List the accounts of this home
    List(NodeChoice),
    /// Explain who can open a mailbox, or change it with the owner's password
    Custody {
        /// The account's address
        address: String,
        /// The new custody: strict, standard or owner
        #[arg(long, value_name = "CUSTODY")]
        to: Option<Custody>,
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Change the owner's password
    Password(Whose),
    /// Replace the key that mail is sealed to, when someone may have obtained it; needs the owner's password or two officers
    RotateKey {
        /// The account's address
        address: String,
        /// Also end app passwords, web sessions and recovery codes, so that they open nothing stored from now on. Change the
        /// password first
        #[arg(long, conflicts_with = "by")]
        everything: bool,
        /// Two officers instead of the owner (strict and standard custody)
        #[arg(long = "by", value_name = "NAME", num_args = 1)]
        by: Vec<terms::OfficerName>,
        #[command(flatten)]
        node: NodeChoice,
    },
    /// App passwords: random passwords for mail apps, one each
    AppPassword {
        #[command(subcommand)]
        command: AppPasswordCommand,
    },
    /// Two-factor authentication with an authenticator app
    Totp {
        #[command(subcommand)]
        command: TotpCommand,
    },
    /// Show an account's usage and limits, or set its limits
    Quota {
        #[command(flatten)]
        whose: Whose,
        /// The most bytes: a number, optionally with k, M, G or T; `none`; or `default` for the node.toml setting
        size: Option<String>,
        /// The most messages, written the same way
        #[arg(long, value_name = "COUNT")]
        messages: Option<String>,
    },
    /// Restore mail that the owner deleted recently; asks for the owner's password
    Undelete {
        #[command(flatten)]
        whose: Whose,
        /// List what can be restored, with numbers, without restoring anything
        #[arg(long)]
        list: bool,
        /// Only mail that was in this mailbox last
        #[arg(long, value_name = "NAME")]
        mailbox: Option<String>,
        /// Everything
        #[arg(long, conflicts_with = "numbers")]
        all: bool,
        /// Numbers from the list
        numbers: Vec<u32>,
    },
    /// Recovery codes, for a forgotten password or a lost app
    Recovery {
        #[command(subcommand)]
        command: RecoveryCommand,
    },
    /// Active web sessions
    Sessions {
        #[command(subcommand)]
        command: SessionsCommand,
    },
    /// Reset a forgotten password: needs two officers, a notice to the owner and a delay
    Reset {
        #[command(subcommand)]
        command: ResetCommand,
    },
}

// Whose account, and at which node.
#[derive(Debug, Args)]
pub(crate) struct Whose {
    /// The account's address
    pub address: String,
    #[command(flatten)]
    pub node: NodeChoice,
}

/// `account app-password …`
#[derive(Debug, Subcommand)]
pub(crate) enum AppPasswordCommand {
    /// Create one; it is shown only once
    Add {
        #[command(flatten)]
        whose: Whose,
        /// What the owner calls it, e.g. "phone"
        #[arg(long)]
        name: String,
        /// What it may be used for
        #[arg(long = "for", value_name = "PROTOCOL", value_delimiter = ',', default_value = "imap,smtp")]
        scopes: Vec<ScopeName>,
        /// Let it expire after this many days
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3660))]
        days: Option<u32>,
    },
    /// List them, with the day of their last use within the last week
    List(Whose),
    /// Revoke one
    Revoke {
        #[command(flatten)]
        whose: Whose,
        /// Its number in the list
        #[arg(long)]
        id: u32,
    },
}

/// What an app password serves for.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ScopeName {
    /// Reading mail.
    Imap,
    /// Sending mail.
    Smtp,
    /// The owner's pages.
    Pages,
}

impl From<ScopeName> for Scope {
    fn from(name: ScopeName) -> Self {
        match name {
            ScopeName::Imap => Self::Imap,
            ScopeName::Smtp => Self::Smtp,
            ScopeName::Pages => Self::Pages,
        }
    }
}

/// `account totp …`
#[derive(Debug, Subcommand)]
pub(crate) enum TotpCommand {
    /// Turn it on: shows the secret for the app once, then asks for the code that the app shows
    On(Whose),
    /// Turn it off
    Off(Whose),
    /// Set whether the account password alone works in mail apps while two-factor authentication is on
    MailPassword {
        #[command(flatten)]
        whose: Whose,
        /// Allow it; without this flag it is not allowed
        #[arg(long)]
        allow: bool,
    },
}

/// `account recovery …`
#[derive(Debug, Subcommand)]
pub(crate) enum RecoveryCommand {
    /// Make new codes, shown only once; earlier ones stop working
    New(Whose),
    /// Set a new password with a code, which is then used up
    Use(Whose),
}

/// `account sessions …`
#[derive(Debug, Subcommand)]
pub(crate) enum SessionsCommand {
    /// List them
    List(Whose),
    /// End one, or all
    End {
        #[command(flatten)]
        whose: Whose,
        /// Its number in the list; all of them if omitted
        #[arg(long)]
        id: Option<u32>,
    },
}

/// `account reset …`
#[derive(Debug, Subcommand)]
pub(crate) enum ResetCommand {
    /// Begin a reset; asks both officers for their passphrases and notifies the owner
    Begin {
        #[command(flatten)]
        whose: Whose,
        #[command(flatten)]
        by: By,
        /// The owner has also lost the authenticator app: turn two-factor authentication off
        #[arg(long)]
        without_codes: bool,
    },
    /// Show whether a reset is under way
    Show(Whose),
    /// Set the new password once the delay is over; asks both officers for their passphrases
    Finish {
        #[command(flatten)]
        whose: Whose,
        #[command(flatten)]
        by: By,
    },
    /// Stop a reset
    Stop(Whose),
}

/// `account …`
pub(crate) fn account(args: AccountArgs) -> Result<ExitCode, CliError> {
    match args.command {
        AccountCommand::Add { address, custody, node } => {
            let password = new_secret("Password for the owner")?;
            ask_and_print(&node, AddAccount { address, custody, password }, show::added)
        }
        AccountCommand::Close(whose) => {
            let (address, owner) = whose.owner()?;
            ask_and_print(&whose.node, CloseAccount { address, owner }, show::closed)
        }
        AccountCommand::List(node) => ask_and_print(&node, ListAccounts {}, show::list),
        AccountCommand::Custody { address, to: None, node } => {
            ask_and_print(&node, ShowCustody { address }, show::custody)
        }
        AccountCommand::Custody { address, to: Some(to), node } => {
            let owner = owner(&node, &address)?;
            ask_and_print(&node, SetCustody { address, owner, to }, show::custody_set)
        }
        AccountCommand::Password(whose) => {
            let (address, owner) = whose.owner()?;
            let new = new_secret("New password")?;
            ask_and_print(&whose.node, ChangePassword { address, owner, new }, show::password_changed)
        }
        AccountCommand::RotateKey { address, everything, by, node } => rotate_key(address, everything, &by, &node),
        AccountCommand::AppPassword { command } => app_password(command),
        AccountCommand::Totp { command } => totp(command),
        AccountCommand::Quota { whose, size, messages } => quota(whose, size, messages),
        AccountCommand::Undelete { whose, list, mailbox, all, numbers } => undelete(whose, list, mailbox, all, numbers),
        AccountCommand::Recovery { command } => recovery(command),
        AccountCommand::Reset { command } => reset(command),
        AccountCommand::Sessions { command } => sessions(command),
    }
}

fn rotate_key(address: String, everything: bool, by: &[OfficerName], node: &NodeChoice) -> Result<ExitCode, CliError> {
    if by.is_empty() {
        let owner = owner(node, &address)?;
        return ask_and_print(node, RotateAccountKey { address, owner, everything }, show::key_rotated);
    }
    ask_and_print(node, RotateAccountKeyByOfficers { address, by: consents_of(by)? }, show::key_rotated)
}

fn app_password(command: AppPasswordCommand) -> Result<ExitCode, CliError> {
    match command {
        AppPasswordCommand::Add { whose, name, scopes, days } => {
            let (address, owner) = whose.owner()?;
            let scopes = scopes.into_iter().map(Scope::from).collect();
            let add = AddAppPassword { address, owner, name, scopes, days };
            ask_and_print(&whose.node, add, show::app_password_added)
        }
        AppPasswordCommand::List(whose) => {
            let (address, owner) = whose.owner()?;
            ask_and_print(&whose.node, ListAppPasswords { address, owner }, show::app_passwords)
        }
        AppPasswordCommand::Revoke { whose, id } => {
            let (address, owner) = whose.owner()?;
            ask_and_print(&whose.node, RevokeAppPassword { address, owner, id }, show::app_password_revoked)
        }
    }
}

fn totp(command: TotpCommand) -> Result<ExitCode, CliError> {
    match command {
        TotpCommand::On(whose) => {
            let made = ask(&whose.node, NewCodeSecret { address: whose.address.clone() })?;
            print(whose.node.json, &made, show::code_secret)?;
            let _ = std::io::stdout().flush();
            let (address, owner) = whose.owner()?;
            let code = secret("Code that the app shows now")?;
            let on = TurnCodesOn { address, owner, secret: made.secret, code };
            ask_and_print(&whose.node, on, show::codes_on)
        }
        TotpCommand::Off(whose) => {
            let (address, owner) = whose.owner()?;
            ask_and_print(&whose.node, TurnCodesOff { address, owner }, show::codes_off)
        }
        TotpCommand::MailPassword { whose, allow } => {
            let (address, owner) = whose.owner()?;
            ask_and_print(&whose.node, LetPasswordServeMail { address, owner, allow }, show::mail_password)
        }
    }
}

fn quota(whose: Whose, bytes: Option<String>, messages: Option<String>) -> Result<ExitCode, CliError> {
    let Whose { address, node } = whose;
    if bytes.is_none() && messages.is_none() {
        return ask_and_print(&node, ShowQuota { address }, show::quota);
    }
    ask_and_print(&node, SetQuota { address, bytes, messages }, show::quota)
}

fn undelete(
    whose: Whose,
    list: bool,
    mailbox: Option<String>,
    all: bool,
    numbers: Vec<u32>,
) -> Result<ExitCode, CliError> {
    if !list && !all && numbers.is_empty() && mailbox.is_none() {
        return Err(CliError::NothingToRestore);
    }
    let (address, owner) = whose.owner()?;
    if list {
        return ask_and_print(&whose.node, ListDeleted { address, owner, mailbox }, show::deleted);
    }
    ask_and_print(&whose.node, Undelete { address, owner, mailbox, numbers }, show::undeleted)
}

fn recovery(command: RecoveryCommand) -> Result<ExitCode, CliError> {
    match command {
        RecoveryCommand::New(whose) => {
            let (address, owner) = whose.owner()?;
            ask_and_print(&whose.node, NewRecoveryCodes { address, owner }, show::recovery_codes)
        }
        RecoveryCommand::Use(whose) => {
            let code = secret("Recovery code")?;
            let new = new_secret("New password")?;
            let used = UseRecoveryCode { address: whose.address.clone(), code, new };
            ask_and_print(&whose.node, used, show::recovery_code_used)
        }
    }
}

fn reset(command: ResetCommand) -> Result<ExitCode, CliError> {
    match command {
        ResetCommand::Begin { whose: Whose { address, node }, by, without_codes } => {
            ask_and_print(&node, BeginReset { address, by: consents(&by)?, without_codes }, show::reset_begun)
        }
        ResetCommand::Show(Whose { address, node }) => ask_and_print(&node, ShowReset { address }, show::reset),
        ResetCommand::Finish { whose: Whose { address, node }, by } => {
            let by = consents(&by)?;
            let new = new_secret("New password for the owner")?;
            ask_and_print(&node, FinishReset { address, by, new }, show::reset_finished)
        }
        ResetCommand::Stop(Whose { address, node }) => ask_and_print(&node, StopReset { address }, show::reset_stopped),
    }
}

fn sessions(command: SessionsCommand) -> Result<ExitCode, CliError> {
    match command {
        SessionsCommand::List(whose) => {
            let (address, owner) = whose.owner()?;
            ask_and_print(&whose.node, ListSessions { address, owner }, show::sessions)
        }
        SessionsCommand::End { whose, id } => {
            let (address, owner) = whose.owner()?;
            ask_and_print(&whose.node, EndSessions { address, owner, id }, show::sessions_ended)
        }
    }
}

impl Whose {
    fn owner(&self) -> Result<(String, OwnerCredentials), CliError> {
        Ok((self.address.clone(), owner(&self.node, &self.address)?))
    }
}

/// Asks for what the owner must show: the password, and a code where codes are on.
pub(super) fn owner(node: &NodeChoice, address: &str) -> Result<OwnerCredentials, CliError> {
    let codes = ask(node, ShowCustody { address: address.to_owned() })?.codes;
    let password = secret("Password of the owner")?;
    let code = if codes { Some(secret("Code from the app, or a recovery code")?) } else { None };
    Ok(OwnerCredentials { password, code })
}
