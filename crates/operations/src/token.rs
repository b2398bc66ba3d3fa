//! Unlocking by a PKCS#11 token: where the PIN comes from, when it is shown to the token, and how a node gets a token.

use std::path::{Path, PathBuf};

use durable::Visibility;
use serde::{Deserialize, Serialize};
use serde_json::json;
use terms::Secret;
use vault::{CostProfile, Token, TokenKey, Vault, VaultGate, VaultProgram};

use crate::config::{Config, ConfigError, TokenConfig, Unlock, VaultConfig};
use crate::error::{OperationError, RoomError};
use crate::keys::KeysError;
use crate::node::{ClosedNode, NodeError, passphrase, passphrase_path};
use crate::operation::{Operation, Progress, SecretText};
use crate::unlocking::Unlocking;

/// Why a token does not serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the texts say it")]
pub enum TokenError {
    #[error("node.toml names no token")]
    NoToken,
    #[error("node.toml names the token {label:?}, not one with the label {wanted:?}")]
    OtherToken { label: String, wanted: String },
    #[error(
        "this token is the only way to unlock the node, so it stays. Name key holders first (`node key-holders set`), or pass \
         --to-passphrase-file, which writes the passphrase to the disk"
    )]
    OnlyWay,
    #[error("--token-key-id is not a hexadecimal number")]
    BadKeyId,
    /// What the token, its module or the way to it said.
    #[error("{0}")]
    Token(String),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Room(RoomError),
}

impl From<vault::TokenError> for TokenError {
    fn from(error: vault::TokenError) -> Self {
        Self::Token(error.to_string())
    }
}

impl From<vault::TokenError> for NodeError {
    fn from(error: vault::TokenError) -> Self {
        Self::Token(error.into())
    }
}

/// Where systemd puts a service's credentials (systemd.exec(5)).
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// The PIN that needs nobody: from its file or credential; `None` when somebody is to type it.
fn pin_unattended(config: &TokenConfig) -> Result<Option<Secret<String>>, NodeError> {
    if let Some(file) = &config.pin_file {
        return passphrase(file).map(Some);
    }
    let Some(name) = &config.pin_credential else { return Ok(None) };
    // Not the mode: systemd shows the mask of an access list in it.
    let folder = std::env::var_os(CREDENTIALS).ok_or_else(|| {
        let why = std::io::Error::other(format!("systemd gives this service no credentials (no {CREDENTIALS})"));
        RoomError::file(Path::new(name), why)
    })?;
    let path = Path::new(&folder).join(name);
    let text = std::fs::read_to_string(&path).map_err(RoomError::at(&path))?;
    let text = Secret::new(text);
    Ok(Some(Secret::new(text.expose().trim_end_matches(['\r', '\n']).to_owned())))
}

/// The token that a configuration names.
fn token(config: &TokenConfig, pin: &Secret<String>, typed: bool) -> Result<Token, NodeError> {
    let helper = |error: std::io::Error| NodeError::from(vault::TokenError::Helper(error.to_string().into()));
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
    gate.add_token(passphrase, &key)?;
    gate.unlock_by_token(&token, cost)?;
    Ok(())
}

/// The token, and the key in it that is named or, when none is, made there.
fn key_of(config: &TokenConfig, key_id: Option<&str>, pin: &Secret<String>) -> Result<(Token, TokenKey), NodeError> {
    let token = token(config, pin, true)?;
    let id = key_id.map(|hex| from_hex(hex).ok_or(NodeError::Token(TokenError::BadKeyId)));
    let key = token.key(id.transpose()?)?;
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
                kept.map_err(RoomError::at(&path))?;
                Err(error.into())
            }
            unlocked => Ok(unlocked.map(Some)?),
        }
    }

    /// Unlocks the vault by its token, with a PIN that somebody typed.
    ///
    /// # Errors
    /// No token is named; the token's or the vault's.
    pub fn unlock_by_typed_pin(&self, pin: &Secret<String>) -> Result<Vault, NodeError> {
        let config = Config::load(&self.dir)?.vault;
        let none = || NodeError::Token(TokenError::NoToken);
        let token = token(config.token.as_ref().ok_or_else(none)?, pin, true)?;
        let vault = self.gate.unlock_by_token(&token, config.cost())?;
        match self.disk().remove(&self.refusal_path()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(RoomError::file(&self.refusal_path(), error).into())
            }
            _ => Ok(vault),
        }
    }
}

/// Makes or takes a key in a token, which unlocks the node from now on.
#[derive(Debug, Serialize, Deserialize)]
pub struct AddToken {
    /// Which token.
    pub token: TokenConfig,
    /// Hexadecimal `CKA_ID` of the key that is to be used; without one a key is made.
    pub key_id: Option<String>,
    /// The token's.
    pub pin: SecretText,
    /// The node's.
    pub passphrase: SecretText,
}

/// A token unlocks the node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenAdded {
    /// Its label.
    pub token: String,
    /// Somebody types the PIN after each start.
    pub attended: bool,
    /// The ledger's entry.
    pub entry: u64,
}

impl Operation for AddToken {
    type Target = dyn Unlocking;
    type Output = TokenAdded;
    type Error = OperationError;

    /// The ledger first, then the vault, the configuration, and at last the end of the passphrase file.
    fn run(self, node: &dyn Unlocking, _: &mut dyn FnMut(Progress)) -> Result<TokenAdded, OperationError> {
        let Self { token: config, key_id, pin, passphrase } = self;
        let (label, attended) = (config.label.clone(), config.is_attended());
        node.no_rotation()?;
        // A person who has not the passphrase, or not the token and its PIN, leaves no entry.
        node.gate().check_passphrase(&passphrase.0).map_err(KeysError::from)?;
        let (token, key) = key_of(&config, key_id.as_deref(), &pin.0)?;
        let entry = node.record("unlocked-by-token", json!({ "label": label })).map_err(KeysError::from)?;
        node.done_or_recorded(entry, node.gate().add_token(&passphrase.0, &key)).map_err(KeysError::from)?;
        node.gate().unlock_by_token(&token, node.cost()).map_err(NodeError::from)?;
        node.change_unlocking(|vault| {
            vault.unlock = Unlock::Token;
            vault.token = Some(config);
        })?;
        Ok(TokenAdded { token: label, attended, entry })
    }
}

/// Lets the token unlock the node no longer.
#[derive(Debug, Serialize, Deserialize)]
pub struct RemoveToken {
    /// The label of the token that does.
    pub label: String,
    /// Whether the passphrase is to be in a file again.
    pub to_file: bool,
    /// The node's.
    pub passphrase: SecretText,
}

/// The token unlocks the node no longer. Earlier copies of the vault's folder still open by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRemoved {
    /// Its label.
    pub removed: String,
    /// The passphrase is in a file again; otherwise two key holders unlock the node.
    pub to_file: bool,
    /// The ledger's entry.
    pub entry: u64,
}

impl Operation for RemoveToken {
    type Target = dyn Unlocking;
    type Output = TokenRemoved;
    type Error = OperationError;

    /// The ledger first, then what takes its place, the vault, the configuration. Interrupted between the last two the node
    /// is locked at its next start, and this can be asked for again.
    fn run(self, node: &dyn Unlocking, _: &mut dyn FnMut(Progress)) -> Result<TokenRemoved, OperationError> {
        node.no_rotation()?;
        let next = node.unlocking_without(&self.label, self.to_file)?;
        let entry = node.forget_token(&self, next)?;
        Ok(TokenRemoved { removed: self.label, to_file: next == Unlock::PassphraseFile, entry })
    }
}

impl dyn Unlocking + '_ {
    /// How the node is unlocked when this token is gone.
    fn unlocking_without(&self, label: &str, to_file: bool) -> Result<Unlock, TokenError> {
        let now = Config::load(self.dir())?.vault;
        match &now.token {
            Some(token) if token.label == label => {}
            Some(token) => {
                return Err(TokenError::OtherToken { label: token.label.clone(), wanted: label.to_owned() });
            }
            None => return Err(TokenError::NoToken),
        }
        match now.unlock {
            _ if to_file => Ok(Unlock::PassphraseFile),
            Unlock::Token if self.gate().key_holders()?.is_empty() => Err(TokenError::OnlyWay),
            Unlock::Token => Ok(Unlock::ByHand),
            other => Ok(other),
        }
    }

    fn forget_token(&self, request: &RemoveToken, next: Unlock) -> Result<u64, KeysError> {
        let passphrase = &request.passphrase.0;
        self.gate().check_passphrase(passphrase)?;
        let entry = self.record("token-removed", json!({ "label": request.label }))?;
        if request.to_file {
            let (file, bytes) = (passphrase_path(self.dir()), passphrase.expose().as_bytes());
            self.disk().write_atomic(&file, bytes, Visibility::Private).map_err(RoomError::at(&file))?;
        }
        self.done_or_recorded(entry, self.gate().remove_token(passphrase))?;
        self.change_unlocking(|vault| {
            vault.unlock = next;
            vault.token = None;
        })?;
        Ok(entry)
    }
}
