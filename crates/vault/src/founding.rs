//! What a new vault is made of.

use terms::{Jurisdiction, OfficerName, Secret};

use crate::cost::CostProfile;

/// What a new vault is made of.
pub struct Founding {
    /// The home whose keys it will hold.
    pub home: Jurisdiction,
    /// The name of the node's log.
    pub log_origin: String,
    /// What will unlock the service key.
    pub passphrase: Secret<String>,
    /// The first officers, 2 to 9, each with their own passphrase.
    pub officers: Vec<(OfficerName, Secret<String>)>,
    /// What a guess at a passphrase or password costs from now on.
    pub cost: CostProfile,
}
