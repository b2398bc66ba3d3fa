//! What an owner asks with a form: the octets of the body, read into one of a closed list of acts. Pure.

use terms::Secret;
use vault::{Custody, Scopes};

/// Octets of a form. The longest form has a password, a new one twice, and a name.
pub(super) const FORM_BYTES_MAX: usize = 8 * 1024;

/// Octets of one field: as much as the vault's other doors take for a password.
const FIELD_BYTES_MAX: usize = 1024;

/// What was typed, by field. Every value is a secret until it is known to be none.
pub(super) struct Form(Vec<(String, Secret<String>)>);

/// What is wrong with a form, in words for the person who sent it.
pub(super) type Fault = &'static str;

/// What an owner who is signed in asks.
#[derive(Debug)]
pub(super) enum Ask {
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

impl Form {
    /// Reads a body of `application/x-www-form-urlencoded`. No field may come twice: which one counts must not be a
    /// question.
    pub(super) fn read(body: &[u8]) -> Result<Self, Fault> {
        let mut fields: Vec<(String, Secret<String>)> = Vec::new();
        for (name, value) in form_urlencoded::parse(body) {
            let value = Secret::new(value.into_owned());
            if name.len() > FIELD_BYTES_MAX || value.expose().len() > FIELD_BYTES_MAX {
                return Err("A field is too long.");
            }
            if fields.iter().any(|(known, _)| *known == name) {
                return Err("A field came twice.");
            }
            fields.push((name.into_owned(), value));
        }
        Ok(Self(fields))
    }

    /// A field; empty when it did not come.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.expose())
    }

    pub(super) fn secret(&self, name: &str) -> Secret<String> {
        self.text(name).into()
    }

    /// A code, if one was typed. People type the spaces that apps show.
    pub(super) fn code(&self, name: &str) -> Option<Secret<String>> {
        let code: Secret<String> = Secret::new(self.text(name).split_whitespace().collect());
        if code.expose().is_empty() { None } else { Some(code) }
    }

    fn number(&self, name: &str) -> Result<u32, Fault> {
        self.text(name).parse().map_err(|_| "There is no such number.")
    }
}

impl Ask {
    /// The act that `form` asks by the path's last part; `None` when there is no such act.
    pub(super) fn read(act: &str, form: &Form) -> Option<Result<Self, Fault>> {
        Some(match act {
            "sign-out" => Ok(Self::SignOut),
            "codes-begin" => Ok(Self::BeginCodes),
            "custody" => form.text("to").parse().map(Self::Custody).map_err(|_| "Choose one of the three custodies."),
            "password" => new_password(form).map(Self::Password),
            "app-password-add" => app_password(form),
            "app-password-revoke" => form.number("id").map(Self::RevokeAppPassword),
            "codes-on" => Ok(Self::CodesOn {
                secret: form.secret("secret"),
                shown: form.code("shown").unwrap_or_else(|| "".into()),
            }),
            "codes-off" => Ok(Self::CodesOff),
            "codes-mail" => match form.text("allow") {
                "yes" => Ok(Self::PasswordServesMail(true)),
                "no" => Ok(Self::PasswordServesMail(false)),
                _ => Err("Choose yes or no."),
            },
            "recovery-codes" => Ok(Self::RecoveryCodes),
            "session-end" => form.number("id").map(|id| Self::EndSessions(Some(id))),
            "sessions-end" => Ok(Self::EndSessions(None)),
            "reset-stop" => Ok(Self::StopReset),
            "undelete" => match form.text("days").trim().parse() {
                Ok(days @ 1..=366) => Ok(Self::Undelete(days)),
                _ => Err("Days: write a whole number."),
            },
            _ => return None,
        })
    }
}

pub(super) fn new_password(form: &Form) -> Result<Secret<String>, Fault> {
    if form.text("new") != form.text("again") {
        return Err("The new password was typed in two ways. Type it twice alike.");
    }
    if !mailroom::is_password_long_enough(&form.secret("new")) {
        return Err("The new password is too short: it has at least 8 characters.");
    }
    Ok(form.secret("new"))
}

fn app_password(form: &Form) -> Result<Ask, Fault> {
    let mut scopes = Scopes::NONE;
    for (field, scope) in [("imap", Scopes::IMAP), ("smtp", Scopes::SMTP), ("pages", Scopes::PAGES)] {
        if !form.text(field).is_empty() {
            scopes = scopes.with(scope);
        }
    }
    if scopes == Scopes::NONE {
        return Err("Choose what the app password is for.");
    }
    let days = match form.text("days").trim() {
        "" => None,
        typed => Some(typed.parse().map_err(|_| "Days: write a whole number, or nothing.")?),
    };
    Ok(Ask::AddAppPassword { name: form.text("name").trim().to_owned(), scopes, days })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(act: &str, body: &str) -> Option<Result<Ask, Fault>> {
        Ask::read(act, &Form::read(body.as_bytes()).unwrap())
    }

    #[test]
    fn forms_are_read_or_refused() {
        for (act, body, reads) in [
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
            assert_eq!(ask(act, body).unwrap().is_ok(), reads, "{act} {body}");
        }
        assert!(ask("open-everything", "").is_none());
    }

    #[test]
    fn no_field_twice_and_none_too_long() {
        assert!(Form::read(b"a=1&b=2&a=3").is_err());
        assert!(Form::read(format!("a={}", "x".repeat(FIELD_BYTES_MAX + 1)).as_bytes()).is_err());
        assert!(Form::read(b"%ff%00=%ff&=&&=;").is_err() || Form::read(b"%ff=%00").is_ok());
        assert_eq!(Form::read(b"code=+123+456%09").unwrap().code("code").unwrap().expose(), "123456");
        assert!(Form::read(b"code=+").unwrap().code("code").is_none());
    }

    #[test]
    fn what_was_typed_prints_nowhere() {
        let asked = ask("password", "new=long+enough&again=long+enough").unwrap().unwrap();
        assert!(!format!("{asked:?}").contains("long"));
    }
}
