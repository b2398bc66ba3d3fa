//! What people read of `account …`.

use std::fmt::Write;

use operations::accounts::{AccountAdded, AccountList, CustodySet, CustodyShown, ListedAccount, PasswordChanged};
use operations::closing::AccountClosed;
use operations::mailboxes::{DeletedList, Quota, Undeleted};
use operations::operation::SecretText;
use operations::reset::{ResetBegun, ResetFinished, ResetShown, ResetStopped};
use operations::rotation::AccountKeyRotated;
use operations::secrets::{
    AppPassword, AppPasswordAdded, AppPasswordRevoked, AppPasswords, CodeSecret, RecoveryCodeUsed, RecoveryCodes,
    Scope, Sessions, SessionsEnded, SignInSet,
};
use vault::Custody;

/// Characters of a subject in a list.
const SUBJECT_CHARS_MAX: usize = 60;

pub(crate) fn added(added: &AccountAdded) -> String {
    let text = format!("{} is ready, in {} custody.\n", added.address, added.custody);
    with_codes(text, &added.recovery_codes)
}

pub(crate) fn list(list: &AccountList) -> String {
    let line = |account: &ListedAccount| match account {
        ListedAccount::Readable { addresses, messages, created, .. } => {
            let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            format!("{}  {messages} messages, since {created}", addresses.join(", "))
        }
        ListedAccount::Quarantined { account, .. } => {
            format!("account {account} is quarantined: its profile is damaged")
        }
    };
    list.accounts.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Custody as the table of the vault has it, and what the account has of secrets.
pub(crate) fn custody(shown: &CustodyShown) -> String {
    let mut text = format!("{} is in {} custody.\n", shown.address, shown.custody);
    for (question, answer) in shown.custody.said() {
        let _ = write!(text, "\n{question}\n  {answer}\n");
    }
    let codes = match (shown.codes, shown.password_serves_mail) {
        (false, _) => "off",
        (true, false) => "on; mail apps need an app password",
        (true, true) => "on, but the password alone signs in to mail apps",
    };
    let _ = write!(
        text,
        "\nTwo-factor auth  {codes}\nRecovery codes   {} left\nApp passwords    {}\nWeb sessions     {}",
        shown.recovery_codes, shown.app_passwords, shown.sessions
    );
    text
}

pub(crate) fn custody_set(set: &CustodySet) -> String {
    let mut text = format!("{} is now in {} custody.\n", set.address, set.custody);
    if set.custody == Custody::Owner {
        text.push_str("Backups of the vault's files made before now can still be opened by two officers until they are destroyed.\n");
    }
    with_codes(text, &set.recovery_codes)
}

pub(crate) fn password_changed(_: &PasswordChanged) -> String {
    "The password is changed. Web sessions have ended; app passwords still work.".to_owned()
}

/// Recovery codes below a text, if there are any.
fn with_codes(mut text: String, codes: &[SecretText]) -> String {
    if !codes.is_empty() {
        text.push_str(
            "Recovery codes, shown only this once. Each can be used once, to set a new password or in place of a code from the \
             app. Write them down and keep them apart from the password:\n",
        );
        for code in codes {
            let _ = writeln!(text, "  {}", code.expose());
        }
    }
    text
}

pub(crate) fn closed(closed: &AccountClosed) -> String {
    format!(
        "{} is closed. Its mail can no longer be opened on this node; backups of its keys open nothing once their day keys are \
         destroyed. The law may require copies that may not be mentioned here.\nLedger entry {}.",
        closed.closed, closed.entry
    )
}

pub(crate) fn key_rotated(rotated: &AccountKeyRotated) -> String {
    let mut text = if rotated.finished {
        format!("{} has a new key, every epoch is sealed to it, and the previous key is destroyed.", rotated.address)
    } else {
        format!(
            "{} has a new key and receives with it. The node destroys the previous key once the mail in flight has arrived.",
            rotated.address
        )
    };
    if rotated.everything {
        text.push_str(
            "\nEarlier app passwords, web sessions and recovery codes have ended: make new app passwords for mail apps.",
        );
    }
    if let Some(error) = &rotated.owner_not_notified {
        let _ = write!(text, "\nThe owner could not be notified: {error}");
    }
    if !rotated.recovery_codes.is_empty() {
        text.push_str("\nNew recovery codes, shown only this once:");
        for code in &rotated.recovery_codes {
            let _ = write!(text, "\n  {}", code.expose());
        }
    }
    let _ = write!(text, "\nLedger entry {}.", rotated.entry);
    text
}

fn uses(scopes: &[Scope]) -> String {
    scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ")
}

pub(crate) fn app_password_added(added: &AppPasswordAdded) -> String {
    format!(
        "App password {}, for {}. It is shown only this once; type it as it is, dashes included:\n{}",
        added.id,
        uses(&added.scopes),
        added.password.expose()
    )
}

pub(crate) fn app_passwords(all: &AppPasswords) -> String {
    let line = |one: &AppPassword| {
        let last = match &one.last_used {
            Some(day) => format!("last used on {day}"),
            None => format!("not used in the last {} days", vault::SEEN_DAYS),
        };
        let ends = one.expires.map(|at| format!(", ends on {}", at.day())).unwrap_or_default();
        format!("{:>9}  {}  for {}, made on {}{ends}, {last}", one.id, one.name, uses(&one.scopes), one.created)
    };
    match all.app_passwords.as_slice() {
        [] => "There are no app passwords.".to_owned(),
        all => all.iter().map(line).collect::<Vec<_>>().join("\n"),
    }
}

pub(crate) fn app_password_revoked(_: &AppPasswordRevoked) -> String {
    "The app password no longer works.".to_owned()
}

pub(crate) fn code_secret(made: &CodeSecret) -> String {
    format!(
        "Enter this secret in the authenticator app. It is shown only this once, and takes effect when you type a code from \
         the app below:\n{}\n{}",
        made.secret.expose(),
        made.uri.expose()
    )
}

pub(crate) fn codes_on(_: &SignInSet) -> String {
    "Two-factor authentication is on. Mail apps need an app password from now on (account app-password add). Make recovery \
     codes, too, in case you lose the app (account recovery new)."
        .to_owned()
}

pub(crate) fn codes_off(_: &SignInSet) -> String {
    "Two-factor authentication is off.".to_owned()
}

pub(crate) fn mail_password(set: &SignInSet) -> String {
    if set.password_serves_mail {
        "The password alone signs in to mail apps: anyone who has it reads the mail without a code.".to_owned()
    } else {
        "Mail apps need an app password while two-factor authentication is on.".to_owned()
    }
}

pub(crate) fn recovery_codes(made: &RecoveryCodes) -> String {
    with_codes("Earlier recovery codes no longer work.\n".to_owned(), &made.recovery_codes)
}

pub(crate) fn recovery_code_used(used: &RecoveryCodeUsed) -> String {
    format!("The new password is set. The code is used up; {} are left.", used.recovery_codes)
}

pub(crate) fn sessions(all: &Sessions) -> String {
    let lines = all
        .sessions
        .iter()
        .map(|one| format!("{:>9}  {}  since {}, ends {}", one.id, one.name, one.created, one.expires));
    if all.sessions.is_empty() { "There are no web sessions.".to_owned() } else { lines.collect::<Vec<_>>().join("\n") }
}

pub(crate) fn sessions_ended(ended: &SessionsEnded) -> String {
    if ended.id.is_some() { "The session has ended.".to_owned() } else { "All web sessions have ended.".to_owned() }
}

pub(crate) fn reset_begun(begun: &ResetBegun) -> String {
    format!(
        "The reset of {} has begun. A notice is in the mailbox itself, the only address of the owner that this version can \
         reach: tell the owner at every other address you know. The reset can be finished from {} on, unless the owner signs \
         in with the password before then. Ledger entry {}.",
        begun.address, begun.not_before, begun.entry
    )
}

pub(crate) fn reset(shown: &ResetShown) -> String {
    match (shown.begun, shown.not_before) {
        (Some(begun), Some(not_before)) => format!("Begun {begun}; it can be finished from {not_before} on."),
        _ => "No reset is under way.".to_owned(),
    }
}

pub(crate) fn reset_finished(finished: &ResetFinished) -> String {
    format!(
        "The new password is set. Web sessions have ended; app passwords and recovery codes still work. Ledger entry {}.",
        finished.entry
    )
}

pub(crate) fn reset_stopped(_: &ResetStopped) -> String {
    "No reset is under way any more.".to_owned()
}

pub(crate) fn quota(quota: &Quota) -> String {
    let line = |used: u64, most: Option<u64>, own: bool| {
        let most = most.map_or("no limit".to_owned(), |most| format!("of {most}"));
        format!("{used} {most} ({})", if own { "its own limit" } else { "the node's default" })
    };
    format!(
        "{}\nbytes     {}\nmessages  {}",
        quota.address,
        line(quota.bytes, quota.bytes_max, quota.bytes_own),
        line(quota.messages, quota.messages_max, quota.messages_own),
    )
}

pub(crate) fn deleted(list: &DeletedList) -> String {
    let lines = list.messages.iter().map(|one| {
        let subject: String = one.subject.chars().take(SUBJECT_CHARS_MAX).collect();
        format!(
            "{:>6}  deleted {}, until {}  {}  {} bytes  {subject}",
            one.number, one.deleted, one.until, one.mailbox, one.bytes
        )
    });
    if list.messages.is_empty() {
        return "Nothing can be restored.".to_owned();
    }
    lines.collect::<Vec<_>>().join("\n")
}

pub(crate) fn undeleted(undeleted: &Undeleted) -> String {
    let mut text = format!("{} messages are restored.", undeleted.restored);
    for (name, count) in &undeleted.mailboxes {
        let _ = write!(text, "\n  {count} in {name}");
    }
    text
}
