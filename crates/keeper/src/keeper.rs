//! The person who holds the secrets of an unlocked vault. What it answers is in the file of each subject; here it is made and opened.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use durable::Disk;
use terms::{Clock, Entropy, Jurisdiction, OfficerName, Secret};
use vault::{CostProfile, FileError, Founding, MailError, OfficerError, VaultError};

use crate::account::Stretch;
use crate::crypto::{Key32, KeyPair, Lanes, SigningKey, random_key};
use crate::files::{Folder, NODE_FILE, ROSTER_FILE, damaged, officer_file};
use crate::node::keys::NodeKeys;
use crate::node::service_key::{FIRST_GENERATION, Numbered, ServiceKey};
use crate::node::{service_keys, signing_keys};
use crate::officers::escrow_sweep::EscrowSweep;
use crate::officers::pending_act::PendingAct;
use crate::officers::roster::{OFFICERS_MAX, OFFICERS_MIN, OfficerKeys, Roster};
use crate::owners::door::Doorkeeper;
use crate::owners::pair_sweeps::PairSweeps;
use crate::owners::sessions::{OpenShares, Remembered, Sessions, Tickets};

/// The keys of one node, unlocked. Shared by all threads; every call may block on the disk, and those that take a
/// password or passphrase compute Argon2id.
pub(crate) struct Keeper {
    pub(crate) folder: Folder,
    pub(crate) home: Jurisdiction,
    /// The service key as other crates use it.
    pub(crate) service: ServiceKey,
    /// The service key as the vault uses it for its own files.
    pub(crate) own: ServiceKey,
    pub(crate) signing: RwLock<Arc<signing_keys::Signing>>,
    pub(crate) roster: RwLock<Arc<Roster>>,
    pub(crate) cost: CostProfile,
    pub(crate) lanes: Lanes,
    /// What signing in needs beside the keys.
    pub(crate) door: Doorkeeper,
    pub(crate) remembered: Remembered,
    pub(crate) sessions: Sessions,
    pub(crate) pair_sweeps: PairSweeps,
    /// Epochs that were opened by X25519.
    pub(crate) epochs_opened: AtomicU64,
    pub(crate) shares: OpenShares,
    pub(crate) acts: Tickets<PendingAct>,
    /// Taken before `changing`, where both are.
    pub(crate) escrow_sweep: Mutex<Option<EscrowSweep>>,
    /// Taken after `changing`, where both are.
    pub(crate) keys: Mutex<service_keys::Keys>,
    /// Held while an account's or an officer's file, or the roster, is read, changed and replaced.
    pub(crate) changing: Mutex<()>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

/// Where a vault is and what the world gives it.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: PathBuf,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl Keeper {
    /// Makes the vault of a new node. Everything is durable when it returns. A folder in which this was interrupted holds
    /// no vault yet, and it can be called again.
    pub(crate) fn create(place: Place, founding: Founding) -> Result<Self, VaultError> {
        let Founding { home, log_origin, passphrase, officers, cost } = founding;
        let Place { disk, dir, clock, entropy } = place;
        let names: BTreeSet<&OfficerName> = officers.iter().map(|(name, _)| name).collect();
        if names.len() != officers.len() || !(OFFICERS_MIN..=OFFICERS_MAX).contains(&officers.len()) {
            return Err(VaultError::Officer(OfficerError::OfficerRoster));
        }
        for secret in officers.iter().map(|(_, secret)| secret).chain([&passphrase]) {
            not_empty(secret)?;
        }
        let folder = Folder::new(disk, dir);
        if folder.exists(NODE_FILE) {
            return Err(VaultError::Files(FileError::AlreadyThere));
        }
        let service_key = random_key(&*entropy);
        let seed = random_key(&*entropy);
        let named_by = SigningKey::from_seed(&seed).map_err(|_| VaultError::Mail(MailError::UnusableKey))?.public();
        let node = NodeKeys { home, log_origin, named_by, seeds: vec![seed] };
        signing_keys::Signing::of(&node)?;
        let keys = vec![(FIRST_GENERATION, service_key)];
        let own = ServiceKey::for_vault(&keys);
        let lanes = lanes();
        let stretch = Stretch { cost, lanes: &lanes, entropy: &*entropy };
        folder.create()?;

        // The escrow key exists whole in this block only.
        let escrow = KeyPair::generate(&*entropy);
        let mut roster = Roster::new(node.home.clone(), escrow.public);
        let now = clock.now();
        for (name, passphrase) in officers {
            let file = officer_file(&name);
            let (keys, public) = OfficerKeys::enrol(&node.home, name, &passphrase, now, now, stretch)?;
            folder.write_checked(&own, &file, keys.to_bytes())?;
            roster.add(public, 0);
        }
        roster.deal(&escrow, 0, &*entropy)?;
        drop(escrow);
        folder.write_checked(&own, ROSTER_FILE, roster.to_bytes())?;

        // Last, because it makes the folder a vault.
        folder.write_summed(NODE_FILE, node.to_bytes(&keys[0], &passphrase, stretch)?)?;
        Self::assemble(folder, keys, node, roster, cost, clock, entropy)
    }

    /// Opens a vault with the node's passphrase, at `cost` for what is sealed from now on, and removes the clearances whose
    /// time is over.
    pub(crate) fn open(place: Place, passphrase: &Secret<String>, cost: CostProfile) -> Result<Self, VaultError> {
        let folder = Folder::new(place.disk.clone(), place.dir.clone());
        let bytes = folder.read_summed(NODE_FILE)?.ok_or(VaultError::Files(FileError::NotAVault))?;
        let (_, (_, service_key)) = NodeKeys::open(&bytes, passphrase, &lanes())?;
        Self::open_with(place, service_key, cost)
    }

    /// Opens a vault with the service key itself, by whatever way that was opened.
    pub(crate) fn open_with(place: Place, service_key: Key32, cost: CostProfile) -> Result<Self, VaultError> {
        let Place { disk, dir, clock, entropy } = place;
        let folder = Folder::new(disk, dir);
        let bytes = folder.read_summed(NODE_FILE)?.ok_or(VaultError::Files(FileError::NotAVault))?;
        // A backup tool may have left out folders that were empty.
        folder.create()?;
        let (node, current) = NodeKeys::open_with(&bytes, &service_key)?;
        let keys = service_keys::with_older(&folder, current)?;
        let own = ServiceKey::for_vault(&keys);
        let roster = folder.read_checked(&own, ROSTER_FILE)?.ok_or_else(|| damaged(ROSTER_FILE))?;
        let roster = Roster::from_bytes(&roster)?;
        if roster.home != node.home {
            return Err(damaged(ROSTER_FILE));
        }
        let vault = Self::assemble(folder, keys, node, roster, cost, clock, entropy)?;
        vault.forget_expired_clearances()?;
        vault.forget_finished_rotations()?;
        Ok(vault)
    }

    fn assemble(
        folder: Folder,
        keys: Vec<Numbered>,
        node: NodeKeys,
        roster: Roster,
        cost: CostProfile,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, VaultError> {
        let own = ServiceKey::for_vault(&keys);
        let door = Doorkeeper::new(&folder, &own, cost, &*entropy)?;
        Ok(Self {
            folder,
            service: ServiceKey::for_rooms(&keys),
            own,
            signing: RwLock::new(Arc::new(signing_keys::Signing::of(&node)?)),
            home: node.home,
            roster: RwLock::new(Arc::new(roster)),
            cost,
            lanes: lanes(),
            door,
            remembered: Remembered::new(&*entropy),
            sessions: Sessions::default(),
            pair_sweeps: PairSweeps::default(),
            epochs_opened: AtomicU64::new(0),
            shares: OpenShares::default(),
            acts: Tickets::default(),
            escrow_sweep: Mutex::default(),
            keys: Mutex::new(service_keys::Keys::new(keys, clock.now())),
            changing: Mutex::new(()),
            clock,
            entropy,
        })
    }

    /// The officers and the escrow key as they are now.
    pub(crate) fn roster(&self) -> Arc<Roster> {
        self.roster.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the roster, on the disk and then here. The caller holds `changing`.
    pub(crate) fn replace_roster(&self, roster: Roster) -> Result<(), VaultError> {
        self.folder.write_checked(&self.own, ROSTER_FILE, roster.to_bytes())?;
        *self.roster.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(roster);
        Ok(())
    }

    pub(crate) fn stretch(&self) -> Stretch<'_> {
        Stretch { cost: self.cost, lanes: &self.lanes, entropy: &*self.entropy }
    }

    /// The home whose keys these are.
    pub(crate) fn home(&self) -> &Jurisdiction {
        &self.home
    }
}

/// For tests that look behind the calls.
#[cfg(test)]
impl Keeper {
    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// What an officer's passphrase opened; it is not kept any longer.
    #[allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
    pub(crate) fn opened(&self, share: vault::ShareId) -> crate::officers::release::OpenedSecrets {
        self.shares.take(share).unwrap()
    }
}

/// As many Argon2id computations at once as the machine has processors.
pub(crate) fn lanes() -> Lanes {
    Lanes::new(std::thread::available_parallelism().map_or(1, usize::from))
}

pub(crate) fn not_empty(secret: &Secret<String>) -> Result<(), VaultError> {
    if secret.expose().is_empty() { Err(VaultError::EmptyPassphrase) } else { Ok(()) }
}
