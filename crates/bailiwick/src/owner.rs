//! The command line's side of `account …`: asks for the secrets, sends them to the node, prints what comes back.
//!
//! Prompts come in the order in which a person has the answers, and for the code only where codes are on.

use std::io::Write;
use std::process::ExitCode;

use doors::control::{AccountAct, AccountRequest, Phrase, Request, Shown};

use crate::cli::NodeChoice;
use crate::cli::account::{
    AccountArgs, AccountCommand, AppPasswordCommand, RecoveryCommand, ResetCommand, SessionsCommand, TotpCommand, Whose,
};
use crate::client::{answer, ask, new_secret, secret};
use crate::officers;

/// `account …`
pub(crate) fn account(args: &AccountArgs) -> Result<ExitCode, String> {
    match &args.command {
        AccountCommand::Add { address, custody, node } => {
            let password = Phrase(new_secret("Password for the owner")?);
            act(node, address, AccountAct::Add { custody: custody.to_string(), password })
        }
        AccountCommand::Close(whose) => crate::closing::close_account(&whose.address, &whose.node),
        AccountCommand::List(node) => ask(node, Request::AccountList),
        AccountCommand::Custody { address, to, node } => match to {
            None => act(node, address, AccountAct::Guard),
            Some(to) => {
                let shown = shown(node, address)?;
                act(node, address, AccountAct::Custody { shown, to: to.to_string() })
            }
        },
        AccountCommand::Password(whose) => {
            let shown = whose.shown()?;
            whose.act(AccountAct::Password { shown, new: Phrase(new_secret("New password")?) })
        }
        AccountCommand::RotateKey { address, everything, by, node } => {
            crate::rotation::rotate_key(address, *everything, by, node)
        }
        AccountCommand::AppPassword { command } => app_password(command),
        AccountCommand::Totp { command } => totp(command),
        AccountCommand::Quota { whose, size, messages } => {
            crate::mailboxes::quota(whose, size.as_deref(), messages.as_deref())
        }
        AccountCommand::Undelete { whose, list, mailbox, all, numbers } => {
            crate::mailboxes::undelete(whose, *list, mailbox.as_deref(), numbers, *all)
        }
        AccountCommand::Recovery { command } => match command {
            RecoveryCommand::New(whose) => whose.act(AccountAct::RecoveryNew { shown: whose.shown()? }),
            RecoveryCommand::Use(whose) => {
                let code = Phrase(secret("Recovery code")?);
                whose.act(AccountAct::RecoveryUse { code, new: Phrase(new_secret("New password")?) })
            }
        },
        AccountCommand::Reset { command } => reset(command),
        AccountCommand::Sessions { command } => match command {
            SessionsCommand::List(whose) => whose.act(AccountAct::SessionList { shown: whose.shown()? }),
            SessionsCommand::End { whose, id } => whose.act(AccountAct::SessionEnd { shown: whose.shown()?, id: *id }),
        },
    }
}

fn app_password(command: &AppPasswordCommand) -> Result<ExitCode, String> {
    match command {
        AppPasswordCommand::Add { whose, name, scopes, days } => {
            let scopes = scopes.iter().map(|scope| format!("{scope:?}").to_lowercase()).collect();
            let shown = whose.shown()?;
            whose.act(AccountAct::AppPasswordAdd { shown, name: name.clone(), scopes, days: *days })
        }
        AppPasswordCommand::List(whose) => whose.act(AccountAct::AppPasswordList { shown: whose.shown()? }),
        AppPasswordCommand::Revoke { whose, id } => {
            whose.act(AccountAct::AppPasswordRevoke { shown: whose.shown()?, id: *id })
        }
    }
}

fn totp(command: &TotpCommand) -> Result<ExitCode, String> {
    match command {
        TotpCommand::On(whose) => {
            let made = answer(&whose.node, whose.request(AccountAct::TotpSecret))?;
            crate::client::print(whose.node.json, &made.text, &made.data);
            let _ = std::io::stdout().flush();
            let secret_of_app = made.data["secret"].as_str().unwrap_or_default();
            let secret_of_app = Phrase(secret_of_app.into());
            let shown = whose.shown()?;
            let code = Phrase(secret("Code that the app shows now")?);
            whose.act(AccountAct::TotpOn { shown, secret: secret_of_app, code })
        }
        TotpCommand::Off(whose) => whose.act(AccountAct::TotpOff { shown: whose.shown()? }),
        TotpCommand::MailPassword { whose, allow } => {
            whose.act(AccountAct::TotpMailPassword { shown: whose.shown()?, allow: *allow })
        }
    }
}

fn reset(command: &ResetCommand) -> Result<ExitCode, String> {
    match command {
        ResetCommand::Begin { whose, hands, without_codes } => {
            whose.act(AccountAct::ResetBegin { hands: officers::shown(hands)?, without_codes: *without_codes })
        }
        ResetCommand::Show(whose) => whose.act(AccountAct::ResetShow),
        ResetCommand::Finish { whose, hands } => {
            let hands = officers::shown(hands)?;
            whose.act(AccountAct::ResetFinish { hands, new: Phrase(new_secret("New password for the owner")?) })
        }
        ResetCommand::Stop(whose) => whose.act(AccountAct::ResetStop),
    }
}

impl Whose {
    fn request(&self, act: AccountAct) -> Request {
        Request::Account(AccountRequest { address: self.address.clone(), act })
    }

    fn act(&self, wanted: AccountAct) -> Result<ExitCode, String> {
        act(&self.node, &self.address, wanted)
    }

    fn shown(&self) -> Result<Shown, String> {
        shown(&self.node, &self.address)
    }
}

fn act(node: &NodeChoice, address: &str, act: AccountAct) -> Result<ExitCode, String> {
    ask(node, Request::Account(AccountRequest { address: address.to_owned(), act }))
}

/// Asks for what the owner must show: the password, and a code where codes are on.
pub(crate) fn shown(node: &NodeChoice, address: &str) -> Result<Shown, String> {
    let guard = Request::Account(AccountRequest { address: address.to_owned(), act: AccountAct::Guard });
    let codes = answer(node, guard)?.data["codes"] == true;
    let password = Phrase(secret("Password of the owner")?);
    let code = if codes { Some(Phrase(secret("Code of the app, or a recovery code")?)) } else { None };
    Ok(Shown { password, code })
}
