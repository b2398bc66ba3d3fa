//! The law directory of a node: sets, and which is in use. No set is ever overwritten, since decisions replay from it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use durable::{Disk, Visibility};
use ledger::{Opening, Receipt, Verifier};
use rules::{LawSet, RuleSignature};
use serde::{Deserialize, Serialize};
use terms::{Digest, UnixMillis};

use super::LawFiles;
use super::counsel::rule_text;
use super::error::LawError;

/// The longest name: a digest, a dash, a number.
const NAME_CHARS_MAX: usize = 80;

pub(crate) struct LawArchive {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
}

/// Counsel's signature and the proof that the ledger has it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Signed {
    /// 1.
    pub(crate) format: u32,
    /// The set or the rule.
    pub(crate) of: String,
    /// The signed note.
    pub(crate) note: String,
    /// The digest signed.
    pub(crate) digest: Digest,
    /// When it was recorded, by the node's clock.
    pub(crate) at: UnixMillis,
    /// What the ledger's commitment hides.
    pub(crate) opening: Opening,
    /// The proof that the ledger has it. Without it, after a power cut, the signature has no effect.
    pub(crate) receipt: Option<Receipt>,
}

/// The two kinds of signatures, by folder.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SignatureKind {
    Set,
    Rule,
}

impl LawArchive {
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: PathBuf) -> Result<Self, LawError> {
        let archive = Self { disk, dir };
        for dir in [archive.dir.clone(), archive.folder(SignatureKind::Set), archive.folder(SignatureKind::Rule)] {
            archive.disk.create_dir_all(&dir).map_err(|error| LawError::file(&dir, error))?;
        }
        Ok(archive)
    }

    fn folder(&self, kind: SignatureKind) -> PathBuf {
        self.dir.join(match kind {
            SignatureKind::Set => "adopted",
            SignatureKind::Rule => "confirmed",
        })
    }

    fn set_path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.json"))
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, LawError> {
        self.disk.read(path).map_err(|error| LawError::file(path, error))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), LawError> {
        self.disk.write_atomic(path, bytes, Visibility::Shared).map_err(|error| LawError::file(path, error))
    }

    /// The name of the set in use.
    pub(crate) fn current(&self) -> Result<Option<String>, LawError> {
        let path = self.dir.join("current");
        if !self.disk.exists(&path) {
            return Ok(None);
        }
        Ok(Some(String::from_utf8_lossy(&self.read(&path)?).trim().to_owned()))
    }

    /// Takes a kept set into use. Durable when it returns.
    pub(crate) fn put_in_use(&self, name: &str) -> Result<(), LawError> {
        self.write(&self.dir.join("current"), name.as_bytes())
    }

    /// Keeps a set and gives its name: its digest, and a number when a set of that digest with other cases or letters is
    /// kept already. Durable when it returns; that alone does not take it into use.
    pub(crate) fn keep(&self, files: &[(String, String)]) -> Result<String, LawError> {
        let law = LawSet::load(files).map_err(|errors| LawError::DoesNotLoad(errors.to_string()))?;
        let digest = law.digest().to_string();
        let object: BTreeMap<&str, &str> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let bytes = serde_json::to_vec_pretty(&object).map_err(|error| LawError::file(&self.dir, error))?;
        let mut name = digest.clone();
        for number in 2.. {
            let path = self.set_path(&name);
            if !self.disk.exists(&path) {
                self.write(&path, &bytes)?;
                break;
            }
            if self.read(&path)? == bytes {
                break;
            }
            name = format!("{digest}-{number}");
        }
        Ok(name)
    }

    /// A kept set by its name, or by its digest.
    pub(crate) fn load(&self, name: &str) -> Result<(LawSet, LawFiles), LawError> {
        let digest = name.split('-').next().unwrap_or_default();
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') && name.len() <= NAME_CHARS_MAX;
        if !plain || !self.disk.exists(&self.set_path(name)) {
            return Err(LawError::NeverInUse(name.to_owned()));
        }
        let path = self.set_path(name);
        let files: BTreeMap<String, String> =
            serde_json::from_slice(&self.read(&path)?).map_err(|error| LawError::damaged(&path, error))?;
        let files: LawFiles = files.into_iter().collect();
        let law = LawSet::load(&files).map_err(|errors| LawError::damaged(&path, errors))?;
        if law.digest().to_string() == digest {
            Ok((law, files))
        } else {
            Err(LawError::damaged(&path, "it is not the set that was adopted"))
        }
    }

    /// Writes a signature's file, before and after the ledger has it. Durable when it returns.
    pub(crate) fn put_signed(&self, kind: SignatureKind, signed: &Signed) -> Result<(), LawError> {
        let path = self.folder(kind).join(format!("{}.json", signed.of));
        let bytes = serde_json::to_vec_pretty(signed).map_err(|error| LawError::file(&path, error))?;
        self.write(&path, &bytes)
    }

    fn signed(&self, kind: SignatureKind) -> Result<Vec<Signed>, LawError> {
        let folder = self.folder(kind);
        let names = self.disk.list(&folder).map_err(|error| LawError::file(&folder, error))?;
        let mut all = Vec::new();
        for name in names.iter().filter(|name| name.ends_with(".json")) {
            let path = folder.join(name);
            let signed: Signed =
                serde_json::from_slice(&self.read(&path)?).map_err(|error| LawError::damaged(&path, error))?;
            all.push(signed);
        }
        Ok(all)
    }

    /// Who signed the set of this name, if its adoption is in the ledger.
    pub(crate) fn adopted_by(&self, name: &str) -> Result<Option<String>, LawError> {
        let of_name = |signed: &Signed| signed.of == name && signed.receipt.is_some();
        Ok(self.signed(SignatureKind::Set)?.into_iter().find(of_name).and_then(|signed| signer(&signed.note)))
    }

    /// The rules that `counsel` confirmed and the ledger has. What another key signed has no effect.
    pub(crate) fn confirmed(&self, counsel: &Verifier) -> Result<Vec<RuleSignature>, LawError> {
        let holds = |signed: &Signed| {
            signed.receipt.is_some()
                && counsel.verify_note(&signed.note).is_ok_and(|text| text == rule_text(&signed.of, signed.digest))
        };
        Ok(self
            .signed(SignatureKind::Rule)?
            .into_iter()
            .filter(holds)
            .map(|signed| RuleSignature {
                rule: signed.of,
                digest: signed.digest,
                counsel: counsel.name().to_owned(),
                at: signed.at,
            })
            .collect())
    }
}

/// The name on a note's first signature line.
fn signer(note: &str) -> Option<String> {
    let line = note.lines().find_map(|line| line.strip_prefix("— "))?;
    line.split(' ').next().map(str::to_owned)
}
