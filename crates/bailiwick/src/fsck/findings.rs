//! What a check found, in the words of an operator and in the fields of a script.

use std::fmt::Write;

use ledger::LedgerError;
use serde_json::{Value, json};
use store::Damage;

/// Everything that was found.
#[derive(Default)]
pub(crate) struct Findings {
    /// Each damage: what is printed of it, and its fields.
    damages: Vec<(String, Value)>,
    /// What is no damage.
    notes: Vec<String>,
    /// What could not be checked.
    unchecked: Vec<String>,
}

impl Findings {
    /// Adds what the store or the mailroom found.
    pub(crate) fn mail(&mut self, damages: &[Damage]) {
        for damage in damages {
            let mut fields = json!(damage);
            fields["room"] = json!("store");
            self.add(&format!("store: {damage}"), fields, damage.means(), damage.remedy());
        }
    }

    /// Adds a damage of the ledger.
    pub(crate) fn ledger(&mut self, error: &LedgerError) {
        let file = match error {
            LedgerError::Damaged { path, .. } | LedgerError::Disk { path, .. } => path.file_name(),
            _ => None,
        };
        let file = file.map(|name| name.to_string_lossy().into_owned());
        let fields = json!({ "room": "ledger", "kind": "ledger", "file": file });
        let means = "what this file proves is not proven by it any more; mail is not touched";
        let remedy = "compare with a copy that others keep; evidence is not repaired";
        self.add(&format!("ledger: {error}"), fields, means, remedy);
    }

    /// Adds a damaged file of the vault.
    pub(crate) fn vault(&mut self, file: &str) {
        let fields = json!({ "room": "vault", "kind": "vault_file", "file": file });
        let (means, remedy) = match file.split('/').next() {
            Some("accounts") => {
                ("the owner cannot sign in, and the mail of this account does not open", "restore a backup of the keys")
            }
            Some("officers") => ("this officer cannot approve", "restore a backup of the keys"),
            Some("seen") => {
                ("a sign-in from a known network is slowed down as if it were unknown", "nothing: it is made anew")
            }
            Some("clearances") => ("this clearance opens nothing", "approve the order anew"),
            Some("days") => ("the backups of keys of that day do not open", "back the keys up again today"),
            _ => ("the vault may not unlock, or lacks what the file holds", "restore a backup of the keys"),
        };
        self.add(&format!("vault: {file} is not as it was written"), fields, means, remedy);
    }

    fn add(&mut self, text: &str, mut fields: Value, means: &str, remedy: &str) {
        fields["text"] = json!(text);
        fields["means"] = json!(means);
        fields["remedy"] = json!(remedy);
        self.damages.push((format!("{text}\n         {means}\n         {remedy}"), fields));
    }

    /// Adds what is no damage and yet worth knowing.
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Adds what could not be checked, and why.
    pub(crate) fn unchecked(&mut self, what: impl Into<String>) {
        self.unchecked.push(what.into());
    }

    /// Whether nothing is damaged and nothing was passed over.
    pub(crate) fn are_none(&self) -> bool {
        self.damages.is_empty() && self.unchecked.is_empty()
    }

    /// Appends what is printed.
    pub(crate) fn print(&self, text: &mut String) {
        let lines = self.damages.iter().map(|(text, _)| ("damaged  ", text));
        let lines = lines.chain(self.unchecked.iter().map(|text| ("unknown  ", text)));
        for (mark, line) in lines.chain(self.notes.iter().map(|text| ("note     ", text))) {
            // Writing to a text does not fail.
            let _ = write!(text, "\n{mark}{line}");
        }
        text.push_str(match (self.damages.len(), self.unchecked.len()) {
            (0, 0) => "\nNothing is damaged.",
            (0, _) => "\nNothing that was checked is damaged.",
            _ => "\nWhat is not named is whole and goes on. docs/fsck.md says what to do about each.",
        });
    }

    /// Adds the fields to an answer.
    pub(crate) fn fields(self, data: &mut Value) {
        data["sound"] = json!(self.are_none());
        data["damages"] = self.damages.into_iter().map(|(_, fields)| fields).collect();
        data["notes"] = json!(self.notes);
        data["unchecked"] = json!(self.unchecked);
    }
}
