//! Counsel's part: a key, signatures under a set or a rule, and bringing them to a node.
//!
//! The private key is counsel's own file, sealed by counsel's passphrase with age (`age -d` opens it): one line of text,
//! the Ed25519 seed in hexadecimal. A signature is a signed note (<https://c2sp.org/signed-note>), a file that travels by
//! itself: counsel's machine needs no node, and the node needs no key of counsel's but the public one in node.toml.

use std::path::Path;
use std::process::ExitCode;

use age::secrecy::SecretString;
use desk::CounselKey;
use doors::control::Request;
use durable::{Disk, RealDisk, Visibility};
use rules::LawSet;
use terms::Secret;

use crate::cli::{LawSignArgs, NodeChoice};
use crate::client;
use crate::node::PASSWORD_CHARS_MIN;

/// The first line of a key file, before it is sealed.
const KEY_HEAD: &str = "bailiwick/counsel-key/v1";

/// Makes counsel's key, sealed by a passphrase, and prints the public half.
pub(super) fn make_key(file: &Path, name: &str) -> Result<ExitCode, String> {
    if file.exists() {
        return Err(format!("{} is there already; a key is never overwritten", file.display()));
    }
    let key = CounselKey::generate(name, &vault::SystemEntropy).map_err(|error| error.to_string())?;
    let passphrase = client::new_secret(&format!("Passphrase for the key of {name}"))?;
    if passphrase.expose().chars().count() < PASSWORD_CHARS_MIN {
        return Err(format!("a passphrase has at least {PASSWORD_CHARS_MIN} characters"));
    }
    let plain = Secret::new(format!("{KEY_HEAD}\n{name}\n{}\n", terms::hex(key.seed().expose())));
    let recipient = age::scrypt::Recipient::new(SecretString::from(passphrase.expose().clone()));
    let sealed = age::encrypt_and_armor(&recipient, plain.expose().as_bytes()).map_err(|error| error.to_string())?;
    RealDisk
        .write_atomic(file, sealed.as_bytes(), Visibility::Private)
        .map_err(|error| format!("{}: {error}", file.display()))?;
    let public = key.verifier().map_err(|error| error.to_string())?;
    client::say(format_args!(
        "The key is in {file}, sealed; keep it away from every node. For node.toml of each node, above its first table:\n\
         counsel = \"{public}\"",
        file = file.display(),
    ));
    Ok(ExitCode::SUCCESS)
}

fn open_key(file: &Path) -> Result<CounselKey, String> {
    let name = file.display();
    let sealed = std::fs::read(file).map_err(|error| format!("{name}: {error}"))?;
    let passphrase = client::secret(&format!("Passphrase for {name}"))?;
    let identity = age::scrypt::Identity::new(SecretString::from(passphrase.expose().clone()));
    let plain = age::decrypt(&identity, &sealed).map_err(|error| format!("{name}: {error}"))?;
    let plain = Secret::new(plain);
    let wrong = || format!("{name} is no key of counsel's; `law counsel-key` makes one");
    let text = std::str::from_utf8(plain.expose()).map_err(|_| wrong())?;
    let mut lines = text.lines();
    let (Some(KEY_HEAD), Some(whose), Some(seed)) = (lines.next(), lines.next(), lines.next()) else {
        return Err(wrong());
    };
    CounselKey::from_seed(whose, Secret::new(seed_of(seed).ok_or_else(wrong)?)).map_err(|error| error.to_string())
}

/// 32 octets in 64 hexadecimal digits.
fn seed_of(hex: &str) -> Option<[u8; 32]> {
    let mut seed = [0; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    for (at, octet) in seed.iter_mut().enumerate() {
        *octet = u8::from_str_radix(hex.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(seed)
}

/// Signs a whole set, or one rule as it stands.
pub(super) fn sign(args: &LawSignArgs) -> Result<ExitCode, String> {
    let files = super::files_of(args.law.as_deref())?;
    let law = LawSet::load(&files).map_err(|errors| errors.to_string())?;
    let text = match &args.rule {
        Some(id) => {
            let rule = law.rule(id).ok_or_else(|| format!("the set has no rule `{id}`"))?;
            client::say(format_args!("{id} ({}): {}", rule.confidence.as_str(), rule.because));
            desk::rule_text(id, rule.digest())
        }
        None => {
            let cases = rules::read_cases(&law, &files).map_err(|errors| errors.to_string())?;
            let report = rules::check(&law, &cases);
            if cases.is_empty() || !report.passes() {
                return Err(format!("a set is signed only when it has cases and passes its check:\n{report}"));
            }
            client::say(format_args!(
                "the set {}: {} rules, {} cases pass",
                law.digest(),
                law.rules().len(),
                cases.len()
            ));
            desk::set_text(law.digest())
        }
    };
    let key = open_key(&args.key)?;
    let note = key.sign_note(&text).map_err(|error| error.to_string())?;
    RealDisk
        .write_atomic(&args.out, note.as_bytes(), Visibility::Shared)
        .map_err(|error| format!("{}: {error}", args.out.display()))?;
    client::say(format_args!("signed by {} in {}", key.name(), args.out.display()));
    Ok(ExitCode::SUCCESS)
}

/// Brings a set and counsel's signature under it to a node.
pub(super) fn adopt(dir: &Path, signature: &Path, node: &NodeChoice) -> Result<ExitCode, String> {
    let files = super::files_of(Some(dir))?;
    client::ask(node, Request::LawAdopt { files, note: note(signature)? })
}

/// Brings counsel's signature under one rule to a node.
pub(super) fn confirm(signature: &Path, node: &NodeChoice) -> Result<ExitCode, String> {
    client::ask(node, Request::LawConfirm { note: note(signature)? })
}

fn note(file: &Path) -> Result<String, String> {
    std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}
