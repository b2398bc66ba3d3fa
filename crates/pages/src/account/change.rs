//! Makes the change that an owner asks for, through the vault and the store, and says in plain words what is true
//! afterwards. Blocking.

use mailroom::Mailroom;
use store::StoreError;
use terms::{AccountId, Secret};
use vault::{Attempt, Claim, Custody, OwnerProof, Scopes, otpauth};

use super::request::ChangeRequest;
use crate::web::error::PageError;

/// Milliseconds of a day.
const DAY_MILLIS: i64 = 86_400_000;

/// Who is signed in.
pub(super) struct Owner {
    pub account: AccountId,
    /// The number of the session that asks.
    pub session: u32,
    /// The account's first address.
    pub address: String,
}

/// What is said when a change is made.
pub(super) struct Confirmation {
    pub title: &'static str,
    /// What is true now.
    pub message: &'static str,
    /// What is shown this once.
    pub secrets: Vec<Secret<String>>,
    /// How to keep the secrets.
    pub keep: &'static str,
    pub ends_session: bool,
}

/// What comes of a request.
pub(super) enum Changed {
    Confirmed(Confirmation),
    /// A key for an authenticator app, which counts when a code of it comes back.
    SetupKey(SetupKey),
}

/// The key of an authenticator app, before it has been confirmed with a code.
pub(super) struct SetupKey {
    pub secret: Secret<String>,
    pub uri: Secret<String>,
}

impl SetupKey {
    pub(super) fn new(address: &str, secret: Secret<String>) -> Self {
        Self { uri: otpauth(address, &secret), secret }
    }
}

const KEEP_CODES: &str = "Each recovery code works once: it sets a new password, or replaces an authenticator code. Write \
                          them down now and keep them apart from your password. They are not shown again.";
const KEEP_APP_PASSWORD: &str = "Enter it in the mail app exactly as shown, including the dashes. It is not shown again; if \
                                 you lose it, revoke it and create another.";

fn done(title: &'static str, message: &'static str) -> Changed {
    Changed::Confirmed(Confirmation { title, message, secrets: Vec::new(), keep: "", ends_session: false })
}

fn session_over(title: &'static str, message: &'static str) -> Changed {
    Changed::Confirmed(Confirmation { title, message, secrets: Vec::new(), keep: "", ends_session: true })
}

fn with_secrets(
    title: &'static str,
    message: &'static str,
    secrets: Vec<Secret<String>>,
    keep: &'static str,
) -> Changed {
    let keep = if secrets.is_empty() { "" } else { keep };
    Changed::Confirmed(Confirmation { title, message, keep, secrets, ends_session: false })
}

/// What is said when a recovery code has set a new password.
pub(super) fn recovered() -> Confirmation {
    Confirmation {
        title: "Your new password is set",
        message: "The recovery code has been used, and all web sessions have been signed out. App passwords and the \
                  remaining recovery codes still work. Sign in with the new password.",
        secrets: Vec::new(),
        keep: "",
        ends_session: true,
    }
}

/// Makes the change for `owner`. Every change wants `proof`.
///
/// # Errors
/// [`PageError::WrongCredentials`] whatever of the proof is wrong; else the vault's.
pub(super) fn apply(
    mailroom: &Mailroom,
    owner: &Owner,
    proof: &OwnerProof,
    request: ChangeRequest,
) -> Result<Changed, PageError> {
    let (vault, account) = (&mailroom.vault, owner.account);
    Ok(match request {
        // The session is left by its own token (`account.rs`).
        ChangeRequest::SignOut => session_over("Signed out", "You have been signed out."),
        ChangeRequest::BeginCodes => Changed::SetupKey(SetupKey::new(&owner.address, vault.new_code_secret()?)),
        ChangeRequest::Custody(custody) => {
            let codes = vault.set_custody(account, proof, custody)?;
            with_secrets("Custody changed", custody_message(custody), codes, KEEP_CODES)
        }
        ChangeRequest::Password(new) => {
            vault.set_password(account, proof, &new)?;
            session_over(
                "Password changed",
                "The old password no longer works, and all web sessions have been signed out, including this one. App \
                 passwords and recovery codes still work. Sign in with the new password.",
            )
        }
        ChangeRequest::AddAppPassword { name, scopes, days } => {
            let expires = days.map(|days| mailroom.clock.now().plus_millis(i64::from(days) * DAY_MILLIS));
            let (_, password) = vault.add_app_password(account, proof, &name, scopes, expires)?;
            with_secrets("App password created", "Use it in one app only.", vec![password], KEEP_APP_PASSWORD)
        }
        ChangeRequest::RevokeAppPassword(id) => {
            vault.revoke_app_password(account, proof, id)?;
            done(
                "App password revoked",
                "It can no longer be used to sign in. A mail app that is connected right now stays connected until it \
                 disconnects.",
            )
        }
        ChangeRequest::CodesOn { secret, shown } => {
            vault.turn_codes_on(account, proof, &secret, &shown)?;
            done(
                "Two-factor authentication is on",
                "An authenticator code is required to sign in here and for every change. Mail apps now need an app \
                 password. Create recovery codes as well, in case you lose your device.",
            )
        }
        ChangeRequest::CodesOff => {
            vault.turn_codes_off(account, proof)?;
            done(
                "Two-factor authentication is off",
                "The account password alone is enough to sign in, here and in mail apps.",
            )
        }
        ChangeRequest::PasswordServesMail(allowed) => {
            vault.let_password_serve_mail(account, proof, allowed)?;
            done(
                "Setting changed",
                if allowed {
                    "Mail apps accept the account password: anyone who has it can read your mail without a code."
                } else {
                    "Mail apps need an app password while two-factor authentication is on."
                },
            )
        }
        ChangeRequest::RecoveryCodes => {
            let codes = vault.new_recovery_codes(account, proof)?;
            with_secrets("New recovery codes", "Earlier recovery codes no longer work.", codes, KEEP_CODES)
        }
        ChangeRequest::EndSessions(id) => {
            vault.end_sessions(account, proof, id)?;
            match id {
                Some(id) if id != owner.session => done("Session ended", "That browser has to sign in again."),
                _ => session_over("Signed out", "This session has ended. Sign in again."),
            }
        }
        ChangeRequest::Undelete(days) => undelete(mailroom, account, proof, days)?,
        ChangeRequest::StopReset => {
            // The password proves that it is not forgotten, which stops a reset by itself (an app password or a session
            // does not); the second line holds should that ever change.
            vault.owner_secrets(account, proof)?;
            vault.stop_reset(account)?;
            done(
                "Password reset cancelled",
                "It can no longer be used to set a new password. If you did not request the reset, contact your provider: \
                 someone pretended to be you.",
            )
        }
    })
}

/// Restores what the owner deleted in the last days. It takes the sign-in itself, since it changes mailboxes.
fn undelete(mailroom: &Mailroom, account: AccountId, proof: &OwnerProof, days: u32) -> Result<Changed, PageError> {
    let attempt = Attempt { claim: Claim::Account(account), scope: Scopes::PAGES, network: proof.network };
    let owner = mailroom.vault.sign_in_as(&attempt, &proof.password, proof.code.as_ref())?;
    let since = mailroom.clock.now().plus_millis(-i64::from(days) * DAY_MILLIS);
    let deleted = mailroom.store.deleted(&owner).map_err(|_| PageError::Unavailable)?;
    let numbers: Vec<u32> = deleted.iter().filter(|one| one.deleted >= since).map(|one| one.number).collect();
    Ok(match mailroom.store.restore(&owner, &numbers) {
        Ok(restored) if restored.messages == 0 => {
            done("Nothing to restore", "None of the mail that you deleted in those days is still available.")
        }
        Ok(_) => done(
            "Mail restored",
            "What you deleted is back in its mailboxes; mailboxes that no longer existed have been created again. Your mail \
             app shows the messages as new.",
        ),
        Err(StoreError::OverQuota) => done(
            "Not enough space",
            "Nothing was restored: it would exceed your quota. Choose fewer days, or delete something first.",
        ),
        Err(_) => return Err(PageError::Unavailable),
    })
}

fn custody_message(custody: Custody) -> &'static str {
    match custody {
        Custody::Strict => "Your mailbox is now in strict custody.",
        Custody::Standard => "Your mailbox is now in standard custody, the weakest of the three.",
        Custody::Owner => {
            "Your mailbox is now in owner custody. Backups made before this change can still be opened by two officers, \
             until they are destroyed."
        }
    }
}
