//! The history of a log's signing keys.
//!
//! A log outlives its keys. A change of key is first recorded as an entry of the log; then the old key and the new one
//! sign a statement, which is published beside the log in the file `keys`. Anyone who trusts either key can follow the
//! link: forward, because the old key names its successor, and back, because the new key names its predecessor and the
//! number of entries it signed. Anything a retired key signs beyond that is void.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::LedgerError;
use crate::entry::Opening;
use crate::note::{Signer, Verifier};

/// The first line of the statement. It is never a log's origin, so no checkpoint can be passed off as a statement.
const HEADER: &str = "bailiwick/key-change/v1";

/// Lines of a statement, without the empty line and the two signatures.
const TEXT_LINES: usize = 8;

/// Lines of a change in the file: statement, empty line, two signatures, empty line.
const CHANGE_LINES: usize = TEXT_LINES + 4;

const SHAPE: LedgerError = LedgerError::Malformed("malformed key history of a ledger");

/// One change of key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyChange {
    /// The key that signed until the change.
    pub old: Verifier,
    /// The key that signs after it.
    pub new: Verifier,
    /// The entry that announced it.
    pub index: u64,
    /// The number of entries at the change. The old key signs no larger head.
    pub size: u64,
    /// What the entry says.
    pub opening: Opening,
    /// The statement with both signatures.
    note: String,
}

/// What the ledger records of a change of key.
#[derive(Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Statement {
    format: String,
    kind: String,
    at: String,
    old: Verifier,
    new: Verifier,
}

/// The JSON to record before the key of a log changes from `old` to `new`.
///
/// # Errors
/// [`LedgerError::Malformed`] if it cannot be serialized.
pub fn key_change_statement(old: &Verifier, new: &Verifier, at: &str) -> Result<Vec<u8>, LedgerError> {
    let statement = Statement {
        format: "bailiwick/ledger-entry/v1".to_owned(),
        kind: "signing-key".to_owned(),
        at: at.to_owned(),
        old: old.clone(),
        new: new.clone(),
    };
    serde_json::to_vec(&statement).map_err(|_| SHAPE)
}

impl KeyChange {
    /// Signs a change with both keys.
    pub(crate) fn sign(
        (old, old_signer): (&Verifier, &dyn Signer),
        (new, new_signer): (&Verifier, &dyn Signer),
        index: u64,
        size: u64,
        opening: &Opening,
    ) -> Result<Self, LedgerError> {
        let mut change =
            Self { old: old.clone(), new: new.clone(), index, size, opening: opening.clone(), note: String::new() };
        change.check_entry()?;
        let text = change.text()?;
        change.note = old.sign_note(&text, old_signer)? + &new.signature_line(&text, new_signer)?;
        change.check_signatures(&text)?;
        Ok(change)
    }

    fn text(&self) -> Result<String, LedgerError> {
        let body = std::str::from_utf8(&self.opening.body).map_err(|_| SHAPE)?;
        let (origin, salt) = (self.old.name(), terms::hex(&self.opening.salt));
        let Self { old, new, index, size, .. } = self;
        Ok(format!("{HEADER}\n{origin}\n{old}\n{new}\n{index}\n{size}\n{salt}\n{body}\n"))
    }

    fn check_signatures(&self, text: &str) -> Result<(), LedgerError> {
        let signed = |verifier: &Verifier| Ok::<_, LedgerError>(verifier.verify_note(&self.note)? == text);
        if signed(&self.old)? && signed(&self.new)? { Ok(()) } else { Err(LedgerError::Signature) }
    }

    /// Whether the entry matches the statement.
    fn check_entry(&self) -> Result<(), LedgerError> {
        let entry: Statement = serde_json::from_slice(&self.opening.body).map_err(|_| SHAPE)?;
        let fits = entry.kind == "signing-key" && entry.old == self.old && entry.new == self.new;
        if fits && self.old.name() == self.new.name() && self.index < self.size { Ok(()) } else { Err(SHAPE) }
    }

    fn parse(lines: &[&str]) -> Result<Self, LedgerError> {
        let [HEADER, origin, old, new, index, size, salt, body, "", _, _, ""] = lines else { return Err(SHAPE) };
        let opening = Opening {
            salt: terms::unhex(salt).and_then(|salt| salt.try_into().ok()).ok_or(SHAPE)?,
            body: body.as_bytes().to_vec(),
        };
        let note = lines[..CHANGE_LINES - 1].iter().fold(String::new(), |note, line| note + line + "\n");
        let number = |text: &str| text.parse::<u64>().map_err(|_| SHAPE);
        let change =
            Self { old: old.parse()?, new: new.parse()?, index: number(index)?, size: number(size)?, opening, note };
        if change.old.name() != *origin {
            return Err(SHAPE);
        }
        change.check_entry()?;
        change.check_signatures(&change.text()?)?;
        Ok(change)
    }
}

/// Every change of a log's key, oldest first. Each is verified: two signatures, one origin, no gap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyHistory(Vec<KeyChange>);

impl KeyHistory {
    /// Parses and verifies the file `keys` that a home publishes beside its log.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`], [`LedgerError::Signature`].
    pub fn parse(text: &str) -> Result<Self, LedgerError> {
        let lines: Vec<&str> = text.strip_suffix('\n').ok_or(SHAPE)?.split('\n').collect();
        let mut history = Self::default();
        for lines in lines.chunks(CHANGE_LINES) {
            history.push(KeyChange::parse(lines)?)?;
        }
        Ok(history)
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        self.0.iter().fold(String::new(), |mut text, change| {
            let _ = writeln!(text, "{}", change.note);
            text
        })
    }

    /// The changes, oldest first.
    pub fn changes(&self) -> &[KeyChange] {
        &self.0
    }

    /// Adds a change that follows the last.
    pub(crate) fn push(&mut self, change: KeyChange) -> Result<(), LedgerError> {
        if self.0.last().is_some_and(|last| last.new != change.old || last.size > change.index) {
            return Err(SHAPE);
        }
        self.0.push(change);
        Ok(())
    }

    /// Removes a last change to `new` that was signed but not completed: the log continued under the old key.
    pub(crate) fn withdraw(&mut self, new: &Verifier) {
        self.0.pop_if(|last| last.new == *new);
    }

    /// Whether a change leads from `old` to `new`, over any number of keys; a key leads to itself.
    pub fn leads(&self, old: &Verifier, new: &Verifier) -> bool {
        let from = self.0.iter().position(|change| change.old == *old);
        old == new || from.is_some_and(|from| self.0[from..].iter().any(|change| change.new == *new))
    }

    /// The largest head that `key` may have signed: `None` for the current key, and for one that is not in this
    /// history.
    pub fn size_max(&self, key: &Verifier) -> Option<u64> {
        self.0.iter().find(|change| change.old == *key).map(|change| change.size)
    }
}
