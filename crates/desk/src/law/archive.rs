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

/// The longest name: a digest, a dash, a number.
const NAME_CHARS_MAX: usize = 80;

pub(crate) struct Shelf {
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
    /// When, by the node's clock.
    pub(crate) at: UnixMillis,
    /// What the ledger's commitment hides.
    pub(crate) opening: Opening,
    /// The proof that the ledger has it; absent only while a power cut lies between, and then it has no effect.
    pub(crate) receipt: Option<Receipt>,
}

/// The two kinds of signatures, by folder.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Set,
    Rule,
}

impl Shelf {
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: PathBuf) -> Result<Self, String> {
        let shelf = Self { disk, dir };
        for dir in [shelf.dir.clone(), shelf.folder(Kind::Set), shelf.folder(Kind::Rule)] {
            shelf.disk.create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
        }
        Ok(shelf)
    }

    fn folder(&self, kind: Kind) -> PathBuf {
        self.dir.join(match kind {
            Kind::Set => "adopted",
            Kind::Rule => "confirmed",
        })
    }

    fn set_path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.json"))
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        self.disk.read(path).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), String> {
        self.disk.write_atomic(path, bytes, Visibility::Shared).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// The name of the set in use.
    pub(crate) fn current(&self) -> Result<Option<String>, String> {
        let path = self.dir.join("current");
        if !self.disk.exists(&path) {
            return Ok(None);
        }
        Ok(Some(String::from_utf8_lossy(&self.read(&path)?).trim().to_owned()))
    }

    /// Takes a kept set into use. Durable when it returns.
    pub(crate) fn put_in_use(&self, name: &str) -> Result<(), String> {
        self.write(&self.dir.join("current"), name.as_bytes())
    }

    /// Keeps a set and gives its name: its digest, and a number when a set of that digest with other cases or letters is
    /// kept already. Durable when it returns; it is not in use by that.
    pub(crate) fn keep(&self, files: &[(String, String)]) -> Result<String, String> {
        let law = LawSet::load(files).map_err(|errors| errors.to_string())?;
        let digest = law.digest().to_string();
        let object: BTreeMap<&str, &str> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let bytes = serde_json::to_vec_pretty(&object).map_err(|error| error.to_string())?;
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
    pub(crate) fn load(&self, name: &str) -> Result<(LawSet, LawFiles), String> {
        let digest = name.split('-').next().unwrap_or_default();
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') && name.len() <= NAME_CHARS_MAX;
        if !plain || !self.disk.exists(&self.set_path(name)) {
            return Err(format!("this node never had the law set {name} in use"));
        }
        let wrong = |what: String| format!("law set {name} in {}: {what}", self.dir.display());
        let files: BTreeMap<String, String> =
            serde_json::from_slice(&self.read(&self.set_path(name))?).map_err(|error| wrong(error.to_string()))?;
        let files: LawFiles = files.into_iter().collect();
        let law = LawSet::load(&files).map_err(|errors| wrong(errors.to_string()))?;
        if law.digest().to_string() == digest {
            Ok((law, files))
        } else {
            Err(wrong("it is not the one that was adopted; restore it from the backup".to_owned()))
        }
    }

    /// Writes a signature's file, before and after the ledger has it. Durable when it returns.
    pub(crate) fn put_signed(&self, kind: Kind, signed: &Signed) -> Result<(), String> {
        let bytes = serde_json::to_vec_pretty(signed).map_err(|error| error.to_string())?;
        self.write(&self.folder(kind).join(format!("{}.json", signed.of)), &bytes)
    }

    fn signed(&self, kind: Kind) -> Result<Vec<Signed>, String> {
        let folder = self.folder(kind);
        let names = self.disk.list(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut all = Vec::new();
        for name in names.iter().filter(|name| name.ends_with(".json")) {
            let bytes = self.read(&folder.join(name))?;
            let signed: Signed =
                serde_json::from_slice(&bytes).map_err(|error| format!("{}: {error}", folder.join(name).display()))?;
            all.push(signed);
        }
        Ok(all)
    }

    /// Who signed the set of this name, if its adoption is in the ledger.
    pub(crate) fn adopted_by(&self, name: &str) -> Result<Option<String>, String> {
        let of_name = |signed: &Signed| signed.of == name && signed.receipt.is_some();
        Ok(self.signed(Kind::Set)?.into_iter().find(of_name).and_then(|signed| signer(&signed.note)))
    }

    /// The rules that `counsel` confirmed, as far as the ledger has it. What another key signed has no effect.
    pub(crate) fn confirmed(&self, counsel: &Verifier) -> Result<Vec<RuleSignature>, String> {
        let holds = |signed: &Signed| {
            signed.receipt.is_some()
                && counsel.verify_note(&signed.note).is_ok_and(|text| text == rule_text(&signed.of, signed.digest))
        };
        Ok(self
            .signed(Kind::Rule)?
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
