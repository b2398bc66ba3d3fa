//! What the operator declares about a node: who owns it, who can access its stores, which copies are elsewhere. The
//! place of storage is only one of four connecting factors, and the demand does not state the other three.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use terms::{Category, Jurisdiction};

/// The two parts of the home's own store, as named in decisions: the mail, and the account record.
pub const OWN_COPIES: [&str; 2] = ["mailbox", "account record"];

/// A node's declared facts (`[home]` of its configuration). `Debug` prints only the home, since users are identified by
/// address.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the names say it")]
pub struct HomeFacts {
    pub home: Jurisdiction,
    /// Its IANA time zone, `Europe/Dublin`.
    pub zone: String,
    /// The provider's companies. The list is assumed to be complete.
    pub entities: Vec<Entity>,
    /// Copies outside the home's own store, such as a parent company's customer record.
    #[serde(default)]
    pub copies: Vec<DeclaredCopy>,
    /// Further facts in the vocabulary that hold for every demand at this home, by name.
    #[serde(default)]
    pub facts: toml::Table,
    /// Facts about users, by address (canonical form) or `*` for all others.
    #[serde(default)]
    pub users: BTreeMap<String, toml::Table>,
}

impl fmt::Debug for HomeFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HomeFacts({})", self.home)
    }
}

/// One of the provider's companies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Entity {
    pub name: String,
    /// Where it is established.
    pub established: Jurisdiction,
    /// Where its parent company is established, if it has one.
    #[serde(default)]
    pub parent_established: Option<Jurisdiction>,
    /// The States whose courts have jurisdiction over it. The list is assumed to be complete.
    pub subject_to: BTreeSet<Jurisdiction>,
    /// Whether it operates the home's store, or can have it opened, moved or copied.
    pub controls_store: bool,
    /// Whether it is the company that operates the home's store.
    #[serde(default)]
    pub runs_store: bool,
    /// `controller` or `processor` of the mail under data protection law.
    #[serde(default)]
    pub role: Option<String>,
    /// Whether it is the designated establishment or legal representative that orders from other Member States are
    /// addressed to.
    #[serde(default)]
    pub designated: bool,
}

/// A copy outside the home's own store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclaredCopy {
    /// Its name in decisions, such as `parent's own customer record`.
    pub name: String,
    /// The categories it holds.
    pub holds: BTreeSet<Category>,
    /// Where it is stored.
    pub stored: BTreeSet<Jurisdiction>,
    /// The entity that holds it, by name.
    pub held_by: String,
}
