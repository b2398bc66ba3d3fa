//! `[vault]` of `node.toml`: how the vault is unlocked, and what a guess at a secret costs.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::InvalidConfig;

/// How the vault is unlocked, and what a guess at a secret costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VaultConfig {
    /// What the node does about its vault when it starts.
    pub unlock: Unlock,
    /// The parameters of Argon2id, as `node init` has measured them for this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// After how many days the running node destroys the key under which keys were backed up on a day: so long a closed
    /// account opens from a backup.
    pub key_window_days: u32,
    /// The token, where one unlocks the vault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenConfig>,
}

impl Default for VaultConfig {
    fn default() -> Self {
        Self { unlock: Unlock::default(), cost: None, key_window_days: KEY_WINDOW_DAYS, token: None }
    }
}

/// The stated window, unless the operator sets another: a month.
pub const KEY_WINDOW_DAYS: u32 = 30;

impl VaultConfig {
    /// What a guess costs; the least that OWASP recommends when nothing was measured.
    pub fn cost(&self) -> ::vault::CostProfile {
        let set = self.cost.and_then(|cost| ::vault::CostProfile::new(cost.memory_kib, cost.passes, cost.lanes));
        set.unwrap_or(::vault::CostProfile::OWASP)
    }

    pub(super) fn check(&self) -> Result<(), InvalidConfig> {
        if let Some(Cost { memory_kib, passes, lanes }) = self.cost
            && ::vault::CostProfile::new(memory_kib, passes, lanes).is_none()
        {
            return Err(InvalidConfig::setting("vault.cost", "these are not valid parameters of Argon2id"));
        }
        match (&self.token, self.unlock) {
            (Some(token), _) => token.check(),
            (None, Unlock::Token) => {
                Err(InvalidConfig::setting("vault.unlock", "it is token, and there is no [vault.token]"))
            }
            (None, _) => Ok(()),
        }
    }
}

/// What the node does about its vault when it starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unlock {
    /// It reads `secrets/passphrase`.
    #[default]
    PassphraseFile,
    /// It waits, locked, for two people (`node unlock`).
    ByHand,
    /// It asks a PKCS#11 token; where no PIN is configured, it waits for a person to type it (`node unlock
    /// --token`).
    Token,
}

/// The PKCS#11 token that unlocks the vault, and where its PIN comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenConfig {
    /// The token's PKCS#11 module: an absolute path.
    pub module: PathBuf,
    /// The token's label.
    pub label: String,
    /// A file with the PIN, which must be its owner's alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin_file: Option<PathBuf>,
    /// The name of a systemd credential with the PIN (`LoadCredential=`, `LoadCredentialEncrypted=`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin_credential: Option<String>,
    /// Whether the module reaches the token over a network. Else it is given none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub network: bool,
}

impl TokenConfig {
    /// Whether somebody types the PIN after each start.
    pub fn is_attended(&self) -> bool {
        self.pin_file.is_none() && self.pin_credential.is_none()
    }

    fn check(&self) -> Result<(), InvalidConfig> {
        let wrong =
            |setting: &str, problem: &str| Err(InvalidConfig::setting(format!("vault.token{setting}"), problem));
        if !self.module.is_absolute() {
            return wrong(".module", "an absolute path");
        }
        if self.label.is_empty() {
            return wrong(".label", "the label of the token");
        }
        if self.pin_file.is_some() && self.pin_credential.is_some() {
            return wrong("", "the PIN comes from pin_file or from pin_credential, not from both");
        }
        if self.pin_credential.as_ref().is_some_and(|name| name.is_empty() || name.contains('/')) {
            return wrong(".pin_credential", "the name of a credential, not a path");
        }
        Ok(())
    }
}

/// Parameters of Argon2id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}
