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
//! DIR/ledger-before/       logs from before a restoration
//! DIR/run/desk-waits       after a restoration, until two officers open the desk
//! DIR/run/backup-lineage   the name of the node's backups at a place
//! DIR/run/control.sock     the command line's way in
//! ```

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use desk::{Desk, DeskLaw, DeskParts, LawInUse};
use durable::{DirLock, Disk, RealDisk, SystemClock, Visibility};
use ledger::Log;
use mailroom::Mailroom;
use mailroom::index::Indexes;
use mailroom::reading::LargeWork;
use serde::{Deserialize, Serialize};
use store::Store;
use terms::{Clock, Entropy, OfficerName, Secret};
use vault::{SystemEntropy, Vault, VaultGate, VaultProgram};

use crate::config::{Config, ConfigError, Unlock};
use crate::error::{Room, RoomError};
use crate::places::Through;
use crate::token::{self, TokenError};
use crate::{law, passphrase};

/// An open node. Dropping it closes the store and gives the directory's lock back.
pub struct Node {
    /// The data directory.
    pub dir: PathBuf,
    /// Its configuration.
    pub config: Config,
    /// Mail in, mail out.
    pub mailroom: Mailroom,
    /// Demands.
    pub desk: Desk,
    /// The process that runs this node.
    pub host: Arc<dyn Host>,
    /// The way to the vault, for what is done about its unlocking.
    pub gate: VaultGate,
    /// The tamper-evident log.
    pub log: Arc<Log>,
    /// The disk that everything is written through.
    pub disk: Arc<dyn Disk>,
    /// Held while a key is replaced.
    pub rotating: Mutex<()>,
    /// Held while an account is closed.
    pub closing: Mutex<()>,
    /// Held while the node is open.
    _lock: Arc<DirLock>,
}

/// What the process that runs a node is told.
pub trait Host: Send + Sync {
    /// Whether the node's doors are open, so that it can be unlocked for others.
    fn has_doors(&self) -> bool;

    /// The node's rooms are open.
    fn opened(&self, node: &Arc<Node>);

    /// Another law set is in use, or a rule has another signature.
    fn law_changed(&self, node: &Node);

    /// Something happened that the operator should find in the debug log.
    fn note(&self, note: Note);

    /// What the system did not let this process give up.
    fn lacks(&self) -> Vec<String> {
        Vec::new()
    }

    /// By what the places for backups are reached.
    ///
    /// # Errors
    /// The process that has them does not start.
    fn places(&self) -> io::Result<Through> {
        Ok(Through::default())
    }

    /// The text of `node.toml`, of the node in `dir`.
    ///
    /// # Errors
    /// The disk's.
    fn settings(&self, dir: &Path) -> io::Result<String> {
        std::fs::read_to_string(Config::path(dir))
    }
}

/// A process that does one thing with a node and ends.
pub struct Quiet;

impl Host for Quiet {
    fn has_doors(&self) -> bool {
        false
    }

    fn opened(&self, _: &Arc<Node>) {}

    fn law_changed(&self, _: &Node) {}

    fn note(&self, _: Note) {}
}

/// Why a node does not open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum NodeError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Another process has the directory.
    #[error("{0}")]
    Lock(String),
    /// The passphrase file is readable by others.
    #[error(
        "{} can be read by others than its owner; run `chmod 600` on it, and consider its contents known to others",
        .0.display()
    )]
    Exposed(PathBuf),
    /// There is something in the directory already.
    #[error("{} is not empty; a new node needs a directory of its own", .0.display())]
    NotEmpty(PathBuf),
    /// The token does not open the vault.
    #[error(transparent)]
    Token(TokenError),
    /// A room says no.
    #[error("{}", in_room(.0))]
    Room(RoomError),
}

/// A room's error with the room's name before it; a file's has its path.
fn in_room(error: &RoomError) -> String {
    match error.room {
        Room::Files => error.message.clone(),
        room => format!("{room}: {}", error.message),
    }
}

/// What a new node is made of.
pub struct Founding {
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
    pub fn found(dir: &Path, founding: Founding) -> Result<Self, NodeError> {
        if dir.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(NodeError::NotEmpty(dir.to_owned()));
        }
        let file = RoomError::at(dir);
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(&file)?;
        let lock = DirLock::take(dir).map_err(|error| NodeError::Lock(error.to_string()))?;
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        for name in ["secrets", "run", "law", "desk"] {
            disk.create_dir_all(&dir.join(name)).map_err(&file)?;
        }
        let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let Founding { config, passphrase, officers, key_holders, token } = founding;
        if key_holders.is_empty() && token.is_none() {
            let bytes = passphrase.expose().as_bytes();
            disk.write_atomic(&passphrase_path(dir), bytes, Visibility::Private).map_err(&file)?;
        }
        disk.create_dir_all(&dir.join("vault")).map_err(&file)?;
        let gate = start_vault(dir, &clock)?;
        let founding = vault::Founding {
            home: config.jurisdiction.clone(),
            log_origin: log_origin(&config),
            passphrase: passphrase.clone(),
            officers,
            cost: config.vault.cost(),
        };
        let vault = gate.create(founding)?;
        if !key_holders.is_empty() {
            gate.set_key_holders(&passphrase, &key_holders, config.vault.cost())?;
        }
        if let (Some((pin, key_id)), Some(of)) = (token, &config.vault.token) {
            token::add(&gate, of, key_id.as_deref(), &pin, &passphrase, config.vault.cost())?;
        }
        // The configuration comes last: a directory with a node.toml is a whole node.
        config.save(disk.as_ref(), dir)?;
        ClosedNode::of(dir, config, lock, gate, clock, entropy, Arc::new(Quiet))?.open_rooms(vault)
    }

    /// The text of `node.toml`.
    pub(crate) fn settings(&self) -> Result<String, RoomError> {
        self.host.settings(&self.dir).map_err(RoomError::at(&Config::path(&self.dir)))
    }

    /// Where the file lies that says that the desk waits for two officers.
    pub fn desk_waits_path(dir: &Path) -> PathBuf {
        dir.join("run").join("desk-waits")
    }

    /// The path of the control socket.
    pub fn control_path(dir: &Path) -> PathBuf {
        dir.join("run").join("control.sock")
    }
}

/// A node whose vault runs and may be locked: what there is before its rooms can be opened.
pub struct ClosedNode {
    /// The data directory.
    pub dir: PathBuf,
    /// Its configuration.
    pub config: Config,
    /// The way to the vault.
    pub gate: VaultGate,
    pub(crate) host: Arc<dyn Host>,
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
    pub fn take(dir: &Path, host: Arc<dyn Host>) -> Result<Self, NodeError> {
        let config = Config::load(dir)?;
        let lock = DirLock::take(dir).map_err(|error| NodeError::Lock(error.to_string()))?;
        let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let gate = start_vault(dir, &clock)?;
        Self::of(dir, config, lock, gate, clock, entropy, host)
    }

    /// The same for a node whose own process is another one: gives the end of the vault's second pair of sockets, which is for that
    /// process.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub fn take_for_two(dir: &Path, host: Arc<dyn Host>) -> Result<(Self, OwnedFd), NodeError> {
        let config = Config::load(dir)?;
        let lock = DirLock::take(dir).map_err(|error| NodeError::Lock(error.to_string()))?;
        let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let program = vault_program(&dir.join("vault")).map_err(not_started)?;
        let (gate, other) = VaultGate::start_for_two(program, clock.clone()).map_err(not_started)?;
        Ok((Self::of(dir, config, lock, gate, clock, entropy, host)?, other))
    }

    /// The node in a process that has nothing but what its parent has given it.
    ///
    /// # Errors
    /// None so far.
    pub fn inside(
        dir: &Path,
        config: Config,
        lock: DirLock,
        gate: VaultGate,
        host: Arc<dyn Host>,
    ) -> Result<Self, NodeError> {
        Self::of(dir, config, lock, gate, Arc::new(SystemClock), Arc::new(SystemEntropy), host)
    }

    /// The directory's lock, for the node's own process: it is held until both have ended.
    ///
    /// # Errors
    /// The system's.
    pub fn lock_file(&self) -> io::Result<OwnedFd> {
        self.lock.file().map(OwnedFd::from)
    }

    pub(crate) fn of(
        dir: &Path,
        config: Config,
        lock: DirLock,
        gate: VaultGate,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        host: Arc<dyn Host>,
    ) -> Result<Self, NodeError> {
        let (dir, disk, lock) = (dir.to_owned(), Arc::new(RealDisk), Arc::new(lock));
        Ok(Self { dir, config, gate, host, disk, lock, clock, entropy })
    }

    /// The law set in use, which can be read while the node is locked.
    ///
    /// # Errors
    /// A set that is damaged or does not load.
    pub fn law_in_use(&self) -> Result<LawInUse, NodeError> {
        Ok(law_room(&self.dir, &self.config, &self.disk)?.in_use()?)
    }

    /// Unlocks the vault by what the configuration names, when that needs nobody; `None` when it is for people to do.
    ///
    /// # Errors
    /// A wrong or exposed passphrase file; the vault's.
    pub fn unlock_unattended(&self) -> Result<Option<Vault>, NodeError> {
        // As it is now: `node token add` changes it while the node runs.
        let config = Config::load(&self.dir)?.vault;
        match config.unlock {
            Unlock::PassphraseFile => {
                passphrase::unlock(&self.gate, &self.dir, self.config.vault.cost(), self.disk()).map(Some)
            }
            Unlock::ByHand => Ok(None),
            Unlock::Token => self.unlock_by_token(&config),
        }
    }

    /// Starts the vault's process again; it is locked then.
    ///
    /// # Errors
    /// The system's.
    pub fn restart_vault(&self) -> Result<(), NodeError> {
        Ok(self.gate.restart().map_err(not_started)?)
    }

    /// The same of a vault with two askers: the end of the second pair of sockets.
    ///
    /// # Errors
    /// The system's.
    pub fn restart_vault_for_two(&self) -> Result<OwnedFd, NodeError> {
        Ok(self.gate.restart_for_two().map_err(not_started)?)
    }

    /// The disk that everything but the vault is written through.
    pub fn disk(&self) -> &dyn Disk {
        self.disk.as_ref()
    }

    /// Opens the other rooms over an unlocked vault.
    ///
    /// # Errors
    /// What a room finds damaged.
    pub fn open_rooms(&self, vault: Vault) -> Result<Node, NodeError> {
        let Self { dir, config, gate, host, disk, lock, clock, entropy } = self;
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
        let log = Arc::new(log?);
        let (sizes, store_dir) = (config.store.settings(), dir.join("store"));
        let store = Store::open_with(sizes, disk.clone(), &store_dir, vault.clone(), clock.clone(), entropy.clone())?;
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
            large: LargeWork::default(),
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
        })?;
        let (dir, config, disk, lock) = (dir.clone(), config.clone(), disk.clone(), lock.clone());
        let (host, gate, rotating, closing) = (host.clone(), gate.clone(), Mutex::default(), Mutex::default());
        let node = Node { dir, config, mailroom, desk, gate, host, log, disk, rotating, closing, _lock: lock };
        node.follow_vault()?;
        node.finish_closings();
        Ok(node)
    }
}

/// Who signs the log in `dir`. Where the log has changed over to the vault's next key and was interrupted then, the vault
/// changes over too.
fn signer_of(vault: &Vault, disk: &dyn Disk, dir: &Path) -> Result<Arc<dyn ledger::Signer>, NodeError> {
    let published = ledger::published_key(disk, dir)?;
    match vault.signer_for(&published)? {
        Some(signer) => {
            if published != vault.log_verifier() {
                vault.finish_signing_rotation(&published)?;
            }
            Ok(signer)
        }
        // The log says whose it is instead.
        None => Ok(vault.log_signer()),
    }
}

/// The law set in use.
fn law_room(dir: &Path, config: &Config, disk: &Arc<dyn Disk>) -> Result<DeskLaw, NodeError> {
    Ok(DeskLaw::open(disk.clone(), dir.join("law"), &law::built_in(), config.counsel.clone())?)
}

/// Starts the process of the vault in `dir`: this program again, with a word that people do not type.
pub(crate) fn start_vault(dir: &Path, clock: &Arc<dyn Clock>) -> Result<VaultGate, NodeError> {
    start_vault_in(&dir.join("vault"), clock)
}

/// Starts the process of the vault in this folder, which is there. It is locked.
pub(crate) fn start_vault_in(folder: &Path, clock: &Arc<dyn Clock>) -> Result<VaultGate, NodeError> {
    let start = || VaultGate::start(vault_program(folder)?, clock.clone());
    Ok(start().map_err(not_started)?)
}

/// The process of the vault in this folder.
fn vault_program(folder: &Path) -> io::Result<VaultProgram> {
    let folder = std::path::absolute(folder)?;
    Ok(VaultProgram { program: std::env::current_exe()?, arguments: vec!["vault-process".into(), folder.into()] })
}

pub use crate::note::Note;
pub use mailroom::PASSWORD_CHARS_MIN;

/// The vault's process does not start.
fn not_started(error: std::io::Error) -> RoomError {
    RoomError { room: Room::Vault, message: format!("its process does not start: {error}") }
}

/// Where the passphrase lies of a node that unlocks itself by a file.
pub fn passphrase_path(dir: &Path) -> PathBuf {
    dir.join("secrets").join("passphrase")
}

/// Reads a file with a passphrase or PIN, which must be its owner's alone. A final line break is not part of it.
pub fn passphrase(path: &Path) -> Result<Secret<String>, NodeError> {
    let file = RoomError::at(path);
    if std::fs::metadata(path).map_err(&file)?.permissions().mode() & 0o077 != 0 {
        return Err(NodeError::Exposed(path.to_owned()));
    }
    let text = Secret::new(std::fs::read_to_string(path).map_err(&file)?);
    Ok(Secret::new(text.expose().trim_end_matches(['\r', '\n']).to_owned()))
}

/// A random passphrase of 125 bits in five-letter groups, for what a person must be able to type.
pub fn random_passphrase(entropy: &dyn Entropy) -> String {
    // 25 letters of 5 bits each; no i, l, o, 1, which look alike.
    const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz234567890";
    let mut bytes = [0; 25];
    entropy.fill(&mut bytes);
    let letters: Vec<u8> = bytes.iter().map(|byte| ALPHABET[usize::from(byte % 32)]).collect();
    letters.chunks(5).map(String::from_utf8_lossy).collect::<Vec<_>>().join("-")
}
