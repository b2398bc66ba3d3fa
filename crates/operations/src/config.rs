//! A node's configuration: `node.toml` in its data directory. Read once at start, strictly: an unknown key is an error.

mod edit;
mod store;
mod vault;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use durable::{Disk, Visibility};
use serde::{Deserialize, Serialize};
use terms::{HOME_FORMAT, Jurisdiction, OtherFormat};

pub use self::store::StoreConfig;
pub use self::vault::{Cost, KEY_WINDOW_DAYS, TokenConfig, Unlock, VaultConfig};

/// The longest delay of a reset: what the vault takes, 30 days.
const RESET_DELAY_HOURS_MAX: u32 = 30 * 24;

/// The whole of `node.toml`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
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
    /// The largest message in bytes on every way in, SMTP, LMTP, APPEND and import, as announced by SIZE (RFC 1870) and APPENDLIMIT
    /// (RFC 7889). At most 255 MiB, what the store keeps.
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
    /// Connections of one peer (an IPv4 address, an IPv6 /64) at a door at a time.
    #[serde(default = "connections_per_peer_max")]
    pub connections_per_peer_max: usize,
    /// Peers that speak for many, such as an MTA or a proxy in front: their connections are not counted for each peer, and take
    /// at most three quarters of a door's places together.
    #[serde(default = "trusted_peers")]
    pub trusted_peers: Vec<IpAddr>,
    /// Whether IMAP takes passwords without TLS from this machine itself: for a proxy or a web mailer beside the node.
    #[serde(default)]
    pub imap_loopback_without_tls: bool,
    /// Where the doors listen.
    pub listen: Listen,
    /// Places for backups, each of them in the home.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backup_place: Vec<BackupPlace>,
    /// How much an owner may have, and how long what an owner deleted can be restored.
    #[serde(default)]
    pub mailboxes: MailboxesConfig,
    /// How large segments grow, and when the space of deleted mail is reclaimed.
    #[serde(default)]
    pub store: StoreConfig,
    /// How the vault is unlocked, and what a guess at a secret costs.
    #[serde(default)]
    pub vault: VaultConfig,
    /// What the operator declares of itself: facts for the rules.
    pub home: rules::HomeFacts,
}

/// A day, so that an owner who looks at the mail once a day hears of it.
fn reset_delay_hours() -> u32 {
    24
}

/// A place for backups (docs/backup.md).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupPlace {
    /// Its absolute path.
    pub path: PathBuf,
    /// Where it stands, by the operator's word: the node's home, or it is none.
    pub jurisdiction: Jurisdiction,
    /// How many backups stay there.
    #[serde(default = "backups_kept")]
    pub keep: u32,
}

impl BackupPlace {
    fn check(&self, home: &Jurisdiction) -> Result<(), InvalidConfig> {
        let wrong =
            |problem: String| Err(InvalidConfig::setting(format!("backup_place {}", self.path.display()), problem));
        if self.jurisdiction != *home {
            return wrong(format!("it is in {}, and this node's mail may be kept in {home} only", self.jurisdiction));
        }
        if !self.path.is_absolute() || self.keep == 0 {
            return wrong("the path must be absolute, and at least one backup is kept".to_owned());
        }
        Ok(())
    }
}

/// Two weeks of one a day.
fn backups_kept() -> u32 {
    14
}

/// How much an owner may have, and how long what an owner deleted can be restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MailboxesConfig {
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

/// Connections of one door at a time, unless the operator says otherwise. Postfix: 100 processes by default, 1000 on a
/// large site; a task here is cheaper.
pub const CONNECTIONS_MAX: usize = 1000;

fn connections_max() -> usize {
    CONNECTIONS_MAX
}

/// Connections of one peer at a door at a time, unless the operator says otherwise. Postfix: 50
/// (`smtpd_client_connection_count_limit`).
pub const CONNECTIONS_PER_PEER_MAX: usize = 50;

fn connections_per_peer_max() -> usize {
    CONNECTIONS_PER_PEER_MAX
}

/// This machine itself: an MTA or a web mailer beside the node brings everybody's mail.
fn trusted_peers() -> Vec<IpAddr> {
    vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
}

/// Where the doors listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
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
    pub fn at(address: IpAddr, base: u16) -> Self {
        let port = |offset: u16| SocketAddr::new(address, base.saturating_add(offset));
        Self { smtp: port(25), lmtp: port(24), imap: port(43), imaps: port(93), http: port(80) }
    }

    /// All of them, named.
    pub fn all(&self) -> [(&'static str, SocketAddr); 5] {
        [("smtp", self.smtp), ("lmtp", self.lmtp), ("imap", self.imap), ("imaps", self.imaps), ("http", self.http)]
    }
}

/// Why a configuration is not usable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum ConfigError {
    /// The directory holds no node.
    #[error(
        "{} is not a node: it has no node.toml. Name a node's directory with --node or BAILIWICK_NODE, or make one with \
         `bailiwick node init`",
        .0.display()
    )]
    NoNode(PathBuf),
    /// The file cannot be read or written.
    #[error("{}: {error}", path.display())]
    #[allow(missing_docs, reason = "the names say it")]
    File { path: PathBuf, error: String },
    /// The file is not what it must be.
    #[error("{}: {problem}", path.display())]
    #[allow(missing_docs, reason = "the names say it")]
    Content { path: PathBuf, problem: InvalidConfig },
}

/// What is wrong with the text of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum InvalidConfig {
    /// It is not TOML, or has a key that does not exist; the text says where.
    #[error("{0}")]
    Syntax(String),
    /// The home is of another format; the text says how to move its mail.
    #[error("{0}")]
    Format(String),
    /// A setting is impossible.
    #[error("{setting}: {problem}")]
    #[allow(missing_docs, reason = "the names say it")]
    Setting { setting: String, problem: String },
    /// It could not be changed in place, in such a way that it says what it should and nothing else.
    #[error("it could not be changed in place; change it by hand")]
    NotEditable,
}

impl InvalidConfig {
    pub(crate) fn setting(setting: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Setting { setting: setting.into(), problem: problem.into() }
    }

    pub(crate) fn syntax(error: impl std::fmt::Display) -> Self {
        Self::Syntax(error.to_string())
    }
}

impl ConfigError {
    fn file(path: PathBuf, error: &std::io::Error) -> Self {
        Self::File { path, error: error.to_string() }
    }
}

/// What is read of `node.toml` before anything else.
#[derive(Deserialize)]
struct Head {
    format: u32,
}

impl Config {
    /// A configuration with the defaults of a new node.
    pub fn new(name: String, hostname: String, domains: Vec<String>, listen: Listen, home: rules::HomeFacts) -> Self {
        Self {
            format: HOME_FORMAT,
            jurisdiction: home.home.clone(),
            name,
            hostname,
            domains,
            message_size_bytes_max: smtp::MESSAGE_SIZE_BYTES_MAX,
            ledger_dummy_minutes: 60,
            reset_delay_hours: reset_delay_hours(),
            http_behind_tls_proxy: false,
            counsel: None,
            backup_place: Vec::new(),
            mailboxes: MailboxesConfig::default(),
            store: StoreConfig::default(),
            vault: VaultConfig::default(),
            connections_max: CONNECTIONS_MAX,
            connections_per_peer_max: CONNECTIONS_PER_PEER_MAX,
            trusted_peers: trusted_peers(),
            imap_loopback_without_tls: false,
            listen,
            home,
        }
    }

    /// Where the file is in a node's directory.
    pub fn path(dir: &Path) -> PathBuf {
        dir.join("node.toml")
    }

    /// Reads and checks the configuration of the node in `dir`.
    ///
    /// # Errors
    /// No node there, an unreadable file, an unknown or impossible setting.
    pub fn load(dir: &Path) -> Result<Self, ConfigError> {
        let path = Self::path(dir);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(ConfigError::NoNode(dir.to_owned()));
            }
            Err(error) => return Err(ConfigError::file(path, &error)),
        };
        Self::parse(&text).map_err(|problem| ConfigError::Content { path, problem })
    }

    /// Reads and checks a configuration.
    ///
    /// # Errors
    /// An unknown or impossible setting, in words.
    pub fn parse(text: &str) -> Result<Self, InvalidConfig> {
        // First the number, whatever else another version wrote into the file.
        let Head { format } = toml::from_str(text).map_err(InvalidConfig::syntax)?;
        OtherFormat::check(format).map_err(|other| InvalidConfig::Format(other.to_string()))?;
        let config: Self = toml::from_str(text).map_err(InvalidConfig::syntax)?;
        config.check()?;
        Ok(config)
    }

    /// Writes the configuration of a new node durably.
    ///
    /// # Errors
    /// The disk's.
    pub fn save(&self, disk: &dyn Disk, dir: &Path) -> Result<(), ConfigError> {
        let path = Self::path(dir);
        let text = toml::to_string(self).map_err(|error| {
            let problem = InvalidConfig::syntax(error);
            ConfigError::Content { path: path.clone(), problem }
        })?;
        disk.write_atomic(&path, text.as_bytes(), Visibility::Private).map_err(|error| ConfigError::file(path, &error))
    }

    /// Changes the configuration of the node in `dir` and gives what it is now. In the file only what differs changes: the
    /// operator's comments and order stay. Durable on return.
    ///
    /// # Errors
    /// As of [`load`](Self::load); a change that makes it impossible; the disk's.
    pub fn change(disk: &dyn Disk, dir: &Path, change: impl FnOnce(&mut Self)) -> Result<Self, ConfigError> {
        let before = Self::load(dir)?;
        let path = Self::path(dir);
        let text = std::fs::read_to_string(&path).map_err(|error| ConfigError::file(path.clone(), &error))?;
        let mut after = before.clone();
        change(&mut after);
        let text = after
            .written_over(&before, &text)
            .map_err(|problem| ConfigError::Content { path: path.clone(), problem })?;
        disk.write_atomic(&path, text.as_bytes(), Visibility::Private)
            .map_err(|error| ConfigError::file(path, &error))?;
        Ok(after)
    }

    /// `text`, which says `before`, changed to say this. It is read again, so that a wrong edit is never written.
    fn written_over(&self, before: &Self, text: &str) -> Result<String, InvalidConfig> {
        let table = |config: &Self| toml::Table::try_from(config).map_err(InvalidConfig::syntax);
        let wanted = table(self)?;
        let text = edit::edited(text, &table(before)?, &wanted)?;
        if table(&Self::parse(&text)?)? != wanted {
            return Err(InvalidConfig::NotEditable);
        }
        Ok(text)
    }

    fn check(&self) -> Result<(), InvalidConfig> {
        let wrong = |setting: &str, problem: String| Err(InvalidConfig::setting(setting, problem));
        for domain in &self.domains {
            let parsed = domain.parse::<terms::Domain>();
            parsed.map_err(|_| InvalidConfig::setting("domains", format!("{domain:?} is not a domain")))?;
        }
        if self.domains.is_empty() {
            return wrong("domains", "at least one domain must live here".to_owned());
        }
        if self.message_size_bytes_max > ::store::PART_BYTES_MAX as u64 {
            return wrong("message_size_bytes_max", format!("at most {} (255 MiB)", ::store::PART_BYTES_MAX));
        }
        if self.home.home != self.jurisdiction {
            let problem =
                format!("it is {}, and jurisdiction is {}; they must be equal", self.home.home, self.jurisdiction);
            return wrong("home.home", problem);
        }
        if self.reset_delay_hours > RESET_DELAY_HOURS_MAX {
            return wrong("reset_delay_hours", format!("at most {RESET_DELAY_HOURS_MAX}"));
        }
        self.backup_place.iter().try_for_each(|place| place.check(&self.jurisdiction))?;
        if self.mailboxes.restorable_days > RESTORABLE_DAYS_MAX {
            return wrong("mailboxes.restorable_days", format!("at most {RESTORABLE_DAYS_MAX}"));
        }
        self.store.check()?;
        self.vault.check()?;
        for (name, address) in [("lmtp", self.listen.lmtp), ("http", self.listen.http)] {
            if !address.ip().is_loopback() {
                let problem = format!(
                    "{address}: this door has no TLS and may listen on loopback only; put your MTA or a TLS proxy on this \
                     machine in front of it"
                );
                return wrong(&format!("listen.{name}"), problem);
            }
        }
        Ok(())
    }
}

/// The English name of a State or union, for pages and letters; the code itself where none is listed.
pub fn jurisdiction_name(jurisdiction: &Jurisdiction) -> String {
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
