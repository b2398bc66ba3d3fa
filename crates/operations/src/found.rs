//! Making a node, and measuring what a guess at a secret may cost on this machine.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use durable::{RealDisk, SystemClock};
use serde::{Deserialize, Serialize};
use terms::{Clock, Jurisdiction, OfficerName, Secret};

use crate::config::{Config, Cost, Listen, TokenConfig, Unlock, VaultConfig};
use crate::error::RoomError;
use crate::node::{Founding, Node, NodeError, random_passphrase, start_vault_in};
use crate::officers::Officer;
use crate::operation::SecretText;

/// What an operator says of a new node.
#[derive(Debug, Clone)]
pub struct NewNode {
    /// Where the mailboxes live.
    pub jurisdiction: Jurisdiction,
    /// The IANA time zone in which its deadlines run.
    pub zone: String,
    /// The company that runs the node, as the rules and the letters name it.
    pub operator: String,
    /// The node's name in greetings and certificates.
    pub hostname: String,
    /// The domains that live here.
    pub domains: Vec<String>,
    /// The token that unlocks it, if one does.
    pub token: Option<TokenConfig>,
    /// Whether key holders unlock it.
    pub by_hand: bool,
    /// Where its doors listen, and the first port.
    pub listen: (IpAddr, u16),
}

impl NewNode {
    /// The configuration of such a node. Measures the cost of a guess, which takes seconds.
    ///
    /// # Errors
    /// The measurement's.
    pub fn config(self) -> Result<Config, NodeError> {
        let home = rules::HomeFacts {
            home: self.jurisdiction.clone(),
            zone: self.zone,
            // One company, here, with no parent: for the operator to correct.
            entities: vec![rules::Entity {
                name: self.operator,
                established: self.jurisdiction.clone(),
                parent_established: None,
                subject_to: [self.jurisdiction.clone()].into(),
                controls_store: true,
                runs_store: true,
                role: None,
                designated: false,
            }],
            copies: Vec::new(),
            facts: toml::Table::new(),
            users: Default::default(),
        };
        let unlock = match (&self.token, self.by_hand) {
            (Some(_), _) => Unlock::Token,
            (None, true) => Unlock::ByHand,
            (None, false) => Unlock::PassphraseFile,
        };
        let name = format!("Bailiwick node {}", self.hostname);
        let domains = self.domains.iter().map(|domain| domain.to_lowercase()).collect();
        let (address, ports) = self.listen;
        let mut config = Config::new(name, self.hostname, domains, Listen::at(address, ports), home);
        config.vault = VaultConfig { unlock, cost: Some(measured()?), token: self.token, ..VaultConfig::default() };
        Ok(config)
    }
}

/// The secrets of a new node's people, and of its token.
pub struct NewSecrets {
    /// The first officers and their own passphrases.
    pub officers: Vec<(OfficerName, Secret<String>)>,
    /// Who unlocks the node by hand.
    pub key_holders: Vec<(OfficerName, Secret<String>)>,
    /// The PIN of the token, and the key in it (hexadecimal) if there is one already.
    pub token: Option<(Secret<String>, Option<String>)>,
}

/// A new node.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NodeMade {
    /// Its directory.
    pub dir: PathBuf,
    /// Where its mailboxes live.
    pub jurisdiction: Jurisdiction,
    /// The officers and their public keys.
    pub officers: Vec<Officer>,
    /// The public key of the ledger.
    pub ledger_key: String,
    /// How it is unlocked.
    pub unlock: Unlock,
    /// Somebody types the token's PIN after each start.
    pub token_attended: bool,
    /// Whether key holders unlock it.
    pub key_holders: bool,
    /// The node's own passphrase, where no file holds it; it exists in this answer only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<SecretText>,
}

/// Makes a node in `dir`, which must be empty or absent. Durable when it returns.
///
/// # Errors
/// As [`Node::found`].
pub fn make_node(dir: &Path, config: Config, secrets: NewSecrets) -> Result<NodeMade, NodeError> {
    let NewSecrets { officers, key_holders, token } = secrets;
    let passphrase = Secret::new(random_passphrase(&vault::SystemEntropy));
    let written_down = passphrase.clone();
    let (unlock, has_holders) = (config.vault.unlock, !key_holders.is_empty());
    let token_attended = config.vault.token.as_ref().is_some_and(TokenConfig::is_attended);
    let node = Node::found(dir, Founding { config, passphrase, officers, key_holders, token })?;
    Ok(NodeMade {
        dir: dir.to_owned(),
        jurisdiction: node.config.jurisdiction.clone(),
        officers: node.officer_list()?.officers,
        ledger_key: node.log.verifier().to_string(),
        unlock,
        token_attended,
        key_holders: has_holders,
        passphrase: (unlock != Unlock::PassphraseFile).then(|| written_down.into()),
    })
}

/// What a guess at a secret costs from the next start of the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Tuned {
    pub cost: Cost,
}

/// Measures what a guess may cost on this machine and writes it into the node's configuration.
///
/// # Errors
/// No node there; the measurement's; the disk's.
pub fn tune(dir: &Path) -> Result<Tuned, NodeError> {
    // Measured only where there is a node.
    Config::load(dir)?;
    let cost = measured()?;
    Config::change(&RealDisk, dir, |config| config.vault.cost = Some(cost))?;
    Ok(Tuned { cost })
}

/// What a guess may cost on this machine within [`vault::GUESS_TARGET_MILLIS`]. The vault's process measures it, which is the
/// only one that computes Argon2id.
fn measured() -> Result<Cost, NodeError> {
    let folder = tempfile::tempdir().map_err(|error| RoomError::file(Path::new("a temporary folder"), error))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let cost = start_vault_in(folder.path(), &clock)?.measure_cost(vault::GUESS_TARGET_MILLIS)?;
    Ok(Cost { memory_kib: cost.memory_kib(), passes: cost.passes(), lanes: cost.lanes() })
}
