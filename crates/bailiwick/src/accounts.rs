//! What a node does for `account …`: the control door's requests about one account, in the words that a person reads.

use std::fmt::Write;

use doors::control::officers::ShownHand;
use doors::control::{AccountAct, AccountRequest, Outcome, Shown};
use serde_json::json;
use terms::{AccountId, Secret, UnixMillis};
use vault::{AccountGuard, Act, Custody, OfficerProof, OwnerProof, Scopes};

use crate::node::{Node, check_password};

/// Milliseconds of a day.
const DAY_MILLIS: i64 = 86_400_000;
/// Milliseconds of an hour.
const HOUR_MILLIS: i64 = 3_600_000;

impl Node {
    /// Does what is asked about one account.
    pub(crate) fn about_account(&self, request: AccountRequest) -> Result<Outcome, String> {
        let AccountRequest { address, act } = request;
        if let AccountAct::Add { custody, password } = act {
            let custody = custody.parse().map_err(|error| format!("{error}"))?;
            return self.add(&address, custody, &password.0);
        }
        let account = self.account(&address)?;
        let vault = &self.mailroom.vault;
        let done = |text: &str| Ok(Outcome { text: text.to_owned(), data: json!({}) });
        let said = |error: vault::VaultError| error.to_string();
        match act {
            AccountAct::Add { .. } => Err("the account is made already".to_owned()),
            AccountAct::Guard => {
                let guard = vault.account_guard(account).map_err(said)?;
                Ok(Outcome { text: in_plain_words(&address, &guard), data: guard_data(&guard) })
            }
            AccountAct::Custody { shown, to } => {
                let custody: Custody = to.parse().map_err(|error| format!("{error}"))?;
                let codes = vault.set_custody(account, &proof(shown), custody).map_err(said)?;
                let mut text = format!("{address} is in {custody} custody from now on.\n");
                if custody == Custody::Owner {
                    text.push_str(
                        "Backups of the vault's files that were made before still open by two officers, until they are \
                         destroyed.\n",
                    );
                }
                Ok(shown_once(&text, &codes, json!({ "custody": custody.as_str() })))
            }
            AccountAct::Password { shown, new } => {
                check_password(&new.0)?;
                vault.set_password(account, &proof(shown), &new.0).map_err(said)?;
                done("The password is changed. Web sessions have ended; app passwords go on.")
            }
            AccountAct::RotateKey { shown, everything } => self.rotate_account(account, &address, shown, everything),
            AccountAct::RotateKeyByOfficers { hands } => self.rotate_account_by_officers(account, &address, hands),
            AccountAct::AppPasswordAdd { shown, name, scopes, days } => {
                self.add_app_password(account, &proof(shown), &name, &scopes, days)
            }
            AccountAct::AppPasswordList { shown } => {
                let secrets = vault.owner_secrets(account, &proof(shown)).map_err(said)?;
                Ok(app_passwords(&secrets.app_passwords))
            }
            AccountAct::AppPasswordRevoke { shown, id } => {
                vault.revoke_app_password(account, &proof(shown), id).map_err(said)?;
                done("The app password serves no longer.")
            }
            AccountAct::TotpSecret => {
                let secret = vault.new_code_secret().map_err(said)?;
                Ok(totp_secret(&address, &secret))
            }
            AccountAct::TotpOn { shown, secret, code } => {
                vault.turn_codes_on(account, &proof(shown), &secret.0, &code.0).map_err(said)?;
                done(
                    "Codes are on. Mail clients need an app password from now on (account app-password add). Make \
                     recovery codes too, for when the app is lost (account recovery new).",
                )
            }
            AccountAct::TotpOff { shown } => {
                vault.turn_codes_off(account, &proof(shown)).map_err(said)?;
                done("Codes are off.")
            }
            AccountAct::TotpMailPassword { shown, allow } => {
                vault.let_password_serve_mail(account, &proof(shown), allow).map_err(said)?;
                done(if allow {
                    "The password alone signs in to mail clients: whoever has it reads the mail without a code."
                } else {
                    "Mail clients need an app password while codes are on."
                })
            }
            AccountAct::RecoveryNew { shown } => {
                let codes = vault.new_recovery_codes(account, &proof(shown)).map_err(said)?;
                Ok(shown_once("Earlier recovery codes serve no longer.\n", &codes, json!({})))
            }
            AccountAct::RecoveryUse { code, new } => {
                check_password(&new.0)?;
                vault.recover(account, &code.0, &new.0).map_err(said)?;
                let left = vault.account_guard(account).map_err(said)?.recovery_codes;
                Ok(Outcome {
                    text: format!("The new password is set, and the code is used up; {left} are left."),
                    data: json!({ "recovery_codes": left }),
                })
            }
            AccountAct::SessionList { shown } => {
                let secrets = vault.owner_secrets(account, &proof(shown)).map_err(said)?;
                Ok(sessions(&secrets.sessions))
            }
            AccountAct::SessionEnd { shown, id } => {
                vault.end_sessions(account, &proof(shown), id).map_err(said)?;
                done(if id.is_some() { "The session is over." } else { "All web sessions are over." })
            }
            AccountAct::ResetBegin { hands, without_codes } => {
                self.begin_reset(account, &address, pair(hands)?, without_codes)
            }
            AccountAct::ResetShow => {
                let reset = vault.pending_reset(account).map_err(said)?;
                Ok(Outcome {
                    text: reset.map_or_else(
                        || "No reset is under way.".to_owned(),
                        |reset| format!("Begun {}; it can be finished from {} on.", reset.begun, reset.not_before),
                    ),
                    data: json!({
                        "begun": reset.map(|reset| reset.begun.rfc3339()),
                        "not_before": reset.map(|reset| reset.not_before.rfc3339()),
                    }),
                })
            }
            AccountAct::ResetFinish { hands, new } => {
                check_password(&new.0)?;
                let new = Secret::new(new.0.expose().clone());
                let (_, _, entry) = self.act_of_two(Act::FinishReset { account }, Some(new), pair(hands)?)?;
                Ok(Outcome {
                    text: format!(
                        "The new password is set; web sessions have ended, app passwords and recovery codes go on. Ledger \
                         entry {entry}."
                    ),
                    data: json!({ "entry": entry }),
                })
            }
            AccountAct::Quota { size, messages } => self.quota(account, &address, size.as_deref(), messages.as_deref()),
            AccountAct::Undelete { shown, list, mailbox, numbers } => {
                let secrets = (&shown.password.0, shown.code.as_ref().map(|code| &code.0));
                self.undelete(&address, secrets, list, mailbox.as_deref(), &numbers)
            }
            AccountAct::ResetStop => {
                vault.stop_reset(account).map_err(said)?;
                done("No reset is under way any more.")
            }
        }
    }

    fn add(&self, address: &str, custody: Custody, password: &Secret<String>) -> Result<Outcome, String> {
        let (account, codes) = self.add_account(address, custody, password)?;
        let text = format!("{address} is made, in {custody} custody.\n");
        Ok(shown_once(&text, &codes, json!({ "account": account, "custody": custody.as_str() })))
    }

    /// Two officers begin a reset. The notice to the owner comes after the ledger's entry and is part of it: without one
    /// the reset is stopped.
    fn begin_reset(
        &self,
        account: AccountId,
        address: &str,
        hands: [OfficerProof; 2],
        without_codes: bool,
    ) -> Result<Outcome, String> {
        let delay_millis = i64::from(self.config.reset_delay_hours) * HOUR_MILLIS;
        let act = Act::BeginReset { account, delay_millis, without_codes };
        let (signed, _, entry) = self.act_of_two(act, None, hands)?;
        let until = signed.at.plus_millis(delay_millis);
        let text = format!(
            "Two officers of this home have begun to reset the password of this mailbox, because somebody said that it \
             is forgotten.\r\n\r\nIf that was not you: sign in with your password at any mail program or page before \
             {until}, and the reset is stopped. An app password does not stop it. Or call the provider.\r\n\r\nIf it \
             was you: wait until then; the officers will give you a new password.\r\n"
        );
        let told = self.mailroom.notice(account, "Your password is about to be reset", &text);
        if let Err(error) = told {
            let _ = self.mailroom.vault.stop_reset(account);
            return Err(format!("the owner could not be told, so the reset is stopped: {error}"));
        }
        let text = format!(
            "The reset of {address} is begun. A notice is in the mailbox itself, the one address of the owner that this \
             version can reach: tell the owner at every other address that you know. It can be finished from {until} on, \
             unless the owner shows the password before. Ledger entry {entry}."
        );
        Ok(Outcome { text, data: json!({ "entry": entry, "not_before": until.rfc3339() }) })
    }

    fn add_app_password(
        &self,
        account: AccountId,
        proof: &OwnerProof,
        name: &str,
        scopes: &[String],
        days: Option<u32>,
    ) -> Result<Outcome, String> {
        let mut wanted = Scopes::NONE;
        for scope in scopes {
            wanted = wanted.with(match scope.as_str() {
                "imap" => Scopes::IMAP,
                "smtp" => Scopes::SMTP,
                "pages" => Scopes::PAGES,
                other => return Err(format!("{other}: an app password serves for imap, smtp or pages")),
            });
        }
        if wanted == Scopes::NONE {
            return Err("an app password serves for something: imap, smtp or pages".to_owned());
        }
        let expires = days.map(|days| self.mailroom.clock.now().plus_millis(i64::from(days) * DAY_MILLIS));
        let made = self.mailroom.vault.add_app_password(account, proof, name, wanted, expires);
        let (id, password) = made.map_err(|error| error.to_string())?;
        let text = format!(
            "App password {id}, for {}. It is shown this once; type it as it stands, dashes included:\n{}",
            wanted.names().join(", "),
            password.expose()
        );
        Ok(Outcome { text, data: json!({ "id": id, "password": password.expose(), "for": wanted.names() }) })
    }
}

pub(crate) fn pair(hands: Vec<ShownHand>) -> Result<[OfficerProof; 2], String> {
    let hands: Vec<OfficerProof> = hands.into_iter().map(ShownHand::into_proof).collect();
    hands.try_into().map_err(|_| "two officers must agree to this".to_owned())
}

fn proof(shown: Shown) -> OwnerProof {
    OwnerProof::here(shown.password.0, shown.code.map(|code| code.0))
}

/// Custody as the table of the vault has it, and what the account has of secrets.
fn in_plain_words(address: &str, guard: &AccountGuard) -> String {
    let mut text = format!("{address} is in {} custody.\n", guard.custody);
    for (question, answer) in guard.custody.said() {
        let _ = write!(text, "\n{question}\n  {answer}\n");
    }
    let codes = match (guard.codes, guard.password_serves_mail) {
        (false, _) => "off",
        (true, false) => "on; mail clients need an app password",
        (true, true) => "on, and the password alone serves mail clients all the same",
    };
    let _ = write!(
        text,
        "\nCodes of an app  {codes}\nRecovery codes   {} left\nApp passwords    {}\nWeb sessions     {}",
        guard.recovery_codes, guard.app_passwords, guard.sessions
    );
    text
}

fn guard_data(guard: &AccountGuard) -> serde_json::Value {
    let table: serde_json::Map<_, _> =
        guard.custody.said().map(|(question, answer)| (question.to_owned(), json!(answer))).collect();
    json!({
        "custody": guard.custody.as_str(), "means": table, "codes": guard.codes,
        "password_serves_mail": guard.password_serves_mail, "recovery_codes": guard.recovery_codes,
        "app_passwords": guard.app_passwords, "sessions": guard.sessions,
    })
}

/// Recovery codes below a text, if there are any.
fn shown_once(text: &str, codes: &[Secret<String>], mut data: serde_json::Value) -> Outcome {
    let mut text = text.to_owned();
    if !codes.is_empty() {
        text.push_str(
            "Recovery codes, shown this once. Each sets a new password or stands for a code of the app, and is used up \
             then. Write them down and keep them where the password is not:\n",
        );
        for code in codes {
            let _ = writeln!(text, "  {}", code.expose());
        }
        data["recovery_codes"] = codes.iter().map(|code| code.expose().as_str()).collect();
    }
    Outcome { text, data }
}

fn totp_secret(address: &str, secret: &Secret<String>) -> Outcome {
    let uri = vault::otpauth(address, secret);
    let uri = uri.expose();
    let text = format!(
        "Give this secret to the authenticator app; it is shown this once, and counts when a code of it was typed here:\n\
         {}\n{uri}",
        secret.expose()
    );
    Outcome { text, data: json!({ "secret": secret.expose(), "uri": uri }) }
}

fn day(at: UnixMillis) -> String {
    at.rfc3339()[..10].to_owned()
}

fn app_passwords(all: &[vault::AppPasswordInfo]) -> Outcome {
    let lines: Vec<String> = all
        .iter()
        .map(|one| {
            let last = one.last_used.map_or_else(
                || format!("not used in the last {} days", vault::SEEN_DAYS),
                |at| format!("last used on {}", day(at)),
            );
            let ends = one.expires.map(|at| format!(", ends on {}", day(at))).unwrap_or_default();
            format!(
                "{:>9}  {}  for {}, made on {}{ends}, {last}",
                one.id,
                one.name,
                one.scopes.names().join(", "),
                day(one.created)
            )
        })
        .collect();
    let data = all
        .iter()
        .map(|one| {
            json!({
                "id": one.id, "name": one.name, "for": one.scopes.names(), "created": day(one.created),
                "expires": one.expires.map(UnixMillis::rfc3339), "last_used": one.last_used.map(day),
            })
        })
        .collect();
    let text = if lines.is_empty() { "There are no app passwords.".to_owned() } else { lines.join("\n") };
    Outcome { text, data: serde_json::Value::Array(data) }
}

fn sessions(all: &[vault::SessionInfo]) -> Outcome {
    let lines: Vec<String> = all
        .iter()
        .map(|one| format!("{:>9}  {}  since {}, ends {}", one.id, one.name, one.created, one.expires))
        .collect();
    let data = all
        .iter()
        .map(|one| {
            json!({ "id": one.id, "name": one.name, "created": one.created.rfc3339(), "expires": one.expires.rfc3339() })
        })
        .collect();
    let text = if lines.is_empty() { "There are no web sessions.".to_owned() } else { lines.join("\n") };
    Outcome { text, data: serde_json::Value::Array(data) }
}
