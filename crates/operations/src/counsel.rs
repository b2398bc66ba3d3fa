//! Counsel's part: a key, and signatures under a set or a rule.
//!
//! The private key is counsel's own file, sealed by counsel's passphrase with age (`age -d` opens it): one line of text,
//! the Ed25519 seed in hexadecimal. A signature is a signed note (<https://c2sp.org/signed-note>), a file that travels by
//! itself: counsel's machine needs no node, and the node needs no key of counsel's but the public one in node.toml.

use std::path::{Path, PathBuf};

use age::secrecy::SecretString;
use desk::CounselKey;
use durable::{Disk, RealDisk, Visibility};
use serde::{Deserialize, Serialize};
use terms::{Digest, Secret};

use crate::error::RoomError;
use crate::law::{LawError, files_of};
use crate::law_files::{LawChecked, SetWithCases};
use crate::operation::SecretText;

/// The first line of a key file, before it is sealed.
const KEY_HEAD: &str = "bailiwick/counsel-key/v1";

/// A new key of counsel's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct CounselKeyMade {
    pub file: PathBuf,
    /// The public key, for node.toml.
    pub public: String,
}

/// Makes counsel's key in `file`, sealed by a passphrase, which is asked for once it is known that the key can be made.
///
/// # Errors
/// The file is there already; a name that no note can bear; the disk's.
pub fn make_counsel_key<E: From<LawError>>(
    file: &Path,
    name: &str,
    passphrase: impl FnOnce() -> Result<SecretText, E>,
) -> Result<CounselKeyMade, E> {
    if file.exists() {
        return Err(LawError::KeyExists(file.to_owned()).into());
    }
    let key = CounselKey::generate(name, &vault::SystemEntropy).map_err(LawError::from)?;
    let passphrase = passphrase()?;
    Ok(seal_key(file, name, &key, &passphrase)?)
}

fn seal_key(file: &Path, name: &str, key: &CounselKey, passphrase: &SecretText) -> Result<CounselKeyMade, LawError> {
    let plain = Secret::new(format!("{KEY_HEAD}\n{name}\n{}\n", terms::hex(key.seed().expose())));
    let recipient = age::scrypt::Recipient::new(SecretString::from(passphrase.expose().to_owned()));
    let sealed = age::encrypt_and_armor(&recipient, plain.expose().as_bytes());
    let sealed = sealed.map_err(|error| LawError::Key { path: file.to_owned(), problem: error.to_string() })?;
    RealDisk.write_atomic(file, sealed.as_bytes(), Visibility::Private).map_err(RoomError::at(file))?;
    Ok(CounselKeyMade { file: file.to_owned(), public: key.verifier()?.to_string() })
}

/// Opens counsel's key.
///
/// # Errors
/// A file that cannot be read, is not a key of counsel's, or has another passphrase.
pub fn open_counsel_key(file: &Path, passphrase: &Secret<String>) -> Result<CounselKey, LawError> {
    let sealed = std::fs::read(file).map_err(RoomError::at(file))?;
    let identity = age::scrypt::Identity::new(SecretString::from(passphrase.expose().clone()));
    let plain = age::decrypt(&identity, &sealed)
        .map_err(|error| LawError::Key { path: file.to_owned(), problem: error.to_string() })?;
    let plain = Secret::new(plain);
    let wrong = || LawError::NoKey(file.to_owned());
    let text = std::str::from_utf8(plain.expose()).map_err(|_| wrong())?;
    let mut lines = text.lines();
    let (Some(KEY_HEAD), Some(whose), Some(seed)) = (lines.next(), lines.next(), lines.next()) else {
        return Err(wrong());
    };
    Ok(CounselKey::from_seed(whose, Secret::new(seed_of(seed).ok_or_else(wrong)?))?)
}

/// 32 bytes in 64 hexadecimal digits.
fn seed_of(hex: &str) -> Option<[u8; 32]> {
    let mut seed = [0; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    for (at, byte) in seed.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(seed)
}

/// What counsel is about to sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum SignedOver {
    Set { law: Digest, rules: u64, cases: u64 },
    Rule { rule: String, digest: Digest, confidence: String, because: String },
}

/// Looks at what counsel wants to sign: a rule of the set in `dir`, or the whole set, which must pass its check.
///
/// # Errors
/// No such rule; a set that does not load, has no cases or does not pass.
pub fn what_is_signed(dir: Option<&Path>, rule: Option<&str>) -> Result<SignedOver, LawError> {
    let set = SetWithCases::of(&files_of(dir)?)?;
    match rule {
        Some(id) => {
            let rule = set.law.rule(id).ok_or_else(|| LawError::NoRule(id.to_owned()))?;
            Ok(SignedOver::Rule {
                rule: id.to_owned(),
                digest: rule.digest(),
                confidence: rule.confidence.as_str().to_owned(),
                because: rule.because.clone(),
            })
        }
        None => {
            let checked = LawChecked::of(&set);
            if checked.cases == 0 || !checked.passes {
                return Err(LawError::FailsCheck(Box::new(checked)));
            }
            Ok(SignedOver::Set { law: checked.law, rules: checked.rules, cases: checked.cases })
        }
    }
}

/// Signs it, and writes the signature to `out`.
///
/// # Errors
/// The disk's.
pub fn sign_law(over: &SignedOver, key: &CounselKey, out: &Path) -> Result<(), LawError> {
    let text = match over {
        SignedOver::Set { law, .. } => desk::set_text(*law),
        SignedOver::Rule { rule, digest, .. } => desk::rule_text(rule, *digest),
    };
    let note = key.sign_note(&text)?;
    RealDisk.write_atomic(out, note.as_bytes(), Visibility::Shared).map_err(RoomError::at(out))?;
    Ok(())
}
