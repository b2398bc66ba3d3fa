//! One home with mail, officers and a ledger: the stage for the tests.

use std::path::PathBuf;
use std::sync::Arc;

use ledger::{Log, Opening};
use terms::{AccountId, CaseId, Category, Clock, Digest, Entropy, EpochId, MessageId, OfficerName, Secret, UnixMillis};
use vault::{
    AccountPublicKey, Act, Approval, BegunAct, Clearance, CostProfile, EpochSealer, Founding, KeyAsk, OfficerError,
    OfficerProof, OpenedShare, Order, Part, ProvenApproval, SealedEpochKey, Vault, VaultError, VaultGate,
    act_statement, approval_statement,
};
use world::{ManualClock, MemoryDisk, SeededEntropy};

pub(crate) const NODE_PASSPHRASE: &str = "node passphrase";
pub(crate) const PASSWORD: &str = "owner password";
pub(crate) const OFFICERS: [(&str, &str); 3] =
    [("ann", "passphrase of ann"), ("ben", "passphrase of ben"), ("cat", "passphrase of cat")];

/// Cheap enough for hundreds of guesses a second; a test of the format, not of the cost.
pub(crate) fn cheap() -> CostProfile {
    CostProfile::new(8, 1, 1).unwrap()
}

pub(crate) fn name(text: &str) -> OfficerName {
    text.parse().unwrap()
}

/// A sealed message, as the store would have it.
pub(crate) struct Stored {
    pub(crate) ask: KeyAsk,
    pub(crate) sealed: Vec<u8>,
    pub(crate) plain: Vec<u8>,
}

pub(crate) struct Desk {
    pub(crate) disk: MemoryDisk,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) entropy: Arc<SeededEntropy>,
    pub(crate) vault: Vault,
    pub(crate) log: Log,
    pub(crate) account: AccountId,
    pub(crate) public: AccountPublicKey,
    pub(crate) epochs: Vec<(EpochId, SealedEpochKey)>,
    /// Messages that arrived at hours 0, 1, 2 … after [`Desk::day`]'s start.
    pub(crate) mail: Vec<Stored>,
}

impl Desk {
    /// A home with two messages in each of three epochs. Different seeds make different keys.
    pub(crate) fn new(home: &str, seed: u64) -> Self {
        let (disk, clock) = (MemoryDisk::new(), Arc::new(ManualClock::default()));
        let entropy = Arc::new(SeededEntropy::new(seed));
        let vault = create(&disk, home, &clock, entropy.clone()).unwrap();
        let origin = vault.log_verifier().name().to_owned();
        let log = Log::create(Arc::new(disk.clone()), "ledger".into(), origin, vault.log_signer()).unwrap();
        let account = AccountId::random(&*entropy);
        let public = vault.create_account(account, &PASSWORD.into()).unwrap();
        let mut desk = Self { disk, clock, entropy, vault, log, account, public, epochs: Vec::new(), mail: Vec::new() };
        for epoch in 1..=3 {
            desk.receive(EpochId(epoch));
        }
        desk
    }

    /// Two messages arrive in a new epoch.
    pub(crate) fn receive(&mut self, epoch: EpochId) {
        let (sealer, sealed) = EpochSealer::start(self.account, &self.public, epoch, &*self.entropy).unwrap();
        self.epochs.push((epoch, sealed));
        for _ in 0..2 {
            let id = MessageId::random(&*self.entropy);
            let hours = self.mail.len() as i64;
            let arrival = UnixMillis(Self::day().0 + hours * 3_600_000);
            let plain = format!("Subject: message {hours}\r\n\r\ntext\r\n").into_bytes();
            let sealed = sealer.seal(id, arrival, Part::Original, &plain).unwrap();
            self.mail.push(Stored { ask: KeyAsk { epoch, id, arrival }, sealed, plain });
        }
    }

    /// The day on which the mail arrived.
    pub(crate) fn day() -> UnixMillis {
        UnixMillis(1_795_305_600_000)
    }

    /// An order for the content of messages 1 to 3.
    pub(crate) fn order(&self) -> Order {
        let hour = 3_600_000;
        Order {
            home: self.vault.home().clone(),
            case: CaseId(7),
            account: self.account,
            categories: vec![Category::Subscriber, Category::Content],
            from: Self::day().plus_millis(hour),
            until: Self::day().plus_millis(4 * hour),
            demand: Digest([1; 32]),
            decision: Digest([2; 32]),
            law: Digest([3; 32]),
            expires: self.clock.now().plus_millis(72 * hour),
        }
    }

    /// The asks for messages 1 to 3.
    pub(crate) fn asks(&self) -> Vec<KeyAsk> {
        self.mail[1..4].iter().map(|stored| stored.ask).collect()
    }

    pub(crate) fn approve(&self, order: &Order, officer: &str) -> (ProvenApproval, OpenedShare) {
        let passphrase = OFFICERS.iter().find(|(name, _)| *name == officer).unwrap().1;
        let (approval, opened) = self.vault.approve(order, &name(officer), &passphrase.into()).unwrap();
        (self.prove(approval), opened)
    }

    /// Records an approval in the home's ledger.
    pub(crate) fn prove(&self, approval: Approval) -> ProvenApproval {
        let opening = Opening::new(approval_statement(&approval), &*self.entropy);
        let receipt = self.log.append(&[opening.commitment()]).unwrap().remove(0);
        ProvenApproval { approval, opening, receipt }
    }

    /// An officer of [`OFFICERS`], who types the right passphrase.
    pub(crate) fn proof(officer: &str) -> OfficerProof {
        let passphrase = OFFICERS.iter().find(|(name, _)| *name == officer).unwrap().1;
        OfficerProof::Officer(name(officer), passphrase.into())
    }

    /// Two agree to an act, the ledger records it, the vault does it.
    pub(crate) fn act(&self, act: Act, proofs: [OfficerProof; 2]) -> Result<Vec<Secret<String>>, VaultError> {
        let newcomer = matches!(act, Act::Enrol { .. }).then(|| Secret::from("passphrase of dan"));
        self.finish(self.vault.begin_act(act, newcomer.as_ref(), proofs)?)
    }

    /// Records an act and has it done.
    pub(crate) fn finish(&self, begun: BegunAct) -> Result<Vec<Secret<String>>, VaultError> {
        let opening = Opening::new(act_statement(begun.signed()), &*self.entropy);
        let recorded = self.log.append(&[opening.commitment()]);
        let receipt = recorded
            .map_err(|error| VaultError::Officer(OfficerError::ActNotProven(error.to_string().into())))?
            .remove(0);
        self.vault.finish_act(begun, &opening, &receipt)
    }

    /// What an honest desk gives to `clear`.
    pub(crate) fn attempt(&self) -> Attempt {
        let order = self.order();
        let (one, _) = self.approve(&order, "ann");
        let (two, opened) = self.approve(&order, "ben");
        Attempt { order, approvals: [one, two], opened, asks: self.asks() }
    }

    pub(crate) fn clear(&self, attempt: Attempt) -> Result<Clearance, VaultError> {
        let Attempt { order, approvals, opened, asks } = attempt;
        self.vault.clear(&order, approvals, opened, &self.epochs, &asks)
    }

    /// The same vault after a restart.
    pub(crate) fn reopen(&self) -> Result<Vault, VaultError> {
        open(&self.disk, NODE_PASSPHRASE, &self.clock, self.entropy.clone())
    }
}

/// The arguments of `clear`, for an attacker to change.
pub(crate) struct Attempt {
    pub(crate) order: Order,
    pub(crate) approvals: [ProvenApproval; 2],
    pub(crate) opened: OpenedShare,
    pub(crate) asks: Vec<KeyAsk>,
}

pub(crate) fn create(
    disk: &MemoryDisk,
    home: &str,
    clock: &Arc<ManualClock>,
    entropy: Arc<dyn Entropy>,
) -> Result<Vault, VaultError> {
    gate(disk, clock, entropy).create(Founding {
        home: home.parse().unwrap(),
        log_origin: format!("{}.example/log", home.to_lowercase()),
        passphrase: NODE_PASSPHRASE.into(),
        officers: OFFICERS.iter().map(|(officer, passphrase)| (name(officer), Secret::from(*passphrase))).collect(),
        cost: cheap(),
    })
}

/// A locked vault.
pub(crate) fn gate(disk: &MemoryDisk, clock: &Arc<ManualClock>, entropy: Arc<dyn Entropy>) -> VaultGate {
    crate::home::here(Arc::new(disk.clone()), PathBuf::from("vault"), clock.clone(), entropy)
}

pub(crate) fn open(
    disk: &MemoryDisk,
    passphrase: &str,
    clock: &Arc<ManualClock>,
    entropy: Arc<dyn Entropy>,
) -> Result<Vault, VaultError> {
    gate(disk, clock, entropy).unlock(&passphrase.into(), cheap())
}

/// The variant of an error: of its subject, where it has one.
pub(crate) fn variant(error: &VaultError) -> String {
    let text = format!("{error:?}");
    let mut words = text.split(|c: char| !c.is_alphanumeric());
    let first = words.next().unwrap_or_default();
    let subjects = ["Files", "Unlock", "Owner", "Officer", "Order", "Mail", "Rotation"];
    if subjects.contains(&first) { words.next().unwrap_or_default() } else { first }.to_owned()
}
