//! What an owner asks for with a form, read into one of a closed list of changes. Pure.

use std::fmt;

use mailroom::PASSWORD_CHARS_MIN;
use terms::Secret;
use vault::{Custody, Scopes};

use crate::web::error::PageError;
use crate::web::form::PostedForm;

/// The longest time back that "restore deleted mail" looks, in days.
const RESTORE_DAYS_MAX: u32 = 366;

/// What an owner who is signed in asks for.
#[derive(Debug)]
pub(super) enum ChangeRequest {
    SignOut,
    BeginCodes,
    Custody(Custody),
    Password(Secret<String>),
    AddAppPassword {
        name: String,
        scopes: Scopes,
        days: Option<u32>,
    },
    RevokeAppPassword(u32),
    CodesOn {
        secret: Secret<String>,
        shown: Secret<String>,
    },
    CodesOff,
    PasswordServesMail(bool),
    RecoveryCodes,
    EndSessions(Option<u32>),
    StopReset,
    /// What was deleted in so many days.
    Undelete(u32),
}

/// What cannot be used of what was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestError {
    PasswordsDiffer,
    PasswordTooShort,
    NoScope,
    NotANumber,
    NotACustody,
    NotYesOrNo,
    RestoreDays,
    ExpiryDays,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PasswordsDiffer => f.write_str("The two new passwords are not the same."),
            Self::PasswordTooShort => {
                write!(f, "The new password is too short. Use at least {PASSWORD_CHARS_MIN} characters.")
            }
            Self::NoScope => f.write_str("Choose at least one use for the app password."),
            Self::NotANumber => f.write_str("There is no entry with this number."),
            Self::NotACustody => f.write_str("Choose one of the three custody levels."),
            Self::NotYesOrNo => f.write_str("Choose yes or no."),
            Self::RestoreDays => write!(f, "Enter a whole number of days from 1 to {RESTORE_DAYS_MAX}."),
            Self::ExpiryDays => f.write_str("Enter a whole number of days, or leave the field empty."),
        }
    }
}

impl From<RequestError> for PageError {
    fn from(error: RequestError) -> Self {
        Self::Invalid(error.to_string())
    }
}

impl ChangeRequest {
    /// The change that `form` asks for by the path's last part; `None` when there is no such change.
    pub(super) fn read(change: &str, form: &PostedForm) -> Option<Result<Self, RequestError>> {
        let number = |name| form.text(name).parse::<u32>().map_err(|_| RequestError::NotANumber);
        Some(match change {
            "sign-out" => Ok(Self::SignOut),
            "codes-begin" => Ok(Self::BeginCodes),
            "custody" => form.text("to").parse().map(Self::Custody).map_err(|_| RequestError::NotACustody),
            "password" => new_password(form).map(Self::Password),
            "app-password-add" => app_password(form),
            "app-password-revoke" => number("id").map(Self::RevokeAppPassword),
            "codes-on" => Ok(Self::CodesOn {
                secret: form.secret("secret"),
                shown: form.code("shown").unwrap_or_else(|| "".into()),
            }),
            "codes-off" => Ok(Self::CodesOff),
            "codes-mail" => match form.text("allow") {
                "yes" => Ok(Self::PasswordServesMail(true)),
                "no" => Ok(Self::PasswordServesMail(false)),
                _ => Err(RequestError::NotYesOrNo),
            },
            "recovery-codes" => Ok(Self::RecoveryCodes),
            "session-end" => number("id").map(|id| Self::EndSessions(Some(id))),
            "sessions-end" => Ok(Self::EndSessions(None)),
            "reset-stop" => Ok(Self::StopReset),
            "undelete" => match form.text("days").trim().parse() {
                Ok(days @ 1..=RESTORE_DAYS_MAX) => Ok(Self::Undelete(days)),
                _ => Err(RequestError::RestoreDays),
            },
            _ => return None,
        })
    }
}

/// A new password that was typed twice.
pub(super) fn new_password(form: &PostedForm) -> Result<Secret<String>, RequestError> {
    if form.text("new") != form.text("again") {
        return Err(RequestError::PasswordsDiffer);
    }
    if !mailroom::is_password_long_enough(&form.secret("new")) {
        return Err(RequestError::PasswordTooShort);
    }
    Ok(form.secret("new"))
}

fn app_password(form: &PostedForm) -> Result<ChangeRequest, RequestError> {
    let mut scopes = Scopes::NONE;
    for (field, scope) in [("imap", Scopes::IMAP), ("smtp", Scopes::SMTP), ("pages", Scopes::PAGES)] {
        if !form.text(field).is_empty() {
            scopes = scopes.with(scope);
        }
    }
    if scopes == Scopes::NONE {
        return Err(RequestError::NoScope);
    }
    let days = match form.text("days").trim() {
        "" => None,
        typed => Some(typed.parse().map_err(|_| RequestError::ExpiryDays)?),
    };
    Ok(ChangeRequest::AddAppPassword { name: form.text("name").trim().to_owned(), scopes, days })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(change: &str, body: &str) -> Option<Result<ChangeRequest, RequestError>> {
        ChangeRequest::read(change, &PostedForm::read(body.as_bytes()).unwrap())
    }

    #[test]
    fn forms_are_read_or_refused() {
        for (change, body, reads) in [
            ("custody", "to=owner", true),
            ("custody", "to=nobody", false),
            ("custody", "", false),
            ("password", "new=long+enough&again=long+enough", true),
            ("password", "new=long+enough&again=long-enough", false),
            ("password", "new=short&again=short", false),
            ("app-password-add", "name=phone&imap=on", true),
            ("app-password-add", "name=phone&imap=on&days=30", true),
            ("app-password-add", "name=phone", false),
            ("app-password-add", "name=phone&imap=on&days=-1", false),
            ("app-password-add", "name=phone&imap=on&days=99999999999", false),
            ("app-password-revoke", "id=1", true),
            ("app-password-revoke", "id=x", false),
            ("session-end", "id=", false),
            ("codes-mail", "allow=perhaps", false),
            ("codes-on", "", true),
            ("undelete", "days=7", true),
            ("undelete", "days=0", false),
            ("undelete", "", false),
            ("sign-out", "anything=else", true),
        ] {
            assert_eq!(read(change, body).unwrap().is_ok(), reads, "{change} {body}");
        }
        assert!(read("open-everything", "").is_none());
    }

    #[test]
    fn what_was_typed_prints_nowhere() {
        let request = read("password", "new=long+enough&again=long+enough").unwrap().unwrap();
        assert!(!format!("{request:?}").contains("long"));
    }
}
