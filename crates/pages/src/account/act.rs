//! Does what an owner asks, through the vault, and says in plain words what is true afterwards. Blocking.

use mailroom::Mailroom;
use store::StoreError;
use terms::{AccountId, Secret};
use vault::{Attempt, Claim, Custody, OwnerProof, Scopes, VaultError, otpauth};

use super::ask::Ask;

/// Milliseconds of a day.
const DAY_MILLIS: i64 = 86_400_000;

/// What is said when something is done.
pub(super) struct Done {
    /// The heading.
    pub title: &'static str,
    /// What is true now.
    pub words: &'static str,
    /// What is shown this once.
    pub once: Vec<Secret<String>>,
    /// How to keep what is shown.
    pub keep: &'static str,
    /// The web session is over with it.
    pub is_over: bool,
}

/// What comes of an act.
pub(super) enum Outcome {
    Done(Done),
    /// A secret for the owner's app, which counts when a code of it comes back.
    CodeSecret(CodeSecret),
}

/// A secret for an authenticator app, on its way to becoming the account's.
pub(super) struct CodeSecret {
    pub secret: Secret<String>,
    pub uri: Secret<String>,
}

impl CodeSecret {
    pub(super) fn new(address: &str, secret: Secret<String>) -> Self {
        Self { uri: otpauth(address, &secret), secret }
    }
}

const KEEP_CODES: &str = "Each of these recovery codes sets a new password, or stands for a code of the app, and is used up \
                          then. Write them down now and keep them where the password is not: they are not shown again.";
const KEEP_APP_PASSWORD: &str = "Type it into the mail program as it stands, dashes included. It is not shown again; when \
                                 it is lost, revoke it and make another.";

fn done(title: &'static str, words: &'static str) -> Outcome {
    Outcome::Done(Done { title, words, once: Vec::new(), keep: "", is_over: false })
}

fn over(title: &'static str, words: &'static str) -> Outcome {
    Outcome::Done(Done { title, words, once: Vec::new(), keep: "", is_over: true })
}

fn once(title: &'static str, words: &'static str, once: Vec<Secret<String>>, keep: &'static str) -> Outcome {
    Outcome::Done(Done { title, words, keep: if once.is_empty() { "" } else { keep }, once, is_over: false })
}

/// What is said when a recovery code has set a new password.
pub(super) fn recovered() -> Done {
    Done {
        title: "The new password is set",
        words: "The recovery code is used up, and every web session has ended. App passwords and the other recovery codes go \
                on. Sign in with the new password.",
        once: Vec::new(),
        keep: "",
        is_over: true,
    }
}

/// Does `ask` for the owner of `account`, whose own session has the number `session`. Every change wants `proof`.
///
/// # Errors
/// The vault's; `OwnerError::WrongPassword` whatever of the proof is wrong.
pub(super) fn act(
    room: &Mailroom,
    (account, session, address): (AccountId, u32, &str),
    proof: &OwnerProof,
    ask: Ask,
) -> Result<Outcome, VaultError> {
    let vault = &room.vault;
    Ok(match ask {
        // The session is left by its own token (`account.rs`).
        Ask::SignOut => over("Signed out", "The session is over."),
        Ask::BeginCodes => Outcome::CodeSecret(CodeSecret::new(address, vault.new_code_secret()?)),
        Ask::Custody(custody) => {
            let codes = vault.set_custody(account, proof, custody)?;
            once("The custody is changed", custody_words(custody), codes, KEEP_CODES)
        }
        Ask::Password(new) => {
            vault.set_password(account, proof, &new)?;
            over(
                "The password is changed",
                "The old password signs nobody in any more, and every web session has ended, this one too. App passwords \
                 and recovery codes go on. Sign in with the new password.",
            )
        }
        Ask::AddAppPassword { name, scopes, days } => {
            let expires = days.map(|days| room.clock.now().plus_millis(i64::from(days) * DAY_MILLIS));
            let (_, password) = vault.add_app_password(account, proof, &name, scopes, expires)?;
            once("The app password is made", "It serves for one mail program.", vec![password], KEEP_APP_PASSWORD)
        }
        Ask::RevokeAppPassword(id) => {
            vault.revoke_app_password(account, proof, id)?;
            done(
                "The app password is revoked",
                "It signs nobody in any more. A mail program that is connected at this moment stays connected until it \
                 hangs up.",
            )
        }
        Ask::CodesOn { secret, shown } => {
            vault.turn_codes_on(account, proof, &secret, &shown)?;
            done(
                "Codes are on",
                "A code of the app is asked for here and before every change. Mail programs need an app password from now \
                 on. Make recovery codes too, for the day on which the app is lost.",
            )
        }
        Ask::CodesOff => {
            vault.turn_codes_off(account, proof)?;
            done("Codes are off", "The password alone signs in again, here and in mail programs.")
        }
        Ask::PasswordServesMail(allowed) => {
            vault.let_password_serve_mail(account, proof, allowed)?;
            let words = if allowed {
                "The password alone signs in to mail programs: whoever has it reads the mail without a code."
            } else {
                "Mail programs need an app password while codes are on."
            };
            done("Changed", words)
        }
        Ask::RecoveryCodes => {
            let codes = vault.new_recovery_codes(account, proof)?;
            once("New recovery codes", "Earlier recovery codes serve no longer.", codes, KEEP_CODES)
        }
        Ask::EndSessions(id) => {
            vault.end_sessions(account, proof, id)?;
            match id {
                Some(id) if id != session => done("The session is over", "That browser must sign in again."),
                _ => over("Over", "The session of this browser is over. Sign in again."),
            }
        }
        Ask::Undelete(days) => undelete(room, account, proof, days)?,
        Ask::StopReset => {
            // The password proves that it is not forgotten, which stops a reset by itself (an app password or a session
            // does not); the second line holds should that ever change.
            vault.owner_secrets(account, proof)?;
            vault.stop_reset(account)?;
            done(
                "The reset is stopped",
                "Nobody sets a new password now. If it was not you who asked for it, call the provider: somebody claimed \
                 to be you.",
            )
        }
    })
}

/// Brings back what the owner deleted in the last days. It takes the sign-in itself, since it changes mailboxes.
fn undelete(room: &Mailroom, account: AccountId, proof: &OwnerProof, days: u32) -> Result<Outcome, VaultError> {
    let attempt = Attempt { claim: Claim::Account(account), scope: Scopes::PAGES, network: proof.network };
    let owner = room.vault.sign_in_as(&attempt, &proof.password, proof.code.as_ref())?;
    let since = room.clock.now().plus_millis(-i64::from(days) * DAY_MILLIS);
    let deleted = room.store.deleted(&owner).map_err(|_| VaultError::Away)?;
    let numbers: Vec<u32> = deleted.iter().filter(|one| one.deleted >= since).map(|one| one.number).collect();
    Ok(match room.store.restore(&owner, &numbers) {
        Ok(restored) if restored.messages == 0 => {
            done("There is nothing to bring back", "Nothing of what you deleted in those days is still there.")
        }
        Ok(_) => done(
            "Your mail is back",
            "What you deleted is in the mailboxes in which it was; those that were gone are made again. Your mail program \
             shows it as new.",
        ),
        Err(StoreError::OverQuota) => done(
            "There is no room",
            "Nothing was brought back: it would be more than your mailboxes may have. Take fewer days, or delete something.",
        ),
        Err(_) => return Err(VaultError::Away),
    })
}

fn custody_words(custody: Custody) -> &'static str {
    match custody {
        Custody::Strict => "Your mailbox is in strict custody from now on.",
        Custody::Standard => "Your mailbox is in standard custody from now on, the weaker one.",
        Custody::Owner => {
            "Your mailbox is in owner custody from now on. Backups that were made before still open by two officers, until \
             they are destroyed."
        }
    }
}
