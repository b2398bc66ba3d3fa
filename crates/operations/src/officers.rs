//! Officers and what they do with their own keys. Two agree, and the ledger has it first.

use serde::{Deserialize, Serialize};
use terms::{Digest, OfficerName, Secret};
use vault::{Act, OfficerProof, SignedAct, VaultError, act_statement};

use crate::error::{Lower, OperationError, RoomError};
use crate::keys::KeysError;
use crate::node::Node;
use crate::operation::{Moment, Operation, Progress, SecretText, TwoConsents, Unit, both, shown_once};

/// Accounts that are sealed to a new key between two reports of how far it is.
const SWEEP_BATCH: u64 = 64;

/// Why something that officers do was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the texts say it")]
pub enum OfficersError {
    #[error(transparent)]
    Room(RoomError),
}

/// Lists the officers of this home.
#[derive(Debug, Serialize, Deserialize)]
pub struct ListOfficers {}

/// The officers of a home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
#[allow(missing_docs, reason = "the names say it")]
pub struct OfficerList {
    pub officers: Vec<Officer>,
}

/// An officer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Officer {
    pub officer: OfficerName,
    pub enrolled: Moment,
    /// From when on approvals count.
    pub in_power: Moment,
    /// Whether they count now.
    pub approves: bool,
    /// The Ed25519 public key, in hexadecimal.
    pub key: String,
}

impl Operation for ListOfficers {
    type Target = Node;
    type Output = OfficerList;
    type Error = OfficersError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<OfficerList, OfficersError> {
        Ok(node.officer_list()?)
    }
}

/// Two people do something together that opens no mail.
#[derive(Debug, Serialize, Deserialize)]
pub struct ActOfTwo {
    /// What.
    pub act: Act,
    /// The passphrase of a new officer.
    pub newcomer: Option<SecretText>,
    /// Who agrees.
    pub by: TwoConsents,
}

/// What two people did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ActDone {
    /// The word for it in the ledger.
    pub act: String,
    /// What was done.
    pub what: Act,
    /// The home.
    pub home: String,
    /// Officers by name, paper shares by number.
    pub by: Vec<String>,
    /// The ledger's entry.
    pub entry: u64,
    /// SHA-256 of what the officers signed.
    pub digest: Digest,
    /// Paper shares, as words; they exist in this answer only.
    pub paper_shares: Vec<SecretText>,
}

impl Operation for ActOfTwo {
    type Target = Node;
    type Output = ActDone;
    type Error = OperationError;

    fn run(self, node: &Node, progress: &mut dyn FnMut(Progress)) -> Result<ActDone, OperationError> {
        let newcomer = self.newcomer.map(|passphrase| passphrase.0);
        let (signed, paper_shares, entry) = node.act_of_two(self.act.clone(), newcomer, both(self.by))?;
        if matches!(self.act, Act::Remove { .. } | Act::RotateEscrow) {
            node.sweep_escrow(progress)?;
        }
        Ok(ActDone {
            act: signed.act.name().to_owned(),
            what: self.act,
            home: node.config.jurisdiction.to_string(),
            by: signed.by.iter().map(vault::ActedBy::label).collect(),
            entry,
            digest: signed.digest(),
            paper_shares: shown_once(paper_shares),
        })
    }
}

/// Changes an officer's passphrase.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ChangeOfficerPassphrase {
    pub officer: OfficerName,
    pub old: SecretText,
    pub new: SecretText,
}

/// An officer approves with another passphrase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct OfficerPassphraseChanged {
    pub officer: OfficerName,
}

impl Operation for ChangeOfficerPassphrase {
    type Target = Node;
    type Output = OfficerPassphraseChanged;
    type Error = OfficersError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<OfficerPassphraseChanged, OfficersError> {
        let Self { officer, old, new } = self;
        node.mailroom.vault.change_officer_passphrase(&officer, &old.0, &new.0)?;
        Ok(OfficerPassphraseChanged { officer })
    }
}

impl Node {
    pub(crate) fn officer_list(&self) -> Result<OfficerList, VaultError> {
        let now = self.mailroom.clock.now();
        let officers = self.mailroom.vault.officers()?.into_iter().map(|officer| Officer {
            enrolled: officer.enrolled.into(),
            in_power: officer.in_power.into(),
            approves: now >= officer.in_power,
            key: terms::hex(&officer.verifying_key),
            officer: officer.name,
        });
        Ok(OfficerList { officers: officers.collect() })
    }

    /// Two agree, the ledger has it, and only then the vault does it. Gives what was signed, paper shares if there are any,
    /// and the number of the ledger's entry.
    pub(crate) fn act_of_two(
        &self,
        act: Act,
        new_secret: Option<Secret<String>>,
        by: [OfficerProof; 2],
    ) -> Result<(SignedAct, Vec<Secret<String>>, u64), OfficersError> {
        let vault = &self.mailroom.vault;
        let begun = vault.begin_act(act, new_secret.as_ref(), by)?;
        let signed = begun.signed().clone();
        let recorded = self.desk.record_house(act_statement(&signed))?;
        let paper_shares = vault.finish_act(begun, &recorded.0, &recorded.1)?;
        Ok((signed, paper_shares, recorded.1.index))
    }

    fn sweep_escrow(&self, progress: &mut dyn FnMut(Progress)) -> Result<(), KeysError> {
        loop {
            let sweep = self.mailroom.vault.sweep_escrow(SWEEP_BATCH);
            let sweep = sweep.map_err(|error| KeysError::SweepStopped(error.told()))?;
            progress(Progress { unit: Unit::Accounts, done: sweep.done, total: sweep.total, failed: 0 });
            if sweep.finished {
                return Ok(());
            }
        }
    }
}
