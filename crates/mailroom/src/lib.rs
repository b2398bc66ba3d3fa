//! What is done with mail: delivery, reading, import and export. The machines (`smtp`, `imap`) decide, the store does,
//! and this room stands between them: it knows both and neither socket nor clock of its own.

use std::sync::Arc;

use store::Store;
use terms::{Clock, Entropy};
use vault::Vault;

pub mod delivery;
pub mod reading;

/// The mailroom of one node: what every door that moves mail needs. Cheap to clone.
#[derive(Clone)]
pub struct Mailroom {
    /// The sealed mail of this home.
    pub store: Arc<Store>,
    /// Keys and proofs of right.
    pub vault: Arc<Vault>,
    /// The node's clock.
    pub clock: Arc<dyn Clock>,
    /// The node's source of chance.
    pub entropy: Arc<dyn Entropy>,
    /// The name by which this node greets and stamps (RFC 5321 section 4.1.3), e.g. `mail.ie.example`.
    pub hostname: Arc<str>,
}
