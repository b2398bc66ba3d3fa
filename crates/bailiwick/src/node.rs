//! A node: the wiring of every room over one data directory.
//!
//! ```text
//! DIR/node.toml            configuration
//! DIR/lock                 one process at a time
//! DIR/secrets/passphrase   unlocks the service key; 0600
//! DIR/vault/               wrapped keys, officers, clearances
//! DIR/store/               rows and packs, sealed
//! DIR/ledger/              what HTTP serves under /ledger/
//! DIR/law/<digest>.json    each law set ever in use, so that decisions replay
//! DIR/desk/                sealed cases, letters, packages
//! DIR/tls/                 certificate and key
//! DIR/ledger-before/       logs of before a restoration
//! DIR/desk-waits           after a restoration, until two officers open the desk
//! DIR/backup-lineage       under which name the node's backups lie at a place
//! DIR/run/control.sock     the command line's way in
//! ```

use std::fmt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use desk::{Desk, DeskLaw, DeskParts};
use durable::{DirLock, Disk, RealDisk, SystemClock, Visibility};
use ledger::Log;
use mailroom::Mailroom;
use mailroom::index::Indexes;
use pages::law::Lectern;
use store::Store;
use terms::{AccountId, Address, Clock, Entropy, OfficerName, Secret};
use vault::{Custody, SystemEntropy, TokenError, Vault, VaultGate, VaultProgram};

use crate::config::{Config, ConfigError, Unlock};
use crate::law;

/// An open node. Dropping it closes the store and gives the directory's lock back.
pub(crate) struct Node {
    /// The data directory.
    pub dir: PathBuf,
    /// Its configuration.
    pub config: Config,
    /// Mail in, mail out.
    pub mailroom: Mailroom,
    /// Demands.
    pub desk: Desk,
    /// The law in use, open for reading at the HTTP door.
    pub lectern: Arc<Lectern>,
    /// The way to the vault, for what is done about its unlocking.
    pub gate: VaultGate,
    /// The tamper-evident log.
    pub log: Arc<Log>,
    /// The disk that everything is written through.
    pub disk: Arc<dyn Disk>,
    /// Held by whoever replaces a key.
    pub rotating: Mutex<()>,
    /// Held by whoever closes an account.
    pub closing: Mutex<()>,
    /// Held while the node is open.
    _lock: Arc<DirLock>,
}

/// Why a node does not open.
#[derive(Debug)]
pub(crate) enum NodeError {
    /// The configuration.
    Config(ConfigError),
    /// Another process has the directory.
    Lock(String),
    /// A file of the node.
    File(PathBuf, std::io::Error),
    /// The passphrase file is readable by others.
    Exposed(PathBuf),
    /// There is something in the directory already.
    NotEmpty(PathBuf),
    /// The vault waits for people.
    Locked,
    /// The token does not open the vault.
    Token(TokenError),
    /// A room says no.
    Room(&'static str, String),
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Lock(error) => f.write_str(error),
            Self::File(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Exposed(path) => write!(
                f,
                "{} can be read by others than its owner; run `chmod 600` on it, and consider what is in it known",
                path.display()
            ),
            Self::NotEmpty(dir) => {
                write!(f, "{} is not empty; a new node wants a directory of its own", dir.display())
            }
            Self::Locked => {
                f.write_str("the node is locked: run it, and let people unlock it (`bailiwick node unlock`)")
            }
            Self::Token(error) => error.fmt(f),
            Self::Room(room, error) => write!(f, "{room}: {error}"),
        }
    }
}

impl std::error::Error for NodeError {}

impl From<ConfigError> for NodeError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

/// A room's error with the room's name before it.
fn room<E: fmt::Display>(name: &'static str) -> impl Fn(E) -> NodeError {
    move |error| NodeError::Room(name, error.to_string())
}

/// What a new node is made of.
pub(crate) struct Founding {
    /// Its configuration.
    pub config: Config,
    /// The passphrase that will unlock the service key.
    pub passphrase: Secret<String>,
    /// The first officers and their own passphrases.
    pub officers: Vec<(OfficerName, Secret<String>)>,
    /// Who unlocks the vault by hand. With nobody and without a token, the passphrase is written to a file.
    pub key_holders: Vec<(OfficerName, Secret<String>)>,
    /// The PIN of the token that the configuration names, and the key in it (hexadecimal) if there is one already.
    pub token: Option<(Secret<String>, Option<String>)>,
}

/// The origin line of a node's ledger: its name in the log's world (C2SP tlog-checkpoint).
fn log_origin(config: &Config) -> String {
    format!("{}/ledger", config.hostname)
}

impl Node {
    /// Makes a node in `dir`, which must be empty or absent. Durable when it returns: configuration, vault with its
    /// officers, an empty store, a ledger with a signed checkpoint, the law set in use.
    ///
    /// Returns it open.
    ///
    /// # Errors
    /// A directory that is in use, or any room's error; what was written so far stays for the operator to look at.
    pub(crate) fn found(dir: &Path, founding: Founding) -> Result<Self, NodeError> {
        if dir.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(NodeError::NotEmpty(dir.to_owned()));
        }
        let file = |error| NodeError::File(dir.to_owned(), error);
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(file)?;
        let lock = DirLock::take(dir).map_err(|error| NodeError::Lock(error.to_string()))?;
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        for name in ["secrets", "run", "law", "desk"] {
            disk.create_dir_all(&dir.join(name)).map_err(file)?;
        }
        let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let Founding { config, passphrase, officers, key_holders, token } = founding;
        if key_holders.is_empty() && token.is_none() {
            let bytes = passphrase.expose().as_bytes();
            disk.write_atomic(&passphrase_path(dir), bytes, Visibility::Private).map_err(file)?;
        }
        disk.create_dir_all(&dir.join("vault")).map_err(file)?;
        let gate = start_vault(dir, &clock)?;
        let founding = vault::Founding {
            home: config.jurisdiction.clone(),
            log_origin: log_origin(&config),
            passphrase: passphrase.clone(),
            officers,
            cost: config.vault.cost(),
        };
        let vault = gate.create(founding).map_err(room("vault"))?;
        if !key_holders.is_empty() {
            gate.set_key_holders(&passphrase, &key_holders, config.vault.cost()).map_err(room("vault"))?;
        }
        if let (Some((pin, key_id)), Some(of)) = (token, &config.vault.token) {
            crate::token::add(&gate, of, key_id.as_deref(), &pin, &passphrase, config.vault.cost())?;
        }
        // The configuration comes last: a directory with a node.toml is a whole node.
        config.save(disk.as_ref(), dir)?;
        ClosedNode::of(dir, config, lock, gate, clock, entropy)?.open_rooms(vault)
    }

    /// Opens the node in `dir` and takes its lock.
    ///
    /// # Errors
    /// No node there, another process has it, a wrong or exposed passphrase file, a vault that waits for people, or what
    /// a room finds damaged.
    pub(crate) fn open(dir: &Path) -> Result<Self, NodeError> {
        let closed = ClosedNode::take(dir)?;
        let vault = closed.unlock_unattended()?.ok_or(NodeError::Locked)?;
        closed.open_rooms(vault)
    }

    /// Makes an account for `address`, with an INBOX; under `owner` custody with recovery codes, which exist in this answer
    /// only.
    ///
    /// # Errors
    /// An address outside the node's domains or already taken; the vault's or the store's.
    pub(crate) fn add_account(
        &self,
        address: &str,
        custody: Custody,
        password: &Secret<String>,
    ) -> Result<(AccountId, Vec<Secret<String>>), String> {
        let address: Address = address.parse().map_err(|error| format!("{error}"))?;
        if !self.config.domains.iter().any(|domain| domain == address.domain().as_str()) {
            return Err(format!(
                "the domain does not live at this node; it is home to {}",
                self.config.domains.join(", ")
            ));
        }
        check_password(password)?;
        if self.mailroom.store.account_of(&address).map_err(|error| error.to_string())?.is_some() {
            return Err("there is an account with this address already".to_owned());
        }
        let account = AccountId::random(self.mailroom.entropy.as_ref());
        let made = self.mailroom.vault.create_account_in(account, custody, password);
        let (public, codes) = made.map_err(|error| error.to_string())?;
        self.mailroom
            .store
            .create_account(account, std::slice::from_ref(&address), &public, "")
            .map_err(|error| error.to_string())?;
        Ok((account, codes))
    }

    /// Where the file lies that says that the desk waits for two officers.
    pub(crate) fn desk_waits_path(dir: &Path) -> PathBuf {
        dir.join("desk-waits")
    }

    /// The path of the control socket.
    pub(crate) fn control_path(dir: &Path) -> PathBuf {
        dir.join("run").join("control.sock")
    }
}

/// A node whose vault runs and may be locked: what there is before its rooms can be opened.
pub(crate) struct ClosedNode {
    /// The data directory.
    pub(crate) dir: PathBuf,
    /// Its configuration.
    pub(crate) config: Config,
    /// The way to the vault.
    pub(crate) gate: VaultGate,
    /// The law set in use, open for reading: also while the node is locked.
    pub(crate) lectern: Arc<Lectern>,
    disk: Arc<dyn Disk>,
    lock: Arc<DirLock>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl ClosedNode {
    /// Takes the lock of the node in `dir` and starts the process of its vault.
    ///
    /// # Errors
    /// No node there, another process has it, or the vault's process does not start.
    pub(crate) fn take(dir: &Path) -> Result<Self, NodeError> {
        let config = Config::load(dir)?;
        let lock = DirLock::take(dir).map_err(|error| NodeError::Lock(error.to_string()))?;
        let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let gate = start_vault(dir, &clock)?;
        Self::of(dir, config, lock, gate, clock, entropy)
    }

    pub(crate) fn of(
        dir: &Path,
        config: Config,
        lock: DirLock,
        gate: VaultGate,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, NodeError> {
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        let law = law_room(dir, &config, &disk)?;
        let book = law::pages::book_of(&law, &config.home).map_err(room("rules"))?;
        let (dir, lectern, lock) = (dir.to_owned(), Arc::new(Lectern::new(book)), Arc::new(lock));
        Ok(Self { dir, config, gate, lectern, disk, lock, clock, entropy })
    }

    /// Unlocks the vault by what the configuration names, when that needs nobody; `None` when it is for people to do.
    ///
    /// # Errors
    /// A wrong or exposed passphrase file; the vault's.
    pub(crate) fn unlock_unattended(&self) -> Result<Option<Vault>, NodeError> {
        // As it is now: `node token add` changes it while the node runs.
        let config = Config::load(&self.dir)?.vault;
        match config.unlock {
            Unlock::PassphraseFile => {
                crate::passphrase::unlock(&self.gate, &self.dir, self.config.vault.cost(), self.disk()).map(Some)
            }
            Unlock::ByHand => Ok(None),
            Unlock::Token => self.unlock_by_token(&config),
        }
    }

    /// Starts the vault's process again; it is locked then.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn restart_vault(&self) -> Result<(), NodeError> {
        self.gate.restart().map_err(room("vault"))
    }

    /// The disk that everything but the vault is written through.
    pub(crate) fn disk(&self) -> &dyn Disk {
        self.disk.as_ref()
    }

    /// Opens the other rooms over an unlocked vault.
    ///
    /// # Errors
    /// What a room finds damaged.
    pub(crate) fn open_rooms(&self, vault: Vault) -> Result<Node, NodeError> {
        let Self { dir, config, gate, lectern, disk, lock, clock, entropy } = self;
        let vault = Arc::new(vault);
        let ledger_dir = dir.join("ledger");
        // The vault knows which log it signs: after a restoration it is the successor of the one before.
        let origin = vault.log_verifier().name().to_owned();
        let log = if disk.exists(&ledger_dir.join("checkpoint")) {
            let signer = signer_of(&vault, disk.as_ref(), &ledger_dir)?;
            Log::open(disk.clone(), ledger_dir, origin, signer)
        } else {
            Log::create(disk.clone(), ledger_dir, origin, vault.log_signer())
        };
        let log = Arc::new(log.map_err(room("ledger"))?);
        let (sizes, store_dir) = (config.store.settings(), dir.join("store"));
        let store = Store::open_with(sizes, disk.clone(), &store_dir, vault.clone(), clock.clone(), entropy.clone())
            .map_err(room("store"))?;
        store.set_policy(config.mailboxes.policy());
        let store = Arc::new(store);
        let law = law_room(dir, config, disk)?;
        let mailroom = Mailroom {
            store: store.clone(),
            vault: vault.clone(),
            clock: clock.clone(),
            entropy: entropy.clone(),
            hostname: config.hostname.as_str().into(),
            index: Indexes::default(),
        };
        let desk = Desk::open(DeskParts {
            disk: disk.clone(),
            dir: dir.join("desk"),
            home: config.jurisdiction.clone(),
            node_name: config.name.clone(),
            vault,
            store,
            log: log.clone(),
            law,
            home_facts: config.home.clone(),
            clock: clock.clone(),
            entropy: entropy.clone(),
        })
        .map_err(room("desk"))?;
        let (dir, config, disk, lock) = (dir.clone(), config.clone(), disk.clone(), lock.clone());
        let (lectern, gate, rotating, closing) = (lectern.clone(), gate.clone(), Mutex::default(), Mutex::default());
        let node = Node { dir, config, mailroom, desk, gate, lectern, log, disk, rotating, closing, _lock: lock };
        let shut = node.mailroom.store.quarantined_accounts();
        if !shut.is_empty() {
            tracing::error!("the store is {}", crate::fsck::shut_in_words(&shut));
        }
        node.follow_vault().map_err(room("store"))?;
        node.finish_closings();
        Ok(node)
    }
}

/// Who signs the log in `dir`. Where the log has changed over to the vault's next key and was interrupted then, the vault
/// changes over too.
fn signer_of(vault: &Vault, disk: &dyn Disk, dir: &Path) -> Result<Arc<dyn ledger::Signer>, NodeError> {
    let published = ledger::published_key(disk, dir).map_err(room("ledger"))?;
    match vault.signer_for(&published).map_err(room("vault"))? {
        Some(signer) => {
            if published != vault.log_verifier() {
                vault.finish_signing_rotation(&published).map_err(room("vault"))?;
            }
            Ok(signer)
        }
        // The log says whose it is instead.
        None => Ok(vault.log_signer()),
    }
}

/// The law set in use.
fn law_room(dir: &Path, config: &Config, disk: &Arc<dyn Disk>) -> Result<DeskLaw, NodeError> {
    DeskLaw::open(disk.clone(), dir.join("law"), &law::built_in(), config.counsel.clone()).map_err(room("rules"))
}

/// Starts the process of the vault in `dir`: this program again, with a word that people do not type.
pub(crate) fn start_vault(dir: &Path, clock: &Arc<dyn Clock>) -> Result<VaultGate, NodeError> {
    start_vault_in(&dir.join("vault"), clock)
}

/// Starts the process of the vault in this folder, which is there. It is locked.
pub(crate) fn start_vault_in(folder: &Path, clock: &Arc<dyn Clock>) -> Result<VaultGate, NodeError> {
    let start = || {
        let program = std::env::current_exe()?;
        let folder = std::path::absolute(folder)?;
        VaultGate::start(
            VaultProgram { program, arguments: vec!["vault-process".into(), folder.into()] },
            clock.clone(),
        )
    };
    start().map_err(|error| NodeError::Room("vault", format!("its process does not start: {error}")))
}

pub(crate) use mailroom::PASSWORD_CHARS_MIN;

/// Refuses a password that is too short.
pub(crate) fn check_password(password: &Secret<String>) -> Result<(), String> {
    if !mailroom::is_password_long_enough(password) {
        return Err(format!("a password has at least {PASSWORD_CHARS_MIN} characters"));
    }
    Ok(())
}

pub(crate) fn passphrase_path(dir: &Path) -> PathBuf {
    dir.join("secrets").join("passphrase")
}

/// Reads a file with a passphrase or PIN, which must be its owner's alone. A final line break is not part of it.
pub(crate) fn passphrase(path: &Path) -> Result<Secret<String>, NodeError> {
    let file = |error| NodeError::File(path.to_owned(), error);
    if std::fs::metadata(path).map_err(file)?.permissions().mode() & 0o077 != 0 {
        return Err(NodeError::Exposed(path.to_owned()));
    }
    let text = Secret::new(std::fs::read_to_string(path).map_err(file)?);
    Ok(Secret::new(text.expose().trim_end_matches(['\r', '\n']).to_owned()))
}

/// A random passphrase of 125 bits in five-letter groups, for what a person must be able to type.
pub(crate) fn random_passphrase(entropy: &dyn Entropy) -> String {
    // 25 letters of 5 bits each; no i, l, o, 1, which look alike.
    const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz234567890";
    let mut bytes = [0; 25];
    entropy.fill(&mut bytes);
    let letters: Vec<u8> = bytes.iter().map(|byte| ALPHABET[usize::from(byte % 32)]).collect();
    letters.chunks(5).map(String::from_utf8_lossy).collect::<Vec<_>>().join("-")
}
