//! The vault of a node: its calls. Each is shaped as a message (owned plain data in and out), so that the vault can
//! become a process of its own without a change to its callers.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use durable::Disk;
use terms::{AccountId, Clock, Digest, Entropy, EpochId, Jurisdiction, OfficerName, Secret};
use zeroize::Zeroizing;

use crate::VaultError;
use crate::account::{self, AccountKeys, Stretch};
use crate::approval::{Approval, OpenedShare, ProvenApproval};
use crate::clearance::Clearance;
use crate::crypto::{CostProfile, KeyPair, Lanes, PassphraseBox, PrivateHalf, SigningKey, join, random_key, split};
use crate::epoch::{AccountPublicKey, SealedEpochKey, open_epoch};
use crate::folder::{
    CLEARANCE_SUFFIX, CLEARANCES, Folder, NODE_FILE, ROSTER_FILE, account_file, clearance_file, damaged, officer_file,
};
use crate::message::{KeyAsk, MessageKey};
use crate::node::NodeKeys;
use crate::officer::{OFFICERS_MAX, OFFICERS_MIN, OfficerKeys, OfficerPublic, Roster};
use crate::order::Order;
use crate::service::ServiceKey;
use crate::sign_in::{Remembered, SignedIn};

/// The keys of one node, unlocked. Shared by all threads; every call may block on the disk, and those that take a
/// password or passphrase compute Argon2id.
///
/// `Debug` prints the home only.
pub struct Vault {
    folder: Folder,
    home: Jurisdiction,
    /// The service key as other rooms use it.
    service: ServiceKey,
    /// The service key as the vault uses it for its own files.
    own: ServiceKey,
    signer: Arc<NodeSigner>,
    verifier: ledger::Verifier,
    roster: Roster,
    cost: CostProfile,
    lanes: Lanes,
    /// What an unknown account's password is tried on.
    decoy: PassphraseBox,
    remembered: Remembered,
    /// Held while an account's file is read, changed and replaced.
    changing: Mutex<()>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({})", self.home)
    }
}

/// The node's signing key as the ledger sees it.
struct NodeSigner(SigningKey);

impl ledger::Signer for NodeSigner {
    fn public_key(&self) -> [u8; 32] {
        self.0.public()
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message)
    }
}

/// Making and opening a vault.
impl Vault {
    /// Makes the vault of a new node in `dir`, with 2 to 9 officers, each with an own passphrase, at
    /// [`CostProfile::OWASP`]. `log_origin` names the node's log.
    ///
    /// Everything is durable when it returns. A folder in which this was interrupted holds no vault yet, and it can be
    /// called again.
    ///
    /// # Errors
    /// [`VaultError::AlreadyThere`], [`VaultError::OfficerRoster`], [`VaultError::LogOrigin`],
    /// [`VaultError::EmptyPassphrase`], [`VaultError::Disk`].
    #[expect(clippy::too_many_arguments, reason = "a node is made once, and each of these is a decision")]
    pub fn create(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        home: Jurisdiction,
        log_origin: String,
        passphrase: &Secret<String>,
        officers: Vec<(OfficerName, Secret<String>)>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, VaultError> {
        let cost = CostProfile::OWASP;
        Self::create_at_cost(disk, dir, home, log_origin, passphrase, officers, clock, entropy, cost)
    }

    /// As [`create`](Self::create), at another cost of guessing.
    #[expect(clippy::too_many_arguments, reason = "a node is made once, and each of these is a decision")]
    pub fn create_at_cost(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        home: Jurisdiction,
        log_origin: String,
        passphrase: &Secret<String>,
        officers: Vec<(OfficerName, Secret<String>)>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        cost: CostProfile,
    ) -> Result<Self, VaultError> {
        let names: BTreeSet<&OfficerName> = officers.iter().map(|(name, _)| name).collect();
        let count = u8::try_from(officers.len()).map_err(|_| VaultError::OfficerRoster)?;
        if names.len() != officers.len() || !(OFFICERS_MIN..=OFFICERS_MAX).contains(&officers.len()) {
            return Err(VaultError::OfficerRoster);
        }
        for secret in officers.iter().map(|(_, secret)| secret).chain([passphrase]) {
            not_empty(secret)?;
        }
        let folder = Folder::new(disk, dir);
        if folder.exists(NODE_FILE) {
            return Err(VaultError::AlreadyThere);
        }
        let service_key = random_key(&*entropy);
        let node = NodeKeys { home, log_origin, signing_seed: random_key(&*entropy) };
        let signer = SigningKey::from_seed(&node.signing_seed).map_err(|_| VaultError::UnusableKey)?;
        node_verifier(&node.log_origin, &signer)?;
        let own = ServiceKey::for_vault(&service_key);
        let lanes = lanes();
        let stretch = Stretch { cost, lanes: &lanes, entropy: &*entropy };
        folder.create()?;

        // The escrow key exists whole in this block only.
        let escrow = KeyPair::generate(&*entropy);
        let shares = split(escrow.private.expose(), count, &*entropy);
        let mut roster = Roster { home: node.home.clone(), escrow: escrow.public, officers: Vec::new() };
        for ((name, passphrase), share) in officers.into_iter().zip(&shares) {
            let file = officer_file(&name);
            let (keys, public) =
                OfficerKeys::enrol(&node.home, &escrow.public, name, &passphrase, share, clock.now(), stretch)?;
            folder.write_checked(&own, &file, keys.to_bytes())?;
            roster.officers.push(public);
        }
        drop((escrow, shares));
        folder.write_checked(&own, ROSTER_FILE, roster.to_bytes())?;

        // Last, because it makes the folder a vault.
        folder.write_summed(NODE_FILE, node.to_bytes(&signer.public(), &service_key, passphrase, stretch)?)?;
        Self::assemble(folder, &service_key, node, roster, cost, clock, entropy)
    }

    /// Opens the vault in `dir` with the node's passphrase, at [`CostProfile::OWASP`] for what is sealed from now on, and
    /// removes the clearances whose time is over.
    ///
    /// # Errors
    /// [`VaultError::NotAVault`], [`VaultError::WrongPassphrase`], [`VaultError::Damaged`],
    /// [`VaultError::UnknownFormat`], [`VaultError::Disk`].
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        passphrase: &Secret<String>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, VaultError> {
        Self::open_at_cost(disk, dir, passphrase, clock, entropy, CostProfile::OWASP)
    }

    /// As [`open`](Self::open), at another cost of guessing for what is sealed from now on.
    pub fn open_at_cost(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        passphrase: &Secret<String>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        cost: CostProfile,
    ) -> Result<Self, VaultError> {
        let folder = Folder::new(disk, dir);
        let bytes = folder.read_summed(NODE_FILE)?.ok_or(VaultError::NotAVault)?;
        // A backup tool may have left out folders that were empty.
        folder.create()?;
        let (node, service_key) = NodeKeys::open(&bytes, passphrase, &lanes())?;
        let own = ServiceKey::for_vault(&service_key);
        let roster = folder.read_checked(&own, ROSTER_FILE)?.ok_or_else(|| damaged(ROSTER_FILE))?;
        let roster = Roster::from_bytes(&roster)?;
        if roster.home != node.home {
            return Err(damaged(ROSTER_FILE));
        }
        let vault = Self::assemble(folder, &service_key, node, roster, cost, clock, entropy)?;
        vault.forget_expired_clearances()?;
        Ok(vault)
    }

    fn assemble(
        folder: Folder,
        service_key: &Zeroizing<[u8; 32]>,
        node: NodeKeys,
        roster: Roster,
        cost: CostProfile,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, VaultError> {
        let signer = SigningKey::from_seed(&node.signing_seed).map_err(|_| damaged(NODE_FILE))?;
        Ok(Self {
            folder,
            service: ServiceKey::for_rooms(service_key),
            own: ServiceKey::for_vault(service_key),
            verifier: node_verifier(&node.log_origin, &signer)?,
            signer: Arc::new(NodeSigner(signer)),
            home: node.home,
            roster,
            cost,
            lanes: lanes(),
            decoy: account::decoy(cost, &*entropy),
            remembered: Remembered::new(&*entropy),
            changing: Mutex::new(()),
            clock,
            entropy,
        })
    }

    /// The home whose keys these are.
    pub fn home(&self) -> &Jurisdiction {
        &self.home
    }

    fn stretch(&self) -> Stretch<'_> {
        Stretch { cost: self.cost, lanes: &self.lanes, entropy: &*self.entropy }
    }
}

/// For tests that look behind the calls.
#[cfg(test)]
impl Vault {
    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    pub(crate) fn roster(&self) -> &Roster {
        &self.roster
    }
}

/// The service key: what the node needs while nobody is signed in.
impl Vault {
    /// Seals `plain` under the service key. `context` names what it is and must be given again to open; what is sealed in
    /// one context opens in no other. Adds 42 octets.
    pub fn service_seal(&self, context: &str, plain: &[u8]) -> Vec<u8> {
        self.service.seal(context, plain, &*self.entropy)
    }

    /// Opens what [`service_seal`](Self::service_seal) made in the same context.
    ///
    /// # Errors
    /// [`VaultError::DoesNotOpen`].
    pub fn service_open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.service.open(context, sealed)
    }

    /// A keyed hash (HMAC-SHA256): equal for equal data in one context, and without the service key it tells nothing.
    pub fn service_hash(&self, context: &str, data: &[u8]) -> [u8; 32] {
        self.service.hash(context, data)
    }

    /// Signs for the node: the checkpoints of its log, and certificates.
    pub fn log_signer(&self) -> Arc<dyn ledger::Signer> {
        self.signer.clone()
    }

    /// Checks what [`log_signer`](Self::log_signer) signed: the origin of the node's log and its public key.
    pub fn log_verifier(&self) -> ledger::Verifier {
        self.verifier.clone()
    }
}

/// Accounts and their owners.
impl Vault {
    /// Makes the keys of a new account in `strict` custody: its private half opens by `password`, or by two officers
    /// together. Durable when it returns.
    ///
    /// # Errors
    /// [`VaultError::AccountExists`], [`VaultError::EmptyPassphrase`], [`VaultError::Disk`].
    pub fn create_account(
        &self,
        account: AccountId,
        password: &Secret<String>,
    ) -> Result<AccountPublicKey, VaultError> {
        not_empty(password)?;
        let file = account_file(account);
        if self.folder.exists(&file) {
            return Err(VaultError::AccountExists(account));
        }
        let keys = AccountKeys::create_strict(account, password, &self.roster.escrow, self.stretch())?;
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.folder.exists(&file) {
            return Err(VaultError::AccountExists(account));
        }
        self.folder.write_checked(&self.own, &file, keys.to_bytes())?;
        Ok(AccountPublicKey(keys.public()))
    }

    /// The public half of an account's pair.
    ///
    /// # Errors
    /// [`VaultError::NoSuchAccount`], [`VaultError::Damaged`], [`VaultError::Disk`].
    pub fn account_public_key(&self, account: AccountId) -> Result<AccountPublicKey, VaultError> {
        Ok(AccountPublicKey(self.account_keys(account)?.public()))
    }

    /// Wraps the private half under another password. Durable when it returns; the old password signs nobody in from
    /// then on. Sessions that are open go on.
    ///
    /// # Errors
    /// [`VaultError::WrongPassword`], [`VaultError::EmptyPassphrase`], [`VaultError::NoSuchAccount`],
    /// [`VaultError::Damaged`], [`VaultError::Disk`].
    pub fn change_password(
        &self,
        account: AccountId,
        old: &Secret<String>,
        new: &Secret<String>,
    ) -> Result<(), VaultError> {
        not_empty(new)?;
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = self.account_keys(account)?.rewrap(old, new, self.stretch())?;
        let written = self.folder.write_checked(&self.own, &account_file(account), keys.to_bytes());
        // After an error the new file may stand: forget in any case.
        self.remembered.forget(account);
        written
    }

    /// Signs an owner in. Computes Argon2id, unless the same account and password did so in the last
    /// [`REMEMBERED_MILLIS`](crate::REMEMBERED_MILLIS).
    ///
    /// # Errors
    /// [`VaultError::WrongPassword`]; [`VaultError::NoSuchAccount`] after the same work; [`VaultError::Damaged`],
    /// [`VaultError::Disk`].
    pub fn sign_in(&self, account: AccountId, password: &Secret<String>) -> Result<SignedIn, VaultError> {
        let mark = self.remembered.mark(account, password);
        let began = match self.remembered.recall(mark, self.clock.now()) {
            Ok(signed_in) => return Ok(signed_in),
            Err(began) => began,
        };
        let keys = match self.account_keys(account) {
            Ok(keys) => keys,
            Err(error @ VaultError::NoSuchAccount(_)) => {
                self.try_on_decoy(account, password);
                return Err(error);
            }
            Err(error) => return Err(error),
        };
        let private = keys.open_by_password(password, &self.lanes)?;
        let signed_in = SignedIn::new(account, private);
        self.remembered.remember(mark, &signed_in, began, self.clock.now());
        Ok(signed_in)
    }

    /// Forgets the sign-ins that are remembered no longer, and with the last session of an owner the owner's key. A
    /// sign-in does the same; call this each minute, so that a quiet node keeps no keys.
    pub fn forget_stale_sign_ins(&self) {
        self.remembered.forget_stale(self.clock.now());
    }

    /// How much memory guesses at passwords and passphrases have filled since this vault was opened, in KiB: what a crowd of
    /// guessers costs the node.
    pub fn guessed_kib(&self) -> u64 {
        self.lanes.filled_kib()
    }

    /// Does the work of a sign-in that fails, for an address that is no account here: nobody learns from the time it
    /// takes which addresses exist.
    pub fn refuse_sign_in(&self, password: &Secret<String>) {
        let nobody = AccountId([0; 16]);
        let mark = self.remembered.mark(nobody, password);
        let _ = self.remembered.recall(mark, self.clock.now());
        let _ = self.account_keys(nobody);
        self.try_on_decoy(nobody, password);
    }

    fn try_on_decoy(&self, account: AccountId, password: &Secret<String>) {
        let context = account::password_context(account, &[0; 32]);
        let _ = self.decoy.open(password, &context, &self.lanes);
    }

    pub(crate) fn account_keys(&self, account: AccountId) -> Result<AccountKeys, VaultError> {
        let bytes = self.folder.read_checked(&self.own, &account_file(account))?;
        AccountKeys::from_bytes(account, &bytes.ok_or(VaultError::NoSuchAccount(account))?)
    }

    /// The keys of messages in the owner's own account, in the order of `asks`. `epochs` holds the sealed keys of the
    /// epochs that this session has not opened yet; more do no harm.
    ///
    /// # Errors
    /// [`VaultError::NoEpochKey`], [`VaultError::EpochDoesNotOpen`].
    pub fn message_keys(
        &self,
        signed_in: &SignedIn,
        epochs: &[(EpochId, SealedEpochKey)],
        asks: &[KeyAsk],
    ) -> Result<Vec<MessageKey>, VaultError> {
        signed_in.message_keys(epochs, asks)
    }
}

/// Officers and clearances.
impl Vault {
    /// The officers of this home.
    pub fn officers(&self) -> Vec<OfficerPublic> {
        self.roster.officers.clone()
    }

    /// An officer approves an order with the officer's own passphrase. The approval is to be recorded in the ledger
    /// ([`approval_statement`](crate::approval_statement)) before anything else is done with it. The opened share serves
    /// [`clear`](Self::clear) when this officer is the second; else drop it.
    ///
    /// # Errors
    /// [`VaultError::OtherHome`], [`VaultError::Order`], [`VaultError::Expired`], [`VaultError::NoSuchOfficer`],
    /// [`VaultError::WrongOfficerPassphrase`], [`VaultError::Damaged`], [`VaultError::Disk`].
    pub fn approve(
        &self,
        order: &Order,
        officer: &OfficerName,
        passphrase: &Secret<String>,
    ) -> Result<(Approval, OpenedShare), VaultError> {
        let now = self.clock.now();
        order.check(&self.home, now)?;
        let me = self.roster.officer(officer).ok_or_else(|| VaultError::NoSuchOfficer(officer.clone()))?;
        let file = officer_file(officer);
        let bytes = self.folder.read_checked(&self.own, &file)?.ok_or_else(|| damaged(&file))?;
        let secrets = OfficerKeys::from_bytes(officer, &bytes)?.open(&self.roster, me, passphrase, &self.lanes)?;
        Approval::sign(order, me, secrets, &self.roster, &self.own, now, &*self.entropy)
    }

    /// Whether `approval` is an enrolled officer's signed approval of exactly `order`, and the order still stands. Says
    /// nothing about the ledger.
    ///
    /// # Errors
    /// [`VaultError::OtherHome`], [`VaultError::Order`], [`VaultError::Expired`], [`VaultError::NotEnrolled`],
    /// [`VaultError::Signature`], [`VaultError::OtherOrder`], [`VaultError::FromTheFuture`].
    pub fn check_approval(&self, order: &Order, approval: &Approval) -> Result<(), VaultError> {
        let now = self.clock.now();
        order.check(&self.home, now)?;
        approval.check(order, &self.roster, now)
    }

    /// Makes the clearance of an order that two different officers approved, each approval proven in this home's own
    /// ledger. `opened` is what the officer who approved last has opened; `epochs` and `asks` name the messages wanted.
    ///
    /// Joins the two shares, opens the account's key, derives the keys that were asked for, and forgets the rest before
    /// it returns. All or nothing; the opened share is used up either way.
    ///
    /// # Errors
    /// As [`check_approval`](Self::check_approval) for either approval; [`VaultError::SameOfficer`],
    /// [`VaultError::Statement`], [`VaultError::Proof`], [`VaultError::OtherShare`]; [`VaultError::NoContent`] and
    /// [`VaultError::OutOfScope`] for asks beyond the order; [`VaultError::ShareDoesNotOpen`],
    /// [`VaultError::SharesDisagree`], [`VaultError::EscrowDoesNotOpen`]; and those of
    /// [`message_keys`](Self::message_keys).
    pub fn clear(
        &self,
        order: &Order,
        approvals: [ProvenApproval; 2],
        opened: OpenedShare,
        epochs: &[(EpochId, SealedEpochKey)],
        asks: &[KeyAsk],
    ) -> Result<Clearance, VaultError> {
        let now = self.clock.now();
        order.check(&self.home, now)?;
        let [one, two] = &approvals;
        if one.approval.officer == two.approval.officer {
            return Err(VaultError::SameOfficer(one.approval.officer.clone()));
        }
        for proven in [one, two] {
            proven.approval.check(order, &self.roster, now)?;
            proven.check_proof(&self.verifier)?;
        }
        let (first, second) = if opened.officer == two.approval.officer { (one, two) } else { (two, one) };
        if opened.order != order.digest() || opened.approval != second.approval.digest() {
            return Err(VaultError::OtherShare(second.approval.officer.clone()));
        }
        check_scope(order, asks)?;
        let officers = [first.approval.officer.clone(), second.approval.officer.clone()];

        let keys = if asks.is_empty() {
            // Both approvals stand, and nothing sealed to the account is wanted: the escrow key is not joined.
            Vec::new()
        } else {
            let private = self.account_by_escrow(order.account, &first.approval, &opened)?;
            scoped_keys(&private, order.account, epochs, asks)?
        };
        Ok(Clearance::new(order.clone(), officers, now, keys, self.clock.clone()))
    }

    /// The account's private half, by the share that `first` released and the share in `opened`.
    fn account_by_escrow(
        &self,
        account: AccountId,
        first: &Approval,
        opened: &OpenedShare,
    ) -> Result<PrivateHalf, VaultError> {
        let to = self.roster.officer(&opened.officer);
        let to = to.ok_or_else(|| VaultError::NotEnrolled(opened.officer.clone()))?;
        let released = first.released_share(to, opened, &self.own)?;
        let escrow = join(&released, &opened.share).map_err(|_| VaultError::SharesDisagree)?;
        let escrow = PrivateHalf::from_bytes(escrow.as_ref()).ok_or(VaultError::SharesDisagree)?;
        if escrow.public().ok() != Some(self.roster.escrow) {
            return Err(VaultError::SharesDisagree);
        }
        self.account_keys(account)?.open_by_escrow(&escrow)
    }

    /// Keeps a clearance across restarts: a file sealed under the service key that holds the message keys in scope and
    /// nothing wider. Durable when it returns. Whoever has the service key can open these messages until the file is
    /// forgotten: forget it as soon as the package is made.
    ///
    /// # Errors
    /// [`VaultError::Expired`], [`VaultError::Disk`].
    pub fn keep_clearance(&self, clearance: &Clearance) -> Result<(), VaultError> {
        clearance.check_time()?;
        let file = clearance_file(clearance.order().digest());
        self.folder.write(&file, &self.own.seal(&file, &clearance.to_bytes()?, &*self.entropy))
    }

    /// The clearance that was kept for an order. One whose time is over is removed.
    ///
    /// # Errors
    /// [`VaultError::NoClearance`], [`VaultError::Expired`], [`VaultError::Damaged`], [`VaultError::Disk`].
    pub fn clearance(&self, order: Digest) -> Result<Clearance, VaultError> {
        let file = clearance_file(order);
        let sealed = self.folder.read(&file)?.ok_or(VaultError::NoClearance(order))?;
        let plain = self.own.open(&file, &sealed).map(Zeroizing::new).map_err(|_| damaged(&file))?;
        let clearance = Clearance::from_bytes(&file, order, &plain, self.clock.clone())?;
        if let Err(expired) = clearance.check_time() {
            self.folder.remove(&file)?;
            return Err(expired);
        }
        Ok(clearance)
    }

    /// Removes the clearance that was kept for an order; none is no error. Durable when it returns, as far as the file
    /// system goes: blocks that the disk has not reused yet are the operator's matter (docs/threat-model.md).
    ///
    /// # Errors
    /// [`VaultError::Disk`].
    pub fn forget_clearance(&self, order: Digest) -> Result<(), VaultError> {
        self.folder.remove(&clearance_file(order))
    }

    /// Removes the clearances whose time is over. A damaged one stays, for somebody to look at.
    fn forget_expired_clearances(&self) -> Result<(), VaultError> {
        for name in self.folder.list(CLEARANCES)? {
            let order = name.strip_suffix(CLEARANCE_SUFFIX).and_then(|order| order.parse().ok());
            if let Some(Err(error @ VaultError::Disk { .. })) = order.map(|order| self.clearance(order)) {
                return Err(error);
            }
        }
        Ok(())
    }
}

/// Refuses asks that the order does not cover.
fn check_scope(order: &Order, asks: &[KeyAsk]) -> Result<(), VaultError> {
    if !asks.is_empty() && !order.covers_content() {
        return Err(VaultError::NoContent(order.case));
    }
    match asks.iter().find(|ask| !order.covers_arrival(ask.arrival)) {
        Some(ask) => Err(VaultError::OutOfScope(ask.id)),
        None => Ok(()),
    }
}

/// The message keys that were asked for. Each binds the arrival that was named: a lie about it opens nothing.
fn scoped_keys(
    private: &PrivateHalf,
    account: AccountId,
    sealed: &[(EpochId, SealedEpochKey)],
    asks: &[KeyAsk],
) -> Result<Vec<MessageKey>, VaultError> {
    let wanted: BTreeSet<EpochId> = asks.iter().map(|ask| ask.epoch).collect();
    let mut keys = Vec::with_capacity(asks.len());
    for epoch in wanted {
        let sealed = sealed.iter().find(|(id, _)| *id == epoch).ok_or(VaultError::NoEpochKey(epoch))?;
        let epoch_key = open_epoch(private, account, epoch, &sealed.1)?;
        let here = asks.iter().filter(|ask| ask.epoch == epoch);
        keys.extend(here.map(|ask| MessageKey::derive(&epoch_key, account, *ask)));
    }
    Ok(keys)
}

/// As many turns at Argon2id as the machine has processors.
fn lanes() -> Lanes {
    Lanes::new(std::thread::available_parallelism().map_or(1, usize::from))
}

fn node_verifier(origin: &str, signer: &SigningKey) -> Result<ledger::Verifier, VaultError> {
    ledger::Verifier::new(origin, signer.public()).map_err(|_| VaultError::LogOrigin)
}

fn not_empty(secret: &Secret<String>) -> Result<(), VaultError> {
    if secret.expose().is_empty() { Err(VaultError::EmptyPassphrase) } else { Ok(()) }
}
