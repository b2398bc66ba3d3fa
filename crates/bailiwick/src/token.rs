//! Unlocking by a PKCS#11 token: where the PIN comes from, when it is shown to the token, and how a node gets a token.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use doors::control::keys::KeysRequest;
use doors::control::{Outcome, Phrase, Request};
use durable::Visibility;
use serde_json::json;
use terms::Secret;
use vault::{CostProfile, Token, TokenError, TokenKey, Vault, VaultError, VaultGate, VaultProgram};

use crate::cli::token::{TokenCommand, WhichToken};
use crate::client::{ask, secret, utf8};
use crate::config::{Config, TokenConfig, Unlock, VaultConfig};
use crate::node::{ClosedNode, Node, NodeError, passphrase, passphrase_path};

/// Where systemd puts a service's credentials (systemd.exec(5)).
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// `node token …`
pub(crate) fn command(command: TokenCommand) -> Result<ExitCode, String> {
    let (module, token, node) = match command {
        TokenCommand::Add { module, token, node } => (module, token, node),
        TokenCommand::Remove { label, to_passphrase_file, node } => {
            let passphrase = Phrase(secret("Passphrase of the node")?);
            let remove = KeysRequest::TokenRemove { label, to_file: to_passphrase_file, passphrase };
            return ask(&node, Request::Keys(remove));
        }
    };
    let config = config(&module, &token)?;
    let passphrase = Phrase(secret("Passphrase of the node")?);
    let pin = Phrase(pin_now(&config)?);
    let TokenConfig { module, label, pin_file, pin_credential, network } = config;
    let module = utf8(&module)?.to_owned();
    let pin_file = pin_file.as_deref().map(utf8).transpose()?.map(str::to_owned);
    let key_id = token.key_id;
    ask(
        &node,
        Request::Keys(KeysRequest::TokenAdd {
            module,
            label,
            key_id,
            pin_file,
            pin_credential,
            network,
            pin,
            passphrase,
        }),
    )
}

/// What `node init` says of a token.
pub(crate) fn of_init(module: Option<&Path>, which: &WhichToken) -> Result<Option<TokenConfig>, String> {
    match module {
        Some(module) => config(module, which).map(Some),
        None if which.label.is_some() => Err("--token-label without --token: name the token's module, too".to_owned()),
        None => Ok(None),
    }
}

fn config(module: &Path, which: &WhichToken) -> Result<TokenConfig, String> {
    let absolute = |path: &Path| std::path::absolute(path).map_err(|error| format!("{}: {error}", path.display()));
    Ok(TokenConfig {
        module: absolute(module)?,
        label: which.label.clone().ok_or("--token-label: the label of the token")?,
        pin_file: which.pin_file.as_deref().map(absolute).transpose()?,
        pin_credential: which.pin_credential.clone(),
        network: which.network,
    })
}

/// The PIN at the command line: from its file, or typed.
pub(crate) fn pin_now(config: &TokenConfig) -> Result<Secret<String>, String> {
    match &config.pin_file {
        Some(file) => passphrase(file).map_err(|error| error.to_string()),
        None => secret("PIN of the token"),
    }
}

/// What is to be done after a start of the node.
pub(crate) fn after_a_start(dir: &impl Display, config: Option<&TokenConfig>) -> String {
    let attended = config.is_some_and(|token| token.pin_file.is_none() && token.pin_credential.is_none());
    if attended {
        return format!("Somebody types the token's PIN after each start: bailiwick node unlock --node {dir} --token");
    }
    "The token unlocks it at each start. Whoever copies the disk may have the PIN and has not the token: nothing opens."
        .to_owned()
}

/// The PIN that needs nobody: from its file or credential; `None` when somebody is to type it.
fn pin_unattended(config: &TokenConfig) -> Result<Option<Secret<String>>, NodeError> {
    if let Some(file) = &config.pin_file {
        return passphrase(file).map(Some);
    }
    let Some(name) = &config.pin_credential else { return Ok(None) };
    // Not the mode: systemd shows the mask of an access list in it.
    let folder = std::env::var_os(CREDENTIALS).ok_or_else(|| {
        let why = std::io::Error::other(format!("systemd gives this service no credentials (no {CREDENTIALS})"));
        NodeError::File(PathBuf::from(name), why)
    })?;
    let path = Path::new(&folder).join(name);
    let text = std::fs::read_to_string(&path).map_err(|error| NodeError::File(path, error))?;
    let text = Secret::new(text);
    Ok(Some(Secret::new(text.expose().trim_end_matches(['\r', '\n']).to_owned())))
}

/// The token that a configuration names.
fn token(config: &TokenConfig, pin: &Secret<String>, typed: bool) -> Result<Token, NodeError> {
    let helper = |error: std::io::Error| NodeError::Token(TokenError::Helper(error.to_string().into()));
    let program = std::env::current_exe().map_err(helper)?;
    let program = VaultProgram { program, arguments: vec!["token-process".into()] };
    let (module, label, network) = (config.module.clone(), config.label.clone(), config.network);
    Ok(Token { program, module, label, pin: pin.clone(), typed, network })
}

/// Lets a key of a token unlock the vault, and shows that it does.
pub(crate) fn add(
    gate: &VaultGate,
    config: &TokenConfig,
    key_id: Option<&str>,
    pin: &Secret<String>,
    passphrase: &Secret<String>,
    cost: CostProfile,
) -> Result<(), NodeError> {
    let (token, key) = key_of(config, key_id, pin)?;
    gate.add_token(passphrase, &key).map_err(|error| NodeError::Token(error.into()))?;
    gate.unlock_by_token(&token, cost).map(|_| ()).map_err(NodeError::Token)
}

/// The token, and the key in it that is named or, when none is, made there.
fn key_of(config: &TokenConfig, key_id: Option<&str>, pin: &Secret<String>) -> Result<(Token, TokenKey), NodeError> {
    let token = token(config, pin, true)?;
    let id = key_id.map(|hex| from_hex(hex).ok_or(TokenError::NoKey("--token-key-id is no hexadecimal number".into())));
    let key = token.key(id.transpose().map_err(NodeError::Token)?).map_err(NodeError::Token)?;
    Ok((token, key))
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|n| n.try_into().ok())).collect();
    let digits = digits.filter(|digits| !digits.is_empty() && digits.len() % 2 == 0)?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

impl ClosedNode {
    /// The token has refused a PIN that nobody typed: it is shown to it no more until a person has unlocked by it.
    fn refusal_path(&self) -> PathBuf {
        self.dir.join("run").join("pin-refused")
    }

    /// Whether the token has refused the PIN.
    pub(crate) fn is_pin_refused(&self) -> bool {
        self.disk().exists(&self.refusal_path())
    }

    /// Unlocks the vault by its token when that needs nobody; `None` when it is for a person to do.
    pub(crate) fn unlock_by_token(&self, config: &VaultConfig) -> Result<Option<Vault>, NodeError> {
        let Some(token_config) = config.token.as_ref().filter(|_| !self.is_pin_refused()) else { return Ok(None) };
        let Some(pin) = pin_unattended(token_config)? else { return Ok(None) };
        match self.gate.unlock_by_token(&token(token_config, &pin, false)?, config.cost()) {
            Err(error) if error.needs_a_person() => {
                let path = self.refusal_path();
                let kept = self.disk().write_atomic(&path, b"", Visibility::Private);
                kept.map_err(|error| NodeError::File(path, error))?;
                Err(NodeError::Token(error))
            }
            unlocked => unlocked.map(Some).map_err(NodeError::Token),
        }
    }

    /// Unlocks the vault by its token, with a PIN that somebody typed.
    ///
    /// # Errors
    /// No token is named; the token's or the vault's.
    pub(crate) fn unlock_by_typed_pin(&self, pin: &Secret<String>) -> Result<Vault, NodeError> {
        let config = Config::load(&self.dir)?.vault;
        let none = || NodeError::Token(vault::VaultError::Unlock(vault::UnlockError::NoTokenKey).into());
        let token = token(config.token.as_ref().ok_or_else(none)?, pin, true)?;
        let vault = self.gate.unlock_by_token(&token, config.cost()).map_err(NodeError::Token)?;
        match self.disk().remove(&self.refusal_path()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(NodeError::File(self.refusal_path(), error))
            }
            _ => Ok(vault),
        }
    }
}

impl Node {
    /// Lets a token unlock the node from now on: the ledger first, then the vault, the configuration, and at last the end of
    /// the passphrase file.
    pub(crate) fn add_token(
        &self,
        config: TokenConfig,
        key_id: Option<&str>,
        pin: &Secret<String>,
        passphrase: &Secret<String>,
    ) -> Result<Outcome, String> {
        let said = |error: NodeError| error.to_string();
        self.no_rotation()?;
        let label = config.label.clone();
        // Whoever has not the passphrase, or not the token and its PIN, leaves no entry.
        self.gate.check_passphrase(passphrase).map_err(|error| error.to_string())?;
        let (token, key) = key_of(&config, key_id, pin).map_err(said)?;
        let entry = self.record("unlocked-by-token", json!({ "label": label }))?;
        self.done_or_recorded(entry, self.gate.add_token(passphrase, &key))?;
        let shown = self.gate.unlock_by_token(&token, self.config.vault.cost());
        shown.map_err(|error| said(NodeError::Token(error)))?;
        let after = after_a_start(&self.dir.display(), Some(&config));
        self.change_unlocking(|vault| {
            vault.unlock = Unlock::Token;
            vault.token = Some(config);
        })?;
        let text = format!(
            "The token {label:?} opens the vault. {after}\nThe passphrase that you typed unlocks too: keep it away from this \
             machine. Its file is overwritten, if there was one; copies and backups of that file are not.\nLedger entry \
             {entry}."
        );
        Ok(Outcome { text, data: json!({ "token": label, "entry": entry }) })
    }

    /// Lets the token unlock the node no more: the ledger first, then what takes its place, the vault, the configuration.
    /// Interrupted between the last two the node is locked at its next start, and this can be asked for again.
    pub(crate) fn remove_token(
        &self,
        label: &str,
        to_file: bool,
        passphrase: &Secret<String>,
    ) -> Result<Outcome, String> {
        let said = |error: VaultError| error.to_string();
        self.no_rotation()?;
        let now = Config::load(&self.dir).map_err(|error| error.to_string())?.vault;
        match &now.token {
            Some(token) if token.label == label => {}
            Some(token) => {
                return Err(format!("node.toml names the token {:?}, and none of the label {label:?}", token.label));
            }
            None => return Err("node.toml names no token".to_owned()),
        }
        let next = match now.unlock {
            _ if to_file => Unlock::PassphraseFile,
            Unlock::Token if self.gate.key_holders().map_err(said)?.is_empty() => {
                return Err(
                    "this token is the only way in which the node is unlocked, so it stays. Name people first (`node \
                            hands set`), or say --to-passphrase-file, which writes the passphrase to the disk"
                        .to_owned(),
                );
            }
            Unlock::Token => Unlock::ByHand,
            other => other,
        };
        self.gate.check_passphrase(passphrase).map_err(said)?;
        let entry = self.record("token-removed", json!({ "label": label }))?;
        if to_file {
            let (file, bytes) = (passphrase_path(&self.dir), passphrase.expose().as_bytes());
            let written = self.disk.write_atomic(&file, bytes, Visibility::Private);
            written.map_err(|error| format!("{}: {error}", file.display()))?;
        }
        self.done_or_recorded(entry, self.gate.remove_token(passphrase))?;
        self.change_unlocking(|vault| {
            vault.unlock = next;
            vault.token = None;
        })?;
        let after = match next {
            Unlock::PassphraseFile => "The passphrase lies in secrets/passphrase again and unlocks it at each start.",
            _ => "After each start two people unlock it: bailiwick node unlock --holder NAME",
        };
        let text = format!(
            "The token {label:?} opens the vault no more. {after}\nCopies of the vault's folder of before still open by it: \
             replace the service key (`node rotate service`) if it may be in other hands. Its key stays in the token; remove it \
             with the token's own tools.\nLedger entry {entry}."
        );
        Ok(Outcome { text, data: json!({ "token": null, "entry": entry }) })
    }

    /// Changes how the node is unlocked, in its configuration; a passphrase file that is not used any more is overwritten.
    pub(crate) fn change_unlocking(&self, change: impl FnOnce(&mut VaultConfig)) -> Result<(), String> {
        let config = Config::change(self.disk.as_ref(), &self.dir, |config| change(&mut config.vault));
        let config = config.map_err(|error| error.to_string())?;
        let file = passphrase_path(&self.dir);
        if config.vault.unlock != Unlock::PassphraseFile && self.disk.exists(&file) {
            self.disk.shred(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        }
        Ok(())
    }
}
