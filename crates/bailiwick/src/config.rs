//! A node's configuration: `node.toml` in its data directory. Read once at start, strictly: an unknown key is an error.

mod edit;
mod store;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use durable::{Disk, SystemClock, Visibility};
use serde::{Deserialize, Serialize};
use terms::{Clock, Jurisdiction, OtherFormat};

use crate::node::start_vault_in;

pub(crate) use self::store::StoreConfig;

/// The longest delay of a reset: what the vault takes, 30 days.
const RESET_DELAY_HOURS_MAX: u32 = 30 * 24;

/// The whole of `node.toml`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Always [`terms::HOME_FORMAT`]: the one number for all that is in the home (docs/formats/home.md).
    pub format: u32,
    /// The one jurisdiction of every mailbox here.
    pub jurisdiction: Jurisdiction,
    /// The name on the node's page.
    pub name: String,
    /// The name in greetings, trace headers and the certificate.
    pub hostname: String,
    /// The domains whose mailboxes live here.
    pub domains: Vec<String>,
    /// The largest message in bytes, as announced by SIZE (RFC 1870).
    pub message_size_bytes_max: u64,
    /// The mean time between bursts of empty ledger entries, in minutes.
    pub ledger_dummy_minutes: u64,
    /// Counsel's public key, as `law counsel-key` prints it: whose signature takes a law set into use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counsel: Option<ledger::Verifier>,
    /// How many hours an owner has to stop the reset of a forgotten password.
    #[serde(default = "reset_delay_hours")]
    pub reset_delay_hours: u32,
    /// A TLS proxy on this machine stands before the HTTP door: the owner's page gives cookies for TLS only, and takes the
    /// last address of the proxy's X-Forwarded-For for the visitor's.
    #[serde(default)]
    pub http_behind_tls_proxy: bool,
    /// Connections of one door at a time.
    #[serde(default = "connections_max")]
    pub connections_max: usize,
    /// Whether IMAP takes passwords without TLS from this machine itself: for a proxy or a web mailer beside the node.
    #[serde(default)]
    pub imap_loopback_without_tls: bool,
    /// Where the doors listen.
    pub listen: Listen,
    /// Places for backups; each lies in the home.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backup_place: Vec<BackupPlace>,
    /// How much an owner may have, and how long what an owner deleted can be restored.
    #[serde(default)]
    pub mailboxes: MailboxesConfig,
    /// How large segments grow, and when the space of deleted mail is given back.
    #[serde(default)]
    pub store: StoreConfig,
    /// How the vault is unlocked, and what a guess at a secret costs.
    #[serde(default)]
    pub vault: VaultConfig,
    /// What the operator declares of itself: facts for the rules.
    pub home: rules::HomeFacts,
}

/// What is read of `node.toml` before anything else.
#[derive(Deserialize)]
struct Head {
    format: u32,
}

/// A day, so that an owner who looks at the mail once a day hears of it.
fn reset_delay_hours() -> u32 {
    24
}

/// A place for backups (docs/backup.md).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BackupPlace {
    /// Its absolute path.
    pub path: PathBuf,
    /// Where it stands, by the operator's word: the node's home, or it is none.
    pub jurisdiction: Jurisdiction,
    /// How many backups stay there.
    #[serde(default = "backups_kept")]
    pub keep: u32,
}

/// Two weeks of one a day.
fn backups_kept() -> u32 {
    14
}

/// How much an owner may have, and how long what an owner deleted can be restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MailboxesConfig {
    /// The most bytes of an account without a limit of its own (`account quota`); no limit when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota_bytes: Option<u64>,
    /// The most messages of such an account; no limit when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota_messages: Option<u64>,
    /// For how many days owners may have back what they deleted; 0: not at all.
    pub restorable_days: u32,
}

impl Default for MailboxesConfig {
    /// No limits, and two weeks: long enough to come back from a holiday and miss something.
    fn default() -> Self {
        Self { quota_bytes: None, quota_messages: None, restorable_days: 14 }
    }
}

/// The longest time for which deleted mail may be kept restorable: a year.
const RESTORABLE_DAYS_MAX: u32 = 366;

/// How the vault is unlocked, and what a guess at a secret costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct VaultConfig {
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
pub(crate) const KEY_WINDOW_DAYS: u32 = 30;

impl VaultConfig {
    /// What a guess costs; the least that OWASP recommends when nothing was measured.
    pub(crate) fn cost(&self) -> vault::CostProfile {
        let set = self.cost.and_then(|cost| vault::CostProfile::new(cost.memory_kib, cost.passes, cost.lanes));
        set.unwrap_or(vault::CostProfile::OWASP)
    }
}

/// What the node does about its vault when it starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Unlock {
    /// It reads `secrets/passphrase`.
    #[default]
    PassphraseFile,
    /// It waits, locked, for two people (`node unlock`).
    ByHand,
    /// It asks a PKCS#11 token; where the PIN comes from nowhere, it waits for somebody who types it (`node unlock
    /// --token`).
    Token,
}

/// The PKCS#11 token that unlocks the vault, and where its PIN comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenConfig {
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
    fn check(&self) -> Result<(), String> {
        if !self.module.is_absolute() {
            return Err("vault.token.module: an absolute path".to_owned());
        }
        if self.label.is_empty() {
            return Err("vault.token.label: the label of the token".to_owned());
        }
        if self.pin_file.is_some() && self.pin_credential.is_some() {
            return Err("vault.token: the PIN comes from pin_file or from pin_credential, not from both".to_owned());
        }
        if self.pin_credential.as_ref().is_some_and(|name| name.is_empty() || name.contains('/')) {
            return Err("vault.token.pin_credential: the name of a credential, not a path".to_owned());
        }
        Ok(())
    }
}

/// Parameters of Argon2id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Cost {
    /// As this machine can do within [`vault::GUESS_TARGET_MILLIS`]. The vault's process measures it, which is the only one
    /// that computes Argon2id.
    pub(crate) fn measured() -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| format!("a temporary folder: {error}"))?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let gate = start_vault_in(folder.path(), &clock).map_err(|error| error.to_string())?;
        let cost = gate.measure_cost(vault::GUESS_TARGET_MILLIS).map_err(|error| error.to_string())?;
        Ok(Self { memory_kib: cost.memory_kib(), passes: cost.passes(), lanes: cost.lanes() })
    }
}

fn connections_max() -> usize {
    doors::CONNECTIONS_MAX
}

/// Where the doors listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listen {
    /// SMTP from the world, with STARTTLS.
    pub smtp: SocketAddr,
    /// LMTP from the operator's own MTA; loopback only.
    pub lmtp: SocketAddr,
    /// IMAP with STARTTLS.
    pub imap: SocketAddr,
    /// IMAP over TLS from the first byte.
    pub imaps: SocketAddr,
    /// The page and the ledger; loopback only.
    pub http: SocketAddr,
}

impl Listen {
    /// Five ports on `address` counted from `base`: the last two digits remind of the standard ones.
    pub(crate) fn at(address: std::net::IpAddr, base: u16) -> Self {
        let port = |offset: u16| SocketAddr::new(address, base.saturating_add(offset));
        Self { smtp: port(25), lmtp: port(24), imap: port(43), imaps: port(93), http: port(80) }
    }

    /// All of them, named.
    pub(crate) fn all(&self) -> [(&'static str, SocketAddr); 5] {
        [("smtp", self.smtp), ("lmtp", self.lmtp), ("imap", self.imap), ("imaps", self.imaps), ("http", self.http)]
    }
}

/// Why a configuration is not usable.
#[derive(Debug)]
pub(crate) enum ConfigError {
    /// The directory holds no node.
    NoNode(PathBuf),
    /// The file cannot be read or written.
    File(PathBuf, std::io::Error),
    /// The file is not what it must be.
    Content(PathBuf, String),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoNode(dir) => write!(
                f,
                "{} is no node: it has no node.toml. Name a node's directory with --node (the demo's are \
                 ./demo-data/IE, US and DE), or make one with `bailiwick node init`",
                dir.display()
            ),
            Self::File(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Content(path, what) => write!(f, "{}: {what}", path.display()),
        }
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Where the file is in a node's directory.
    pub(crate) fn path(dir: &Path) -> PathBuf {
        dir.join("node.toml")
    }

    /// Reads and checks the configuration of the node in `dir`.
    ///
    /// # Errors
    /// No node there, an unreadable file, an unknown or impossible setting.
    pub(crate) fn load(dir: &Path) -> Result<Self, ConfigError> {
        let path = Self::path(dir);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(ConfigError::NoNode(dir.to_owned()));
            }
            Err(error) => return Err(ConfigError::File(path, error)),
        };
        Self::parse(&text).map_err(|what| ConfigError::Content(path, what))
    }

    /// Reads and checks a configuration.
    ///
    /// # Errors
    /// An unknown or impossible setting, in words.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        // First the number, whatever else another version wrote into the file.
        let Head { format } = toml::from_str(text).map_err(|error| error.to_string())?;
        OtherFormat::check(format).map_err(|other| other.to_string())?;
        let config: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        config.check()?;
        Ok(config)
    }

    /// Writes the configuration of a new node durably.
    ///
    /// # Errors
    /// The disk's.
    pub(crate) fn save(&self, disk: &dyn Disk, dir: &Path) -> Result<(), ConfigError> {
        let path = Self::path(dir);
        let text = toml::to_string(self).map_err(|error| ConfigError::Content(path.clone(), error.to_string()))?;
        disk.write_atomic(&path, text.as_bytes(), Visibility::Private).map_err(|error| ConfigError::File(path, error))
    }

    /// Changes the configuration of the node in `dir` and gives what it is now. In the file only what differs changes: the
    /// operator's comments and order stay. Durable on return.
    ///
    /// # Errors
    /// As of [`load`](Self::load); a change that makes it impossible; the disk's.
    pub(crate) fn change(disk: &dyn Disk, dir: &Path, change: impl FnOnce(&mut Self)) -> Result<Self, ConfigError> {
        let before = Self::load(dir)?;
        let path = Self::path(dir);
        let text = std::fs::read_to_string(&path).map_err(|error| ConfigError::File(path.clone(), error))?;
        let mut after = before.clone();
        change(&mut after);
        let text = after.written_over(&before, &text).map_err(|what| ConfigError::Content(path.clone(), what))?;
        disk.write_atomic(&path, text.as_bytes(), Visibility::Private)
            .map_err(|error| ConfigError::File(path, error))?;
        Ok(after)
    }

    /// `text`, which says `before`, changed to say this. It is read again, so that a wrong edit is never written.
    fn written_over(&self, before: &Self, text: &str) -> Result<String, String> {
        let table = |config: &Self| toml::Table::try_from(config).map_err(|error| error.to_string());
        let wanted = table(self)?;
        let text = edit::edited(text, &table(before)?, &wanted)?;
        if table(&Self::parse(&text)?)? != wanted {
            return Err("it could not be changed in place; change it by hand".to_owned());
        }
        Ok(text)
    }

    fn check(&self) -> Result<(), String> {
        for domain in &self.domains {
            domain.parse::<terms::Domain>().map_err(|_| format!("domains: {domain:?} is no domain"))?;
        }
        if self.home.home != self.jurisdiction {
            return Err(format!(
                "home.home is {}, and jurisdiction is {}; they are one",
                self.home.home, self.jurisdiction
            ));
        }
        if self.reset_delay_hours > RESET_DELAY_HOURS_MAX {
            return Err(format!("reset_delay_hours: at most {RESET_DELAY_HOURS_MAX}"));
        }
        for place in &self.backup_place {
            let path = place.path.display();
            if place.jurisdiction != self.jurisdiction {
                return Err(format!(
                    "backup_place {path} lies in {}, and this node's mail may be kept in {} only",
                    place.jurisdiction, self.jurisdiction
                ));
            }
            if !place.path.is_absolute() || place.keep == 0 {
                return Err(format!("backup_place {path}: the path must be absolute, and at least one backup is kept"));
            }
        }
        if self.mailboxes.restorable_days > RESTORABLE_DAYS_MAX {
            return Err(format!("mailboxes.restorable_days: at most {RESTORABLE_DAYS_MAX}"));
        }
        self.store.check()?;
        if let Some(Cost { memory_kib, passes, lanes }) = self.vault.cost
            && vault::CostProfile::new(memory_kib, passes, lanes).is_none()
        {
            return Err("vault.cost: these are no parameters of Argon2id".to_owned());
        }
        match (&self.vault.token, self.vault.unlock) {
            (Some(token), _) => token.check()?,
            (None, Unlock::Token) => return Err("vault.unlock is token, and there is no [vault.token]".to_owned()),
            (None, _) => {}
        }
        if self.domains.is_empty() {
            return Err("domains: at least one domain must live here".to_owned());
        }
        for (name, address) in [("lmtp", self.listen.lmtp), ("http", self.listen.http)] {
            if !address.ip().is_loopback() {
                return Err(format!(
                    "listen.{name} = {address}: this door has no TLS and may listen on loopback only; put your MTA or a \
                     TLS proxy on this machine in front of it"
                ));
            }
        }
        Ok(())
    }
}

/// The English name of a State or union, for pages and letters; the code itself where none is listed.
pub(crate) fn jurisdiction_name(jurisdiction: &Jurisdiction) -> String {
    match jurisdiction.as_str() {
        "IE" => "Ireland",
        "US" => "the United States",
        "DE" => "Germany",
        "FR" => "France",
        "CH" => "Switzerland",
        "GB" => "the United Kingdom",
        "AU" => "Australia",
        "EU" => "the European Union",
        other => other,
    }
    .to_owned()
}
