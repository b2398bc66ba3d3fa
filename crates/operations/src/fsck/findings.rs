//! What a check found.

use ledger::LedgerError;
use serde::{Deserialize, Serialize};
use store::{Damage, DamageKind, SeenAt};

use crate::error::Room;

/// Everything that was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// Nothing is damaged, and nothing was passed over.
    pub sound: bool,
    /// What is damaged.
    pub damages: Vec<Found>,
    /// What is not damage and yet worth knowing.
    pub notes: Vec<String>,
    /// What could not be checked, and why.
    pub unchecked: Vec<String>,
}

/// One damage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Where it is.
    pub room: Room,
    /// What kind.
    pub kind: FoundKind,
    /// The file, below the room's folder.
    pub file: Option<String>,
    /// The segment, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<u32>,
    /// Where in the file, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Which message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Which part of it: `original`, `prefix`, `record`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// Where its owner sees what is touched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen_at: Vec<SeenAt>,
    /// The damage in a sentence.
    pub text: String,
    /// What it means for mail and people.
    pub means: String,
    /// What to do.
    pub remedy: String,
}

/// The kind of a damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundKind {
    /// A file of the ledger.
    Ledger,
    /// A file of the vault.
    VaultFile,
    /// Mail or its index.
    #[serde(untagged)]
    Mail(DamageKind),
}

impl Found {
    fn new(room: Room, kind: FoundKind, file: Option<String>, text: String, (means, remedy): (&str, &str)) -> Self {
        Self {
            room,
            kind,
            file,
            segment: None,
            offset: None,
            account: None,
            message: None,
            part: None,
            seen_at: Vec::new(),
            text,
            means: means.to_owned(),
            remedy: remedy.to_owned(),
        }
    }
}

impl Findings {
    /// Adds what the store or the mailroom found.
    pub(super) fn mail(&mut self, damages: &[Damage]) {
        self.damages.extend(damages.iter().map(|damage| Found {
            segment: damage.segment,
            offset: damage.offset,
            account: damage.account.map(|account| account.to_string()),
            message: damage.message.map(|message| message.to_string()),
            part: damage.part.map(str::to_owned),
            seen_at: damage.seen_at.clone(),
            ..Found::new(
                Room::Store,
                FoundKind::Mail(damage.kind),
                Some(damage.file.clone()),
                format!("store: {damage}"),
                (damage.means(), damage.remedy()),
            )
        }));
    }

    /// Adds a damage of the ledger.
    pub(super) fn ledger(&mut self, error: &LedgerError) {
        let file = match error {
            LedgerError::Damaged { path, .. } | LedgerError::Disk { path, .. } => path.file_name(),
            _ => None,
        };
        let file = file.map(|name| name.to_string_lossy().into_owned());
        let means = "what this file proves can no longer be proven by it; mail is not affected";
        let remedy = "compare with a copy that others keep; evidence is not repaired";
        let text = format!("ledger: {error}");
        self.damages.push(Found::new(Room::Ledger, FoundKind::Ledger, file, text, (means, remedy)));
    }

    /// Adds a damaged file of the vault.
    pub(super) fn vault(&mut self, file: &str) {
        let effect = match file.split('/').next() {
            Some("accounts") => {
                ("the owner cannot sign in, and the mail of this account does not open", "restore a backup of the keys")
            }
            Some("officers") => ("this officer cannot approve", "restore a backup of the keys"),
            Some("seen") => {
                ("a sign-in from a known network is slowed down as if it were unknown", "nothing: it is rebuilt")
            }
            Some("clearances") => ("this clearance opens nothing", "have the order approved again"),
            Some("days") => ("the backups of keys of that day do not open", "back the keys up again today"),
            _ => ("the vault may not unlock, or lacks what the file holds", "restore a backup of the keys"),
        };
        let text = format!("vault: {file} is not as it was written");
        self.damages.push(Found::new(Room::Vault, FoundKind::VaultFile, Some(file.to_owned()), text, effect));
    }

    /// Adds what is not damage and yet worth knowing.
    pub(super) fn notes(&mut self, notes: Vec<String>) {
        self.notes.extend(notes);
    }

    /// Adds what could not be checked, and why.
    pub(super) fn unchecked(&mut self, what: String) {
        self.unchecked.push(what);
    }

    /// Says whether all is well.
    pub(super) fn judged(self) -> Self {
        Self { sound: self.damages.is_empty() && self.unchecked.is_empty(), ..self }
    }
}
