//! What the operator of a node declares about it: who owns it, who can reach its stores, which copies lie elsewhere.
//! Storage place is one of four connecting factors only, and the demand does not know the other three.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use terms::{Category, Jurisdiction};

/// The home's own store in two parts, by the names they have in decisions: the mail, and the record of the account.
pub const OWN_COPIES: [&str; 2] = ["mailbox", "account record"];

/// A node's declared facts (`[home]` of its configuration). `Debug` prints the home alone: the users are named by address.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HomeFacts {
    /// The home.
    pub home: Jurisdiction,
    /// Its IANA time zone, `Europe/Dublin`.
    pub zone: String,
    /// The companies that the provider consists of. The list is taken as complete.
    pub entities: Vec<Entity>,
    /// Copies that lie elsewhere than in the home's own store, such as a parent's own customer record.
    #[serde(default)]
    pub copies: Vec<DeclaredCopy>,
    /// Further facts of the vocabulary that hold for every demand at this home, by name.
    #[serde(default)]
    pub facts: toml::Table,
    /// What is known of the users, by address (canonical form) or `*` for all others: facts of the vocabulary.
    #[serde(default)]
    pub users: BTreeMap<String, toml::Table>,
}

impl fmt::Debug for HomeFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HomeFacts({})", self.home)
    }
}

/// A company of the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entity {
    /// Its name.
    pub name: String,
    /// Where it is established.
    pub established: Jurisdiction,
    /// Where its parent is established, if it has one.
    #[serde(default)]
    pub parent_established: Option<Jurisdiction>,
    /// Whose courts have power over it. The list is taken as complete.
    pub subject_to: BTreeSet<Jurisdiction>,
    /// It runs the home's store, or can have it opened, moved or copied.
    pub controls_store: bool,
    /// It is the company that runs the home's store itself.
    #[serde(default)]
    pub runs_store: bool,
    /// `controller` or `processor` of the mail, where data protection law asks.
    #[serde(default)]
    pub role: Option<String>,
    /// It is the designated establishment (or legal representative) that orders of other member States are addressed to.
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
    /// Where it lies.
    pub stored: BTreeSet<Jurisdiction>,
    /// The entity that holds it, by name.
    pub held_by: String,
}
