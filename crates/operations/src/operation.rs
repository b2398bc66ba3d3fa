//! What an operation is, and what its requests and results are made of.

use std::cell::RefCell;

use serde::{Deserialize, Serialize};
use terms::{OfficerName, Secret, UnixMillis};
use vault::{OfficerProof, OwnerProof};

/// One thing that may be asked of a node: the type is the request, and it is one line of the table in
/// [`table`](crate::table).
pub trait Operation: Sized {
    /// What it is done to: a [`Node`](crate::node::Node), whose rooms are open, or a
    /// [`NodeHandle`](crate::handle::NodeHandle), which may be locked.
    type Target: ?Sized;
    /// The result, as it crosses the control socket and as `--json` prints it.
    type Output;
    /// Why not.
    type Error;

    /// Does it. Blocks. Durable when it returns, unless the operation says otherwise; nothing is done after an error, unless
    /// the error says so.
    ///
    /// # Errors
    /// The subject's.
    fn run(self, target: &Self::Target, progress: &mut dyn FnMut(Progress)) -> Result<Self::Output, Self::Error>;
}

/// How far a long job is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What is counted.
    pub unit: Unit,
    /// Units done.
    pub done: u64,
    /// Units in all.
    pub total: u64,
    /// Messages that failed.
    pub failed: u64,
}

/// What a [`Progress`] counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Unit {
    #[default]
    Messages,
    Accounts,
    Bytes,
}

/// A secret in a request or a result: wiped when dropped, prints nothing. It crosses the control socket, and `--json` prints
/// it where the result is the secret, such as a new app password.
#[derive(Clone)]
pub struct SecretText(pub Secret<String>);

impl SecretText {
    /// The text, for the one place that needs it.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl From<Secret<String>> for SecretText {
    fn from(secret: Secret<String>) -> Self {
        Self(secret)
    }
}

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// Gives a name that stands for a secret elsewhere; `None` when there is none.
pub type Namer = Box<dyn FnMut(&Secret<String>) -> Option<String>>;

thread_local! {
    /// Who names the secrets that are written on this thread.
    static NAMER: RefCell<Option<Namer>> = const { RefCell::new(None) };
}

/// Runs `write` so that names stand in place of the secrets that it writes: for a process that must not see them.
pub fn with_names<T>(namer: Namer, write: impl FnOnce() -> T) -> T {
    NAMER.set(Some(namer));
    let written = write();
    NAMER.set(None);
    written
}

impl Serialize for SecretText {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        NAMER.with_borrow_mut(|namer| match namer {
            None => serializer.serialize_str(self.0.expose()),
            Some(namer) => {
                let name =
                    namer(&self.0).ok_or_else(|| serde::ser::Error::custom("a secret cannot be passed on now"))?;
                serializer.serialize_str(&name)
            }
        })
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Secret::new(String::deserialize(deserializer)?)))
    }
}

/// Several secrets that are shown once.
pub(crate) fn shown_once(secrets: Vec<Secret<String>>) -> Vec<SecretText> {
    secrets.into_iter().map(SecretText).collect()
}

/// What an owner signs in with to change something.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct OwnerCredentials {
    pub password: SecretText,
    /// A code of the authenticator app or a recovery code, where codes are on.
    pub code: Option<SecretText>,
}

impl OwnerCredentials {
    pub(crate) fn proof(self) -> OwnerProof {
        OwnerProof::here(self.password.0, self.code.map(|code| code.0))
    }

    pub(crate) fn code(&self) -> Option<&Secret<String>> {
        self.code.as_ref().map(|code| &code.0)
    }
}

/// How a person agrees to what needs two.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Consent {
    Officer {
        name: OfficerName,
        passphrase: SecretText,
    },
    /// The 28 words of a paper share.
    PaperShare {
        words: SecretText,
    },
}

impl From<Consent> for OfficerProof {
    fn from(consent: Consent) -> Self {
        match consent {
            Consent::Officer { name, passphrase } => Self::Officer(name, passphrase.0),
            Consent::PaperShare { words } => Self::PaperShare(words.0),
        }
    }
}

/// The two who agree.
pub type TwoConsents = [Consent; 2];

pub(crate) fn both(by: TwoConsents) -> [OfficerProof; 2] {
    by.map(OfficerProof::from)
}

/// A moment in a result: RFC 3339 in UTC in JSON and for people, without fractions of a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(#[serde(with = "terms::rfc3339")] pub UnixMillis);

impl Moment {
    /// The day, `YYYY-MM-DD`.
    pub fn day(self) -> String {
        self.0.rfc3339()[..10].to_owned()
    }
}

impl From<UnixMillis> for Moment {
    fn from(at: UnixMillis) -> Self {
        Self(at)
    }
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Request;
    use crate::unlock::Unlock;

    #[test]
    fn names_stand_in_place_of_secrets() {
        let request = Request::Unlock(Unlock { holder: None, passphrase: Secret::from("what was typed").into() });
        let namer: Namer = Box::new(|secret| (secret.expose() == "what was typed").then(|| "a name".to_owned()));
        let written = with_names(namer, || serde_json::to_string(&request)).unwrap();
        assert!(written.contains("a name") && !written.contains("typed"), "{written}");
        assert!(with_names(Box::new(|_| None), || serde_json::to_string(&request)).is_err());
        assert!(serde_json::to_string(&request).unwrap().contains("what was typed"), "only while it is asked for");
    }
}
